//! The room as a whole: directories over the years, damage, handshakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use super::{Change, Identity, Reason, TlsError};

mod own_files;

const FILES: [&str; 4] = ["ca-key.pem", "ca.pem", "leaf-key.pem", "leaf.pem"];

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn fresh() -> (TempDir, PathBuf) {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("deep/certs");
    (root, dir)
}

fn contents(dir: &Path) -> Vec<String> {
    let read = |name| fs::read_to_string(dir.join(name)).unwrap();
    FILES.map(read).to_vec()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Both ends in memory; `Err` when the client refuses.
fn handshake(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: &str,
) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(client, name)?;
    let mut server = ServerConnection::new(server)?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(())
}

fn reaches(client: &Identity, server: &Identity, name: &str) -> Result<(), rustls::Error> {
    handshake(client.client_config().unwrap(), server.server_config(), name)
}

fn problem(error: &TlsError, file: &str) -> String {
    let text = error.to_string();
    assert!(text.contains(file), "names {file}: {text}");
    assert!(text.contains("; "), "says what to do: {text}");
    text
}

#[test]
fn a_directory_is_made_once_and_reused() {
    let (_root, dir) = fresh();
    let made = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(made.change, Change::Made);
    assert_eq!(made.identity.ca_path(), Some(dir.join("ca.pem").as_path()));
    let before = contents(&dir);
    assert_eq!(made.identity.ca_pem(), Some(before[1].as_str()));

    let again = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(again.change, Change::Reused);
    assert_eq!(contents(&dir), before);
    assert!(again.warnings.is_empty());
    reaches(&made.identity, &again.identity, "localhost").unwrap();

    let mut left: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".lock", FILES[0], FILES[1], FILES[2], FILES[3]]);
}

#[test]
fn the_leaf_is_renewed_before_it_ends() {
    let (_root, dir) = fresh();
    let start = now();
    let _ = Identity::open(&dir, &[], start).unwrap();
    let before = contents(&dir);
    let almost = Identity::open(&dir, &[], start + Duration::days(365)).unwrap();
    assert_eq!(almost.change, Change::Reused);
    let later = Identity::open(&dir, &[], start + Duration::days(380)).unwrap();
    assert_eq!(later.change, Change::LeafRenewed(Reason::Time));
    let after = contents(&dir);
    assert_eq!(after[..3], before[..3], "the CA and both keys stay");
    assert_ne!(after[3], before[3]);
    assert!(later.identity.not_after() > start + Duration::days(700));
}

#[test]
fn a_new_name_renews_the_leaf() {
    let (_root, dir) = fresh();
    let first = Identity::open(&dir, &[], now()).unwrap();
    let before = contents(&dir);
    let wanted = names(&["mail.example.org", "192.0.2.7"]);
    let second = Identity::open(&dir, &wanted, now()).unwrap();
    assert_eq!(second.change, Change::LeafRenewed(Reason::Names(wanted.clone())));
    assert_eq!(contents(&dir)[..3], before[..3]);
    for name in &wanted {
        reaches(&first.identity, &second.identity, name).unwrap();
    }
    let third = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(third.change, Change::Reused, "a name too many does no harm");
}

#[test]
fn the_authority_is_renewed_over_its_key() {
    let (_root, dir) = fresh();
    let start = now() - Duration::days(3400);
    let old = Identity::open(&dir, &[], start).unwrap();
    let before = contents(&dir);
    let new = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(new.change, Change::AuthorityRenewed { expired: false });
    let after = contents(&dir);
    assert_eq!(after[0], before[0], "the CA's key");
    assert_ne!(after[1], before[1]);
    // Who trusts the old certificate is not cut off, and who trusts the new one is served.
    reaches(&old.identity, &new.identity, "localhost").unwrap();
    reaches(&new.identity, &new.identity, "localhost").unwrap();
}

#[test]
fn an_expired_authority_is_renewed_and_said_so() {
    let (_root, dir) = fresh();
    let _ = Identity::open(&dir, &[], now() - Duration::days(4000)).unwrap();
    let new = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(new.change, Change::AuthorityRenewed { expired: true });
    assert!(new.change.to_string().contains("expired"));
    reaches(&new.identity, &new.identity, "localhost").unwrap();
    let again = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(again.change, Change::Reused);
}

#[test]
fn an_interrupted_first_start_is_completed() {
    for (missing, change) in [
        (&["leaf.pem"][..], Change::LeafRenewed(Reason::Missing)),
        (&["leaf-key.pem"], Change::LeafRenewed(Reason::Missing)),
        (&["leaf-key.pem", "leaf.pem"], Change::LeafRenewed(Reason::Missing)),
        (&["ca.pem", "leaf-key.pem", "leaf.pem"], Change::Made),
        (&["ca.pem"], Change::Made),
        (&["ca-key.pem", "ca.pem"], Change::Made),
    ] {
        let (_root, dir) = fresh();
        let _ = Identity::open(&dir, &[], now()).unwrap();
        for name in missing {
            fs::remove_file(dir.join(name)).unwrap();
        }
        fs::write(dir.join(".leaf.pem.new"), "half a certi").unwrap();
        let opened = Identity::open(&dir, &[], now()).unwrap();
        assert_eq!(opened.change, change, "without {missing:?}");
        reaches(&opened.identity, &opened.identity, "localhost").unwrap();
    }
}

