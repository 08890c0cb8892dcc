//! Sends one message with lettre, the way its users do: a client for trying any door.
//!
//! ```text
//! cargo run --example send -- HOST PORT none|starttls|tls USER SECRET CA.pem FROM TO SUBJECT
//! ```
//!
//! USER `-` sends without AUTH, CA `-` trusts the system's authorities. The text is that of the
//! file that `BODY` names in the environment, if it names one.

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, mode, user, secret, ca, from, to, subject] = arguments.as_slice() else {
        return Err(
            "usage: send HOST PORT none|starttls|tls USER SECRET CA.pem FROM TO SUBJECT".into()
        );
    };
    let text = match std::env::var_os("BODY") {
        Some(file) => std::fs::read_to_string(file)?,
        None => ".a line that begins with a dot\nGrüße aus Rust\n".to_owned(),
    };
    let message = Message::builder()
        .from(from.parse()?)
        .to(to.parse()?)
        .subject(subject)
        .header(ContentType::TEXT_PLAIN)
        .body(text)?;
    let mut parameters = TlsParameters::builder(host.clone());
    if ca != "-" {
        parameters = parameters.add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?);
    }
    let tls = match &**mode {
        "none" => Tls::None,
        "starttls" => Tls::Required(parameters.build()?),
        "tls" => Tls::Wrapper(parameters.build()?),
        other => return Err(format!("{other} is none of none, starttls, tls").into()),
    };
    let mut transport = SmtpTransport::builder_dangerous(host).port(port.parse()?).tls(tls);
    if user != "-" {
        transport = transport.credentials(Credentials::new(user.clone(), secret.clone()));
    }
    let reply = transport.build().send(&message)?;
    println!("{} {}", reply.code(), reply.message().collect::<Vec<_>>().join(" "));
    Ok(())
}
