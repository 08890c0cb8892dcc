//! What the fields of a part say about its content: type, charset, encoding, name.
//! A Content-Type that cannot be read counts as missing (RFC 2045 5.2), and none of its text
//! goes out again that could not stand in a header.

use super::file_name;
use super::header::{Fields, Raw};
use super::transfer::Encoding;
use mail_parser::ContentType;

/// The longest boundary that is looked for. RFC 2046 allows 70.
const BOUNDARY: usize = 500;

/// What is declared about a part.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// Type and subtype, in lower case.
    pub(super) media: String,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<Vec<u8>>,
    pub(super) report_type: Option<String>,
    /// In lower case.
    pub(super) disposition: Option<String>,
    /// Harmless.
    pub(super) file_name: Option<String>,
    pub(super) content_id: Option<String>,
    pub(super) encoding: Encoding,
}

impl Declared {
    /// Reads the fields; `otherwise` is the type of what declares none.
    pub(super) fn of(fields: &Fields<'_>, otherwise: &str) -> Self {
        let kind = fields.first("Content-Type").and_then(Raw::with_parameters);
        let media = kind.as_ref().and_then(media).unwrap_or_else(|| otherwise.to_owned());
        let disposition = fields.first("Content-Disposition").and_then(Raw::with_parameters);
        let kind = kind.as_ref();
        let name = parameter(disposition.as_ref(), "filename").or_else(|| parameter(kind, "name"));
        Self {
            charset: parameter(kind, "charset").filter(|name| token(name)).map(str::to_lowercase),
            boundary: parameter(kind, "boundary")
                .map(|boundary| boundary.trim_end().as_bytes().to_vec())
                .filter(|boundary| (1..=BOUNDARY).contains(&boundary.len())),
            report_type: parameter(kind, "report-type").map(str::to_lowercase),
            file_name: name.and_then(file_name::harmless),
            disposition: disposition
                .map(|disposition| disposition.c_type.to_lowercase())
                .filter(|disposition| token(disposition)),
            content_id: fields.first("Content-ID").and_then(Raw::id),
            encoding: fields
                .first("Content-Transfer-Encoding")
                .map_or(Encoding::Identity, |field| Encoding::named(&field.text())),
            media,
        }
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.media.starts_with("multipart/")
    }

    /// Whether the part is a message that lies there as it is. An encoded one is against RFC 2046
    /// 5.2.1 and is left closed, as a file.
    pub(super) fn is_message(&self) -> bool {
        matches!(&*self.media, "message/rfc822" | "message/global")
            && self.encoding == Encoding::Identity
    }

    pub(super) fn is_attached(&self) -> bool {
        self.disposition.as_deref() == Some("attachment")
    }
}

fn media(kind: &ContentType<'_>) -> Option<String> {
    let (kind, subtype) = (kind.c_type.to_lowercase(), kind.c_subtype.as_ref()?.to_lowercase());
    (token(&kind) && token(&subtype)).then(|| format!("{kind}/{subtype}"))
}

fn parameter<'a>(value: Option<&'a ContentType<'_>>, name: &str) -> Option<&'a str> {
    let attributes = value?.attributes.as_ref()?;
    attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &*attribute.value)
}

/// RFC 2045's token, of a length that somebody means.
fn token(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_graphic() && !br#"()<>@,;:\"/[]?="#.contains(&c);
    (1..=127).contains(&text.len()) && text.bytes().all(fits)
}
