//! Correlated sub-queries whose rows depend on outer columns by more than equality: `f.k > a.n`, LIMIT, windows, arrays.
//!
//! DataFusion 55.2 turns a correlated sub-query into a join where each condition on an outer column can be moved up to where the sub-query
//! stands. Others are computed here for all outer values at once (Neumann and Kemper, "Unnesting Arbitrary Queries", 2015): the *domain*,
//! the different values of the outer columns, is joined below the conditions that name them, and goes up with the rows; aggregates are
//! grouped, windows partitioned and limits counted by it; at last the outer query is joined with what came of its values.
//!
//! A sub-query in an expression must have one row at most per value: an aggregate without groups, as `pg_catalog/rewrite/subqueries.rs` makes
//! of most, LIMIT 1, or no FROM. Anything else is left to the rule behind this one, which refuses what would be wrong.
//!
//! Columns of a query further out stay outer columns of what is made here; sub-queries are seen to from the innermost out, so that the
//! query that has them finds them in a plan of its own sub-query.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, NullEquality, Result, ScalarValue, not_impl_err};
use datafusion::config::ConfigOptions;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{Exists, WindowFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, ExprFunctionExt, ExprSchemable, FetchType, Filter, Join, JoinType,
    Limit, LogicalPlan, LogicalPlanBuilder, Operator, Projection, SkipType, Sort, Subquery, SubqueryAlias,
    Union, Window, lit, when,
};
use datafusion::optimizer::AnalyzerRule;

use super::{quantified, subqueries};

/// Begins the names of relations and columns made here: none of a client's, so that no other is meant.
const PREFIX: &str = "__radlake_domain_";

/// Numbers what is made, so that two of them in one plan have different names.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// The rule. It is to run when sub-queries stand in projections, conditions and beside LATERAL only, and before they are judged.
#[derive(Debug)]
pub(super) struct Domains;

impl AnalyzerRule for Domains {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match refreshed(plan)? {
            LogicalPlan::Projection(projection) => of_projection(projection),
            LogicalPlan::Filter(filter) => of_filter(filter),
            LogicalPlan::Sort(sort) => of_sort(sort),
            LogicalPlan::Join(join) => of_lateral(join),
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "domains"
    }
}

/// What has become of sub-queries below names the columns of queries further out.
fn refreshed(plan: LogicalPlan) -> Result<LogicalPlan> {
    fn again(subquery: &mut Subquery) {
        subquery.outer_ref_columns = subquery.subquery.all_out_ref_exprs();
    }
    if let LogicalPlan::Subquery(mut subquery) = plan {
        again(&mut subquery);
        return Ok(LogicalPlan::Subquery(subquery));
    }
    if !plan.expressions().iter().any(holds_subquery) {
        return Ok(plan);
    }
    plan.map_expressions(|expr| {
        expr.transform_up(|mut expr| {
            match &mut expr {
                Expr::ScalarSubquery(subquery) => again(subquery),
                Expr::Exists(exists) => again(&mut exists.subquery),
                Expr::InSubquery(set) => again(&mut set.subquery),
                Expr::SetComparison(set) => again(&mut set.subquery),
                _ => return Ok(Transformed::no(expr)),
            }
            Ok(Transformed::yes(expr))
        })
    })
    .data()
}

fn holds_subquery(expr: &Expr) -> bool {
    expr.exists(|expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)
        ))
    })
    .unwrap_or(true)
}

fn of_projection(projection: Projection) -> Result<Transformed<LogicalPlan>> {
    if !projection.expr.iter().any(holds_subquery) {
        return Ok(Transformed::no(LogicalPlan::Projection(projection)));
    }
    let mut joined = Joined::new(&projection.input, false);
    let names = NamePreserver::new_for_projection();
    let mut expressions = Vec::with_capacity(projection.expr.len());
    for expr in &projection.expr {
        let name = names.save(expr);
        let value = condition(expr.clone(), false, projection.input.schema())?;
        expressions.push(name.restore(joined.values(value)?));
    }
    let input = joined.input.map_or(projection.input, Arc::new);
    Projection::try_new(expressions, input).map(|made| Transformed::yes(LogicalPlan::Projection(made)))
}

fn of_filter(filter: Filter) -> Result<Transformed<LogicalPlan>> {
    let mut joined = Joined::new(&filter.input, false);
    let value = condition(filter.predicate.clone(), true, filter.input.schema())?;
    let predicate = joined.values(value)?;
    match joined.input {
        None if predicate == filter.predicate => Ok(Transformed::no(LogicalPlan::Filter(filter))),
        None => {
            Filter::try_new(predicate, filter.input).map(|made| Transformed::yes(LogicalPlan::Filter(made)))
        }
        Some(input) => {
            let columns: Vec<Expr> = filter.input.schema().iter().map(Expr::from).collect();
            let made = LogicalPlanBuilder::from(input)
                .filter(predicate)?
                .project(columns)?
                .build()?;
            Ok(Transformed::yes(made))
        }
    }
}

