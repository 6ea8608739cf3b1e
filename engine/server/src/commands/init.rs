//! `radlake init`: a lake and its superuser.

use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use radlake::{Lakehouse, SUPERUSER};

use crate::failure::Failure;

/// The variable that holds a password to be set.
pub(crate) const PASSWORD_VARIABLE: &str = "RADLAKE_PASSWORD";

/// Arguments of `radlake init`.
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Directory or object store URL (s3://…, az://…, gs://…) of the lake
    lake: String,
}

impl Init {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let (password, given) = password()?;
        Lakehouse::init(&self.lake, SUPERUSER, &password).await?;
        println!("Created the lake {} with the superuser {SUPERUSER}.", self.lake);
        if given {
            println!("Its password is the one in {PASSWORD_VARIABLE}.");
        } else {
            println!("Its password, shown only now and stored nowhere: {password}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The password from the environment, or a new one; and which of them it is.
pub(crate) fn password() -> Result<(String, bool), Failure> {
    match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) if password.is_empty() => Err(Failure::Usage(format!(
            "{PASSWORD_VARIABLE} is empty: set a password or unset it to have one made"
        ))),
        Ok(password) => Ok((password, true)),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::Usage(format!("{PASSWORD_VARIABLE} is not UTF-8")))
        }
        Err(std::env::VarError::NotPresent) => {
            let mut random = [0u8; 18];
            getrandom::fill(&mut random)
                .map_err(|error| Failure::Usage(format!("no random numbers for a password: {error}")))?;
            Ok((URL_SAFE_NO_PAD.encode(random), false))
        }
    }
}
