//! The parts of a message as a tree, its attachments as a list, and the content of one part.
//!
//! Parts are numbered as IMAP numbers them (RFC 9051 6.4.5): `2.1` is the first part of the second.
//! What IMAP has no number for, a multipart that is a whole message, ends in 0: `0` is the outermost.

use super::structure::{Entity, Kind, Structure};
use super::transfer;
use serde::Serialize;
use std::collections::HashMap;

/// A part of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Part {
    /// Its number, as [`part`] wants it.
    pub id: String,
    /// Type and subtype, in lower case.
    pub content_type: String,
    /// The charset it declares, in lower case.
    pub charset: Option<String>,
    /// `inline`, `attachment`, …, in lower case.
    pub disposition: Option<String>,
    /// The sender's name for it, without what could lead to another folder or hide its end.
    pub file_name: Option<String>,
    /// Content-ID without brackets, as in `cid:` URLs.
    pub content_id: Option<String>,
    /// Octets of its content, decoded.
    pub size: usize,
    /// The parts inside it.
    #[schema(no_recursion)]
    pub children: Vec<Part>,
}

/// A part that is a file rather than the message's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Attachment {
    /// Its number, as [`part`] wants it.
    pub id: String,
    /// Type and subtype, in lower case.
    pub content_type: String,
    /// The sender's name for it, without what could lead to another folder or hide its end.
    pub file_name: Option<String>,
    /// Content-ID without brackets, as in `cid:` URLs.
    pub content_id: Option<String>,
    /// Octets of its content, decoded.
    pub size: usize,
    /// Whether it belongs to the text (a picture in it, the fields of a report) and is not there
    /// to be saved.
    pub inline: bool,
}

/// What a part holds, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The octets. A charset is left as it is.
    pub bytes: Vec<u8>,
    /// Type and subtype, in lower case; only characters that may stand in a header.
    pub content_type: String,
    /// The charset it declares, in lower case.
    pub charset: Option<String>,
    /// The sender's name for it, without what could lead to another folder or hide its end.
    pub file_name: Option<String>,
}

/// The content of the part with that number, if there is one.
#[must_use]
pub fn part(bytes: &[u8], id: &str) -> Option<Content> {
    Contents::of(bytes).part(id)
}

/// A message whose parts have been found: for whoever wants the content of many.
pub struct Contents<'a> {
    bytes: &'a [u8],
    structure: Structure,
    places: HashMap<String, usize>,
}

impl<'a> Contents<'a> {
    /// Finds the parts.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        let structure = Structure::of(bytes);
        let ids = ids(&structure).into_iter().enumerate();
        let places = ids.map(|(index, id)| (id, index)).collect();
        Self { bytes, structure, places }
    }

    /// The content of the part with that number, if there is one.
    #[must_use]
    pub fn part(&self, id: &str) -> Option<Content> {
        let Entity { declared, body, .. } = &self.structure.entities[*self.places.get(id)?];
        let body = &self.bytes[body.clone()];
        Some(Content {
            bytes: transfer::decode(body, declared.encoding, usize::MAX).0.into_owned(),
            content_type: declared.media.clone(),
            charset: declared.charset.clone(),
            file_name: declared.file_name.clone(),
        })
    }
}

/// The numbers of all parts, in their order.
pub(super) fn ids(structure: &Structure) -> Vec<String> {
    /// What its parts' numbers begin with, and how many there were.
    #[derive(Clone, Default)]
    struct Inside {
        prefix: String,
        count: usize,
    }
    let mut ids: Vec<String> = Vec::new();
    let mut insides: Vec<Inside> = Vec::new();
    for entity in &structure.entities {
        let whole = entity.parent.is_none_or(|p| structure.entities[p].kind == Kind::Message);
        let mut outer = Inside::default();
        if let Some(parent) = entity.parent {
            insides[parent].count += 1;
            outer = insides[parent].clone();
        }
        let number = match (whole, entity.kind) {
            (true, Kind::Multipart) => 0,
            (true, _) => 1,
            (false, _) => outer.count,
        };
        let id = format!("{}{number}", outer.prefix);
        let prefix = if number == 0 { outer.prefix } else { format!("{id}.") };
        insides.push(Inside { prefix, count: 0 });
        ids.push(id);
    }
    ids
}