/// Keys of an order, where DataFusion has no correlated sub-queries at all.
fn of_sort(sort: Sort) -> Result<Transformed<LogicalPlan>> {
    if !sort.expr.iter().any(|key| holds_subquery(&key.expr)) {
        return Ok(Transformed::no(LogicalPlan::Sort(sort)));
    }
    // A key may name columns that are not put out.
    if let LogicalPlan::Projection(projection) = sort.input.as_ref()
        && sort.expr.iter().any(|key| lacks(&key.expr, sort.input.schema()))
        // What it puts out would be computed twice.
        && !projection.expr.iter().any(Expr::is_volatile)
    {
        let below = Sort {
            expr: sort
                .expr
                .iter()
                .map(|key| {
                    let mut key = key.clone();
                    key.expr = of_input(key.expr, projection)?;
                    Ok(key)
                })
                .collect::<Result<_>>()?,
            input: Arc::clone(&projection.input),
            fetch: sort.fetch,
        };
        let sorted = of_sort(below)?.data;
        let made = Projection::try_new(projection.expr.clone(), Arc::new(sorted))?;
        return Ok(Transformed::yes(LogicalPlan::Projection(made)));
    }
    let mut joined = Joined::new(&sort.input, true);
    let mut keys = Vec::with_capacity(sort.expr.len());
    for key in &sort.expr {
        let mut key = key.clone();
        let value = condition(key.expr, false, sort.input.schema())?;
        key.expr = joined.values(value)?;
        keys.push(key);
    }
    let columns: Vec<Expr> = sort.input.schema().iter().map(Expr::from).collect();
    let input = joined.input.map_or(sort.input, Arc::new);
    let sorted = LogicalPlan::Sort(Sort {
        expr: keys,
        input,
        fetch: sort.fetch,
    });
    let made = LogicalPlanBuilder::from(sorted).project(columns)?.build()?;
    Ok(Transformed::yes(made))
}

/// Whether sub-queries of an expression name columns that there are not.
fn lacks(expr: &Expr, schema: &DFSchema) -> bool {
    expr.exists(|expr| {
        Ok(match expr {
            Expr::ScalarSubquery(subquery) => names_further(subquery, schema),
            Expr::Exists(exists) => names_further(&exists.subquery, schema),
            Expr::InSubquery(set) => names_further(&set.subquery, schema),
            Expr::SetComparison(set) => names_further(&set.subquery, schema),
            _ => false,
        })
    })
    .unwrap_or(false)
}

/// An expression over what a projection puts out, over what it is of.
fn of_input(expr: Expr, projection: &Projection) -> Result<Expr> {
    expr.transform_up(|expr| match &expr {
        Expr::Column(column) => match projection.schema.maybe_index_of_column(column) {
            Some(at) => {
                let value = projection.expr.get(at).cloned().unwrap_or(expr);
                Ok(Transformed::yes(value.unalias()))
            }
            None => Ok(Transformed::no(expr)),
        },
        _ => Ok(Transformed::no(expr)),
    })
    .data()
}

/// EXISTS, IN and comparisons with ANY and ALL within an expression, where they are no conditions of their own, become values; so do
/// those that DataFusion would not make a join of.
fn condition(expr: Expr, alone: bool, schema: &DFSchema) -> Result<Expr> {
    let kept = |subquery: &Subquery| {
        let plan = match subquery.subquery.as_ref() {
            LogicalPlan::Limit(limit) if matches!(limit.get_skip_type(), Ok(SkipType::Literal(0))) => {
                limit.input.as_ref()
            }
            other => other,
        };
        subquery.outer_ref_columns.is_empty()
            || subqueries::is_movable(plan) && !names_further(subquery, schema)
    };
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if alone && matches!(op, Operator::And | Operator::Or) =>
        {
            Ok(Expr::BinaryExpr(BinaryExpr::new(
                Box::new(condition(*left, true, schema)?),
                op,
                Box::new(condition(*right, true, schema)?),
            )))
        }
        // NULL counts as false above, and as nothing else within NOT.
        Expr::Not(inner)
            if alone
                && matches!(
                    *inner,
                    Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)
                ) =>
        {
            Ok(Expr::Not(Box::new(condition(*inner, true, schema)?)))
        }
        Expr::Exists(exists) if alone && kept(&exists.subquery) => Ok(Expr::Exists(exists)),
        Expr::InSubquery(set) if alone && (subqueries::is_one_row(&set.subquery) || kept(&set.subquery)) => {
            Ok(Expr::InSubquery(set))
        }
        Expr::SetComparison(set)
            if alone
                && (subqueries::is_one_row(&set.subquery)
                    || kept(&set.subquery) && !subqueries::shares_names(&set)?) =>
        {
            Ok(Expr::SetComparison(set))
        }
        other => other
            .transform_up(|expr| match expr {
                Expr::Exists(exists) if !exists.subquery.outer_ref_columns.is_empty() => {
                    counted(exists).map(Transformed::yes)
                }
                Expr::InSubquery(set) => {
                    let whole = Expr::InSubquery(set.clone());
                    let value = quantified::value(&quantified::of_set(set), schema)?;
                    Ok(Transformed::yes(value.unwrap_or(whole)))
                }
                Expr::SetComparison(set) => {
                    let value = quantified::value(&set, schema)?;
                    Ok(Transformed::yes(value.unwrap_or(Expr::SetComparison(set))))
                }
                other => Ok(Transformed::no(other)),
            })
            .data(),
    }
}

