//! By what uptake is normalised: weights and the surface of a body.

use super::positive;

/// A way of normalising, a term of SUV Type (0054,1006).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    BodyWeight,
    /// James, *Research on Obesity*, HMSO 1976, with 120 for men as in QIBA's rules.
    Lean,
    /// The same with 128 for men, the more common form.
    LeanJames128,
    /// Janmahasatian et al., *Clin Pharmacokinet* 44, 2005.
    LeanJanmahasatian,
    /// Sugawara et al., *Radiology* 213, 1999.
    IdealWeight,
    /// Du Bois & Du Bois, *Arch Intern Med* 17, 1916.
    SurfaceArea,
}

impl Method {
    pub(super) const NAMES: &str = "bw, lbm, lbmjames128, lbmjanma, ibw, bsa";

    pub(super) fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "bw" => Some(Self::BodyWeight),
            "lbm" => Some(Self::Lean),
            "lbmjames128" => Some(Self::LeanJames128),
            "lbmjanma" => Some(Self::LeanJanmahasatian),
            "ibw" => Some(Self::IdealWeight),
            "bsa" => Some(Self::SurfaceArea),
            _ => None,
        }
    }
}

/// A patient's body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Body<'a> {
    /// kg.
    pub(super) weight: Option<f64>,
    /// m.
    pub(super) height: Option<f64>,
    /// M or F.
    pub(super) sex: Option<&'a str>,
}

impl Body<'_> {
    /// By what activity per dose is multiplied: g, or cm² of the surface. `None` where it is not known or the formula, beyond the bodies
    /// that it was made for, gives nothing above 0.
    pub(super) fn numerator(&self, method: Method) -> Option<f64> {
        let (weight, height) = (positive(self.weight), positive(self.height));
        let centimetres = || height.map(|h| h * 100.0);
        let for_sex = |male: f64, female: f64| match self.sex?.trim() {
            "M" => Some(male),
            "F" => Some(female),
            _ => None,
        };
        let james = |squares: f64| {
            let ratio = weight? / centimetres()?;
            Some(for_sex(1.10, 1.07)? * weight? - for_sex(squares, 148.0)? * ratio * ratio)
        };
        let grams = |kilograms: Option<f64>| Some(kilograms? * 1000.0);
        positive(match method {
            Method::BodyWeight => grams(weight),
            Method::Lean => grams(james(120.0)),
            Method::LeanJames128 => grams(james(128.0)),
            Method::LeanJanmahasatian => grams((|| {
                let index = weight? / (height? * height?);
                Some(9270.0 * weight? / (for_sex(6680.0, 8780.0)? + for_sex(216.0, 244.0)? * index))
            })()),
            Method::IdealWeight => grams((|| {
                Some(for_sex(48.0, 45.5)? + for_sex(1.06, 0.91)? * (centimetres()? - 152.0))
            })()),
            Method::SurfaceArea => {
                (|| Some(0.007_184 * weight?.powf(0.425) * centimetres()?.powf(0.725) * 10_000.0))()
            }
        })
    }
}
