//! A reader of pages that accepts nothing but well-formed ones.

use std::str::CharIndices;

/// An element, and all that is inside of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// All text inside, that of children included.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(other, _)| other == name)
            .map(|(_, value)| &**value)
    }

    /// All elements of this sort inside, in order.
    pub(crate) fn all(&self, wanted: impl Fn(&Element) -> bool) -> Vec<&Element> {
        let mut found = Vec::new();
        self.collect(&wanted, &mut found);
        found
    }

    fn collect<'a>(&'a self, wanted: &impl Fn(&Element) -> bool, found: &mut Vec<&'a Element>) {
        for child in &self.children {
            if wanted(child) {
                found.push(child);
            }
            child.collect(wanted, found);
        }
    }

    /// Those that have this class.
    pub(crate) fn class(&self, class: &str) -> Vec<&Element> {
        self.all(|element| {
            let classes = element.attribute("class").unwrap_or_default();
            classes.split(' ').any(|other| other == class)
        })
    }

    /// The one that has this address.
    pub(crate) fn id(&self, id: &str) -> &Element {
        let found = self.all(|element| element.attribute("id") == Some(id));
        assert_eq!(found.len(), 1, "{id}");
        found[0]
    }
}

/// Reads a page.
pub(crate) fn parse(page: &str) -> Element {
    let rest = page
        .strip_prefix("<!DOCTYPE html>\n")
        .expect("a document type");
    let mut open = vec![Element::default()];
    let mut rest = rest;
    while let Some(start) = rest.find('<') {
        add_text(&mut open, &rest[..start]);
        let end = start + 1 + tag_length(rest[start + 1..].char_indices());
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().expect("an open element");
            assert_eq!(element.name, name);
            open.last_mut().expect("its parent").children.push(element);
        } else {
            let (tag, closed) = tag
                .strip_suffix('/')
                .map_or((tag, false), |tag| (tag, true));
            let element = element(tag);
            match closed {
                true => open.last_mut().expect("a parent").children.push(element),
                false => open.push(element),
            }
        }
    }
    assert_eq!(rest.trim(), "");
    assert_eq!(
        open.len(),
        1,
        "every element is closed: {:?}",
        open.last().map(|e| &e.name)
    );
    open.remove(0)
}

/// Where a tag ends: at the first `>` that is not in quotes.
fn tag_length(characters: CharIndices<'_>) -> usize {
    let mut quoted = false;
    for (at, character) in characters {
        match character {
            '"' => quoted = !quoted,
            '<' => panic!("markup in a tag"),
            '>' if !quoted => return at,
            _ => {}
        }
    }
    panic!("a tag without end");
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    assert!(
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()),
        "{tag}"
    );
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.trim().is_empty() {
        let (name, value) = rest.split_once("=\"").expect(tag);
        let (value, others) = value.split_once('"').expect(tag);
        let name = name.trim().to_string();
        assert!(
            attributes.iter().all(|(other, _)| *other != name),
            "twice: {tag}"
        );
        attributes.push((name, plain(value)));
        rest = others;
    }
    Element {
        name: name.to_string(),
        attributes,
        ..Element::default()
    }
}

fn add_text(open: &mut [Element], text: &str) {
    let text = plain(text);
    for element in open {
        element.text.push_str(&text);
    }
}

/// Text without its escapes, which are all there may be of `&`.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').expect(text);
        plain.push_str(before);
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => panic!("&{name};"),
        });
        rest = after;
    }
    assert!(
        !rest.chars().any(|c| c.is_control() && c != '\n'),
        "{rest:?}"
    );
    plain + rest
}
