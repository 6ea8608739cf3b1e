//! What sessions do to one another: advisory locks, NOTIFY, cancelling and terminating.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use async_trait::async_trait;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::{Arg, Outcome, Spec};
use crate::exchange::{Key, Member, Mode};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::rows::Value;
use crate::policy::Via;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("pg_try_advisory_lock", (1, 2), "bool", |c, a| {
        try_lock(c, a, Mode::Exclusive, false)
    })
    .volatile(),
    Spec::new("pg_try_advisory_lock_shared", (1, 2), "bool", |c, a| {
        try_lock(c, a, Mode::Shared, false)
    })
    .volatile(),
    Spec::new("pg_try_advisory_xact_lock", (1, 2), "bool", |c, a| {
        try_lock(c, a, Mode::Exclusive, true)
    })
    .volatile(),
    Spec::new("pg_try_advisory_xact_lock_shared", (1, 2), "bool", |c, a| {
        try_lock(c, a, Mode::Shared, true)
    })
    .volatile(),
    Spec::new("pg_advisory_unlock", (1, 2), "bool", |c, a| {
        unlock(c, a, Mode::Exclusive)
    })
    .volatile(),
    Spec::new("pg_advisory_unlock_shared", (1, 2), "bool", |c, a| {
        unlock(c, a, Mode::Shared)
    })
    .volatile(),
    Spec::new("pg_advisory_unlock_all", (0, 0), "void", |c, _| {
        if let Some(member) = c.session.member() {
            member.unlock_all();
        }
        Ok(Value::Text(String::new().into()))
    })
    .volatile(),
    Spec::new("pg_notify", (2, 2), "void", notify)
        .called_on_null()
        .volatile(),
    // A set of them, which the planner makes of the list.
    Spec::new("pg_listening_channels", (0, 0), "_text", |c, _| {
        let channels = c
            .session
            .member()
            .map(|member| member.channels())
            .unwrap_or_default();
        Ok(Value::Texts(channels.into_iter().map(Into::into).collect()))
    })
    .volatile(),
    Spec::new("txid_current", (0, 0), "int8", transaction_number).volatile(),
    Spec::new("txid_current_if_assigned", (0, 0), "int8", |c, _| {
        Ok(c.session
            .member()
            .and_then(|member| member.known_transaction_number())
            .into())
    })
    .volatile(),
    Spec::new("pg_notification_queue_usage", (0, 0), "float8", |_, _| {
        Ok(Value::Float(0.0))
    }),
    Spec::new("pg_cancel_backend", (1, 1), "bool", |c, a| signal(c, a, false)).volatile(),
    Spec::new("pg_terminate_backend", (1, 2), "bool", |c, a| signal(c, a, true)).volatile(),
    Spec::new("pg_blocking_pids", (1, 1), "_int4", |c, a| {
        let blocking = match (c.session.member(), a.first().and_then(|a| a.int())) {
            (Some(member), Some(pid)) => member.blocking(i32::try_from(pid).unwrap_or(-1)),
            _ => Vec::new(),
        };
        Ok(Value::Ints(blocking.into_iter().map(i64::from).collect()))
    })
    .volatile(),
];

/// The functions that wait for a lock.
pub(super) fn waiting(context: &Arc<Context>) -> Vec<ScalarUDF> {
    let locks = [
        ("pg_advisory_lock", Mode::Exclusive, false),
        ("pg_advisory_lock_shared", Mode::Shared, false),
        ("pg_advisory_xact_lock", Mode::Exclusive, true),
        ("pg_advisory_xact_lock_shared", Mode::Shared, true),
    ];
    let function = |(name, mode, transaction)| {
        let forms = vec![TypeSignature::Any(1), TypeSignature::Any(2)];
        AsyncScalarUDF::new(Arc::new(Lock {
            name,
            mode,
            transaction,
            signature: Signature::one_of(forms, Volatility::Volatile),
            context: Arc::clone(context),
        }))
        .into_scalar_udf()
    };
    locks.into_iter().map(function).collect()
}

