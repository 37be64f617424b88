// Uses the API through the types that openapi-typescript generates. The argument is Duet's origin.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi.js";

type Problem = components["schemas"]["Problem"];

const [, , baseUrl = ""] = process.argv;
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const email = "ada.fetch@example.com";
const password = "correct horse battery staple";
// It compiles only if the enum is complete: every location has a label, and there is no other.
const LABELS: Record<components["schemas"]["FieldLocation"], string> = {
  body: "form", query: "address", path: "address", header: "header",
};

function isEmailTaken(problem: Problem): boolean {
  // @ts-expect-error: a misspelt code does not compile.
  problem.code === "email_takn";
  return problem.code === "email_taken";
}

const anonymous = createClient<paths>({ baseUrl });

// Register.
const registration = { email, password, first_name: "Ada", last_name: "Lovelace" };
const registered = await anonymous.POST("/api/v1/auth/register", { body: registration });
assert.ok(registered.data);
assert.equal(registered.data.email, email);
const again = await anonymous.POST("/api/v1/auth/register", { body: registration });
assert.ok(again.error);
assert.ok(isEmailTaken(again.error));
assert.equal(again.error.errors, undefined);

const weak = await anonymous.POST("/api/v1/auth/register", {
  body: { email: "other@example.com", password: "short" },
});
assert.ok(weak.error);
assert.equal(weak.error.code, "validation_failed");
const [tooShort] = weak.error.errors ?? [];
assert.ok(tooShort);
// @ts-expect-error: a misspelt code does not compile.
tooShort.code === "to_short";
assert.equal(LABELS[tooShort.in], "form");
assert.deepEqual(
  [tooShort.in, tooShort.field, tooShort.code, tooShort.params["min"]],
  ["body", "/password", "too_short", 8],
);
assert.match(tooShort.detail, /^must /);

// Log in.
const wrong = await anonymous.POST("/api/v1/auth/login", {
  body: { username: email, password: "wrong" }, headers: FORM,
});
assert.equal(wrong.error?.code, "invalid_credentials");
const login = await anonymous.POST("/api/v1/auth/login", {
  body: { username: email, password }, headers: FORM,
});
assert.ok(login.data);
const headers = { Authorization: `Bearer ${login.data.access_token}` };
const api = createClient<paths>({ baseUrl, headers });

// An absent field is not changed; null clears it.
const renamed = await api.PATCH("/api/v1/users/me", { body: { first_name: "Augusta" } });
assert.equal(renamed.data?.last_name, "Lovelace");
const cleared = await api.PATCH("/api/v1/users/me", { body: { last_name: null } });
assert.equal(cleared.data?.full_name, "Augusta");

// Write a profile.
const profile = await api.PUT("/api/v1/profiles/me", {
  body: { display_name: "Ada", bio: "Analyst" },
});
assert.ok(profile.data);
const withoutBio = await api.PATCH("/api/v1/profiles/me", { body: { bio: null } });
assert.deepEqual([withoutBio.data?.display_name, withoutBio.data?.bio], ["Ada", null]);
const withBio = await api.PATCH("/api/v1/profiles/me", { body: { bio: "Analyst of engines" } });
assert.equal(withBio.data?.display_name, "Ada");
// @ts-expect-error: undefined is not one of the three states.
const undefinedBio: components["schemas"]["ProfilePatch"] = { bio: undefined };

// Write a post.
const content = "It weaves algebra. ".repeat(50);
const created = await api.POST("/api/v1/posts", { body: { title: "Draft", content } });
assert.ok(created.data);
const path = { post_id: created.data.id };
const retitled = await api.PATCH("/api/v1/posts/{post_id}", {
  params: { path }, body: { title: "Notes" },
});
assert.deepEqual([retitled.data?.title, retitled.data?.content], ["Notes", content]);
// @ts-expect-error: a title cannot be cleared.
const withoutTitle: components["schemas"]["PostPatch"] = { title: null };

// ETags.
const staleEtag = created.response.headers.get("ETag");
const etag = retitled.response.headers.get("ETag");
assert.ok(staleEtag && etag && staleEtag !== etag);
const conflict = await api.PATCH("/api/v1/posts/{post_id}", {
  params: { path, header: { "If-Match": staleEtag } }, body: { title: "Lost" },
});
assert.equal(conflict.error?.code, "precondition_failed");
const published = await api.POST("/api/v1/posts/{post_id}/publish", {
  params: { path, header: { "If-Match": etag } },
});
const publishedEtag = published.response.headers.get("ETag");
assert.ok(publishedEtag);
const unchanged = await anonymous.GET("/api/v1/posts/{post_id}", {
  params: { path, header: { "If-None-Match": publishedEtag } },
});
assert.equal(unchanged.response.status, 304);

// Read the pages of a list without a token.
for (const title of ["Second", "Third"]) {
  const { data } = await api.POST("/api/v1/posts", { body: { title } });
  assert.ok(data);
  await api.POST("/api/v1/posts/{post_id}/publish", { params: { path: { post_id: data.id } } });
}
const titles: string[] = [];
let cursor: string | null = null;
do {
  const page: { data?: components["schemas"]["PostPage"] } = await anonymous.GET("/api/v1/posts", {
    params: { query: { author: registered.data.id, limit: 2, cursor } },
  });
  assert.ok(page.data);
  for (const item of page.data.items) {
    // @ts-expect-error: only a single post has its content.
    assert.equal(item.content, undefined);
    titles.push(item.title);
    if (item.id === created.data.id) assert.equal(item.excerpt, content.slice(0, 500));
  }
  cursor = page.data.next_cursor;
} while (cursor !== null);
assert.deepEqual(titles, ["Third", "Second", "Notes"]);

// Errors.
const drafts = await anonymous.GET("/api/v1/posts", { params: { query: { status: "draft" } } });
assert.equal(drafts.response.status, 401);
assert.equal(drafts.error?.code, "authentication_required");
const missing = await anonymous.GET("/api/v1/posts/{post_id}", {
  params: { path: { post_id: registered.data.id } },
});
assert.equal(missing.error?.code, "post_not_found");
const unknown = await anonymous.GET("/api/v1/posts", {
  // @ts-expect-error: an unknown query parameter does not compile.
  params: { query: { autor: "me" } },
});
const [field] = unknown.error?.errors ?? [];
assert.deepEqual([field?.in, field?.field, field?.code], ["query", "autor", "unknown_field"]);
