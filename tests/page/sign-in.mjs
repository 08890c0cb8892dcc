// Signing in with a token: a form, a cookie, and the way out. Run against a doorpost that was started with --web-token.

import { browser, check, clean, errors, open, picture, that, until, web } from "./browser.mjs";

const token = process.env.TOKEN;
const page = await open("", { width: 390, height: 844 });

await check("whoever shows no token gets a form, which says when it is wrong", async () => {
  await page.waitForSelector("form");
  that((await page.evaluate(() => document.activeElement.id)) === "token", "the field has no focus");
  await clean(page, "the form");
  await picture(page, "sign-in");
  await page.fill("#token", "not it");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert] >> text=not a token");
  that((await page.context().cookies()).length === 0, "it gives a cookie for nothing");
  await clean(page, "the form with a mistake");
});

await check("with the token there is the page, live, and a cookie that no script sees", async () => {
  await page.fill("#token", token);
  await page.click("form button");
  await page.waitForSelector(".rows-frame .blank h2");
  await until(async () => (await page.locator('#live[data-state="on"]').count()) === 1, "it is not live");
  const [cookie, ...others] = await page.context().cookies();
  that(others.length === 0 && cookie.httpOnly && cookie.sameSite === "Strict" && cookie.name === `doorpost-${new URL(web).port}` && !cookie.value.includes(token), JSON.stringify(cookie));
  that((await page.evaluate(() => document.cookie)) === "", "a script sees it");
  await page.goto(`${web}/#/doors`);
  await page.waitForSelector(".card");
  await clean(page, "signed in");
  await picture(page, "signed-in");
  that((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, "the bar is wider than a phone");
  await page.reload();
  await page.waitForSelector(".card");
});

await check("who signs out is out, here and in every other window, and the cookie is worth nothing any more", async () => {
  const [{ name, value }] = await page.context().cookies();
  const ask = () => fetch(`${web}/api/messages`, { headers: { Cookie: `${name}=${value}` } });
  that((await ask()).status === 200, "the cookie does not let in");
  const other = await page.context().newPage();
  await other.goto(`${web}/#/faults`);
  await other.waitForSelector(".preset");
  await page.click("#leave");
  await page.waitForSelector("form #token");
  that((await ask()).status === 401, "the cookie still lets in");
  that((await page.context().cookies()).length === 0, "the cookie is still there");
  await other.keyboard.press("1");
  await other.waitForSelector("form #token");
  await other.close();
});

await check("no script of the sign-in failed", async () => that(errors.length === 0, `${errors}`));
await browser.close();
process.exit(0);
