// The page while doorpost goes and comes back, many pages at once, and who signs in and out meanwhile.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { api, browser, check, clean, deliver, errors, open, serve, that, until, web } from "./browser.mjs";

const token = process.env.TOKEN;
const isLive = (page) => page.waitForSelector('#live[data-state="on"]', { timeout: 15000 });

/** The same once more, with nothing in its memory. */
async function startAnew(server, ...options) {
  const { host } = new URL(server.web);
  await server.stop();
  return serve("--web", host, ...options);
}

/** Signs in where the page asks for it. */
async function signIn(page) {
  await page.fill("#token", token);
  await page.click("form button");
}

await check("what was deleted is deleted also for who signs out at once", async () => {
  const server = await serve("--web-token", token);
  const headers = { Authorization: `Bearer ${token}` };
  for (const subject of ["To go", "To stay"]) await deliver("plain", subject);
  const page = await open("");
  await signIn(page);
  await page.click(".row >> text=To go");
  await page.locator(".letter-head h2 >> text=To go").waitFor();
  await isLive(page);
  await page.keyboard.press("#");
  await page.waitForSelector(".toast >> text=1 message deleted.");
  await page.click("#leave");
  await page.waitForSelector("form #token");
  await until(async () => (await api("/api/messages", { headers })).messages.map((one) => one.subject).join() === "To stay", "it is still there");
  await page.context().close();
  await server.stop();
});

await check("no script failed", async () => that(errors.length === 0, `${errors}`));
await browser.close();
process.exit(0);