/// Whether a sub-query names columns of a query further out than the one that it stands in.
fn names_further(subquery: &Subquery, schema: &DFSchema) -> bool {
    subquery.outer_ref_columns.iter().any(|expr| {
        expr.exists(|expr| {
            Ok(matches!(expr, Expr::OuterReferenceColumn(_, column) if !schema.has_column(column)))
        })
        .unwrap_or(true)
    })
}

fn counted(exists: Exists) -> Result<Expr> {
    let rows = LogicalPlanBuilder::from(exists.subquery.subquery.as_ref().clone())
        .aggregate(
            Vec::<Expr>::new(),
            [count(lit(1_i64)).alias(format!("{PREFIX}rows"))],
        )?
        .build()?;
    let value = Expr::ScalarSubquery(Subquery {
        outer_ref_columns: exists.subquery.outer_ref_columns,
        subquery: Arc::new(rows),
        spans: exists.subquery.spans,
    });
    Ok(match exists.negated {
        true => value.eq(lit(0_i64)),
        false => value.gt(lit(0_i64)),
    })
}

/// `LATERAL (q)`: a join whose right side names columns of its left one.
fn of_lateral(join: Join) -> Result<Transformed<LogicalPlan>> {
    let subquery = match join.right.as_ref() {
        LogicalPlan::Subquery(subquery) => subquery,
        LogicalPlan::SubqueryAlias(alias) => match alias.input.as_ref() {
            LogicalPlan::Subquery(subquery) => subquery,
            _ => return Ok(Transformed::no(LogicalPlan::Join(join))),
        },
        _ => return Ok(Transformed::no(LogicalPlan::Join(join))),
    };
    if !matches!(join.join_type, JoinType::Inner | JoinType::Left)
        || !join.on.is_empty()
        || !is_hard(&subquery.subquery)?
    {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    let Some((made, outer)) = computed(&join.left, subquery)? else {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    };
    let (rows, domain) = (made.plan, made.columns);
    let rows = match join.right.as_ref() {
        LogicalPlan::SubqueryAlias(alias) => LogicalPlanBuilder::from(rows)
            .alias(alias.alias.clone())?
            .build()?,
        _ => rows,
    };
    let domain: Vec<Column> = match join.right.as_ref() {
        LogicalPlan::SubqueryAlias(alias) => domain
            .iter()
            .map(|column| Column::new(Some(alias.alias.clone()), column.name()))
            .collect(),
        _ => domain,
    };
    let columns: Vec<Expr> = join.schema.iter().map(Expr::from).collect();
    let made = LogicalPlanBuilder::from(join.left.as_ref().clone())
        .join_detailed(
            rows,
            join.join_type,
            (outer, domain),
            join.filter.clone(),
            NullEquality::NullEqualsNull,
        )?
        .project(columns)?
        .build()?;
    Ok(Transformed::yes(made))
}

/// An input, and what was joined to it so far.
struct Joined<'i> {
    original: &'i Arc<LogicalPlan>,
    input: Option<LogicalPlan>,
    /// Whether all correlated sub-queries are to be computed, and not only those that DataFusion cannot.
    all: bool,
}

impl<'i> Joined<'i> {
    fn new(original: &'i Arc<LogicalPlan>, all: bool) -> Self {
        Self {
            original,
            input: None,
            all,
        }
    }

