//! Sparse matrices.

/// A non-zero cell: grey level `i` (from 1), column `j` (a grey level, a run length, a zone size …, from 1), and how
/// often the pair occurs (a weighted count where directions are weighted).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Row: grey level.
    pub i: u32,
    /// Column.
    pub j: u32,
    /// Count.
    pub n: f64,
}

/// Sums cells with the same row and column, ordered by row, then column.
pub fn merge(cells: &mut Vec<Cell>) {
    cells.sort_unstable_by_key(|c| (c.i, c.j));
    cells.dedup_by(|later, kept| {
        let same = (later.i, later.j) == (kept.i, kept.j);
        if same {
            kept.n += later.n;
        }
        same
    });
}

/// Appends the cells of sorted `(row << 32 | column)` keys.
pub(crate) fn from_sorted_keys(keys: &[u64], mut cell: impl FnMut(u32, u32, f64)) {
    for run in keys.chunk_by(|a, b| a == b) {
        cell((run[0] >> 32) as u32, run[0] as u32, run.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_sums_and_orders() {
        let cell = |i, j, n| Cell { i, j, n };
        let mut cells = vec![cell(2, 1, 1.0), cell(1, 3, 2.0), cell(2, 1, 0.5), cell(1, 2, 4.0)];
        merge(&mut cells);
        assert_eq!(cells, [cell(1, 2, 4.0), cell(1, 3, 2.0), cell(2, 1, 1.5)]);
    }
}
