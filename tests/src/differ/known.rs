//! Differences that are known, with the reason of each.

use std::path::Path;

/// Patterns of shrunk cases.
#[derive(Debug, Default)]
pub struct Known(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    kind: String,
    parts: Vec<String>,
    reason: String,
}

impl Known {
    /// Reads a list: a line `KIND | pattern | reason`, where `*` in a pattern stands for anything and is
    /// all that a pattern for everything of its kind has; `#` begins a comment.
    ///
    /// # Errors
    /// The first line that is none of that.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| {
                // `||` stands in statements, so a separator has a blank on both sides.
                let fields: Vec<&str> = line.splitn(3, " | ").map(str::trim).collect();
                let [kind, pattern, reason] = fields[..] else {
                    return Err(format!("not `KIND | pattern | reason`: {line}"));
                };
                Ok(Pattern {
                    kind: kind.to_owned(),
                    parts: pattern.split('*').map(str::to_owned).collect(),
                    reason: reason.to_owned(),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The reason why a case is no news.
    pub fn reason(&self, kind: &str, statement: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|p| p.kind == kind && matches(&p.parts, statement))?;
        Some(&found.reason)
    }
}

/// Whether the parts follow each other in the text; the pattern may begin and end within it.
fn matches(parts: &[String], mut text: &str) -> bool {
    parts.iter().all(|part| match text.find(part.as_str()) {
        Some(at) => {
            text = &text[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_in_order() {
        let known = Known::parse("# why\nWRONG | left(*) || upper | too short\n").expect("a list");
        assert_eq!(
            known.reason("WRONG", "SELECT left(t, 2) || upper(t)"),
            Some("too short")
        );
        assert_eq!(known.reason("MISSED", "SELECT left(t, 2) || upper(t)"), None);
        assert_eq!(known.reason("WRONG", "SELECT upper(t) || left(t, 2)"), None);
        assert!(Known::parse("WRONG | no reason").is_err());
    }
}
