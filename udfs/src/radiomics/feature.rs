//! `radiomics_feature(roi, name [, settings])`: one feature of a region.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use radlake_radiomics::{Profile, Settings, extract_one};

use super::region::{is_no_region, region};
use super::settings::{constant, of_text};
use crate::document::{Family, document};
use crate::image::roi::image_in;

const NAME: &str = "radiomics_feature";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RadiomicsFeature {
    signature: Signature,
    documentation: Documentation,
}

impl Default for RadiomicsFeature {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: document(
                Family::Radiomics,
                "radiomics_feature(roi, name, settings)",
                "One radiomic feature of a region, with the work of its image and class only; NULL where it is not defined. The name is that \
                 of a field of radiomics(roi, settings); original_ may be left out. radiomics.dictionary says what each is.",
                &[
                    ("roi", "A region: the column `roi` of imaging.regions."),
                    ("name", "The feature, written out: 'glcm_contrast'."),
                    ("settings", "Optional: YAML or JSON, as of radiomics."),
                ],
                "SELECT radiomics_feature(roi, 'glcm_contrast') FROM imaging.regions LIMIT 1;",
            ),
        }
    }
}

/// The column that a name means under settings.
fn column(settings: &Settings, name: &str) -> Result<String> {
    let folded = name.to_ascii_lowercase();
    let names = settings.names();
    let found = |name: &str| names.iter().any(|known| known == name);
    if found(&folded) {
        return Ok(folded);
    }
    let original = format!("original_{folded}");
    if settings.profile() == Profile::PyRadiomics && found(&original) {
        return Ok(original);
    }
    // One that these settings leave out is still one.
    let hint = match names
        .iter()
        .find(|known| known.ends_with(folded.rsplit('_').next().unwrap_or_default()))
    {
        Some(near) => format!("there is {near}"),
        None => "radiomics.dictionary lists what there is".to_owned(),
    };
    let short: String = name.chars().take(60).collect();
    exec_err!("{NAME}: no feature is called {short} under these settings; {hint}")
}

impl ScalarUDFImpl for RadiomicsFeature {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given.len() {
            2 | 3 => super::coerce(NAME, given),
            n => plan_err!("{NAME} takes 2 to 3 arguments, not {n}"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        // What is wrong with name and settings is told before any file is read.
        let settings = of_text(NAME, constant(NAME, "settings", args.scalar_arguments, 2)?)?;
        if let Some(name) = constant(NAME, "name", args.scalar_arguments, 1)? {
            column(&settings, name)?;
        }
        Ok(Arc::new(Field::new(NAME, DataType::Float64, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = |at: usize| match args.args.get(at) {
            None => Ok(None),
            Some(ColumnarValue::Scalar(value)) => Ok(value.try_as_str().flatten()),
            Some(ColumnarValue::Array(_)) => exec_err!("{NAME}: name and settings differ from row to row"),
        };
        let settings = of_text(NAME, text(2)?)?;
        let Some(name) = text(1)? else {
            return Ok(ColumnarValue::Scalar(ScalarValue::Float64(None)));
        };
        let name = column(&settings, name)?;
        let Some(images) = args.args.first() else {
            return internal_err!("{NAME}: no argument");
        };
        let constant = matches!(images, ColumnarValue::Scalar(_));
        let rows = if constant { 1 } else { args.number_rows };
        let images = images.to_array(rows)?;
        let values = (0..rows).map(|row| value(&settings, &name, &images, row));
        let values = values.collect::<Result<Float64Array>>()?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?)),
            false => Ok(ColumnarValue::Array(Arc::new(values))),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn value(settings: &Settings, name: &str, images: &ArrayRef, row: usize) -> Result<Option<f64>> {
    let Some(view) = image_in(NAME, images, row)? else {
        return Ok(None);
    };
    let Some((volume, mask)) = region(NAME, &view, settings)? else {
        return Ok(None);
    };
    match extract_one(&volume, &mask, settings, name, &|| false) {
        Ok(value) => Ok(value.ok()),
        Err(error) if is_no_region(&error) => Ok(None),
        Err(error) => exec_err!("{NAME}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::image::samples::{ball, column, empty, numbers};
    use crate::testing::run;

    #[test]
    fn is_that_of_the_struct() {
        let rows = || column(vec![Some(ball()), None, Some(empty())]);
        let alone = numbers("SELECT radiomics_feature(a, 'GLCM_contrast') FROM t", rows());
        let within = numbers("SELECT radiomics(a)['original_glcm_contrast'] FROM t", rows());
        assert!(alone[0].is_some_and(|contrast| contrast > 0.0));
        assert_eq!(alone, within);
        assert_eq!(alone[1..], [None, None]);
    }

    #[test]
    fn names_that_are_none_are_refused_before_rows_are_read() {
        let error = run(
            "SELECT radiomics_feature(a, 'glcm_contrst') FROM t",
            column(vec![]),
        )
        .unwrap_err();
        assert!(error.to_string().contains("glcm_contrst"), "{error}");
    }
}
