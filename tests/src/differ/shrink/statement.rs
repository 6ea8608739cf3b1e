//! Smaller statements.

use super::super::expr::Expr;
use super::super::query::{Item, Query};
use super::super::statement::{Edit, Statement, Verb, Write};
use super::expr::{each, fewer};
use super::query::without;

impl Statement {
    /// What one step makes of it, shortest first, none as long as it is itself.
    pub fn smaller(&self) -> Vec<Self> {
        let mut found: Vec<Self> = match self {
            Self::Query(query) => query.smaller().into_iter().map(Self::Query).collect(),
            Self::Write(write) => write.smaller().into_iter().map(Self::Write).collect(),
        };
        // Values that say nothing, before those that say NULL, if both are as long.
        let length = self.to_string().len();
        found.retain(|s| s.to_string().len() < length);
        found.sort_by_key(|s| s.to_string().len());
        found
    }
}

impl Write {
    fn smaller(&self) -> Vec<Self> {
        let mut found = vec![];
        let item = |item: &Item| match item {
            Item::Star => vec![],
            Item::Expr { expr, alias } => {
                let smaller = expr.smaller().into_iter();
                smaller
                    .map(|expr| Item::Expr {
                        expr,
                        alias: alias.clone(),
                    })
                    .collect()
            }
        };
        let items = fewer(&self.returning, 0)
            .into_iter()
            .chain(each(&self.returning, item));
        found.extend(items.map(|returning| Self {
            returning,
            ..self.clone()
        }));
        let verbs = match &self.verb {
            Verb::Insert { columns, query } => {
                let insert = |query| Verb::Insert {
                    columns: columns.clone(),
                    query,
                };
                let mut found: Vec<Verb> = query.smaller().into_iter().map(insert).collect();
                for (at, columns) in fewer(columns, 1).into_iter().enumerate() {
                    if let Some(body) = query.body.without_item(at) {
                        let query = Query {
                            body,
                            ..query.clone()
                        };
                        found.push(Verb::Insert { columns, query });
                    }
                }
                found
            }
            Verb::Update { set, edit } => {
                let one =
                    |(name, e): &(String, Expr)| e.smaller().into_iter().map(|e| (name.clone(), e)).collect();
                let sets = fewer(set, 1).into_iter().chain(each(set, one));
                let mut found: Vec<Verb> = sets
                    .map(|set| Verb::Update {
                        set,
                        edit: edit.clone(),
                    })
                    .collect();
                let edits = edit.smaller().into_iter();
                found.extend(edits.map(|edit| Verb::Update {
                    set: set.clone(),
                    edit,
                }));
                found
            }
            Verb::Delete { edit } => edit
                .smaller()
                .into_iter()
                .map(|edit| Verb::Delete { edit })
                .collect(),
        };
        let gone = |verb: &Verb| match (self.other(), verb) {
            (Some(name), Verb::Update { edit, .. } | Verb::Delete { edit }) if edit.other.is_none() => {
                Some(name)
            }
            _ => None,
        };
        for verb in verbs {
            let gone = gone(&verb);
            let mut statement = Statement::Write(Self { verb, ..self.clone() });
            if let Some(name) = gone {
                statement.visit(&mut |e| without(e, std::slice::from_ref(&name)));
            }
            if let Statement::Write(write) = statement {
                found.push(write);
            }
        }
        found
    }

    /// The name of the further table.
    fn other(&self) -> Option<String> {
        match &self.verb {
            Verb::Update { edit, .. } | Verb::Delete { edit } => edit.other.as_ref()?.0.names().pop(),
            Verb::Insert { .. } => None,
        }
    }
}

impl Edit {
    fn smaller(&self) -> Vec<Self> {
        let mut found = vec![];
        if self.other.is_some() {
            found.push(Self {
                other: None,
                ..self.clone()
            });
        }
        if let Some(filter) = &self.filter {
            let filters = filter.smaller().into_iter().map(Some).chain([None]);
            found.extend(filters.map(|filter| Self {
                filter,
                ..self.clone()
            }));
        }
        found
    }
}
