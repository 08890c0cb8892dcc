// @ts-check
// What a line of a conversation means, and where that stands.

/** @typedef {{ text: string, where: string }} Meaning */

/** @type {Record<string, [string, string]>} */
const COMMANDS = {
  EHLO: ["The client says its name and asks what the server can do.", "RFC 5321 §4.1.1.1"],
  HELO: ["The client says its name, in the old way that knows no extensions.", "RFC 5321 §4.1.1.1"],
  LHLO: ["The hello of LMTP, which this is not.", "RFC 2033 §4.1"],
  STARTTLS: ["The client wants to go on under TLS.", "RFC 3207 §4"],
  AUTH: ["The client logs in. Secrets are not shown.", "RFC 4954 §4"],
  MAIL: ["A message begins: where reports about it go (the reverse-path).", "RFC 5321 §4.1.1.2"],
  RCPT: ["One recipient (a forward-path). Mail goes there, whatever the header says.", "RFC 5321 §4.1.1.3"],
  DATA: ["The client is ready to send header and text.", "RFC 5321 §4.1.1.4"],
  BDAT: ["A piece of the message, with its length in front.", "RFC 3030 §2"],
  RSET: ["Forget the message that was begun.", "RFC 5321 §4.1.1.5"],
  VRFY: ["Does this mailbox exist? Servers no longer tell.", "RFC 5321 §4.1.1.6"],
  EXPN: ["Who is on this list? Servers no longer tell.", "RFC 5321 §4.1.1.7"],
  HELP: ["The client asks for help.", "RFC 5321 §4.1.1.8"],
  NOOP: ["Nothing, but answer.", "RFC 5321 §4.1.1.9"],
  QUIT: ["The client says goodbye.", "RFC 5321 §4.1.1.10"],
};

/** @type {Record<string, [string, string]>} */
const REPLIES = {
  211: ["The state of the server.", "RFC 5321 §4.2.3"],
  214: ["Help, for people.", "RFC 5321 §4.2.3"],
  220: ["Ready. The server speaks first.", "RFC 5321 §4.2"],
  221: ["Goodbye: the connection ends.", "RFC 5321 §4.2.3"],
  235: ["The login was taken.", "RFC 4954 §6"],
  250: ["Done as asked.", "RFC 5321 §4.2.3"],
  252: ["Cannot say, but will take mail for it.", "RFC 5321 §3.5.3"],
  334: ["Go on with the login.", "RFC 4954 §4"],
  354: ["Send the message; a line with a single dot ends it.", "RFC 5321 §4.2.3"],
  421: ["The server ends the connection.", "RFC 5321 §4.2.3"],
  432: ["The password has to be changed first.", "RFC 4954 §6"],
  450: ["Not now: the mailbox is not available. Try again.", "RFC 5321 §4.2.3"],
  451: ["Not now: the server failed. Try again.", "RFC 5321 §4.2.3"],
  452: ["Not now: there is no room. Try again.", "RFC 5321 §4.2.3"],
  454: ["Not now: TLS or the login cannot be had for the moment.", "RFC 3207 §4, RFC 4954 §6"],
  500: ["That is no command, or its line is too long.", "RFC 5321 §4.2.3"],
  501: ["The command is known, its parameters are wrong.", "RFC 5321 §4.2.3"],
  502: ["The command is known and not here.", "RFC 5321 §4.2.3"],
  503: ["Not at this point: another command comes first.", "RFC 5321 §4.2.3"],
  504: ["The parameter is known and not here.", "RFC 5321 §4.2.3"],
  530: ["First something else: STARTTLS, or a login.", "RFC 3207 §4, RFC 4954 §6"],
  534: ["This way to log in is too weak.", "RFC 4954 §6"],
  535: ["Wrong user name or password.", "RFC 4954 §6"],
  538: ["This way to log in needs TLS.", "RFC 4954 §6"],
  550: ["No: the mailbox does not exist, or a rule forbids it.", "RFC 5321 §4.2.3"],
  551: ["Not here, but there.", "RFC 5321 §3.4"],
  552: ["Too large.", "RFC 1870 §6"],
  553: ["That name of a mailbox is not allowed.", "RFC 5321 §4.2.3"],
  554: ["No.", "RFC 5321 §4.2.3"],
  555: ["A parameter of MAIL or RCPT is not known here.", "RFC 5321 §4.1.1.11"],
};

/** Replies that mean something else behind a certain command. @type {Record<string, [string, string]>} */
const BEHIND = {
  "EHLO 250": ["Welcome, and what the server can do: one extension a line.", "RFC 5321 §4.1.1.1"],
  "STARTTLS 220": ["Go ahead: the next bytes are the TLS handshake.", "RFC 3207 §4"],
  "MAIL 250": ["The reverse-path is taken.", "RFC 5321 §3.3"],
  "RCPT 250": ["The recipient is taken.", "RFC 5321 §3.3"],
  "DATA 250": ["The message is kept; from here on it is the server's.", "RFC 5321 §4.2.5"],
  "BDAT 250": ["The piece is taken; after the last one the message is kept.", "RFC 3030 §2"],
};

/** @type {Record<string, [string, string]>} */
const NOTES = {
  tls: ["The handshake. What was said before it is forgotten: the client says EHLO again.", "RFC 3207 §4.2"],
  data: ["Header and text as one, up to the line with the dot.", "RFC 5321 §4.1.1.4"],
  fault: ["Doorpost misbehaves here, because a rule says so.", "not in any RFC"],
  end: ["How the connection ended.", "RFC 5321 §3.8"],
};

/**
 * What a line means. @param {string} kind @param {string} text @param {string} command the last one that the client sent
 * @returns {Meaning | null}
 */
export function meaning(kind, text, command) {
  const verb = command.split(/[\s:]/)[0].toUpperCase();
  const code = text.slice(0, 3);
  const found = kind === "client" ? COMMANDS[text.split(/[\s:]/)[0].toUpperCase()]
    : kind === "server" ? BEHIND[`${verb} ${code}`] ?? REPLIES[code] : NOTES[kind];
  return found ? { text: found[0], where: found[1] } : null;
}
