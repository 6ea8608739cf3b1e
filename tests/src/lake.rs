//! A lake of one test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use radlake::Lakehouse;
use tempfile::TempDir;

use crate::binary::{radlake, run};

/// Password of the superuser `radlake` in every lake of a test.
pub const PASSWORD: &str = "correct horse battery staple";

/// A lake in a temporary folder, which goes with it.
pub struct TempLake {
    folder: TempDir,
}

impl TempLake {
    /// An empty lake, made by `radlake init`.
    pub fn new() -> Self {
        let lake = Self {
            folder: TempDir::new().expect("temporary folder"),
        };
        let _ = run(&mut lake.command("init"));
        lake
    }

    /// The lake that `radlake demo` makes: synthetic hospitals, a few hundred series.
    ///
    /// It is made once for a binary, beside it, and copied, as making it takes longer than what most tests do with it.
    pub fn demo() -> Self {
        let lake = Self {
            folder: TempDir::new().expect("temporary folder"),
        };
        let kept = std::env::current_exe()
            .expect("path of the running test")
            .with_file_name("demo-lake");
        std::fs::create_dir_all(&kept).expect("creating a folder");
        // Other tests, of this process or another, wait until it is made, and copy one after the other.
        let lock = File::create(kept.join("lock")).expect("creating a file");
        lock.lock().expect("locking a file");
        let binary = std::fs::metadata(radlake()).expect("the binary");
        let made_by = format!("{} {:?}", binary.len(), binary.modified().expect("a time"));
        let (stamp, original) = (kept.join("made-by"), kept.join("demo"));
        if std::fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == made_by) {
            lake.copy(&original);
            return lake;
        }
        let _ = std::fs::remove_file(&stamp);
        let _ = std::fs::remove_dir_all(&original);
        let mut command = Command::new(radlake());
        let _ = command
            .arg("demo")
            .arg(&original)
            .arg("--no-serve")
            .env("RADLAKE_PASSWORD", PASSWORD);
        let _ = run(&mut command);
        std::fs::write(&stamp, made_by).expect("writing a file");
        lake.copy(&original);
        lake
    }

    fn copy(&self, folder: &Path) {
        let source = find_lake(folder).expect("a lake in the demo's folder");
        let _ = run(Command::new("cp").arg("-r").arg(source).arg(self.path()));
    }

    /// The folder of the lake.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    /// A folder beside the lake for what a test needs, such as files to ingest.
    pub fn beside(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).expect("creating a folder");
        path
    }

    /// `radlake SUBCOMMAND LAKE`, to which a test adds arguments.
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(radlake());
        let _ = command
            .arg(subcommand)
            .arg(self.path())
            .env("RADLAKE_PASSWORD", PASSWORD);
        command
    }

    /// Ingests files and returns the summary.
    pub fn ingest(&self, provider: &str, path: &Path) -> serde_json::Value {
        let args = ["--provider", provider, "--format", "json"];
        let report = run(self.command("ingest").arg(path).args(args));
        serde_json::from_str(&report).unwrap_or_else(|e| panic!("{e} in {report}"))
    }

    /// What `radlake sql` answers to a statement, as CSV.
    pub fn csv(&self, sql: &str) -> String {
        run(self.command("sql").args(["--format", "csv", "-c", sql]))
    }

    /// The lake through the embedding API.
    pub async fn open(&self) -> Lakehouse {
        let url = self.path();
        Lakehouse::open(url.to_str().expect("path in UTF-8"))
            .await
            .expect("opening the lake")
    }
}

impl Default for TempLake {
    fn default() -> Self {
        Self::new()
    }
}

/// The lake in a folder: where `_radlake/catalog` is.
fn find_lake(folder: &Path) -> Option<PathBuf> {
    if folder.join("_radlake/catalog").is_dir() {
        return Some(folder.to_owned());
    }
    let mut inner: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    inner.sort();
    inner
        .iter()
        .filter(|path| path.is_dir())
        .find_map(|path| find_lake(path))
}
