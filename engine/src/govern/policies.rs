//! CREATE, ALTER and DROP POLICY, and the switches of ALTER TABLE … ROW LEVEL SECURITY.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::catalog::TableProvider;
use datafusion::logical_expr::LogicalPlan;
use radlake_catalogs::{Policy, RowSecurity, TableObject};
use radlake_sql::ast;

use super::denied;
use crate::planner::{Before, Planner, Shown};
use crate::policy::{RowCheck, Subject, fallible};
use crate::write::target::folded;
use crate::write::view::MATERIALIZED;
use crate::write::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(crate) async fn create_policy(&mut self, create: &ast::CreatePolicy) -> Result<Outcome> {
        let mut table = self.policed(&create.table_name)?;
        let name = folded(&create.name);
        if table
            .row_security
            .policies
            .iter()
            .any(|policy| policy.name == name)
        {
            return Err(Error::DuplicateObject(format!(
                "policy \"{name}\" for table \"{}\" already exists",
                table.name
            )));
        }
        let command = match create.command {
            None | Some(ast::CreatePolicyCommand::All) => "ALL",
            Some(ast::CreatePolicyCommand::Select) => "SELECT",
            Some(ast::CreatePolicyCommand::Insert) => "INSERT",
            Some(ast::CreatePolicyCommand::Update) => "UPDATE",
            Some(ast::CreatePolicyCommand::Delete) => "DELETE",
        };
        check_clauses(command, create.using.is_some(), create.with_check.is_some())?;
        let policy = Policy {
            name,
            permissive: !matches!(create.policy_type, Some(ast::CreatePolicyType::Restrictive)),
            command: command.to_owned(),
            roles: self.policy_roles(create.to.as_deref())?,
            using: self.policy_text(&table, create.using.as_ref(), false).await?,
            check: self.policy_text(&table, create.with_check.as_ref(), true).await?,
            comment: None,
        };
        table.row_security.policies.push(policy);
        table.row_security.policies.sort_by(|a, b| a.name.cmp(&b.name));
        self.work.put_object(table)?;
        Ok(Outcome::tag("CREATE POLICY"))
    }

    pub(crate) async fn alter_policy(&mut self, alter: &ast::AlterPolicy) -> Result<Outcome> {
        let mut table = self.policed(&alter.table_name)?;
        let name = folded(&alter.name);
        let missing = || Error::MissingPolicy {
            name: name.clone(),
            table: table.name.clone(),
        };
        let policies = &table.row_security.policies;
        let at = policies.iter().position(|policy| policy.name == name);
        let at = at.ok_or_else(missing)?;
        match &alter.operation {
            ast::AlterPolicyOperation::Rename { new_name } => {
                let new = folded(new_name);
                if policies.iter().any(|policy| policy.name == new) {
                    return Err(Error::DuplicateObject(format!(
                        "policy \"{new}\" for table \"{}\" already exists",
                        table.name
                    )));
                }
                table.row_security.policies[at].name = new;
                table.row_security.policies.sort_by(|a, b| a.name.cmp(&b.name));
            }
            ast::AlterPolicyOperation::Apply {
                to,
                using,
                with_check,
            } => {
                let mut policy = policies[at].clone();
                check_clauses(&policy.command, using.is_some(), with_check.is_some())?;
                if to.is_some() {
                    policy.roles = self.policy_roles(to.as_deref())?;
                }
                if using.is_some() {
                    policy.using = self.policy_text(&table, using.as_ref(), false).await?;
                }
                if with_check.is_some() {
                    policy.check = self.policy_text(&table, with_check.as_ref(), true).await?;
                }
                table.row_security.policies[at] = policy;
            }
        }
        self.work.put_object(table)?;
        Ok(Outcome::tag("ALTER POLICY"))
    }

    pub(crate) fn drop_policy(&mut self, drop: &ast::DropPolicy) -> Result<Outcome> {
        let done = || Outcome::tag("DROP POLICY");
        if drop.if_exists && self.named(&drop.table_name, true)?.is_none() {
            self.session.notice(
                "00000",
                format!("relation \"{}\" does not exist, skipping", drop.table_name),
            );
            return Ok(done());
        }
        let mut table = self.policed(&drop.table_name)?;
        let name = folded(&drop.name);
        let before = table.row_security.policies.len();
        table.row_security.policies.retain(|policy| policy.name != name);
        if table.row_security.policies.len() == before {
            if drop.if_exists {
                self.session.notice(
                    "00000",
                    format!(
                        "policy \"{name}\" for relation \"{}\" does not exist, skipping",
                        table.name
                    ),
                );
                return Ok(done());
            }
            return Err(Error::MissingPolicy {
                name,
                table: table.name,
            });
        }
        self.work.put_object(table)?;
        Ok(done())
    }

    /// The table that a policy is for: tables of ingestion may have policies too.
    pub(super) fn policed(&self, name: &ast::ObjectName) -> Result<TableObject> {
        let oid = self.named(name, false)?.unwrap_or_default();
        match self.epoch()?.table_by_oid(oid) {
            Some(table) if !table.properties.contains_key(MATERIALIZED) => Ok(table.as_ref().clone()),
            _ => {
                let last = name.0.last().and_then(|part| part.as_ident()).map(folded);
                Err(Error::WrongObject(format!(
                    "\"{}\" is not a table",
                    last.unwrap_or_default()
                )))
            }
        }
    }

    fn policy_roles(&self, to: Option<&[ast::Owner]>) -> Result<Vec<u32>> {
        let Some(to) = to else {
            return Ok(vec![0]);
        };
        let epoch = self.epoch()?;
        let mut roles = Vec::with_capacity(to.len());
        for owner in to {
            let name = match owner {
                ast::Owner::Ident(name)
                    if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("public") =>
                {
                    roles.push(0);
                    continue;
                }
                ast::Owner::Ident(name) => name.clone(),
                ast::Owner::CurrentRole => ast::Ident::new("current_role"),
                ast::Owner::CurrentUser => ast::Ident::new("current_user"),
                ast::Owner::SessionUser => ast::Ident::new("session_user"),
            };
            roles.push(self.role(&epoch, &name)?.oid);
        }
        if roles.contains(&0) && roles.len() > 1 {
            self.session
                .notice("01000", "ignoring specified roles other than PUBLIC".to_owned());
            roles = vec![0];
        }
        roles.sort_unstable();
        roles.dedup();
        Ok(roles)
    }

    /// An expression as a policy keeps it, with the schema before each name, once it is known to be one that a policy may have.
    async fn policy_text(
        &self,
        table: &TableObject,
        expression: Option<&ast::Expr>,
        written: bool,
    ) -> Result<Option<String>> {
        let Some(expression) = expression else {
            return Ok(None);
        };
        let text = self.qualified_expression(expression)?;
        let planner = self.planner(Vec::new())?;
        let plan = self.policy_plan(&planner, table, &text, false).await?;
        let analysed = planner.analysed(plan.clone())?;
        if let Some(what) = fallible(&analysed)? {
            return Err(Error::Unsupported {
                what: format!("{what} in a policy, which may fail on a row that it hides, is not supported"),
                hint: Some(
                    "Policies compare columns as they are; what has to be computed may stand in a column of its own."
                        .to_owned(),
                ),
            });
        }
        // What cannot be carried out is refused now, and not to everybody who reads or writes.
        planner.physical(&plan).await?;
        if written {
            let plan = self.policy_plan(&planner, table, &text, true).await?;
            planner.physical(&plan).await?;
        }
        Ok(Some(text))
    }

    /// A policy's condition over the rows of its table, planned as what binds who acts: on rows that are read, or as a value beside
    /// each, as it is evaluated for rows that are written.
    async fn policy_plan(
        &self,
        planner: &Planner,
        table: &TableObject,
        text: &str,
        written: bool,
    ) -> Result<LogicalPlan> {
        let rows: Arc<dyn TableProvider> = self.work.open_table(table.oid).await?;
        let before = Before {
            using: (!written).then(|| format!("({text})")),
            ..Before::default()
        };
        let fields = rows.schema();
        let fields = fields.fields().iter();
        let mut shown: Vec<Shown> = fields
            .map(|field| Shown::of(table, field, &Before::default()))
            .collect();
        if written {
            shown.push(Shown {
                expression: format!("({text})"),
                field: Arc::new(Field::new("radlake.policy", DataType::Boolean, true)),
            });
        }
        Ok(planner.below(table, rows, shown, &before, None, 0).await?.plan)
    }

    /// Refuses a condition on rows that are written where it reads its own table: it is evaluated within the statement, which would
    /// never ask that policy of itself.
    pub(crate) async fn check_recursion(&self, table: &TableObject, checks: &[RowCheck]) -> Result<()> {
        let mut planner = None;
        for check in checks {
            let text = check.expression.to_ascii_uppercase();
            if !text.contains("SELECT") {
                continue;
            }
            let planner = match &planner {
                Some(planner) => planner,
                None => planner.insert(self.planner(Vec::new())?),
            };
            self.policy_plan(planner, table, &check.expression, false).await?;
        }
        Ok(())
    }

    /// ENABLE, DISABLE, FORCE and NO FORCE ROW LEVEL SECURITY, of tables of ingestion too; false for anything else.
    pub(crate) fn switch_row_security(
        &mut self,
        oid: u32,
        operation: &ast::AlterTableOperation,
    ) -> Result<bool> {
        use ast::AlterTableOperation as Op;
        let switch: fn(&mut RowSecurity) = match operation {
            Op::EnableRowLevelSecurity => |rows| rows.enabled = true,
            Op::DisableRowLevelSecurity => |rows| rows.enabled = false,
            Op::ForceRowLevelSecurity => |rows| rows.forced = true,
            Op::NoForceRowLevelSecurity => |rows| rows.forced = false,
            _ => return Ok(false),
        };
        let epoch = self.epoch()?;
        let table = epoch.table_by_oid(oid);
        let table = table.ok_or_else(|| Error::WrongObject("a view has no row security".to_owned()))?;
        let mut table = table.as_ref().clone();
        switch(&mut table.row_security);
        self.work.put_object(table)?;
        Ok(true)
    }

    /// Whether who acts owns the table of a policy.
    pub(crate) fn may_police(&self, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
        let table = match self.policed(name) {
            // The statement says so itself, or passes over it.
            Err(Error::UndefinedTable { .. } | Error::UndefinedSchema(_)) => return Ok(()),
            table => table?,
        };
        match subject.owns(table.owner) {
            true => Ok(()),
            false => Err(denied(format!("must be owner of table {}", table.name))),
        }
    }
}

/// Which clause a policy for a command may have.
fn check_clauses(command: &str, using: bool, check: bool) -> Result<()> {
    if check && (command == "SELECT" || command == "DELETE") {
        return Err(Error::syntax("WITH CHECK cannot be applied to SELECT or DELETE"));
    }
    if using && command == "INSERT" {
        return Err(Error::syntax("only WITH CHECK expression allowed for INSERT"));
    }
    Ok(())
}
