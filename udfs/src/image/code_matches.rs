//! `code_matches(code, 'SCT:39607008')`: whether a code names a concept, in either of SNOMED's notations.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::function::{Arguments, Declared};
use super::kind::Kind;
use crate::document::{Family, document};

/// Codes of SNOMED RT and the concepts of SNOMED CT that they name, sorted by the former.
static CONCEPTS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    include_str!("codes.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

pub(super) fn declared() -> Declared {
    Declared {
        name: "code_matches",
        kinds: &[Kind::Code, Kind::Text],
        needed: 2,
        returns: DataType::Boolean,
        run,
        documentation: document(
            Family::Dicom,
            "code_matches(code, concept)",
            "Whether a code is a concept. Schemes SRT, SNM3 and 99SDM are one, and their codes the same as those of SCT where DICOM maps them \
             (PS3.16 annex O): liver is SRT T-62000 and SCT 10200004. Other schemes and values must be equal. NULL where the code has no \
             value or scheme.",
            &[
                (
                    "code",
                    "A code with value, scheme and meaning, such as the column `anatomic_region`.",
                ),
                ("concept", "SCHEME:VALUE."),
            ],
            "SELECT count(*) FROM imaging.instances WHERE code_matches(anatomic_region, 'SCT:39607008');",
        ),
    }
}

/// Scheme and value: in SNOMED CT where there is a concept of it, with one name for the schemes that mean SNOMED RT.
fn concept<'a>(scheme: &'a str, value: &'a str) -> (&'a str, &'a str) {
    let (scheme, value) = (scheme.trim(), value.trim());
    if !matches!(scheme, "SRT" | "SNM3" | "99SDM") {
        return (scheme, value);
    }
    let at = CONCEPTS.binary_search_by(|(known, _)| (*known).cmp(value)).ok();
    match at.and_then(|at| CONCEPTS.get(at)) {
        Some((_, found)) => ("SCT", found),
        None => ("SRT", value),
    }
}

fn run(arguments: &Arguments) -> Result<ArrayRef> {
    let matches = |row| -> Result<Option<bool>> {
        let Some(wanted) = arguments.text(1, row) else {
            return Ok(None);
        };
        let (scheme, value) = match wanted.split_once(':') {
            Some((scheme, value)) if !scheme.trim().is_empty() && !value.trim().is_empty() => (scheme, value),
            _ => {
                return exec_err!(
                    "{}: a concept is written SCHEME:VALUE, such as SCT:39607008",
                    arguments.name
                );
            }
        };
        let field = |name| arguments.field(0, row, name);
        let (Some(own_value), Some(own_scheme)) = (field("value"), field("scheme")) else {
            return Ok(None);
        };
        Ok(Some(concept(own_scheme, own_value) == concept(scheme, value)))
    };
    let matches = arguments.rows().map(matches).collect::<Result<BooleanArray>>()?;
    Ok(Arc::new(matches))
}

#[cfg(test)]
mod tests {
    use super::{CONCEPTS, concept};
    use crate::testing::{error, text};

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert!(CONCEPTS.is_sorted_by(|a, b| a.0 < b.0));
        let lines = include_str!("codes.tsv").lines().filter(|l| !l.starts_with('#'));
        assert_eq!(CONCEPTS.len(), lines.count());
        assert!(CONCEPTS.len() > 7900);
        assert!(
            CONCEPTS
                .iter()
                .all(|(old, new)| old.contains('-') && new.bytes().all(|b| b.is_ascii_digit()))
        );
    }

    #[test]
    fn concepts_that_the_field_writes_most() {
        for (old, new) in [
            ("R-00317", "373098007"),
            ("R-404FB", "255605001"),
            ("G-A437", "56851009"),
            ("R-10047", "386136009"),
            ("G-D705", "118565006"),
            ("G-C0E3", "363698007"),
            ("T-28000", "39607008"),
            ("T-62000", "10200004"),
            ("T-D0050", "85756007"),
            ("M-01000", "49755003"),
        ] {
            for scheme in ["SRT", "SNM3", "99SDM"] {
                assert_eq!(concept(scheme, old), ("SCT", new));
            }
        }
        assert_eq!(concept("SRT", "T-XXXXX"), ("SRT", "T-XXXXX"));
        assert_eq!(concept("DCM", "T-28000"), ("DCM", "T-28000"));
    }

    #[test]
    fn in_sql() {
        let call = |value: &str, scheme: &str, wanted: &str| {
            let code = format!("named_struct('value', {value}, 'scheme', {scheme}, 'meaning', 'x')");
            text(&format!("code_matches({code}, {wanted})"))
        };
        let yes = Some("true".to_owned());
        let no = Some("false".to_owned());
        assert_eq!(call("'T-28000'", "'SRT'", "'SCT:39607008'"), yes);
        assert_eq!(call("'39607008'", "'SCT'", "'SNM3:T-28000'"), yes);
        assert_eq!(call("'T-28000'", "'99SDM'", "'SRT:T-28000'"), yes);
        assert_eq!(call("'121207'", "'DCM'", "'DCM:121207'"), yes);
        assert_eq!(call("'T-28000'", "'SRT'", "'SCT:10200004'"), no);
        assert_eq!(call("'121207'", "'DCM'", "'SCT:121207'"), no);
        assert_eq!(call("NULL", "'SRT'", "'SCT:39607008'"), None);
        assert_eq!(call("'T-28000'", "NULL", "'SCT:39607008'"), None);
        assert_eq!(call("'T-28000'", "'SRT'", "NULL"), None);
        assert_eq!(text("code_matches(NULL, 'SCT:39607008')"), None);
        assert!(error("code_matches(NULL, 'liver')").contains("SCHEME:VALUE"));
        assert!(error("code_matches('T-28000', 'SCT:1')").contains("No function matches"));
        assert!(error("code_matches(named_struct('code', 'x'), 'SCT:1')").contains("No function matches"));
    }
}
