//! What is odd about a file that is read all the same: which element, and what kind of fault.

/// A fault that was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    /// Tag of the element; 0 for the data set as a whole.
    pub tag: u32,
    /// Stable word: `value`, `text`, `character_set` …
    pub kind: &'static str,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.tag != 0 {
            write!(f, "({:04X},{:04X}) ", self.tag >> 16, self.tag & 0xFFFF)?;
        }
        f.write_str(self.kind)
    }
}

/// Faults of one file: how many, and the first of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Warnings {
    count: u32,
    first: Vec<Warning>,
}

/// Faults that are told one by one: a file that is odd throughout is odd enough by then.
const TOLD: usize = 64;

impl Warnings {
    /// One more.
    pub(super) fn add(&mut self, tag: u32, kind: &'static str) {
        self.add_with(kind, || tag);
    }

    /// One more, whose element is only looked for if it is told.
    pub(super) fn add_with(&mut self, kind: &'static str, tag: impl FnOnce() -> u32) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < TOLD {
            self.first.push(Warning { tag: tag(), kind });
        }
    }

    /// All of another's.
    pub(super) fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        let left = TOLD.saturating_sub(self.first.len());
        self.first.extend(other.first.iter().take(left));
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.first.clear();
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn first(&self) -> &[Warning] {
        &self.first
    }
}
