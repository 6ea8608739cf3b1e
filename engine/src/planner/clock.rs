//! Functions that are asked anew for each row: what time it is, and waiting.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use async_trait::async_trait;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

/// Registers them.
///
/// # Errors
/// When the registry refuses functions.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    let clock = ScalarUDF::from(ClockTimestamp {
        signature: Signature::new(TypeSignature::Nullary, Volatility::Volatile),
    });
    let _ = registry.register_udf(Arc::new(clock))?;
    let sleep = AsyncScalarUDF::new(Arc::new(Sleep {
        signature: Signature::exact(vec![DataType::Float64], Volatility::Volatile),
    }));
    let _ = registry.register_udf(Arc::new(sleep.into_scalar_udf()))?;
    Ok(())
}

/// The time now, and not that of the statement.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ClockTimestamp {
    signature: Signature,
}

impl ScalarUDFImpl for ClockTimestamp {
    fn name(&self) -> &str {
        "clock_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let now = || chrono::Utc::now().timestamp_micros();
        let times =
            arrow::array::TimestampMicrosecondArray::from_iter_values((0..args.number_rows).map(|_| now()));
        Ok(ColumnarValue::Array(Arc::new(times.with_timezone("UTC"))))
    }
}

/// Waits so many seconds. Where it waits the statement can be ended, as anywhere.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sleep {
    signature: Signature,
}

/// The longest that is waited for at a time, in seconds: a year.
const LONGEST: f64 = 31_536_000.0;

impl ScalarUDFImpl for Sleep {
    fn name(&self) -> &str {
        "pg_sleep"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("pg_sleep is waited for")
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Sleep {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [seconds] = args.args.as_slice() else {
            return internal_err!("pg_sleep takes one argument");
        };
        let seconds: ArrayRef = seconds.to_array(args.number_rows)?;
        let seconds = seconds.as_primitive::<Float64Type>();
        for seconds in seconds.iter().flatten() {
            if seconds > 0.0 {
                tokio::time::sleep(Duration::from_secs_f64(seconds.min(LONGEST))).await;
            }
        }
        // Of the type void, of which there is one value.
        let void: StringArray = seconds.iter().map(|seconds| seconds.map(|_| "")).collect();
        let void: ArrayRef = Arc::new(void);
        Ok(match void.len() {
            1 => ColumnarValue::Scalar(ScalarValue::try_from_array(&void, 0)?),
            _ => ColumnarValue::Array(void),
        })
    }
}
