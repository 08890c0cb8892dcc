//! A name that a sender gave a file, made harmless to show and to save under. It cannot name a
//! folder, hide its end or write to a terminal; what is left is the sender's choice.

/// The longest name that common file systems take, in octets.
const LONGEST: usize = 255;
/// As much of a name's end as is kept when the middle has to go.
const ENDING: usize = 16;

/// The name, or nothing if nothing is left of it.
pub(super) fn harmless(name: &str) -> Option<String> {
    let clean: String =
        name.chars().filter(|c| !invisible(*c)).map(|c| if parts(c) { '_' } else { c }).collect();
    let clean = clean.trim();
    match clean {
        "" => None,
        "." | ".." => Some("_".repeat(clean.len())),
        _ if clean.len() > LONGEST => Some(shortened(clean)),
        _ => Some(clean.to_owned()),
    }
}

/// What separates folders, and controls: a line end in a name could write a header of its own.
fn parts(c: char) -> bool {
    matches!(c, '/' | '\\') || c.is_control()
}

/// Marks that turn the writing direction or show nothing: `invoice\u{202E}fdp.exe` looks like a PDF.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206F}' | '\u{061C}' | '\u{FEFF}')
}

/// Keeps the extension, which says what the file is.
fn shortened(name: &str) -> String {
    let ending = name.rfind('.').map(|dot| &name[dot..]).filter(|ending| ending.len() <= ENDING);
    let ending = ending.unwrap_or_default();
    let stem = name.floor_char_boundary(LONGEST - ending.len());
    format!("{}{ending}", &name[..stem])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_elsewhere() {
        for (given, harmless_name) in [
            ("report.pdf", Some("report.pdf")),
            ("../../etc/passwd", Some(".._.._etc_passwd")),
            ("C:\\windows\\win.ini", Some("C:_windows_win.ini")),
            ("..", Some("__")),
            ("a\r\nX: y.txt", Some("a__X: y.txt")),
            ("\u{1b}[31mred", Some("_[31mred")),
            ("invoice\u{202e}fdp.exe", Some("invoicefdp.exe")),
            ("Übersicht 2026.xlsx", Some("Übersicht 2026.xlsx")),
            ("  \u{200b} ", None),
            ("", None),
        ] {
            assert_eq!(harmless(given).as_deref(), harmless_name, "{given:?}");
        }
        let long = harmless(&format!("{}.tar", "ü".repeat(300)));
        assert!(long.is_some_and(|name| name.len() <= LONGEST && name.ends_with("ü.tar")));
    }
}
