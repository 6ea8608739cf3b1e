//! Every setting: name, default, what it takes, what it is for. A new setting is one line here.

use super::value::Kind;
use crate::pg_catalog::POSTGRESQL_VERSION;

/// A setting that exists.
#[derive(Debug)]
pub(crate) struct Declared {
    /// As PostgreSQL spells it.
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) kind: Kind,
    pub(crate) category: &'static str,
    pub(crate) context: &'static str,
    pub(crate) description: &'static str,
}

impl Declared {
    /// False for what only the server decides.
    pub(crate) fn settable(&self) -> bool {
        !matches!(self.context, "internal" | "postmaster")
    }
}

const STATEMENT: &str = "Client Connection Defaults / Statement Behavior";
const LOCALE: &str = "Client Connection Defaults / Locale and Formatting";
const COMPATIBLE: &str = "Version and Platform Compatibility";
const CONNECTIONS: &str = "Connections and Authentication / Connection Settings";
const PRESET: &str = "Preset Options";
const ROLES: &str = "Client Connection Defaults / Statement Behavior";
const LOGGING: &str = "Reporting and Logging / What to Log";
const RADLAKE: &str = "Radlake";

const fn user(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    category: &'static str,
    description: &'static str,
) -> Declared {
    Declared {
        name,
        default,
        kind,
        category,
        context: "user",
        description,
    }
}

const fn internal(name: &'static str, default: &'static str, description: &'static str) -> Declared {
    Declared {
        name,
        default,
        kind: Kind::Text,
        category: PRESET,
        context: "internal",
        description,
    }
}

/// What the server's command line says.
const fn postmaster(name: &'static str, default: &'static str, description: &'static str) -> Declared {
    Declared {
        name,
        default,
        kind: Kind::Integer(0, 262_143),
        category: CONNECTIONS,
        context: "postmaster",
        description,
    }
}

const ISOLATION: Kind = Kind::Enum(&[
    "read committed",
    "repeatable read",
    "serializable",
    "read uncommitted",
]);

