// Logs in on /docs. The arguments are Duet's origin, an email, a password.
import assert from "node:assert/strict";
import { onPage } from "./chromium.js";

const [, , api = "", email = "", password = ""] = process.argv;

await onPage(`${api}/docs`, async (page) => {
  await page.locator(".auth-wrapper .authorize").click();
  await page.locator("#oauth_username").fill(email);
  await page.locator("#oauth_password").fill(password);
  await page.locator(".auth-btn-wrapper .authorize").click();
  await page.getByRole("heading", { name: "Authorized" }).waitFor();

  const stored = await page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }]);
  assert.deepEqual(stored, [{}, {}]);
});
