//! Diffusion weighting as makers wrote it before the standard had attributes for it.

use crate::dicom::{Element, csa, numbers::Numbers, values, vr::Diffusion};

/// What private elements of one image say.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct PrivateDiffusion {
    /// s/mm2.
    pub(super) b_value: Option<f64>,
    /// x, y, z in the patient's coordinates.
    pub(super) direction: Option<[f64; 3]>,
}

/// GE adds this to b-values that its software has checked.
const GE_OFFSET: f64 = 1e9;

impl PrivateDiffusion {
    /// Takes what an element says that the walk marked. Of several the first counts; a CSA header only where no element speaks.
    pub(super) fn note(&mut self, element: &Element, bytes: &[u8]) {
        let b_value = || numbers(element, bytes).and_then(|numbers| numbers.first().copied());
        let b_value = match Diffusion::of(element.tag) {
            Some(Diffusion::Ge) => b_value().map(|b| b % GE_OFFSET),
            Some(Diffusion::Siemens | Diffusion::Philips) => b_value(),
            Some(Diffusion::SiemensDirection) => {
                let direction = numbers(element, bytes).and_then(|numbers| numbers.try_into().ok());
                self.direction = self.direction.or(direction);
                None
            }
            Some(Diffusion::SiemensCsa) => {
                let said = csa::diffusion(bytes);
                self.direction = self.direction.or(said.direction);
                said.b_value
            }
            None => None,
        };
        let b_value = b_value.filter(|b| b.is_finite() && *b >= 0.0);
        self.b_value = self.b_value.or(b_value);
    }
}