#[test]
fn a_lost_authority_key_is_not_replaced() {
    let (_root, dir) = fresh();
    let _ = Identity::open(&dir, &[], now()).unwrap();
    fs::remove_file(dir.join("ca-key.pem")).unwrap();
    let error = Identity::open(&dir, &[], now()).unwrap_err();
    assert!(problem(&error, "ca-key.pem").contains("missing"));
    assert!(!dir.join("ca-key.pem").exists());
}

#[test]
fn damage_is_named_and_left_alone() {
    for name in FILES {
        for damage in [
            "",
            "nonsense",
            "\u{0}",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nMII",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let (_root, dir) = fresh();
            let _ = Identity::open(&dir, &[], now()).unwrap();
            fs::write(dir.join(name), damage).unwrap();
            let damaged = contents(&dir);
            let error = Identity::open(&dir, &[], now()).unwrap_err();
            problem(&error, name);
            assert_eq!(contents(&dir), damaged);
        }
        let (_root, dir) = fresh();
        let _ = Identity::open(&dir, &[], now()).unwrap();
        fs::write(dir.join(name), [0x30, 0x82, 0xff]).unwrap();
        let error = Identity::open(&dir, &[], now()).unwrap_err();
        assert!(problem(&error, name).contains("PEM"));
    }
}

#[test]
fn files_of_two_directories_do_not_mix() {
    for (name, said) in [
        ("ca-key.pem", "ca-key.pem is not the key of this CA"),
        ("ca.pem", "ca-key.pem is not the key of this CA"),
        ("leaf-key.pem", "leaf-key.pem is not the key of this certificate"),
        ("leaf.pem", "leaf-key.pem is not the key of this certificate"),
    ] {
        let (_one, one) = fresh();
        let (_two, two) = fresh();
        let _ = Identity::open(&one, &[], now()).unwrap();
        let _ = Identity::open(&two, &[], now()).unwrap();
        fs::copy(two.join(name), one.join(name)).unwrap();
        let error = Identity::open(&one, &[], now()).unwrap_err();
        assert!(error.to_string().contains(said), "{name}: {error}");
    }
    let (_one, one) = fresh();
    let (_two, two) = fresh();
    let _ = Identity::open(&one, &[], now()).unwrap();
    let _ = Identity::open(&two, &[], now()).unwrap();
    for name in ["leaf.pem", "leaf-key.pem"] {
        fs::copy(two.join(name), one.join(name)).unwrap();
    }
    let error = Identity::open(&one, &[], now()).unwrap_err();
    assert!(problem(&error, "leaf.pem").contains("did not issue it"));
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for dir in [file.clone(), file.join("certs")] {
        let error = Identity::open(&dir, &[], now()).unwrap_err();
        assert!(problem(&error, &dir.display().to_string()).contains("--certs"));
    }
}

#[test]
fn a_clock_before_the_authority_is_named() {
    let (_root, dir) = fresh();
    let _ = Identity::open(&dir, &[], now()).unwrap();
    let error = Identity::open(&dir, &[], now() - Duration::days(900)).unwrap_err();
    assert!(problem(&error, "ca.pem").contains("clock"));
}

#[cfg(unix)]
#[test]
fn keys_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_root, dir) = fresh();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let _ = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(mode(&dir), 0o700);
    for key in ["ca-key.pem", "leaf-key.pem"] {
        assert_eq!(mode(&dir.join(key)), 0o600);
    }
    let key = dir.join("ca-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let opened = Identity::open(&dir, &[], now()).unwrap();
    assert_eq!(mode(&key), 0o600);
    assert_eq!(opened.warnings.len(), 1);
    assert!(opened.warnings[0].contains("0644"), "{:?}", opened.warnings);
}

#[test]
fn many_at_once_make_one_authority() {
    let (_root, dir) = fresh();
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Identity::open(&dir, &[], now()).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let made = opened.iter().filter(|one| one.change == Change::Made);
    assert_eq!(made.count(), 1);
    for one in &opened {
        assert_eq!(one.identity.ca_pem(), opened[0].identity.ca_pem());
        reaches(&opened[0].identity, &one.identity, "localhost").unwrap();
    }
}

#[test]
fn an_ephemeral_identity_is_believed_by_its_names_only() {
    let identity = Identity::ephemeral(&names(&["mail.example.org"]), now()).unwrap();
    assert!(identity.ca_pem().is_some());
    assert_eq!(identity.ca_path(), None);
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "x.doorpost.test",
        "doorpost.test",
        "smtp.localhost",
        "mail.example.org",
    ] {
        reaches(&identity, &identity, name).unwrap();
    }
    for name in ["example.org", "127.0.0.2", "a.b.doorpost.test"] {
        let error = reaches(&identity, &identity, name).unwrap_err();
        assert!(matches!(error, rustls::Error::InvalidCertificate(_)), "{name}: {error}");
    }
    let other = Identity::ephemeral(&[], now()).unwrap();
    reaches(&other, &identity, "localhost").unwrap_err();
}
