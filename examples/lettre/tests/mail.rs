//! Run by `doorpost run -- cargo test`: the mail really travels, and is read back over doorpost's API.
//!
//! (Tests of a program in Rust need no program around them: `doorpost::test` brings a server into the test itself.)

use serde_json::{Value, json};
use shop::Mail;
use std::env::var;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

fn mail() -> Result<Mail, Box<dyn Error>> {
    Mail::new(&var("SMTP_URL")?)
}

fn get(path: &str, parameters: &[(&str, &str)]) -> Result<Value, Box<dyn Error>> {
    let url = var("DOORPOST_URL")? + path;
    let text = ureq::get(url)
        .query_pairs(parameters.iter().copied())
        .call()?
        .body_mut()
        .read_to_string()?;
    Ok(serde_json::from_str(&text)?)
}

/// The newest message that matches, as soon as it is there.
fn wait_for(query: &str) -> Result<Value, Box<dyn Error>> {
    let found = get("/api/messages/wait", &[("query", query), ("timeout", "10s")])?;
    Ok(found["messages"][0].clone())
}

#[test]
fn a_password_reset_has_a_link_and_a_code() -> Outcome {
    mail()?.password_reset("ann@customer.example")?;

    let message = wait_for("rcpt:ann@customer.example subject:reset")?;
    let path = format!("/api/messages/{}", message["id"].as_str().ok_or("no id")?);
    let links = get(&format!("{path}/links"), &[])?;
    let codes = get(&format!("{path}/codes"), &[])?;
    let link = links["links"][0]["url"].as_str().ok_or("no link")?;
    assert!(link.starts_with("https://shop.example/reset?token="), "{link}");
    let code = codes["codes"][0]["code"].as_str().ok_or("no code")?;
    assert!(code.len() == 6 && code.parse::<u32>().is_ok(), "{code}");
    Ok(())
}

#[test]
fn what_was_put_off_is_tried_again() -> Outcome {
    // Tests run side by side: this fault is for one recipient, with 450 for the first time, then 250.
    let scenario = r#"
        [[rules]]
        name = "ben-is-busy"
        at = "rcpt"
        when = { forward_path = "ben@customer.example" }
        first = 1
        do = { reply = "450 4.2.1 Mailbox busy, try again later" }
    "#;
    let wanted = json!({ "scenario": scenario }).to_string();
    let url = var("DOORPOST_URL")? + "/api/faults";
    ureq::put(url).header("Content-Type", "application/json").send(wanted)?;
    mail()?.password_reset("ben@customer.example")?;

    wait_for("rcpt:ben@customer.example")?;
    let put_off = get("/api/sessions", &[("query", "code:450")])?;
    assert_eq!(put_off["sessions"].as_array().map(Vec::len), Some(1), "{put_off}");
    Ok(())
}

#[test]
fn a_recipient_that_is_refused_does_not_cost_the_others_their_mail() -> Outcome {
    // Under .test some addresses are refused by their name: `doorpost faults` lists them.
    let addresses = ["cleo@customer.example", "hard-bounce@doorpost.test", "dan@customer.example"];
    let refused = mail()?.newsletter(&addresses, "Everything is cheaper.\n")?;

    assert_eq!(refused.keys().collect::<Vec<_>>(), ["hard-bounce@doorpost.test"]);
    assert!(refused["hard-bounce@doorpost.test"].to_string().contains("5.1.1"), "{refused:?}");
    wait_for("rcpt:cleo@customer.example subject:news")?;
    wait_for("rcpt:dan@customer.example subject:news")?;
    Ok(())
}

#[test]
fn a_wrong_port_is_named() -> Outcome {
    // `smtps://` is for 465. On 587 the connection begins in the clear: `smtp://…?tls=required`.
    let port = var("DOORPOST_SUBMISSION_PORT")?;
    let mail = Mail::new(&format!("smtps://localhost:{port}"))?;
    assert!(mail.password_reset("eve@customer.example").is_err());

    let found = get("/api/findings", &[("code", "tls-to-starttls-port")])?;
    let change = found["findings"][0]["change"].as_str().unwrap_or_default();
    assert!(!change.is_empty(), "{found}");
    Ok(())
}
