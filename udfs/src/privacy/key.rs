//! The key of pseudonyms: a lake's own, never in SQL.

use std::fmt;
use std::sync::Arc;

use arrow::array::StringBuilder;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::utils::take_function_args;
use datafusion::common::{config_err, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::text::{Text, rows};

/// Given to a session, or to the plan of a mask, beside its settings; neither shown nor set by SQL. Who could call the functions
/// with values of his own would find out what they hide, one by one.
#[derive(Clone, Default)]
pub struct PrivacyKey(Option<Arc<[u8]>>);

impl PrivacyKey {
    /// From bytes that nobody can guess.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(Some(Arc::from(key)))
    }

    /// The key of a session.
    ///
    /// # Errors
    /// If it has none.
    pub(super) fn of(options: &ConfigOptions) -> Result<Hmac<Sha256>> {
        let key = options.extensions.get::<Self>().and_then(|key| key.0.as_deref());
        match key.map(Hmac::<Sha256>::new_from_slice) {
            Some(Ok(mac)) => Ok(mac),
            _ => {
                exec_err!(
                    "permission denied for functions with the lake's key: masks call them, and superusers"
                )
            }
        }
    }
}

/// HMAC-SHA-256 (RFC 2104) of a value for one purpose, so that answers of one function tell nothing of another's.
pub(super) fn keyed(mac: &Hmac<Sha256>, purpose: &str, value: &[u8]) -> [u8; 32] {
    let mut mac = mac.clone();
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(value);
    mac.finalize().into_bytes().into()
}

/// The answers of a function of one text, each made of the keyed hash of its value.
pub(super) fn pseudonyms(
    name: &str,
    args: &ScalarFunctionArgs,
    shown: impl Fn([u8; 32]) -> String,
) -> Result<ColumnarValue> {
    let mac = PrivacyKey::of(&args.config_options)?;
    let [value] = take_function_args(name, &args.args)?;
    let value = Text::new(value)?;
    rows(
        value.is_constant(),
        args.number_rows,
        |i, out: &mut StringBuilder| {
            let hash = value.get(i).map(|value| keyed(&mac, name, value.as_bytes()));
            out.append_option(hash.map(&shown));
            Ok(())
        },
    )
}

impl fmt::Debug for PrivacyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivacyKey")
    }
}

impl ConfigExtension for PrivacyKey {
    const PREFIX: &'static str = "radlake_privacy";
}

impl ExtensionOptions for PrivacyKey {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        config_err!("{key} is no setting")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
