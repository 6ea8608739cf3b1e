//! A session's settings: what is declared, what is set for the session, what only until the transaction ends.

mod declared;
mod styles;
mod value;
mod zones;

use std::collections::BTreeMap;

use radlake_udfs::datetime::read::Problem;

use crate::pg_catalog::Setting;
use crate::{Error, Result};

pub(crate) use declared::{Declared, declared};
pub(crate) use value::{Kind, milliseconds, search_path};
pub(crate) use zones::arrow_name as zone_name;

/// What was set at a savepoint: for the session, and until the transaction's end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    session: BTreeMap<String, String>,
    local: BTreeMap<String, String>,
}

/// Settings of a session.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Defaults that differ from the declared ones: the lake's, and what the session began with.
    defaults: BTreeMap<String, String>,
    /// SET.
    session: BTreeMap<String, String>,
    /// SET LOCAL.
    local: BTreeMap<String, String>,
    /// What `session` was when the transaction began.
    before: Option<BTreeMap<String, String>>,
    /// Names whose value in force has changed since they were last asked for.
    changed: Vec<String>,
    /// Counts changes, so that what was made from settings is known to be stale.
    version: u64,
}

impl Settings {
    /// Settings of a role's session; `lake` holds the defaults of the whole lake.
    pub(crate) fn new(role: &str, superuser: bool, lake: &BTreeMap<String, String>) -> Self {
        let mut defaults: BTreeMap<String, String> = lake
            .iter()
            .filter_map(|(name, value)| {
                let setting = declared(name).filter(|setting| setting.settable())?;
                Some((
                    setting.name.to_ascii_lowercase(),
                    setting.kind.normalise(value).ok()?,
                ))
            })
            .collect();
        defaults.insert("session_authorization".to_owned(), role.to_owned());
        defaults.insert(
            "is_superuser".to_owned(),
            if superuser { "on" } else { "off" }.to_owned(),
        );
        Self {
            defaults,
            ..Self::default()
        }
    }

