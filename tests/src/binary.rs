//! The binary under test.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The binary `radlake`: `RADLAKE_BIN` where that is set, else the one that was built beside the running test.
pub fn radlake() -> PathBuf {
    if let Some(path) = std::env::var_os("RADLAKE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("path of the running test");
    let built = test.ancestors().nth(2).expect("target folder").join("radlake");
    assert!(
        built.exists(),
        "{} is missing: run `cargo build --workspace` first",
        built.display()
    );
    built
}

/// Runs a command to its end and returns what it printed on standard output.
///
/// # Panics
/// When it fails, with all that it printed.
pub fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}
