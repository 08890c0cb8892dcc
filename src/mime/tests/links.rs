//! Links and images out of whole messages.

use crate::mime::links::Found;
use crate::mime::{Reading, images, links};

fn html(body: &str) -> Reading {
    Reading::of(format!("Content-Type: text/html; charset=utf-8\n\n{body}").as_bytes())
}

#[test]
fn links_of_html_come_with_their_words() {
    let reading = html(
        r##"<a href="https://x.example/confirm?a=1&amp;b=2">Con<b>firm</b> your<br>
        address</a> <A HREF='MailTo:help@y.example'>help</A> <a href=#top>top</a> <a href="">empty</a>
        <a href="java&#10;script:alert(1)">click</a> <a href="/confirm">broken template</a>
        <a href=https://pic.example/><img src=cid:logo alt=Logo></a>
        <a href="https://x.example/confirm?a=1&amp;b=2">again</a>
        <a name=anchor>no link</a><map><area href="https://area.example/" alt="Map"></map>
        or copy https://x.example/confirm?a=1&amp;b=2 or https://text.example/ to your browser"##,
    );
    let all = links(&reading);
    let seen: Vec<_> = all.iter().map(|l| (&*l.url, l.text.as_deref(), l.followable)).collect();
    assert_eq!(
        seen,
        [
            ("https://x.example/confirm?a=1&b=2", Some("Confirm your address"), true),
            ("MailTo:help@y.example", Some("help"), true),
            ("javascript:alert(1)", Some("click"), false),
            ("/confirm", Some("broken template"), false),
            ("https://pic.example/", Some("Logo"), true),
            ("https://area.example/", Some("Map"), true),
            ("https://text.example/", None, true),
        ]
    );
    assert_eq!(all[0].host.as_deref(), Some("x.example"));
    assert_eq!(all[1].host.as_deref(), Some("y.example"));
    assert_eq!(all[2].scheme.as_deref(), Some("javascript"));
    assert_eq!(all[3].scheme, None);
    assert!(all.iter().all(|link| link.from == Found::Html));
}

#[test]
fn a_url_in_both_alternatives_is_one_link() {
    let reading = Reading::of(
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nGo to https://a.example/1 or https://b.example/2.\n--b\nContent-Type: text/html\n\n<a href=https://a.example/1>go</a>\n--b--",
    );
    let all = links(&reading);
    let seen: Vec<_> = all.iter().map(|l| (&*l.url, l.text.as_deref(), l.from)).collect();
    let first = ("https://a.example/1", Some("go"), Found::Html);
    assert_eq!(seen, [first, ("https://b.example/2", None, Found::Text)]);
    assert_eq!(serde_json::to_value(&all[1]).unwrap()["from"], "text");
}

#[test]
fn images_are_listed_apart() {
    let reading = html(
        r#"<img src="cid:logo@x" alt="Our logo"><img alt=x><IMG SRC=https://t.example/p.gif width=1>
        <img src="cid:logo@x"><img src="data:image/png;base64,AAAA"><!-- <img src=no> -->"#,
    );
    let all = images(&reading);
    let seen: Vec<_> = all.iter().map(|image| (&*image.url, image.alt.as_deref())).collect();
    assert_eq!(
        seen,
        [
            ("cid:logo@x", Some("Our logo")),
            ("https://t.example/p.gif", None),
            ("data:image/png;base64", None)
        ]
    );
    assert_eq!(all[1].host.as_deref(), Some("t.example"));
    assert_eq!(links(&reading), []);
}
