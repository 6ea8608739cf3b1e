//! From the startup packet to the first ReadyForQuery: SCRAM, the session, its parameters.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use pgwire::api::auth::sasl::scram::ScramSecret;
use pgwire::error::PgWireError;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};
use radlake::{Identity, Lakehouse, Session};
use sha2::Sha256;

use super::cancel::Entry;
use super::codec::put;
use super::doors::Slot;
use super::frontend::{Body, Frontend};
use super::sqlstate::{Fault, Report};
use super::watch::Interrupt;
use super::{Shared, Wire};

const SCRAM: &str = "SCRAM-SHA-256";
const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// What PostgreSQL 15 reports at the start and whenever it changes.
const REPORTED: [&str; 13] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// True if a change of the setting is reported to the client.
pub(crate) fn is_reported(name: &str) -> bool {
    REPORTED
        .iter()
        .any(|reported| reported.eq_ignore_ascii_case(name))
}

/// Appends a ParameterStatus message under the name's own spelling.
pub(crate) fn put_parameter(wire: &mut Wire, name: &str, value: &str) {
    let name = REPORTED
        .iter()
        .find(|reported| reported.eq_ignore_ascii_case(name))
        .copied()
        .unwrap_or(name);
    put(
        &ParameterStatus::new(name.to_owned(), value.to_owned()),
        wire.write_buffer_mut(),
    );
}

/// Logs the client in and starts its session. Nothing but the result of SCRAM opens one.
pub(crate) async fn start(
    wire: &mut Wire,
    startup: BTreeMap<String, String>,
    minor: u32,
    secure: bool,
    peer: SocketAddr,
    shared: &Shared,
) -> Result<(Session, Interrupt, Entry, Slot), Fault> {
    let Some(user) = startup.get("user").filter(|user| !user.is_empty()).cloned() else {
        return Err(Report::fatal("28000", "no PostgreSQL user name specified in startup packet").into());
    };
    let unknown: Vec<String> = startup
        .keys()
        .filter(|name| name.starts_with("_pq_."))
        .cloned()
        .collect();
    if minor > 0 || !unknown.is_empty() {
        put(
            &NegotiateProtocolVersion::new(0, unknown),
            wire.write_buffer_mut(),
        );
    }
    authenticate(wire, &user, secure, shared).await?;
    let database = startup
        .get("database")
        .filter(|name| !name.is_empty())
        .unwrap_or(&user);
    if !shared.lakehouse.has_database(database) {
        return Err(
            Report::fatal("3D000", format!("database \"{database}\" does not exist"))
                .hint(format!(
                    "This lake is the database \"{}\".",
                    shared.lakehouse.database()
                ))
                .into(),
        );
    }
    let entry = shared
        .registry
        .reserve()
        .map_err(|error| Report::fatal("58000", error.to_string()))?;
    let identity = Identity::role(&user).with_pid(entry.pid).with_client(peer);
    let session = open_session(shared, identity, &startup).await?;
    // Not before the client has proved who it is: strangers keep nobody out.
    let superuser = session
        .setting("is_superuser")
        .is_some_and(|superuser| superuser == "on");
    let slot = shared.doors.admit(superuser)?;
    let (handle, interrupt) = (session.cancel_handle(), Interrupt::default());
    let fire = interrupt.clone();
    let stop = interrupt.clone();
    session.when_stopped(move || stop.fire());
    entry.attach(Arc::new(move || {
        handle.cancel();
        fire.fire();
    }));

    wire.codec_mut().trusted = true;
    put(&Authentication::Ok, wire.write_buffer_mut());
    // What the startup packet changed is told below, with everything else.
    let _ = session.drain_parameter_changes();
    for name in REPORTED {
        if let Some(value) = session.setting(name) {
            put_parameter(wire, name, &value);
        }
    }
    put(
        &BackendKeyData::new(entry.pid, SecretKey::I32(entry.secret)),
        wire.write_buffer_mut(),
    );
    Ok((session, interrupt, entry, slot))
}

