//! The nearest of a stream.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row and its distance. The order is PostgreSQL's of distances (0 and -0 are equal, NaN is last), then that of rows.
#[derive(Debug, Clone, Copy)]
pub struct Near {
    /// The row, from 0.
    pub index: usize,
    /// Its distance.
    pub distance: f64,
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance
            .partial_cmp(&other.distance)
            .unwrap_or_else(|| self.distance.is_nan().cmp(&other.distance.is_nan()))
            .then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Near {}

/// The `k` nearest of all that is offered, whatever the order of offers: the first `k` of a sort, without the sort. Holds at
/// most `k` rows, and no memory before they come.
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    /// The farthest of those kept is at the top.
    kept: BinaryHeap<Near>,
}

impl TopK {
    /// Nothing yet. With `k` of 0 nothing is ever kept.
    pub fn new(k: usize) -> Self {
        Self {
            k,
            kept: BinaryHeap::new(),
        }
    }

    /// How many are kept at most.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The farthest distance that is kept, once `k` are: nothing beyond it will be.
    pub fn farthest(&self) -> Option<f64> {
        let far = self.kept.peek().filter(|_| self.kept.len() >= self.k);
        far.map(|far| far.distance)
    }

    /// Whether a row would be kept.
    #[inline]
    pub fn takes(&self, index: usize, distance: f64) -> bool {
        if self.kept.len() < self.k {
            return true;
        }
        self.kept
            .peek()
            .is_some_and(|far| Near { index, distance } < *far)
    }

    /// Keeps the row if it is among the `k` nearest so far. The same row offered twice is two rows.
    #[inline]
    pub fn offer(&mut self, index: usize, distance: f64) {
        if self.takes(index, distance) {
            self.keep(Near { index, distance });
        }
    }

    #[cold]
    fn keep(&mut self, near: Near) {
        if self.kept.len() < self.k {
            self.kept.push(near);
        } else if let Some(mut far) = self.kept.peek_mut() {
            *far = near;
        }
    }

    /// Takes what another has kept, of other rows: what each thread found makes what all found.
    pub fn merge(&mut self, other: Self) {
        for near in other.kept {
            self.offer(near.index, near.distance);
        }
    }

    /// What was kept, nearest first, equal distances by row.
    pub fn into_sorted(self) -> Vec<Near> {
        self.kept.into_sorted_vec()
    }
}
