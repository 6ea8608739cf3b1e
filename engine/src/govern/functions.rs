//! GRANT and REVOKE of EXECUTE on functions. They are Radlake's own: none is made, and only who may call them changes.

use std::collections::BTreeSet;

use radlake_catalogs::{Epoch, Grant, SchemaObject};
use radlake_sql::ast;

use super::grants::{Withdrawal, give, grantor, none_to_give};
use crate::pg_catalog::{Function, is_postgresqls, own_functions};
use crate::policy::{FUNCTIONS, FUNCTIONS_OWNER, Privilege, Subject, everybodys};
use crate::write::Writer;
use crate::write::target::folded;
use crate::{Error, Result};

/// What a statement does to rights to functions.
pub(super) struct Change<'s> {
    pub(super) privileges: &'s ast::Privileges,
    pub(super) grantees: &'s BTreeSet<u32>,
    /// GRANT, and whether WITH GRANT OPTION; else REVOKE, whether of that option alone, and whether CASCADE.
    pub(super) grants: bool,
    pub(super) option: bool,
    pub(super) cascade: bool,
}

impl Writer<'_> {
    /// The engine's functions that a statement is about; `None` if it is about something else, be it a function of the lake's own.
    pub(super) fn engines_functions(
        &self,
        epoch: &Epoch,
        objects: &ast::GrantObjects,
    ) -> Result<Option<Vec<String>>> {
        match (named(epoch, objects), objects) {
            (Err(error), ast::GrantObjects::Function { name, .. }) => match self.own_function(name)? {
                Some(_) => Ok(None),
                None => Err(error),
            },
            (found, _) => found,
        }
    }

    /// Changes who may call functions.
    pub(super) fn change_functions(&mut self, functions: Vec<String>, change: &Change<'_>) -> Result<()> {
        check_privileges(change.privileges)?;
        let subject = self.subject()?;
        let mut schema = self.functions_schema()?;
        for name in functions {
            let known = schema.functions.get(&name);
            let mut grants = known.cloned().unwrap_or_else(everybodys);
            let Some(grantor) = grantor(&subject, FUNCTIONS_OWNER, &grants, Privilege::Execute, None) else {
                none_to_give(&subject, &grants, "function", &name)?;
                let (code, what) = match change.grants {
                    true => ("01007", "granted"),
                    false => ("01006", "revoked"),
                };
                self.session
                    .notice(code, format!("no privileges were {what} for \"{name}\""));
                continue;
            };
            match change.grants {
                true => change.grantees.iter().for_each(|grantee| {
                    give(
                        &mut grants,
                        *grantee,
                        grantor,
                        Privilege::Execute,
                        None,
                        change.option,
                    );
                }),
                false => withdrawal(grantor, change.option, change.cascade)
                    .carry_out(&mut grants, |grant| change.grantees.contains(&grant.grantee))?,
            }
            schema.functions.insert(name, grants);
        }
        if self.functions_schema()?.functions != schema.functions {
            self.work.put_object(schema)?;
        }
        Ok(())
    }

    /// DROP OWNED: revokes what a role was given, as far as who acts could revoke it.
    pub(super) fn take_functions(&mut self, subject: &Subject, role: u32) -> Result<()> {
        let before = self.functions_schema()?;
        let mut schema = before.clone();
        for (name, grants) in &mut schema.functions {
            if !grants.iter().any(|grant| grant.grantee == role) {
                continue;
            }
            match grantor(subject, FUNCTIONS_OWNER, grants, Privilege::Execute, None) {
                Some(grantor) => {
                    withdrawal(grantor, false, true).carry_out(grants, |grant| grant.grantee == role)?;
                }
                None => self
                    .session
                    .notice("01006", format!("no privileges could be revoked for \"{name}\"")),
            }
        }
        if schema != before {
            self.work.put_object(schema)?;
        }
        Ok(())
    }

    fn functions_schema(&self) -> Result<SchemaObject> {
        let schema = self
            .epoch()?
            .schema(FUNCTIONS)
            .map(|schema| schema.as_ref().clone());
        schema.ok_or_else(|| Error::UndefinedSchema(FUNCTIONS.to_owned()))
    }
}

