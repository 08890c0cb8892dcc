// @ts-check
// What to write in which language so that a program sends through a door.

/**
 * @typedef {{ host: string, port: string, tls: string, login: boolean, ca: string | null }} Place
 * @typedef {{ id: string, name: string, write: (place: Place) => string }} Program
 */

/** Lines, those that are false left out. @param {(string | false)[]} all */
const lines = (...all) => all.filter((one) => one !== false).join("\n");

/** Whether TLS begins behind STARTTLS here: with a login it has to. @param {Place} place */
const starts = ({ tls, login }) => tls === "required" || (tls === "starttls" && login);

/** @param {Place} place */
const implicit = ({ tls }) => tls === "implicit";

/** Whether a CA has to be named. @param {Place} at */
const trusts = (at) => at.ca !== null && (starts(at) || implicit(at));

/** A text between double quotes, as most languages write it. @param {string | null} text */
const quoted = (text) => JSON.stringify(text ?? "");

/** Between single quotes, as PHP writes it. @param {string | null} text */
const single = (text) => `'${(text ?? "").replace(/[\\']/g, "\\$&")}'`;

/** One word of a POSIX shell. @param {string | null} text */
const word = (text) => (/^[\w./+,:@%-]+$/.test(text ?? "") ? text : `'${(text ?? "").replaceAll("'", "'\\''")}'`);

