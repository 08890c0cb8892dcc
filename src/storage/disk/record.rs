//! How a message's arrival is written down: JSON with short names, since there is one for each
//! message. Names here never change their meaning; new ones may come.

use crate::finding::Finding;
use crate::mail::{Body, Envelope, ForwardPath, Notify, Recipient, Ret, ReversePath, SessionId};
use crate::smtp::TlsFacts;
use crate::storage::Arrival;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use time::OffsetDateTime;

/// Every name of RFC 3848 and RFC 6531 that a message can have come by, that of an import, and none.
const PROTOCOLS: [&str; 11] = [
    "SMTP",
    "ESMTP",
    "ESMTPA",
    "ESMTPS",
    "ESMTPSA",
    "UTF8SMTP",
    "UTF8SMTPA",
    "UTF8SMTPS",
    "UTF8SMTPSA",
    "HTTP",
    "",
];

/// An arrival, without the time, which is a column.
#[derive(Serialize, Deserialize)]
struct Written {
    door: String,
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<SessionId>,
    peer: SocketAddr,
    by: String,
    helo: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<WrittenTls>,
    from: String,
    /// Nobody said it.
    #[serde(default, skip_serializing_if = "is_false")]
    unsaid: bool,
    to: Vec<WrittenRecipient>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    envid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    utf8: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

#[derive(Serialize, Deserialize)]
struct WrittenTls {
    version: String,
    cipher: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sni: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alpn: Vec<String>,
}

/// Most recipients are a path and nothing else.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenRecipient {
    Path(String),
    Whole {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notify: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        orcpt: Option<String>,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands it over like that
fn is_false(value: &bool) -> bool {
    !value
}

/// Writes an arrival down.
pub(super) fn write(arrival: &Arrival) -> String {
    let envelope = &arrival.envelope;
    let recipient = |recipient: &Recipient| {
        let path = recipient.path.to_string();
        match (recipient.notify, &recipient.orcpt) {
            (None, None) => WrittenRecipient::Path(path),
            (notify, orcpt) => WrittenRecipient::Whole {
                path,
                notify: notify.map(|notify| notify.to_string()),
                orcpt: orcpt.clone(),
            },
        }
    };
    let tls = arrival.tls.as_deref().map(|facts| {
        let TlsFacts { version, cipher, sni, alpn } = facts.clone();
        WrittenTls { version, cipher, sni, alpn }
    });
    let written = Written {
        door: arrival.door.to_string(),
        host: arrival.hostname.to_string(),
        session: arrival.session,
        peer: arrival.peer,
        by: arrival.protocol.to_owned(),
        helo: arrival.hello.to_string(),
        user: arrival.auth_user.as_deref().map(str::to_owned),
        tls,
        from: envelope.reverse_path.to_string(),
        unsaid: arrival.is_sender_unknown,
        to: envelope.forward_paths.iter().map(recipient).collect(),
        ret: envelope.ret.map(|ret| ret.to_string()),
        envid: envelope.envid.clone(),
        body: (envelope.body != Body::SevenBit).then(|| envelope.body.to_string()),
        utf8: envelope.smtputf8,
        size: envelope.declared_size,
        auth: envelope.auth.clone(),
        findings: arrival.findings.to_vec(),
    };
    // Strings, numbers and lists of them: JSON can always hold them.
    serde_json::to_string(&written).unwrap_or_default()
}

/// Reads what [`write`] has written; an error where it was not `write`.
pub(super) fn read(text: &str, received_at: OffsetDateTime) -> Result<Arrival, String> {
    let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let (reverse_path, _) = ReversePath::parse_front(&format!("<{}>", written.from))
        .map_err(|error| format!("the reverse-path <{}>: {error}", written.from))?;
    let forward_paths = written.to.into_iter().map(|recipient| {
        let (path, notify, orcpt) = match recipient {
            WrittenRecipient::Path(path) => (path, None, None),
            WrittenRecipient::Whole { path, notify, orcpt } => (path, notify, orcpt),
        };
        let (parsed, _) = ForwardPath::parse_front(&format!("<{path}>"))
            .map_err(|error| format!("the forward-path <{path}>: {error}"))?;
        let notify = notify.map(|words| Notify {
            success: words.contains("SUCCESS"),
            failure: words.contains("FAILURE"),
            delay: words.contains("DELAY"),
        });
        Ok(Recipient { path: parsed, notify, orcpt })
    });
    let envelope = Envelope {
        reverse_path,
        forward_paths: forward_paths.collect::<Result<_, String>>()?,
        ret: written.ret.map(|ret| if ret == "FULL" { Ret::Full } else { Ret::Hdrs }),
        envid: written.envid,
        body: match written.body.as_deref() {
            Some("8BITMIME") => Body::EightBitMime,
            Some("BINARYMIME") => Body::BinaryMime,
            _ => Body::SevenBit,
        },
        smtputf8: written.utf8,
        declared_size: written.size,
        auth: written.auth,
    };
    let tls = written.tls.map(|WrittenTls { version, cipher, sni, alpn }| {
        Arc::new(TlsFacts { version, cipher, sni, alpn })
    });
    Ok(Arrival {
        received_at,
        door: written.door.into(),
        hostname: written.host.into(),
        session: written.session,
        peer: written.peer,
        envelope,
        is_sender_unknown: written.unsaid,
        protocol: PROTOCOLS.iter().find(|name| **name == written.by).copied().unwrap_or(""),
        hello: written.helo.into(),
        auth_user: written.user.map(Into::into),
        tls,
        findings: written.findings.into(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::super::super::testing::arrival;
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let plain = arrival();
        assert_eq!(read(&write(&plain), plain.received_at).unwrap(), plain);
        let mut full = plain;
        let path = |text: &str| ForwardPath::parse_front(text).unwrap().0;
        full.envelope = Envelope {
            reverse_path: ReversePath::parse_front("<\"a>\\\" b\"@xn--bcher-kva.example>")
                .unwrap()
                .0,
            forward_paths: vec![
                Recipient { path: path("<postmaster>"), notify: None, orcpt: None },
                Recipient {
                    path: path("<jürgen@[IPv6:2001:db8::1]>"),
                    notify: Some(Notify { success: true, failure: false, delay: true }),
                    orcpt: Some("rfc822;x+\n\"".into()),
                },
                Recipient {
                    path: path("<b@example.org>"),
                    notify: Some(Notify::default()),
                    orcpt: None,
                },
            ],
            ret: Some(Ret::Hdrs),
            envid: Some("e\u{1}".into()),
            body: Body::BinaryMime,
            smtputf8: true,
            declared_size: Some(u64::MAX),
            auth: Some("<>".into()),
        };
        full.tls = Some(Arc::new(TlsFacts {
            version: "TLSv1.3".into(),
            cipher: "X".into(),
            sni: Some("relay.localhost".into()),
            alpn: vec!["h2".into()],
        }));
        full.auth_user = Some("a\0b".into());
        full.session = None;
        full.is_sender_unknown = true;
        let code = crate::finding::Code::BccHeaderSent;
        full.findings = [crate::finding::Finding::new(code, Some(9), None, "")].into();
        for protocol in PROTOCOLS {
            full.protocol = protocol;
            assert_eq!(read(&write(&full), full.received_at).unwrap(), full);
        }
    }

    #[test]
    fn what_is_not_ours_is_an_error() {
        for text in [
            "",
            "{}",
            "[1]",
            r#"{"door":"d","host":"h","peer":"1.2.3.4:5","by":"SMTP","helo":"x","from":"a b","to":[]}"#,
        ] {
            assert!(read(text, OffsetDateTime::UNIX_EPOCH).is_err(), "{text}");
        }
    }
}