fn transaction_number(context: &Context, _: &[Arg<'_>]) -> Outcome {
    match context.session.member() {
        Some(member) => Ok(Value::Int(member.transaction_number())),
        None => Err(CatalogError::Unsupported(
            "txid_current() outside of a session".to_owned(),
        )),
    }
}

fn key(first: i64, second: Option<i64>) -> std::result::Result<Key, CatalogError> {
    let small = |number: i64| {
        i32::try_from(number).map_err(|_| CatalogError::InvalidParameter("integer out of range".to_owned()))
    };
    Ok(match second {
        None => Key::One(first),
        Some(second) => Key::Two(small(first)?, small(second)?),
    })
}

fn key_of(args: &[Arg<'_>]) -> std::result::Result<Key, CatalogError> {
    let number = |arg: &Arg<'_>| {
        arg.int().ok_or_else(|| {
            CatalogError::InvalidParameter("the key of an advisory lock is an integer".to_owned())
        })
    };
    match args {
        [one] => key(number(one)?, None),
        [one, other] => key(number(one)?, Some(number(other)?)),
        _ => Err(CatalogError::InvalidParameter(
            "an advisory lock has one key or two".to_owned(),
        )),
    }
}

fn member(context: &Context) -> std::result::Result<&Arc<Member>, CatalogError> {
    context.session.member().ok_or_else(|| {
        CatalogError::Unsupported("advisory locks and channels outside of a session".to_owned())
    })
}

fn try_lock(context: &Context, args: &[Arg<'_>], mode: Mode, transaction: bool) -> Outcome {
    let key = key_of(args)?;
    Ok(member(context)?.try_lock(key, mode, transaction)?.into())
}

fn unlock(context: &Context, args: &[Arg<'_>], mode: Mode) -> Outcome {
    let key = key_of(args)?;
    Ok(member(context)?.unlock(key, mode).into())
}

fn notify(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let text = |index: usize| args.get(index).and_then(|arg| arg.text()).unwrap_or_default();
    member(context)?.notify(text(0), text(1))?;
    Ok(Value::Text(String::new().into()))
}

/// Who is a superuser, or has the rights of the role whose session it is, may end its statements.
fn signal(context: &Context, args: &[Arg<'_>], terminate: bool) -> Outcome {
    let Some(pid) = args
        .first()
        .and_then(|arg| arg.int())
        .and_then(|pid| i32::try_from(pid).ok())
    else {
        return Ok(false.into());
    };
    let Some(session) = context
        .session
        .activity()
        .into_iter()
        .find(|session| session.pid == pid)
    else {
        return Ok(false.into());
    };
    // The catalogs show the roles of that epoch; rights are today's.
    if context
        .setting("radlake.epoch")
        .is_some_and(|epoch| epoch.parse::<u64>().is_ok())
    {
        return Err(CatalogError::Unsupported(
            "ending what other sessions do while radlake.epoch is set; RESET radlake.epoch first".to_owned(),
        ));
    }
    if !context.is_superuser() {
        let model = context.model();
        let (own, other) = (
            model.role_named(&context.session.current_role()),
            model.role_named(&session.role),
        );
        let (told, done) = match terminate {
            true => ("terminate superuser process", "process is being terminated"),
            false => ("cancel superuser query", "query is being canceled"),
        };
        if other.is_none_or(|other| other.superuser) {
            return Err(CatalogError::Forbidden(format!("must be a superuser to {told}")));
        }
        let has = match (own, other) {
            (Some(own), Some(other)) => model.closure(own.oid, Via::Inherited).contains(&other.oid),
            _ => false,
        };
        if !has {
            return Err(CatalogError::Forbidden(format!(
                "must be a member of the role whose {done}"
            )));
        }
    }
    Ok(context.session.signal(pid, terminate).into())
}

/// Waits for an advisory lock. Where it waits the statement can be ended, as anywhere.
#[derive(Debug)]
struct Lock {
    name: &'static str,
    mode: Mode,
    transaction: bool,
    signature: Signature,
    context: Arc<Context>,
}

impl PartialEq for Lock {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.context, &other.context)
    }
}

impl Eq for Lock {}

impl Hash for Lock {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        Arc::as_ptr(&self.context).hash(state);
    }
}

impl ScalarUDFImpl for Lock {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} is waited for", self.name)
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Lock {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let keys = args.args.iter().map(|arg| {
            let array = arg.to_array(args.number_rows)?;
            if !array.data_type().is_integer() && !array.data_type().is_null() {
                let reason = "the key of an advisory lock is an integer".to_owned();
                return Err(CatalogError::InvalidParameter(reason).into());
            }
            Ok(cast(&array, &DataType::Int64)?)
        });
        let keys: Vec<ArrayRef> = keys.collect::<Result<_>>()?;
        let member = Arc::clone(member(&self.context)?);
        let mut done: Vec<Option<&str>> = Vec::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let numbers = keys.iter().map(|keys| {
                let keys = keys.as_primitive::<Int64Type>();
                keys.is_valid(row).then(|| keys.value(row))
            });
            let numbers: Option<Vec<i64>> = numbers.collect();
            let Some(numbers) = numbers else {
                done.push(None);
                continue;
            };
            let key = key(
                numbers.first().copied().unwrap_or_default(),
                numbers.get(1).copied(),
            )?;
            member.lock(key, self.mode, self.transaction).await?;
            // Of the type void, of which there is one value.
            done.push(Some(""));
        }
        let void: ArrayRef = Arc::new(StringArray::from(done));
        Ok(match void.len() {
            1 => ColumnarValue::Scalar(ScalarValue::try_from_array(&void, 0)?),
            _ => ColumnarValue::Array(void),
        })
    }
}
