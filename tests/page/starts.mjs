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

await check("where doorpost was started anew the page shows its mail, and takes no message for another of the same number", async () => {
  let server = await serve();
  for (const subject of ["Old one", "Old two", "Old three"]) await deliver("plain", subject);
  const page = await open("#/mail/2");
  await isLive(page);
  await page.locator(".letter-head h2 >> text=Old two").waitFor();
  await page.keyboard.press("x");
  await page.waitForSelector(".several >> text=1 chosen");
  // Promised, and not carried out yet.
  await page.click(".row >> text=Old three");
  await page.locator(".letter-head h2 >> text=Old three").waitFor();
  await page.keyboard.press("x");
  await page.keyboard.press("x");
  await page.click('.actions button:has-text("Delete")');
  await page.waitForSelector(".toast >> text=1 message deleted.");
  await page.locator(".letter-head h2 >> text=Old two").waitFor();
  server = await startAnew(server);
  for (const subject of ["New one", "New two", "New three"]) await deliver("plain", subject);
  await page.waitForSelector(".row >> text=New three", { timeout: 15000 });
  await page.waitForSelector(".toast >> text=started anew");
  await page.waitForSelector(".pane >> text=This message is not here any more.");
  that((await page.locator(".row").count()) === 3 && !(await page.locator(".several").isVisible()), "something of before is left");
  await page.keyboard.press("Escape");
  await page.click(".row >> text=New two");
  await page.locator(".letter-head h2 >> text=New two").waitFor();
  await deliver("plain", "New four");
  await page.waitForSelector(".row >> text=New four");
  that((await api("/api/messages")).total === 4, "a message was deleted that nobody had seen");
  await page.context().close();
  await server.stop();
});

await check("where doorpost comes back with what it had on the disk, what is open stays open", async () => {
  const data = mkdtempSync(`${tmpdir()}/data-`);
  let server = await serve("--data", data);
  await deliver("plain", "Kept");
  const page = await open("#/mail/1");
  await isLive(page);
  await page.locator(".letter-head h2 >> text=Kept").waitFor();
  server = await startAnew(server, "--data", data);
  await deliver("plain", "Later");
  await page.waitForSelector(".row >> text=Later", { timeout: 15000 });
  await page.locator(".letter-head h2 >> text=Kept").waitFor();
  await page.context().close();
  await server.stop();
});

await check("eight pages of one browser are all live, and one of them goes without the others noticing", async () => {
  const server = await serve();
  const first = await open("");
  const pages = [first];
  while (pages.length < 8) {
    const page = await first.context().newPage();
    await page.goto(`${web}/#/mail`);
    pages.push(page);
  }
  for (const page of pages) await isLive(page);
  await deliver("plain", "For all");
  for (const page of pages) await page.waitForSelector(".row >> text=For all");
  await pages.shift().close();
  await pages[3].reload();
  await deliver("plain", "For the others");
  for (const page of pages) await page.waitForSelector(".row >> text=For the others");
  await pages[0].context().close();
  await server.stop();
});

await check("a browser without shared workers follows as well", async () => {
  const server = await serve();
  const page = await open("", { script: "delete window.SharedWorker" });
  await isLive(page);
  await deliver("plain", "Alone");
  await page.waitForSelector(".row >> text=Alone");
  await page.context().close();
  await server.stop();
});

/** Signs in where the page asks for it. */
async function signIn(page) {
  await page.fill("#token", token);
  await page.click("form button");
}

await check("who follows a link to a message and has to sign in first comes to the message, also after a mistake", async () => {
  const server = await serve("--web-token", token);
  for (const subject of ["First", "Second"]) await deliver("plain", subject);
  const page = await open("#/mail/1");
  await page.fill("#token", "not it");
  await page.click("form button");
  await page.waitForSelector("[role=alert] >> text=not a token");
  await clean(page, "the form with a mistake");
  await signIn(page);
  await page.locator(".letter-head h2 >> text=First").waitFor();
  that(page.url() === `${web}/#/mail/1`, page.url());
  await page.context().close();
  await server.stop();
});

await check("who has to sign in anew after a restart is asked to", async () => {
  let server = await serve("--web-token", token);
  const page = await open("");
  await signIn(page);
  await page.waitForSelector(".rows-frame");
  await page.keyboard.press("3");
  await page.waitForSelector(".card");
  await isLive(page);
  server = await startAnew(server, "--web-token", token);
  await page.waitForSelector("form #token", { timeout: 15000 });
  await signIn(page);
  await page.waitForSelector(".card");
  that(page.url() === `${web}/#/doors`, page.url());
  await isLive(page);
  await page.context().close();
  await server.stop();
});

await check("what was deleted is deleted also for who signs out at once", async () => {
  const server = await serve("--web-token", token);
  const headers = { Authorization: `Bearer ${token}` };
  for (const subject of ["To go", "To stay"]) await deliver("plain", subject);
  const page = await open("");
  await signIn(page);
  await page.click("[role=option] >> text=To go");
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
