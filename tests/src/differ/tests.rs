//! The fuzzer against engines that only look like ones.

use std::time::Duration;

use super::answer::{Answer, Engine};
use super::known::Known;
use super::pair::Pair;
use super::run::{Options, run};
use super::tally::Tally;

/// Answers every query with as many rows as have been inserted; with a fault, it loses one behind a FULL JOIN.
#[derive(Default)]
struct Fake {
    inserted: usize,
    faulty: bool,
}

impl Engine for Fake {
    fn session(&mut self, _: Vec<String>) -> Result<(), String> {
        Ok(())
    }

    fn run(&mut self, sql: &str) -> Answer {
        if sql.starts_with("CREATE SCHEMA") {
            self.inserted = 0;
        } else if sql.contains(" VALUES ") && sql.starts_with("INSERT") {
            self.inserted += sql.matches("), (").count() + 1;
        } else if sql.starts_with("SELECT") || sql.starts_with("WITH") || sql.starts_with('(') {
            let lost = usize::from(self.faulty && sql.contains("FULL JOIN") && self.inserted > 0);
            let row = vec![Some("1".to_owned())];
            return Answer::Rows {
                names: vec!["c1".to_owned()],
                rows: vec![row; self.inserted - lost],
            };
        }
        Answer::Done(0)
    }

    fn describe(&mut self, _: &str) -> Option<Vec<(String, u32)>> {
        None
    }
}

fn fuzz(seed: u64, faulty: bool) -> Tally {
    let mut pair = Pair::of(
        Fake::default(),
        Fake {
            faulty,
            ..Fake::default()
        },
    );
    let options = Options {
        seed,
        statements: 60,
        round: 30,
        out: None,
        known: Known::default(),
        patience: Duration::from_secs(20),
        max_shrunk: 100,
        avoid: vec![],
        verbose: false,
    };
    let mut tally = Tally::default();
    run(&mut pair, &options, &mut tally).expect("fakes always connect");
    tally
}

#[test]
fn two_that_agree_pass() {
    let tally = fuzz(7, false);
    assert!(tally.passes(0.0), "{tally}");
    assert_eq!(tally.outcomes.keys().collect::<Vec<_>>(), ["same"]);
}

#[test]
fn a_lost_row_is_found_and_shrunk() {
    let tally = fuzz(7, true);
    assert!(!tally.passes(100.0));
    for finding in tally.findings.values() {
        assert_eq!(finding.kind, "WRONG");
        let shrunk = finding.script.lines().filter(|line| !line.starts_with("--"));
        let inserted: Vec<&str> = shrunk.clone().filter(|line| line.starts_with("INSERT")).collect();
        assert_eq!(inserted.len(), 1, "{}", finding.script);
        assert!(!inserted[0].contains("), ("), "{}", finding.script);
        assert!(finding.script.contains("FULL JOIN"), "{}", finding.script);
        assert!(shrunk.map(str::len).sum::<usize>() < 500, "{}", finding.script);
    }
}

#[test]
fn a_seed_always_makes_the_same() {
    let scripts =
        |tally: &Tally| -> Vec<String> { tally.findings.values().map(|f| f.script.clone()).collect() };
    assert_eq!(scripts(&fuzz(3, true)), scripts(&fuzz(3, true)));
}
