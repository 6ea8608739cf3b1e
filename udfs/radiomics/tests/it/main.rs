//! Settings, columns and values against published numbers, in one binary.

mod baseline;
mod columns;
mod ibsi_ct;
mod parameter_files;
mod properties;
mod similar;
#[path = "../../../kernels/tests/it/support.rs"]
#[expect(
    dead_code,
    reason = "the readers of the kernels' tests; not all are needed here"
)]
mod support;
