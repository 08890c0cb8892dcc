//! `doorpost run`: a doorpost around a command, its environment, its signals, its exit code, its judgement.

#![cfg(unix)] // the commands are shell scripts
#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/program.rs"]
mod program;

use program::{Ran, doorpost};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs a shell script inside `doorpost run`.
fn run(folder: &Path, flags: &[&str], script: &str) -> Ran {
    let mut command = doorpost(folder);
    command.arg("run").args(flags).args(["--", "sh", "-c", script]).output().unwrap().into()
}

/// Sends a message by the program itself, as the command would by its own client.
fn mail(to: &str) -> String {
    let program = env!("CARGO_BIN_EXE_doorpost");
    format!(
        "printf 'Subject: hello <b>\\n\\ntext\\n' | '{program}' sendmail -f alice@example.org {to}"
    )
}

#[test]
fn the_exit_code_is_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &[], "exit 0").code, Some(0));
    assert_eq!(run(folder.path(), &[], "exit 7").code, Some(7));
    assert_eq!(run(folder.path(), &[], "kill -9 $$").code, Some(137));
    let mut missing = doorpost(folder.path());
    let ran: Ran = missing.args(["run", "--", "/no/such/command"]).output().unwrap().into();
    assert_eq!(ran.code, Some(127), "{}", ran.err);
    assert!(ran.err.contains("/no/such/command"), "{}", ran.err);
}

#[test]
fn the_environment_leads_to_the_door_that_was_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo $SMTP_HOST:$SMTP_PORT $MAIL_URL $MAILER_DSN $EMAIL_URL $EMAIL_USE_TLS/$EMAIL_USE_SSL ${SMTP_USERNAME-none}/${SMTP_PASSWORD-none} $DOORPOST_SUBMISSIONS_PORT";
    let words = |flags: &[&str]| {
        let out = run(folder.path(), flags, script).good();
        out.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let usual = words(&[]);
    let at = &usual[0];
    assert!(at.starts_with("127.0.0.1:"), "{usual:?}");
    assert_eq!(usual[1], format!("smtp://doorpost:doorpost@{at}"));
    assert_eq!(usual[4..6], ["false/false", "doorpost/doorpost"]);
    let tls = words(&["--door", "submissions", "--user", "al:s3:cret@/x"]);
    let (at, port) = (&tls[0], &tls[6]);
    assert_eq!(at, &format!("localhost:{port}"));
    assert_eq!(tls[1], format!("smtps://al:s3%3Acret%40%2Fx@{at}"));
    assert_eq!(tls[3], format!("smtp+ssl://al:s3%3Acret%40%2Fx@{at}"));
    assert_eq!(tls[4..6], ["false/true", "al/s3:cret@/x"]);
    let starttls = words(&["--door", "submission"]);
    assert_eq!(starttls[4], "true/false");
    assert!(starttls[3].starts_with("smtp+tls://"));
}

#[test]
fn a_door_without_auth_takes_left_over_logins_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = doorpost(folder.path());
    command.env("SMTP_PASSWORD", "left over").args(["run", "--door", "relay", "--", "sh", "-c"]);
    let ran: Ran = command.arg("echo ${SMTP_PASSWORD-none} $SMTP_URL").output().unwrap().into();
    let out = ran.good();
    assert!(out.starts_with("none smtp://127.0.0.1:"), "{out}");
    let ran = run(folder.path(), &["--door", "nowhere"], "true");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("--door nowhere") && ran.err.contains("submissions"), "{}", ran.err);
}

#[test]
fn what_is_expected_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let send = mail("bob@example.org");
    let flags = ["--door", "relay", "--expect", "rcpt:bob@example.org subject:hello"];
    let ran = run(folder.path(), &flags, &send);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("1 message in 1 session"), "{}", ran.err);
    let ran = run(folder.path(), &["--door", "relay", "--expect", "rcpt:carol@example.org"], &send);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("carol") && ran.err.contains("<bob@example.org>"), "{}", ran.err);
    assert!(ran.err.contains("\"hello <b>\""), "{}", ran.err);
    let twice = format!("{send} && {send}");
    let exactly = ["--door", "relay", "--expect", "rcpt:bob@example.org", "--count", "1"];
    assert_eq!(run(folder.path(), &exactly, &twice).code, Some(1));
    assert_eq!(run(folder.path(), &exactly, &send).code, Some(0));
    // An expectation that cannot be read stops everything before it starts.
    let ran = run(folder.path(), &["--expect", "larger:huge"], "touch started");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(!folder.path().join("started").exists());
}

