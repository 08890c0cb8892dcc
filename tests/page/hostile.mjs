// Hostile mail: whatever it holds, nothing of it runs, is sent, or is fetched.

import { api, check, clean, deliver, errors, outside, picture, that, until, web } from "./browser.mjs";

export async function hostile(page) {
  await page.goto(`${web}/#/mail`);
  await page.waitForSelector(".row");
  outside.length = 0;
  await deliver("hostile");
  const { id, session } = (await api("/api/messages?limit=1")).messages[0];
  const looks = async (where) => {
    await page.waitForTimeout(150);
    const state = await page.evaluate(() => ({ hacked: window.hacked, title: document.title, injected: document.querySelectorAll("main script, main img[onerror], main svg[onload], header script").length }));
    that(state.hacked === undefined && !state.title.includes("hacked") && state.injected === 0, `${where}: ${JSON.stringify(state)}`);
    that(page.url().startsWith(web), `${where}: the page is at ${page.url()}`);
    that(outside.length === 0, `${where} fetched ${outside}`);
    that(errors.length === 0, `${where}: ${errors}`);
  };

  await check("hostile mail: in the list and in every panel nothing runs and nothing is fetched", async () => {
    await page.waitForSelector(".row >> text=Hello <script>");
    await looks("the list");
    await page.click(".row >> text=Hello <script>");
    await page.frameLocator("iframe").locator("#last").waitFor();
    await page.waitForTimeout(1000);
    await looks("HTML");
    await picture(page, "hostile");
    for (const tab of ["Text", "Header", "Parts", "Links", "Source"]) {
      await page.click(`.tabs button:has-text("${tab}")`);
      await looks(tab);
    }
    await clean(page, "a hostile message");
    that((await page.locator('.links a[href^="javascript"], a[href^="javascript"]').count()) === 0, "a javascript: link is offered");
  });

  await check("hostile mail: its links, forms and files do nothing when they are used", async () => {
    await page.click('.tabs button:has-text("HTML")');
    const frame = page.frameLocator("iframe");
    await frame.locator("#last").waitFor();
    const before = page.context().pages().length;
    for (const what of ["#send", "#jsself", "#top", "#js"]) {
      await frame.locator(what).dispatchEvent("click");
      await looks(what);
    }
    await frame.locator("#js").evaluate((link) => link.click());
    await looks("a click on a javascript: link");
    for (const one of page.context().pages().slice(before)) {
      that(!one.url().startsWith("javascript:") && (await one.evaluate(() => window.hacked)) === undefined, `a page was opened at ${one.url()}`);
      await one.close();
    }
    for (const button of await page.locator('.files [aria-expanded]').all()) {
      await button.click();
      await page.waitForSelector(".preview > *");
      await looks("a preview");
    }
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator('.files a[download$=".html"]').click()]);
    that(download.url().startsWith(web), "the file is no download");
    await looks("a download");
  });

  await check("hostile mail: a link that leads elsewhere in the frame leaves it as it is", async () => {
    const frame = page.frameLocator("iframe");
    await frame.locator("#self").evaluate((link) => link.click());
    await page.waitForTimeout(500);
    // Who clicks on a link asks for it, and the browser may connect; but nothing is asked, and nothing comes of it.
    that(outside.every((one) => one === "a connection"), `fetched ${outside}`);
    that(page.frames().every((one) => !one.url().startsWith("http") || one.url().startsWith(web)), "the frame went there");
    outside.length = 0;
    await page.reload();
    await page.frameLocator("iframe").locator("#last").waitFor();
  });

  await check("hostile mail: the frame has an origin of its own and a policy of its own, also when it is opened alone", async () => {
    const response = await page.context().request.get(`${web}/page/letters/${id}`);
    const policy = response.headers()["content-security-policy"];
    that(/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:/.test(policy), policy);
    that(!/allow-scripts|allow-same-origin|allow-forms|allow-top/.test(policy), policy);
    that((await page.locator("iframe").getAttribute("sandbox")) === "allow-popups allow-popups-to-escape-sandbox", "the frame is open");
    const alone = await page.context().newPage();
    await alone.goto(`${web}/page/letters/${id}`);
    await alone.locator("#last").waitFor();
    await alone.waitForTimeout(500);
    that(outside.length === 0 && alone.url().startsWith(web) && (await alone.evaluate(() => window.hacked)) === undefined, `alone: ${outside} ${alone.url()}`);
    await alone.close();
  });

  await check("hostile names in HELO, EHLO, AUTH and commands are text in conversations", async () => {
    await page.goto(`${web}/#/conversations/${session}`);
    await page.waitForSelector(".line");
    await until(async () => (await page.locator(".facts").first().innerText()).includes("<script>"), "the user's name is not shown");
    await looks("the session that brought it");
    for (const one of (await api("/api/sessions?limit=3")).sessions) {
      await page.goto(`${web}/#/conversations/${one.id}`);
      await page.locator(`h2 >> text=Conversation ${one.id}`).waitFor();
      await looks(`conversation ${one.id}`);
    }
    await clean(page, "hostile names");
    await page.goto(`${web}/#/doors`);
    await looks("doors");
  });
}
