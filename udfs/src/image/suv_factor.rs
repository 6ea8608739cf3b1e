//! `suv_factor(...)`: what makes standardised uptake values of the voxels of a PET.

mod body;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;

use self::body::{Body, Method};
use super::function::{Arguments, Declared};
use super::kind::Kind;
use crate::document::{Family, document};

pub(super) fn declared() -> Declared {
    Declared {
        name: "suv_factor",
        kinds: &[
            Kind::Number,
            Kind::Number,
            Kind::Number,
            Kind::Instant,
            Kind::Instant,
            Kind::Text,
            Kind::Text,
            Kind::Text,
            Kind::Number,
            Kind::Text,
            Kind::Number,
            Kind::Number,
        ],
        needed: 7,
        returns: DataType::Float64,
        run,
        documentation: document(
            Family::Image,
            "suv_factor(weight_kg, injected_dose_bq, half_life_s, injection_time, scan_time, decay_correction, units, method, height_m, sex, \
             suv_scale_factor, activity_factor)",
            "Factor that makes standardised uptake values of a PET's voxels (after rescaling): g/ml, of bsa cm²/ml. By the vendor-neutral \
             rules of QIBA's FDG-PET profile: the dose decays from injection to scan_time where decay_correction is START, and not where it \
             is ADMIN. Voxels in BQML need dose, half-life and times; those in GML are taken for SUVbw and those in CM2ML for SUVbsa, and only \
             brought to the method; CNTS need one of Philips' factors. NULL where something that is needed is missing or not above 0, where \
             the units are others, where decay was not corrected (NONE), and where the injection is after the scan. The dose is not corrected \
             for what stayed in the syringe. Whether attenuation was corrected, Corrected Image (0028,0051) tells.",
            &[
                ("weight_kg", "Patient's Weight (0010,1030), kg."),
                ("injected_dose_bq", "Radionuclide Total Dose (0018,1074), Bq."),
                ("half_life_s", "Radionuclide Half Life (0018,1075), s."),
                (
                    "injection_time",
                    "Radiopharmaceutical Start DateTime (0018,1078), or the series' date with Radiopharmaceutical Start Time (0018,1072), a \
                     day earlier if the scan passed midnight.",
                ),
                (
                    "scan_time",
                    "To which decay was corrected: Series Date and Time (0008,0021), (0008,0031), of Siemens and Philips too. Where they are \
                     after Acquisition Date and Time (0008,0022), (0008,0032) the series was made anew later: of GE then the private scan \
                     date and time (0009,xx0D) of GEMS_PETD_01, else the earliest acquisition time of the series. With a zone if \
                     injection_time has one.",
                ),
                (
                    "decay_correction",
                    "Decay Correction (0054,1102): START, ADMIN or NONE.",
                ),
                ("units", "Units (0054,1001): BQML, GML, CM2ML or CNTS."),
                (
                    "method",
                    "bw (body weight, if left out or NULL), lbm (lean body mass, James with 120 for men, as QIBA's), lbmjames128 (with 128), \
                     lbmjanma (Janmahasatian), ibw (ideal body weight, Sugawara), bsa (body surface area, Du Bois). Any other is an error.",
                ),
                (
                    "height_m",
                    "Patient's Size (0010,1020), m; for all methods but bw.",
                ),
                (
                    "sex",
                    "Patient's Sex (0010,0040), M or F; for lean and ideal weights.",
                ),
                (
                    "suv_scale_factor",
                    "Philips, of CNTS: (7053,xx00) of Philips PET Private Group, which makes SUVbw of counts and goes before activity_factor.",
                ),
                (
                    "activity_factor",
                    "Philips, of CNTS: (7053,xx09) of Philips PET Private Group, which makes Bq/ml of rescaled counts.",
                ),
            ],
            "SELECT suv_factor(70, 350e6, 6586.2, '2020-01-01 10:00:00', '2020-01-01 11:00:00', 'START', 'BQML');  -- 0.000292…",
        ),
    }
}

/// What is known of a PET; `None` is not known.
#[derive(Debug, Clone, Copy, Default)]
struct Given<'a> {
    dose: Option<f64>,
    half_life: Option<f64>,
    /// From injection to scan.
    seconds: Option<f64>,
    decay_correction: Option<&'a str>,
    units: Option<&'a str>,
    suv_scale: Option<f64>,
    activity: Option<f64>,
    body: Body<'a>,
}

/// `value`, if it is a number above 0.
fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite() && *v > 0.0)
}

impl Given<'_> {
    /// The dose that was left at the instant to which decay was corrected, Bq.
    fn dose(&self) -> Option<f64> {
        let dose = positive(self.dose)?;
        match self.decay_correction?.trim() {
            "ADMIN" => Some(dose),
            "START" => {
                let seconds = self.seconds.filter(|s| *s >= 0.0)?;
                Some(dose * (-seconds / positive(self.half_life)?).exp2())
            }
            _ => None,
        }
    }

    /// From values that are SUVs by one method to those by another.
    fn between(&self, from: Method, to: Method) -> Option<f64> {
        if from == to {
            return Some(1.0);
        }
        Some(self.body.numerator(to)? / self.body.numerator(from)?)
    }

    fn factor(&self, method: Method) -> Option<f64> {
        let of_activity = || Some(self.body.numerator(method)? / self.dose()?);
        let factor = match self.units?.trim() {
            "BQML" => of_activity()?,
            "GML" => self.between(Method::BodyWeight, method)?,
            "CM2ML" => self.between(Method::SurfaceArea, method)?,
            "CNTS" => match (positive(self.suv_scale), positive(self.activity)) {
                (Some(scale), _) => scale * self.between(Method::BodyWeight, method)?,
                (None, Some(activity)) => activity * of_activity()?,
                (None, None) => return None,
            },
            _ => return None,
        };
        positive(Some(factor))
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let of = |row| -> Result<Option<f64>> {
        let method = match arguments.text(7, row) {
            None => Method::BodyWeight,
            Some(name) => match Method::named(name) {
                Some(method) => method,
                None => {
                    return exec_err!(
                        "{}: method must be one of {}, not {name:?}",
                        arguments.name,
                        Method::NAMES
                    );
                }
            },
        };
        let instants = (arguments.instant(3, row), arguments.instant(4, row));
        #[expect(clippy::cast_precision_loss, reason = "exact for a century of microseconds")]
        let seconds = match instants {
            (Some(from), Some(to)) => to.checked_sub(from).map(|apart| apart as f64 / 1e6),
            _ => None,
        };
        let given = Given {
            dose: arguments.number(1, row),
            half_life: arguments.number(2, row),
            seconds,
            decay_correction: arguments.text(5, row),
            units: arguments.text(6, row),
            suv_scale: arguments.number(10, row),
            activity: arguments.number(11, row),
            body: Body {
                weight: arguments.number(0, row),
                height: arguments.number(8, row),
                sex: arguments.text(9, row),
            },
        };
        Ok(given.factor(method))
    };
    let factors = arguments.rows().map(of).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(factors))
}
