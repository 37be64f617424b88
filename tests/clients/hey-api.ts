// Uses the API through the client that hey-api generates. The argument is Duet's origin.
import assert from "node:assert/strict";
import { createClient, createConfig } from "./compiled/client/index.js";
import {
  createPost, listPosts, login, publishPost, readPost, readProfile, register, replaceMyProfile,
  updateMe, updateMyProfile, updatePost,
} from "./compiled/sdk.gen.js";
import type {
  FieldErrorCode, PostPage, PostPatch, Problem, ProfilePatch, RegisterError,
} from "./compiled/types.gen.js";

const [, , baseUrl = ""] = process.argv;
const email = "ada.hey@example.com";
const password = "correct horse battery staple";

function isEmailTaken(problem: RegisterError): boolean {
  // @ts-expect-error: a misspelt code does not compile.
  problem.code === "email_takn";
  return problem.code === "email_taken";
}

function minimum(problem: Problem, field: string): number | undefined {
  const tooShort: FieldErrorCode = "too_short";
  const error = problem.errors?.find((e) => e.in === "body" && e.field === field);
  const min = error?.code === tooShort ? error.params["min"] : undefined;
  return typeof min === "number" ? min : undefined;
}

const anonymous = createClient(createConfig({ baseUrl }));

// Register.
const registration = { email, password, first_name: "Ada", last_name: "Lovelace" };
const registered = await register({ client: anonymous, body: registration });
assert.ok(registered.data);
assert.equal(registered.data.email, email);
const again = await register({ client: anonymous, body: registration });
assert.ok(again.error);
assert.ok(isEmailTaken(again.error));
const weak = await register({
  client: anonymous, body: { email: "another@example.com", password: "short" },
});
assert.ok(weak.error);
assert.equal(weak.error.code, "validation_failed");
assert.equal(minimum(weak.error, "/password"), 8);

// Log in. The client sends the form, and gets the token from `auth` where one is accepted.
const wrong = await login({ client: anonymous, body: { username: email, password: "wrong" } });
assert.equal(wrong.error?.code, "invalid_credentials");
const tokens = await login({ client: anonymous, body: { username: email, password } });
assert.ok(tokens.data);
const { access_token } = tokens.data;
const client = createClient(createConfig({ baseUrl, auth: () => access_token }));

// An absent field is not changed; null clears it.
const renamed = await updateMe({ client, body: { first_name: "Augusta" } });
assert.equal(renamed.data?.last_name, "Lovelace");
const cleared = await updateMe({ client, body: { last_name: null } });
assert.equal(cleared.data?.full_name, "Augusta");

// Write a profile.
await replaceMyProfile({ client, body: { display_name: "Ada", bio: "Analyst" } });
const withoutBio = await updateMyProfile({ client, body: { bio: null } });
assert.deepEqual([withoutBio.data?.display_name, withoutBio.data?.bio], ["Ada", null]);
const profile = await readProfile({ client: anonymous, path: { user_id: registered.data.id } });
assert.equal(profile.data?.display_name, "Ada");
// @ts-expect-error: undefined is not one of the three states.
const undefinedBio: ProfilePatch = { bio: undefined };

// Write a post.
const content = "It weaves algebra. ".repeat(50);
const created = await createPost({ client, body: { title: "Draft", content } });
assert.ok(created.data);
const path = { post_id: created.data.id };
const retitled = await updatePost({ client, path, body: { title: "Notes" } });
assert.deepEqual([retitled.data?.title, retitled.data?.content], ["Notes", content]);
// @ts-expect-error: a title cannot be cleared.
const withoutTitle: PostPatch = { title: null };

// ETags.
const staleEtag = created.response.headers.get("ETag");
const etag = retitled.response.headers.get("ETag");
assert.ok(staleEtag && etag && staleEtag !== etag);
const conflict = await updatePost({
  client, path, headers: { "If-Match": staleEtag }, body: { title: "Lost" },
});
assert.equal(conflict.error?.code, "precondition_failed");
const published = await publishPost({ client, path, headers: { "If-Match": etag } });
const publishedEtag = published.response.headers.get("ETag");
assert.ok(publishedEtag);
const unchanged = await readPost({
  client: anonymous, path, headers: { "If-None-Match": publishedEtag },
});
assert.equal(unchanged.response.status, 304);

// Read the pages of a list without a token.
for (const title of ["Second", "Third"]) {
  const { data } = await createPost({ client, body: { title } });
  assert.ok(data);
  await publishPost({ client, path: { post_id: data.id } });
}
const titles: string[] = [];
let cursor: PostPage["next_cursor"] = null;
do {
  const page: { data: PostPage | undefined } = await listPosts({
    client: anonymous, query: { author: registered.data.id, limit: 2, cursor },
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

// Errors, and the token where it is optional.
const drafts = await listPosts({ client, query: { author: "me", status: "draft" } });
assert.deepEqual(drafts.data?.items, []);
const refused = await listPosts({ client: anonymous, query: { status: "draft" } });
assert.equal(refused.error?.code, "authentication_required");
const missing = await readPost({ client: anonymous, path: { post_id: registered.data.id } });
assert.equal(missing.error?.code, "post_not_found");
// @ts-expect-error: an unknown query parameter does not compile.
const unknown = await listPosts({ client: anonymous, query: { autor: "me" } });
const [field] = unknown.error?.errors ?? [];
assert.deepEqual([field?.in, field?.field, field?.code], ["query", "autor", "unknown_field"]);
