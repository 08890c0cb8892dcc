// Run by `doorpost run -- npm test`: the mail really travels, and is read back over doorpost's API.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import nodemailer from "nodemailer";
import { app } from "./app.js";
import { newsletter, send, settings } from "./mail.js";

const doorpost = process.env.DOORPOST_URL;

async function ask(path, parameters = {}, options = {}) {
  const answer = await fetch(`${doorpost}${path}?${new URLSearchParams(parameters)}`, options);
  assert.ok(answer.ok, `${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.json();
}

// The newest message that matches, as soon as it is there.
const waitFor = async (query) =>
  (await ask("/api/messages/wait", { query, timeout: "10s" })).messages[0];

const fault = (...faults) =>
  ask("/api/faults", {}, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ faults }),
  });

let server;
before(() => new Promise((ready) => (server = app.listen(0, ready))));
after(() => server.close());
afterEach(() => ask("/api/faults", {}, { method: "DELETE" }));

const forget = (email) =>
  fetch(`http://localhost:${server.address().port}/reset`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email }),
  });

test("a password reset has a link and a code", async () => {
  assert.equal((await forget("ann@customer.example")).status, 202);

  const { id } = await waitFor("rcpt:ann@customer.example subject:reset");
  const { links } = await ask(`/api/messages/${id}/links`);
  const { codes } = await ask(`/api/messages/${id}/codes`);
  assert.match(links[0].url, /^https:\/\/shop\.example\/reset\?token=\S+$/);
  assert.match(codes[0].code, /^\d{6}$/);
});

test("nobody gets mail for an unknown address", async () => {
  assert.equal((await forget("nobody@customer.example")).status, 202);
  assert.deepEqual((await ask("/api/messages", { query: "rcpt:nobody@customer.example" })).messages, []);
});

test("what was put off is tried again", async () => {
  await fault("busy=1"); // 450 for the first time, then 250
  assert.equal((await forget("ben@customer.example")).status, 202);

  await waitFor("rcpt:ben@customer.example");
  assert.equal((await ask("/api/sessions", { query: "code:450" })).sessions.length, 1);
});

test("a recipient that is refused does not cost the others their mail", async () => {
  // Under .test some addresses are refused by their name: `doorpost faults` lists them.
  const addresses = ["cleo@customer.example", "hard-bounce@doorpost.test", "dan@customer.example"];
  const refused = await newsletter(addresses, "Everything is cheaper.\n");

  assert.deepEqual(Object.keys(refused), ["hard-bounce@doorpost.test"]);
  assert.match(refused["hard-bounce@doorpost.test"], /5\.1\.1/);
  await waitFor("rcpt:cleo@customer.example rcpt:dan@customer.example subject:news");
});

test("a wrong port is named", async () => {
  // `secure: true` is for 465. On 587 the connection begins in the clear, and nodemailer says "wrong version number".
  const transport = nodemailer.createTransport({
    ...settings(),
    host: "localhost",
    port: Number(process.env.DOORPOST_SUBMISSION_PORT),
    secure: true,
  });
  const message = { from: "shop@example.org", to: "eve@customer.example", text: "…" };
  await assert.rejects(send(message, transport), { code: "ESOCKET" });

  const { findings } = await ask("/api/findings", { code: "tls-to-starttls-port" });
  assert.ok(findings[0].change, JSON.stringify(findings));
});