    /// The value in force; `None` if there is no such setting.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let key = name.to_ascii_lowercase();
        let set = self
            .local
            .get(&key)
            .or_else(|| self.session.get(&key))
            .or_else(|| self.defaults.get(&key));
        set.cloned()
            .or_else(|| declared(&key).map(|setting| setting.default.to_owned()))
    }

    /// The value in force as milliseconds; 0 if there is none.
    pub(crate) fn milliseconds(&self, name: &str) -> u64 {
        self.get(name).and_then(|value| milliseconds(&value)).unwrap_or(0)
    }

    /// Counts changes.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Sets a value, or with `None` takes it back to the default. Returns the value in force.
    ///
    /// # Errors
    /// [`Error::UndefinedSetting`], [`Error::FixedSetting`], [`Error::InvalidSetting`].
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        let key = name.to_ascii_lowercase();
        let value = match (declared(&key), value) {
            (Some(setting), _) if !setting.settable() => {
                return Err(Error::FixedSetting(setting.name.to_owned()));
            }
            (Some(setting), Some(value)) => Some(self.normal(setting, value)?),
            (Some(_), None) => None,
            (None, value) => {
                customisable(&key)?;
                value.map(str::to_owned)
            }
        };
        self.change(&key, |settings| {
            let target = if local {
                &mut settings.local
            } else {
                &mut settings.session
            };
            match value {
                Some(value) => {
                    target.insert(key.clone(), value);
                }
                None => {
                    target.remove(&key);
                }
            }
            if !local {
                settings.local.remove(&key);
            }
        });
        Ok(self.get(&key).unwrap_or_default())
    }

    /// The value of a setting that only the server decides.
    ///
    /// # Errors
    /// [`Error::UndefinedSetting`] if sessions can set it, or it is none.
    pub(crate) fn declare(&mut self, name: &str, value: &str) -> Result<()> {
        match declared(name).filter(|setting| !setting.settable()) {
            Some(setting) => {
                self.defaults
                    .insert(setting.name.to_ascii_lowercase(), value.to_owned());
                Ok(())
            }
            None => Err(Error::UndefinedSetting(name.to_owned())),
        }
    }

    /// A value as it is kept and shown.
    fn normal(&self, setting: &Declared, value: &str) -> Result<String> {
        let invalid = |hint| Error::InvalidSetting {
            name: setting.name.to_owned(),
            value: value.chars().take(100).collect(),
            hint,
        };
        match setting.kind {
            Kind::DateStyle => {
                let default = self
                    .defaults
                    .get("datestyle")
                    .map_or(setting.default, String::as_str);
                let current = self.get(setting.name).unwrap_or_default();
                styles::normalise(value, &current, default).map_err(|refusal| match refusal {
                    styles::Refusal::Invalid(hint) => invalid(hint),
                    styles::Refusal::Style => Error::Unsupported {
                        what: "DateStyle with another output than ISO".to_owned(),
                        hint: Some(
                            "SET DateStyle = 'ISO, DMY' sets the order in which dates are read; to_char writes \
                             them in any form."
                                .to_owned(),
                        ),
                    },
                })
            }
            Kind::Zone => zones::normalise(value)
                .map(|(_, shown)| shown)
                .map_err(|problem| match problem {
                    Problem::Unsupported(what) => Error::unsupported(what),
                    _ => invalid(None),
                }),
            kind => kind.normalise(value).map_err(invalid),
        }
    }

    /// `RESET ALL`.
    pub(crate) fn reset_all(&mut self) {
        self.change_all(|settings| {
            // As in PostgreSQL, who acts stays.
            let acting = |name: &str| matches!(name, "role" | "session_authorization");
            settings.session.retain(|name, _| acting(name));
            settings.local.retain(|name, _| acting(name));
        });
    }

    /// A transaction begins.
    pub(crate) fn begin(&mut self) {
        self.before = Some(self.session.clone());
    }

    /// The transaction has ended: SET LOCAL ends too, and SET if it was rolled back.
    pub(crate) fn end(&mut self, committed: bool) {
        let before = self.before.take();
        self.change_all(|settings| {
            settings.local.clear();
            if let Some(before) = before.filter(|_| !committed) {
                settings.session = before;
            }
        });
    }

    /// What is set now, to come back to.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            session: self.session.clone(),
            local: self.local.clone(),
        }
    }

    /// Ends all that was set since a savepoint.
    pub(crate) fn roll_back_to(&mut self, snapshot: Snapshot) {
        self.change_all(|settings| {
            settings.session = snapshot.session;
            settings.local = snapshot.local;
        });
    }

    /// Names and values that have changed since the last call.
    pub(crate) fn drain_changes(&mut self) -> Vec<(String, String)> {
        let names = std::mem::take(&mut self.changed);
        let named = |key: String| {
            let value = self.get(&key)?;
            Some((
                declared(&key).map_or(key, |setting| setting.name.to_owned()),
                value,
            ))
        };
        names.into_iter().filter_map(named).collect()
    }

    /// All settings, sorted by name without regard to case.
    pub(crate) fn list(&self) -> Vec<Setting> {
        let custom = self
            .session
            .keys()
            .chain(self.local.keys())
            .filter(|key| declared(key).is_none());
        let custom = custom.map(|key| Setting {
            name: key.clone(),
            value: self.get(key).unwrap_or_default(),
            default: String::new(),
            unit: None,
            category: "Customized Options",
            description: "",
            context: "user",
            vartype: "string",
        });
        let mut all: Vec<Setting> = declared::all()
            .iter()
            .map(|setting| self.describe(setting))
            .chain(custom)
            .collect();
        all.sort_by_key(|setting| setting.name.to_ascii_lowercase());
        all.dedup_by(|a, b| a.name.eq_ignore_ascii_case(&b.name));
        all
    }

    fn describe(&self, setting: &Declared) -> Setting {
        let default = self.defaults.get(&setting.name.to_ascii_lowercase());
        Setting {
            name: setting.name.to_owned(),
            value: self.get(setting.name).unwrap_or_default(),
            default: default.map_or_else(|| setting.default.to_owned(), String::clone),
            unit: setting.kind.unit(),
            category: setting.category,
            description: setting.description,
            context: setting.context,
            vartype: setting.kind.vartype(),
        }
    }

    fn change(&mut self, key: &str, change: impl FnOnce(&mut Self)) {
        let before = self.get(key);
        change(self);
        if self.get(key) != before {
            self.note(key.to_owned());
        }
    }

    fn change_all(&mut self, change: impl FnOnce(&mut Self)) {
        let keys: Vec<String> = self.session.keys().chain(self.local.keys()).cloned().collect();
        let before: Vec<(String, Option<String>)> = keys
            .into_iter()
            .map(|key| (self.get(&key), key))
            .map(|(value, key)| (key, value))
            .collect();
        change(self);
        let known = |key: &String| before.iter().any(|(known, _)| known == key);
        let new: Vec<String> = self
            .session
            .keys()
            .chain(self.local.keys())
            .filter(|key| !known(key))
            .cloned()
            .collect();
        for key in new {
            self.note(key);
        }
        for (key, value) in before {
            if self.get(&key) != value {
                self.note(key);
            }
        }
    }

    fn note(&mut self, key: String) {
        self.version += 1;
        if !self.changed.contains(&key) {
            self.changed.push(key);
        }
    }
}

