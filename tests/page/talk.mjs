// Conversations explained, misbehaviour on request, and what was found wrong, each at its line.

import { api, check, clean, deliver, open, picture, that, until, web } from "./browser.mjs";

const text = (page, selector) => page.locator(selector).first().innerText();

export async function explained(page) {
  await check("each extension that EHLO's reply offers is explained, to a mouse, a keyboard and a screen reader", async () => {
    const [session] = (await api("/api/sessions?query=door:submission+is:tls")).sessions;
    await page.goto(`${web}/#/conversations/${session.id}`);
    await page.waitForSelector(".extension");
    await page.mouse.move(5, 400);
    if ((await page.locator('.actions button:has-text("Explain")').getAttribute("aria-pressed")) === "true") await page.click("text=Explain");
    const offered = (await api(`/api/sessions/${session.id}`)).transcript.filter((line) => /^250-.*\n250/.test(line.text))
      .flatMap((line) => line.text.split("\n").slice(1).map((one) => one.slice(4).split(" ")[0]));
    that(["SIZE", "PIPELINING", "STARTTLS", "AUTH", "DSN", "CHUNKING", "SMTPUTF8", "LIMITS", "ENHANCEDSTATUSCODES", "8BITMIME"].every((one) => offered.includes(one)), `${offered}`);
    const terms = page.locator(".term");
    that((await terms.count()) === offered.length, `${await terms.count()} of ${offered.length} are explained`);
    const size = page.locator('.term:has-text("SIZE")').first();
    const tip = page.locator(`#${await size.getAttribute("aria-describedby")}`);
    that(!(await tip.isVisible()), "it is explained unasked");
    await size.hover();
    that((await tip.isVisible()) && /largest message.*RFC 1870/.test(await tip.innerText()), "hovering does not explain");
    await picture(page, "extension");
    await clean(page, "an extension");
    await page.mouse.move(5, 400);
    await size.focus();
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const term = document.activeElement;
      const tip = document.getElementById(term.getAttribute("aria-describedby"));
      return { id: tip.id, term: term.textContent, shown: getComputedStyle(tip).display, text: tip.textContent };
    });
    that(focused.shown === "block" && /RFC/.test(focused.text) && focused.term.startsWith("250"), JSON.stringify(focused));
    await page.keyboard.press("Escape");
    that(!(await page.locator(`#${focused.id}`).isVisible()) && page.url().endsWith(`/${session.id}`), "Esc does not take it away, or takes all away");
    for (const one of await terms.all()) {
      const described = await one.getAttribute("aria-describedby");
      that(/RFC \d+/.test(await page.locator(`#${described}`).evaluate((tip) => tip.textContent)), `${await one.innerText()} names no RFC`);
    }
    await page.click("text=Explain");
    that(await tip.isVisible(), "Explain leaves them out");
    await clean(page, "all extensions");
    await page.click("text=Explain");
  });
}

export async function faults(page) {
  await check("faults are switched on and off by a click, count live, and stand at their line", async () => {
    await page.goto(`${web}/#/mail`);
    await page.waitForSelector(".row");
    await page.keyboard.press("4");
    await page.waitForSelector(".preset");
    that((await text(page, ".running-rules")) === "None: doorpost behaves.", await text(page, ".running-rules"));
    await clean(page, "no faults");
    await page.selectOption('[aria-label="At which door"]', "relay");
    await page.fill('[aria-label^="busy: "]', "1");
    await page.click('[role=switch][aria-label="busy"]');
    await page.waitForSelector(".rules >> text=busy.relay");
    that((await page.locator('[role=switch][aria-label="busy"]').getAttribute("aria-checked")) === "true", "it does not say that it is on");
    await page.click('[role=switch][aria-label="per-recipient"]');
    await page.waitForSelector(".rules >> text=per-recipient-2.relay");
    that((await api("/api/faults")).rules.length === 3, "there are not three rules");
    await until(async () => (await text(page, "#faulty")).startsWith("3"), "the bar does not count them");
    await deliver("busy");
    await until(async () => (await text(page, '[data-rule="0 struck"]')) === "1", "it does not count live");
    await clean(page, "faults in force");
    await picture(page, "faults");
    const [session] = (await api("/api/sessions?query=hello:busy.example")).sessions;
    await page.goto(`${web}/#/conversations/${session.id}`);
    await page.waitForSelector(".line.fault >> text=busy.relay");
    that((await text(page, ".line.fault .side-name")) === "fault", "it has no mark");
    await clean(page, "a fault at its line");
    await picture(page, "fault-line");
    await page.click(".line.fault a");
    await page.click('[role=switch][aria-label="busy"]');
    await until(async () => (await api("/api/faults")).rules.length === 2, "it is not taken back");
    await page.click('[aria-label="Take back per-recipient.relay"]');
    await until(async () => (await api("/api/faults")).rules.map((one) => one.name).join() === "per-recipient-2.relay", "another is taken back");
    await page.fill('[aria-label^="slow: "]', "soon");
    await page.click('[role=switch][aria-label="slow"]');
    await page.waitForSelector(".toast >> text=/fault slow/");
    that((await api("/api/faults")).rules.length === 1, "a wrong value is taken");
    await page.click("text=Take all back");
    await page.waitForSelector(".running-rules >> text=doorpost behaves");
    that((await api("/api/faults")).rules.length === 0, "they are still there");
    await page.fill('[aria-label="Filter the faults"]', "greylist");
    that((await page.locator(".preset").count()) === 1, "the filter does not filter");
  });

  await check("faults that somebody wrote are shown, and each is taken back without the others", async () => {
    const scenario = "# Mine.\n[[rules]]\nname = \"first.of-mine\"\nat = \"rcpt\"\ndo = { reply = \"450 4.2.1 Later\" }\n\n[[rules]]\nat = \"mail\"\nname = \"second.of-mine\"\ndo = { pause = \"1ms\" }\n";
    const put = await fetch(`${web}/api/faults`, { method: "PUT", headers: { "Content-Type": "application/toml" }, body: scenario });
    that(put.status === 200, await put.text());
    await page.goto(`${web}/#/mail`);
    await page.goto(`${web}/#/faults`);
    await page.waitForSelector(".rules >> text=second.of-mine");
    await page.click('[aria-label="Take back first.of-mine"]');
    await until(async () => (await api("/api/faults")).rules.length === 1, "nothing is taken back");
    that((await api("/api/faults")).rules[0].name === "second.of-mine", "another is taken back");
    await api("/api/faults", { method: "DELETE" });
  });
}

