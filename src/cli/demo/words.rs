//! What a door is for and what it does differently, in words that follow from its row.
//!
//! No door is known by its number here: the number that is shown is the one that the row stands
//! for, and a fifth door gets its words in the same way.

use crate::config::{self, Door};
use crate::smtp::policy::{AuthMode, TlsMode};

/// `465 · submission, TLS from the first byte`
pub(super) fn title(door: &Door) -> String {
    let number = door.stands_for.map(|port| format!("{port} · ")).unwrap_or_default();
    number + &role(door)
}

fn role(door: &Door) -> String {
    if is_providers_alternative(door) {
        return "the providers' alternative".to_owned();
    }
    let role = match door.auth {
        AuthMode::None => "between servers",
        AuthMode::Optional => "login if you like",
        AuthMode::Required => "submission",
    };
    let tls = match (door.tls, door.auth) {
        // What every mail exchanger does needs no word.
        (TlsMode::StartTls, AuthMode::None) => "",
        (TlsMode::StartTls, _) => ", STARTTLS if you like",
        (TlsMode::None, _) => ", no TLS",
        (TlsMode::Required, _) => ", STARTTLS",
        (TlsMode::Implicit, _) => ", TLS from the first byte",
    };
    format!("{role}{tls}")
}

/// Whether it stands for the number that is in no standard. What the row does is no sign of it:
/// any submission door may be as lenient.
fn is_providers_alternative(door: &Door) -> bool {
    let built_in = config::default_doors();
    let alternate = built_in.iter().find(|built_in| built_in.name == "alternate");
    door.stands_for.is_some() && alternate.is_some_and(|it| it.stands_for == door.stands_for)
}

/// Two lines for the message's body. Short: they stand in a narrow column.
pub(super) fn purpose(door: &Door) -> [&'static str; 2] {
    if is_providers_alternative(door) {
        return ["Providers keep this door for", "when the others are blocked."];
    }
    match (door.auth, door.tls) {
        (AuthMode::None, _) => ["Servers hand mail to each other", "here. Nobody logs in."],
        (AuthMode::Optional, _) => {
            ["A program hands in its mail", "here, with a login or without."]
        }
        (AuthMode::Required, TlsMode::Implicit) => {
            ["A program hands in its mail", "here: TLS at once, then login."]
        }
        (AuthMode::Required, TlsMode::None) => {
            ["A program hands in its mail", "here: login, and no TLS."]
        }
        (AuthMode::Required, TlsMode::StartTls | TlsMode::Required) => {
            ["A program hands in its mail", "here: STARTTLS, then the login."]
        }
    }
}

/// What the first reply to EHLO tells.
pub(super) fn offered(door: &Door, starttls: bool, auth: bool, sealed: bool) -> &'static str {
    match (starttls, auth, sealed) {
        (true, false, _) if door.auth == AuthMode::None => "STARTTLS is offered, no login",
        (true, false, _) => "STARTTLS is offered; AUTH is not, before TLS",
        (true, true, _) => "STARTTLS is offered, and AUTH even without it",
        (false, true, true) => "AUTH is offered at once: TLS is on already",
        (false, true, false) => "AUTH is offered, and there is no TLS",
        (false, false, true) => "a login is not offered",
        (false, false, false) => "neither TLS nor a login is offered",
    }
}

/// What STARTTLS means to this door.
pub(super) fn starttls(door: &Door) -> &'static str {
    match door.tls {
        TlsMode::Required => "demanded: no AUTH, no MAIL before",
        _ => "offered; a good client takes it",
    }
}

/// What AUTH means to this door.
pub(super) fn auth(door: &Door, sealed: bool) -> &'static str {
    match (door.auth, door.auth_before_tls && sealed && door.tls == TlsMode::StartTls) {
        (_, true) => "demanded; allowed without TLS too",
        (AuthMode::Required, false) => "demanded: no MAIL without it",
        (AuthMode::None | AuthMode::Optional, false) => "not demanded",
    }
}

/// Why there is no login.
pub(super) fn no_auth(door: &Door) -> &'static str {
    match door.auth {
        AuthMode::None => "not offered here: servers do not log in at each other",
        AuthMode::Optional | AuthMode::Required => "not offered here",
    }
}

/// Whether a login was needed, for the summary.
pub(super) fn login(door: &Door, user: Option<&str>) -> String {
    match (user, door.auth) {
        (None, AuthMode::Required) => "login needed, not done".to_owned(),
        (None, AuthMode::Optional) => "no login needed".to_owned(),
        (None, AuthMode::None) => "no login, none offered".to_owned(),
        (Some(user), AuthMode::Required) => format!("login needed, as {user}"),
        (Some(user), _) => format!("login not needed, done as {user}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn the_words_follow_from_the_row() {
        let titles: Vec<_> = config::default_doors().iter().map(title).collect();
        assert_eq!(
            titles,
            [
                "25 · between servers",
                "587 · submission, STARTTLS",
                "465 · submission, TLS from the first byte",
                "2525 · the providers' alternative",
            ]
        );
        let mut fifth = Door::new("fifth", "doorpost.test");
        assert_eq!(title(&fifth), "between servers, no TLS");
        fifth.auth = AuthMode::Optional;
        fifth.tls = TlsMode::StartTls;
        assert_eq!(title(&fifth), "login if you like, STARTTLS if you like");
    }
}
