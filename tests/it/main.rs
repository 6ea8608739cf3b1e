//! Integration tests, in one binary because each would link the whole engine again.

mod differ;
mod embed;
mod hostile;
mod kill;
mod lifecycle;
mod scripts;