/** Findings of every kind, in the API's shape. */
const FOUND = [
  { code: "auth-only-after-tls", severity: "error", line: 3, what: "MAIL came <before> a login.", change: "Log in with `AUTH` first.", rfc: "RFC 6409 §4.3", client: null },
  { code: "made-up-hint", severity: "info", line: null, what: "The name in EHLO is not one", change: null, rfc: "RFC 5321 §4.1.1.1", client: null },
];

export async function findings() {
  await check("what a client did wrong is found, and stands at its line and in the list", async () => {
    const one = await open("#/conversations");
    const [session] = (await api("/api/sessions?query=code:530")).sessions;
    const { findings: found } = await api(`/api/sessions/${session.id}`);
    that(found.length > 0 && found.some((it) => it.line !== null), `nothing was found: ${JSON.stringify(found)}`);
    await one.goto(`${web}/#/conversations/${session.id}`);
    await one.waitForSelector(".line .finding");
    const shown = await one.locator(".finding .more").allInnerTexts();
    that(shown.sort().join() === found.map((it) => it.code).sort().join(), `${shown} are shown`);
    await one.waitForSelector(".talk .row.open .tag");
    await clean(one, "findings of a client");
    await picture(one, "found");
    for (const it of found) {
      await one.click(`[aria-label="More about ${it.code}"]`);
      await one.waitForSelector("dialog[open] h3 >> text=What to change");
      await one.click("dialog[open] button");
    }
    await one.context().close();
  });

  await check("findings stand at their line, are counted in the list, and are explained at length", async () => {
    const one = await open("");
    const [session] = (await api("/api/sessions?query=code:530")).sessions;
    await one.route(/\/api\/(sessions|messages)(\/\d+)?(\?|$)/, async (route) => {
      const response = await route.fetch().catch(() => null);
      const json = await response?.json().catch(() => null);
      // The page went elsewhere in the meantime.
      if (!json) return;
      for (const it of [json.sessions, json.messages].find(Array.isArray) ?? [json]) {
        if (it.id === session.id && it.local) it.findings = FOUND;
        else if (it.envelope) it.findings = FOUND.slice(0, 1);
      }
      await route.fulfill({ response, json }).catch(() => {});
    });
    await one.goto(`${web}/#/conversations/${session.id}`);
    await one.waitForSelector(".line .finding.error >> text=MAIL came <before> a login.");
    that((await one.locator(".lines > li").evaluateAll((all) => all.filter((line) => !line.classList.contains("turn")).findIndex((line) => line.querySelector(".finding")))) === 3, "it stands at another line");
    that((await text(one, ".letter-head .finding")).includes("The name in EHLO"), "what has no line is not shown");
    await one.waitForSelector(".talk .row.open .tag.bad >> text=auth-only-after-tls +1");
    await clean(one, "findings");
    await picture(one, "findings");
    await one.click('[aria-label="More about auth-only-after-tls"]');
    await one.waitForSelector("dialog[open] h3 >> text=What to change");
    const long = await text(one, "dialog[open]");
    that(/Python, smtplib/.test(long) && !/\*\*|`/.test(long), long);
    that((await one.locator("dialog[open]").evaluate((dialog) => dialog.scrollTop)) === 0, "it begins at its end");
    that((await one.locator("dialog[open] p code").count()) > 0, "nothing is code");
    await picture(one, "finding-explained");
    await clean(one, "a finding explained");
    await one.click("dialog[open] button");
    await one.goto(`${web}/#/mail`);
    await one.reload();
    await one.waitForSelector(".mail .row .tag.bad >> text=auth-only-after-tls");
    await one.click(".mail .row");
    await one.waitForSelector(".letter-head .finding.error");
    await clean(one, "a message with findings");
    await one.context().close();
  });
}
