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
    pub(super) role: Role,
}

/// For which items an element counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The first.
    First,
    /// Each of the outermost sequence.
    Each,
    /// The functional groups of every frame.
    Frame,
}

/// Shared and Per-Frame Functional Groups Sequence.
const FUNCTIONAL_GROUPS: [u32; 2] = [0x5200_9229, 0x5200_9230];

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
    /// Nodes beside the root.
    nodes: Node,
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
        for (i, column) in COLUMNS.iter().enumerate() {
            let column_index = i as u16;
            match column.items {
                Items::First => paths.add(column_index, column.path, column.data_type, Role::First),
                Items::Each => paths.add(column_index, column.path, column.data_type, Role::Each),
                Items::Frames => paths.add_frames(column_index, column.path, column.data_type),
            }
            for path in column.frames.map_or(&[][..], |frames| frames.paths) {
                paths.add_frames(column_index, path, column.data_type);
            }
        }
        paths
    }

    fn add_frames(&mut self, column: u16, path: &[u32], data_type: ColumnType) {
        for groups in FUNCTIONAL_GROUPS {
            self.add(column, &[&[groups], path].concat(), data_type, Role::Frame);
        }
    }

    fn add(&mut self, column: u16, path: &[u32], data_type: ColumnType, role: Role) {
        // A code column is made of elements below its sequence.
        const LEAVES: [(u32, Part); 5] = [
            (0x0008_0100, Part::Value),
            (0x0008_0119, Part::Value),
            (0x0008_0120, Part::Value),
            (0x0008_0102, Part::Scheme),
            (0x0008_0104, Part::Meaning),
        ];
        let (sequences, leaves) = match (data_type, path.split_last()) {
            (ColumnType::Code, _) => (path, LEAVES.to_vec()),
            (_, Some((last, sequences))) => (sequences, vec![(*last, Part::Whole)]),
            (_, None) => return,
        };
        let mut node = ROOT;
        for (depth, tag) in sequences.iter().enumerate() {
            let entry = self.entries.entry((node, *tag)).or_default();
            node = *entry.below.get_or_insert_with(|| {
                self.nodes += 1;
                self.nodes
            });
            if depth == 0 && role == Role::Each {
                self.each.entry(node).or_default().push(column);
            }
        }
        for (tag, part) in leaves {
            let target = Target { column, part, role };
            self.entries.entry((node, tag)).or_default().targets.push(target);
        }
    }
}
