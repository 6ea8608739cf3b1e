//! What came out of a run.

use std::collections::BTreeMap;
use std::fmt;

use super::answer::Answer;
use super::compare::Outcome;

/// A difference that is not known yet.
#[derive(Debug, Clone)]
pub struct Finding {
    /// `WRONG`, `SCALE`, `MISSED` or `CRASH`.
    pub kind: String,
    /// The script that shows it, with both answers as comments.
    pub script: String,
    /// How many statements shrank to one of its shape.
    pub count: usize,
}

/// Counts of outcomes, and what was found.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Statements by the kind of their outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// Refusals by SQLSTATE and message, with names and numbers taken out.
    pub refusals: BTreeMap<String, usize>,
    /// Columns that are described otherwise: how often, and the shortest such statement.
    pub types: BTreeMap<String, (usize, String)>,
    /// Faults by the reason for which they are known.
    pub known: BTreeMap<String, usize>,
    /// Faults that are not, by their shape.
    pub findings: BTreeMap<String, Finding>,
    /// Errors of PostgreSQL, with names and numbers taken out: where the generator should do better.
    pub invalid: BTreeMap<String, usize>,
    /// How many differences have been shrunk.
    pub shrunk: usize,
}

impl Tally {
    /// Counts one outcome.
    pub fn count(&mut self, kind: &str) {
        *self.outcomes.entry(kind.to_owned()).or_default() += 1;
    }

    /// Counts an outcome with what each side said of an error.
    pub(super) fn note(&mut self, outcome: &Outcome, postgres: &Answer) {
        self.count(outcome.kind());
        if let Outcome::Refused { code, message } = outcome {
            *self
                .refusals
                .entry(format!("{code} {}", mask(message)))
                .or_default() += 1;
        }
        if let Answer::Failed { code, message } = postgres {
            *self
                .invalid
                .entry(format!("{code} {}", mask(message)))
                .or_default() += 1;
        }
    }

    /// Counts a statement whose columns are described otherwise.
    pub(super) fn described(&mut self, what: String, statement: &str) {
        let (count, shortest) = self.types.entry(what).or_default();
        *count += 1;
        if shortest.is_empty() || statement.len() < shortest.len() {
            *shortest = statement.to_owned();
        }
    }

    fn of(&self, kind: &str) -> usize {
        self.outcomes.get(kind).copied().unwrap_or_default()
    }

    /// How many of a hundred statements PostgreSQL takes and Radlake refuses.
    pub fn refused_percent(&self) -> f64 {
        let valid =
            self.total() - self.of("avoided") - self.of("both fail") - self.of("MISSED") - self.of("unknown");
        percent(self.of("refused"), valid)
    }

    /// How many of a hundred statements PostgreSQL takes.
    pub fn valid_percent(&self) -> f64 {
        100.0
            - percent(
                self.of("both fail") + self.of("MISSED"),
                self.total() - self.of("avoided"),
            )
    }

    fn total(&self) -> usize {
        self.outcomes.values().sum()
    }

    /// Whether the run passes: nothing wrong that is not known, and not more refused than that.
    pub fn passes(&self, max_refused: f64) -> bool {
        self.findings.is_empty() && self.refused_percent() <= max_refused
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if whole == 0 {
        0.0
    } else {
        100.0 * number(part) / number(whole)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>7}  statements", self.total())?;
        for (kind, n) in &self.outcomes {
            writeln!(f, "{n:>7}  {kind}")?;
        }
        writeln!(
            f,
            "PostgreSQL takes {:.1} %; of these Radlake refuses {:.1} %",
            self.valid_percent(),
            self.refused_percent()
        )?;
        for (title, counts) in [
            ("refused", &self.refusals),
            ("PostgreSQL fails", &self.invalid),
            ("known", &self.known),
        ] {
            let mut counts: Vec<_> = counts.iter().collect();
            counts.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
            if !counts.is_empty() {
                writeln!(f, "\n{title}:")?;
            }
            for (what, n) in counts.into_iter().take(40) {
                writeln!(f, "{n:>7}  {what}")?;
            }
        }
        if !self.types.is_empty() {
            writeln!(f, "\ntypes (OIDs) and names of columns:")?;
        }
        for (what, (n, shortest)) in &self.types {
            writeln!(f, "{n:>7}  {what}: {shortest}")?;
        }
        for finding in self.findings.values() {
            writeln!(
                f,
                "\n-- {} ({} times)\n{}",
                finding.kind, finding.count, finding.script
            )?;
        }
        Ok(())
    }
}

/// A message without what is particular to one statement: quoted texts and numbers.
pub fn mask(message: &str) -> String {
    let (mut masked, mut quote) = (String::new(), None);
    for c in message.chars() {
        match quote {
            Some(q) if c == q => {
                quote = None;
                masked.push(c);
            }
            Some(_) => {}
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                masked.push(c);
            }
            None if c.is_ascii_digit() => {
                if !masked.ends_with('#') {
                    masked.push('#');
                }
            }
            None => masked.push(c),
        }
    }
    masked.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_names_and_numbers() {
        assert_eq!(
            mask("column \"a12\" of row 345 is 'x'"),
            "column \"\" of row # is ''"
        );
    }
}
