// The lists while much happens: mail that comes while somebody reads further down, deletions that can be taken back, deletions
// by others, answers that come too late.

import { api, browser, check, deliver, errors, open, serve, that, until, web } from "./browser.mjs";

const text = (page, selector) => page.locator(selector).first().innerText();
const total = (page, words, root = ".mail") => until(async () => (await text(page, `${root} .total`)).replace(/\s+/g, " ") === words, `it does not say ${words}`, 10000);

/** The entry at the top of what is seen, and how far below the edge it begins. */
const read = (page, root) => page.evaluate((root) => {
  const box = document.querySelector(`${root} .rows`).getBoundingClientRect();
  const row = document.elementFromPoint(box.left + 80, box.top + 3)?.closest(".row");
  return row && { id: row.id, from: Math.round(row.getBoundingClientRect().top - box.top) };
}, root);

/** Scrolls from the top to the bottom, as fast as the list is there, and names all that was seen. */
function walkThrough(page, root) {
  return page.evaluate(async (root) => {
    const box = document.querySelector(`${root} .rows`);
    const seen = new Set();
    box.scrollTop = 0;
    for (;;) {
      const isWhole = () => {
        const { left, top, height } = box.getBoundingClientRect();
        return [3, height / 2, height - 3].every((y) => document.elementFromPoint(left + 80, top + y)?.closest(".row"));
      };
      const end = performance.now() + 4000;
      while (!isWhole() && performance.now() < end) await new Promise(requestAnimationFrame);
      if (!isWhole()) return { seen: seen.size, hole: box.scrollTop };
      for (const row of box.querySelectorAll(".row")) seen.add(row.id);
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) return { seen: seen.size };
      box.scrollTop += 500;
    }
  }, root);
}

for (const [what, root, hash, begin, more, words] of [
  ["mail", ".mail", "#/mail", ["many", 300], ["many", 1000], "3,300 messages"],
  ["conversations", ".talk", "#/conversations", ["callers", 300], ["callers", 200], "900 conversations"],
]) {
  await check(`${what} that come while the list is scrolled are all in it, and what is read stays where it is`, async () => {
    const server = await serve();
    await deliver(...begin);
    const page = await open(hash);
    await total(page, words.replace(/^\S+/, "300"), root);
    await page.locator(`${root} .rows`).evaluate((box) => { box.scrollTop = 600; });
    await until(() => read(page, root), "nothing is there");
    const before = await read(page, root);
    await Promise.all([deliver(...more), deliver(...more), deliver(...more)]);
    await total(page, words, root);
    that(JSON.stringify(await read(page, root)) === JSON.stringify(before), `${JSON.stringify(before)} became ${JSON.stringify(await read(page, root))}`);
    const { seen, hole } = await walkThrough(page, root);
    that(hole === undefined && seen === Number(words.split(" ")[0].replace(",", "")), `${seen} are seen, and a hole at ${hole}`);
    // At the top it goes on as ever.
    await page.locator(`${root} .rows`).evaluate((box) => { box.scrollTop = 0; });
    await deliver("plain", "At last");
    await page.waitForSelector(root === ".mail" ? ".mail .row >> text=At last" : ".talk .row >> text=1 message kept");
    await page.context().close();
    await server.stop();
  });
}

await check("a link to an old message shows it in its place, and leads on from there", async () => {
  const server = await serve();
  await deliver("many", 1000);
  const page = await open("#/mail/449");
  await page.waitForSelector(".row.open >> text=Pipeline 448 passed");
  await page.locator(".letter-head h2 >> text=Pipeline 448 passed").waitFor();
  await page.keyboard.press("j");
  await page.locator(".letter-head h2 >> text=Pipeline 447 passed").waitFor();
  await page.keyboard.press("k");
  await page.keyboard.press("k");
  await page.locator(".letter-head h2 >> text=Pipeline 449 passed").waitFor();
  const { seen, hole } = await walkThrough(page, ".mail");
  that(hole === undefined && seen === 1000, `${seen} are seen, and a hole at ${hole}`);
  await page.context().close();
  await server.stop();
});

for (const [who, hash, drag] of [["has dragged to the end", "", true], ["has followed a link to an old message", "#/mail/1", false]]) {
  await check(`who ${who} while the stream begins comes there`, async () => {
    const server = await serve();
    await deliver("many", 1000);
    const page = await open("", { script: "delete window.SharedWorker" });
    const held = {};
    for (const name of ["statistics", "messages"]) held[name] = new Promise((done) => { held[`${name} may come`] = done; });
    let asks;
    const asked = new Promise((done) => { asks = done; });
    await page.route("**/api/statistics", async (route) => { await held.statistics; await route.continue(); });
    await page.route(/\/api\/messages\?.*cursor=/, async (route) => { asks(); await held.messages; await route.continue().catch(() => {}); });
    await page.goto("about:blank");
    await page.goto(`${web}/${hash}`);
    if (drag) {
      await page.waitForSelector("[role=option]");
      await page.locator(".mail .rows").evaluate((box) => { box.scrollTop = box.scrollHeight; });
    }
    await asked;
    held["statistics may come"]();
    await page.waitForSelector('#live[data-state="on"]');
    held["messages may come"]();
    await page.waitForSelector("[role=option] >> text=Pipeline 0 passed");
    await page.context().close();
    await server.stop();
  });
}

