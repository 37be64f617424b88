// Tries to use the API from a page of an origin that is not allowed.
import assert from "node:assert/strict";
import { onPage } from "./chromium.js";

const [, , api = "", origin = ""] = process.argv;

await onPage(origin, async (page) => {
  const result = await page.evaluate(async (api) => {
    const read = await fetch(`${api}/api/v1/posts`).catch((error) => String(error.name));
    const written = await fetch(`${api}/api/v1/auth/register`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: "ada@example.com", password: "correct horse battery staple" }),
    }).catch((error) => String(error.name));
    const socket = new WebSocket(`${api.replace("http", "ws")}/ws/a`, ["duet.v1"]);
    const code = await new Promise((resolve) => { socket.onclose = (e) => resolve(e.code); });
    return [read, written, code];
  }, api);
  assert.deepEqual(result, ["TypeError", "TypeError", 4403]);
});
