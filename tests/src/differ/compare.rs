//! Whether two answers are one.

use super::answer::{Answer, Row};
use super::expr::Expr;
use super::statement::Statement;
use super::ty::Ty;

/// What PostgreSQL itself leaves open about a statement's answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// The order of rows is part of the answer.
    pub ordered: bool,
    /// Of equal values (`-0` and `0`, `1.5` and `1.50`) any may stand for all.
    pub merging: bool,
    /// Floats may be added in any order.
    pub approximate: bool,
}

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Same,
    /// Both fail.
    BothFail,
    /// We fail where PostgreSQL answers.
    Refused {
        code: String,
        message: String,
    },
    /// Both answer, and differently.
    Wrong(String),
    /// Numbers differ by zeros at their ends only.
    Scale(String),
    /// PostgreSQL fails, with this SQLSTATE, where we answer.
    Missed(String),
    /// The same rows, under other names or types.
    Type(String),
    /// Our connection is gone.
    Crash(String),
    /// PostgreSQL did not answer in time: nothing is known.
    Unknown,
}

impl Outcome {
    /// A word for lists; what a shrunk case must keep.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::BothFail => "both fail",
            Self::Refused { .. } => "refused",
            Self::Wrong(_) => "WRONG",
            Self::Scale(_) => "SCALE",
            Self::Missed(_) => "MISSED",
            Self::Type(_) => "type",
            Self::Crash(_) => "CRASH",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it breaks the rule that an answer is PostgreSQL's or none.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Wrong(_) | Self::Scale(_) | Self::Missed(_) | Self::Crash(_)
        )
    }
}

impl Rules {
    pub fn of(statement: &Statement) -> Self {
        let text = statement.to_string();
        let words = [
            "DISTINCT",
            "GROUP BY",
            "UNION",
            "INTERSECT",
            "EXCEPT",
            "min(",
            "max(",
            "greatest(",
            "least(",
        ];
        let mut rules = Self {
            ordered: matches!(statement, Statement::Query(query) if query.order.is_some()),
            merging: words.iter().any(|word| text.contains(word)),
            approximate: false,
        };
        statement.clone().visit(&mut |e| {
            let sums = matches!(e, Expr::Aggregate(_) | Expr::Window(_));
            rules.approximate |= sums && e.ty() == Ty::Float;
        });
        rules
    }

    pub fn compare(self, postgres: &Answer, ours: &Answer) -> Outcome {
        match (postgres, ours) {
            (Answer::Lost(_), _) => Outcome::Unknown,
            (_, Answer::Lost(why)) => Outcome::Crash(why.clone()),
            (Answer::Failed { code, .. }, _) if code == "57014" => Outcome::Unknown,
            (Answer::Failed { .. }, Answer::Failed { code, .. }) if code.starts_with("XX") => {
                Outcome::Crash(format!("{code} where PostgreSQL fails in an orderly way"))
            }
            (Answer::Failed { .. }, Answer::Failed { .. }) => Outcome::BothFail,
            (_, Answer::Failed { code, message }) => Outcome::Refused {
                code: code.clone(),
                message: message.clone(),
            },
            (Answer::Failed { code, .. }, _) => Outcome::Missed(code.clone()),
            (Answer::Rows { rows: a, .. }, Answer::Rows { rows: b, .. }) => self.told(a, b),
            (a, b) if a == b => Outcome::Same,
            (Answer::Done(a), Answer::Done(b)) => Outcome::Wrong(format!("{b} rows written instead of {a}")),
            _ => Outcome::Wrong("rows on one side only".to_owned()),
        }
    }

    fn told(self, postgres: &[Row], ours: &[Row]) -> Outcome {
        let Some(why) = self.rows(postgres, ours) else {
            return Outcome::Same;
        };
        let short = |rows: &[Row]| -> Vec<Row> {
            let cell = |cell: &Option<String>| cell.as_deref().map(|text| trimmed(text).to_owned());
            rows.iter().map(|row| row.iter().map(cell).collect()).collect()
        };
        match self.rows(&short(postgres), &short(ours)) {
            None => Outcome::Scale(why),
            Some(_) => Outcome::Wrong(why),
        }
    }

