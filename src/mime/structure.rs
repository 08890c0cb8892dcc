//! Where the parts of a message lie. One pass over the bytes, without recursion: the parts come out
//! as a flat list in the order of the message, each knowing its parent.
//!
//! An inner part ends where an outer boundary comes. Too many parts or too much nesting end the
//! reading, not the reader: the rest stays closed, and the message is marked.

use super::content::Declared;
use super::header::{Block, Fields, block};
use super::limits::{DEPTH, HEADER, Mark, Marks, PART_HEADER, PARTS};
use memchr::{memchr, memmem};
use std::ops::Range;

/// What a part is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Content.
    Leaf,
    /// Parts between boundaries.
    Multipart,
    /// One part: the message that lies in it.
    Message,
}

/// A part and where it lies.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) parent: Option<usize>,
    pub(super) kind: Kind,
    pub(super) declared: Declared,
    /// The fields of its header that are read.
    pub(super) fields: Range<usize>,
    /// Its content, still encoded.
    pub(super) body: Range<usize>,
}

/// The parts of a message. There is always one at least: the message itself.
pub(super) struct Structure {
    pub(super) entities: Vec<Entity>,
    pub(super) marks: Marks,
}

impl Structure {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let structure = Self { entities: Vec::new(), marks: Marks::default() };
        let mut scan = Scan { bytes, open: Vec::new(), leaf: None, structure };
        scan.run();
        scan.structure
    }

    /// Whether the part is inside a message that is itself a part.
    pub(super) fn is_enclosed(&self, index: usize) -> bool {
        let mut parents = std::iter::successors(self.entities[index].parent, |parent| {
            self.entities[*parent].parent
        });
        parents.any(|parent| self.entities[parent].kind == Kind::Message)
    }

    pub(super) fn parent_media(&self, index: usize) -> Option<&str> {
        Some(&self.entities[self.entities[index].parent?].declared.media)
    }
}

/// A multipart or a message whose end has not come.
struct Open {
    entity: usize,
    /// A message has none of its own.
    boundary: Option<Vec<u8>>,
}

struct Scan<'a> {
    bytes: &'a [u8],
    open: Vec<Open>,
    leaf: Option<usize>,
    structure: Structure,
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut at = self.enter(0);
        while self.open.iter().any(|open| open.boundary.is_some()) {
            let Some((line, depth, closing)) = self.next_delimiter(at) else { break };
            self.close(depth, line.start);
            if closing {
                if let Some(done) = self.open.pop() {
                    self.structure.entities[done.entity].body.end = line.end;
                }
                at = line.end;
            } else if self.structure.entities.len() >= PARTS {
                self.structure.marks.add(Mark::TooManyParts);
                break;
            } else {
                at = self.enter(line.end);
            }
        }
        self.settle();
    }

    /// Reads the header at `at`, and that of a message lying in it, and so on. Returns where to
    /// look for the next boundary.
    fn enter(&mut self, mut at: usize) -> usize {
        loop {
            let entity = self.structure.entities.len();
            let limit = if entity == 0 { HEADER } else { PART_HEADER };
            let block = block(self.bytes, at, limit, |line| self.delimiter(line).is_some());
            let declared = self.declared(&block);
            let body = block.body;
            let deep = self.open.len() >= DEPTH;
            let kind = match () {
                () if declared.is_multipart() && declared.boundary.is_some() => Kind::Multipart,
                () if declared.is_message() => Kind::Message,
                () => Kind::Leaf,
            };
            if deep && kind != Kind::Leaf {
                self.structure.marks.add(Mark::TooDeep);
            }
            let kind = if deep { Kind::Leaf } else { kind };
            let boundary = declared.boundary.clone().filter(|_| kind == Kind::Multipart);
            self.structure.entities.push(Entity {
                parent: self.open.last().map(|open| open.entity),
                kind,
                declared,
                fields: block.fields,
                body: body..self.bytes.len(),
            });
            if kind == Kind::Leaf {
                self.leaf = Some(entity);
            } else {
                self.open.push(Open { entity, boundary });
            }
            if kind != Kind::Message {
                return body;
            }
            at = body;
        }
    }

    fn declared(&mut self, block: &Block) -> Declared {
        let fields = Fields::of(&self.bytes[block.fields.clone()]);
        if block.cut || fields.cut {
            self.structure.marks.add(Mark::HeaderCut);
        }
        let parent = self.open.last().map(|open| &self.structure.entities[open.entity]);
        let digest = parent.is_some_and(|parent| parent.declared.media == "multipart/digest");
        Declared::of(&fields, if digest { "message/rfc822" } else { "text/plain" })
    }

    /// The next line that is a boundary of an open multipart: where it lies, whose it is, and
    /// whether it is the last.
    fn next_delimiter(&self, mut at: usize) -> Option<(Range<usize>, usize, bool)> {
        loop {
            if !self.bytes[at..].starts_with(b"--") {
                at += memmem::find(&self.bytes[at..], b"\n--")? + 1;
            }
            let end = memchr(b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |end| at + end + 1);
            if let Some((depth, closing)) = self.delimiter(&self.bytes[at..end]) {
                return Some((at..end, depth, closing));
            }
            at = end;
        }
    }

    /// Innermost first: a message in a message may use the boundary of the one around it.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let line = line.strip_prefix(b"--")?.trim_ascii_end();
        let matches = |open: &Open| {
            let rest = line.strip_prefix(open.boundary.as_deref()?)?;
            (rest.is_empty() || rest == b"--").then_some(!rest.is_empty())
        };
        let open = self.open.iter().enumerate().rev();
        open.map(|(depth, open)| (depth, matches(open)))
            .find_map(|(depth, closing)| Some((depth, closing?)))
    }

    /// Ends the leaf and everything that is open inside `depth`, at the boundary line there. The
    /// line end in front of it belongs to the boundary.
    fn close(&mut self, depth: usize, line: usize) {
        let before = &self.bytes[..line];
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let end = before.strip_suffix(b"\r").unwrap_or(before).len();
        let inner = self.open.drain(depth + 1..).map(|open| open.entity);
        for entity in inner.chain(self.leaf.take()) {
            let body = &mut self.structure.entities[entity].body;
            body.end = end.max(body.start);
        }
    }

    /// A multipart in which no part began is content after all, so that it can be looked at.
    fn settle(&mut self) {
        let mut empty: Vec<bool> = self.structure.entities.iter().map(|_| true).collect();
        for parent in self.structure.entities.iter().filter_map(|entity| entity.parent) {
            empty[parent] = false;
        }
        for (entity, empty) in self.structure.entities.iter_mut().zip(empty) {
            if empty && entity.declared.is_multipart() {
                entity.kind = Kind::Leaf;
                self.structure.marks.add(Mark::NoParts);
            }
        }
    }
}
