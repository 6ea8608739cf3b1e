//! From tags to columns: the paths of [`COLUMNS`] as a tree, looked up once per element.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::dicom::{COLUMNS, ColumnType, schema::Items};

/// A place in the tree; the root is the data set, all others sequences.
pub(super) type Node = u16;

/// The data set.
pub(super) const ROOT: Node = 0;

/// Which column an element fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) column: u16,
    pub(super) part: Part,
    pub(super) each: bool,
}

/// Which part of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// The value of a code.
    Value,
    /// Its scheme.
    Scheme,
    /// Its meaning.
    Meaning,
}

/// What a tag means at a place.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) targets: Vec<Target>,
    pub(super) below: Option<Node>,
}

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Paths {
    entries: FxHashMap<(Node, u32), Entry>,
    /// Per node that is an outermost sequence: the columns with an entry per item of it.
    each: FxHashMap<Node, Vec<u16>>,
}

/// The tree of [`COLUMNS`].
pub(super) static PATHS: LazyLock<Paths> = LazyLock::new(Paths::of_columns);

impl Paths {
    #[inline]
    pub(super) fn get(&self, node: Node, tag: u32) -> Option<&Entry> {
        self.entries.get(&(node, tag))
    }

    pub(super) fn each(&self, node: Node) -> &[u16] {
        self.each.get(&node).map_or(&[], Vec::as_slice)
    }

    fn of_columns() -> Self {
        let mut paths = Self::default();
        let mut nodes = 1;
        for (i, column) in COLUMNS.iter().enumerate() {
            let each = column.items == Items::Each;
            let target = |part| Target {
                column: i as u16,
                part,
                each,
            };
            // A code column is made of elements below its sequence.
            let leaves: &[(u32, Part)] = &[
                (0x0008_0100, Part::Value),
                (0x0008_0119, Part::Value),
                (0x0008_0120, Part::Value),
                (0x0008_0102, Part::Scheme),
                (0x0008_0104, Part::Meaning),
            ];
            let (sequences, last) = match (column.data_type, column.path.split_last()) {
                (ColumnType::Code, _) => (column.path, None),
                (_, Some((last, sequences))) => (sequences, Some(*last)),
                (_, None) => continue,
            };
            let mut node = ROOT;
            for (depth, tag) in sequences.iter().enumerate() {
                let entry = paths.entries.entry((node, *tag)).or_default();
                node = *entry.below.get_or_insert_with(|| {
                    nodes += 1;
                    nodes - 1
                });
                if depth == 0 && each {
                    paths.each.entry(node).or_default().push(i as u16);
                }
            }
            match last {
                Some(tag) => paths
                    .entries
                    .entry((node, tag))
                    .or_default()
                    .targets
                    .push(target(Part::Whole)),
                None => leaves.iter().for_each(|(tag, part)| {
                    paths
                        .entries
                        .entry((node, *tag))
                        .or_default()
                        .targets
                        .push(target(*part));
                }),
            }
        }
        paths
    }
}
