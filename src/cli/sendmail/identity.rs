//! Who runs this, and where: for a message that does not say.

use crate::cli::client::variable;
use crate::mail::Domain;

/// Whoever it is, if nothing says.
const NOBODY: &str = "nobody";

/// The name of this machine; one that may stand behind an `@`.
pub(super) fn host() -> String {
    let told = read_line("/proc/sys/kernel/hostname")
        .or_else(|| read_line("/etc/hostname"))
        .or_else(|| variable("HOSTNAME"))
        .or_else(|| variable("COMPUTERNAME"));
    told.filter(|name| Domain::parse(name).is_ok()).unwrap_or_else(|| "localhost".to_owned())
}

/// The user's name; it may stand in front of an `@`.
pub(super) fn user() -> String {
    // cron and login set them; a web server's workers may have none.
    let told = ["LOGNAME", "USER", "USERNAME"].into_iter().find_map(variable).or_else(of_system);
    let is_plain = |c: char| c.is_alphanumeric() || "-_.$".contains(c);
    told.filter(|name| name.chars().all(is_plain)).unwrap_or_else(|| NOBODY.to_owned())
}

fn read_line(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// The name of the user that the process runs as.
#[cfg(unix)]
fn of_system() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    // A process owns its own folder there.
    let number = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn of_system() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_can_stand_in_an_address() {
        assert!(crate::mail::Mailbox::parse(&format!("{}@{}", user(), host())).is_ok());
    }
}
