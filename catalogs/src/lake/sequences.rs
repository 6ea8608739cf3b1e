//! How far sequences have come: a file per step, beside the catalog.
//!
//! Numbers are given out of no transaction, so that none is given twice and nobody waits for another's end. Who wants some puts the next
//! file of the sequence's folder, if it is absent, with the position behind them; then they are his. Only the newest files count, and
//! older ones are removed. That cannot give a number twice: a put that fills the gap of a file which was removed is found out, because
//! newer files are still there, and its numbers are let go.
//!
//! A process takes numbers ahead, twice as many each time while they are asked for, so that a bulk load asks the disk ten times. What it
//! has not given when it ends is skipped, as in PostgreSQL after a crash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use object_store::path::Path;

use super::Lake;
use crate::delta::below;
use crate::sequence::{Position, SequenceObject};
use crate::{Error, Result};

/// Where their folders are.
pub(super) const FOLDER: &str = "_radlake/sequences";
/// Numbers that are taken ahead at most, unless one statement wants more.
const AHEAD: u64 = 65_536;
/// What is used up within this time was too little.
const SHORT: Duration = Duration::from_secs(1);
/// Files of a sequence that are kept.
const KEPT: u64 = 4;

/// What this process has taken of its lake's sequences.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// By generation.
    blocks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Block>>>>,
}

/// Numbers that are taken and not given.
#[derive(Debug, Default)]
struct Block {
    /// The last one given, by this process.
    at: Option<Position>,
    /// The last one taken.
    end: i64,
    /// How many they were, and when they were taken.
    taken: Option<(u64, Instant)>,
}

impl Taken {
    fn block(&self, generation: &str) -> Arc<tokio::sync::Mutex<Block>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(blocks.entry(generation.to_owned()).or_default())
    }
}

impl Lake {
    /// Gives the next numbers of a sequence, to nobody else and never again: `count` of them, or fewer at its end.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn next_numbers(&self, sequence: &SequenceObject, count: usize) -> Result<Vec<i64>> {
        let block = self.inner.sequences.block(&sequence.generation);
        let mut block = block.lock().await;
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            if let Some(at) = block.at.filter(|at| at.last != block.end) {
                let number = at.last.wrapping_add(sequence.counting.increment);
                block.at = Some(Position {
                    last: number,
                    called: true,
                });
                numbers.push(number);
                continue;
            }
            let missing = (count - numbers.len()) as u64;
            let wanted = match block.taken {
                Some((before, when)) if when.elapsed() < SHORT => (before * 2).min(AHEAD),
                _ => 1,
            };
            let (step, from) = self.newest_position(sequence).await?;
            let Some(run) = sequence.counting.next(from, wanted.max(missing)) else {
                break;
            };
            let position = Position {
                last: run.last,
                called: true,
            };
            if self.put_position(sequence, step + 1, position).await? {
                *block = Block {
                    at: Some(Position {
                        last: run.first,
                        called: true,
                    }),
                    end: run.last,
                    taken: Some((wanted, Instant::now())),
                };
                numbers.push(run.first);
            }
        }
        Ok(numbers)
    }

    /// Sets where a sequence stands: `setval`. Other processes give what they have taken first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn set_position(&self, sequence: &SequenceObject, position: Position) -> Result<()> {
        let block = self.inner.sequences.block(&sequence.generation);
        let mut block = block.lock().await;
        loop {
            let (step, _) = self.newest_position(sequence).await?;
            if self.put_position(sequence, step + 1, position).await? {
                *block = Block::default();
                return Ok(());
            }
        }
    }

    /// Where a sequence stands: behind the last number that this process gave, or behind all that any has taken.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn position(&self, sequence: &SequenceObject) -> Result<Position> {
        let block = self.inner.sequences.block(&sequence.generation);
        let block = block.lock().await;
        match block.at {
            Some(at) => Ok(at),
            None => Ok(self.newest_position(sequence).await?.1),
        }
    }

    async fn newest_position(&self, sequence: &SequenceObject) -> Result<(u64, Position)> {
        loop {
            let Some(step) = self.steps(sequence).await?.into_iter().max() else {
                return Ok((0, sequence.initial));
            };
            // It may have been removed since, for newer ones.
            let path = place(sequence, step);
            if let Some(content) = self.storage().read(&path).await? {
                let position = serde_json::from_slice(&content)
                    .map_err(|error| Error::damaged(path.to_string(), error.to_string()))?;
                return Ok((step, position));
            }
        }
    }

    async fn steps(&self, sequence: &SequenceObject) -> Result<Vec<u64>> {
        let folder = folder(sequence);
        let files = self.storage().list_after(&folder, &folder).await?;
        let step = |path: &Path| path.filename()?.strip_suffix(".json")?.parse().ok();
        Ok(files.iter().filter_map(|file| step(&file.location)).collect())
    }

    /// False if somebody else was first.
    async fn put_position(&self, sequence: &SequenceObject, step: u64, position: Position) -> Result<bool> {
        let content = serde_json::to_vec(&position)
            .map_err(|error| Error::internal(format!("a position of a sequence: {error}")))?;
        if !self.storage().create(&place(sequence, step), content).await? {
            return Ok(false);
        }
        let steps = self.steps(sequence).await?;
        if steps.iter().any(|other| *other > step) {
            return Ok(false);
        }
        let old = steps.into_iter().filter(|other| other + KEPT <= step);
        for other in old {
            // Who fails to tidy has his numbers all the same.
            if let Err(error) = self.storage().remove(&place(sequence, other)).await {
                tracing::debug!(%error, "an old position of a sequence stays");
            }
        }
        Ok(true)
    }
}

fn folder(sequence: &SequenceObject) -> Path {
    Path::from(format!("{FOLDER}/{}", sequence.generation))
}

fn place(sequence: &SequenceObject, step: u64) -> Path {
    below(folder(sequence).as_ref(), format!("{step:020}.json"))
}