    /// An expression with columns in the place of its sub-queries, where these are computed for all outer values.
    fn values(&mut self, expr: Expr) -> Result<Expr> {
        expr.transform_up(|expr| match expr {
            Expr::ScalarSubquery(subquery) => match self.value(&subquery)? {
                Some(column) => Ok(Transformed::yes(Expr::Column(column))),
                None => Ok(Transformed::no(Expr::ScalarSubquery(subquery))),
            },
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn value(&mut self, subquery: &Subquery) -> Result<Option<Column>> {
        if subquery.outer_ref_columns.is_empty() || !is_one_row(&subquery.subquery) {
            return Ok(None);
        }
        let further = names_further(subquery, self.original.schema());
        if !is_hard(&subquery.subquery)? && !further && !self.all {
            return Ok(None);
        }
        let Some((made, outer)) = computed(self.original, subquery)? else {
            return Ok(None);
        };
        let (rows, domain) = (made.plan, made.columns);
        let Some(value) = rows.schema().iter().next().map(Expr::from) else {
            return Ok(None);
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (relation, name) = (format!("{PREFIX}value_{number}"), format!("{PREFIX}{number}"));
        let columns = domain.iter().cloned().map(Expr::Column);
        let rows = LogicalPlanBuilder::from(rows)
            .project(std::iter::once(value.alias(&name)).chain(columns))?
            .alias(relation.as_str())?
            .build()?;
        let domain: Vec<Column> = domain
            .iter()
            .map(|column| Column::new(Some(relation.as_str()), column.name()))
            .collect();
        let input = self
            .input
            .take()
            .unwrap_or_else(|| self.original.as_ref().clone());
        let input = LogicalPlanBuilder::from(input);
        let input = match domain.is_empty() {
            // One row at most, the same for all of the input's.
            true => input.join_on(rows, JoinType::Left, [lit(true)])?,
            false => input.join_detailed(
                rows,
                JoinType::Left,
                (outer, domain),
                None,
                NullEquality::NullEqualsNull,
            )?,
        };
        self.input = Some(input.build()?);
        Ok(Some(Column::new(Some(relation), name)))
    }
}

/// Whether a plan has a row at most for whatever outer values: an aggregate without groups, LIMIT 1, or no FROM.
fn is_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => is_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_one_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Limit(limit) => matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(0 | 1)))),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        LogicalPlan::Join(join) => is_one_row(&join.left) && is_one_row(&join.right),
        _ => false,
    }
}

fn outer_refs(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..))))
        .unwrap_or(false)
}