/// A session with the settings of the startup packet.
async fn open_session(
    shared: &Shared,
    identity: Identity,
    startup: &BTreeMap<String, String>,
) -> Result<Session, Fault> {
    let fatal = |error: radlake::Error| Fault::from(Report::from(&error).into_fatal());
    let session = shared.lakehouse.session(identity).await.map_err(fatal)?;
    let limits = shared.doors.limits();
    for (name, value) in [
        ("max_connections", limits.sessions),
        ("superuser_reserved_connections", limits.reserved),
    ] {
        session.declare(name, &value.to_string()).map_err(fatal)?;
    }
    for (name, value) in startup {
        match name.as_str() {
            "user" | "database" => {}
            "replication" => {
                if !matches!(value.as_str(), "false" | "off" | "no" | "0") {
                    return Err(Report::fatal("0A000", "replication connections are not supported").into());
                }
            }
            "options" => {
                for (name, value) in options(value).map_err(|reason| Report::fatal("22023", reason))? {
                    session.set(&name, &value).map_err(fatal)?;
                }
            }
            name if name.starts_with("_pq_.") => {}
            // As PostgreSQL, which ignores everything but letters and digits: asyncpg puts quotes around it.
            "client_encoding" => {
                let name: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
                session.set("client_encoding", &name).map_err(fatal)?;
            }
            name => session.set(name, value).map_err(fatal)?,
        }
    }
    Ok(session)
}

/// libpq's `options`: `-c name=value`, `-cname=value` and `--name=value`, with `\` before a space that belongs to a value.
fn options(text: &str) -> Result<Vec<(String, String)>, String> {
    let (mut words, mut word, mut escaped) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        match character {
            '\\' if !escaped => escaped = true,
            space if space.is_whitespace() && !escaped => {
                words.push(std::mem::take(&mut word));
            }
            other => {
                word.push(other);
                escaped = false;
            }
        }
    }
    words.push(word);
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let assignment = if word == "-c" {
            words.next().unwrap_or_default()
        } else if let Some(rest) = word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            rest.to_owned()
        } else {
            return Err(format!(
                "invalid command-line argument for server process: {word}"
            ));
        };
        let (name, value) = assignment
            .split_once('=')
            .ok_or_else(|| format!("-c {assignment} requires a value"))?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

/// SCRAM-SHA-256, bound to the certificate under TLS. A role that does not exist, or may not log in, goes through
/// the same exchange with a verifier that nobody has the password of, so that it cannot be told from a wrong password.
async fn authenticate(wire: &mut Wire, user: &str, secure: bool, shared: &Shared) -> Result<(), Fault> {
    let binding = shared
        .tls
        .as_ref()
        .filter(|_| secure)
        .and_then(|tls| tls.binding.clone());
    let mut offered = vec![SCRAM.to_owned()];
    if binding.is_some() {
        offered.insert(0, SCRAM_PLUS.to_owned());
    }
    put(&Authentication::SASL(offered.clone()), wire.write_buffer_mut());
    flush(wire).await?;

    let malformed = |_| Fault::from(Report::fatal("08P01", "malformed SCRAM message"));
    let mut body = Body(password_message(wire).await?);
    let mechanism = body.text().map_err(malformed)?;
    let length = usize::try_from(body.i32().map_err(malformed)?).unwrap_or(usize::MAX);
    let client_first = body.take(length).map_err(malformed)?;
    if !offered.contains(&mechanism) {
        return Err(Report::fatal(
            "08P01",
            "client selected an invalid SASL authentication mechanism",
        )
        .into());
    }
    // A client that binds must say so by the mechanism, and the other way round.
    if client_first.starts_with(b"p=") != (mechanism == SCRAM_PLUS) {
        return Err(Report::fatal(
            "08P01",
            "malformed SCRAM message: channel binding does not fit the mechanism",
        )
        .into());
    }
    let known = shared
        .lakehouse
        .scram_verifier(user)
        .await
        .map_err(|e| Report::from(&e).into_fatal())?;
    let secret = match known {
        Some(verifier) => ScramSecret::Verifier {
            salt: verifier.salt,
            iterations: verifier.iterations as usize,
            stored_key: verifier.stored_key,
            server_key: verifier.server_key,
        },
        None => shared.mock.secret(user),
    };
    let failed = || {
        Report::fatal(
            "28P01",
            format!("password authentication failed for user \"{user}\""),
        )
    };
    let fault = |error: PgWireError| match error {
        PgWireError::InvalidPassword(_) => Fault::from(failed()),
        other => Fault::from(Report::fatal(
            "08P01",
            format!("malformed SCRAM message: {other}"),
        )),
    };
    let (server_first, exchange) = binding
        .unwrap_or_default()
        .on_client_first_message_with_secret(&client_first, secret)
        .map_err(fault)?;
    put(
        &Authentication::SASLContinue(server_first.into()),
        wire.write_buffer_mut(),
    );
    flush(wire).await?;
    let client_final = password_message(wire).await?;
    let server_final = exchange.on_client_final_message(&client_final).map_err(fault)?;
    put(
        &Authentication::SASLFinal(server_final.into()),
        wire.write_buffer_mut(),
    );
    Ok(())
}

