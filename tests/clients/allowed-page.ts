// Uses the API from a page of an allowed origin. The arguments are Duet's origin and the page's.
import assert from "node:assert/strict";
import { onPage } from "./chromium.js";

const [, , api = "", origin = ""] = process.argv;

await onPage(origin, async (page) => {
  const result = await page.evaluate(async (api) => {
    const email = "ada.browser@example.com";
    const password = "correct horse battery staple";
    let headers: Record<string, string> = { "Content-Type": "application/json" };

    async function send(method: string, path: string, body?: object, extra?: object) {
      const init: RequestInit = { method, headers: { ...headers, ...extra } };
      if (body) init.body = JSON.stringify(body);
      return await fetch(`${api}/api/v1/${path}`, init);
    }

    async function message(clientId: string, protocols: string[], first?: object) {
      const socket = new WebSocket(`${api.replace("http", "ws")}/ws/${clientId}`, protocols);
      return await new Promise<{ type?: string; code?: number }>((resolve) => {
        socket.onopen = () => first && socket.send(JSON.stringify(first));
        socket.onmessage = ({ data }) => { resolve(JSON.parse(data)); socket.close(); };
        socket.onclose = ({ code }) => resolve({ code });
      });
    }

    const registered = await send("POST", "auth/register", { email, password });
    const form = new URLSearchParams({ username: email, password });
    const login = await fetch(`${api}/api/v1/auth/login`, { method: "POST", body: form });
    const { access_token: token, refresh_token } = await login.json();
    headers = { ...headers, Authorization: `Bearer ${token}` };
    const taken = await send("POST", "auth/register", { email, password });
    await send("POST", "auth/refresh", { refresh_token });
    const limited = await send("POST", "auth/refresh", { refresh_token });

    // The response is larger than 1 KiB, so it is compressed.
    const post = { title: "Notes", content: "It weaves algebra. ".repeat(100) };
    const created = await send("POST", "posts", post);
    await send("POST", "posts", post);
    const path = `posts/${(await created.json()).id}`;
    const etag = (await send("GET", path)).headers.get("ETag");
    const update = { title: "Notes, revised" };
    const updated = await send("PATCH", path, update, { "If-Match": etag });
    const stale = await send("PATCH", path, update, { "If-Match": etag });
    const unchanged = await send("GET", path, undefined, {
      "If-None-Match": updated.headers.get("ETag"),
    });
    const page = await send("GET", "posts?author=me&status=draft&limit=1");

    return {
      statuses: [registered, login, created, updated, page].map((response) => response.status),
      exposed: {
        created: [...created.headers.keys()],
        read: [...updated.headers.keys()],
        page: [...page.headers.keys()],
        limited: [...limited.headers.keys()],
      },
      problems: [
        (await taken.json()).code, (await stale.json()).code, (await limited.json()).code,
      ],
      // The browser shows a 304 to a page that has sent If-None-Match itself.
      unchanged: unchanged.status,
      sockets: [
        await message("a", ["duet.v1", `bearer.${token}`]),
        await message("b", ["duet.v1"], { type: "auth", token }),
        await message("not%20valid", ["duet.v1", `bearer.${token}`]),
      ].map(({ type, code }) => type ?? code),
    };
  }, api);

  assert.deepEqual(result.statuses, [201, 200, 201, 200, 200]);
  assert.deepEqual(result.problems, ["email_taken", "precondition_failed", "rate_limited"]);
  assert.equal(result.unchanged, 304);
  assert.deepEqual(result.sockets, ["welcome", "welcome", 4400]);
  const { created, read, page: list, limited } = result.exposed;
  for (const [names, expected] of [
    [created, ["location", "x-request-id"]],
    [read, ["etag"]],
    [list, ["link"]],
    [limited, ["ratelimit", "ratelimit-policy", "retry-after"]],
  ] as const) {
    for (const name of expected) assert.ok(names.includes(name), `${name} is not exposed`);
  }
});
