//! `radiomics.features`: a row per segment and settings, a column per feature.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float64Builder, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::compute::cast;
use radlake::radiomics::Settings;
use radlake::{SUPERUSER, Session};

use super::compute::Outcome;
use super::{incoming, literal, one, rows, text};
use crate::failure::Failure;

/// Columns beside the features, with their types and comments.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("sop_instance_uid", "text NOT NULL", "Object that has the segment"),
    ("segment_number", "integer NOT NULL", "Its number"),
    (
        "settings_hash",
        "text NOT NULL",
        "What was computed: settings with the same hash give the same numbers",
    ),
    ("profile", "text", "Whose definitions: pyradiomics or ibsi"),
    ("provider", "text", "Who brought the object"),
    ("patient_id", "text", "PatientID (0010,0020)"),
    ("issuer_of_patient_id", "text", "IssuerOfPatientID (0010,0021)"),
    ("study_instance_uid", "text", "Study of the object"),
    ("source_series_instance_uid", "text", "Series of the images"),
    ("label", "text", "Label of the segment"),
    ("modality", "text", "Modality of the images"),
    (
        "segments_epoch",
        "bigint",
        "ingested_epoch of the row of imaging.segments that it was computed from",
    ),
    (
        "status",
        "text",
        "computed, failed, or unread (tried again by the next run)",
    ),
    ("reason", "text", "Why there are no features"),
    (
        "undefined",
        "text[]",
        "Features that are not defined for this region, each with its reason",
    ),
    ("computed_at", "timestamptz", "When"),
];

/// The table, and what goes into it.
pub(super) struct Table {
    pub(super) names: Vec<String>,
    pub(super) hash: String,
    profile: &'static str,
    settings: String,
}