#[test]
fn what_earlier_runs_left_in_the_folder_is_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let send = mail("bob@example.org");
    let flags =
        ["--data", "kept", "--door", "relay", "--expect", "rcpt:bob@example.org", "--count", "1"];
    for _ in 0..2 {
        let ran = run(folder.path(), &flags, &send);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.err.contains("1 message in 1 session"), "{}", ran.err);
    }
    let ran = run(folder.path(), &flags, "true");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("0 messages in 0 sessions"), "{}", ran.err);
}

/// A suite that removes its mail between its tests has sent it all the same.
#[test]
fn what_the_command_removed_is_judged_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_doorpost");
    let test =
        |to: &str| format!("{} && '{program}' wait rcpt:{to} && '{program}' rm --all", mail(to));
    let script = format!("{} && {}", test("bob@example.org"), test("carol@example.org"));
    let flags = [
        "--door",
        "relay",
        "--count",
        "1",
        "--expect",
        "rcpt:bob@example.org",
        "--report",
        "r.json",
        "--save",
        "kept",
    ];
    let ran = run(folder.path(), &flags, &script);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("2 messages in 2 sessions"), "{}", ran.err);
    let report = fs::read_to_string(folder.path().join("r.json")).unwrap();
    assert!(report.contains("carol@example.org"), "{report}");
    assert!(folder.path().join("kept/2.eml").exists());
    let flags = ["--door", "relay", "--expect=-rcpt:bob@example.org", "--count", "0"];
    let ran = run(folder.path(), &flags, &script);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("1 do; 2 came, the last of them:\n  Message 1: "), "{}", ran.err);
}

/// What is no longer there cannot be judged, and is not passed over.
#[test]
fn a_session_that_was_let_go_fails_what_is_asked_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("{}; {}", mail("bounce@example.test"), mail("bob@example.org"));
    let flags = ["--door", "relay", "--max-sessions", "1", "--fail-on", "refusal"];
    let ran = run(folder.path(), &flags, &script);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("1 message in 2 sessions"), "{}", ran.err);
    assert!(ran.err.contains("1 session was let go before the end"), "{}", ran.err);
    let ran = run(folder.path(), &["--door", "relay", "--max-sessions", "1"], &script);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

#[test]
fn the_command_may_ask_an_api_that_wants_a_login() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_doorpost");
    let script = format!("{} && '{program}' wait rcpt:bob@example.org", mail("bob@example.org"));
    for login in [["--web-auth", "al:pw"], ["--web-token", "t0ken"]] {
        run(folder.path(), &["--door", "relay", login[0], login[1]], &script).good();
    }
    // One that is left over would be shown to this doorpost.
    let mut command = doorpost(folder.path());
    command.env("DOORPOST_TOKEN", "old").args([
        "run",
        "--",
        "sh",
        "-c",
        "echo ${DOORPOST_TOKEN-none}",
    ]);
    assert_eq!(Ran::from(command.output().unwrap()).good(), "none\n");
}

#[test]
fn what_is_misspelt_is_told_whatever_log_another_program_wants() {
    let folder = tempfile::tempdir().unwrap();
    let told = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = doorpost(folder.path());
        command.env("DOORPOST_FAULTS", "unknown-user").envs(variables.iter().copied());
        let ran =
            Ran::from(command.args(["run"]).args(flags).args(["--", "true"]).output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.err
    };
    for variables in [&[][..], &[("RUST_LOG", "debug")], &[("RUST_LOG", "mine=debug")]] {
        let err = told(variables, &[]);
        assert!(err.contains("the variable DOORPOST_FAULTS sets nothing"), "{variables:?}: {err}");
        assert!(!err.contains(" INFO "), "{variables:?}: {err}");
    }
    assert!(told(&[("RUST_LOG", "doorpost=info")], &[]).contains(" INFO "));
    assert!(!told(&[("RUST_LOG", "doorpost=info")], &["-qq"]).contains(" INFO "));
}

