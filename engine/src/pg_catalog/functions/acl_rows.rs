//! `aclexplode(acl)` in what a query puts out: the rights of an access list as a list of composites.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, ListArray, StringBuilder, StructArray, UInt32Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::privileges::rights_of;
use crate::pg_catalog::context::Context;

/// The function, of the entries line by line.
pub(super) fn acl_rows(context: &Arc<Context>) -> ScalarUDF {
    ScalarUDF::from(AclRows {
        signature: Signature::any(1, Volatility::Stable),
        context: Arc::clone(context),
    })
}

#[derive(Debug)]
struct AclRows {
    signature: Signature,
    context: Arc<Context>,
}

impl PartialEq for AclRows {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.context, &other.context)
    }
}

impl Eq for AclRows {}

impl Hash for AclRows {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.context).hash(state);
    }
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("grantor", DataType::UInt32, true),
        Field::new("grantee", DataType::UInt32, true),
        Field::new("privilege_type", DataType::Utf8, true),
        Field::new("is_grantable", DataType::Boolean, true),
    ])
}

impl ScalarUDFImpl for AclRows {
    fn name(&self) -> &str {
        "acl_rows"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(
            DataType::Struct(fields()),
            true,
        ))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [lists] = args.args.as_slice() else {
            return exec_err!("aclexplode takes an array");
        };
        let lists = cast(&lists.to_array(args.number_rows)?, &DataType::Utf8)?;
        let lists = lists.as_string::<i32>();
        let (mut grantors, mut grantees) = (UInt32Builder::new(), UInt32Builder::new());
        let (mut privileges, mut options) = (StringBuilder::new(), BooleanBuilder::new());
        let mut lengths = Vec::with_capacity(lists.len());
        for list in lists {
            let rights = list.map_or_else(Vec::new, |text| rights_of(&self.context, text));
            lengths.push(rights.len());
            for right in rights {
                grantors.append_value(right.grantor);
                grantees.append_value(right.grantee);
                privileges.append_value(right.privilege);
                options.append_value(right.option);
            }
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(grantors.finish()),
            Arc::new(grantees.finish()),
            Arc::new(privileges.finish()),
            Arc::new(options.finish()),
        ];
        let rows = StructArray::try_new(fields(), columns, None)?;
        let nulls = lists.nulls().map(|nulls| NullBuffer::new(nulls.inner().clone()));
        let field = Arc::new(Field::new_list_field(DataType::Struct(fields()), true));
        let rows = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(rows), nulls)?;
        Ok(ColumnarValue::Array(Arc::new(rows)))
    }
}
