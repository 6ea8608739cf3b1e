//! SCRAM-SHA-256 verifiers (RFC 5802, 5803, 7677), in PostgreSQL's text form.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// What PostgreSQL uses.
const ITERATIONS: u32 = 4096;
const SALT: usize = 16;
const MECHANISM: &str = "SCRAM-SHA-256";

/// What is kept of a password: enough to check it, not enough to log in with.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    /// Random, new for each password.
    pub salt: Vec<u8>,
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// SHA-256 of the client's key.
    pub stored_key: Vec<u8>,
    /// The server's key, by which it proves that it knows the verifier.
    pub server_key: Vec<u8>,
}

impl ScramVerifier {
    /// The verifier of a password, with a new salt.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an empty password, [`Error::Internal`] if the system has no random numbers.
    pub fn new(password: &str) -> Result<Self> {
        if password.is_empty() {
            return Err(Error::InvalidParameter(
                "the password is empty: choose another".to_owned(),
            ));
        }
        let mut salt = vec![0; SALT];
        getrandom::fill(&mut salt).map_err(|error| Error::internal(format!("no random numbers: {error}")))?;
        Ok(Self::derive(password, salt, ITERATIONS))
    }

    fn derive(password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        // As PostgreSQL does it: what SASLprep forbids is taken as it is.
        let prepared =
            stringprep::saslprep(password).map_or_else(|_| password.to_owned(), |text| text.into_owned());
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), &salt, iterations, &mut salted);
        let client_key = sign(&salted, b"Client Key");
        let server_key = sign(&salted, b"Server Key");
        Self {
            salt,
            iterations,
            stored_key: Sha256::digest(&client_key).to_vec(),
            server_key,
        }
    }

    /// True if it is the verifier of this password.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        let other = Self::derive(password, self.salt.clone(), self.iterations);
        // Without telling by its duration how much was right.
        let differences = self
            .stored_key
            .iter()
            .zip(&other.stored_key)
            .fold(0, |all, (a, b)| all | (a ^ b));
        self.stored_key.len() == other.stored_key.len() && differences == 0
    }
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        // HMAC takes keys of every length.
        Err(_) => Vec::new(),
    }
}

impl fmt::Display for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored, server] =
            [&self.salt, &self.stored_key, &self.server_key].map(|part| STANDARD.encode(part));
        write!(f, "{MECHANISM}${}:{salt}${stored}:{server}", self.iterations)
    }
}

/// Keeps keys out of logs.
impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl FromStr for ScramVerifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let mut parts = text.split('$');
            let (mechanism, salted, keys) = (parts.next()?, parts.next()?, parts.next()?);
            let (iterations, salt) = salted.split_once(':')?;
            let (stored, server) = keys.split_once(':')?;
            let key = |text: &str| STANDARD.decode(text).ok().filter(|key| key.len() == 32);
            (mechanism == MECHANISM && parts.next().is_none()).then_some(())?;
            Some(Self {
                salt: STANDARD.decode(salt).ok()?,
                iterations: iterations.parse().ok().filter(|n| *n > 0)?,
                stored_key: key(stored)?,
                server_key: key(server)?,
            })
        };
        parse().ok_or_else(|| Error::internal("a role's verifier is not of the form SCRAM-SHA-256$…"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_the_one_that_rfc_7677_gives() {
        // RFC 7677, section 3: user "user", password "pencil".
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = ScramVerifier::derive("pencil", salt, 4096);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = sign(&verifier.server_key, message.as_bytes());
        assert_eq!(
            STANDARD.encode(signature),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        // The client's proof, turned back into its key, hashes to the stored key.
        let proof = STANDARD
            .decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
            .unwrap();
        let client_signature = sign(&verifier.stored_key, message.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(&client_signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha256::digest(client_key).to_vec(), verifier.stored_key);
    }

    #[test]
    fn a_verifier_survives_its_text_and_has_neither_password_nor_a_fixed_salt() {
        let verifier = ScramVerifier::new("pencil").unwrap();
        let text = verifier.to_string();
        assert!(text.starts_with("SCRAM-SHA-256$4096:"), "{text}");
        assert!(!text.contains("pencil"));
        assert_eq!(text.parse::<ScramVerifier>().unwrap(), verifier);
        assert_ne!(ScramVerifier::new("pencil").unwrap(), verifier);
        assert!(verifier.verify("pencil"));
        assert!(!verifier.verify("pencils"));
        // A no-break space is a space to SASLprep, in RFC 4013.
        assert!(ScramVerifier::new("a\u{a0}b").unwrap().verify("a b"));
        assert!(ScramVerifier::new("").is_err());
    }

    #[test]
    fn texts_that_are_no_verifier_are_refused() {
        for text in [
            "",
            "md5abc",
            "SCRAM-SHA-256$0:AAAA$AAAA:AAAA",
            "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA$x",
        ] {
            assert!(text.parse::<ScramVerifier>().is_err(), "{text}");
        }
    }
}
