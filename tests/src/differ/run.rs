//! Rounds of statements against both engines.

use std::path::PathBuf;
use std::time::Duration;

use super::answer::Answer;
use super::compare::Outcome;
use super::generate::Generator;
use super::known::Known;
use super::pair::Pair;
use super::rng::Rng;
use super::shrink::{Case, shrink};
use super::statement::{Statement, Verb};
use super::table::Table;
use super::tally::{Finding, Tally, mask};
use super::values::ZONES;

/// What to run.
#[derive(Debug)]
pub struct Options {
    /// Decides every table and statement.
    pub seed: u64,
    /// How many statements.
    pub statements: usize,
    /// How many of them share a round's tables.
    pub round: usize,
    /// Where scripts of what differs go.
    pub out: Option<PathBuf>,
    /// What is known to differ.
    pub known: Known,
    /// How long one case may be shrunk.
    pub patience: Duration,
    /// How many differences are shrunk, known ones too, before the rest is kept as it is.
    pub max_shrunk: usize,
    /// Texts whose statements are passed over, such as a function that is known to be wrong.
    pub avoid: Vec<String>,
    /// Prints each statement with its outcome.
    pub verbose: bool,
}

/// Runs all rounds, and counts in `tally`.
///
/// # Errors
/// When an engine cannot be reached; what came out before stands in `tally`.
pub fn run(pair: &mut Pair, options: &Options, tally: &mut Tally) -> Result<(), String> {
    let mut left = options.statements;
    let mut round = 0;
    while left > 0 {
        // Each round has its own chance, so that one can be run alone.
        let mut rng = Rng::new(options.seed.wrapping_mul(1_000_003).wrapping_add(round));
        let schema = format!("differ_{}_{round}", options.seed);
        let zone = rng.pick(ZONES).to_owned();
        let mut tables = Table::schema(&mut rng);
        pair.session(&schema, &zone)?;
        pair.create(&mut tables, tally);
        let n = left.min(options.round);
        if !tables.is_empty() {
            let mut at = Round {
                pair,
                options,
                tally,
                schema: &schema,
                case: (zone, tables),
                before: vec![],
            };
            at.statements(&mut rng, n);
        }
        pair.drop(&schema);
        left -= n;
        round += 1;
    }
    Ok(())
}

/// One round: a schema, and what has been committed in it.
struct Round<'a> {
    pair: &'a mut Pair,
    options: &'a Options,
    tally: &'a mut Tally,
    schema: &'a str,
    case: (String, Vec<Table>),
    before: Vec<Statement>,
}

impl Round<'_> {
    fn statements(&mut self, rng: &mut Rng, n: usize) {
        let tables = self.case.1.clone();
        let mut generator = Generator::new(rng, &tables);
        for _ in 0..n {
            let statement = generator.statement();
            let text = statement.to_string();
            if self.options.avoid.iter().any(|avoid| text.contains(avoid)) {
                self.tally.count("avoided");
                continue;
            }
            let keep = self.may_keep(&statement);
            let (postgres, ours, outcome) = self.pair.answer(&statement, keep);
            if self.options.verbose {
                println!("{}: {statement}", outcome.kind());
            }
            self.tally.note(&outcome, &postgres);
            if let Outcome::Type(what) = outcome {
                self.tally.described(what, &statement.to_string());
            } else if outcome.is_fault() {
                self.found(statement, outcome, postgres, ours);
            } else if keep && outcome == Outcome::Same {
                self.before.push(statement);
            }
        }
    }

    /// Whether a write may last: not one that would make numbers of a unique table repeat, nor any when there are many.
    fn may_keep(&self, statement: &Statement) -> bool {
        let Statement::Write(write) = statement else {
            return false;
        };
        let unique = self.case.1.iter().any(|t| t.name == write.table && t.unique);
        self.before.len() < 6 && !(unique && matches!(write.verb, Verb::Insert { .. }))
    }

    /// Shrinks a difference and keeps it, unless it is known.
    fn found(&mut self, statement: Statement, outcome: Outcome, postgres: Answer, ours: Answer) {
        let case = Case {
            zone: self.case.0.clone(),
            tables: self.case.1.clone(),
            before: self.before.clone(),
            statement,
        };
        let kind = outcome.kind();
        // A pattern that says nothing is for all of the kind.
        if let Some(reason) = self.options.known.reason(kind, "") {
            *self.tally.known.entry(format!("{kind}: {reason}")).or_default() += 1;
            return;
        }
        let mut last = (postgres, ours, outcome);
        let case = if self.tally.shrunk < self.options.max_shrunk {
            self.tally.shrunk += 1;
            self.smallest(case, &mut last)
        } else {
            case
        };
        let (postgres, ours, outcome) = last;
        let text = case.statement.to_string();
        if let Some(reason) = self.options.known.reason(kind, &text) {
            *self.tally.known.entry(format!("{kind}: {reason}")).or_default() += 1;
            return;
        }
        let detail = match &outcome {
            Outcome::Wrong(why) | Outcome::Scale(why) | Outcome::Missed(why) | Outcome::Crash(why) => {
                why.as_str()
            }
            _ => "",
        };
        let comment = |title: &str, answer: &Answer| {
            format!("-- {title}: {}", answer.to_string().replace('\n', "\n-- "))
        };
        let script = format!(
            "{}\n-- {kind}: {detail}\n{}\n{}",
            case.script(),
            comment("PostgreSQL", &postgres),
            comment("Radlake", &ours)
        );
        let new = self.tally.findings.len() + 1;
        let finding = self
            .tally
            .findings
            .entry(mask(&format!("{kind} {text}")))
            .or_insert(Finding {
                kind: kind.to_owned(),
                script,
                count: 0,
            });
        finding.count += 1;
        if let (Some(folder), 1) = (&self.options.out, finding.count) {
            let file = folder.join(format!("seed-{}-{new}.sql", self.options.seed));
            std::fs::write(&file, format!("{}\n", finding.script))
                .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        }
    }

    /// The smallest case that differs in the same way, with the answers to it.
    fn smallest(&mut self, case: Case, last: &mut (Answer, Answer, Outcome)) -> Case {
        let kind = last.2.kind();
        let code = match &last.2 {
            Outcome::Missed(code) => Some(code.clone()),
            _ => None,
        };
        let (zone, schema) = (case.zone.clone(), self.schema);
        let other = format!("{schema}_s");
        let mut fresh = false;
        let pair = &mut *self.pair;
        let small = shrink(case, self.options.patience, &mut |case, data| {
            // A smaller statement is tried on the tables as they stand; these are made anew only where they change.
            if data || fresh {
                fresh = data;
                if pair.session(&other, &zone).is_err() {
                    return false;
                }
                for sql in case.setup() {
                    if matches!(
                        pair.both(&sql),
                        (Answer::Failed { .. }, _) | (_, Answer::Failed { .. })
                    ) {
                        return false;
                    }
                }
            }
            let answers = pair.answer(&case.statement, false);
            let same = answers.2.kind() == kind
                && code
                    .as_ref()
                    .is_none_or(|c| answers.2 == Outcome::Missed(c.clone()));
            if same {
                *last = answers;
            }
            same
        });
        pair.drop(&other);
        // The round goes on with its own tables.
        drop(pair.resume(schema, &zone));
        small
    }
}