    /// What is different between the rows, if anything.
    fn rows(self, postgres: &[Row], ours: &[Row]) -> Option<String> {
        if postgres.len() != ours.len() {
            return Some(format!("{} rows instead of {}", ours.len(), postgres.len()));
        }
        let (a, b) = (self.bag(postgres), self.bag(ours));
        for (a, b) in a.iter().zip(&b) {
            if a.len() != b.len() {
                return Some(format!("{} columns instead of {}", b.len(), a.len()));
            }
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                if !self.same(a.as_deref(), b.as_deref()) {
                    let show = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".to_owned());
                    return Some(format!("column {}: {} instead of {}", i + 1, show(b), show(a)));
                }
            }
        }
        let unordered = |(a, b): (&Row, &Row)| {
            let mut cells = a.iter().zip(b);
            // Equal values may stand in any order, whatever the rules of the rest.
            cells.any(|(a, b)| !self.same(normal(a.as_deref()).as_deref(), normal(b.as_deref()).as_deref()))
        };
        if self.ordered && postgres.iter().zip(ours).any(unordered) {
            return Some("the order of rows".to_owned());
        }
        None
    }

    fn bag(self, rows: &[Row]) -> Vec<Row> {
        let cell = |cell: &Option<String>| {
            if self.merging {
                normal(cell.as_deref())
            } else {
                cell.clone()
            }
        };
        let mut rows: Vec<Row> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        rows.sort();
        rows
    }

    fn same(self, a: Option<&str>, b: Option<&str>) -> bool {
        a == b
            || match (a, b) {
                (Some(a), Some(b)) if self.approximate => close(a, b),
                _ => false,
            }
    }
}

fn close(a: &str, b: &str) -> bool {
    let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) else {
        return false;
    };
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

/// One text for all values that are equal as numbers.
fn normal(cell: Option<&str>) -> Option<String> {
    let short = trimmed(cell?);
    Some(if short == "-0" { "0" } else { short }.to_owned())
}

/// A number without zeros at its end; other texts as they are.
fn trimmed(text: &str) -> &str {
    let number =
        text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') && text.parse::<f64>().is_ok();
    match number && text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Answer {
        Answer::Rows {
            names: vec![],
            rows: rows
                .iter()
                .map(|row| {
                    row.iter()
                        .map(|cell| (*cell != "NULL").then(|| (*cell).to_owned()))
                        .collect()
                })
                .collect(),
        }
    }

    #[test]
    fn rows_are_a_bag_unless_ordered() {
        let (a, b) = (rows(&[&["1"], &["2"], &["2"]]), rows(&[&["2"], &["1"], &["2"]]));
        assert_eq!(Rules::default().compare(&a, &b), Outcome::Same);
        let ordered = Rules {
            ordered: true,
            ..Rules::default()
        };
        assert_eq!(ordered.compare(&a, &b).kind(), "WRONG");
        let c = rows(&[&["1"], &["1"], &["2"]]);
        assert_eq!(Rules::default().compare(&a, &c).kind(), "WRONG");
        assert_eq!(Rules::default().compare(&a, &rows(&[&["1"]])).kind(), "WRONG");
    }

    #[test]
    fn equal_values_are_one_only_where_they_may_be() {
        let (a, b) = (rows(&[&["1.50", "-0"]]), rows(&[&["1.5", "0"]]));
        assert_eq!(Rules::default().compare(&a, &b).kind(), "WRONG");
        let merging = Rules {
            merging: true,
            ..Rules::default()
        };
        assert_eq!(merging.compare(&a, &b), Outcome::Same);
        let (a, b) = (rows(&[&["1.50"]]), rows(&[&["1.5"]]));
        assert_eq!(Rules::default().compare(&a, &b).kind(), "SCALE");
        assert_eq!(
            merging.compare(&rows(&[&["NULL"]]), &rows(&[&["0"]])).kind(),
            "WRONG"
        );
    }

    #[test]
    fn floats_are_close_only_where_they_may_be() {
        let (a, b) = (rows(&[&["0.1"]]), rows(&[&["0.10000000000000001"]]));
        assert_eq!(Rules::default().compare(&a, &b).kind(), "WRONG");
        let approximate = Rules {
            approximate: true,
            ..Rules::default()
        };
        assert_eq!(approximate.compare(&a, &b), Outcome::Same);
        assert_eq!(approximate.compare(&a, &rows(&[&["0.1001"]])).kind(), "WRONG");
    }

    #[test]
    fn errors_are_told_apart() {
        let failed = |code: &str| Answer::Failed {
            code: code.to_owned(),
            message: String::new(),
        };
        let rules = Rules::default();
        assert_eq!(
            rules.compare(&failed("22012"), &failed("22003")),
            Outcome::BothFail
        );
        assert_eq!(
            rules.compare(&Answer::Done(1), &failed("0A000")).kind(),
            "refused"
        );
        assert_eq!(
            rules.compare(&failed("22012"), &Answer::Done(1)),
            Outcome::Missed("22012".to_owned())
        );
        assert_eq!(rules.compare(&failed("22012"), &failed("XX000")).kind(), "CRASH");
        assert_eq!(
            rules
                .compare(&Answer::Done(1), &Answer::Lost(String::new()))
                .kind(),
            "CRASH"
        );
        assert_eq!(
            rules.compare(&failed("57014"), &Answer::Done(1)),
            Outcome::Unknown
        );
    }
}
