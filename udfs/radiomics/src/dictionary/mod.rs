//! What each feature is: names, codes, definitions, units and ranges.

mod ibsi;
mod pyradiomics;

pub use crate::settings::Profile;

/// A feature of one profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The profile that has it.
    pub profile: Profile,
    /// PyRadiomics' class (`glcm`), or the prefix of IBSI's tag (`cm`).
    pub class: &'static str,
    /// PyRadiomics' name in its class (`Contrast`), or IBSI's tag without prefix (`contrast`): what settings list.
    pub feature: &'static str,
    /// The column without prefix of image type and without suffix of aggregation: `glcm_contrast`, `cm_contrast`.
    pub name: &'static str,
    /// PyRadiomics' class and name of the same feature (`glcm_Contrast`), `None` if it has none.
    pub pyradiomics: Option<&'static str>,
    /// IBSI's permanent code (`ACUI`); `None` where the manual has none for exactly this.
    pub ibsi: Option<&'static str>,
    /// One line.
    pub definition: &'static str,
    /// `mm`, `mm²`, `mm³`, `1/mm`; `intensity`: that of the image (HU, SUV …), of a filtered image that of the filter;
    /// `level`: grey levels; `bit`, `count`, `voxel`; `1`: none.
    pub unit: &'static str,
    /// Smallest and largest possible value, `None` if any number is possible.
    pub range: Option<[f64; 2]>,
}

impl Entry {
    /// Where it is defined: section of the IBSI reference manual (chapter 3), or module of PyRadiomics.
    pub fn source(&self) -> String {
        let section = match self.class {
            "morph" => 1,
            "loc" => 2,
            "stat" => 3,
            "ih" => 4,
            "ivh" => 5,
            "cm" => 6,
            "rlm" => 7,
            "szm" => 8,
            "dzm" => 9,
            "ngt" => 10,
            "ngl" => 11,
            class => return format!("PyRadiomics 3.0.1, radiomics.{class}"),
        };
        format!("IBSI reference manual (arXiv:1612.07003), 3.{section}")
    }

    /// Whether it is computed only where settings list it by name: PyRadiomics calls these deprecated, since others say
    /// the same.
    pub fn named_only(&self) -> bool {
        matches!(
            self.name,
            "shape_compactness1"
                | "shape_compactness2"
                | "shape_sphericaldisproportion"
                | "shape2d_sphericaldisproportion"
                | "firstorder_standarddeviation"
        )
    }

    /// The aggregations that its class has, as IBSI's tags end; one empty text where there are none.
    pub fn aggregations(&self) -> &'static [&'static str] {
        match self.class {
            "cm" | "rlm" => &["2D_avg", "2D_comb", "2_5D_avg", "2_5D_comb", "3D_avg", "3D_comb"],
            "szm" | "dzm" | "ngt" | "ngl" => &["2D", "2_5D", "3D"],
            _ => &[""],
        }
    }
}

const COUNT: usize = ibsi::FEATURES.len() + pyradiomics::FEATURES.len();

/// Every feature of both profiles, in the order of their columns; exactly one per profile and name.
pub static ENTRIES: [Entry; COUNT] = entries();

const fn entries() -> [Entry; COUNT] {
    let mut all = [ibsi::FEATURES[0]; COUNT];
    let mut k = 0;
    while k < COUNT {
        all[k] = if k < ibsi::FEATURES.len() {
            ibsi::FEATURES[k]
        } else {
            pyradiomics::FEATURES[k - ibsi::FEATURES.len()]
        };
        k += 1;
    }
    all
}

/// The features of one profile, in the order of their columns.
pub fn of(profile: Profile) -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(move |entry| entry.profile == profile)
}

/// The entry of a name without image type and aggregation.
pub fn find(profile: Profile, name: &str) -> Option<&'static Entry> {
    of(profile).find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_columns_and_unique() {
        for profile in [Profile::Ibsi, Profile::PyRadiomics] {
            let mut seen = HashSet::new();
            for entry in of(profile) {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                assert!(entry.name.chars().all(plain), "{}", entry.name);
                assert!(seen.insert(entry.name), "{}", entry.name);
                let folded = format!("{}_{}", entry.class, entry.feature).to_ascii_lowercase();
                assert_eq!(entry.name, folded);
            }
        }
        assert_eq!(of(Profile::Ibsi).count(), 170);
        // 107 in three dimensions, nine of a slice, five that must be named.
        assert_eq!(of(Profile::PyRadiomics).count(), 121);
        assert_eq!(of(Profile::PyRadiomics).filter(|e| e.named_only()).count(), 5);
    }

    #[test]
    fn codes_are_permanent_and_stand_for_one_feature() {
        let mut seen = HashSet::new();
        for entry in of(Profile::Ibsi) {
            let Some(code) = entry.ibsi else {
                assert_eq!(entry.class, "ivh", "{}", entry.name);
                continue;
            };
            assert!(code.len() == 4 && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
            assert!(seen.insert(code), "{code}");
        }
        for entry in of(Profile::PyRadiomics) {
            assert!(
                entry.ibsi.is_none_or(|code| seen.contains(code)),
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn profiles_name_each_other() {
        for entry in of(Profile::Ibsi) {
            if let Some(other) = entry.pyradiomics {
                let folded = other.to_ascii_lowercase();
                assert!(find(Profile::PyRadiomics, &folded).is_some(), "{other}");
            }
        }
    }

    #[test]
    fn lines_are_complete() {
        for entry in &ENTRIES {
            assert!(!entry.definition.is_empty() && !entry.definition.ends_with('.'));
            assert!(!entry.unit.is_empty() && !entry.source().is_empty());
            assert!(entry.range.is_none_or(|[low, high]| low < high), "{}", entry.name);
        }
    }
}
