//! Typed reading of a mapping: each key is asked for by name, and what nobody asked for is refused.

use crate::error::{Error, Result, short};
use crate::yaml::Node;

/// A mapping of the text with its path.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    path: String,
    entries: Vec<(&'a str, &'a Node, bool)>,
}

impl<'a> Section<'a> {
    /// A mapping, or nothing.
    pub(crate) fn new(path: &str, node: &'a Node) -> Result<Self> {
        let entries = match node {
            Node::Null => Vec::new(),
            Node::Map(entries) => entries.iter().map(|(k, v)| (k.as_str(), v, false)).collect(),
            other => return Err(refuse(path, other, "must be a mapping of names to values")),
        };
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    /// Adds the entries of another mapping that has the same meaning.
    pub(crate) fn join(&mut self, other: Self) -> Result<()> {
        for (key, node, _) in other.entries {
            if self.entries.iter().any(|(known, ..)| *known == key) {
                return Err(refuse(
                    key,
                    node,
                    "is set twice, inside the section and outside: set it once",
                ));
            }
            self.entries.push((key, node, false));
        }
        Ok(())
    }

    /// The path of a key, for messages.
    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of a key, `None` where it does not stand; [`Node::Null`] where it stands without a value.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter_mut().find(|(known, ..)| *known == key)?;
        entry.2 = true;
        Some(entry.1)
    }

    /// Whether a key stands there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, ..)| *known == key)
    }

    /// Sets what a key stands for: to `default` where the key has no value, not at all where there is no key.
    pub(crate) fn set<T>(
        &mut self,
        key: &str,
        target: &mut T,
        default: T,
        parse: impl Fn(&Node) -> std::result::Result<T, String>,
    ) -> Result<()> {
        match self.take(key) {
            None => {}
            Some(Node::Null) => *target = default,
            Some(node) => *target = parse(node).map_err(|hint| refuse(&self.path(key), node, &hint))?,
        }
        Ok(())
    }

    /// The keys that were not asked for.
    pub(crate) fn rest(&self) -> impl Iterator<Item = (&'a str, &'a Node)> {
        self.entries
            .iter()
            .filter(|(.., used)| !used)
            .map(|(key, node, _)| (*key, *node))
    }

    /// Fails if a key was not asked for. `elsewhere` tells what to do with names that are known, but not here.
    pub(crate) fn finish(&self, known: &[&str], elsewhere: impl Fn(&str) -> Option<String>) -> Result<()> {
        let Some((key, node)) = self.rest().next() else {
            return Ok(());
        };
        if let Some(hint) = elsewhere(key) {
            return Err(refuse(&self.path(key), node, &hint));
        }
        let folded = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
        let near = known.iter().find(|name| folded(name) == folded(key));
        let hint = match near {
            Some(name) => format!("it is spelt {name}"),
            None => format!("known here are {}", known.join(", ")),
        };
        Err(Error::UnknownKey {
            key: short(&self.path(key)),
            hint,
        })
    }
}

/// An error about a value.
pub(crate) fn refuse(key: &str, node: &Node, hint: &str) -> Error {
    Error::Setting {
        key: short(key),
        value: node.describe(),
        hint: hint.to_owned(),
    }
}

type Parsed<T> = std::result::Result<T, String>;

/// A finite number for which `fits`; `what` says which those are.
pub(crate) fn number(what: &'static str, fits: impl Fn(f64) -> bool) -> impl Fn(&Node) -> Parsed<f64> {
    move |node| {
        let value = match node {
            Node::Scalar { text, .. } => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        // 0 and −0 are the same setting.
        value
            .filter(|v| v.is_finite() && fits(*v))
            .map(|v| v + 0.0)
            .ok_or_else(|| format!("must be {what}"))
    }
}

/// A whole number from `low` to `high`.
pub(crate) fn integer(low: u32, high: u32) -> impl Fn(&Node) -> Parsed<u32> {
    let what = move |v: f64| v.fract() == 0.0 && v >= f64::from(low) && v <= f64::from(high);
    move |node| {
        number("", what)(node)
            .map(|v| v as u32)
            .map_err(|_| format!("must be a whole number from {low} to {high}"))
    }
}

/// `true` or `false`, as YAML 1.1 and 1.2 and Python write them.
pub(crate) fn boolean(node: &Node) -> Parsed<bool> {
    match node {
        Node::Scalar { text, .. } => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        },
        _ => Err("must be true or false".to_owned()),
    }
}

/// One of several names (spelt as given), and what it stands for.
pub(crate) fn choice<T: Clone>(choices: Vec<(&'static str, T)>) -> impl Fn(&Node) -> Parsed<T> {
    move |node| {
        let text = match node {
            Node::Scalar { text, .. } => text.as_str(),
            _ => "",
        };
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

/// A list; where `alone`, one item needs no brackets.
pub(crate) fn list<T>(
    alone: bool,
    least: usize,
    most: usize,
    item: impl Fn(&Node) -> Parsed<T>,
) -> impl Fn(&Node) -> Parsed<Vec<T>> {
    move |node| {
        let items = match node {
            Node::List(items) => items.as_slice(),
            one if alone => std::slice::from_ref(one),
            _ => return Err("must be a list".to_owned()),
        };
        if !(least..=most).contains(&items.len()) {
            return Err(format!("must have {least} to {most} values"));
        }
        items.iter().map(&item).collect()
    }
}
