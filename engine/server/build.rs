//! Tells the binary which commit it is built from, as `RADLAKE_COMMIT`.
//!
//! Git is asked first; a build from an archive takes the environment's `RADLAKE_COMMIT`, and is "unknown" without.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RADLAKE_COMMIT");
    let given = std::env::var("RADLAKE_COMMIT").ok();
    let commit = from_git()
        .or(given)
        .filter(|commit| !commit.is_empty())
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=RADLAKE_COMMIT={commit}");
}

/// The commit of the checkout that this package stands in.
fn from_git() -> Option<String> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    let root = package.ancestors().nth(2)?.canonicalize().ok()?;
    // An archive that was unpacked within another project's checkout is none of that project's commits.
    let checkout = Path::new(&git(&root, &["rev-parse", "--show-toplevel"])?)
        .canonicalize()
        .ok()?;
    if checkout != root {
        return None;
    }
    let branch = git(&root, &["symbolic-ref", "--quiet", "HEAD"]);
    let watched = ["HEAD", "logs/HEAD", "packed-refs"]
        .into_iter()
        .chain(branch.as_deref());
    for name in watched {
        // In a worktree these are not below `.git`. A path that is not there would make every build run this again.
        let path = root.join(git(&root, &["rev-parse", "--git-path", name])?);
        if path.exists() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    git(&root, &["rev-parse", "--short=12", "HEAD"])
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let done = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        // A hook's own idea of the checkout is not ours.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .ok()?;
    let text = String::from_utf8(done.stdout).ok()?;
    done.status.success().then(|| text.trim().to_owned())
}
