// Holds the mailer against a doorpost that misbehaves.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const { createInterface } = require('node:readline');
const { once } = require('node:events');
const { after, before, test } = require('node:test');
const mailer = require('./mailer.js');

let doorpost;
let ready;

before(async () => {
  const program = process.env.DOORPOST || 'doorpost';
  doorpost = spawn(program, ['serve', '--ports', 'ephemeral', '--ready', 'json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: doorpost.stdout }), 'line');
  ready = JSON.parse(line);
});

after(async () => {
  doorpost.kill();
  await once(doorpost, 'exit');
});

async function ask(method, path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(ready.web + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer;
}

const misbehave = (...faults) => ask('PUT', '/api/faults', { faults });

const kept = async (subject) =>
  (await (await ask('GET', `/api/messages?query=${encodeURIComponent(`subject:"${subject}"`)}`)).json()).messages;

function message(to, subject) {
  const messageId = `<${randomUUID()}@example.com>`;
  return { from: 'shop@example.com', to, subject, messageId, text: 'Your order is on its way.\n' };
}

function send(what) {
  const port = Number(ready.doors.relay.address.split(':').pop());
  return mailer.send(what, 'localhost', port);
}

test('4xx is tried again', async () => {
  await misbehave('busy=1');
  await assert.doesNotReject(send(message('bob@example.net', 'one busy')), 'the mailer gave up on busy');
  assert.equal((await kept('one busy')).length, 1);
});

test('a lost reply is tried again with the same Message-ID', async () => {
  await misbehave('lost-reply');
  await assert.doesNotReject(send(message('bob@example.net', 'one lost')), 'the mailer gave up on lost-reply');
  const found = await kept('one lost');
  assert.equal(found.length, 2);
  const ids = new Set();
  for (const { id } of found) {
    const raw = await (await ask('GET', `/api/messages/${id}/raw`)).text();
    ids.add(/^message-id: *(.*)$/im.exec(raw)[1].trim());
  }
  assert.equal(ids.size, 1);
});

test('5xx is not tried again', async () => {
  await misbehave();
  await assert.rejects(send(message('bounce@example.test', 'refused')), { responseCode: 550 });
  const { sessions } = await (await ask('GET', '/api/sessions?query=code:550')).json();
  assert.equal(sessions.length, 1);
});
