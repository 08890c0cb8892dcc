// What the page does beside its main way: documents, widths, links that lead away, notifications, what is promised when it goes.

import { createServer } from "node:http";
import { api, browser, check, clean, deliver, errors, open, outside, picture, that, until, web } from "./browser.mjs";

const text = (page, selector) => page.locator(selector).first().innerText();

/** Whether the viewer has drawn the red of the document. */
async function isDrawn(page) {
  const png = (await page.locator(".preview").screenshot()).toString("base64");
  return page.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data: pixels } = context.getImageData(0, 0, image.width, image.height);
    let red = 0;
    for (let at = 0; at < pixels.length; at += 4) red += pixels[at] > 240 && pixels[at + 1] < 15 && pixels[at + 2] < 15 ? 1 : 0;
    return red > 500;
  }, png);
}

export async function documents(page) {
  await deliver("files");
  const { id } = (await api("/api/messages?limit=1")).messages[0];
  await page.goto(`${web}/#/mail/${id}`);
  await page.waitForSelector(".files");

  await check("a PDF is previewed by the browser's viewer, under a policy of its own", async () => {
    await page.click('[aria-label="Preview invoice.pdf"]');
    await page.waitForSelector(".preview iframe");
    await until(() => isDrawn(page), "the viewer shows no page", 8000);
    await picture(page, "pdf");
    await clean(page, "a document");
    const [first] = (await api(`/api/messages/${id}/attachments`)).attachments;
    const headers = (await page.context().request.get(`${web}/page/pdf/${id}/${first.id}`)).headers();
    that(/^sandbox; default-src 'none'/.test(headers["content-security-policy"]) && headers["x-content-type-options"] === "nosniff", JSON.stringify(headers));
    that(headers["content-type"] === "application/pdf", headers["content-type"]);
  });

  await check("hostile PDFs: one that opens addresses fetches nothing, one with a script is not shown, one that is none neither", async () => {
    outside.length = 0;
    await page.click('[aria-label="Preview opens.pdf"]');
    await until(() => isDrawn(page), "it is not shown", 8000);
    await page.waitForTimeout(700);
    that(outside.length === 0 && page.url().startsWith(web), `fetched ${outside}`);
    await page.click('[aria-label="Preview script.pdf"]');
    await page.waitForSelector(".preview >> text=holds a script");
    that((await page.locator(".preview iframe").count()) === 0, "it is shown");
    await page.click('[aria-label="Preview page.pdf"]');
    await page.waitForSelector(".preview >> text=This is no PDF");
    that(outside.length === 0 && errors.length === 0, `${outside} ${errors}`);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('[aria-label="Download script.pdf"]')]);
    that(download.suggestedFilename() === "script.pdf", "it cannot be downloaded");
  });

  await check("a browser without a viewer says so, and leaves the PDF to be downloaded", async () => {
    const one = await open(`#/mail/${id}`, { script: "Object.defineProperty(navigator, 'pdfViewerEnabled', { get: () => false })" });
    await one.click('[aria-label="Preview invoice.pdf"]');
    await one.waitForSelector(".preview >> text=no viewer for PDF");
    await one.context().close();
  });

  await check("the source has the names of its fields, its boundaries, and what is encoded told apart", async () => {
    await page.click('.tabs button:has-text("Source")');
    await page.waitForSelector(".source .boundary");
    const coded = await page.locator(".source .coded").allInnerTexts();
    that(coded.some((one) => one.startsWith("JVBERi0x")), "base64 does not stand back");
    that((await page.locator(".source .field-name >> text=/^Subject:$/").count()) === 1, "Subject does not stand out");
    const shown = await page.locator(".source").evaluate((pre) => pre.textContent);
    const raw = (await (await fetch(`${web}/api/messages/${id}/raw`)).text()).replaceAll("\r\n", "\n");
    that(shown.trimEnd() === raw.trimEnd(), "the source is not shown as it is");
    await clean(page, "the source");
    await picture(page, "source");
  });
}

export async function widths(page, receipt) {
  await check("HTML is shown at the width of a phone, a tablet and a desktop, smaller where there is no room", async () => {
    await page.goto(`${web}/#/mail/${receipt}`);
    await page.locator(".letter-head h2 >> text=receipt").waitFor();
    await page.click('.tabs button:has-text("HTML")');
    const sees = () => page.frameLocator("iframe").locator("html").evaluate(() => innerWidth);
    for (const [name, width] of [["Phone", 375], ["Tablet", 768], ["Desktop", 1280]]) {
      await page.click(`.choice button:has-text("${name}")`);
      await until(async () => (await sees().catch(() => 0)) === width, `${name}: the mail does not see ${width} px`);
      const [frame, room] = await page.evaluate(() => ["iframe", ".frame"].map((one) => document.querySelector(one).getBoundingClientRect().toJSON()));
      that(frame.right <= room.right + 1 && frame.bottom >= room.bottom - 1, `${name}: it is cut off: ${JSON.stringify([frame, room])}`);
    }
    that(/at \d\d %/.test(await text(page, ".panel .tools")), "it does not say that it is smaller");
    await picture(page, "desktop");
    await clean(page, "a desktop's width");
    await page.click('.choice button:has-text("Full")');
  });
}

