//! The long text about a finding, in the pieces that the page shows: what happened, why, what to change.
//!
//! The texts are the program's own. A code that is not known is 404.

use super::super::Shared;
use super::super::parameters::{Name, Nothing, Parameters};
use super::super::problem::Problem;
use crate::finding::Code;
use crate::finding::text::Text;
use axum::Json;
use serde_json::{Value, json};

/// The text; its pieces are Markdown without headings.
pub(super) async fn show(
    _: Shared,
    Name(name): Name,
    _: Parameters<Nothing>,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::not_found(&format!("there is no finding {name}"));
    let code = Code::parse(&name).ok_or_else(missing)?;
    let Text { title, happened, why, change, mends } = Text::of(code);
    let mends = mends.iter().map(|mend| json!({ "label": mend.label, "text": mend.text }));
    Ok(Json(json!({
        "code": code.as_str(),
        "severity": code.severity().as_str(),
        "rfc": code.rfc(),
        "title": title,
        "happened": happened,
        "why": why,
        "change": change,
        "mends": mends.collect::<Vec<_>>(),
    })))
}
