//! What vacuum is about to remove, told to every writer before it goes.
//!
//! Files that a transaction has written and not committed look like those of one that never will; by their age alone,
//! vacuum of another process could take them, if a clock is wrong or the transaction long. So vacuum writes the list of what
//! it means to remove and publishes its token as an epoch. What was decided before that epoch is in the logs, which are
//! read after it; whoever decides after it has moved over it, and is refused if a file of his is on the list.

use std::collections::BTreeSet;

use object_store::path::Path;

use super::Storage;
use crate::{Error, Result};

/// Tokens that an epoch remembers. A transaction that was open over more vacuums is refused if it wrote files.
const REMEMBERED: usize = 32;

pub(super) const FOLDER: &str = "_radlake/vacuums";

fn path(token: &str) -> Path {
    Path::from(format!("{FOLDER}/{token}.json"))
}

/// Writes the list; gives its token.
pub(super) async fn write(storage: &Storage, condemned: &BTreeSet<String>) -> Result<String> {
    let token = uuid::Uuid::now_v7().to_string();
    storage
        .write(&path(&token), serde_json::to_vec(condemned)?)
        .await?;
    Ok(token)
}

/// Remembers a token in an epoch.
pub(super) fn note(tokens: &mut Vec<String>, token: &str) {
    tokens.push(token.to_owned());
    let beyond = tokens.len().saturating_sub(REMEMBERED);
    tokens.drain(..beyond);
}

/// Whether a vacuum after `seen`, of those that an epoch remembers, means to remove one of these files.
pub(super) async fn condemns(
    storage: &Storage,
    tokens: &[String],
    seen: Option<&str>,
    staged: &BTreeSet<String>,
) -> Result<bool> {
    if staged.is_empty() {
        return Ok(false);
    }
    let known = seen.and_then(|seen| tokens.iter().rposition(|token| token == seen));
    let from = match (seen, known) {
        (_, Some(at)) => at + 1,
        (None, None) if tokens.len() < REMEMBERED => 0,
        // More came between than are remembered.
        _ => return Ok(true),
    };
    for token in &tokens[from..] {
        let path = path(token);
        // Later vacuums remove old lists.
        let Some(bytes) = storage.read(&path).await? else {
            return Ok(true);
        };
        let condemned: BTreeSet<String> =
            serde_json::from_slice(&bytes).map_err(|error| Error::damaged(&path, error))?;
        if !condemned.is_disjoint(staged) {
            return Ok(true);
        }
    }
    Ok(false)
}
