//! `radlake sql`: the same engine in this process.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use futures::StreamExt;
use radlake::{Identity, Response, SUPERUSER, Session};

use super::{Resources, interrupts};
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Arguments of `radlake sql`.
#[derive(Args, Debug)]
pub(crate) struct Sql {
    /// Directory or URL of the lake
    lake: String,
    /// Statements to run; may be given several times
    #[arg(
        short = 'c',
        long = "command",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    commands: Vec<String>,
    /// File of statements; - is the standard input
    #[arg(short = 'f', long = "file")]
    file: Option<PathBuf>,
    /// Role that runs them
    #[arg(long = "as", value_name = "ROLE", default_value = SUPERUSER)]
    role: String,
    /// How results are written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// File to write to [default: the standard output]
    #[arg(short = 'o', long = "output")]
    output: Option<PathBuf>,
    #[command(flatten)]
    resources: Resources,
}

impl Sql {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let texts = match &self.file {
            Some(path) if path.as_os_str() == "-" => vec![
                std::io::read_to_string(std::io::stdin()).map_err(|error| Failure::Io {
                    what: "cannot read the standard input".to_owned(),
                    error,
                })?,
            ],
            Some(path) => {
                vec![std::fs::read_to_string(path).map_err(|error| Failure::io("cannot read", path, error))?]
            }
            None => self.commands.clone(),
        };
        let lakehouse = self.resources.open(&self.lake).await?;
        let session = lakehouse.session(Identity::role(&self.role)).await?;
        let mut output = Output::new(self.format, self.output.as_deref())?;
        let interrupted = interrupts()?;
        let handle = session.cancel_handle();
        let token = interrupted.clone();
        tokio::spawn(async move {
            token.cancelled().await;
            handle.cancel();
        });
        for text in &texts {
            let ran = run(&session, text, &mut output).await;
            if ran.is_err() && interrupted.is_cancelled() {
                return Err(Failure::Interrupted);
            }
            ran?;
        }
        output.close()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs every statement of `text`, writing each result as it comes.
pub(crate) async fn run(session: &Session, text: &str, output: &mut Output) -> Result<(), Failure> {
    for statement in session.parse(text)? {
        match session.run(&statement).await? {
            Response::Rows { schema, mut stream } => {
                output.begin(&schema)?;
                while let Some(batch) = stream.next().await {
                    output.batch(&batch.map_err(radlake::Error::from)?)?;
                }
                output.end()?;
            }
            Response::Command { tag } => output.tag(&tag)?,
            Response::Empty => {}
        }
    }
    Ok(())
}
