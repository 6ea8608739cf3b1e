//! How many small transactions a second are committed to disk, beside PostgreSQL.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Options, Result, table};

/// `--radlake BINARY`, `--python PYTHON`; `--seconds N` per measurement (5), `--runs N` (2).
pub(crate) fn run(options: &Options) -> Result<()> {
    let (binary, python) = (options.required("radlake")?, options.required("python")?);
    let output = Command::new(python)
        .arg(crate::peer("commits.py"))
        .args(["--radlake", binary])
        .args(["--seconds", &options.number("seconds", 5)?.to_string()])
        .args(["--runs", &options.number("runs", 2)?.max(1).to_string()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{python}: {error}"))?;
    if !output.status.success() {
        return Err(format!("commits.py ended with {}", output.status).into());
    }
    let results: Vec<Value> = String::from_utf8(output.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<std::result::Result<_, _>>()?;
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap_or(f64::NAN);
    let rows: Vec<Vec<String>> = results
        .iter()
        .filter(|of| of["peer"] == "Radlake")
        .map(|ours| {
            let same = |of: &&Value| of["kind"] == ours["kind"] && of["clients"] == ours["clients"];
            let theirs = results.iter().filter(same).find(|of| of["peer"] == "PostgreSQL");
            let rate = number(ours, "rate");
            let peer = theirs.map_or(f64::NAN, |of| number(of, "rate"));
            vec![
                ours["kind"].as_str().unwrap_or_default().to_owned(),
                ours["clients"].to_string(),
                format!("{rate:.0}"),
                format!("{peer:.0}"),
                format!("{:.2}", rate / peer),
                format!("{:.1}", number(ours, "median")),
                format!("{:.1}", number(ours, "p99")),
                ours["failed"].to_string(),
            ]
        })
        .collect();
    table::print(
        "Commits per second, one row each",
        &[
            "statement",
            "clients",
            "Radlake",
            "PostgreSQL",
            "ratio",
            "median, ms",
            "99 %, ms",
            "failed",
        ],
        &rows,
    );
    Ok(())
}
