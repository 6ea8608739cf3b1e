//! `JOIN … USING (x)` merges the two columns; DataFusion forgets that where WHERE also holds a subquery.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, Query, Select, TableFactor, TableWithJoins, VisitMut,
    VisitorMut,
};

/// In WHERE, a merged column without a qualifier is that of the side which has it in every row.
pub(super) fn qualify(select: &mut Select) {
    let merged: Vec<(String, Ident)> = select.from.iter().flat_map(merged).collect();
    if !merged.is_empty() {
        let _ = VisitMut::visit(&mut select.selection, &mut Qualifier { merged, depth: 0 });
    }
}

/// The columns that the first join of a FROM item merges, with the table that stands for both.
fn merged(table: &TableWithJoins) -> Vec<(String, Ident)> {
    let Some(join) = table.joins.first() else {
        return Vec::new();
    };
    let (constraint, side) = match &join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint) => (constraint, &table.relation),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            (constraint, &join.relation)
        }
        // In a full join neither side has it in every row.
        _ => return Vec::new(),
    };
    let (JoinConstraint::Using(columns), Some(name)) = (constraint, name(side)) else {
        return Vec::new();
    };
    let column = |column: &radlake_sql::ast::ObjectName| {
        column.0.last()?.as_ident().map(|c| (folded(c), name.clone()))
    };
    columns.iter().filter_map(column).collect()
}

fn name(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(alias.name.clone()),
        TableFactor::Table {
            name,
            alias: None,
            args: None,
            ..
        } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() {
        name.value.clone()
    } else {
        name.value.to_lowercase()
    }
}

struct Qualifier {
    merged: Vec<(String, Ident)>,
    depth: usize,
}

impl VisitorMut for Qualifier {
    type Break = ();

    // Within a subquery the name may be one of its own tables'.
    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Identifier(column) = expr
            && let Some((_, table)) = self.merged.iter().find(|(name, _)| *name == folded(column))
        {
            *expr = Expr::CompoundIdentifier(vec![table.clone(), column.clone()]);
        }
        ControlFlow::Continue(())
    }
}
