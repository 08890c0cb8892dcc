//! A PDF for the frame in which the browser's own viewer shows it.
//!
//! What a PDF may do to its reader is do with scripts: a viewer runs them, and though they reach neither the page
//! nor the network, they can ask the reader for a password in a dialog. So one that holds a script, or that cannot
//! be looked into far enough to say (encrypted, packed in an unusual way, too much of it), is refused (415), and
//! left to be downloaded. What is sent has an origin of its own, is never guessed to be something else, and can be
//! framed by the page alone.

use super::super::Shared;
use super::super::parameters::{Nothing, Parameters, named};
use super::super::problem::Problem;
use crate::mail::MessageId;
use crate::mime;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use memchr::memmem;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit as inflate;

/// Nothing of it is a page.
const POLICY: &str =
    "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
/// Where a PDF begins: readers look for it so far.
const BEGINNING: usize = 1024;
/// Octets of packed objects that are unpacked to be looked at, in all.
const UNPACKED: usize = 16 << 20;
/// Names without which a PDF holds no script (ISO 32000-1, 12.6.4.16; XFA has scripts of its own).
const SCRIPTS: [&str; 3] = ["JS", "JavaScript", "XFA"];
/// Ways to pack that are unusual for objects.
const OTHER_FILTERS: [&str; 5] =
    ["DecodeParms", "ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "RunLengthDecode"];

/// Which part of which message.
pub(super) struct Wanted {
    message: String,
    part: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let message = named(parts, state, "id").await?;
        Ok(Self { message, part: named(parts, state, "part").await? })
    }
}

/// The PDF, where it can be shown.
pub(super) async fn show(
    State(app): Shared,
    wanted: Wanted,
    _: Parameters<Nothing>,
) -> Result<Response, Problem> {
    let body = app.aside(move |store| {
        let Wanted { message: name, part } = wanted;
        let missing = || Problem::not_found(&format!("message {name} has no part {part}"));
        let id: MessageId = name.parse().map_err(|_| missing())?;
        let message = store.message(id)?.ok_or_else(missing)?;
        let content = mime::part(message.bytes(), &part).ok_or_else(missing)?;
        match why_not(&content.bytes) {
            None => Ok(content.bytes),
            Some(why) => Err(Problem::unsupported_media_type(why)),
        }
    });
    let mut response = body.await?.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// Why it is not shown; nothing where it is.
fn why_not(bytes: &[u8]) -> Option<&'static str> {
    let beginning = bytes.get(..BEGINNING).unwrap_or(bytes);
    if memmem::find(beginning, b"%PDF-").is_none() {
        return Some("this is no PDF, whatever it is declared as");
    }
    if has_name(bytes, &SCRIPTS) {
        return Some(SCRIPT);
    }
    if has_name(bytes, &["Encrypt"]) {
        return Some("this PDF is encrypted, and so may hold scripts that cannot be seen");
    }
    packed(bytes)
}

const SCRIPT: &str = "this PDF holds a script, which a viewer would run";
const UNKNOWN: &str = "this PDF cannot be looked into far enough to say that it holds no script";

/// Objects may lie in streams that are packed (ISO 32000-1, 7.5.7): what stands there counts too.
fn packed(bytes: &[u8]) -> Option<&'static str> {
    let (mut room, mut last) = (UNPACKED, 0);
    for at in memmem::find_iter(bytes, b"stream") {
        // The dictionary, and whatever else lies between two streams.
        let head = &bytes[last..at];
        last = at + "stream".len();
        if head.ends_with(b"end") {
            continue;
        }
        let is_flat = has_name(head, &["FlateDecode"]);
        let is_unusual = has_name(head, &OTHER_FILTERS);
        // Viewers read objects out of streams that say where the first one is, whether or not they say what they are.
        // A picture behind an outline, which has a first entry as well, is none.
        let may_be = has_name(head, &["First"]) && (is_flat || is_unusual);
        if !may_be && !has_name(head, &["ObjStm"]) {
            continue;
        }
        let is_plain = is_flat && !is_unusual;
        let data = &bytes[last..];
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let data = data.strip_prefix(b"\n").unwrap_or(data);
        let Some(objects) = is_plain.then(|| inflate(data, room).ok()).flatten() else {
            return Some(UNKNOWN);
        };
        if has_name(&objects, &SCRIPTS) {
            return Some(SCRIPT);
        }
        room -= objects.len();
    }
    None
}

