//! A function of ours as `pg_proc` shows it.

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::types::LogicalType;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF, TypeSignature, TypeSignatureClass, Volatility};
use radlake_catalogs::{FunctionObject, Grant};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::types::{PgType, pg_type_of};

/// Functions' OIDs: `0x3000_0000 | hash of the name`, so that they stay when functions are added.
const FUNCTION_BASE: u32 = 0x3000_0000;

/// A function that users call, in the schema `public`.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) arguments: Vec<PgType>,
    pub(crate) argument_names: Vec<String>,
    pub(crate) result: PgType,
    /// `provolatile`: "i", "s" or "v".
    pub(crate) volatility: &'static str,
    pub(crate) comment: Option<String>,
    /// Who may call it, if that is not everybody.
    pub(crate) grants: Option<Vec<Grant>>,
    /// What else is known of one in SQL, which somebody made.
    pub(crate) made: Option<Made>,
}

/// A function that somebody made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) namespace: u32,
    pub(crate) object: Arc<FunctionObject>,
}

impl Function {
    /// Whether it gives any number of rows.
    pub(crate) fn gives_rows(&self) -> bool {
        self.made.as_ref().is_some_and(|made| made.object.returns.set)
    }
}

/// The functions that users call.
pub(crate) fn own_functions() -> Vec<Function> {
    describe(&radlake_udfs::all())
}

/// Describes scalar functions for the catalog, sorted by name.
pub(crate) fn describe(functions: &[Arc<ScalarUDF>]) -> Vec<Function> {
    let mut sorted: Vec<&Arc<ScalarUDF>> = functions.iter().collect();
    sorted.sort_by(|a, b| a.name().cmp(b.name()));
    sorted.dedup_by(|a, b| a.name() == b.name());
    let mut taken = BTreeSet::new();
    sorted.into_iter().map(|f| describe_one(f, &mut taken)).collect()
}

fn describe_one(function: &ScalarUDF, taken: &mut BTreeSet<u32>) -> Function {
    let arguments = example_arguments(&function.signature().type_signature);
    let fields: Vec<FieldRef> = arguments
        .iter()
        .enumerate()
        .map(|(i, t)| Arc::new(Field::new(format!("a{i}"), t.clone(), true)))
        .collect();
    let scalars = vec![None; fields.len()];
    let result = function
        .return_field_from_args(ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &scalars,
        })
        .map(|field| pg_type_of(&field))
        .unwrap_or_else(|_| pg_type_of(&Field::new("r", DataType::Utf8, true)));
    let documentation = function.documentation();
    let names = documentation
        .and_then(|d| d.arguments.as_ref())
        .map(|a| a.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    Function {
        oid: oid_of(function.name(), taken),
        name: function.name().to_owned(),
        arguments: fields.iter().map(|f| pg_type_of(f)).collect(),
        argument_names: names.filter(|n| n.len() == fields.len()).unwrap_or_default(),
        result,
        volatility: match function.signature().volatility {
            Volatility::Immutable => "i",
            Volatility::Stable => "s",
            Volatility::Volatile => "v",
        },
        comment: documentation
            .map(|d| d.description.trim().to_owned())
            .filter(|d| !d.is_empty()),
        grants: None,
        made: None,
    }
}

/// The arguments of the first form of a signature; text where a form accepts anything.
fn example_arguments(signature: &TypeSignature) -> Vec<DataType> {
    match signature {
        TypeSignature::Exact(types) => types.clone(),
        TypeSignature::Uniform(count, types) => {
            let first = types.first().cloned().unwrap_or(DataType::Utf8);
            vec![first; *count]
        }
        TypeSignature::String(count) | TypeSignature::Any(count) => vec![DataType::Utf8; *count],
        TypeSignature::Numeric(count) => vec![DataType::Float64; *count],
        TypeSignature::OneOf(forms) => forms.first().map(example_arguments).unwrap_or_default(),
        TypeSignature::Coercible(coercions) => coercions
            .iter()
            .map(|c| example_of_class(c.desired_type()))
            .collect(),
        _ => Vec::new(),
    }
}

fn example_of_class(class: &TypeSignatureClass) -> DataType {
    match class {
        TypeSignatureClass::Native(logical) => logical
            .native()
            .default_cast_for(&DataType::Utf8)
            .unwrap_or(DataType::Utf8),
        TypeSignatureClass::Integer => DataType::Int64,
        TypeSignatureClass::Float | TypeSignatureClass::Numeric => DataType::Float64,
        TypeSignatureClass::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        TypeSignatureClass::Binary => DataType::Binary,
        _ => DataType::Utf8,
    }
}

fn oid_of(name: &str, taken: &mut BTreeSet<u32>) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |h, b| {
        (h ^ u32::from(b)).wrapping_mul(0x0100_0193)
    });
    let mut oid = FUNCTION_BASE | (hash & 0x0fff_ffff);
    while !taken.insert(oid) {
        oid = FUNCTION_BASE | ((oid + 1) & 0x0fff_ffff);
    }
    oid
}
