//! `dicom_person_name(name, part)`: one part of a person's name (VR PN).

use std::sync::{Arc, LazyLock};

use arrow::array::StringBuilder;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::exec_err;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::document::{Family, document};
use crate::text::{Answers, Text, rows, text_signature};

const NAME: &str = "dicom_person_name";

const GROUPS: [&str; 3] = ["alphabetic", "ideographic", "phonetic"];
const COMPONENTS: [&str; 5] = ["family", "given", "middle", "prefix", "suffix"];

/// The SQL function `dicom_person_name`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DicomPersonName {
    signature: Signature,
}

impl Default for DicomPersonName {
    fn default() -> Self {
        Self {
            signature: text_signature(2),
        }
    }
}

/// What of a name is asked for: the positions of a group and of a component in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    group: usize,
    component: Option<usize>,
}

impl Part {
    fn parse(text: &str) -> Result<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let position = |names: &[&str], name: &str| names.iter().position(|n| *n == name);
        let part = match lower.split_once('.') {
            Some((group, component)) => position(&GROUPS, group)
                .zip(position(&COMPONENTS, component))
                .map(|(group, component)| Part {
                    group,
                    component: Some(component),
                }),
            None => position(&GROUPS, &lower)
                .map(|group| Part {
                    group,
                    component: None,
                })
                .or_else(|| {
                    position(&COMPONENTS, &lower).map(|c| Part {
                        group: 0,
                        component: Some(c),
                    })
                }),
        };
        match part {
            Some(part) => Ok(part),
            None => exec_err!(
                "dicom_person_name: \"{text}\" is no part of a name; use family, given, middle, prefix or suffix, \
                 alphabetic, ideographic or phonetic, or two of them such as ideographic.family"
            ),
        }
    }

    /// This part of the first name in `text` (PS3.5 §6.2.1: groups are separated by `=`, components by `^`).
    fn of(self, text: &str) -> Option<&str> {
        let first = text.split('\\').next()?;
        let group = first.split('=').nth(self.group)?;
        let part = match self.component {
            Some(component) => group.split('^').nth(component)?.trim_matches([' ', '\0']),
            // Trailing empty components say nothing.
            None => group.trim_matches([' ', '\0']).trim_end_matches('^'),
        };
        (!part.is_empty()).then_some(part)
    }
}

impl ScalarUDFImpl for DicomPersonName {
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
        // A constant part is checked when the statement is planned: also over tables without rows.
        if let Some(Some(part)) = args.scalar_arguments.get(1)
            && let Some(Some(part)) = part.try_as_str()
        {
            let _ = Part::parse(part)?;
        }
        Ok(Arc::new(Field::new(NAME, DataType::Utf8, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [name, part] = take_function_args(NAME, &args.args)?;
        let (name, part) = (Text::new(name)?, Text::new(part)?);
        let mut last: Option<(&str, Part)> = None;
        rows(
            name.is_constant() && part.is_constant(),
            args.number_rows,
            |i, out: &mut StringBuilder| {
                let (Some(name), Some(text)) = (name.get(i), part.get(i)) else {
                    out.push(None);
                    return Ok(());
                };
                let part = match last {
                    Some((known, part)) if known == text => part,
                    _ => Part::parse(text)?,
                };
                last = Some((text, part));
                out.push(part.of(name));
                Ok(())
            },
        )
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Dicom,
                "dicom_person_name(name, part)",
                "One part of a person's name (VR PN), of the first name where there are several. NULL where the name lacks \
                 it.",
                &[
                    (
                        "name",
                        "Text such as `Yamada^Tarou=山田^太郎=やまだ^たろう`, the column `patient_name`.",
                    ),
                    (
                        "part",
                        "`family`, `given`, `middle`, `prefix` or `suffix` of the alphabetic name; `alphabetic`, \
                         `ideographic` or `phonetic` for a whole representation; `ideographic.family` and so on for a \
                         component of one.",
                    ),
                ],
                "SELECT dicom_person_name('Adams^John Robert^Quincy^Rev.^B.A. M.Div.', 'given');  -- John Robert",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, text, texts};
    use arrow::array::StringArray;
    use std::sync::Arc;

    fn part(name: &str, part: &str) -> Option<String> {
        text(&format!("dicom_person_name('{name}', '{part}')"))
    }

    #[test]
    fn components() {
        let name = "Adams^John Robert^Quincy^Rev.^B.A. M.Div.";
        assert_eq!(part(name, "family").as_deref(), Some("Adams"));
        assert_eq!(part(name, "given").as_deref(), Some("John Robert"));
        assert_eq!(part(name, "MIDDLE").as_deref(), Some("Quincy"));
        assert_eq!(part(name, "prefix").as_deref(), Some("Rev."));
        assert_eq!(part(name, "suffix").as_deref(), Some("B.A. M.Div."));
        assert_eq!(part("Doe", "given"), None);
        assert_eq!(part("Doe^^X", "given"), None);
        assert_eq!(part("", "family"), None);
        assert_eq!(part("Doe ^ Jane ", "given").as_deref(), Some("Jane"));
    }

    #[test]
    fn representations() {
        let name = "Yamada^Tarou=山田^太郎=やまだ^たろう";
        assert_eq!(part(name, "alphabetic").as_deref(), Some("Yamada^Tarou"));
        assert_eq!(part(name, "ideographic").as_deref(), Some("山田^太郎"));
        assert_eq!(part(name, "phonetic.given").as_deref(), Some("たろう"));
        assert_eq!(part("Doe^Jane^^^", "alphabetic").as_deref(), Some("Doe^Jane"));
        assert_eq!(part("Doe^Jane", "ideographic"), None);
        assert_eq!(part("=山田^太郎", "family"), None);
        assert_eq!(
            part("Doe^Jane=X\\\\Second^Name", "alphabetic").as_deref(),
            Some("Doe^Jane")
        );
    }

    #[test]
    fn part_may_be_a_column() {
        let parts = Arc::new(StringArray::from(vec![
            Some("family"),
            Some("given"),
            None,
            Some("given"),
        ]));
        let answers = texts("SELECT dicom_person_name('Doe^Jane', a) FROM t", vec![parts]).unwrap();
        assert_eq!(
            answers,
            [
                Some("Doe".to_owned()),
                Some("Jane".to_owned()),
                None,
                Some("Jane".to_owned())
            ]
        );
    }

    #[test]
    fn unknown_part_is_an_error_even_without_rows() {
        assert!(error("dicom_person_name('Doe', 'surname')").contains("\"surname\""));
        let none = Arc::new(StringArray::from(Vec::<Option<&str>>::new()));
        let error = texts("SELECT dicom_person_name(a, 'surname') FROM t", vec![none]).unwrap_err();
        assert!(error.to_string().contains("\"surname\""), "{error}");
    }
}
