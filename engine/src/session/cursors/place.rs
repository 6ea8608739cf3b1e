//! Where a cursor is, and which rows FETCH and MOVE give: as PostgreSQL's `PortalRunFetch`.

use radlake_sql::session::Direction;

/// On a row, before the first or behind the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the row, from 1; 0 before the first, one more than there are behind the last.
    row: u64,
    beyond: bool,
}

/// Rows on the way to another place.
#[derive(Debug)]
pub(super) struct Span {
    /// The next row, from 0.
    index: u64,
    left: u64,
    given: u64,
    back: bool,
    goal: Goal,
    /// The rows ended before it did.
    ended: bool,
}

#[derive(Debug, Clone, Copy)]
enum Goal {
    /// As far as rows are given.
    Forward,
    /// As many rows back; fewer lead before the first.
    Backward(u64),
    /// The row of that number.
    Row(u64),
    /// Where it is.
    Stay,
}

impl Place {
    /// The rows that a direction gives. `rows` is how many there are, which counts only from the end.
    pub(super) fn span(self, direction: Direction, rows: u64) -> Span {
        let nothing = |goal| Span::new(0, 0, false, goal);
        match direction {
            Direction::Forward(0) | Direction::Relative(0) => match self.beyond || self.row == 0 {
                true => nothing(Goal::Stay),
                false => Span::new(self.row - 1, 1, false, Goal::Stay),
            },
            Direction::Forward(count) if count < 0 => self.back(count.unsigned_abs()),
            Direction::BackwardAll => self.back(u64::MAX),
            Direction::Forward(_) | Direction::ForwardAll if self.beyond => nothing(Goal::Stay),
            Direction::Forward(count) => Span::new(self.row, count.unsigned_abs(), false, Goal::Forward),
            Direction::ForwardAll => Span::new(self.row, u64::MAX, false, Goal::Forward),
            Direction::Absolute(row) if row < 0 => to((rows + 1).saturating_sub(row.unsigned_abs())),
            Direction::Absolute(row) => to(row.unsigned_abs()),
            Direction::Relative(count) if count < 0 => to(self.row.saturating_sub(count.unsigned_abs())),
            Direction::Relative(_) if self.beyond => nothing(Goal::Stay),
            Direction::Relative(count) => to(self.row.saturating_add(count.unsigned_abs())),
        }
    }

    fn back(self, count: u64) -> Span {
        match self.row {
            0 | 1 => Span::new(0, 0, true, Goal::Row(0)),
            row => Span::new(row - 2, count.min(row - 1), true, Goal::Backward(count)),
        }
    }

    /// The way is done; `rows` is how many there are if they ended on it.
    pub(super) fn reach(&mut self, span: &Span, rows: u64) {
        if span.ended {
            (self.row, self.beyond) = (rows + 1, true);
            return;
        }
        match span.goal {
            Goal::Forward => self.row += span.given,
            Goal::Backward(wanted) if span.given < wanted => (self.row, self.beyond) = (0, false),
            Goal::Backward(_) => (self.row, self.beyond) = (self.row - span.given, false),
            Goal::Row(row) => (self.row, self.beyond) = (row, false),
            Goal::Stay => {}
        }
    }

    /// Whether a span leads on only: what a cursor that keeps nothing can go.
    pub(super) fn is_ahead(self, span: &Span) -> bool {
        match span.goal {
            Goal::Forward => true,
            Goal::Row(row) => !span.back && (row > self.row || (row, self.row) == (0, 0)),
            Goal::Stay => span.left == 0,
            Goal::Backward(_) => false,
        }
    }
}

fn to(row: u64) -> Span {
    Span::new(row.saturating_sub(1), u64::from(row > 0), false, Goal::Row(row))
}

impl Span {
    fn new(index: u64, left: u64, back: bool, goal: Goal) -> Self {
        Self {
            index,
            left,
            given: 0,
            back,
            goal,
            ended: false,
        }
    }

    /// The next row, from 0.
    pub(super) fn next(&self) -> Option<u64> {
        (self.left > 0 && !self.ended).then_some(self.index)
    }

    /// How many are wanted still.
    pub(super) fn wanted(&self) -> u64 {
        self.left
    }

    /// Whether rows are wanted from the last to the first.
    pub(super) fn goes_back(&self) -> bool {
        self.back
    }

    /// So many were given.
    pub(super) fn took(&mut self, count: u64) {
        self.given += count;
        self.left -= count.min(self.left);
        match self.back {
            true => self.index = self.index.saturating_sub(count),
            false => self.index += count,
        }
    }

    /// There are no more.
    pub(super) fn ends(&mut self) {
        self.ended = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows (from 1) that a direction gives among `rows`, and the place after it.
    fn go(place: &mut Place, direction: Direction, rows: u64) -> Vec<u64> {
        let mut span = place.span(direction, rows);
        let mut given = Vec::new();
        while let Some(index) = span.next() {
            if index >= rows {
                span.ends();
                break;
            }
            given.push(index + 1);
            span.took(1);
        }
        place.reach(&span, rows);
        given
    }

    #[test]
    fn every_direction_leads_where_postgresql_goes() {
        let mut at = Place::default();
        // As PostgreSQL 15 answers over five rows.
        for (direction, rows) in [
            (Direction::Forward(2), vec![1, 2]),
            (Direction::Forward(0), vec![2]),
            (Direction::Forward(-1), vec![1]),
            (Direction::Forward(-1), vec![]),
            (Direction::Forward(0), vec![]),
            (Direction::Forward(1), vec![1]),
            (Direction::ForwardAll, vec![2, 3, 4, 5]),
            (Direction::Forward(1), vec![]),
            (Direction::Forward(-2), vec![5, 4]),
            (Direction::Relative(1), vec![5]),
            (Direction::Relative(1), vec![]),
            (Direction::Relative(-1), vec![5]),
            (Direction::Absolute(2), vec![2]),
            (Direction::Absolute(-1), vec![5]),
            (Direction::Absolute(-9), vec![]),
            (Direction::Forward(1), vec![1]),
            (Direction::Absolute(9), vec![]),
            (Direction::BackwardAll, vec![5, 4, 3, 2, 1]),
            (Direction::Forward(1), vec![1]),
            (Direction::Forward(3), vec![2, 3, 4]),
            (Direction::Forward(5), vec![5]),
            (Direction::Forward(-1), vec![5]),
            (Direction::Absolute(0), vec![]),
            (Direction::Forward(5), vec![1, 2, 3, 4, 5]),
            // All of them, but not to the end yet.
            (Direction::Forward(-1), vec![4]),
        ] {
            assert_eq!(go(&mut at, direction, 5), rows, "{direction:?}");
        }
    }
}
