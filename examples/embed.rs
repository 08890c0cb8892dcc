//! Embeds a doorpost as a test would: starts on ports that the system chooses, sends with lettre
//! through each door with that door's TLS and AUTH, and looks at what was caught.
//!
//! ```text
//! cargo run --example embed
//! ```

use doorpost::Doorpost;
use doorpost::smtp::policy::{AuthMode, TlsMode};
use doorpost::storage::Door;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let doorpost = Doorpost::builder().user("alice", "secret").start().await?;
    for door in doorpost.doors() {
        let recipient = format!("{}@example.org", door.name());
        let message = Message::builder()
            .from("Alice <alice@example.org>".parse()?)
            .to(recipient.parse()?)
            .subject(format!("through {}", door.name()))
            .body("Hello\n".to_owned())?;
        client(&doorpost, door)?.send(message).await?;

        // What a test asserts on: the envelope, the octets, and how they came.
        let wanted = |message: &doorpost::storage::Message| {
            message.envelope().forward_paths.iter().any(|to| to.path.to_string() == recipient)
        };
        let caught = doorpost.wait_for(wanted, Duration::from_secs(5)).await?;
        let arrival = caught.arrival();
        println!(
            "{:<11} {} octets, user {}, {}",
            arrival.door,
            caught.bytes().len(),
            arrival.auth_user.as_deref().unwrap_or("-"),
            arrival.tls.as_deref().map_or("in the clear", |tls| &tls.version),
        );
    }
    // Here doorpost goes out of scope, and its doors close.
    Ok(())
}

/// A client with the settings that the door asks for, trusting doorpost's own CA.
fn client(
    doorpost: &Doorpost,
    door: &Door,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Box<dyn Error>> {
    let ca = doorpost.ca_pem().ok_or("there is no CA")?;
    let tls = TlsParameters::builder("localhost".into())
        .add_root_certificate(Certificate::from_pem(ca.as_bytes())?)
        .build()?;
    let tls = match door.policy.tls {
        TlsMode::Implicit => Tls::Wrapper(tls),
        TlsMode::StartTls | TlsMode::Required => Tls::Required(tls),
        TlsMode::None => Tls::None,
    };
    let address = door.addresses[0];
    let mut client =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(address.port())
            .tls(tls);
    if door.policy.auth != AuthMode::None {
        client = client.credentials(Credentials::new("alice".into(), "secret".into()));
    }
    Ok(client.build())
}