async fn password_message(wire: &mut Wire) -> Result<Bytes, Fault> {
    match wire.next().await {
        None => Err(Fault::Gone),
        Some(Ok((_, Ok(Frontend::Password(body))))) => Ok(body),
        Some(Ok((kind, _))) => Err(Report::fatal(
            "08P01",
            format!("expected SASL response, got message type {}", kind),
        )
        .into()),
        Some(Err(error)) => Err(error.into()),
    }
}

async fn flush(wire: &mut Wire) -> Result<(), Fault> {
    SinkExt::<PgWireBackendMessage>::flush(wire)
        .await
        .map_err(Fault::from)
}

/// Verifiers for roles that do not exist.
pub(crate) struct Mock {
    key: Vec<u8>,
    iterations: usize,
}

impl Mock {
    /// The key comes from the superuser's stored key, so that the salts survive a restart as a real role's does.
    pub(crate) async fn new(lakehouse: &Lakehouse) -> Result<Self, radlake::Error> {
        let (key, iterations) = match lakehouse.scram_verifier(radlake::SUPERUSER).await? {
            Some(verifier) => (verifier.stored_key, verifier.iterations as usize),
            None => {
                let mut key = vec![0u8; 32];
                // Without randomness the salts of unknown roles can be computed; logins still cannot succeed.
                if let Err(error) = getrandom::fill(&mut key) {
                    tracing::warn!(%error, "no random numbers for mock salts");
                }
                (key, 4096)
            }
        };
        Ok(Self { key, iterations })
    }

    fn derive(&self, purpose: &str, user: &str) -> Vec<u8> {
        match Hmac::<Sha256>::new_from_slice(&self.key) {
            Ok(mut mac) => {
                mac.update(purpose.as_bytes());
                mac.update(b"\0");
                mac.update(user.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            // HMAC takes keys of every length.
            Err(_) => vec![0; 32],
        }
    }

    /// A secret that no password has: its stored key is no hash of anything known.
    fn secret(&self, user: &str) -> ScramSecret {
        let mut salt = self.derive("radlake mock salt", user);
        salt.truncate(16);
        ScramSecret::Verifier {
            salt,
            iterations: self.iterations,
            stored_key: self.derive("radlake mock stored key", user),
            server_key: self.derive("radlake mock server key", user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_libpq_writes_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            options(r"-c statement_timeout=5s --search-path=a,\ b  -cTimeZone=UTC"),
            Ok(vec![
                pair("statement_timeout", "5s"),
                pair("search_path", "a, b"),
                pair("TimeZone", "UTC")
            ])
        );
        assert!(options("-x").is_err());
        assert!(options("-c novalue").is_err());
    }

    #[test]
    fn unknown_roles_keep_their_salt() {
        let mock = |key: u8| Mock {
            key: vec![key; 32],
            iterations: 4096,
        };
        let salt = |secret| match secret {
            ScramSecret::Verifier { salt, .. } => salt,
            ScramSecret::SaltedPassword { salt, .. } => salt,
        };
        assert_eq!(salt(mock(1).secret("nobody")), salt(mock(1).secret("nobody")));
        assert_ne!(salt(mock(1).secret("nobody")), salt(mock(1).secret("somebody")));
        assert_ne!(salt(mock(1).secret("nobody")), salt(mock(2).secret("nobody")));
        assert_eq!(salt(mock(1).secret("nobody")).len(), 16);
    }
}
