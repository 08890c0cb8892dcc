//! A report as a page that needs nothing else: no script, no file, no network. All that came from elsewhere is
//! escaped.

use super::judge::{Verdict, in_words, number};
use super::report::conversation;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color-scheme:light dark}\
pre{overflow:auto;padding:.75rem;border:1px solid #8884;border-radius:6px;font:13px/1.45 ui-monospace,monospace}\
.ok::before{content:'✓ ';color:#2a8a4a}.no::before{content:'✗ ';color:#c0392b}li{white-space:pre-wrap}summary{cursor:pointer}";

/// The page.
pub(super) fn page(verdict: &Verdict, command: &str) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\"><title>doorpost</title><style>{STYLE}</style></head><body>\n\
         <h1>doorpost</h1><pre>{}</pre>\n<h2>Checks</h2><ul>\n",
        escaped(command)
    );
    for check in &verdict.checks {
        let class = if check.failure.is_none() { "ok" } else { "no" };
        let failure =
            check.failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default();
        let words = escaped(&format!("{}{failure}", check.name));
        text.push_str(&format!("<li class=\"{class}\">{words}</li>\n"));
    }
    text.push_str(&format!("</ul>\n<h2>{}</h2><ul>\n", number(verdict.messages.len(), "message")));
    for message in &verdict.messages {
        text.push_str(&format!("<li>{}</li>\n", escaped(&in_words(message))));
    }
    text.push_str(&format!("</ul>\n<h2>{}</h2>\n", number(verdict.sessions.len(), "session")));
    for session in &verdict.sessions {
        let class = if session.was_refused() { "no" } else { "ok" };
        // What somebody will look for stands open.
        let is_told = session.was_refused() || !session.findings.is_empty();
        let open = if is_told { " open" } else { "" };
        let title = escaped(&format!("session {} at {}", session.id, session.door));
        let said = escaped(&conversation(session));
        text.push_str(&format!(
            "<details{open}><summary class=\"{class}\">{title}</summary><pre>{said}</pre></details>\n"
        ));
    }
    text + "</body></html>\n"
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
