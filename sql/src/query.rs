//! Statements that return rows and change nothing.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AnalyzeFormatKind, Expr, LockClause, Query, SetExpr, Statement, UtilityOption, Value, Visit, Visitor,
};

/// True for a query without a write inside, and for EXPLAIN of one.
pub(crate) fn is_query(ast: &Statement) -> bool {
    match ast {
        Statement::Query(query) => reads_only(query),
        Statement::Explain { statement, .. } => is_query(statement),
        _ => false,
    }
}

fn reads_only(query: &Query) -> bool {
    query
        .with
        .iter()
        .flat_map(|with| &with.cte_tables)
        .all(|cte| reads_only(&cte.query))
        && set_reads_only(&query.body)
}

fn set_reads_only(mut body: &SetExpr) -> bool {
    // Down the left side in a loop: a chain of UNIONs is as deep as it is long.
    loop {
        match body {
            SetExpr::SetOperation { left, right, .. } => {
                if !set_reads_only(right) {
                    return false;
                }
                body = left;
            }
            SetExpr::Select(select) => return select.into.is_none(),
            SetExpr::Query(query) => return reads_only(query),
            SetExpr::Values(_) | SetExpr::Table(_) => return true,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => return false,
        }
    }
}

/// The row locks that a query asks for, its own and those of its parts.
#[must_use]
pub fn row_locks(ast: &Statement) -> Vec<LockClause> {
    struct Locks(Vec<LockClause>);
    impl Visitor for Locks {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            self.0.extend(query.locks.iter().cloned());
            ControlFlow::Continue(())
        }
    }
    let mut locks = Locks(Vec::new());
    let _ = Visit::visit(ast, &mut locks);
    locks.0
}

/// What EXPLAIN is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExplainOptions {
    /// Run it and show what happened.
    pub analyze: bool,
    /// Show the logical plan too.
    pub verbose: bool,
    /// Say which policies, masks and rights shape it, and nothing else.
    pub policies: bool,
    /// As a document rather than as lines.
    pub json: bool,
}

/// The options of EXPLAIN.
///
/// # Errors
/// The name of an option or format that is not known.
pub fn explain_options(ast: &Statement) -> Result<ExplainOptions, String> {
    let Statement::Explain {
        analyze,
        verbose,
        format,
        options,
        query_plan,
        estimate,
        ..
    } = ast
    else {
        return Ok(ExplainOptions::default());
    };
    if *query_plan || *estimate {
        return Err("QUERY PLAN".to_owned());
    }
    let mut found = ExplainOptions {
        analyze: *analyze,
        verbose: *verbose,
        policies: false,
        json: false,
    };
    if let Some(AnalyzeFormatKind::Keyword(format) | AnalyzeFormatKind::Assignment(format)) = format {
        match format.to_string().to_ascii_lowercase().as_str() {
            "text" => {}
            "json" => found.json = true,
            _ => return Err(format!("FORMAT {format}")),
        }
    }
    for option in options.iter().flatten() {
        match option.name.value.to_ascii_lowercase().as_str() {
            "analyze" => found.analyze = on(option)?,
            "verbose" => found.verbose = on(option)?,
            "policies" => found.policies = on(option)?,
            // These shape figures that are not shown here.
            "costs" | "buffers" | "timing" | "summary" | "wal" | "settings" => {
                on(option)?;
            }
            "format" if text(option).eq_ignore_ascii_case("text") => found.json = false,
            "format" if text(option).eq_ignore_ascii_case("json") => found.json = true,
            _ => return Err(option.to_string()),
        }
    }
    match found.policies && found.analyze {
        true => Err("POLICIES with ANALYZE".to_owned()),
        false if found.policies && found.json => Err("POLICIES with FORMAT json".to_owned()),
        false => Ok(found),
    }
}

fn text(option: &UtilityOption) -> String {
    match &option.arg {
        Some(Expr::Value(value)) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn on(option: &UtilityOption) -> Result<bool, String> {
    match text(option).to_ascii_lowercase().as_str() {
        "" | "on" | "true" | "1" => Ok(true),
        "off" | "false" | "0" => Ok(false),
        _ => Err(option.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explain_options_are_read_in_both_spellings() {
        let options = |text: &str| explain_options(crate::parse(text).unwrap()[0].ast());
        let (analyze, verbose) = (true, true);
        assert_eq!(options("EXPLAIN SELECT 1"), Ok(ExplainOptions::default()));
        assert_eq!(
            options("EXPLAIN ANALYZE SELECT 1"),
            Ok(ExplainOptions {
                analyze,
                ..ExplainOptions::default()
            })
        );
        assert_eq!(
            options("EXPLAIN (ANALYZE, VERBOSE on, COSTS off) SELECT 1"),
            Ok(ExplainOptions {
                analyze,
                verbose,
                ..ExplainOptions::default()
            })
        );
        assert_eq!(
            options("EXPLAIN (ANALYZE off) SELECT 1"),
            Ok(ExplainOptions::default())
        );
        assert!(options("EXPLAIN (FORMAT json) SELECT 1").unwrap().json);
        assert!(options("EXPLAIN (FORMAT yaml) SELECT 1").is_err());
        assert!(options("EXPLAIN (FORMAT json, POLICIES) SELECT 1").is_err());
        assert!(options("EXPLAIN (nonsense) SELECT 1").is_err());
        assert!(options("EXPLAIN (POLICIES) SELECT 1").unwrap().policies);
        assert!(options("EXPLAIN (POLICIES, ANALYZE) SELECT 1").is_err());
    }
}
