//! The one pass over a header's elements.

use super::{
    cell::{Cell, Value},
    diffusion::PrivateDiffusion,
    paths::{Entry, Node, Paths, ROOT, Role},
};
use crate::dicom::warning::Warnings;
use crate::dicom::{
    Element, Header, ITEM, ITEM_END, SEQUENCE_END, Vr,
    charset::{Charset, Delimiters, default_text},
    json,
    numbers::Numbers,
    values,
};

/// The data set, or an item of a sequence.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// Where the tree of paths is; `None`: no column is below.
    node: Option<Node>,
    /// The first item, of the first item, and so on.
    first: bool,
    charset: Charset,
}

/// An open sequence.
#[derive(Debug, Clone, Copy)]
struct Sequence {
    node: Option<Node>,
    items: usize,
}

/// Specific Character Set.
const CHARACTER_SET: u32 = 0x0008_0005;

/// Memory of the pass, reused from row to row.
#[derive(Debug, Default)]
pub(super) struct Pass {
    levels: Vec<Level>,
    sequences: Vec<Sequence>,
    json: String,
    diffusion: PrivateDiffusion,
    warnings: Warnings,
    row: usize,
    timezone: i64,
    signed: bool,
}

impl Pass {
    /// The header as DICOM JSON, after [`Pass::run`].
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// What private elements say of diffusion, after [`Pass::run`].
    pub(super) fn diffusion(&self) -> PrivateDiffusion {
        self.diffusion
    }

    /// Puts a header's values into the next row of the cells, and its JSON into [`Pass::json`]. Gives the warnings,
    /// the header's among them.
    pub(super) fn run(
        &mut self,
        header: &Header<'_>,
        paths: &Paths,
        row: usize,
        cells: &mut [Cell],
    ) -> &mut Warnings {
        self.start(header, row);
        let elements = header.elements();
        let mut i = 0;
        while let Some(element) = elements.get(i) {
            i += 1;
            match element.tag {
                ITEM => self.item(),
                ITEM_END => self.item_end(paths, cells),
                SEQUENCE_END => self.sequence_end(),
                _ if element.superseded() => {
                    self.warnings.add(element.tag, "twice");
                    if element.vr == Vr::SQ {
                        let end = |e: &Element| e.tag == SEQUENCE_END && e.depth == element.depth;
                        i += elements[i..]
                            .iter()
                            .position(end)
                            .map_or(elements.len(), |n| n + 1);
                    }
                }
                // Meta group, group lengths, padding.
                tag if element.group() == 2 || tag & 0xFFFF == 0 || tag == 0xFFFC_FFFC => {
                    if element.vr == Vr::SQ {
                        let end = |e: &Element| e.tag == SEQUENCE_END && e.depth == element.depth;
                        i += elements[i..]
                            .iter()
                            .position(end)
                            .map_or(elements.len(), |n| n + 1);
                    }
                }
                _ => self.element(header, element, paths, cells),
            }
        }
        self.json.push('}');
        &mut self.warnings
    }

    /// The warnings of the last row.
    pub(super) fn warnings(&mut self) -> &mut Warnings {
        &mut self.warnings
    }

    fn start(&mut self, header: &Header<'_>, row: usize) {
        // One row of a hundred megabytes must not stay allocated for all that follow.
        if self.json.capacity() > 8 << 20 {
            self.json = String::new();
        }
        self.json.clear();
        self.json.push('{');
        let (charset, unknown) = Charset::parse(header.charset());
        self.warnings.clear();
        self.warnings.join(header.faults());
        for _ in 0..unknown {
            self.warnings.add(CHARACTER_SET, "character_set");
        }
        self.diffusion = PrivateDiffusion::default();
        self.row = row;
        self.signed = header.signed();
        let timezone = header.timezone().map(values::trim).filter(|v| !v.is_empty());
        self.timezone = timezone.and_then(values::offset).unwrap_or(0);
        self.sequences.clear();
        self.levels.clear();
        self.levels.push(Level {
            node: Some(ROOT),
            first: true,
            charset,
        });
    }

    fn level(&self) -> Level {
        self.levels.last().copied().unwrap_or(Level {
            node: None,
            first: false,
            charset: Charset::DEFAULT,
        })
    }