static DECLARED: &[Declared] = &[
    user(
        "application_name",
        "",
        Kind::Name,
        LOGGING,
        "Name of the client's program, shown in pg_stat_activity.",
    ),
    user(
        "bytea_output",
        "hex",
        Kind::Enum(&["hex", "escape"]),
        LOCALE,
        "Output format of bytea.",
    ),
    user(
        "client_encoding",
        "UTF8",
        Kind::Encoding,
        LOCALE,
        "The client's character set; only UTF8.",
    ),
    user(
        "client_min_messages",
        "notice",
        Kind::Enum(&[
            "notice", "debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "warning", "error",
        ]),
        STATEMENT,
        "Least severe messages that are sent to the client.",
    ),
    user(
        "DateStyle",
        "ISO, MDY",
        Kind::DateStyle,
        LOCALE,
        "Order of day and month in ambiguous dates; output is ISO.",
    ),
    user(
        "default_transaction_deferrable",
        "off",
        Kind::Bool,
        STATEMENT,
        "No effect: reads never wait here.",
    ),
    user(
        "default_transaction_isolation",
        "read committed",
        ISOLATION,
        STATEMENT,
        "Isolation level of new transactions.",
    ),
    user(
        "default_transaction_read_only",
        "off",
        Kind::Bool,
        STATEMENT,
        "Whether new transactions are read-only.",
    ),
    user(
        "escape_string_warning",
        "on",
        Kind::Bool,
        COMPATIBLE,
        "No effect.",
    ),
    user(
        "extra_float_digits",
        "1",
        Kind::Integer(-15, 3),
        LOCALE,
        "Digits of floating-point output; above 0: shortest exact.",
    ),
    user(
        "idle_in_transaction_session_timeout",
        "0",
        Kind::Milliseconds,
        STATEMENT,
        "Ends sessions idle in a transaction.",
    ),
    user(
        "idle_session_timeout",
        "0",
        Kind::Milliseconds,
        STATEMENT,
        "Ends sessions that are idle.",
    ),
    internal("in_hot_standby", "off", "Whether the server is a standby: never."),
    user(
        "IntervalStyle",
        "postgres",
        Kind::Enum(&["postgres"]),
        LOCALE,
        "Output format of intervals.",
    ),
    internal(
        "is_superuser",
        "off",
        "Whether the session's role is a superuser.",
    ),
    user(
        "lc_messages",
        "C",
        Kind::Text,
        LOCALE,
        "Language of messages: English.",
    ),
    user("lc_monetary", "C", Kind::Text, LOCALE, "No effect."),
    user("lc_numeric", "C", Kind::Text, LOCALE, "No effect."),
    user("lc_time", "C", Kind::Text, LOCALE, "No effect."),
    user(
        "lock_timeout",
        "0",
        Kind::Milliseconds,
        STATEMENT,
        "Longest wait for a lock.",
    ),
    postmaster("max_connections", "100", "Sessions at a time."),
    user(
        "radlake.epoch",
        "",
        Kind::Epoch,
        RADLAKE,
        "Epoch that statements read; empty: the newest.",
    ),
    user(
        "radlake.retention",
        "7d",
        Kind::Milliseconds,
        RADLAKE,
        "Epochs younger than this stay readable when radlake.vacuum() is called.",
    ),
    user(
        "radlake.roi_margin",
        "1",
        Kind::Margin,
        RADLAKE,
        "Voxels that a roi of imaging.regions shows around its segment, or whole: all of the image.",
    ),
    user(
        "row_security",
        "on",
        Kind::Bool,
        STATEMENT,
        "Off: a query that policies would filter fails instead.",
    ),
    user(
        "search_path",
        "\"$user\", public",
        Kind::Names,
        STATEMENT,
        "Schemas searched for names without a schema.",
    ),
    internal("server_encoding", "UTF8", "The server's character set."),
    internal(
        "server_version",
        POSTGRESQL_VERSION,
        "Version of PostgreSQL that clients can count on.",
    ),
    user(
        "role",
        "none",
        Kind::Text,
        ROLES,
        "Role whose rights statements have; set by SET ROLE.",
    ),
    user(
        "session_authorization",
        "",
        Kind::Text,
        ROLES,
        "Role that opened the session, or that SET SESSION AUTHORIZATION named.",
    ),
    user(
        "standard_conforming_strings",
        "on",
        Kind::Enum(&["on"]),
        COMPATIBLE,
        "Backslashes are ordinary in '…' strings.",
    ),
    user(
        "statement_timeout",
        "0",
        Kind::Milliseconds,
        STATEMENT,
        "Longest run of a statement, its rows' way to the client included.",
    ),
    postmaster(
        "superuser_reserved_connections",
        "3",
        "Sessions that only superusers get.",
    ),
    user(
        "TimeZone",
        "UTC",
        Kind::Zone,
        LOCALE,
        "Time zone of timestamptz input and output.",
    ),
    user(
        "transaction_deferrable",
        "off",
        Kind::Bool,
        STATEMENT,
        "No effect: reads never wait here.",
    ),
    user(
        "transaction_isolation",
        "read committed",
        ISOLATION,
        STATEMENT,
        "Isolation level of the transaction.",
    ),
    user(
        "transaction_read_only",
        "off",
        Kind::Bool,
        STATEMENT,
        "Whether the transaction is read-only.",
    ),
    user(
        "work_mem",
        "4MB",
        Kind::Text,
        "Resource Usage / Memory",
        "No effect: statements share one pool and spill.",
    ),
];

/// A setting by name, in any case.
pub(crate) fn declared(name: &str) -> Option<&'static Declared> {
    DECLARED
        .iter()
        .find(|setting| setting.name.eq_ignore_ascii_case(name))
}

/// All of them.
pub(crate) fn all() -> &'static [Declared] {
    DECLARED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_that_the_setting_takes() {
        for setting in all() {
            let normal = setting.kind.normalise(setting.default);
            assert_eq!(normal.as_deref(), Ok(setting.default), "{}", setting.name);
            assert!(!setting.description.is_empty(), "{}", setting.name);
        }
    }
}
