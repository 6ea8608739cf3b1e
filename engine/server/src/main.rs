//! The `radlake` binary: an embedder of the engine like any other, through its public API only.

mod cli;
mod commands;
mod copy;
mod failure;
mod load;
mod output;
mod radiomics;
mod wire;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
