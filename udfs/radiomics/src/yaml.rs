//! A bounded reader of YAML (and with it JSON): small trees only, whatever the text holds.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::error::{Error, Result, short};

/// Longest text that is read, bytes. PyRadiomics' largest example has 4 KB.
const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting.
const MAX_DEPTH: usize = 8;
/// Most values, those that aliases repeat included.
const MAX_NODES: usize = 4096;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// `null`, `~`, or nothing.
    Null,
    /// A scalar as it is written; `plain`: without quotes.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the text; keys are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// For messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Scalar { text, .. } => short(text),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Self::Null | Self::Scalar { .. } => 0,
            Self::List(items) => items.iter().map(Self::size).sum(),
            Self::Map(entries) => entries.iter().map(|(_, node)| 1 + node.size()).sum(),
        }
    }
}

/// Reads one document. An empty text is [`Node::Null`].
pub(crate) fn read(text: &str) -> Result<Node> {
    bounded(text.len())?;
    // The parser ends at the first of these and would leave out what follows.
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        let reason = "a control character, which settings have none of".to_owned();
        return Err(Error::Syntax {
            line: 1,
            column: 1,
            reason,
        });
    }
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax(*error.marker(), error.info()))?;
        builder.event(event, span.start)?;
    }
    Ok(builder.document.unwrap_or(Node::Null))
}

/// Fails for a text of more bytes than settings have.
pub(crate) fn bounded(bytes: usize) -> Result<()> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Error::Syntax {
        line: 1,
        column: 1,
        reason: format!("the text has {bytes} bytes, settings have at most {MAX_BYTES}"),
    })
}

fn syntax(at: Marker, reason: &str) -> Error {
    Error::Syntax {
        line: at.line(),
        column: at.col() + 1,
        reason: short(reason),
    }
}

/// A collection that is not yet closed.
enum Open {
    List(Vec<Node>),
    Map(Vec<(String, Node)>, Option<String>),
}

#[derive(Default)]
struct Builder {
    open: Vec<(Open, usize)>,
    document: Option<Node>,
    documents: usize,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Marker) -> Result<()> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(syntax(at, "a second document: settings are one"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let node = if null {
                    Node::Null
                } else {
                    Node::Scalar {
                        text: text.into_owned(),
                        plain,
                    }
                };
                self.put(node, anchor, at)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.put(node, 0, at),
                None => Err(syntax(at, "an alias of nothing that is complete")),
            },
            Event::SequenceStart(anchor, _) => self.begin(Open::List(Vec::new()), anchor, at),
            Event::MappingStart(anchor, _) => self.begin(Open::Map(Vec::new(), None), anchor, at),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((Open::List(items), anchor)) => self.put(Node::List(items), anchor, at),
                Some((Open::Map(entries, _), anchor)) => self.put(Node::Map(entries), anchor, at),
                None => Err(syntax(at, "an end without a start")),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, collection: Open, anchor: usize, at: Marker) -> Result<()> {
        if self.open.len() >= MAX_DEPTH {
            return Err(syntax(at, "nested too deeply for settings"));
        }
        self.open.push((collection, anchor));
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize, at: Marker) -> Result<()> {
        // A collection's own parts were counted as they came; an alias brings all of its at once.
        self.nodes += if anchor == 0 { node.size() } else { 1 };
        if self.nodes > MAX_NODES {
            return Err(syntax(at, "more values than settings have"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.document = Some(node),
            Some((Open::List(items), _)) => items.push(node),
            Some((Open::Map(entries, key), _)) => match (key.take(), node) {
                (Some(key), node) => entries.push((key, node)),
                (None, Node::Scalar { text, .. }) => {
                    if entries.iter().any(|(known, _)| *known == text) {
                        let reason = format!("{} is set twice", short(&text));
                        return Err(syntax(at, &reason));
                    }
                    *key = Some(text);
                }
                (None, _) => return Err(syntax(at, "a key must be a name")),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn scalar(text: &str) -> Node {
        Node::Scalar {
            text: text.to_owned(),
            plain: true,
        }
    }

    #[test]
    fn yaml_and_json_are_the_same_tree() {
        let wanted = Node::Map(vec![
            ("a".to_owned(), Node::List(vec![scalar("1"), Node::Null])),
            ("b".to_owned(), Node::Map(vec![("c".to_owned(), scalar("true"))])),
        ]);
        assert_eq!(read("a:\n  - 1\n  - ~\nb:\n  c: true # why\n").unwrap(), wanted);
        assert_eq!(read(r#"{"a": [1, null], "b": {"c": true}}"#).unwrap(), wanted);
        assert_eq!(
            read("{\"a\":[1,null],\n\t\"b\":{\n\t\t\"c\":true}}").unwrap(),
            wanted
        );
        assert_eq!(read("").unwrap(), Node::Null);
        assert_eq!(read("x: &n [1]\ny: *n").unwrap(), read("x: [1]\ny: [1]").unwrap());
    }

    #[test]
    fn hostile_texts_are_refused_at_once() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for k in 1..12 {
            let before = vec![format!("*a{}", k - 1); 9].join(", ");
            bomb += &format!("a{k}: &a{k} [{before}]\n");
        }
        let texts = [
            "x".repeat(100_000_000),
            bomb,
            "[".repeat(60_000),
            "{a: ".repeat(15_000),
            "- ".repeat(30_000),
            "? ".repeat(30_000),
            "a:\n".repeat(20_000),
            (0..5_000).map(|k| format!("k{k}: 1\n")).collect(),
            "a: 1\n---\nb: 2\n".to_owned(),
            "a: *nothing".to_owned(),
            "a: &a [*a]".to_owned(),
            "a: 1\na: 2".to_owned(),
            "[1, 2]: 3".to_owned(),
            "a: 'open".to_owned(),
            "binWidth: 5\n\u{0}binCount: 3\n".to_owned(),
            "&a ".repeat(20_000),
            "!".repeat(60_000),
            "%".repeat(60_000),
            "a: \"".to_owned() + &"\\x41".repeat(16_000),
        ];
        for text in texts {
            let start = Instant::now();
            let result = read(&text);
            assert!(result.is_err(), "{}", short(&text));
            assert!(start.elapsed().as_millis() < 500, "{}", short(&text));
        }
    }
}
