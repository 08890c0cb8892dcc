// Where things are put: answers that come late, the keyboard and the way back, names of doors, and what a message says.

import { connect } from "node:net";
import { api, browser, check, clean, deliver, errors, open, serve, that, until, web } from "./browser.mjs";

const text = (page, selector) => page.locator(selector).first().innerText();
const subject = (page, words) => page.locator(`.letter-head h2 >> text=${words}`).waitFor();
const focused = (page) => page.evaluate(() => document.activeElement?.closest("[aria-label], #main, body")?.getAttribute("aria-label") ?? document.activeElement?.id ?? "");

/** Holds the first answer to a path back until it is let go. */
async function hold(page, path) {
  let letGo;
  const gone = new Promise((done) => { letGo = done; });
  let came;
  const held = new Promise((done) => { came = done; });
  await page.route(path, async (route) => {
    const response = await route.fetch();
    came();
    await gone;
    await route.fulfill({ response }).catch(() => {});
  }, { times: 1 });
  /** Lets it go, until whatever comes of it has come: the page has drawn again. */
  const arrives = async () => {
    const answer = page.waitForResponse(path);
    letGo();
    await (await answer).finished();
    await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  };
  return { held, arrives };
}

const server = await serve();
await deliver("receipt");
await deliver("odd");
const [crowd, odd, receipt] = (await api("/api/messages?limit=3")).messages.map((one) => one.id);
const page = await open(`#/mail/${receipt}`);
await subject(page, "receipt");

await page.context().close();
await server.stop();

await check("the doors say where they are from where the page is looked at", async () => {
  for (const [options, host, expected] of [
    [["--host", "127.0.0.2"], null, "127.0.0.2"],
    [["--host", "0.0.0.0", "--web", "0.0.0.0:0"], "localhost", "localhost"],
    [["--host", "0.0.0.0", "--web", "0.0.0.0:0"], "class.doorpost.test", "class.doorpost.test"],
    [["--web", "0.0.0.0:0"], "class.doorpost.test", "127.0.0.1"],
  ]) {
    const one = await serve(...options);
    const at = new URL(one.web);
    if (host) at.hostname = host;
    const seen = await open("#/doors", { at: at.origin });
    await seen.waitForSelector(".card");
    for (const where of await seen.locator(".where code").allInnerTexts()) that(where.startsWith(`${expected}:`), `${options} at ${at.host}: ${where}`);
    that((await text(seen, ".settings pre")).includes(`"${expected}"`), await text(seen, ".settings pre"));
    await seen.waitForSelector('#live[data-state="on"]');
    await seen.context().close();
    await one.stop();
  }
});

await check("no script failed", async () => that(errors.length === 0, `${errors}`));
await browser.close();
process.exit(0);
