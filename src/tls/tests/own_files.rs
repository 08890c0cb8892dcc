//! The user's own certificate and key, in every form they come in.

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tls/fixtures").join(name)
}

#[test]
fn every_kind_of_key_is_taken() {
    for (cert, key) in [
        ("ec-cert.pem", "ec-pkcs8-key.pem"),
        ("ec-cert.pem", "ec-sec1-key.pem"),
        ("rsa-cert.pem", "rsa-pkcs1-key.pem"),
    ] {
        let identity = Identity::from_files(&fixture(cert), &fixture(key)).unwrap();
        assert_eq!(identity.ca_pem(), None);
        assert_eq!(identity.ca_path(), Some(fixture(cert).as_path()));
        assert_eq!(identity.names(), ["localhost", "127.0.0.1"]);
        reaches(&identity, &identity, "localhost").unwrap();
        reaches(&identity, &identity, "example.org").unwrap_err();
    }
}

#[test]
fn a_chain_is_trusted_by_its_last_certificate() {
    let (_root, dir) = fresh();
    let opened = Identity::open(&dir, &[], now()).unwrap();
    let own = Identity::from_files(&dir.join("leaf.pem"), &dir.join("leaf-key.pem")).unwrap();
    assert_eq!(own.names(), opened.identity.names());
    reaches(&own, &opened.identity, "localhost").unwrap();
    reaches(&own, &own, "x.doorpost.test").unwrap();
}

#[test]
fn a_certificate_that_has_ended_is_served_but_not_believed() {
    let (_root, dir) = fresh();
    let _ = Identity::open(&dir, &[], now() - Duration::days(500)).unwrap();
    let own = Identity::from_files(&dir.join("leaf.pem"), &dir.join("leaf-key.pem")).unwrap();
    assert!(own.not_after() < now());
    reaches(&own, &own, "localhost").unwrap_err();
}

#[test]
fn what_cannot_work_is_refused() {
    for (cert, key, named, said) in [
        ("ec-cert.pem", "rsa-pkcs1-key.pem", "rsa-pkcs1-key.pem", "not the key of"),
        ("ec-cert.pem", "ec-encrypted-key.pem", "ec-encrypted-key.pem", "encrypted"),
        ("ec-cert.pem", "ec-cert.pem", "ec-cert.pem", "no private key"),
        ("ec-pkcs8-key.pem", "ec-pkcs8-key.pem", "ec-pkcs8-key.pem", "no certificate"),
        ("none.pem", "ec-pkcs8-key.pem", "none.pem", "cannot be read"),
        ("ec-cert.pem", "none.pem", "none.pem", "cannot be read"),
    ] {
        let error = Identity::from_files(&fixture(cert), &fixture(key)).unwrap_err();
        assert!(problem(&error, named).contains(said), "{error}");
    }
}