#[test]
fn a_report_that_cannot_be_written_takes_nothing_else_away() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let flags =
        ["--door", "relay", "--report", "file/r.xml", "--report", "r.json", "--save", "kept"];
    let ran = run(folder.path(), &flags, &format!("{}; exit 3", mail("bob@example.org")));
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.err.contains("1 message in 1 session"), "{}", ran.err);
    assert!(ran.err.contains("error: --report: file/r.xml"), "{}", ran.err);
    assert!(folder.path().join("kept/1.eml").exists() && folder.path().join("r.json").exists());
    let ran = run(folder.path(), &flags, "true");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
}

#[test]
fn a_refusal_fails_the_run_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let refused = format!("{} || true", mail("bob@example.org"));
    let flags = ["--door", "relay", "--fault", "unknown-user"];
    assert_eq!(run(folder.path(), &flags, &refused).code, Some(0));
    let flags = ["--door", "relay", "--fault", "unknown-user", "--fail-on", "refusal"];
    let ran = run(folder.path(), &flags, &refused);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("RCPT was answered 550 5.1.1"), "{}", ran.err);
}

#[test]
fn reports_and_files_are_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [
        "--door",
        "relay",
        "--expect",
        "rcpt:carol@example.org",
        "--save",
        "kept",
        "--report",
        "out/r.xml",
        "--report",
        "out/r.json",
        "--report",
        "out/r.html",
    ];
    let ran = run(folder.path(), &flags, &mail("bob@example.org"));
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let junit = read("out/r.xml");
    assert!(junit.contains("tests=\"2\"") && junit.contains("failures=\"1\""), "{junit}");
    let json: serde_json::Value = serde_json::from_str(&read("out/r.json")).unwrap();
    assert_eq!(json["ok"], false);
    assert_eq!(json["messages"][0]["forward_paths"][0], "bob@example.org");
    assert_eq!(json["sessions"][0]["door"], "relay");
    let html = read("out/r.html");
    assert!(html.contains("&lt;bob@example.org&gt;") && !html.contains("<bob@"), "{html}");
    assert!(read("kept/1.eml").contains("Subject: hello <b>"));
    assert!(read("kept/session-1.txt").contains("C: MAIL FROM:<alice@example.org>"));
    let ran = run(folder.path(), &["--report", "r.pdf"], "true");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("r.pdf") && ran.err.contains(".html"), "{}", ran.err);
}

#[test]
fn trust_is_a_bundle_that_is_gone_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let script = "cmp \"$NODE_EXTRA_CA_CERTS\" \"$DOORPOST_CA\" && grep -c BEGIN \"$SSL_CERT_FILE\" && echo $SSL_CERT_FILE";
    let out = run(folder.path(), &["--trust"], script).good();
    let mut lines = out.lines();
    assert!(lines.next().unwrap().parse::<u32>().unwrap() >= 1);
    assert!(!Path::new(lines.next().unwrap()).exists());
}

#[test]
fn signals_are_the_commands() {
    for name in ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"] {
        let folder = tempfile::tempdir().unwrap();
        let script =
            format!("trap 'echo told; exit 3' {name}; touch started; while :; do sleep 0.05; done");
        let mut child = doorpost(folder.path())
            .args(["run", "--", "sh", "-c", &script])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while !folder.path().join("started").exists() {
            assert!(Instant::now() < end, "the command did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = child.id().to_string();
        let told = std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(told.success());
        let mut out = String::new();
        std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut out).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(3), "{name}");
        assert_eq!(out, "told\n", "{name}");
    }
}

#[test]
fn ready_tells_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_doorpost");
    let out = run(
        folder.path(),
        &[],
        &format!("'{program}' ready && '{program}' ready --wait --timeout 5s"),
    )
    .good();
    assert_eq!(out.matches("every door is open").count(), 2, "{out}");
    let mut command = doorpost(folder.path());
    // Nothing listens on a port that the system would have to choose.
    let arguments = ["ready", "--wait", "--timeout", "100ms", "--server", "http://127.0.0.1:1"];
    let ran: Ran = command.args(arguments).output().unwrap().into();
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("not ready after 100ms"), "{}", ran.err);
}