const server = await serve();
await deliver("many", 800);
const page = await open("");
const sent = [];
page.on("request", (request) => { if (request.method() === "DELETE") sent.push(request.url()); });
const rows = () => page.locator(".mail .row").count();
const isGone = (request) => request.method() === "DELETE";

await check("what others delete below what is held is not counted any more", async () => {
  await total(page, "800 messages");
  const query = Array.from({ length: 300 }, (_, at) => `id:${at + 1}`);
  for (let at = 0; at < query.length; at += 100) await api(`/api/messages?query=${encodeURIComponent(query.slice(at, at + 100).join(" OR "))}`, { method: "DELETE" });
  await total(page, "500 messages");
});

await check("of several that are chosen, those that others delete are not chosen any more, and the others are marked", async () => {
  for (const number of [799, 798, 797]) await page.locator(`.row:has-text("Pipeline ${number} passed") .pick`).click();
  await page.waitForSelector(".several >> text=3 chosen");
  await api("/api/messages/800", { method: "DELETE" });
  await page.waitForSelector(".several >> text=2 chosen");
  // One that goes in the very moment is passed over.
  await page.route("**/api/messages/799", (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: '{"status":404,"detail":"there is no message 799"}' }));
  await page.click('.several button:has-text("Read")');
  await until(async () => (await api("/api/messages/798")).read, "the others stay unread");
  await page.unroute("**/api/messages/799");
  await page.keyboard.press("Escape");
});

await check("all are deleted and stay away, more than are held; what comes meanwhile is there; z takes it all back", async () => {
  await page.click(".row >> text=Pipeline 700 passed").catch(() => page.click(".row >> nth=3"));
  await page.locator(".letter-head h2").waitFor();
  await page.keyboard.press("#");
  await page.waitForSelector(".toast >> text=1 message deleted.");
  await total(page, "498 messages");
  await page.click("text=Delete all");
  await page.waitForSelector(".toast >> text=499 messages deleted.");
  await page.waitForSelector(".rows-frame .blank h2");
  await deliver("plain", "Meanwhile");
  await page.waitForSelector(".row >> text=Meanwhile");
  await total(page, "1 message");
  that((await rows()) === 1, `${await rows()} rows are shown`);
  await page.keyboard.press("z");
  await total(page, "500 messages");
  await until(async () => (await rows()) > 10, "they are not back");
  that((await page.locator(".toast").count()) === 0 && sent.length === 0, "something is still to be deleted");
});

await check("all that was shown is deleted whatever the browser's clock says, and nothing else", async () => {
  for (const hours of [-1, 1]) {
    const other = await open("", { script: `const True = Date; window.Date = class extends True {
      constructor(...given) { given.length ? super(...given) : super(True.now() + ${hours} * 3600e3); } };` });
    await until(async () => (await other.locator(".row").count()) > 0, "there is no mail");
    const gone = other.waitForRequest(isGone);
    await other.click("text=Delete all");
    await other.waitForSelector(".rows-frame .blank h2");
    await deliver("plain", `Clock ${hours}`);
    await gone;
    await until(async () => (await api("/api/messages")).messages.map((one) => one.subject).join() === `Clock ${hours}`, "another is left");
    await total(other, "1 message");
    await other.waitForSelector(".row >> text=Clock");
    await other.context().close();
  }
});

await check("what comes late for a list is not put into the one that is there by then", async () => {
  await deliver("plain", "Apple one");
  await page.waitForSelector(".row >> text=Apple one");
  let release;
  const released = new Promise((done) => { release = done; });
  const held = new Promise((seen) => {
    void page.route(/\/api\/messages\?.*since=/, async (route) => {
      const response = await route.fetch();
      seen();
      await released;
      await route.fulfill({ response }).catch(() => {});
    }, { times: 1 });
  });
  await deliver("plain", "Pear");
  await held;
  await page.fill("#mail-search", "subject:apple");
  await total(page, "1 message");
  release();
  // The next that comes is looked for behind that answer.
  await deliver("plain", "Apple two");
  await page.waitForSelector(".row >> text=Apple two");
  await total(page, "2 messages");
  that((await page.locator(".row >> text=Pear").count()) === 0, "it is there");
});

await check("no script of the lists failed", async () => that(errors.length === 0, `${errors}`));
await server.stop();
await browser.close();
process.exit(0);
