//! Which table's column a result's column is, for clients that ask (RowDescription's table OID and attribute number).

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::DefaultTableSource;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::pixels::PixelTable;
use crate::policy::{SecuredTable, SecuredView};

/// A column of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// OID of the relation.
    pub(crate) table: u32,
    /// Number of the column, from 1.
    pub(crate) column: usize,
}

/// The tables whose rows a plan reads.
pub(crate) fn tables(plan: &LogicalPlan) -> datafusion::error::Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    plan.apply_with_subqueries(|plan| {
        if let LogicalPlan::TableScan(scan) = plan
            && let Some(source) = scan.source.downcast_ref::<DefaultTableSource>()
        {
            of_provider(&source.table_provider, &mut found)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

fn of_provider(
    provider: &Arc<dyn TableProvider>,
    found: &mut BTreeSet<u32>,
) -> datafusion::error::Result<()> {
    if let Some(table) = provider.downcast_ref::<SecuredTable>() {
        found.insert(table.oid());
        if let Some(below) = table.plan_below() {
            found.extend(tables(below)?);
        }
    } else if let Some(view) = provider.downcast_ref::<SecuredView>() {
        found.extend(tables(view.plan())?);
    } else if let Some(pixels) = provider.downcast_ref::<PixelTable>() {
        for part in pixels.parts() {
            of_provider(part, found)?;
        }
    } else if let Some(view) = provider.get_logical_plan() {
        found.extend(tables(&view)?);
    }
    Ok(())
}

/// The origin of each column of an unoptimised plan, where it is a column of a table as it is.
pub(crate) fn trace(plan: &LogicalPlan) -> Vec<Option<Origin>> {
    (0..plan.schema().fields().len())
        .map(|index| column(plan, index))
        .collect()
}

fn column(mut plan: &LogicalPlan, mut index: usize) -> Option<Origin> {
    loop {
        match plan {
            LogicalPlan::Projection(projection) => {
                let reference = match projection.expr.get(index)? {
                    Expr::Column(reference) => reference,
                    Expr::Alias(alias) => match alias.expr.as_ref() {
                        Expr::Column(reference) => reference,
                        _ => return None,
                    },
                    _ => return None,
                };
                plan = &projection.input;
                index = plan.schema().maybe_index_of_column(reference)?;
            }
            LogicalPlan::SubqueryAlias(alias) => {
                // A view's own name stands around its plan in full: its columns are the view's, not its tables'.
                if matches!(alias.alias, TableReference::Full { .. }) {
                    return None;
                }
                plan = &alias.input;
            }
            LogicalPlan::Filter(filter) => plan = &filter.input,
            LogicalPlan::Sort(sort) => plan = &sort.input,
            LogicalPlan::Limit(limit) => plan = &limit.input,
            LogicalPlan::Join(join) => {
                let left = join.left.schema().fields().len();
                if index < left {
                    plan = &join.left;
                } else {
                    plan = &join.right;
                    index -= left;
                }
            }
            LogicalPlan::TableScan(scan) => {
                let source = scan.source.downcast_ref::<DefaultTableSource>()?;
                let table = source.table_provider.downcast_ref::<SecuredTable>()?;
                let column = match &scan.projection {
                    Some(projection) => *projection.get(index)?,
                    None => index,
                };
                return Some(Origin {
                    table: table.oid(),
                    column: column + 1,
                });
            }
            _ => return None,
        }
    }
}
