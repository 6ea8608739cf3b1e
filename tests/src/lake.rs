//! A lake of one test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
    /// It is made once in a run and copied, as making it takes longer than what most tests do with it.
    pub fn demo() -> Self {
        static DEMO: OnceLock<TempDir> = OnceLock::new();
        let original = DEMO.get_or_init(|| {
            let folder = TempDir::new().expect("temporary folder");
            let mut command = Command::new(radlake());
            let _ = command
                .arg("demo")
                .arg(folder.path())
                .arg("--no-serve")
                .env("RADLAKE_PASSWORD", PASSWORD);
            let _ = run(&mut command);
            folder
        });
        let lake = Self {
            folder: TempDir::new().expect("temporary folder"),
        };
        let source = find_lake(original.path()).expect("a lake in the demo's folder");
        let _ = run(Command::new("cp").arg("-r").arg(source).arg(lake.path()));
        lake
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