/// The numbers of an element, written as numbers or as text.
fn numbers(element: &Element, bytes: &[u8]) -> Option<Vec<f64>> {
    if let Some(numbers) = Numbers::of(element, element.vr, bytes) {
        return Some((0..numbers.len()).map(|i| numbers.float(i)).collect());
    }
    if element.vr.binary() {
        return None;
    }
    values::trim_end(bytes)
        .split(|b| *b == b'\\')
        .map(values::decimal)
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Float64Type;

    use crate::dicom::{csa, testing::*};

    const IMPLICIT: &str = "1.2.840.10008.1.2";

    fn implicit_set(elements: &[(u32, &[u8])]) -> Vec<u8> {
        let ids: [(u32, &[u8]); 3] = [
            (0x0008_0018, b"1.2.3\0"),
            (0x0020_000D, b"1.2\0"),
            (0x0020_000E, b"1.2.4\0"),
        ];
        let all = ids.iter().chain(elements);
        all.flat_map(|(tag, value)| implicit(*tag, value.len() as u32, value))
            .collect()
    }

    fn said(bytes: &[u8]) -> (Option<f64>, Option<Vec<f64>>) {
        let (batch, _) = row(bytes);
        let b_value = batch["private_diffusion_b_value"].as_primitive::<Float64Type>();
        let direction = batch["private_diffusion_gradient_orientation"].as_list::<i32>();
        (
            b_value.is_valid(0).then(|| b_value.value(0)),
            direction
                .is_valid(0)
                .then(|| direction.value(0).as_primitive::<Float64Type>().values().to_vec()),
        )
    }

    #[test]
    fn b_values_of_the_makers_in_implicit_vr() {
        let direction: Vec<u8> = [0.5f64, -0.5, 0.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        type Case<'c> = (&'c [(u32, &'c [u8])], f64, Option<Vec<f64>>);
        let cases: [Case<'_>; 5] = [
            (
                &[(0x0043_0010, b"GEMS_PARM_01"), (0x0043_1039, b"1000\\8\\0\\0 ")],
                1000.0,
                None,
            ),
            (
                &[
                    (0x0043_0011, b"GEMS_PARM_01"),
                    (0x0043_1139, b"1000000750\\8\\0\\0 "),
                ],
                750.0,
                None,
            ),
            (
                &[
                    (0x0019_0010, b"SIEMENS MR HEADER "),
                    (0x0019_100C, b"500 "),
                    (0x0019_100E, &direction),
                ],
                500.0,
                Some(vec![0.5, -0.5, 0.0]),
            ),
            (
                &[
                    (0x2001_0010, b"Philips Imaging DD 001"),
                    (0x2001_1003, &800f32.to_le_bytes()),
                ],
                800.0,
                None,
            ),
            (
                &[
                    (0x2001_00FF, b"Philips Imaging DD 001"),
                    (0x2001_FF03, &0f32.to_le_bytes()),
                ],
                0.0,
                None,
            ),
        ];
        for (elements, b_value, direction) in cases {
            let bytes = part10(IMPLICIT, &implicit_set(elements));
            assert_eq!(said(&bytes), (Some(b_value), direction), "{b_value}");
        }
    }

    #[test]
    fn whose_an_element_is_its_creator_tells() {
        for elements in [
            &[(0x0043_0010, &b"ACME"[..]), (0x0043_1039, b"1000\\8\\0\\0 ")][..],
            &[(0x0043_0011, b"GEMS_PARM_01"), (0x0043_1039, b"1000\\8\\0\\0 ")],
            &[(0x0043_1039, b"1000\\8\\0\\0 ")],
            &[(0x0019_0010, b"GEMS_ACQU_01"), (0x0019_100C, b"500 ")],
        ] {
            assert_eq!(said(&part10(IMPLICIT, &implicit_set(elements))), (None, None));
        }
    }

    #[test]
    fn private_elements_are_what_their_maker_says() {
        let bytes = part10(
            IMPLICIT,
            &implicit_set(&[
                (0x0019_0010, b"SIEMENS MR HEADER "),
                (0x0019_100C, b"500 "),
                (0x0043_0010, b"GEMS_PARM_01"),
                (0x0043_1001, &[0xFE, 0xFF]),
                // Of a length that no SS has, and a text that is none: kept as bytes.
                (0x0043_1002, &[1, 2, 3]),
                (0x0043_1039, b"\x01\x02\x03\x04"),
                (0x0043_10FF, b"unlisted"),
                (0x2001_0010, b"Philips Imaging DD 001"),
                (0x2001_1003, &800f32.to_le_bytes()),
            ]),
        );
        let json = dataset(&bytes);
        assert_eq!(json["0019100C"], serde_json::json!({"vr": "IS", "Value": [500]}));
        assert_eq!(json["00431001"], serde_json::json!({"vr": "SS", "Value": [-2]}));
        assert_eq!(
            json["20011003"],
            serde_json::json!({"vr": "FL", "Value": [800.0]})
        );
        for bytes in ["00431002", "00431039", "004310FF"] {
            assert_eq!(json[bytes]["vr"], "UN", "{bytes}");
        }
        // Where an archive made it UN.
        let bytes = part10(
            EXPLICIT,
            &[
                ids(),
                el(0x0043_0010, "LO", b"GEMS_PARM_01"),
                el(0x0043_1039, "UN", b"1000\\8\\0\\0 "),
            ]
            .concat(),
        );
        assert_eq!(
            dataset(&bytes)["00431039"]["Value"],
            serde_json::json!([1000, 8, 0, 0])
        );
        assert_eq!(said(&bytes).0, Some(1000.0));
    }

    #[test]
    fn blocks_are_of_the_item_that_holds_them() {
        let item = [
            el(0x0043_0010, "LO", b"GEMS_PARM_01"),
            el(0x0043_1039, "UN", b"700\\8\\0\\0 "),
        ]
        .concat();
        let other = el(0x0043_1039, "UN", b"900\\8\\0\\0 ");
        let bytes = part10(EXPLICIT, &[sequence(0x0008_1140, &[item, other]), ids()].concat());
        let json = dataset(&bytes);
        let items = &json["00081140"]["Value"];
        assert_eq!(items[0]["00431039"]["vr"], "IS");
        assert_eq!(items[1]["00431039"]["vr"], "UN");
        // Of a referenced image, not of this one.
        assert_eq!(said(&bytes), (None, None));
    }

    #[test]
    fn siemens_csa_header() {
        let tags: &[(&str, &str, &[&str])] = &[
            ("B_value", "IS", &["1000"]),
            ("DiffusionGradientDirection", "FD", &["0.6", "0.0", "0.8"]),
        ];
        let csa = csa::tests::header(true, tags);
        let private = |vr: &str, csa: &[u8]| {
            [
                ids(),
                el(0x0029_0010, "LO", b"SIEMENS CSA HEADER"),
                el(0x0029_1010, vr, csa),
            ]
            .concat()
        };
        for vr in ["OB", "UN"] {
            let bytes = part10(EXPLICIT, &private(vr, &csa));
            assert_eq!(said(&bytes), (Some(1000.0), Some(vec![0.6, 0.0, 0.8])), "{vr}");
        }
        // An element speaks before the header does.
        let element = [
            el(0x0019_0010, "LO", b"SIEMENS MR HEADER "),
            el(0x0019_100C, "IS", b"500 "),
        ]
        .concat();
        let bytes = part10(EXPLICIT, &[element, private("OB", &csa)].concat());
        assert_eq!(said(&bytes), (Some(500.0), Some(vec![0.6, 0.0, 0.8])));
    }
}