    fn element(&mut self, header: &Header<'_>, element: &Element, paths: &Paths, cells: &mut [Cell]) {
        let level = self.level();
        let entry = level.node.and_then(|node| paths.get(node, element.tag));
        let vr = match element.vr {
            Vr::US if element.flags & Element::SIGNEDNESS != 0 && self.signed => Vr::SS,
            vr => vr,
        };
        json::open(&mut self.json, element.tag, vr);
        if vr == Vr::SQ {
            self.json.push_str(",\"Value\":[");
            self.sequences.push(Sequence {
                node: entry.and_then(|e| e.below),
                items: 0,
            });
            return;
        }
        let bytes = header.value(element);
        if element.flags & Element::DIFFUSION != 0 {
            self.diffusion.note(element, bytes);
        }
        if vr.binary() {
            json::binary(&mut self.json, bytes);
        } else if let Some(numbers) = Numbers::of(element, vr, bytes) {
            json::numbers(&mut self.json, &numbers);
            self.fill(element.tag, entry, level, &Value::Numbers(numbers), vr, cells);
        } else if vr.is_number() {
            // No whole number of numbers: kept as the bytes it is.
            self.warnings.add(element.tag, "length");
            json::binary(&mut self.json, bytes);
        } else {
            self.text(element, vr, bytes, level, entry, cells);
        }
        self.json.push('}');
    }

    fn text(
        &mut self,
        element: &Element,
        vr: Vr,
        bytes: &[u8],
        level: Level,
        entry: Option<&Entry>,
        cells: &mut [Cell],
    ) {
        let bytes = values::trim_end(bytes);
        let (text, good) = if vr.charset() {
            let delimiters = match vr {
                Vr::PN => Delimiters::Names,
                vr if vr.single_text() => Delimiters::Lines,
                _ => Delimiters::Values,
            };
            level.charset.decode(bytes, delimiters)
        } else {
            default_text(bytes)
        };
        if !good {
            self.warnings.add(element.tag, "text");
        }
        json::texts(&mut self.json, vr, &text);
        self.fill(element.tag, entry, level, &Value::Text(&text), vr, cells);
        if element.tag == CHARACTER_SET && element.depth > 0 {
            let (charset, unknown) = Charset::parse(bytes);
            for _ in 0..unknown {
                self.warnings.add(CHARACTER_SET, "character_set");
            }
            if let Some(level) = self.levels.last_mut() {
                level.charset = charset;
            }
        }
    }

    fn fill(
        &mut self,
        tag: u32,
        entry: Option<&Entry>,
        level: Level,
        value: &Value<'_>,
        vr: Vr,
        cells: &mut [Cell],
    ) {
        let Some(entry) = entry else { return };
        for target in &entry.targets {
            let Some(cell) = cells.get_mut(usize::from(target.column)) else {
                continue;
            };
            let items = self.sequences.first().map_or(0, |s| s.items);
            let good = match target.role {
                Role::Each if cell.entries() >= items => true,
                Role::First if !level.first => true,
                Role::Each | Role::First => cell.set(self.row, target.part, value, vr, self.timezone),
                Role::Frame => cell.note_frame(value, vr),
            };
            if !good {
                self.warnings.add(tag, "value");
            }
        }
    }

    fn item(&mut self) {
        json::comma(&mut self.json);
        self.json.push('{');
        let outer = self.level();
        let depth = self.sequences.len();
        let Some(sequence) = self.sequences.last_mut() else {
            return;
        };
        sequence.items += 1;
        let first = sequence.items == 1;
        // Within an outermost sequence every item counts, for the columns with an entry per item.
        let node = sequence.node.filter(|_| first || depth == 1);
        self.levels.push(Level {
            node,
            first: outer.first && first,
            charset: outer.charset,
        });
    }

    fn item_end(&mut self, paths: &Paths, cells: &mut [Cell]) {
        self.json.push('}');
        self.levels.pop();
        if let [
            Sequence {
                node: Some(node),
                items,
            },
        ] = self.sequences[..]
        {
            for column in paths.each(node) {
                if let Some(cell) = cells.get_mut(usize::from(*column)) {
                    cell.finish_item(items);
                }
            }
        }
    }

    fn sequence_end(&mut self) {
        const EMPTY: &str = ",\"Value\":[";
        if self.json.ends_with(EMPTY) {
            self.json.truncate(self.json.len() - EMPTY.len());
        } else {
            self.json.push(']');
        }
        self.json.push('}');
        self.sequences.pop();
    }
}
