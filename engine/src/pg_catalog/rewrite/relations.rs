//! `pg_class` means `pg_catalog.pg_class`: the system schema is always searched first.

use datafusion::sql::sqlparser::ast::{
    Cte, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    Statement, TableFactor, VisitMut, VisitorMut,
};
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::ast::folded;
use crate::pg_catalog::declared::{self, PG_CATALOG};

/// Qualifies unqualified names of system relations, unless a WITH query of the statement has the name.
pub(super) fn qualify(statement: &mut Statement) {
    let mut names = CteNames::default();
    let _ = VisitMut::visit(statement, &mut names);
    let _ = VisitMut::visit(statement, &mut Qualifier { ctes: names.names });
}

#[derive(Default)]
struct CteNames {
    names: HashSet<String>,
}

impl VisitorMut for CteNames {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let ctes: &[Cte] = query.with.as_ref().map_or(&[], |with| &with.cte_tables);
        self.names.extend(ctes.iter().map(|cte| folded(&cte.alias.name)));
        ControlFlow::Continue(())
    }
}

struct Qualifier {
    ctes: HashSet<String>,
}

impl VisitorMut for Qualifier {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.qualify(name);
        }
        ControlFlow::Continue(())
    }
}

/// `SELECT t.* FROM s.t`: the planner knows the table by its full name only.
pub(super) fn qualify_wildcards(select: &mut Select) {
    let factors = select
        .from
        .iter()
        .flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
    let unaliased: Vec<ObjectName> = factors
        .filter_map(|factor| match factor {
            TableFactor::Table {
                name,
                alias: None,
                args: None,
                ..
            } if name.0.len() > 1 => Some(name.clone()),
            _ => None,
        })
        .collect();
    for item in &mut select.projection {
        if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item
            && name.0.len() == 1
            && let Some(full) = unaliased
                .iter()
                .find(|full| super::ast::last(full) == super::ast::last(name))
        {
            *name = full.clone();
        }
    }
}

impl Qualifier {
    fn qualify(&self, name: &mut ObjectName) {
        let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else {
            return;
        };
        let relation = folded(ident);
        if declared::relation(PG_CATALOG, &relation).is_some() && !self.ctes.contains(&relation) {
            name.0
                .insert(0, ObjectNamePart::Identifier(Ident::new("pg_catalog")));
        }
    }
}
