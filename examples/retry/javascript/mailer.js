// A mailer that tries again where trying again helps.
'use strict';

const { setTimeout: wait } = require('node:timers/promises');
const nodemailer = require('nodemailer');

// With NAIVE=1 it is the mailer that most programs have: it sends once.
const TRIES = process.env.NAIVE ? 1 : 4;
const FIRST_PAUSE = 50; // milliseconds, doubled each time; a real mailer waits minutes

/** Sends a message that has its messageId already, so that each try is the same one. */
async function send(message, host, port) {
  const transport = nodemailer.createTransport({ host, port, ignoreTLS: true });
  let pause = FIRST_PAUSE;
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await transport.sendMail(message);
    } catch (error) {
      if (left === 0 || !isTemporary(error)) throw error;
    }
    await wait(pause);
    pause *= 2;
  }
}

/** A connection that broke has no reply; otherwise nothing but 4xx. */
function isTemporary(error) {
  return error.responseCode === undefined || (error.responseCode >= 400 && error.responseCode < 500);
}

module.exports = { send };
