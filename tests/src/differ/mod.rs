//! A differential fuzzer: what Radlake answers is what PostgreSQL answers, or an error. Never another answer.
//!
//! [`run`] makes tables and statements by chance from a seed, runs them on both and compares; what differs is shrunk to a script
//! that stands on its own.

mod answer;
mod compare;
mod expr;
mod generate;
mod known;
mod pair;
mod query;
mod rng;
mod run;
mod scope;
mod shrink;
mod statement;
mod table;
mod tally;
mod ty;
mod values;
mod wire;

#[cfg(test)]
mod tests;

pub use known::Known;
pub use pair::Pair;
pub use run::{Options, run};
pub use tally::{Finding, Tally};
