//! `radlake demo`: from nothing to an answer.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::AsArray;
use clap::Args;
use radlake::ingest::IngestOptions;
use radlake::radiomics::Settings;
use radlake::{Identity, Lakehouse, SUPERUSER, Session};

use super::ingest::print_summary;
use super::serve::Network;
use super::{Resources, init, interrupts, sql};
use crate::failure::Failure;
use crate::output::{Format, Output, progress};
use crate::radiomics::{Run, rows, text};

/// The same hospitals every time.
const SEED: u64 = 2026;

/// Arguments of `radlake demo`.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Directory for the synthetic files and the lake; made if it is not there
    #[arg(default_value = "radlake-demo")]
    directory: PathBuf,
    /// End after the answers
    #[arg(long)]
    no_serve: bool,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    resources: Resources,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let place = Place::new(&self.directory)?;
        // Bound before the work, so that a taken port is known at once.
        let listening = if self.no_serve {
            None
        } else {
            Some(self.network.clone().listen().await?)
        };

        println!("Synthetic hospitals: no patient here ever lived.\n");
        let written = radlake::synthetic::demo_cohort(SEED)
            .write(&place.dicom)
            .map_err(|error| Failure::io("cannot write the synthetic files to", &place.dicom, error))?;
        println!(
            "Wrote {} DICOM files ({} series, {:.1} MB) to {}",
            written.files,
            written.series,
            written.bytes as f64 / 1e6,
            place.dicom.display()
        );
        let lakehouse = self.open(&place).await?;
        for hospital in &written.hospitals {
            let options = IngestOptions::new(hospital.to_string(), vec![place.dicom.join(hospital)]);
            let progress = Arc::new(progress::Display::new());
            let report = lakehouse
                .ingest(
                    &Identity::role(SUPERUSER),
                    options,
                    progress.clone(),
                    interrupts()?,
                )
                .await;
            progress.finish();
            let report = report?;
            if report.cancelled {
                return Err(Failure::Interrupted);
            }
            print_summary(&report);
        }
        let features = Run {
            lakehouse: &lakehouse,
            identity: Identity::role(SUPERUSER),
            settings: Settings::default(),
            condition: None,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            batch: 256,
            interrupted: interrupts()?,
        };
        let features = features.run().await?;
        if features.cancelled {
            return Err(Failure::Interrupted);
        }
        println!(
            "Computed {} radiomic features of {} tumours in {:.1} s",
            features.features, features.computed, features.seconds
        );
        let session = lakehouse.session(Identity::role(SUPERUSER)).await?;
        let mut output = Output::new(Format::Table, None)?;
        for cohort in radlake::cohorts() {
            output.text(&format!("\n-- {}\n{}\n\n", cohort.title, cohort.sql.trim()))?;
            sql::run(&session, cohort.sql, &mut output).await?;
        }
        let alike = similar(&session).await?;
        if let Some((patient, query)) = &alike {
            output.text(&format!(
                "\n-- Which three tumours are most like that of {patient}?\n{query}\n\n"
            ))?;
            sql::run(&session, query, &mut output).await?;
        }
        output.close()?;
        let pages = radlake::pages();
        for page in &pages {
            let path = place.page(page.name);
            let mut output = Output::new(Format::Html, Some(&path))?;
            sql::run(&session, page.sql, &mut output).await?;
            output.close()?;
            println!("\n{} Open {}", page.title, path.display());
        }
        let Some(listening) = listening else {
            println!("Ask on: radlake sql {} -c \"SELECT …\"", place.lake.display());
            return Ok(ExitCode::SUCCESS);
        };
        let address = listening.address()?;
        println!("Serving on {address}; Ctrl-C ends it. Connect from another terminal:\n");
        println!(
            "    PGPASSWORD=$(cat {}) psql -h {} -p {} -U {SUPERUSER} {}\n",
            place.password.display(),
            address.ip(),
            address.port(),
            lakehouse.database()
        );
        listening.serve(lakehouse).await
    }

    /// The demo's lake, made at the first run.
    async fn open(&self, place: &Place) -> Result<Lakehouse, Failure> {
        let url = place.lake.to_string_lossy().into_owned();
        if !place.lake.join("_radlake").exists() {
            let (password, _) = init::password()?;
            write_secret(&place.password, &password)?;
            Lakehouse::init(&url, SUPERUSER, &password).await?;
        }
        self.resources.open(&url).await
    }
}

/// A patient with a tumour, and a query for those most like it.
async fn similar(session: &Session) -> Result<Option<(String, String)>, Failure> {
    let first = "SELECT patient_id, sop_instance_uid || '/' || segment_number FROM radiomics.features WHERE status = 'computed' \
                 ORDER BY provider DESC, patient_id, sop_instance_uid LIMIT 1";
    for batch in rows(session, first).await? {
        if batch.num_rows() > 0 {
            let (patient, segment) = (text(&batch, 0)?, text(&batch, 1)?);
            let query = format!(
                "SELECT rank, round(distance::numeric, 2) AS distance, provider, patient_id, contributions[1] AS differs_most_in\n\
                 FROM similar_cases('{}', 3)",
                segment.as_string::<i32>().value(0)
            );
            return Ok(Some((patient.as_string::<i32>().value(0).to_owned(), query)));
        }
    }
    Ok(None)
}

/// Where the demo keeps its things.
struct Place {
    directory: PathBuf,
    dicom: PathBuf,
    lake: PathBuf,
    password: PathBuf,
}

impl Place {
    /// An empty directory, or one that an earlier demo made; never one with other things in it.
    fn new(directory: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(directory).map_err(|error| Failure::io("cannot create", directory, error))?;
        let entries =
            std::fs::read_dir(directory).map_err(|error| Failure::io("cannot read", directory, error))?;
        for entry in entries {
            let name = entry
                .map_err(|error| Failure::io("cannot read", directory, error))?
                .file_name();
            let page = |name: &str| {
                radlake::pages()
                    .iter()
                    .any(|page| name == format!("{}.html", page.name))
            };
            if !name
                .to_str()
                .is_some_and(|name| matches!(name, "dicom" | "lake" | "password") || page(name))
            {
                return Err(Failure::Usage(format!(
                    "{} holds {}, which is not the demo's: name an empty directory",
                    directory.display(),
                    name.to_string_lossy()
                )));
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            dicom: directory.join("dicom"),
            lake: directory.join("lake"),
            password: directory.join("password"),
        })
    }

    /// Where a page of pictures goes.
    fn page(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.html"))
    }
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, secret: &str) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error| Failure::io("cannot write", path, error);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    writeln!(file, "{secret}").map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_other_things_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Place::new(directory.path()).is_ok());
        std::fs::create_dir(directory.path().join("lake")).unwrap();
        assert!(Place::new(directory.path()).is_ok());
        std::fs::write(directory.path().join("segmented_tumours.html"), "").unwrap();
        assert!(Place::new(directory.path()).is_ok());
        std::fs::write(directory.path().join("thesis.doc"), "").unwrap();
        assert!(matches!(Place::new(directory.path()), Err(Failure::Usage(_))));
    }

    #[test]
    fn the_password_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        write_secret(&path, "x").unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
