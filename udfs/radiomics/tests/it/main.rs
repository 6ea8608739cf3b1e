//! Settings, columns and values against published numbers, in one binary.

mod baseline;
mod columns;
mod ibsi_ct;
mod parameter_files;
mod properties;
mod support;
