//! What a session keeps by name, within bounds: statements that Parse made, and portals.

use std::collections::HashMap;

use super::sqlstate::Report;

/// What may be kept.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// What is kept, as messages name it.
    pub(crate) what: &'static str,
    /// So many.
    pub(crate) entries: usize,
    /// Bytes of them all, as they came.
    pub(crate) bytes: usize,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

/// Values by name. The one without a name is bounded by its message: the next one takes its place.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    bounds: &'static Bounds,
    entries: HashMap<String, (usize, T)>,
    bytes: usize,
}

impl<T> Kept<T> {
    /// Nothing yet.
    pub(crate) fn new(bounds: &'static Bounds) -> Self {
        Self {
            bounds,
            entries: HashMap::new(),
            bytes: 0,
        }
    }

    /// Whether there is room for one more of `bytes`: asked before any work is done for it.
    ///
    /// # Errors
    /// What the client is told if there is none.
    pub(crate) fn room(&self, name: &str, bytes: usize) -> Result<(), Report> {
        let Bounds { what, hint, .. } = self.bounds;
        let named = self.entries.len() - usize::from(self.entries.contains_key(""));
        let reason = if name.is_empty() {
            return Ok(());
        } else if named >= self.bounds.entries {
            format!("at most {}", self.bounds.entries)
        } else if self.bytes.saturating_add(bytes) > self.bounds.bytes {
            format!("at most {} MiB", self.bounds.bytes >> 20)
        } else {
            return Ok(());
        };
        Err(Report::error("54000", format!("too many {what}: a session keeps {reason}")).hint(*hint))
    }

    /// Keeps a value of `bytes` in place of the one that had its name.
    pub(crate) fn insert(&mut self, name: String, bytes: usize, value: T) {
        self.remove(&name);
        if !name.is_empty() {
            self.bytes += bytes;
        }
        self.entries.insert(name, (bytes, value));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.entries.get(name).map(|(_, value)| value)
    }

    pub(crate) fn contains_key(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<T> {
        let (bytes, value) = self.entries.remove(name)?;
        if !name.is_empty() {
            self.bytes -= bytes;
        }
        Some(value)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static BOUNDS: Bounds = Bounds {
        what: "things",
        entries: 2,
        bytes: 10 << 20,
        hint: "Keep less.",
    };

    #[test]
    fn names_and_bytes_are_counted_and_given_back() {
        let mut kept = Kept::new(&BOUNDS);
        let refused = |kept: &Kept<()>, bytes| kept.room("new", bytes).err().map(|report| report.message);
        kept.insert("a".into(), 6 << 20, ());
        assert_eq!(
            refused(&kept, 5 << 20).as_deref(),
            Some("too many things: a session keeps at most 10 MiB")
        );
        assert_eq!(refused(&kept, 4 << 20), None);
        // In place of itself, and without a name.
        kept.insert("a".into(), 1 << 20, ());
        kept.insert(String::new(), 100 << 20, ());
        assert_eq!(refused(&kept, 9 << 20), None);
        kept.insert("b".into(), 0, ());
        assert_eq!(
            refused(&kept, 0).as_deref(),
            Some("too many things: a session keeps at most 2")
        );
        assert!(kept.room("", 100 << 20).is_ok());
        assert!(kept.remove("a").is_some() && kept.remove("a").is_none());
        assert_eq!(refused(&kept, 10 << 20), None);
        kept.clear();
        assert!(kept.get("").is_none() && !kept.contains_key("b"));
        assert_eq!(refused(&kept, 10 << 20), None);
    }
}
