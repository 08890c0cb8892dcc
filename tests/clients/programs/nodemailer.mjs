// nodemailer: `secure` is implicit TLS, `requireTLS` demands STARTTLS, `tls.ca` is the CA.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_ROOMS + '/');
const nodemailer = require('nodemailer');

const [host, port, mode, user, secret, ca, from, to, subject] = process.argv.slice(2);
const patience = 1000 * Number(process.env.PATIENCE ?? 15);

const transport = nodemailer.createTransport({
  host,
  port: Number(port),
  secure: mode === 'tls',
  requireTLS: mode === 'starttls',
  ignoreTLS: mode === 'none',
  tls: { ca: readFileSync(ca) },
  auth: user ? { user, pass: secret } : undefined,
  connectionTimeout: patience,
  greetingTimeout: patience,
  socketTimeout: patience,
});

try {
  const sent = await transport.sendMail({ from, to, subject, text: readFileSync(process.env.BODY, 'utf8') });
  console.log(sent.response);
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  transport.close();
}
