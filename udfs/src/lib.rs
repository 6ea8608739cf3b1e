//! Radlake's SQL functions.
//!
//! A function is a file named after its SQL name, in the folder of its family ([`dicom`], [`image`]), with the documentation
//! that SQL shows (`SELECT * FROM system.functions`) beside the code. Functions do no I/O: they see the values of their
//! arguments and nothing else, so that the policies of tables hold for whatever a function can compute.
//!
//! To add a function: write `src/<family>/<name>.rs` with a [`ScalarUDFImpl`](datafusion::logical_expr::ScalarUDFImpl) whose
//! `documentation` is not empty, add it to the family's `all`, and a `tests/slt/udfs/<name>.slt`.

pub mod datetime;
pub mod dicom;
mod document;
pub mod image;
pub mod json;
pub mod privacy;
pub mod radiomics;
mod rows;
pub mod strings;
mod text;
pub mod types;
pub mod vectors;

#[cfg(test)]
mod testing;

use std::sync::Arc;

pub use rows::by_row;

use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::ScalarUDF;

/// Every function of Radlake, sorted by family and name.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let mut functions = datetime::all();
    functions.extend(dicom::all());
    functions.extend(image::all());
    functions.extend(json::all());
    functions.extend(privacy::all());
    functions.extend(radiomics::all());
    functions.extend(strings::all());
    functions.extend(types::all());
    functions.extend(vectors::all());
    functions
}

/// Registers [every function](all) in a session, replacing functions of the same name.
///
/// # Errors
/// When the registry refuses functions.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in all() {
        registry.register_udf(function)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn every_function_is_documented() {
        for function in all() {
            let name = function.name();
            let Some(doc) = function.documentation() else {
                panic!("{name} has no documentation")
            };
            assert!(
                doc.syntax_example.starts_with(&format!("{name}(")),
                "{name}: syntax {}",
                doc.syntax_example
            );
            assert!(doc.description.len() > 20, "{name}: description");
            assert!(
                doc.arguments.as_ref().is_some_and(|a| !a.is_empty()),
                "{name}: arguments"
            );
            assert!(
                doc.sql_example.as_ref().is_some_and(|e| e.contains(name)),
                "{name}: example"
            );
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().iter().map(|f| f.name().to_owned()).collect();
        let n = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), n);
    }
}
