//! `pg_get_keywords()`: the words of PostgreSQL 15's grammar, for clients that ask which names to quote.

use datafusion::catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::Result;
use std::sync::{Arc, LazyLock};

use super::declared::{self, Declared};
use super::error::CatalogError;
use super::facts::Facts;

/// Name of the function.
pub(super) const PG_GET_KEYWORDS: &str = "pg_get_keywords";

/// The function's columns, as a line of `data/relations.tsv` has those of a relation.
static DECLARED: LazyLock<Option<Declared>> = LazyLock::new(|| {
    declared::parse_line(
        "0\tpg_catalog\tpg_get_keywords\tf\tword:text catcode:char barelabel:bool catdesc:text baredesc:text",
    )
});

/// The function.
pub(super) fn keywords() -> Arc<dyn TableFunctionImpl> {
    Arc::new(Keywords)
}

#[derive(Debug)]
struct Keywords;

impl TableFunctionImpl for Keywords {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let missing = || CatalogError::UndefinedFunction(PG_GET_KEYWORDS.to_owned());
        if !args.exprs().is_empty() {
            return Err(missing().into());
        }
        let declared = DECLARED.as_ref().ok_or_else(missing)?;
        let batch = Facts::of(PG_GET_KEYWORDS)
            .ok_or_else(missing)?
            .batch(declared, 0)?;
        Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::util::pretty::pretty_format_batches;

    #[test]
    fn the_words_are_postgresqls() {
        let declared = DECLARED.as_ref().expect("declared");
        let batch = Facts::of(PG_GET_KEYWORDS)
            .expect("a file")
            .batch(declared, 0)
            .expect("fits");
        assert_eq!(batch.num_rows(), 460);
        let shown = pretty_format_batches(&[batch]).expect("a table").to_string();
        let row = |word: &str| {
            let line = shown
                .lines()
                .find(|l| l.split('|').nth(1).is_some_and(|c| c.trim() == word));
            let cells = line.unwrap_or_default().split('|').map(str::trim);
            cells.filter(|c| !c.is_empty()).collect::<Vec<_>>().join("|")
        };
        assert_eq!(row("word"), "word|catcode|barelabel|catdesc|baredesc");
        assert_eq!(row("select"), "select|R|true|reserved|can be bare label");
        assert_eq!(
            row("between"),
            "between|C|true|unreserved (cannot be function or type name)|can be bare label"
        );
        assert_eq!(
            row("left"),
            "left|T|true|reserved (can be function or type name)|can be bare label"
        );
        assert_eq!(row("year"), "year|U|false|unreserved|requires AS");
    }
}