impl Table {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            names: settings.names(),
            hash: settings.settings_hash(),
            profile: settings.profile().name(),
            settings: settings.canonical(),
        }
    }

    /// Makes the tables where they are missing, and the columns that these settings add.
    pub(super) async fn make(&self, session: &Session) -> Result<(), Failure> {
        let query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'radiomics' \
                     AND table_name IN ('features', 'settings')";
        let mut there = HashSet::new();
        for batch in rows(session, query).await? {
            let (tables, columns) = (text(&batch, 0)?, text(&batch, 1)?);
            for row in 0..batch.num_rows() {
                let of = |column: &ArrayRef| column.as_string::<i32>().value(row).to_owned();
                there.insert((of(&tables), of(&columns)));
            }
        }
        let has = |table: &str, column: &str| there.contains(&(table.to_owned(), column.to_owned()));
        let mut statements = Vec::new();
        let whole = !has("features", "sop_instance_uid");
        if whole {
            // All columns at once: each that is added later is a definition of its own.
            let columns: Vec<String> = COLUMNS
                .iter()
                .map(|(name, kind, _)| format!("{name} {kind}"))
                .chain(self.names.iter().map(|name| format!("{name} double precision")))
                .collect();
            statements.push(format!(
                "CREATE TABLE radiomics.features ({}, PRIMARY KEY (sop_instance_uid, segment_number, settings_hash))",
                columns.join(", ")
            ));
            statements.push(
                "COMMENT ON TABLE radiomics.features IS 'Radiomic features: a row per segment and settings, a column per feature; \
                 radiomics.dictionary says what they are'"
                    .to_owned(),
            );
            for (name, _, comment) in COLUMNS {
                statements.push(format!(
                    "COMMENT ON COLUMN radiomics.features.{name} IS {}",
                    literal(comment)
                ));
            }
            // Who may not see a segment sees nothing that was computed of it, whatever policies say of imaging.segments later, and whatever
            // others are made on this table.
            statements.push("ALTER TABLE radiomics.features ENABLE ROW LEVEL SECURITY".to_owned());
            statements.push(
                "CREATE POLICY of_segments_seen ON radiomics.features AS RESTRICTIVE USING (EXISTS (SELECT 1 FROM imaging.segments AS s \
                 WHERE s.sop_instance_uid = features.sop_instance_uid AND s.segment_number = features.segment_number))"
                    .to_owned(),
            );
            statements.push("CREATE POLICY whoever_may ON radiomics.features USING (true)".to_owned());
        }
        if !has("settings", "settings_hash") {
            statements.push(
                "CREATE TABLE radiomics.settings (settings_hash text PRIMARY KEY, profile text NOT NULL, settings text NOT NULL)"
                    .to_owned(),
            );
            statements
                .push("COMMENT ON TABLE radiomics.settings IS 'What a settings_hash stands for'".to_owned());
        }
        let missing: Vec<String> = self
            .names
            .iter()
            .filter(|name| !whole && !has("features", name))
            .map(|name| format!("ADD COLUMN IF NOT EXISTS {name} double precision"))
            .collect();
        for some in missing.chunks(100) {
            statements.push(format!("ALTER TABLE radiomics.features {}", some.join(", ")));
        }
        statements.push(format!(
            "INSERT INTO radiomics.settings VALUES ({}, {}, {}) ON CONFLICT DO NOTHING",
            literal(&self.hash),
            literal(self.profile),
            literal(&self.settings)
        ));
        session.sql("BEGIN").await?;
        for statement in statements {
            if let Err(error) = session.sql(&statement).await {
                session.sql("ROLLBACK").await?;
                return Err(denied(error));
            }
        }
        session.sql("COMMIT").await?;
        Ok(())
    }

    /// Writes rows in the place of those of the same segments and settings, as one epoch.
    pub(super) async fn write(&self, session: &Session, outcomes: &[Outcome]) -> Result<(), Failure> {
        if outcomes.is_empty() {
            return Ok(());
        }
        session.sql("BEGIN").await?;
        let keys: Vec<String> = outcomes
            .iter()
            .map(|row| literal(&format!("{}/{}", row.key.instance, row.key.segment)))
            .collect();
        let instances: Vec<String> = outcomes.iter().map(|row| literal(&row.key.instance)).collect();
        session
            .sql(&format!(
                "DELETE FROM radiomics.features WHERE settings_hash = {} AND sop_instance_uid IN ({}) \
                 AND sop_instance_uid || '/' || segment_number IN ({})",
                literal(&self.hash),
                instances.join(", "),
                keys.join(", ")
            ))
            .await?;
        let columns = COLUMNS.iter().map(|(name, ..)| (*name).to_owned());
        let columns: Vec<String> = columns.chain(self.names.iter().cloned()).collect();
        let statement = one(
            session,
            &format!("COPY radiomics.features ({}) FROM STDIN", columns.join(", ")),
        )?;
        let target = session.copy_target(&statement).await?;
        let schema = target.schema();
        let arrays = self.arrays(outcomes);
        let lines: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=outcomes.len() as i64));
        let arrays = std::iter::once(lines)
            .chain(arrays)
            .zip(schema.fields())
            .map(|(array, field)| cast(&array, field.data_type()))
            .collect::<Result<Vec<_>, _>>()
            .and_then(|arrays| RecordBatch::try_new(Arc::clone(&schema), arrays))
            .map_err(|error| Failure::Output(error.to_string()))?;
        session.copy_in(&statement, incoming(schema, arrays)).await?;
        session.sql("COMMIT").await?;
        Ok(())
    }

    fn arrays(&self, outcomes: &[Outcome]) -> Vec<ArrayRef> {
        let texts = |f: &dyn Fn(&Outcome) -> Option<String>| -> ArrayRef {
            Arc::new(outcomes.iter().map(f).collect::<StringArray>())
        };
        let now = chrono::Utc::now().timestamp_micros();
        let mut undefined = ListBuilder::new(StringBuilder::new());
        for row in outcomes {
            match &row.values {
                Ok(values) => {
                    for (name, value) in self.names.iter().zip(values) {
                        if let Err(why) = value {
                            undefined
                                .values()
                                .append_value(format!("{name}: {}", why.reason()));
                        }
                    }
                    undefined.append(true);
                }
                Err(_) => undefined.append(false),
            }
        }
        let status = |row: &Outcome| {
            Some(
                match (&row.values, row.read) {
                    (Ok(_), _) => "computed",
                    (Err(_), true) => "failed",
                    (Err(_), false) => "unread",
                }
                .to_owned(),
            )
        };
        let at =
            arrow::array::TimestampMicrosecondArray::from(vec![now; outcomes.len()]).with_timezone("UTC");
        let mut arrays: Vec<ArrayRef> = vec![
            texts(&|row| Some(row.key.instance.clone())),
            Arc::new(
                outcomes
                    .iter()
                    .map(|row| Some(row.key.segment))
                    .collect::<Int64Array>(),
            ),
            texts(&|_| Some(self.hash.clone())),
            texts(&|_| Some(self.profile.to_owned())),
        ];
        arrays.extend((0..6).map(|k| texts(&|row| row.texts[k].clone())));
        arrays.push(texts(&|row| row.modality.clone()));
        arrays.push(Arc::new(
            outcomes.iter().map(|row| row.epoch).collect::<Int64Array>(),
        ));
        arrays.push(texts(&status));
        arrays.push(texts(&|row| row.values.as_ref().err().cloned()));
        arrays.push(Arc::new(undefined.finish()));
        arrays.push(Arc::new(at));
        for (k, _) in self.names.iter().enumerate() {
            let mut column = Float64Builder::with_capacity(outcomes.len());
            for row in outcomes {
                let value = row
                    .values
                    .as_ref()
                    .ok()
                    .and_then(|values| values.get(k)?.as_ref().ok());
                column.append_option(value.copied());
            }
            arrays.push(Arc::new(column.finish()));
        }
        arrays
    }
}

/// What a role lacks that may compute and not make tables.
fn denied(error: radlake::Error) -> Failure {
    match error {
        radlake::Error::InsufficientPrivilege(message) => Failure::Usage(format!(
            "{message}: run it as {SUPERUSER} once with these settings, which makes the tables, and GRANT SELECT, INSERT, DELETE ON \
             radiomics.features, radiomics.settings and USAGE ON SCHEMA radiomics to the role"
        )),
        other => Failure::Engine(other),
    }
}
