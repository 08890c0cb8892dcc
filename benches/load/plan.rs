//! What is sent, where to, and how.

use clap::{Parser, ValueEnum};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    None,
    Starttls,
    Implicit,
}

#[derive(Debug, Parser)]
pub struct Plan {
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
    /// The door.
    #[arg(long)]
    pub address: SocketAddr,
    /// Messages in all.
    #[arg(long, default_value = "10000")]
    pub messages: u64,
    /// Octets of a message.
    #[arg(long, default_value = "1024")]
    pub size: usize,
    /// Sessions at a time.
    #[arg(long, default_value = "10")]
    pub sessions: usize,
    /// Messages after which a session is closed and another opened; 0 keeps it open.
    #[arg(long, default_value = "0")]
    pub per_session: u64,
    /// Whether commands are sent together as far as the server lets them.
    #[arg(long)]
    pub pipelined: bool,
    /// Whether the message goes by BDAT, which pipelines it with its envelope.
    #[arg(long)]
    pub bdat: bool,
    /// No message: each session says EHLO and QUIT.
    #[arg(long, conflicts_with_all = ["pipelined", "bdat"])]
    pub greetings: bool,
    /// Opens the sessions, says so, and holds them until its input ends.
    #[arg(long)]
    pub hold: bool,
    /// When TLS begins.
    #[arg(long, value_enum, default_value = "none")]
    pub tls: Tls,
    /// The CA to trust.
    #[arg(long)]
    pub ca: Option<PathBuf>,
    /// USER:SECRET, for AUTH PLAIN.
    #[arg(long)]
    pub login: Option<String>,
    /// Threads of the generator.
    #[arg(long, default_value = "1")]
    pub threads: usize,
}

impl Plan {
    /// A message of that size, lines of 76 of which none begins with a dot, and the end of DATA.
    pub fn message(&self) -> Vec<u8> {
        let head = "From: <a@example.org>\r\nTo: <b@example.org>\r\nSubject: load\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <0000000000@client.example>\r\n\r\n";
        let mut message = head.as_bytes().to_vec();
        while message.len() + 2 < self.size {
            let room = (self.size - message.len() - 2).min(74);
            message.extend(std::iter::repeat_n(b'x', room));
            message.extend(b"\r\n");
        }
        message.extend(b".\r\n");
        message
    }

    /// Gives a message a name of its own, as programs do: one that comes again is something to remark.
    pub fn name(message: &mut [u8], number: u64) {
        const BEFORE: &[u8] = b"Message-ID: <";
        let at =
            message.windows(BEFORE.len()).position(|found| found == BEFORE).expect("it has a name");
        let digits = &mut message[at + BEFORE.len()..][..10];
        digits.copy_from_slice(format!("{number:010}").as_bytes());
    }

    pub fn client_config(&self) -> Option<Arc<ClientConfig>> {
        if self.tls == Tls::None {
            return None;
        }
        let path = self.ca.as_ref().expect("--tls needs --ca");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Whole handshakes, never resumed ones.
        config.resumption = rustls::client::Resumption::disabled();
        Some(Arc::new(config))
    }
}
