//! PostgreSQL's array literals: `{1,NULL,"a b"}`, `{{1,2},{3,4}}`.

/// A literal's items row by row; `None` stands for NULL.
#[derive(Debug, PartialEq)]
pub(super) struct Literal {
    pub(super) dimensions: Vec<usize>,
    pub(super) items: Vec<Option<String>>,
}

/// Reads a whole literal; `None` if it is malformed or its rows differ in length.
pub(super) fn parse(text: &str) -> Option<Literal> {
    // Bounds as in `[0:2]={1,2,3}` say nothing that a list can hold.
    let text = match (text.starts_with('['), text.split_once('=')) {
        (true, Some((_, rest))) => rest.trim_start(),
        _ => text,
    };
    let mut reader = Reader {
        rest: text,
        literal: Literal {
            dimensions: Vec::new(),
            items: Vec::new(),
        },
        deepest: None,
    };
    reader.list(0)?;
    let literal = reader.literal;
    (reader.rest.trim().is_empty()).then_some(match literal.items.is_empty() {
        true => Literal {
            dimensions: Vec::new(),
            items: Vec::new(),
        },
        false => literal,
    })
}

struct Reader<'a> {
    rest: &'a str,
    literal: Literal,
    /// The depth at which items stand, once one was seen.
    deepest: Option<usize>,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        self.skip_space();
        if depth > 5 || !self.eat('{') {
            return None;
        }
        let mut length = 0;
        self.skip_space();
        if !self.eat('}') {
            loop {
                self.skip_space();
                if self.rest.starts_with('{') {
                    self.list(depth + 1)?;
                } else {
                    if *self.deepest.get_or_insert(depth) != depth {
                        return None;
                    }
                    let item = self.item()?;
                    self.literal.items.push(item);
                }
                length += 1;
                self.skip_space();
                if self.eat('}') {
                    break;
                }
                if !self.eat(',') {
                    return None;
                }
            }
        }
        let dimensions = &mut self.literal.dimensions;
        if dimensions.len() <= depth {
            dimensions.resize(depth + 1, usize::MAX);
        }
        match dimensions[depth] {
            usize::MAX => dimensions[depth] = length,
            known if known != length => return None,
            _ => {}
        }
        Some(())
    }

    fn item(&mut self) -> Option<Option<String>> {
        let mut value = String::new();
        if self.eat('"') {
            loop {
                let character = self.next()?;
                match character {
                    '"' => return Some(Some(value)),
                    '\\' => value.push(self.next()?),
                    other => value.push(other),
                }
            }
        }
        while let Some(character) = self.rest.chars().next() {
            match character {
                ',' | '}' => break,
                '{' | '"' => return None,
                _ => {}
            }
            self.next()?;
            value.push(if character == '\\' {
                self.next()?
            } else {
                character
            });
        }
        let value = value.trim_end();
        match value {
            "" => None,
            null if null.eq_ignore_ascii_case("null") => Some(None),
            value => Some(Some(value.to_owned())),
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        Some(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Vec<usize>, Vec<Option<String>>)> {
        parse(text).map(|l| (l.dimensions, l.items))
    }

    #[test]
    fn literals_are_read_as_postgresql_reads_them() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            read("{1, NULL ,3}"),
            Some((vec![3], vec![some("1"), None, some("3")]))
        );
        assert_eq!(
            read(r#"{"a b","x\"y","p\\q","NULL",""}"#),
            Some((
                vec![5],
                vec![some("a b"), some("x\"y"), some("p\\q"), some("NULL"), some("")]
            ))
        );
        assert_eq!(read("{}"), Some((vec![], vec![])));
        assert_eq!(
            read("{{1,2},{3,4}}"),
            Some((vec![2, 2], ["1", "2", "3", "4"].map(some).to_vec()))
        );
        assert_eq!(read("[0:1]={7,8}"), Some((vec![2], vec![some("7"), some("8")])));
        for broken in [
            "",
            "{",
            "{1",
            "{1,}",
            "{,1}",
            "{1}x",
            "{{1},{2,3}}",
            "{{1},2}",
            "{1,{2}}",
            "{\"a}",
            "{{{{{{{1}}}}}}}",
        ] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
