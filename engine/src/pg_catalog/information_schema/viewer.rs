//! Who asks `information_schema`, which shows to each what he has some right to.

use crate::pg_catalog::acl::{ON_RELATION, ON_SEQUENCE};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::function::Function;
use crate::pg_catalog::model::{Model, Namespace, Relation};
use crate::policy::{FUNCTIONS_OWNER, Privilege, Rights, Subject, Verdict, decide, everybodys};

/// The rights that columns have too.
pub(super) const OF_COLUMNS: [Privilege; 4] = [
    Privilege::Select,
    Privilege::Insert,
    Privilege::Update,
    Privilege::References,
];

/// The objects, and the role that asks.
pub(crate) struct Viewer<'m> {
    pub(super) model: &'m Model,
    /// `None` is a superuser, who is every role.
    subject: Option<Subject>,
}

/// Which columns of a relation somebody has some right to.
pub(super) struct Columns {
    all: bool,
    some: Vec<Verdict>,
}

impl Columns {
    pub(super) fn contains(&self, column: &str) -> bool {
        self.all || self.some.iter().any(|verdict| verdict.covers([column]))
    }
}

impl<'m> Viewer<'m> {
    /// A superuser.
    pub(crate) fn of_all(model: &'m Model) -> Self {
        Self { model, subject: None }
    }

    /// The role that acts in a session; a role that is gone sees what everybody sees.
    pub(crate) fn of(context: &'m Context) -> Self {
        let model = context.model();
        let role = context.session.current_role();
        let subject = match model.role_named(&role) {
            Some(role) if role.superuser => None,
            Some(role) => Some(model.subject(role)),
            None => Some(Subject::with_roles(
                &role,
                0,
                false,
                std::collections::BTreeSet::new(),
            )),
        };
        Self { model, subject }
    }

    /// Whether he has the rights of a role.
    pub(super) fn is(&self, role: u32) -> bool {
        self.subject.as_ref().is_none_or(|subject| subject.owns(role))
    }

    /// Whether he has some right to a relation, or to a column of it.
    pub(super) fn sees(&self, relation: &Relation) -> bool {
        let Some(subject) = &self.subject else {
            return true;
        };
        let rights = Rights::new(relation.owner, &relation.grants, None);
        let known = if relation.kind == "S" {
            ON_SEQUENCE
        } else {
            ON_RELATION
        };
        let mut verdicts = known.iter().map(|privilege| decide(subject, rights, *privilege));
        subject.owns(relation.owner) || verdicts.any(|verdict| verdict != Verdict::Nothing)
    }

    /// The columns of a relation that he has some right to.
    pub(super) fn columns(&self, relation: &Relation) -> Columns {
        let Some(subject) = &self.subject else {
            return Columns {
                all: true,
                some: Vec::new(),
            };
        };
        let rights = Rights::new(relation.owner, &relation.grants, None);
        Columns {
            all: subject.owns(relation.owner),
            some: OF_COLUMNS
                .map(|privilege| decide(subject, rights, privilege))
                .into(),
        }
    }

    /// Whether he has some right to a schema.
    pub(super) fn uses(&self, namespace: &Namespace) -> bool {
        let Some(subject) = &self.subject else {
            return true;
        };
        let rights = Rights::new(namespace.owner, &namespace.grants, None);
        let mut verdicts = [Privilege::Usage, Privilege::Create]
            .into_iter()
            .map(|privilege| decide(subject, rights, privilege));
        subject.owns(namespace.owner) || verdicts.any(|verdict| verdict == Verdict::Everything)
    }

    /// Whether he may call a function of ours.
    pub(super) fn calls(&self, function: &Function) -> bool {
        let Some(subject) = &self.subject else {
            return true;
        };
        let grants = function.grants.clone().unwrap_or_else(everybodys);
        decide(
            subject,
            Rights::new(FUNCTIONS_OWNER, &grants, None),
            Privilege::Execute,
        ) == Verdict::Everything
    }
}
