//! `dicom_age_years(age)`: an age string (VR AS) in years.

use std::sync::LazyLock;

use arrow::array::Float64Builder;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use crate::document::{Family, document};
use crate::text::{map1, text_signature};

const NAME: &str = "dicom_age_years";

/// Days in a year, on average over the Julian calendar's cycle of four.
const DAYS_PER_YEAR: f64 = 365.25;

/// The SQL function `dicom_age_years`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DicomAgeYears {
    signature: Signature,
}

impl Default for DicomAgeYears {
    fn default() -> Self {
        Self {
            signature: text_signature(1),
        }
    }
}

impl ScalarUDFImpl for DicomAgeYears {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        map1::<Float64Builder>(NAME, &args, |text| Ok(years(text)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Dicom,
                "dicom_age_years(age)",
                "Age in years of a DICOM age string (VR AS): up to three digits and D (days), W (weeks), M (months) or Y \
                 (years). A year counts 365.25 days. NULL where the text is not an age.",
                &[("age", "Text such as `045Y`, the column `patient_age`.")],
                "SELECT dicom_age_years('018M');  -- 1.5",
            )
        });
        Some(&DOC)
    }
}

/// Years of an age string (PS3.5 §6.2, VR AS), or nothing where it is not one.
///
/// The standard wants three digits; scanners that write fewer (`45Y`) are understood as well, as there is only one way to.
pub fn years(text: &str) -> Option<f64> {
    let (unit, digits) = text.trim_matches([' ', '\0']).as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = digits.iter().fold(0.0, |n, d| n * 10.0 + f64::from(d - b'0'));
    match unit {
        b'Y' => Some(count),
        b'M' => Some(count / 12.0),
        b'W' => Some(count * 7.0 / DAYS_PER_YEAR),
        b'D' => Some(count / DAYS_PER_YEAR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::years;
    use crate::testing::{number, run};
    use arrow::array::{Array, AsArray, StringViewArray};
    use arrow::datatypes::Float64Type;
    use std::sync::Arc;

    #[test]
    fn units() {
        assert_eq!(years("045Y"), Some(45.0));
        assert_eq!(years("018M"), Some(1.5));
        assert_eq!(years("003W"), Some(21.0 / 365.25));
        assert_eq!(years("010D"), Some(10.0 / 365.25));
        assert_eq!(years("000D"), Some(0.0));
        assert_eq!(years("999Y"), Some(999.0));
        assert_eq!(years(" 45Y "), Some(45.0));
    }

    #[test]
    fn what_is_not_an_age_is_null() {
        for text in [
            "", " ", "Y", "045", "045X", "045y", "1000Y", "-45Y", "+45Y", "4 5Y", "4.5Y", "٤٥Y", "045YY",
            "éY",
        ] {
            assert_eq!(years(text), None, "{text:?}");
        }
    }

    #[test]
    fn in_sql() {
        assert_eq!(number("dicom_age_years('045Y')"), Some(45.0));
        assert_eq!(number("dicom_age_years('?')"), None);
        assert_eq!(number("dicom_age_years(NULL)"), None);
        assert_eq!(
            number("dicom_age_years(arrow_cast('018M', 'LargeUtf8'))"),
            Some(1.5)
        );
        let ages = Arc::new(StringViewArray::from(vec![Some("045Y"), None, Some("x")]));
        let years = run("SELECT dicom_age_years(a) FROM t", vec![ages]).unwrap();
        let years = years.as_primitive::<Float64Type>();
        assert_eq!(
            (years.value(0), years.is_null(1), years.is_null(2)),
            (45.0, true, true)
        );
    }
}