/// The octets of each part, decoded.
pub(super) fn sizes(bytes: &[u8], structure: &Structure) -> Vec<usize> {
    let size = |entity: &Entity| {
        let body = &bytes[entity.body.clone()];
        match entity.kind {
            Kind::Leaf => transfer::size(body, entity.declared.encoding),
            Kind::Multipart | Kind::Message => body.len(),
        }
    };
    structure.entities.iter().map(size).collect()
}

/// All parts in one another. Later parts are deeper or further on, so that going backwards each
/// part finds its children complete.
pub(super) fn tree(structure: &Structure, ids: &[String], sizes: &[usize]) -> Part {
    let mut children: Vec<Vec<Part>> = structure.entities.iter().map(|_| Vec::new()).collect();
    for (index, Entity { parent, declared, .. }) in structure.entities.iter().enumerate().rev() {
        let mut inner = std::mem::take(&mut children[index]);
        inner.reverse();
        let part = Part {
            id: ids[index].clone(),
            content_type: declared.media.clone(),
            charset: declared.charset.clone(),
            disposition: declared.disposition.clone(),
            file_name: declared.file_name.clone(),
            content_id: declared.content_id.clone(),
            size: sizes[index],
            children: inner,
        };
        match parent {
            Some(parent) => children[*parent].push(part),
            None => return part,
        }
    }
    // Not reached: the first part, which has no parent, is always there.
    Part::default()
}

/// What a part is to the message it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A part of the text.
    Text,
    /// A part of the HTML.
    Html,
    /// A file that belongs to the text.
    Inline,
    /// A file.
    File,
}

/// The parts that are something to the message itself: not those of messages in it, and not what
/// only holds other parts.
pub(super) fn roles(structure: &Structure) -> impl Iterator<Item = (usize, Role)> {
    let own = move |index: &usize| {
        structure.entities[*index].kind != Kind::Multipart && !structure.is_enclosed(*index)
    };
    (0..structure.entities.len()).filter(own).map(|index| (index, role(structure, index)))
}

fn role(structure: &Structure, index: usize) -> Role {
    let declared = &structure.entities[index].declared;
    let parent = structure.parent_media(index);
    // A name makes a file of a text, unless there is no other place for the text to be.
    let text = !declared.is_attached()
        && (declared.file_name.is_none() || matches!(parent, None | Some("multipart/alternative")));
    match &*declared.media {
        "text/html" if text => Role::Html,
        "text/plain" if text => Role::Text,
        media if media.starts_with("multipart/") => Role::Text,
        _ if declared.is_attached() => Role::File,
        "message/delivery-status"
        | "message/global-delivery-status"
        | "message/disposition-notification"
        | "message/feedback-report"
        | "message/global-headers"
        | "text/rfc822-headers" => Role::Inline,
        "message/rfc822" | "message/global" if parent == Some("multipart/report") => Role::Inline,
        _ if parent == Some("multipart/related")
            || (declared.content_id.is_some()
                && declared.disposition.as_deref() == Some("inline")) =>
        {
            Role::Inline
        }
        _ => Role::File,
    }
}

pub(super) fn attachments(
    structure: &Structure,
    ids: &[String],
    sizes: &[usize],
) -> Vec<Attachment> {
    let files = roles(structure).filter(|(_, role)| matches!(role, Role::Inline | Role::File));
    files
        .map(|(index, role)| {
            let declared = &structure.entities[index].declared;
            Attachment {
                id: ids[index].clone(),
                content_type: declared.media.clone(),
                file_name: declared.file_name.clone(),
                content_id: declared.content_id.clone(),
                size: sizes[index],
                inline: role == Role::Inline,
            }
        })
        .collect()
}
