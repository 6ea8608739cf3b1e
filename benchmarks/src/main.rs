//! Radlake's benchmarks: one file per question, peers side by side in one run.
//!
//! `benchmarks/run.sh` prepares the peers and calls this binary; `benchmarks/README.md` says how to read the tables.

mod commits;
mod cpu;
mod headers;
mod idc;
mod policies;
mod table;
mod upkeep;
mod vectors;

// As in the `radlake` binary: what is measured here is what users run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str =
    "usage: radlake-benchmarks commits --radlake BINARY --python PYTHON [--seconds N] [--runs N]
       radlake-benchmarks headers [--files N | --path DIR] [--python PYTHON] [--runs N]
       radlake-benchmarks idc --radlake BINARY --python PYTHON [--runs N]
       radlake-benchmarks policies [--rows N] [--runs N]
       radlake-benchmarks upkeep [--commits N] [--rows N] [--runs N]
       radlake-benchmarks vectors [--rows N] [--dimensions N] [--nearest N] [--runs N]

  commits  small transactions per second of 1, 4 and 16 clients, beside PostgreSQL
  headers  DICOM headers per second and core: plain read, this reader, ingestion, dicom-rs, pydicom
  idc      eight queries over IDC's index on the wire, beside DuckDB on the same Parquet
  policies ten queries under row policies, beside their predicates written by hand
  upkeep   queries over a table of many small commits, before and after its files are merged
  vectors  the nearest of many vectors, beside one plain pass over the same memory";

fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let question = arguments.next().unwrap_or_default();
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => return usage(&error),
    };
    let outcome = match question.as_str() {
        "commits" => commits::run(&options),
        "headers" => headers::run(&options),
        "idc" => idc::run(&options),
        "policies" => policies::run(&options),
        "upkeep" => upkeep::run(&options),
        "vectors" => vectors::run(&options),
        other => return usage(&format!("unknown benchmark {other:?}")),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{question}: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn usage(error: &str) -> std::process::ExitCode {
    eprintln!("{error}\n{USAGE}");
    std::process::ExitCode::from(2)
}

/// Where a peer's script is.
fn peer(script: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(script)
}

/// What the command line said, as `--name value` pairs.
struct Options(std::collections::HashMap<String, String>);

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> std::result::Result<Self, String> {
        let mut pairs = std::collections::HashMap::new();
        while let Some(name) = arguments.next() {
            let key = name
                .strip_prefix("--")
                .ok_or_else(|| format!("expected an option, got {name:?}"))?;
            let value = arguments.next().ok_or_else(|| format!("{name} wants a value"))?;
            pairs.insert(key.to_owned(), value);
        }
        Ok(Self(pairs))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn number(&self, name: &str, default: usize) -> Result<usize> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| format!("--{name} wants a number, got {text:?}").into()),
        }
    }

    fn required(&self, name: &str) -> Result<&str> {
        self.text(name)
            .ok_or_else(|| format!("--{name} is required").into())
    }
}