/// Whether rows depend on outer columns by more than equality in conditions, or below a node that DataFusion does not move the conditions
/// across, or not rightly: behind an alias or a grouping it takes one column of a name for another.
///
/// # Errors
/// For an aggregate of outer columns alone, which is the outer query's in PostgreSQL.
fn is_hard(plan: &LogicalPlan) -> Result<bool> {
    let mut hard = false;
    plan.apply(|plan| {
        let own = plan.expressions().iter().any(outer_refs);
        let below = plan.inputs().iter().any(|input| names_outer(input));
        let simple = match plan {
            LogicalPlan::Filter(filter) => split_conjunction(&filter.predicate)
                .into_iter()
                .all(|conjunct| !outer_refs(conjunct) || is_equality(conjunct)),
            LogicalPlan::Aggregate(aggregate) => {
                if aggregate.aggr_expr.iter().any(is_outers) {
                    return not_impl_err!(
                        "an aggregate of columns of the outer query alone within a sub-query; compute it in the outer query"
                    );
                }
                !own && (!below || aggregate.group_expr.is_empty())
            }
            LogicalPlan::Join(join) => !own && (!below || join.join_type == JoinType::Inner),
            LogicalPlan::Projection(_) | LogicalPlan::Subquery(_) => !own,
            _ => !own && !below,
        };
        hard = !simple;
        Ok(match hard {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(hard)
}

/// Whether an aggregate's columns are all of the outer query.
fn is_outers(expr: &Expr) -> bool {
    outer_refs(expr) && expr.column_refs().is_empty()
}

fn names_outer(plan: &LogicalPlan) -> bool {
    plan.exists(|plan| Ok(plan.expressions().iter().any(outer_refs)))
        .unwrap_or(false)
}

/// `outer = inner`, which DataFusion makes a key of its join.
fn is_equality(expr: &Expr) -> bool {
    let Expr::BinaryExpr(BinaryExpr {
        left,
        op: Operator::Eq,
        right,
    }) = expr
    else {
        return false;
    };
    let outer = |expr: &Expr| outer_refs(expr) && expr.column_refs().is_empty();
    let inner = |expr: &Expr| !outer_refs(expr) && !expr.column_refs().is_empty();
    outer(left) && inner(right) || outer(right) && inner(left)
}

/// A sub-query's rows for all values of the outer columns that it names, and these columns.
/// `None` if it cannot be computed so.
fn computed(input: &Arc<LogicalPlan>, subquery: &Subquery) -> Result<Option<(Made, Vec<Column>)>> {
    let mut outer: Vec<Column> = Vec::new();
    let mut further = false;
    for expr in &subquery.outer_ref_columns {
        expr.apply(|expr| {
            if let Expr::OuterReferenceColumn(_, column) = expr
                && !outer.contains(column)
            {
                match input.schema().has_column(column) {
                    true => outer.push(column.clone()),
                    // It stays what it is, and is seen to where its own query is.
                    false => further = true,
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    // The input is computed twice: it must be the same both times.
    if is_volatile(input)? || is_volatile(&subquery.subquery)? {
        return Ok(None);
    }
    if outer.is_empty() {
        let made = further.then(|| Made {
            plan: subquery.subquery.as_ref().clone(),
            columns: Vec::new(),
        });
        return Ok(made.map(|made| (made, outer)));
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let relation = format!("{PREFIX}{number}");
    let named = outer
        .iter()
        .enumerate()
        .map(|(at, column)| Expr::Column(column.clone()).alias(format!("{PREFIX}{number}_{at}")));
    let domain = LogicalPlanBuilder::from(input.as_ref().clone())
        .project(named)?
        .distinct()?
        .alias(relation.as_str())?
        .build()?;
    let columns: Vec<Column> = (0..outer.len())
        .map(|at| Column::new(Some(relation.as_str()), format!("{PREFIX}{number}_{at}")))
        .collect();
    let push = Push {
        domain,
        columns,
        outer,
    };
    let Some(made) = push.down(&subquery.subquery)? else {
        return Ok(None);
    };
    Ok(Some((made, push.outer)))
}

fn is_volatile(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|plan| Ok(plan.expressions().iter().any(Expr::is_volatile)))
}

/// A plan with the domain among its columns.
struct Made {
    plan: LogicalPlan,
    columns: Vec<Column>,
}

impl Made {
    /// The columns of the domain, as expressions.
    fn exprs(&self) -> impl Iterator<Item = Expr> + '_ {
        self.columns.iter().cloned().map(Expr::Column)
    }
}

/// Joins the domain below what names outer columns.
struct Push {
    domain: LogicalPlan,
    columns: Vec<Column>,
    outer: Vec<Column>,
}

impl Push {
    fn down(&self, plan: &LogicalPlan) -> Result<Option<Made>> {
        if holds_inner_reference(plan, &self.outer)? {
            return Ok(None);
        }
        if !self.is_named(plan) {
            let joined = LogicalPlanBuilder::from(self.domain.clone())
                .cross_join(plan.clone())?
                .build()?;
            return Ok(Some(Made {
                plan: joined,
                columns: self.columns.clone(),
            }));
        }
        match plan {
            LogicalPlan::Filter(filter) => self.with(&filter.input, |push, made| {
                let predicate = push.replaced(filter.predicate.clone(), made)?;
                LogicalPlanBuilder::from(made.plan.clone())
                    .filter(predicate)?
                    .build()
            }),
            LogicalPlan::Projection(projection) => self.with(&projection.input, |push, made| {
                let names = NamePreserver::new_for_projection();
                let mut expressions = Vec::with_capacity(projection.expr.len());
                for expr in &projection.expr {
                    let name = names.save(expr);
                    expressions.push(name.restore(push.replaced(expr.clone(), made)?));
                }
                expressions.extend(made.exprs());
                Projection::try_new(expressions, Arc::new(made.plan.clone())).map(LogicalPlan::Projection)
            }),
            LogicalPlan::SubqueryAlias(alias) => self.renamed(alias),
            LogicalPlan::Subquery(subquery) => self.down(&subquery.subquery),
            LogicalPlan::Sort(Sort {
                input, fetch: None, ..
            }) => self.down(input),
            LogicalPlan::Distinct(Distinct::All(input)) => self.with(input, |_, made| {
                LogicalPlanBuilder::from(made.plan.clone()).distinct()?.build()
            }),
            LogicalPlan::Aggregate(aggregate) => self.grouped(aggregate),
            LogicalPlan::Limit(limit) => self.counted(limit),
            LogicalPlan::Window(window) => self.partitioned(window),
            LogicalPlan::Join(join) => self.joined(join),
            LogicalPlan::Union(union) => self.united(union),
            _ => Ok(None),
        }
    }

    /// Whether a plan names the outer columns that the domain is of.
    fn is_named(&self, plan: &LogicalPlan) -> bool {
        plan.exists(|plan| Ok(plan.expressions().iter().any(|expr| self.is_named_by(expr))))
            .unwrap_or(true)
    }

    fn is_named_by(&self, expr: &Expr) -> bool {
        expr.exists(|expr| {
            Ok(matches!(expr, Expr::OuterReferenceColumn(_, column) if self.outer.contains(column)))
        })
        .unwrap_or(true)
    }

    /// The domain beside the columns of each part.
    fn united(&self, union: &Union) -> Result<Option<Made>> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let names: Vec<String> = (0..self.columns.len())
            .map(|at| format!("{PREFIX}part_{number}_{at}"))
            .collect();
        let mut parts = Vec::with_capacity(union.inputs.len());
        for input in &union.inputs {
            let Some(made) = self.down(input)? else {
                return Ok(None);
            };
            let mut columns: Vec<Expr> = input.schema().iter().map(Expr::from).collect();
            columns.extend(made.exprs().zip(&names).map(|(column, name)| column.alias(name)));
            parts.push(Arc::new(
                LogicalPlanBuilder::from(made.plan).project(columns)?.build()?,
            ));
        }
        let whole = Union::try_new_with_loose_types(parts)?;
        // By the union's own names, as others know its columns.
        let mut columns: Vec<Expr> = whole.schema.iter().map(Expr::from).collect();
        for (column, (qualifier, field)) in columns.iter_mut().zip(union.schema.iter()) {
            *column = column.clone().alias_qualified(qualifier.cloned(), field.name());
        }
        let plan = LogicalPlanBuilder::from(LogicalPlan::Union(whole))
            .project(columns)?
            .build()?;
        Ok(Some(Made {
            plan,
            columns: names.into_iter().map(Column::new_unqualified).collect(),
        }))
    }

    /// A node above its one input.
    fn with(
        &self,
        input: &LogicalPlan,
        node: impl FnOnce(&Self, &Made) -> Result<LogicalPlan>,
    ) -> Result<Option<Made>> {
        let Some(made) = self.down(input)? else {
            return Ok(None);
        };
        let plan = node(self, &made)?;
        Ok(Some(Made {
            plan,
            columns: made.columns,
        }))
    }

    /// The domain's columns in the place of the outer ones.
    fn replaced(&self, expr: Expr, made: &Made) -> Result<Expr> {
        expr.transform_up(|expr| match expr {
            Expr::OuterReferenceColumn(field, column) => {
                match self.outer.iter().position(|outer| *outer == column) {
                    Some(at) => Ok(Transformed::yes(Expr::Column(made.columns[at].clone()))),
                    None => Ok(Transformed::no(Expr::OuterReferenceColumn(field, column))),
                }
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn renamed(&self, alias: &SubqueryAlias) -> Result<Option<Made>> {
        let Some(made) = self.down(&alias.input)? else {
            return Ok(None);
        };
        // The alias covers the columns in their own order; those of the domain stand first where nothing was projected.
        let mut inner: Vec<Expr> = alias.input.schema().iter().map(Expr::from).collect();
        inner.extend(made.exprs());
        let plan = LogicalPlanBuilder::from(made.plan.clone())
            .project(inner)?
            .alias(alias.alias.clone())?
            .build()?;
        let columns = made
            .columns
            .iter()
            .map(|column| Column::new(Some(alias.alias.clone()), column.name()));
        Ok(Some(Made {
            columns: columns.collect(),
            plan,
        }))
    }

    /// Groups by the domain. Without groups of its own an aggregate has a row for each value, also where there were no rows.
    fn grouped(&self, aggregate: &Aggregate) -> Result<Option<Made>> {
        if aggregate
            .group_expr
            .iter()
            .any(|expr| matches!(expr, Expr::GroupingSet(_)))
        {
            return Ok(None);
        }
        let Some(made) = self.down(&aggregate.input)? else {
            return Ok(None);
        };
        let names = NamePreserver::new_for_projection();
        let replaced = |exprs: &[Expr]| -> Result<Vec<Expr>> {
            exprs
                .iter()
                .map(|expr| {
                    let name = names.save(expr);
                    Ok(name.restore(self.replaced(expr.clone(), &made)?))
                })
                .collect()
        };
        let groups: Vec<Expr> = made.exprs().chain(replaced(&aggregate.group_expr)?).collect();
        let input = Arc::new(made.plan.clone());
        let rows =
            Aggregate::try_new(input, groups, replaced(&aggregate.aggr_expr)?).map(LogicalPlan::Aggregate)?;
        if !aggregate.group_expr.is_empty() {
            return Ok(Some(Made {
                plan: rows,
                columns: made.columns,
            }));
        }
        // Each value of the domain, with what was found for it.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (relation, there) = (
            format!("{PREFIX}rows_{number}"),
            format!("{PREFIX}there_{number}"),
        );
        let mut found: Vec<Expr> = made
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| Expr::Column(column.clone()).alias(format!("{PREFIX}found_{number}_{at}")))
            .collect();
        let results: Vec<Expr> = rows
            .schema()
            .iter()
            .map(Expr::from)
            .skip(made.columns.len())
            .collect();
        let own: Vec<String> = (0..results.len())
            .map(|at| format!("{PREFIX}result_{number}_{at}"))
            .collect();
        found.extend(
            results
                .into_iter()
                .zip(&own)
                .map(|(result, name)| result.alias(name)),
        );
        found.push(lit(true).alias(&there));
        let found = LogicalPlanBuilder::from(rows)
            .project(found)?
            .alias(relation.as_str())?
            .build()?;
        let of_found = |name: String| Column::new(Some(relation.as_str()), name);
        let keys: Vec<Column> = (0..self.columns.len())
            .map(|at| of_found(format!("{PREFIX}found_{number}_{at}")))
            .collect();
        let all = LogicalPlanBuilder::from(self.domain.clone())
            .join_detailed(
                found,
                JoinType::Left,
                (self.columns.clone(), keys),
                None,
                NullEquality::NullEqualsNull,
            )?
            .build()?;
        let mut columns: Vec<Expr> = Vec::with_capacity(own.len() + self.columns.len());
        let is_there = Expr::Column(of_found(there)).is_not_null();
        let outputs = aggregate.schema.iter();
        for ((expr, name), (qualifier, field)) in aggregate.aggr_expr.iter().zip(own).zip(outputs) {
            let value = Expr::Column(of_found(name));
            let nothing = of_nothing(expr, &aggregate.input)?;
            let value = match nothing {
                Some(nothing) if !nothing.is_null() => {
                    when(is_there.clone(), value).otherwise(Expr::Literal(nothing, None))?
                }
                _ => value,
            };
            columns.push(value.alias_qualified(qualifier.cloned(), field.name()));
        }
        columns.extend(self.columns.iter().cloned().map(Expr::Column));
        let plan = LogicalPlanBuilder::from(all).project(columns)?.build()?;
        Ok(Some(Made {
            plan,
            columns: self.columns.clone(),
        }))
    }

    /// LIMIT and OFFSET count within each value of the domain.
    fn counted(&self, limit: &Limit) -> Result<Option<Made>> {
        let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
            (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return Ok(None);
        };
        // A projection works row by row: it is the same above the limit.
        if let LogicalPlan::Projection(projection) = limit.input.as_ref()
            && matches!(projection.input.as_ref(), LogicalPlan::Sort(_))
        {
            let inner = LogicalPlan::Limit(Limit {
                input: Arc::clone(&projection.input),
                ..limit.clone()
            });
            let outer = Projection::try_new(projection.expr.clone(), Arc::new(inner))?;
            return self.down(&LogicalPlan::Projection(outer));
        }
        let (input, order) = match limit.input.as_ref() {
            LogicalPlan::Sort(sort) => (&sort.input, sort.expr.clone()),
            _ => (&limit.input, Vec::new()),
        };
        let Some(made) = self.down(input)? else {
            return Ok(None);
        };
        let mut by = Vec::with_capacity(order.len());
        for mut sort in order {
            sort.expr = self.replaced(sort.expr, &made)?;
            by.push(sort);
        }
        let name = format!("{PREFIX}place_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let place = row_number().partition_by(made.exprs().collect());
        let place = match by.is_empty() {
            true => place.build()?,
            false => place.order_by(by).build()?,
        };
        let columns: Vec<Expr> = made.plan.schema().iter().map(Expr::from).collect();
        let numbered = LogicalPlanBuilder::from(made.plan.clone())
            .window([place.alias(&name)])?
            .build()?;
        let place = Expr::Column(Column::new_unqualified(&name));
        let number = |rows: usize| lit(ScalarValue::UInt64(Some(rows as u64)));
        let mut wanted = place.clone().gt(number(skip));
        if let Some(fetch) = fetch {
            wanted = wanted.and(place.lt_eq(number(skip.saturating_add(fetch))));
        }
        let plan = LogicalPlanBuilder::from(numbered)
            .filter(wanted)?
            .project(columns)?
            .build()?;
        Ok(Some(Made {
            plan,
            columns: made.columns,
        }))
    }

    /// Windows see the rows of one value of the domain.
    fn partitioned(&self, window: &Window) -> Result<Option<Made>> {
        let Some(made) = self.down(&window.input)? else {
            return Ok(None);
        };
        let names = NamePreserver::new_for_projection();
        let mut expressions = Vec::with_capacity(window.window_expr.len());
        for expr in &window.window_expr {
            let name = names.save(expr);
            let expr = self
                .replaced(expr.clone(), &made)?
                .transform_up(|expr| match expr {
                    Expr::WindowFunction(function) => {
                        let WindowFunction { fun, mut params } = *function;
                        params.partition_by.extend(made.exprs());
                        let function = Box::new(WindowFunction { fun, params });
                        Ok(Transformed::yes(Expr::WindowFunction(function)))
                    }
                    other => Ok(Transformed::no(other)),
                });
            expressions.push(name.restore(expr.data()?));
        }
        let plan = LogicalPlanBuilder::from(made.plan.clone())
            .window(expressions)?
            .build()?;
        Ok(Some(Made {
            plan,
            columns: made.columns,
        }))
    }

    fn joined(&self, join: &Join) -> Result<Option<Made>> {
        let (left, right) = (self.is_named(&join.left), self.is_named(&join.right));
        let own = join.filter.as_ref().is_some_and(|expr| self.is_named_by(expr))
            || join
                .on
                .iter()
                .any(|(l, r)| self.is_named_by(l) || self.is_named_by(r));
        let keeps_left = matches!(
            join.join_type,
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
        );
        if !keeps_left {
            return Ok(None);
        }
        // The domain stands on the left, whose rows a join of these kinds keeps; on the right too, if it is named there.
        let inner_right = join.join_type == JoinType::Inner && right && !left && !own;
        let (made_left, made_right) = match inner_right {
            true => (None, self.down(&join.right)?),
            false => (
                self.down(&join.left)?,
                if right { self.down(&join.right)? } else { None },
            ),
        };
        if right && made_right.is_none() || !inner_right && made_left.is_none() {
            return Ok(None);
        }
        let columns = match (&made_left, &made_right) {
            (Some(made), _) | (None, Some(made)) => made.columns.clone(),
            (None, None) => return Ok(None),
        };
        let one = Made {
            plan: LogicalPlan::default(),
            columns: columns.clone(),
        };
        let mut filter = join
            .filter
            .clone()
            .map(|filter| self.replaced(filter, &one))
            .transpose()?;
        let mut conditions: Vec<Expr> = Vec::new();
        for (l, r) in &join.on {
            let op = match join.null_equality {
                NullEquality::NullEqualsNothing => Operator::Eq,
                // INTERSECT and EXCEPT.
                NullEquality::NullEqualsNull => Operator::IsNotDistinctFrom,
            };
            conditions.push(Expr::BinaryExpr(BinaryExpr::new(
                Box::new(self.replaced(l.clone(), &one)?),
                op,
                Box::new(self.replaced(r.clone(), &one)?),
            )));
        }
        let mut right_plan = join.right.as_ref().clone();
        if let (Some(left), Some(right)) = (&made_left, &made_right) {
            // Both sides have the domain: the right one under other names.
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let mut projected: Vec<Expr> = join.right.schema().iter().map(Expr::from).collect();
            for (at, column) in right.columns.iter().enumerate() {
                let name = format!("{PREFIX}right_{number}_{at}");
                projected.push(Expr::Column(column.clone()).alias(&name));
                let same = Expr::BinaryExpr(BinaryExpr::new(
                    Box::new(Expr::Column(left.columns[at].clone())),
                    Operator::IsNotDistinctFrom,
                    Box::new(Expr::Column(Column::new_unqualified(name))),
                ));
                conditions.push(same);
            }
            right_plan = LogicalPlanBuilder::from(right.plan.clone())
                .project(projected)?
                .build()?;
        } else if let Some(right) = &made_right {
            right_plan = right.plan.clone();
        }
        let left_plan = match &made_left {
            Some(made) => made.plan.clone(),
            None => join.left.as_ref().clone(),
        };
        filter = conditions.into_iter().chain(filter).reduce(Expr::and);
        let mut plan = LogicalPlanBuilder::from(left_plan)
            .join_detailed(
                right_plan,
                join.join_type,
                (Vec::<Column>::new(), Vec::<Column>::new()),
                filter,
                join.null_equality,
            )?
            .build()?;
        // Without the right side's copy of the domain.
        let mut kept: Vec<Expr> = join.schema.iter().map(Expr::from).collect();
        kept.extend(columns.iter().cloned().map(Expr::Column));
        plan = LogicalPlanBuilder::from(plan).project(kept)?.build()?;
        Ok(Some(Made { plan, columns }))
    }
}

/// Whether a sub-query within a plan's expressions names the outer columns itself.
fn holds_inner_reference(plan: &LogicalPlan, outer: &[Column]) -> Result<bool> {
    let names = |subquery: &Subquery| {
        subquery.outer_ref_columns.iter().any(|expr| {
            expr.exists(|expr| {
                Ok(matches!(expr, Expr::OuterReferenceColumn(_, column) if outer.contains(column)))
            })
            .unwrap_or(true)
        })
    };
    let mut found = false;
    plan.apply_expressions(|expr| {
        expr.apply(|expr| {
            found |= match expr {
                Expr::ScalarSubquery(subquery) => names(subquery),
                Expr::Exists(exists) => names(&exists.subquery),
                Expr::InSubquery(set) => names(&set.subquery),
                Expr::SetComparison(set) => names(&set.subquery),
                _ => false,
            };
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// What an aggregate gives without rows.
fn of_nothing(expr: &Expr, input: &LogicalPlan) -> Result<Option<ScalarValue>> {
    match expr {
        Expr::Alias(alias) => of_nothing(&alias.expr, input),
        Expr::AggregateFunction(call) => {
            let data_type = expr.get_type(input.schema())?;
            call.func.default_value(&data_type).map(Some)
        }
        _ => Ok(None),
    }
}
