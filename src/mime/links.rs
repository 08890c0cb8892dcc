//! The links and images of a message, as a person could click and see them. Nothing is fetched.
//! A link is listed whatever its scheme, a broken template's empty path included; only http, https
//! and mailto are called followable. Left out: empty ones, `#anchors`, and URLs longer than 8 KiB.

use super::html::{Token, Tokens, attribute, decoded};
use super::limits::{LINKS, URL, beginning};
use super::reading::Reading;
use super::urls;
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// As much of a link's text as is kept, in octets.
const LABEL: usize = 1024;

/// Tags that part words in a link; others, like `<b>`, may stand inside one.
const BREAKING: [&str; 9] = ["br", "img", "div", "p", "td", "tr", "table", "li", "h1"];

/// Where a link was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// In the HTML.
    Html,
    /// In the plain text.
    Text,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Link {
    /// Where it leads, entities decoded.
    pub url: String,
    /// The words one clicks on, if it was a link in HTML and has some.
    pub text: Option<String>,
    /// Where it was found first.
    pub from: Found,
    /// The scheme, in lower case; none if the URL is relative, which leads nowhere in a mail.
    pub scheme: Option<String>,
    /// The host, in lower case.
    pub host: Option<String>,
    /// Whether it is safe to offer: http, https or mailto.
    pub followable: bool,
}

/// An image that the HTML wants shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Image {
    /// Where it comes from: `https:`, `cid:` for one that came along; of a `data:` URL only the
    /// part before the comma.
    pub url: String,
    /// Its description.
    pub alt: Option<String>,
    /// The host, in lower case.
    pub host: Option<String>,
}

/// The links of a message, each URL once: those of the HTML in its order, then those written out in
/// the HTML's text, then those that only the plain text has.
#[must_use]
pub fn links(reading: &Reading) -> Vec<Link> {
    let mut list = List::default();
    if let Some(html) = &reading.html {
        list.html(html);
    }
    for (text, from) in [(&reading.text_of_html, Found::Html), (&reading.text, Found::Text)] {
        for at in text.iter().flat_map(|text| urls::find(text).into_iter().map(|at| &text[at])) {
            list.add(at.to_owned(), None, from);
        }
    }
    list.links
}

/// The images of a message's HTML, each URL once, in order.
#[must_use]
pub fn images(reading: &Reading) -> Vec<Image> {
    let mut images: Vec<Image> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for token in Tokens::of(reading.html.as_deref().unwrap_or_default()) {
        let Token::Start(name, attributes) = token else { continue };
        if !name.eq_ignore_ascii_case("img") || images.len() == LINKS {
            continue;
        }
        let Some(mut url) = attribute(attributes, "src").as_deref().map(cleaned) else { continue };
        if urls::scheme_of(&url).as_deref() == Some("data") {
            url.truncate(url.find(',').unwrap_or(url.len()));
        }
        if url.is_empty() || url.len() > URL || !seen.insert(url.clone()) {
            continue;
        }
        let alt = attribute(attributes, "alt").and_then(|alt| label(&alt));
        images.push(Image { host: urls::host_of(&url), alt, url });
    }
    images
}

#[derive(Default)]
struct List {
    links: Vec<Link>,
    /// The place of each URL in `links`.
    places: HashMap<String, usize>,
}

impl List {
    fn html(&mut self, html: &str) {
        let mut open: Option<(String, String)> = None;
        for token in Tokens::of(html) {
            match token {
                Token::Start(name, attributes) if name.eq_ignore_ascii_case("a") => {
                    self.finish(open.take());
                    open = attribute(attributes, "href").map(|url| (url, String::new()));
                }
                Token::Start(name, attributes) if name.eq_ignore_ascii_case("area") => {
                    let url = attribute(attributes, "href");
                    let text = attribute(attributes, "alt").unwrap_or_default();
                    self.finish(url.map(|url| (url, text)));
                }
                Token::End(name) if name.eq_ignore_ascii_case("a") => self.finish(open.take()),
                Token::Start(name, attributes) => {
                    if let Some((_, text)) = &mut open
                        && text.len() < LABEL
                    {
                        if BREAKING.iter().any(|breaking| name.eq_ignore_ascii_case(breaking)) {
                            text.push(' ');
                        }
                        if name.eq_ignore_ascii_case("img") {
                            text.push_str(&attribute(attributes, "alt").unwrap_or_default());
                        }
                    }
                }
                Token::Text(more) => {
                    if let Some((_, text)) = &mut open
                        && text.len() < LABEL
                    {
                        text.push_str(&decoded(beginning(more, LABEL)));
                    }
                }
                Token::End(_) => {}
            }
        }
        self.finish(open);
    }

    fn finish(&mut self, link: Option<(String, String)>) {
        if let Some((url, text)) = link {
            self.add(cleaned(&url), label(&text), Found::Html);
        }
    }

    fn add(&mut self, url: String, text: Option<String>, from: Found) {
        if url.is_empty() || url.starts_with('#') || url.len() > URL || self.links.len() == LINKS {
            return;
        }
        match self.places.entry(url) {
            Entry::Occupied(place) => {
                // A picture first and words later is one link, with the words.
                let known = &mut self.links[*place.get()].text;
                *known = known.take().or(text);
            }
            Entry::Vacant(place) => {
                let url = place.key().clone();
                place.insert(self.links.len());
                let scheme = urls::scheme_of(&url);
                let followable = matches!(scheme.as_deref(), Some("http" | "https" | "mailto"));
                self.links.push(Link {
                    host: urls::host_of(&url),
                    url,
                    text,
                    from,
                    scheme,
                    followable,
                });
            }
        }
    }
}

/// A URL as a browser takes it from an attribute: line breaks and tabs in it do not count, which
/// is also how `java\nscript:` tries to look like something else.
fn cleaned(url: &str) -> String {
    let url = url.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    url.chars().filter(|c| !c.is_control()).collect()
}

/// Words with single blanks between them, if there are any.
fn label(text: &str) -> Option<String> {
    let words: Vec<_> = beginning(text, LABEL).split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}
