use super::Given;
use super::body::{Body, Method};
use crate::testing::{error, number};

fn near(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!(
        ((found - expected) / expected).abs() < 1e-12,
        "{found}, not {expected}"
    );
}

/// 70 kg, 1.75 m, 350 MBq of ¹⁸F, one half-life before the scan.
fn given() -> Given<'static> {
    Given {
        dose: Some(350e6),
        half_life: Some(6586.2),
        seconds: Some(6586.2),
        decay_correction: Some("START"),
        units: Some("BQML"),
        suv_scale: None,
        activity: None,
        body: Body {
            weight: Some(70.0),
            height: Some(1.75),
            sex: Some("M"),
        },
    }
}

#[test]
fn decay_to_start_and_to_administration() {
    near(given().factor(Method::BodyWeight), 70_000.0 / 175e6);
    let admin = Given {
        decay_correction: Some("ADMIN"),
        half_life: None,
        seconds: None,
        ..given()
    };
    near(admin.factor(Method::BodyWeight), 70_000.0 / 350e6);
}

#[test]
fn what_is_not_known() {
    let cases = [
        Given {
            dose: None,
            ..given()
        },
        Given {
            dose: Some(0.0),
            ..given()
        },
        Given {
            half_life: None,
            ..given()
        },
        Given {
            half_life: Some(-1.0),
            ..given()
        },
        Given {
            seconds: None,
            ..given()
        },
        Given {
            seconds: Some(-1.0),
            ..given()
        },
        Given {
            decay_correction: Some("NONE"),
            ..given()
        },
        Given {
            decay_correction: None,
            ..given()
        },
        Given {
            units: Some("PROPCPS"),
            ..given()
        },
        Given {
            units: None,
            ..given()
        },
        Given {
            units: Some("CNTS"),
            ..given()
        },
        Given {
            body: Body::default(),
            ..given()
        },
        // A dose that has decayed to nothing makes no factor.
        Given {
            seconds: Some(1e9),
            ..given()
        },
    ];
    for case in cases {
        assert_eq!(case.factor(Method::BodyWeight), None, "{case:?}");
    }
}

#[test]
fn values_that_are_suvs_already() {
    let grams = Given {
        units: Some("GML"),
        body: Body::default(),
        ..Given::default()
    };
    assert_eq!(grams.factor(Method::BodyWeight), Some(1.0));
    assert_eq!(grams.factor(Method::Lean), None);
    let areas = Given {
        units: Some("CM2ML"),
        ..grams
    };
    assert_eq!(areas.factor(Method::SurfaceArea), Some(1.0));
    let whole = Given {
        body: given().body,
        ..grams
    };
    near(
        whole.factor(Method::Lean),
        given().body.numerator(Method::Lean).unwrap() / 70_000.0,
    );
}

#[test]
fn counts_of_philips() {
    let scaled = Given {
        units: Some("CNTS"),
        suv_scale: Some(0.0005),
        activity: Some(2.0),
        ..Given::default()
    };
    assert_eq!(scaled.factor(Method::BodyWeight), Some(0.0005));
    let activity = Given {
        units: Some("CNTS"),
        suv_scale: Some(0.0),
        activity: Some(2.0),
        ..given()
    };
    near(activity.factor(Method::BodyWeight), 2.0 * 70_000.0 / 175e6);
}

#[test]
fn bodies() {
    let (man, woman) = (
        given().body,
        Body {
            sex: Some("F"),
            ..given().body
        },
    );
    // (70 / 175)² is 0.16; the body mass index is 70 / 1.75² = 160 / 7.
    near(man.numerator(Method::Lean), 1000.0 * (77.0 - 19.2));
    near(man.numerator(Method::LeanJames128), 1000.0 * (77.0 - 20.48));
    near(woman.numerator(Method::Lean), 1000.0 * (74.9 - 23.68));
    let index = 160.0 / 7.0;
    near(
        man.numerator(Method::LeanJanmahasatian),
        648_900_000.0 / (6680.0 + 216.0 * index),
    );
    near(
        woman.numerator(Method::LeanJanmahasatian),
        648_900_000.0 / (8780.0 + 244.0 * index),
    );
    near(man.numerator(Method::IdealWeight), 1000.0 * (48.0 + 1.06 * 23.0));
    near(
        woman.numerator(Method::IdealWeight),
        1000.0 * (45.5 + 0.91 * 23.0),
    );
    // Du Bois' table has 1.85 m² for 70 kg and 1.75 m.
    let surface = man.numerator(Method::SurfaceArea).unwrap();
    assert!((surface - 18_480.0).abs() < 50.0, "{surface}");
    let other = Body {
        sex: Some("O"),
        ..man
    };
    assert_eq!(other.numerator(Method::Lean), None);
    assert!(other.numerator(Method::SurfaceArea).is_some());
    // James' parabola has come down again for 300 kg and 1.5 m.
    let heavy = Body {
        weight: Some(400.0),
        height: Some(1.5),
        ..woman
    };
    assert_eq!(heavy.numerator(Method::Lean), None);
}

#[test]
fn in_sql() {
    let call = |rest: &str| {
        format!(
            "suv_factor(70, 350000000, 3600, '2020-01-01 23:30:00'::timestamp, '2020-01-02 00:30:00'::timestamp, {rest})"
        )
    };
    near(number(&call("'START', 'BQML'")), 70_000.0 / 175e6);
    near(
        number(&call("'ADMIN', 'BQML', 'LBM', 1.75, 'M'")),
        57_800.0 / 350e6,
    );
    near(number(&call("'START', 'CNTS', NULL, NULL, NULL, 0.25")), 0.25);
    assert_eq!(number(&call("'NONE', 'BQML'")), None);
    assert_eq!(number(&call("NULL, 'BQML'")), None);
    assert_eq!(
        number("suv_factor(NULL, NULL, NULL, NULL, NULL, NULL, NULL)"),
        None
    );
    near(
        number(
            "suv_factor(weight_kg => 70, injected_dose_bq => 350e6, half_life_s => 3600, injection_time => '2020-01-01 10:00:00', \
             scan_time => '2020-01-01 11:00:00', decay_correction => 'START', units => 'BQML')",
        ),
        70_000.0 / 175e6,
    );
    assert!(error(&call("'START', 'BQML', 'fat'")).contains("method must be one of bw, lbm"));
    let instants = |first: &str, second: &str| {
        format!("suv_factor(70, 350e6, 3600, {first}, {second}, 'START', 'BQML')")
    };
    let zoned = |text: &str| format!("arrow_cast('{text}', 'Timestamp(Microsecond, Some(\"UTC\"))')");
    let mixed = instants(&zoned("2020-01-01T10:00:00Z"), "'2020-01-01 11:00:00'::timestamp");
    assert!(error(&mixed).contains("No function matches"), "{}", error(&mixed));
    let both = instants(
        &zoned("2020-01-01T10:00:00Z"),
        &zoned("2020-01-01T12:00:00+01:00"),
    );
    near(number(&both), 70_000.0 / 175e6);
    assert!(error("suv_factor(70)").contains("No function matches"));
}
