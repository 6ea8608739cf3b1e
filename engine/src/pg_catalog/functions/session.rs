//! Who and where the session is, and its settings.

use std::borrow::Cow;

use radlake_catalogs::is_temporary_schema;

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::declared::PG_CATALOG;
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::presets;
use crate::pg_catalog::rows::Value;

/// The version of PostgreSQL whose catalogs and protocol a session shows. Clients parse it.
pub const POSTGRESQL_VERSION: &str = "15.0";

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("current_database", (0, 0), "name", |c, _| {
        Ok(c.model().database.clone().into())
    }),
    Spec::new("current_catalog", (0, 0), "name", |c, _| {
        Ok(c.model().database.clone().into())
    }),
    Spec::new("current_user", (0, 0), "name", |c, _| {
        Ok(c.session.current_role().into())
    }),
    Spec::new("current_role", (0, 0), "name", |c, _| {
        Ok(c.session.current_role().into())
    }),
    Spec::new("user", (0, 0), "name", |c, _| Ok(c.session.current_role().into())),
    Spec::new("session_user", (0, 0), "name", |c, _| {
        Ok(c.session.session_role().into())
    }),
    Spec::new("current_schema", (0, 0), "name", |c, _| {
        Ok(path(c).first().cloned().into())
    }),
    Spec::new("current_schemas", (1, 1), "_name", current_schemas),
    Spec::new("version", (0, 0), "text", |_, _| Ok(version().into())),
    Spec::new("current_setting", (1, 2), "text", current_setting),
    Spec::new("set_config", (3, 3), "text", set_config)
        .called_on_null()
        .volatile(),
    Spec::new("pg_backend_pid", (0, 0), "int4", |c, _| {
        Ok(c.session.backend_pid().into())
    }),
    Spec::new("pg_is_in_recovery", (0, 0), "bool", |_, _| Ok(false.into())),
    Spec::new("pg_is_wal_replay_paused", (0, 0), "bool", |_, _| Ok(false.into())),
    Spec::new("pg_my_temp_schema", (0, 0), "oid", |c, _| {
        let path = c.session.search_path();
        let own = path.iter().find(|schema| is_temporary_schema(schema));
        let own = own.and_then(|schema| c.model().namespace_named(schema));
        Ok(own.map_or(0, |own| own.oid).into())
    }),
    Spec::new("pg_is_other_temp_schema", (1, 1), "bool", |_, _| Ok(false.into())),
    Spec::new("inet_server_addr", (0, 0), "inet", |_, _| Ok(Value::Null)),
    Spec::new("inet_server_port", (0, 0), "int4", |_, _| Ok(Value::Null)),
    Spec::new("inet_client_addr", (0, 0), "inet", |c, _| {
        Ok(client(c).map(|a| a.ip().to_string()).into())
    }),
    Spec::new("inet_client_port", (0, 0), "int4", |c, _| {
        Ok(client(c).map(|a| i32::from(a.port())).into())
    }),
];

/// `version()`: "PostgreSQL 15.0 (…)", because clients read the number after the first word.
fn version() -> String {
    format!(
        "PostgreSQL {POSTGRESQL_VERSION} (Radlake {})",
        env!("CARGO_PKG_VERSION")
    )
}

/// The schemas of the search path that exist, without the implied `pg_catalog`.
fn path(context: &Context) -> Vec<String> {
    let model = context.model();
    context
        .session
        .search_path()
        .into_iter()
        .filter(|name| model.namespace_named(name).is_some())
        .filter(|name| !is_temporary_schema(name) || is_named(context))
        .collect()
}

/// Whether the search path names the session's own schema, which is searched anyhow.
fn is_named(context: &Context) -> bool {
    let path = context.setting("search_path");
    path.is_some_and(|path| path.contains("pg_temp"))
}

fn current_schemas(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let implicit = args.first().and_then(|a| a.bool()).unwrap_or(false);
    let names: Vec<String> = if implicit {
        context
            .path()
            .iter()
            .map(|oid| context.model().schema_name(*oid).to_owned())
            .collect()
    } else {
        path(context)
    };
    debug_assert!(
        !implicit || context.path().contains(&PG_CATALOG),
        "pg_catalog is always searched"
    );
    Ok(Value::Texts(names.into_iter().map(Cow::Owned).collect()))
}

fn current_setting(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let name = args.first().and_then(|a| a.text()).unwrap_or_default();
    match context.setting(name) {
        Some(value) => Ok(value.into()),
        None if args.get(1).and_then(|a| a.bool()).unwrap_or(false) => Ok(Value::Null),
        None => Err(CatalogError::UndefinedSetting(name.to_owned())),
    }
}

fn set_config(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (Some(name), value) = (
        args.first().and_then(|a| a.text()),
        args.get(1).and_then(|a| a.text()).unwrap_or_default(),
    ) else {
        return Err(CatalogError::InvalidParameter(
            "SET requires parameter name".to_owned(),
        ));
    };
    if context.session.setting(name).is_none()
        && let Some(preset) = presets::preset(name)
    {
        let refusal = || CatalogError::InvalidParameter(format!("parameter \"{name}\" cannot be changed"));
        return preset
            .settable
            .then(|| value.to_owned().into())
            .ok_or_else(refusal);
    }
    context.session.set(name, value).map(Into::into)
}

fn client(context: &Context) -> Option<std::net::SocketAddr> {
    let pid = context.session.backend_pid();
    context
        .session
        .activity()
        .into_iter()
        .find(|a| a.pid == pid)
        .and_then(|a| a.client_addr)
}