/// The functions that a statement is about; `None` if it is about something else.
pub(super) fn named(epoch: &Epoch, objects: &ast::GrantObjects) -> Result<Option<Vec<String>>> {
    match objects {
        ast::GrantObjects::Function { name, arg_types } => Ok(Some(vec![function(epoch, name, arg_types)?])),
        ast::GrantObjects::AllFunctionsInSchema { schemas } => {
            let mut found = Vec::new();
            for name in schemas {
                let schema = folded(super::single(name)?);
                match schema.as_str() {
                    FUNCTIONS => found.extend(own_functions().into_iter().map(|function| function.name)),
                    "pg_catalog" | "information_schema" => return Err(postgresqls("pg_catalog.*")),
                    _ if epoch.schema(&schema).is_none() => return Err(Error::UndefinedSchema(schema)),
                    _ => {}
                }
            }
            found.retain(|name| !is_postgresqls(name));
            Ok(Some(found))
        }
        _ => Ok(None),
    }
}

/// The function that a name means.
fn function(epoch: &Epoch, name: &ast::ObjectName, types: &[ast::DataType]) -> Result<String> {
    let parts: Vec<String> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident().map(folded))
        .collect();
    let (schema, function) = match parts.as_slice() {
        [function] => (None, function),
        [schema, function] => (Some(schema.as_str()), function),
        _ => return Err(Error::syntax(format!("\"{name}\" is no name of a function"))),
    };
    let undefined = || Error::UndefinedFunction {
        name: match types {
            [] => function.clone(),
            types => format!("{function}({})", list(types)),
        },
        hint: None,
        position: None,
    };
    match schema {
        None | Some(FUNCTIONS | "pg_catalog") => {}
        Some(schema) if epoch.schema(schema).is_none() => {
            return Err(Error::UndefinedSchema(schema.to_owned()));
        }
        Some(_) => return Err(undefined()),
    }
    if is_postgresqls(function) {
        return Err(postgresqls(function));
    }
    let own = own_functions().into_iter().find(|own| own.name == *function);
    let own = own
        .filter(|_| schema != Some("pg_catalog"))
        .ok_or_else(undefined)?;
    match types.is_empty() || takes(&own, types) {
        true => Ok(own.name),
        false => Err(undefined()),
    }
}

/// Whether a function may be meant by a list of types. A name stands for one function, which is shown with the types of one of its
/// forms and takes others for them: their number tells.
fn takes(function: &Function, types: &[ast::DataType]) -> bool {
    function.arguments.is_empty() || function.arguments.len() == types.len()
}

fn withdrawal(grantor: u32, option_only: bool, cascade: bool) -> Withdrawal {
    Withdrawal {
        owner: FUNCTIONS_OWNER,
        grantor,
        option_only,
        cascade,
    }
}

fn check_privileges(privileges: &ast::Privileges) -> Result<()> {
    let ast::Privileges::Actions(actions) = privileges else {
        return Ok(());
    };
    match actions
        .iter()
        .find(|action| !matches!(action, ast::Action::Execute { obj_type: None }))
    {
        None => Ok(()),
        Some(other) => Err(Error::InvalidGrant(format!(
            "invalid privilege type {other} for function"
        ))),
    }
}

fn list(types: &[ast::DataType]) -> String {
    let types: Vec<String> = types
        .iter()
        .map(|sql_type| sql_type.to_string().to_lowercase())
        .collect();
    types.join(", ")
}

/// PostgreSQL's functions stand behind operators and casts too, where no right is asked for.
fn postgresqls(name: &str) -> Error {
    Error::Unsupported {
        what: format!("rights to PostgreSQL's own functions (\"{name}\") are not supported"),
        hint: Some(
            "Everybody may call them; rights to Radlake's functions (system.functions) can be revoked."
                .to_owned(),
        ),
    }
}

/// What keeps a role from being dropped.
pub(super) fn dependents(epoch: &Epoch, oid: u32) -> Vec<String> {
    let names = |grants: &[Grant]| {
        grants
            .iter()
            .any(|grant| grant.grantee == oid || grant.grantor == oid)
    };
    let schema = epoch.schema(FUNCTIONS);
    let functions = schema.into_iter().flat_map(|schema| &schema.functions);
    functions
        .filter(|(_, grants)| names(grants))
        .map(|(name, _)| format!("privileges for function {name}"))
        .collect()
}
