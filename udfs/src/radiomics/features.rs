//! `radiomics(roi [, settings])`: all features of a region as one struct.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, ListBuilder, StringBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use radlake_radiomics::{Settings, extract};

use super::region::{is_no_region, region};
use super::settings::{constant, of_text};
use crate::document::{Family, document};
use crate::image::roi::image_in;

const NAME: &str = "radiomics";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Radiomics {
    signature: Signature,
    documentation: Documentation,
}

impl Default for Radiomics {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: document(
                Family::Radiomics,
                "radiomics(roi, settings)",
                "Radiomic features of a region as a struct: a field per feature, named as PyRadiomics names it, in lower case \
                 (original_glcm_contrast), or by IBSI's tag (cm_contrast_3d_avg), and `undefined`, which says of each feature that is NULL \
                 why. Settings are a text that is written out: PyRadiomics' parameter file as YAML or JSON, with `profile: ibsi` or \
                 `pyradiomics` (the default). What settings look at must be in the roi: SET radlake.roi_margin says how much of the image \
                 around a region it shows.",
                &[
                    ("roi", "A region: the column `roi` of imaging.regions."),
                    (
                        "settings",
                        "Optional: YAML or JSON, as 'binWidth: 10' or 'profile: ibsi'.",
                    ),
                ],
                "SELECT (radiomics(roi)).original_firstorder_entropy FROM imaging.regions LIMIT 1;",
            ),
        }
    }
}

/// The struct's fields.
fn fields(settings: &Settings) -> Fields {
    let reasons = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    settings
        .names()
        .into_iter()
        .map(|name| Field::new(name, DataType::Float64, true))
        .chain([Field::new("undefined", reasons, true)])
        .collect()
}

impl ScalarUDFImpl for Radiomics {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given.len() {
            1 | 2 => super::coerce(NAME, given),
            n => plan_err!("{NAME} takes 1 to 2 arguments, not {n}"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{NAME}: its type depends on its settings")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let text = constant(NAME, "settings", args.scalar_arguments, 1)?;
        let settings = of_text(NAME, text)?;
        Ok(Arc::new(Field::new(
            NAME,
            DataType::Struct(fields(&settings)),
            true,
        )))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = match args.args.get(1) {
            None => None,
            Some(ColumnarValue::Scalar(value)) => value.try_as_str().flatten(),
            Some(ColumnarValue::Array(_)) => return exec_err!("{NAME}: settings differ from row to row"),
        };
        let settings = of_text(NAME, text)?;
        let Some(images) = args.args.first() else {
            return internal_err!("{NAME}: no argument");
        };
        let constant = matches!(images, ColumnarValue::Scalar(_));
        let rows = if constant { 1 } else { args.number_rows };
        let images = images.to_array(rows)?;
        let answer = features(&settings, &images, rows)?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?)),
            false => Ok(ColumnarValue::Array(answer)),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn features(settings: &Settings, images: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    let names = settings.names();
    let mut columns: Vec<Float64Builder> = names
        .iter()
        .map(|_| Float64Builder::with_capacity(rows))
        .collect();
    let mut undefined = ListBuilder::new(StringBuilder::new());
    let mut valid = Vec::with_capacity(rows);
    for row in 0..rows {
        let view = image_in(NAME, images, row)?;
        let found = match &view {
            Some(view) => region(NAME, view, settings)?,
            None => None,
        };
        let Some((volume, mask)) = found else {
            columns.iter_mut().for_each(Float64Builder::append_null);
            undefined.append_null();
            valid.push(false);
            continue;
        };
        match extract(&volume, &mask, settings, &|| false) {
            Ok(values) => {
                for ((value, column), name) in values.iter().zip(&mut columns).zip(&names) {
                    column.append_option(value.as_ref().ok().copied());
                    if let Err(why) = value {
                        undefined
                            .values()
                            .append_value(format!("{name}: {}", why.reason()));
                    }
                }
            }
            Err(error) if is_no_region(&error) => {
                columns.iter_mut().for_each(Float64Builder::append_null);
                undefined.values().append_value(format!("all: {error}"));
            }
            Err(error) => return exec_err!("{NAME}: {error}"),
        }
        undefined.append(true);
        valid.push(true);
    }
    let columns = columns
        .iter_mut()
        .map(|column| Arc::new(column.finish()) as ArrayRef)
        .chain([Arc::new(undefined.finish()) as ArrayRef])
        .collect();
    let valid: NullBuffer = valid.into();
    Ok(Arc::new(StructArray::try_new(
        fields(settings),
        columns,
        Some(valid),
    )?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Float64Type;

    use crate::image::samples::{ball, column, empty};
    use crate::testing::run;

    #[test]
    fn a_field_per_feature_and_reasons() {
        let rows = column(vec![Some(ball()), None, Some(empty())]);
        let all = run("SELECT radiomics(a) FROM t", rows).unwrap();
        let all = all.as_struct();
        assert_eq!(all.num_columns(), 108);
        assert_eq!([0, 1, 2].map(|row| all.is_valid(row)), [true, false, true]);
        let mean = all.column_by_name("original_firstorder_mean").unwrap();
        let mean = mean.as_primitive::<Float64Type>();
        assert_eq!(mean.value(0), f64::from(4 + 9 * (4 + 8 * 3)));
        assert!(mean.is_null(2));
        let undefined = all.column_by_name("undefined").unwrap();
        let reasons = undefined.as_list::<i32>().value(2);
        assert!(reasons.as_string::<i32>().value(0).starts_with("all: "));
    }

    #[test]
    fn settings_choose_and_are_refused_by_name() {
        let one = run(
            "SELECT radiomics(a, 'featureClass: {firstorder: [Mean]}') FROM t",
            column(vec![Some(ball())]),
        )
        .unwrap();
        assert_eq!(one.as_struct().num_columns(), 2);
        let refused = |sql: &str| run(sql, column(vec![Some(ball())])).unwrap_err().to_string();
        let wavelet = refused("SELECT radiomics(a, 'imageType: {Wavelet: {}}') FROM t");
        assert!(wavelet.contains("SET radlake.roi_margin = 'whole'"), "{wavelet}");
        let ibsi = refused("SELECT radiomics(a, 'ibsi') FROM t");
        assert!(ibsi.contains("SET radlake.roi_margin = 7"), "{ibsi}");
        let unknown = refused("SELECT radiomics(a, 'binWidht: 5') FROM t");
        assert!(
            unknown.contains("binWidht") && unknown.contains("binWidth"),
            "{unknown}"
        );
    }
}
