// What the walks share: the browser, checks that are counted by what they print, mail, and a log of every request.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";

const require = createRequire(`${process.env.BROWSER_ROOMS}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** The doorpost that is looked at. */
export let web = process.env.WEB;
const tests = new URL(".", import.meta.url).pathname;

export const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.doorpost.test 127.0.0.1"],
});

/**
 * A doorpost of its own, with options; the one that is looked at and mailed to from then on.
 * @param {...string} options
 */
export async function serve(...options) {
  const folder = mkdtempSync(`${tmpdir()}/page-`);
  const child = spawn(process.env.DOORPOST, ["serve", "--ports", "ephemeral", "--ready", "json", "--certs", `${folder}/certs`, ...options], { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((done) => { child.once("close", done); });
  // Also where a check failed before it stopped it.
  process.once("exit", () => child.kill());
  const { value: line } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  const ready = JSON.parse(line);
  web = ready.web;
  for (const [name, { address }] of Object.entries(ready.doors)) process.env[`PORT_${name.toUpperCase()}`] = address.split(":").pop();
  return { web, stop: () => { child.kill(); return ended; } };
}

/** A check: what it throws is why it failed. */
export async function check(what, test) {
  try {
    await test();
    console.log(`ok ${what}`);
  } catch (error) {
    console.log(`FAIL ${what}: ${String(error.message ?? error).split("\n").slice(0, 4).join(" | ").slice(0, 600)}`);
  }
}

export function that(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

/** What went anywhere but to doorpost: requests, and connections to the trap. A policy blocks a request before it is one. */
export const outside = [];
/** Where hostile mail sends everything: it hears connections too on which nothing is asked. */
const trap = createServer((socket) => {
  outside.push("a connection");
  socket.on("error", () => {}).destroy();
});
await new Promise((done) => { trap.listen(0, "127.0.0.1", done); });
export const trapped = `http://127.0.0.1:${trap.address().port}`;
process.env.TRAP = trapped;
/** What pages said on their consoles, and errors in their scripts. */
export const errors = [];

/** Scripts and styles as they lie in a folder, in place of those in the program. */
function fromSource(route) {
  const name = new URL(route.request().url()).pathname.split("/").pop();
  // It runs beside the pages, where an answer that came from nowhere may speak to nobody: it is the program's.
  if (name === "stream.js") return route.continue();
  const isScript = name.endsWith("js");
  const files = isScript ? [name] : ["tokens", "frame", "mail", "talk", "doors", "faults"].map((one) => `${one}.css`);
  const body = files.map((one) => readFileSync(`${process.env.PAGE_FROM}/${one}`, "utf8")).join("");
  return route.fulfill({ contentType: isScript ? "text/javascript" : "text/css", body });
}

/** A page of its own. */
export async function open(path, { at = web, width = 1280, height = 850, scheme = "light", permissions = [], script } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write", ...permissions] });
  context.setDefaultTimeout(8000);
  // Nothing may leave this machine, whatever a mail asks for.
  await context.route((url) => url.origin !== at && url.protocol.startsWith("http"), (route) => {
    outside.push(route.request().url());
    return route.abort();
  });
  if (process.env.PAGE_FROM) await context.route(/\/page\/[a-z-]+\.(js|css)$/, fromSource);
  const page = await context.newPage();
  if (script) await page.addInitScript(script);
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("dialog", (dialog) => { errors.push(`a dialog: ${dialog.message()}`); void dialog.dismiss(); });
  await page.goto(`${at}/${path}`);
  return page;
}

/** Sends mail, or something worse: a program of deliver.py with its arguments. */
export function deliver(...given) {
  return new Promise((done, failed) => {
    const child = spawn(process.env.PYTHON, [`${tests}deliver.py`, ...given.map(String)], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (data) => { said += data; });
    child.on("close", (code) => (code === 0 ? done() : failed(new Error(`deliver.py ${given[0]}: ${said}`))));
  });
}

export async function api(path, options) {
  const response = await fetch(web + path, options);
  return response.status === 204 ? null : response.json();
}

/** Waits until it holds. */
export async function until(test, otherwise, ms = 5000) {
  const end = Date.now() + ms;
  while (!(await test())) {
    if (Date.now() > end) throw new Error(otherwise);
    await new Promise((resume) => setTimeout(resume, 30));
  }
}

/** What axe finds wrong. Frames are the sender's, not ours. */
export async function clean(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run({ exclude: ["iframe"] }, { iframes: false });
    return violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join("; ")}`);
  });
  that(found.length === 0, `${where}: ${found.join(" / ")}`);
}

export async function picture(page, name) {
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${name}.png` });
}
