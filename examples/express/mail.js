// The mail that the shop sends. Where it goes stands in the environment, in production as in the tests.
import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import nodemailer from "nodemailer";

const TRIES = 3;
const from = "Shop <shop@example.org>";
const { env } = process;

// `secure` is TLS from the first byte (465); `requireTLS` is STARTTLS (587), and nothing without it.
export const settings = () => ({
  host: env.SMTP_HOST,
  port: Number(env.SMTP_PORT),
  secure: env.SMTP_SECURE === "true",
  requireTLS: env.SMTP_STARTTLS === "true",
  ignoreTLS: env.SMTP_SECURE !== "true" && env.SMTP_STARTTLS !== "true",
  auth: env.SMTP_USERNAME ? { user: env.SMTP_USERNAME, pass: env.SMTP_PASSWORD } : undefined,
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
});

export async function passwordReset(address) {
  const code = String(randomInt(1_000_000)).padStart(6, "0");
  const link = `https://shop.example/reset?token=${randomBytes(16).toString("base64url")}`;
  await send({
    from,
    to: address,
    subject: "Reset your password",
    text: `Your code is ${code}. Or follow this link:\n${link}\n`,
    html: `<p>Your code is <b>${code}</b>, or <a href="${link}">follow this link</a>.</p>`,
  });
}

// Sends one message to all of them, and gives those that were refused, with the server's words.
export async function newsletter(addresses, text) {
  const { rejectedErrors = [] } = await send({ from, bcc: addresses, subject: "News", text });
  return Object.fromEntries(rejectedErrors.map((error) => [error.recipient, error.response]));
}

// Tries again what the server put off (4xx), and nothing that it refused for good (5xx).
export async function send(message, transport = nodemailer.createTransport(settings())) {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await transport.sendMail(message);
    } catch (error) {
      const isTemporary = error.responseCode >= 400 && error.responseCode < 500;
      if (left === 0 || !isTemporary) throw error;
      await pause(100);
    }
  }
}