/// A setting that nobody declared: PostgreSQL lets clients keep values under names with a dot.
fn customisable(key: &str) -> Result<()> {
    let parts: Vec<&str> = key.split('.').collect();
    let word = |part: &&str| {
        part.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    };
    // The query engine's own options could open files or switch protections off.
    let reserved = matches!(parts.first(), Some(&("datafusion" | "radlake")));
    if parts.len() < 2 || reserved || !parts.iter().all(word) {
        return Err(Error::UndefinedSetting(key.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new("radlake", true, &BTreeMap::new())
    }

    #[test]
    fn what_the_server_decides_only_it_says() {
        let mut s = settings();
        s.declare("max_connections", "5").unwrap();
        assert_eq!(s.get("MAX_CONNECTIONS").as_deref(), Some("5"));
        assert!(matches!(
            s.set("max_connections", Some("6"), false),
            Err(Error::FixedSetting(_))
        ));
        assert!(s.declare("work_mem", "1GB").is_err());
    }

    #[test]
    fn settings_have_no_case_and_remember_their_default() {
        let mut s = settings();
        assert_eq!(s.get("timezone").as_deref(), Some("UTC"));
        assert_eq!(
            s.set("TIMEZONE", Some("europe/berlin"), false).unwrap(),
            "Europe/Berlin"
        );
        assert_eq!(s.get("TimeZone").as_deref(), Some("Europe/Berlin"));
        assert_eq!(
            s.drain_changes(),
            [("TimeZone".to_owned(), "Europe/Berlin".to_owned())]
        );
        assert!(s.drain_changes().is_empty());
        s.reset_all();
        assert_eq!(s.drain_changes(), [("TimeZone".to_owned(), "UTC".to_owned())]);
        assert_eq!(s.get("no_such_setting"), None);
        assert_eq!(s.get("session_authorization").as_deref(), Some("radlake"));
    }

    #[test]
    fn local_values_end_with_the_transaction_and_others_with_its_rollback() {
        let mut s = settings();
        s.begin();
        s.set("application_name", Some("a"), false).unwrap();
        s.set("application_name", Some("b"), true).unwrap();
        assert_eq!(s.get("application_name").as_deref(), Some("b"));
        s.end(true);
        assert_eq!(s.get("application_name").as_deref(), Some("a"));
        s.begin();
        s.set("application_name", Some("c"), false).unwrap();
        s.end(false);
        assert_eq!(s.get("application_name").as_deref(), Some("a"));
    }

    #[test]
    fn what_was_set_since_a_savepoint_ends_with_it() {
        let mut settings = settings();
        settings.begin();
        settings.set("application_name", Some("a"), false).unwrap();
        let kept = settings.snapshot();
        settings.set("application_name", Some("b"), true).unwrap();
        settings.set("role", Some("nurse"), true).unwrap();
        let version = settings.version();
        settings.roll_back_to(kept.clone());
        assert!(settings.version() > version);
        assert_eq!(settings.get("application_name").as_deref(), Some("a"));
        assert_eq!(settings.get("role").unwrap(), "none");
        settings.set("application_name", None, false).unwrap();
        settings.roll_back_to(kept);
        assert_eq!(settings.get("application_name").as_deref(), Some("a"));
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        let mut s = settings();
        let mut set = |name: &str, value: &str| s.set(name, Some(value), false);
        assert!(matches!(set("nonsense", "1"), Err(Error::UndefinedSetting(_))));
        assert!(matches!(
            set("datafusion.execution.batch_size", "1"),
            Err(Error::UndefinedSetting(_))
        ));
        assert!(matches!(
            set("radlake.nonsense", "1"),
            Err(Error::UndefinedSetting(_))
        ));
        assert!(matches!(set("server_version", "16"), Err(Error::FixedSetting(_))));
        assert!(matches!(
            set("TimeZone", "Nowhere/Land"),
            Err(Error::InvalidSetting { .. })
        ));
        assert!(matches!(
            set("statement_timeout", "x"),
            Err(Error::InvalidSetting { .. })
        ));
        assert!(matches!(
            set("client_encoding", "LATIN1"),
            Err(Error::InvalidSetting { .. })
        ));
        assert_eq!(set("app.user", "7").unwrap(), "7");
        assert_eq!(set("statement_timeout", "2s").unwrap(), "2s");
        assert_eq!(set("statement_timeout", "1500").unwrap(), "1500ms");
        assert_eq!(set("statement_timeout", "60000").unwrap(), "1min");
        assert_eq!(set("row_security", "TRUE").unwrap(), "on");
        assert_eq!(
            set("search_path", "imaging, 'A b', \"$user\"").unwrap(),
            "imaging, \"A b\", \"$user\""
        );
        assert!(matches!(
            set("DateStyle", "german, dmy"),
            Err(Error::Unsupported { .. })
        ));
        assert_eq!(set("DateStyle", "dmy").unwrap(), "ISO, DMY");
        assert_eq!(set("DateStyle", "iso").unwrap(), "ISO, DMY");
        assert_eq!(set("TimeZone", "-3.5").unwrap(), "<-03:30>+03:30");
    }
}