export async function outward() {
  await check("links in a mail open a page of their own that neither knows where they stood nor reaches back", async () => {
    const seen = [];
    const place = createServer((request, response) => {
      seen.push({ path: request.url, referer: request.headers.referer });
      response.setHeader("Content-Type", "text/html").end("<title>there</title>");
    });
    await new Promise((done) => { place.listen(0, "127.0.0.1", done); });
    const before = process.env.TRAP;
    process.env.TRAP = `http://127.0.0.1:${place.address().port}`;
    await deliver("outward");
    process.env.TRAP = before;
    const { id } = (await api("/api/messages?limit=1")).messages[0];
    // A context whose requests are not looked at, so that they are as they would be.
    const free = await (await browser.newContext()).newPage();
    await free.goto(`${web}/#/mail/${id}`);
    for (const which of ["plain", "opener"]) {
      const [opened] = await Promise.all([free.context().waitForEvent("page"), free.frameLocator("iframe").locator(`#${which}`).click()]);
      await opened.waitForLoadState();
      that((await opened.title()) === "there", `${which} leads nowhere`);
      that((await opened.evaluate(() => window.opener)) === null, `${which} reaches back`);
      await opened.close();
    }
    that(free.url() === `${web}/#/mail/${id}`, "the page itself went there");
    const asked = seen.filter((one) => one.path !== "/favicon.ico");
    that(asked.length === 2 && asked.every((one) => one.referer === undefined), JSON.stringify(seen));
    await free.context().close();
    place.close();
  });
}

export async function notifications() {
  await check("a notification tells of new mail while nobody looks, and leads to it", async () => {
    const script = `Object.defineProperty(document, "hidden", { get: () => window.away === true });
      window.told = [];
      window.Notification = class extends Notification {
        constructor(title, options) { super(title, options); window.told.push({ title, body: options.body, self: this }); }
      };`;
    const one = await open("", { permissions: ["notifications"], script });
    await until(async () => (await one.locator('#live[data-state="on"]').count()) === 1, "it is not live");
    that((await one.evaluate(() => Notification.permission)) === "granted", "the permission is not granted");
    that(!(await one.locator("#notify").isVisible()), "it asks for what it has");
    await deliver("plain", "While somebody looks");
    await one.waitForSelector(".row >> text=While somebody looks");
    that((await one.evaluate(() => window.told.length)) === 0, "it tells somebody who looks");
    await one.evaluate(() => { window.away = true; });
    await deliver("plain", "While nobody looks");
    await until(() => one.evaluate(() => window.told.length === 1), "it does not tell");
    const told = await one.evaluate(() => [window.told[0].title, window.told[0].body].join(": "));
    that(told === "While nobody looks: from Carol", told);
    await one.evaluate(() => window.told[0].self.onclick());
    await one.waitForSelector(".letter-head h2 >> text=While nobody looks");
    await one.context().close();
  });

  await check("where nobody was asked yet, a button asks", async () => {
    const script = `window.Notification = class { static permission = "default"; static async requestPermission() { window.asked = true; return "granted"; } };`;
    const one = await open("", { script });
    await one.click("#notify");
    await until(() => one.evaluate(() => window.asked === true), "it does not ask");
    await until(async () => !(await one.locator("#notify").isVisible()), "the button stays");
    await one.context().close();
  });
}

export async function leaving() {
  await check("a deletion that could still be taken back is carried out when the page goes away", async () => {
    for (const subject of ["Left behind one", "Left behind two"]) await deliver("plain", subject);
    const found = async () => (await api("/api/messages?query=subject:behind")).total;
    that((await found()) === 2, "they did not come");
    const one = await open("");
    for (const number of ["one", "two"]) {
      await one.click(`.row >> text=Left behind ${number}`);
      await one.locator(`.letter-head h2 >> text=${number}`).waitFor();
      await one.keyboard.press("x");
    }
    await one.keyboard.press("#");
    await one.waitForSelector(".toast >> text=2 messages deleted.");
    that((await found()) === 2, "it was carried out at once");
    await one.goto("about:blank");
    await until(async () => (await found()) === 0, "they are still there", 4000);
    await one.context().close();
  });

  await check("another view than the mail begins without the list of the mail", async () => {
    const one = await open("#/mail");
    await one.waitForSelector("[role=option]");
    // Before any module has run, as on a slow machine.
    await one.route("**/page/app.js", (route) => route.abort());
    const seen = async (hash) => {
      await one.goto("about:blank");
      await one.goto(`${web}/${hash}`, { waitUntil: "commit" });
      await one.waitForSelector(".first", { state: "attached" });
      return one.locator(".first").isVisible();
    };
    that(await seen("#/mail"), "the list does not come with the page");
    for (const hash of ["#/doors", "#/conversations", "#/faults", "#/conversations/1"]) that(!(await seen(hash)), `${hash} shows the mail`);
    await one.context().close();
  });
}
