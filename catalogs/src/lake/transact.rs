//! Committing: deciding by the intent, carrying out, and what follows when another writer was first.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::debug;

use super::group::Fate;
use super::intent::Intent;
use super::redo::Outcome;
use super::{Lake, Transaction, probed};
use crate::delta::action::Action;
use crate::delta::log::{commit_path, read_commit};
use crate::delta::schema::arrow_schema;
use crate::epoch::Epoch;
use crate::object::Object;
use crate::{Error, Result};

/// Attempts before a transaction gives up.
const ATTEMPTS: u32 = 200;
/// Attempts after which other writers of this process are held off while the transaction is built.
const PATIENCE: u32 = 3;
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What became of one attempt.
pub(super) enum Attempt {
    /// It is in this epoch.
    Committed(Arc<Epoch>),
    /// Another writer was first.
    Lost,
}

impl Lake {
    /// A transaction upon an epoch, to be filled and returned to [`Lake::transact`] or given to [`Lake::commit`].
    pub fn begin(&self, epoch: Arc<Epoch>) -> Transaction {
        Transaction::new(self.clone(), epoch)
    }

    /// Builds a transaction upon the newest epoch and commits it. When another writer is first, an append that read
    /// nothing is moved upon the winner's epoch, and anything else is built again from it. Gives the epoch in which the
    /// transaction is; a transaction without changes, or one published before, publishes nothing.
    ///
    /// # Errors
    /// Those of `build`; [`Error::Contention`] when others were first too often; [`Error::Foreign`] for a table whose
    /// log was written outside Radlake in a way that cannot be adopted.
    pub async fn transact<F, Fut>(&self, mut build: F) -> Result<Arc<Epoch>>
    where
        F: FnMut(Arc<Epoch>) -> Fut + Send,
        Fut: Future<Output = Result<Transaction>> + Send,
    {
        let mut asked = false;
        let done = self.attempts(&mut build, &mut asked).await;
        if asked {
            self.end_turn().await;
        }
        done
    }

    async fn attempts<F, Fut>(&self, build: &mut F, asked: &mut bool) -> Result<Arc<Epoch>>
    where
        F: FnMut(Arc<Epoch>) -> Fut + Send,
        Fut: Future<Output = Result<Transaction>> + Send,
    {
        let mut carried: Option<Transaction> = None;
        let mut alone = false;
        for attempt in 1..=ATTEMPTS {
            let mut held = None;
            if attempt > PATIENCE {
                held = Some(Arc::clone(&self.inner.commit).lock_owned().await);
            }
            let epoch = self.latest().await?;
            let rebased = carried
                .take()
                .and_then(|mut lost| lost.rebase(&epoch).then_some(lost));
            let built = rebased.is_none();
            let transaction = match rebased {
                Some(transaction) => transaction,
                None => build(Arc::clone(&epoch)).await?,
            };
            if transaction.is_empty() || transaction.is_published() {
                return Ok(epoch);
            }
            match Box::pin(self.together(transaction, alone, held)).await? {
                Fate::Committed(epoch) => return Ok(epoch),
                Fate::Failed(error) => return Err(error),
                Fate::Lost(lost, elsewhere) => {
                    carried = Some(*lost);
                    if elsewhere && attempt >= PATIENCE {
                        *asked = true;
                        self.ask_for_turn().await;
                    }
                }
                Fate::Apart(apart) => {
                    alone = true;
                    carried = Some(*apart);
                    continue;
                }
            }
            debug!(attempt, "another writer was first");
            // What only has to be moved is quicker than what others build.
            if built || attempt > PATIENCE {
                tokio::time::sleep(pause(attempt)).await;
            }
        }
        Err(Error::Contention { attempts: ATTEMPTS })
    }

    /// Commits a transaction that cannot be built again.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another writer was first and the transaction is no append that read nothing.
    pub async fn commit(&self, transaction: Transaction) -> Result<Arc<Epoch>> {
        let mut once = Some(transaction);
        self.transact(move |epoch| {
            let transaction = once
                .take()
                .and_then(|mut transaction| transaction.rebase(&epoch).then_some(transaction));
            async move {
                transaction.ok_or_else(|| Error::Conflict {
                    what: "the lake".into(),
                })
            }
        })
        .await
    }

    pub(super) async fn attempt(&self, transaction: &mut Transaction) -> Result<Attempt> {
        let clock = &self.inner.clock;
        clock
            .get_or_try_init(|| probed::check_clock(self.storage()))
            .await?;
        transaction.look_for_condemned().await?;
        let intent = transaction.seal()?;
        for commit in &intent.tables {
            if self
                .storage()
                .exists(&commit_path(&commit.location, commit.version))
                .await?
            {
                // Either somebody of ours is ahead, or somebody else wrote to the table.
                let newest = self.recover().await?;
                if newest.number == transaction.epoch().number {
                    self.adopt(&newest, &commit.location).await?;
                }
                return Ok(Attempt::Lost);
            }
        }
        self.decide(&intent).await
    }