/** @type {Program[]} */
export const PROGRAMS = [
  { id: "python", name: "Python (smtplib)", write: (at) => lines(
    "import smtplib, ssl",
    "from email.message import EmailMessage",
    "",
    "message = EmailMessage()",
    'message["From"] = "alice@example.org"',
    'message["To"] = "bob@example.net"',
    'message["Subject"] = "Hello"',
    'message.set_content("Sent with smtplib.\\n")',
    "",
    (starts(at) || implicit(at)) && `context = ssl.create_default_context(${at.ca === null ? "" : `cafile=${quoted(at.ca)}`})`,
    implicit(at) ? `with smtplib.SMTP_SSL("${at.host}", ${at.port}, context=context, timeout=10) as client:` : `with smtplib.SMTP("${at.host}", ${at.port}, timeout=10) as client:`,
    starts(at) && "    client.starttls(context=context)",
    at.login && '    client.login("alice", "secret")',
    "    client.send_message(message)") },
  { id: "node", name: "Node (nodemailer)", write: (at) => lines(
    trusts(at) && 'import { readFileSync } from "node:fs";',
    'import nodemailer from "nodemailer";',
    "",
    "const transport = nodemailer.createTransport({",
    `  host: "${at.host}",`,
    `  port: ${at.port},`,
    `  secure: ${implicit(at)},`,
    starts(at) && "  requireTLS: true,",
    !starts(at) && !implicit(at) && "  ignoreTLS: true,",
    at.login && '  auth: { user: "alice", pass: "secret" },',
    trusts(at) && `  tls: { ca: readFileSync(${quoted(at.ca)}) },`,
    "});",
    "await transport.sendMail({",
    '  from: "alice@example.org", to: "bob@example.net", subject: "Hello", text: "Sent with nodemailer.",',
    "});") },
  { id: "php", name: "PHP (PHPMailer)", write: (at) => lines(
    "<?php",
    "require 'vendor/autoload.php';",
    "use PHPMailer\\PHPMailer\\PHPMailer;",
    "",
    "$mail = new PHPMailer(true);",
    "$mail->isSMTP();",
    `$mail->Host = '${at.host}';`,
    `$mail->Port = ${at.port};`,
    implicit(at) && "$mail->SMTPSecure = PHPMailer::ENCRYPTION_SMTPS;",
    starts(at) && "$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS;",
    !starts(at) && !implicit(at) && "$mail->SMTPSecure = '';\n$mail->SMTPAutoTLS = false;",
    at.login && "$mail->SMTPAuth = true;\n$mail->Username = 'alice';\n$mail->Password = 'secret';",
    trusts(at) && `$mail->SMTPOptions = ['ssl' => ['cafile' => ${single(at.ca)}]];`,
    "$mail->setFrom('alice@example.org');",
    "$mail->addAddress('bob@example.net');",
    "$mail->Subject = 'Hello';",
    "$mail->Body = 'Sent with PHPMailer.';",
    "$mail->send();") },
  { id: "java", name: "Java (Jakarta Mail)", write: (at) => lines(
    "Properties settings = new Properties();",
    `settings.put("mail.smtp.host", "${at.host}");`,
    `settings.put("mail.smtp.port", "${at.port}");`,
    at.login && 'settings.put("mail.smtp.auth", "true");',
    implicit(at) && 'settings.put("mail.smtp.ssl.enable", "true");',
    starts(at) && 'settings.put("mail.smtp.starttls.enable", "true");\nsettings.put("mail.smtp.starttls.required", "true");',
    (starts(at) || implicit(at)) && 'settings.put("mail.smtp.ssl.checkserveridentity", "true");',
    "",
    "MimeMessage message = new MimeMessage(Session.getInstance(settings));",
    'message.setFrom(new InternetAddress("alice@example.org"));',
    'message.setRecipient(Message.RecipientType.TO, new InternetAddress("bob@example.net"));',
    'message.setSubject("Hello");',
    'message.setText("Sent with Jakarta Mail.\\n");',
    at.login ? 'Transport.send(message, "alice", "secret");' : "Transport.send(message);",
    trusts(at) && `\n// The CA comes in through a trust store: -Djavax.net.ssl.trustStore=truststore.p12, made with\n// keytool -importcert -noprompt -alias doorpost -file ${word(at.ca)} -keystore truststore.p12 -storetype PKCS12 -storepass changeit`) },
  { id: "go", name: "Go (net/smtp)", write: (at) => implicit(at) ? lines(
    `connection, err := tls.Dial("tcp", "${at.host}:${at.port}", &tls.Config{ServerName: "${at.host}"})`,
    "check(err)",
    `client, err := smtp.NewClient(connection, "${at.host}")`,
    "check(err)",
    at.login && `check(client.Auth(smtp.PlainAuth("", "alice", "secret", "${at.host}")))`,
    'check(client.Mail("alice@example.org"))',
    'check(client.Rcpt("bob@example.net"))',
    "data, err := client.Data()",
    "check(err)",
    '_, err = data.Write([]byte("From: alice@example.org\\r\\nTo: bob@example.net\\r\\nSubject: Hello\\r\\n\\r\\nSent with net/smtp.\\r\\n"))',
    "check(err)",
    "check(data.Close())",
    "check(client.Quit())",
    "",
    at.ca !== null && `// Run it with SSL_CERT_FILE=${word(at.ca)}`) : lines(
    'message := "From: alice@example.org\\r\\nTo: bob@example.net\\r\\nSubject: Hello\\r\\n\\r\\nSent with net/smtp.\\r\\n"',
    at.login && `auth := smtp.PlainAuth("", "alice", "secret", "${at.host}")`,
    `err := smtp.SendMail("${at.host}:${at.port}", ${at.login ? "auth" : "nil"}, "alice@example.org", []string{"bob@example.net"}, []byte(message))`,
    "",
    `// It takes STARTTLS wherever it is offered.${at.ca === null || at.tls === "none" ? "" : ` Run it with SSL_CERT_FILE=${word(at.ca)}`}`) },
  { id: "ruby", name: "Ruby (mail, Rails)", write: (at) => lines(
    'require "mail"',
    "",
    "Mail.defaults do",
    "  delivery_method :smtp,",
    `    address: "${at.host}",`,
    `    port: ${at.port},`,
    implicit(at) && "    tls: true,",
    starts(at) && "    enable_starttls: true,",
    !starts(at) && !implicit(at) && "    enable_starttls: false,",
    at.login && '    authentication: :plain,\n    user_name: "alice",\n    password: "secret",',
    trusts(at) && `    ca_file: ${quoted(at.ca)},`,
    "    open_timeout: 10",
    "end",
    "",
    "Mail.deliver do",
    '  from "alice@example.org"',
    '  to "bob@example.net"',
    '  subject "Hello"',
    '  body "Sent with mail."',
    "end") },
  { id: "dotnet", name: ".NET (MailKit)", write: (at) => lines(
    "var message = new MimeMessage();",
    'message.From.Add(MailboxAddress.Parse("alice@example.org"));',
    'message.To.Add(MailboxAddress.Parse("bob@example.net"));',
    'message.Subject = "Hello";',
    'message.Body = new TextPart("plain") { Text = "Sent with MailKit." };',
    "",
    "using var client = new SmtpClient();",
    (starts(at) || implicit(at)) && "client.CheckCertificateRevocation = false; // a development CA publishes no revocations",
    `client.Connect("${at.host}", ${at.port}, SecureSocketOptions.${implicit(at) ? "SslOnConnect" : starts(at) ? "StartTls" : "None"});`,
    at.login && 'client.Authenticate("alice", "secret");',
    "client.Send(message);",
    "client.Disconnect(true);",
    trusts(at) && `\n// Run it with SSL_CERT_FILE=${word(at.ca)}`) },
  { id: "rust", name: "Rust (lettre)", write: (at) => lines(
    "let message = Message::builder()",
    '    .from("alice@example.org".parse()?)',
    '    .to("bob@example.net".parse()?)',
    '    .subject("Hello")',
    '    .body("Sent with lettre.\\n".to_owned())?;',
    trusts(at) && `let ca = Certificate::from_pem(&std::fs::read(${quoted(at.ca)})?)?;`,
    (starts(at) || implicit(at)) && `let tls = TlsParameters::builder("${at.host}".to_owned())${trusts(at) ? ".add_root_certificate(ca)" : ""}.build()?;`,
    implicit(at) ? `SmtpTransport::relay("${at.host}")?` : starts(at) ? `SmtpTransport::starttls_relay("${at.host}")?` : `SmtpTransport::builder_dangerous("${at.host}")`,
    `    .port(${at.port})`,
    implicit(at) && "    .tls(Tls::Wrapper(tls))",
    starts(at) && "    .tls(Tls::Required(tls))",
    at.login && '    .credentials(Credentials::new("alice".to_owned(), "secret".to_owned()))',
    "    .build()",
    "    .send(&message)?;") },
  { id: "curl", name: "curl", write: (at) => lines(
    `printf 'From: alice@example.org\\r\\nTo: bob@example.net\\r\\nSubject: Hello\\r\\n\\r\\nSent with curl.\\r\\n' |`,
    `curl ${implicit(at) ? "smtps" : "smtp"}://${at.host}:${at.port}${starts(at) ? " --ssl-reqd" : ""}${trusts(at) ? ` --cacert ${word(at.ca)}` : ""}${at.login ? " --user alice:secret" : ""} \\`,
    "  --mail-from alice@example.org --mail-rcpt bob@example.net --upload-file -") },
  { id: "swaks", name: "swaks", write: (at) => lines(
    `swaks --server ${at.host} --port ${at.port}${implicit(at) ? " --tls-on-connect" : starts(at) ? " --tls" : ""}${trusts(at) ? ` --tls-ca-path ${word(at.ca)} --tls-verify` : ""} \\`,
    at.login && "  --auth-user alice --auth-password secret \\",
    "  --from alice@example.org --to bob@example.net --header 'Subject: Hello'") },
  { id: "env", name: "SMTP_… variables", write: (at) => lines(
    `SMTP_HOST=${at.host}`,
    `SMTP_PORT=${at.port}`,
    `SMTP_ENCRYPTION=${implicit(at) ? "ssl" : starts(at) ? "tls" : "none"}`,
    at.login && "SMTP_USERNAME=alice\nSMTP_PASSWORD=secret",
    trusts(at) && `SSL_CERT_FILE=${word(at.ca)}`) },
];
