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

await check("a tab that is chosen twice shows its content once, and one that was left shows nothing in another", async () => {
  const first = await hold(page, `**/api/messages/${receipt}/text`);
  await page.click('.tabs button:has-text("Text")');
  await first.held;
  await page.click('.tabs button:has-text("Text")');
  await page.waitForSelector("pre.text");
  await first.arrives();
  that((await page.locator("pre.text").count()) === 1, `the text is there ${await page.locator("pre.text").count()} times`);
  const late = await hold(page, `**/api/messages/${receipt}/raw`);
  await page.click('.tabs button:has-text("Source")');
  await late.held;
  await page.click('.tabs button:has-text("Header")');
  await late.arrives();
  that((await page.locator(".panel .source").count()) === 0 && (await page.locator(".fields").count()) === 1, "the source stands in the header");
});

await check("a content that cannot be read says so", async () => {
  await page.route(`**/api/messages/${receipt}/text`, (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"status":503,"detail":"too much at once"}' }), { times: 1 });
  await page.click('.tabs button:has-text("Text")');
  await page.waitForSelector(".panel [role=alert] >> text=too much at once");
  await clean(page, "a content that cannot be read");
  await page.click('.tabs button:has-text("Text")');
  await page.waitForSelector("pre.text");
  that(errors.length === 0, `${errors}`);
});

await check("a preview that comes late does not take the place of the one that is open", async () => {
  const slow = await hold(page, `**/api/messages/${receipt}/parts/*`);
  await page.click('[aria-label="Preview order-20817.csv"]');
  await slow.held;
  await page.click('[aria-label="Preview order-20817.csv"]');
  await page.click('[aria-label="Preview label.png"]');
  await page.waitForSelector(".preview img");
  await slow.arrives();
  that((await page.locator(".preview img").count()) === 1 && (await page.locator(".preview pre").count()) === 0, "another file is shown");
});

await check("quoted local parts and names that look like addresses are no difference between envelope and header", async () => {
  await page.goto(`${web}/#/mail/${odd}`);
  await subject(page, "Odd addresses");
  that((await page.locator(".envelope").count()) === 0, await text(page, "body"));
  that((await text(page, ".people")).includes('"john doe"@example.net'), await text(page, ".people"));
});

await check("a text file is previewed in its charset", async () => {
  await page.click('[aria-label="Preview old.txt"]');
  await page.waitForSelector(".preview pre >> text=Grüße");
});

await check("of many recipients and attachments some are shown, and the others when they are asked for", async () => {
  await page.goto(`${web}/#/mail/${crowd}`);
  await subject(page, "A crowd");
  const { y } = await page.locator(".tabs").boundingBox();
  that(y < 3000, `the content begins at ${y} px`);
  that(!(await page.locator(".people >> text=member299@").isVisible()) && !(await page.locator(".files >> text=file-119.txt").isVisible()), "all are shown");
  await page.click(".people summary");
  await page.click(".files summary");
  await page.waitForSelector(".people >> text=member299@example.net");
  await page.click('[aria-label="Preview file-119.txt"]');
  await page.waitForSelector(".preview pre");
  await clean(page, "a crowd");
});

await check("going back leads through the messages that were read, and to the list", async () => {
  const one = await open("");
  await one.click("[role=option] >> text=A crowd");
  await subject(one, "A crowd");
  await one.click(".row >> text=Odd addresses");
  await subject(one, "Odd addresses");
  await one.goBack();
  await subject(one, "A crowd");
  await one.goBack();
  await one.waitForSelector(".pane >> text=Nothing is open");
  await one.goForward();
  await subject(one, "A crowd");
  await one.goto(`${web}/#/conversations`);
  await one.click(".talk .row >> nth=0");
  await one.waitForSelector(".lines");
  await one.goBack();
  await one.waitForSelector(".talk .pane >> text=Choose a conversation");
  that(one.url() === `${web}/#/conversations`, one.url());
  await one.context().close();
});

await check("the link that skips to the content stays in the view", async () => {
  const one = await open("#/conversations");
  await one.waitForSelector(".talk .row");
  await one.keyboard.press("Tab");
  that((await one.evaluate(() => document.activeElement.className)) === "skip", "it is not the first");
  await one.keyboard.press("Enter");
  await until(() => one.evaluate(() => document.activeElement.id === "main"), "the focus is not in the content");
  that((await one.locator(".talk .row").count()) > 0 && one.url() === `${web}/#/conversations`, "another view is shown");
  await one.context().close();
});

await check("who tags stays in the field, and what is half typed stays when somebody else tags", async () => {
  await page.goto(`${web}/#/mail/${odd}`);
  await subject(page, "Odd addresses");
  await page.fill('[aria-label="Add a tag"]', "mine");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".tagline .tag >> text=mine");
  that((await focused(page)) === "Add a tag" && (await page.inputValue('[aria-label="Add a tag"]')) === "", `the focus is at ${await focused(page)}`);
  await page.keyboard.type("half");
  const tag = (given) => api(`/api/messages/${odd}`, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) });
  await tag({ add_tags: ["theirs"] });
  await page.waitForSelector(".tagline .tag >> text=theirs");
  await page.keyboard.type("way");
  that((await page.inputValue('[aria-label="Add a tag"]')) === "halfway", `it says ${await page.inputValue('[aria-label="Add a tag"]')}`);
  await page.click('[aria-label="Remove the tag mine"]');
  await page.waitForSelector('[aria-label="Remove the tag mine"]', { state: "detached" });
  that((await focused(page)) === "Add a tag", `the focus is at ${await focused(page)}`);
});

await check("who deletes by the button is at the next message", async () => {
  await page.goto(`${web}/#/mail/${crowd}`);
  await subject(page, "A crowd");
  await page.click('.actions button:has-text("Delete")');
  await subject(page, "Odd addresses");
  that((await focused(page)) === "Message", `the focus is at ${await focused(page)}`);
  await page.keyboard.press("z");
  await page.waitForSelector(".row >> text=A crowd");
});

await check("a conversation that runs is told of although no more of its lines are kept", async () => {
  const client = connect(Number(process.env.PORT_RELAY), "localhost").on("error", () => {}).setEncoding("utf8");
  let said = "";
  client.on("data", (data) => { said += data; });
  /** Says lines and waits for as many replies. */
  const say = async (lines) => {
    const before = said.split("\r\n").length;
    client.write(lines.map((line) => `${line}\r\n`).join(""));
    await until(() => said.split("\r\n").length >= before + lines.length, `no replies: ${said.slice(-200)}`);
  };
  await until(() => said.includes("220"), "nobody greets");
  await say(["HELO long.example"]);
  const long = (count) => Array.from({ length: count }, () => `NOOP ${"x".repeat(480)}`);
  await say(long(50));
  await say(long(50));
  await say(long(50));
  const [{ id }] = (await api("/api/sessions?query=hello:long.example")).sessions;
  const omitted = async () => (await api(`/api/sessions/${id}`)).omitted_lines;
  that((await omitted()) > 0, "all is kept");
  await page.goto(`${web}/#/conversations/${id}`);
  const counts = async () => page.waitForSelector(`.turn >> text=${await omitted()} more lines not kept`);
  await counts();
  await say(long(20));
  await counts();
  await say(["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"]);
  await say(["Subject: Brought\r\n\r\nx\r\n."]);
  await page.waitForSelector(".facts >> text=/Brought message \\d+/");
  client.end("QUIT\r\n");
});
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
