//! `dicom_tag(dataset, path)`: any value of a header, by keyword, tag or path.

use std::sync::{Arc, LazyLock};

use arrow::array::StringBuilder;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::path::Path;
use crate::document::{Family, document};
use crate::text::{Answers, Text, rows, text_signature};

const NAME: &str = "dicom_tag";

/// The SQL function `dicom_tag`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DicomTag {
    signature: Signature,
}

impl Default for DicomTag {
    fn default() -> Self {
        Self {
            signature: text_signature(2),
        }
    }
}

fn parse(path: &str) -> Result<Path> {
    Path::parse(path).map_err(|error| exec_datafusion_err!("dicom_tag: {error}"))
}

impl ScalarUDFImpl for DicomTag {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        // A constant path is checked when the statement is planned: also over tables without rows.
        if let Some(Some(path)) = args.scalar_arguments.get(1)
            && let Some(Some(path)) = path.try_as_str()
        {
            let _ = parse(path)?;
        }
        Ok(Arc::new(Field::new(NAME, DataType::Utf8, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [dataset, path] = take_function_args(NAME, &args.args)?;
        let (dataset, path) = (Text::new(dataset)?, Text::new(path)?);
        let mut last: Option<(&str, Path)> = None;
        let mut value = String::new();
        rows(
            dataset.is_constant() && path.is_constant(),
            args.number_rows,
            |i, out: &mut StringBuilder| {
                let (Some(json), Some(text)) = (dataset.get(i), path.get(i)) else {
                    out.push(None);
                    return Ok(());
                };
                // Paths are constants nearly always, and neighbours when they come from a column.
                let (_, path) = match last.take().filter(|(known, _)| *known == text) {
                    Some(known) => last.insert(known),
                    None => last.insert((text, parse(text)?)),
                };
                match path.seek(json, &mut value) {
                    Ok(found) => out.push(found.then_some(value.as_str())),
                    Err(at) => {
                        return exec_err!(
                            "dicom_tag: the first argument is not DICOM JSON (at byte {})",
                            at.at
                        );
                    }
                }
                Ok(())
            },
        )
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Dicom,
                "dicom_tag(dataset, path)",
                "Value of a header's element as text, typed column or not. Several values are joined by backslashes, as in \
                 DICOM; of a person's name the alphabetic form is taken; a sequence or an item of one comes as DICOM JSON, \
                 binaries as base64. NULL where the element is absent or empty; an unknown keyword is an error.",
                &[
                    (
                        "dataset",
                        "DICOM JSON (PS3.18 annex F): the column `dataset` of `imaging.instances`.",
                    ),
                    (
                        "path",
                        "A keyword (`SliceThickness`), a tag (`(0018,0050)`, `00180050`), or a path through sequences \
                         (`RequestedProcedureCodeSequence[0].CodeMeaning`; without `[n]` the first item). `[n]` behind the \
                         last element picks one of several values, from 0.",
                    ),
                ],
                "SELECT dicom_tag('{\"00180050\":{\"vr\":\"DS\",\"Value\":[1.25]}}', 'SliceThickness');  -- 1.25",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, text, texts};
    use arrow::array::{LargeStringArray, StringArray, StringViewArray};
    use std::sync::Arc;

    const CT: &str = r#"{"00080060":{"vr":"CS","Value":["CT"]},"00180050":{"vr":"DS","Value":[1.25]}}"#;
    const MR: &str = r#"{"00080060":{"vr":"CS","Value":["MR"]}}"#;

    #[test]
    fn columns() {
        let datasets = Arc::new(StringViewArray::from(vec![Some(CT), None, Some(MR)]));
        let answers = texts(
            "SELECT dicom_tag(a, 'SliceThickness') FROM t",
            vec![datasets.clone()],
        )
        .unwrap();
        assert_eq!(answers, [Some("1.25".to_owned()), None, None]);
        let paths = Arc::new(LargeStringArray::from(vec![
            Some("Modality"),
            Some("Modality"),
            None,
        ]));
        let answers = texts("SELECT dicom_tag(a, b) FROM t", vec![datasets, paths]).unwrap();
        assert_eq!(answers, [Some("CT".to_owned()), None, None]);
        let paths = Arc::new(StringArray::from(vec!["Modality", "(0018,0050)", "Modality"]));
        let answers = texts(&format!("SELECT dicom_tag('{CT}', a) FROM t"), vec![paths]).unwrap();
        assert_eq!(answers, ["CT", "1.25", "CT"].map(|v| Some(v.to_owned())));
    }

    #[test]
    fn constants() {
        assert_eq!(
            text(&format!("dicom_tag('{CT}', 'Modality')")).as_deref(),
            Some("CT")
        );
        assert_eq!(text("dicom_tag(NULL, 'Modality')"), None);
        assert_eq!(text(&format!("dicom_tag('{CT}', NULL)")), None);
    }

    #[test]
    fn errors() {
        assert!(error(&format!("dicom_tag('{CT}', 'Modalty')")).contains("\"Modalty\""));
        assert!(error("dicom_tag('{\"secret', 'Modality')").contains("at byte 8"));
        assert!(!error("dicom_tag('{\"secret', 'Modality')").contains("secret"));
        let none = Arc::new(StringArray::from(Vec::<Option<&str>>::new()));
        assert!(texts("SELECT dicom_tag(a, 'Modalty') FROM t", vec![none]).is_err());
    }
}