/// Whether one of these names is in there, be it with its characters escaped (ISO 32000-1, 7.3.5).
fn has_name(bytes: &[u8], names: &[&str]) -> bool {
    memchr::memchr_iter(b'/', bytes).any(|at| {
        let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        let mut rest = &bytes[at + 1..];
        let mut found = Vec::with_capacity(longest + 1);
        while let [first, tail @ ..] = rest {
            let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
            let escaped = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
            match escaped.filter(|_| *first == b'#') {
                Some(octet) => {
                    found.push(octet);
                    rest = &tail[2..];
                }
                None if first.is_ascii_whitespace() || b"\0()<>[]{}/%".contains(first) => break,
                None => {
                    found.push(*first);
                    rest = tail;
                }
            }
            if found.len() > longest {
                return false;
            }
        }
        names.iter().any(|name| name.as_bytes() == found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::deflate::compress_to_vec_zlib;

    fn with_objects(head: &str, objects: &[u8]) -> Vec<u8> {
        let mut pdf = b"%PDF-1.5\n7 0 obj\n".to_vec();
        pdf.extend(format!("<<{head}>>\nstream\r\n").as_bytes());
        pdf.extend(compress_to_vec_zlib(objects, 6));
        pdf.extend(b"\nendstream\nendobj\n");
        pdf
    }

    #[test]
    fn what_holds_no_script_is_shown() {
        let plain = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/JSX 1/AJS 2>>\nendobj\n(/JSmith)";
        assert_eq!(why_not(plain), None);
        let packed = with_objects("/Type/ObjStm/Filter/FlateDecode", b"<</Type/Page>>");
        assert_eq!(why_not(&packed), None);
        assert_eq!(why_not(&[b"\xef\xbb\xbf".as_slice(), plain].concat()), None);
        let outline_and_picture = b"%PDF-1.4\n1 0 obj\n<</Type/Outlines/First 2 0 R>>\nendobj\n3 0 obj\n<</Filter/DCTDecode>>\nstream\n\xff\xd8\nendstream";
        assert_eq!(why_not(outline_and_picture), None);
    }

    #[test]
    fn a_script_is_found_wherever_it_lies() {
        for script in
            ["/JS(x)", "/JS<41>", "/J#53(x)", "/S/JavaScript ", "/#4a#61vaScript", "/XFA["]
        {
            let clear = format!("%PDF-1.4\n1 0 obj\n<<{script}>>");
            assert_eq!(why_not(clear.as_bytes()), Some(SCRIPT), "{script}");
            let objects = format!("1 0 <</A 1{script}>>");
            for kind in [
                "/Type/ObjStm/Filter/FlateDecode",
                "/Filter[/Fl#61teDecode]/Type/Obj#53tm",
                "/N 1/F#69rst 4/Filter/FlateDecode",
            ] {
                assert_eq!(
                    why_not(&with_objects(kind, objects.as_bytes())),
                    Some(SCRIPT),
                    "{kind}"
                );
            }
        }
    }

    #[test]
    fn what_cannot_be_looked_into_is_not_shown() {
        for head in [
            "/Type/ObjStm",
            "/Type/ObjStm/Filter[/ASCIIHexDecode/FlateDecode]",
            "/Type/ObjStm/Filter/FlateDecode/DecodeParms<</Predictor 12>>",
            "/Type/ObjStm/A(stream)/Filter/FlateDecode",
            "/N 1/First 4/Filter[/ASCIIHexDecode/FlateDecode]",
        ] {
            assert_eq!(why_not(&with_objects(head, b"<<>>")), Some(UNKNOWN), "{head}");
        }
        let large = with_objects("/Type/ObjStm/Filter/FlateDecode", &vec![b' '; UNPACKED + 1]);
        assert_eq!(why_not(&large), Some(UNKNOWN));
        assert!(
            why_not(b"%PDF-1.4\ntrailer<</Encrypt 9 0 R>>")
                .is_some_and(|why| why.contains("encrypted"))
        );
        assert!(why_not(b"<script>").is_some_and(|why| why.contains("no PDF")));
    }
}
