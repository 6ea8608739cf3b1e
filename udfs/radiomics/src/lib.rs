//! What a caller of the radiomics kernels needs: settings that read PyRadiomics' own parameter files, the columns they
//! give, the values of those columns, and what each feature means.
//!
//! [`Settings`] are read from YAML, JSON or pairs of key and value; equal meaning has an equal [`Settings::settings_hash`].
//! [`Settings::names`] lists the columns, and [`extract`] gives one [`Value`] for each, in that order. [`dictionary`]
//! tells what they are, [`phantom_check`] that they are right; [`similar`] finds the cases that are most like one. Pure functions: no I/O, no threads; callers run one region
//! per thread.

mod check;
mod context;
pub mod dictionary;
mod error;
mod features;
mod reader;
pub mod settings;
pub mod similar;
mod yaml;

pub use check::{Check, phantom_check};
pub use context::Context;
pub use error::{Error, Result};
pub use features::{Value, extract, extract_one};
pub use settings::{Profile, Settings};