    /// Creates the intent and carries it out; or carries out the one that is there.
    async fn decide(&self, intent: &Intent) -> Result<Attempt> {
        let number = intent.record.epoch;
        let path = Intent::path(number);
        let bytes = Bytes::from(serde_json::to_vec(intent)?);
        let mut tries = Tries::default();
        let mut decided = loop {
            match self.storage().create(&path, bytes.clone()).await {
                Ok(created) => break created,
                // Whether it is there now is not known: the answer may be all that was lost.
                Err(error) => match self.storage().read(&path).await {
                    Ok(Some(_)) => break false,
                    // A disk that refused has refused; a request to a bucket may be on its way.
                    Ok(None) if self.storage().is_local() => return Err(error),
                    _ if tries.again().await => {}
                    _ => return Err(in_doubt(&error)),
                },
            }
        };
        if !decided {
            // Until it is read, it may be our own.
            let there = self.storage().read(&path).await;
            let there = there.map_err(|error| in_doubt(&error))?;
            let there = there.ok_or_else(|| Error::damaged(&path, "it is there and is not"))?;
            let winner = Intent::parse(number, &there)?;
            // A request that was repeated after a lost answer finds its own file.
            decided = winner.txn == intent.txn;
            if !decided {
                self.redo(&winner).await?;
                return Ok(Attempt::Lost);
            }
        }
        // Everybody else may have passed that number long ago: then this file decides nothing, and vacuum removes it.
        if self.inner.awake.slept() && self.horizon().await.map_err(|error| in_doubt(&error))? > number {
            return Ok(Attempt::Lost);
        }
        // From here on it is decided, whatever fails: if not by us, it will be carried out by the next writer.
        loop {
            match self.redo(intent).await {
                Ok(Outcome::Published(epoch)) => return Ok(Attempt::Committed(epoch)),
                // A table was written outside Radlake in that very moment: next time it is seen beforehand.
                Ok(Outcome::Aborted(_)) | Err(Error::Conflict { .. }) => return Ok(Attempt::Lost),
                Err(_) if tries.again().await => {}
                Err(error) => return Err(in_doubt(&error)),
            }
        }
    }

    /// Takes what others wrote to a table's log into the lake, as an epoch of its own.
    ///
    /// # Errors
    /// [`Error::Foreign`] if they changed more than rows.
    async fn adopt(&self, epoch: &Arc<Epoch>, location: &str) -> Result<()> {
        let Some(table) = epoch.tables().find(|table| table.location == location) else {
            return Err(Error::Foreign {
                table: location.to_owned(),
                version: 0,
                reason: "stands where a new table was to be made".into(),
            });
        };
        let mut adopted = table.as_ref().clone();
        while let Some(actions) = read_commit(self.storage(), location, adopted.version + 1).await? {
            adopted.version += 1;
            let refuse = |reason: &str| Error::Foreign {
                table: table.qualified_name(),
                version: adopted.version,
                reason: reason.to_owned(),
            };
            for action in &actions {
                match action {
                    Action::Metadata(metadata) => {
                        let same = arrow_schema(&metadata.schema_string).is_ok_and(|schema| {
                            schema.fields().len() == table.arrow_schema.fields().len()
                                && schema.fields().iter().zip(table.arrow_schema.fields()).all(
                                    |(new, old)| {
                                        new.name() == old.name() && new.data_type() == old.data_type()
                                    },
                                )
                        });
                        if !same {
                            return Err(refuse("changed its columns"));
                        }
                    }
                    Action::Protocol(protocol) => protocol
                        .check(location)
                        .map_err(|_| refuse("changed its protocol"))?,
                    _ => {}
                }
            }
        }
        let files = self.files(location, adopted.version).await?;
        adopted.rows = files.rows().unwrap_or(adopted.rows);
        adopted.bytes = files.bytes();
        adopted.files = files.files.len() as u64;
        adopted.shrunk = adopted.version;
        adopted.lost = Some(adopted.version);
        let mut transaction = self.begin(Arc::clone(epoch));
        transaction.statement("ADOPT");
        let mut intent = transaction.seal()?;
        intent.puts.push(Object::Table(adopted));
        self.decide(&intent).await?;
        Ok(())
    }
}

fn in_doubt(error: &Error) -> Error {
    Error::InDoubt {
        reason: error.to_string(),
    }
}

/// Tries to get past a storage that fails, with growing pauses.
#[derive(Default)]
struct Tries(u32);

impl Tries {
    /// Waits, if it is worth another try.
    async fn again(&mut self) -> bool {
        // Ours end in 5 seconds; tests fail their storage on purpose.
        let (most, unit) = if cfg!(test) { (2, 1) } else { (8, 20) };
        if self.0 >= most {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(unit << self.0)).await;
        self.0 += 1;
        true
    }
}

/// A pause that grows with the attempts and differs between writers.
fn pause(attempt: u32) -> Duration {
    let longest = LONGEST_PAUSE.min(Duration::from_millis(2) * attempt);
    let chance = uuid::Uuid::new_v4().as_u128() as u32;
    longest.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}
