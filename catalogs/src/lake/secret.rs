//! The lake's secret: what pseudonyms are made with. It is in no table, so that no SQL shows it.

use object_store::path::Path;
use tracing::debug;

use super::Lake;
use crate::{Error, Result};

const PATH: &str = "_radlake/secret";
/// Bytes of it.
const LENGTH: usize = 32;

impl Lake {
    /// The secret, made by the first who asks and may write; `None` where there is none and none can be made.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not of its length.
    pub async fn secret(&self) -> Result<Option<[u8; LENGTH]>> {
        let path = Path::from(PATH);
        let mut found = self.storage().read(&path).await?;
        if found.is_none() {
            // 488 random bits.
            let random: Vec<u8> = (0..4).flat_map(|_| uuid::Uuid::new_v4().into_bytes()).collect();
            let new = *blake3::hash(&random).as_bytes();
            match self.storage().create(&path, new.to_vec()).await {
                Ok(_) => found = self.storage().read(&path).await?,
                Err(error) => debug!(%error, "no secret could be made"),
            }
        }
        match found {
            None => Ok(None),
            Some(bytes) => match <[u8; LENGTH]>::try_from(bytes.as_ref()) {
                Ok(secret) => Ok(Some(secret)),
                Err(_) => Err(Error::damaged(PATH, "it is no secret of 32 bytes")),
            },
        }
    }
}
