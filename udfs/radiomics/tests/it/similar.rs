//! Similar cases: what scaling, distances and neighbours are, and what they do not depend on.

use proptest::prelude::*;
use radlake_radiomics::similar::{Distance, MAX_Z, Neighbour, Scale, Scaling, Unweighted};

type Case = Vec<Option<f64>>;

fn columns(cases: &[Case]) -> Vec<Vec<Option<f64>>> {
    let features = cases.first().map_or(0, Vec::len);
    let column = |feature: usize| cases.iter().map(|case| case[feature]).collect();
    (0..features).map(column).collect()
}

fn scaling(cases: &[Case]) -> Scaling {
    Scaling::of(&columns(cases))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Cases of some features, a part of the values missing; few distinct values at times, so that spreads vanish.
fn cases() -> impl Strategy<Value = Vec<Case>> {
    let value = prop_oneof![
        1 => Just(None),
        4 => (-1000..1000i32).prop_map(|v| Some(f64::from(v) / 8.0)),
        2 => (0..3i32).prop_map(|v| Some(f64::from(v))),
    ];
    (1usize..8).prop_flat_map(move |features| {
        prop::collection::vec(prop::collection::vec(value.clone(), features), 1..25)
    })
}

proptest! {
    #[test]
    fn a_distance_is_symmetric_and_zero_to_itself(cases in cases()) {
        let scaling = scaling(&cases);
        for a in &cases {
            for b in &cases {
                prop_assert_eq!(scaling.distance(a, b), scaling.distance(b, a));
                if let Some(Distance { value, shared }) = scaling.distance(a, b) {
                    prop_assert!((0.0..=2.0 * MAX_Z).contains(&value));
                    prop_assert!(shared > 0 && shared * 3 >= scaling.weighted());
                }
            }
            if let Some(own) = scaling.distance(a, a) {
                prop_assert_eq!(own.value, 0.0);
                prop_assert!(scaling.contributions(a, a, 9).is_empty());
            }
        }
    }

    #[test]
    fn a_unit_changes_no_distance(cases in cases(), scale in 0.01..100.0f64, shift in -1000.0..1000.0f64) {
        let other: Vec<Case> = cases
            .iter()
            .map(|case| {
                let mut case = case.clone();
                case[0] = case[0].map(|v| scale * v + shift);
                case
            })
            .collect();
        let (before, after) = (scaling(&cases), scaling(&other));
        prop_assert_eq!(before.weighted(), after.weighted());
        for a in 0..cases.len() {
            for b in 0..cases.len() {
                let (x, y) = (before.distance(&cases[a], &cases[b]), after.distance(&other[a], &other[b]));
                prop_assert_eq!(x.map(|d| d.shared), y.map(|d| d.shared));
                prop_assert!(near(x.map_or(0.0, |d| d.value), y.map_or(0.0, |d| d.value)), "{:?} {:?}", x, y);
            }
        }
    }

    #[test]
    fn a_feature_that_is_the_same_in_all_changes_nothing(cases in cases(), value in -1e6..1e6f64) {
        let mut other = cases.clone();
        other.iter_mut().for_each(|case| case.push(Some(value)));
        let (before, after) = (scaling(&cases), scaling(&other));
        prop_assert!(after.scales().last().unwrap().reason.is_some());
        for (a, with) in cases.iter().zip(&other) {
            prop_assert_eq!(before.similar(a, &cases, 5, 3), after.similar(with, &other, 5, 3));
        }
    }

    /// Every neighbour is what the distances, sorted, give, with the shares that add up.
    #[test]
    fn neighbours_are_the_first_of_a_sort(cases in cases(), k in 0usize..30) {
        let scaling = scaling(&cases);
        let query = &cases[0];
        let mut all: Vec<(usize, Distance)> = cases
            .iter()
            .enumerate()
            .filter_map(|(k, case)| Some((k, scaling.distance(query, case)?)))
            .collect();
        all.sort_by(|x, y| x.1.value.total_cmp(&y.1.value));
        all.truncate(k);
        let found = scaling.similar(query, &cases, k, usize::MAX);
        prop_assert_eq!(found.len(), all.len());
        for (found, (case, distance)) in found.iter().zip(all) {
            prop_assert_eq!((found.case, found.distance, found.shared), (case, distance.value, distance.shared));
            let shares: f64 = found.contributions.iter().map(|c| c.share).sum();
            let all = if distance.value > 0.0 { 1.0 } else { 0.0 };
            prop_assert!(near(shares, all));
            for pair in found.contributions.windows(2) {
                prop_assert!((pair[1].share, pair[0].feature) < (pair[0].share, pair[1].feature));
            }
            let squared = distance.value * distance.value * distance.shared as f64;
            for c in &found.contributions {
                prop_assert!(near((c.a - c.b).powi(2), c.share * squared));
            }
        }
    }

    /// A scaling that was stored is the scaling.
    #[test]
    fn what_is_stored_gives_the_scaling_again(cases in cases()) {
        let scaling = scaling(&cases);
        let names: Vec<String> = (0..scaling.scales().len()).map(|k| format!("feature {k}")).collect();
        let stored: Scaling = scaling
            .rows(&names)
            .map(|(_, centre, spread, count, reason)| Scale {
                centre,
                spread,
                count,
                reason: reason.map(|text| text.parse().unwrap()),
            })
            .collect();
        prop_assert_eq!(&stored, &scaling);
        prop_assert_eq!(stored.weighted(), scaling.weighted());
    }
}

/// A seeded generator: about normal.
fn normal(state: &mut u64) -> f64 {
    let mut sum = 0.0;
    for _ in 0..12 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        sum += (*state >> 33) as f64 / (1u64 << 31) as f64;
    }
    sum - 6.0
}

/// With means and standard deviations one wild case would press all others together in that feature.
#[test]
fn a_wild_value_of_one_case_hardly_moves_the_others() {
    let mut state = 7;
    for _ in 0..20 {
        let mut cases: Vec<Case> = (0..60)
            .map(|_| (0..4).map(|_| Some(normal(&mut state))).collect())
            .collect();
        let before = scaling(&cases);
        let others = |scaling: &Scaling, query: usize, cases: &[Case]| -> Vec<Neighbour> {
            let mut found = scaling.similar(&cases[query], cases, 12, 0);
            found.retain(|n| n.case != 59);
            found.truncate(11);
            found
        };
        let old: Vec<_> = (0..59).map(|query| others(&before, query, &cases)).collect();
        cases[59][0] = Some(1e12);
        cases[59][1] = Some(-1e12);
        let after = scaling(&cases);
        let mut kept = 0;
        for (query, old) in old.iter().enumerate() {
            let new = others(&after, query, &cases);
            kept += new
                .iter()
                .filter(|n| old.iter().any(|o| o.case == n.case))
                .count();
            for (a, b) in new.iter().zip(old) {
                assert!((a.distance / b.distance - 1.0).abs() < 0.3 || b.distance == 0.0);
            }
        }
        assert!(kept > 59 * 10, "{kept} of {}", 59 * 11);
        let wild = after.scales()[0].z(1e12).unwrap();
        assert_eq!(wild, MAX_Z);
    }
}

fn some(values: &[f64]) -> Case {
    values.iter().copied().map(Some).collect()
}

/// By hand: medians, deviations and quartiles of small columns.
#[test]
fn a_scale_is_the_median_and_the_first_spread_that_is_not_zero() {
    let of = |values: &[f64]| {
        let scale = Scale::of(&some(values));
        (scale.centre, scale.spread, scale.count, scale.reason)
    };
    assert_eq!(of(&[1.0, 2.0, 4.0, 9.0, 100.0]), (4.0, 1.4826 * 3.0, 5, None));
    assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]), (2.5, 1.4826, 4, None));
    // Half are equal, the quartiles are not: (5 - 0) / 1.349.
    assert_eq!(of(&[0.0, 0.0, 0.0, 5.0, 9.0]), (0.0, 5.0 / 1.349, 5, None));
    // All but one are equal: the standard deviation of 0 × 8 and 9 is 3.
    assert_eq!(
        of(&[0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0]),
        (0.0, 3.0, 9, None)
    );
    assert_eq!(of(&[0.1; 7]), (0.1, 0.0, 7, Some(Unweighted::NoSpread)));
    assert_eq!(of(&[1.0, 2.0]), (1.5, 0.0, 2, Some(Unweighted::TooFew)));
    assert_eq!(of(&[]), (0.0, 0.0, 0, Some(Unweighted::TooFew)));
    assert_eq!(
        of(&[f64::NAN, f64::INFINITY, 1.0, 2.0, 3.0]),
        (2.0, 1.4826, 3, None)
    );
    let wide = of(&[-1.7e308, -1.6e308, 1.6e308, 1.7e308]);
    assert_eq!(wide.3, Some(Unweighted::TooWide));

    let with_missing = |present: usize, missing: usize| {
        let mut column: Case = (0..present).map(|v| Some(v as f64)).collect();
        column.resize(present + missing, None);
        Scale::of(&column).reason
    };
    assert_eq!(with_missing(5, 5), None);
    assert_eq!(with_missing(5, 6), Some(Unweighted::MostlyMissing));
}

/// Four features of median 0 and spread 1.
fn unit() -> Scaling {
    let scale = Scale {
        centre: 0.0,
        spread: 1.0,
        count: 9,
        reason: None,
    };
    Scaling::from(vec![scale; 4])
}

#[test]
fn missing_values_neither_bring_cases_nearer_nor_part_them() {
    let scaling = unit();
    let query = some(&[0.0; 4]);
    let distance = |case: &[Option<f64>]| scaling.distance(&query, case).map(|d| (d.value, d.shared));
    assert_eq!(distance(&some(&[2.0; 4])), Some((2.0, 4)));
    assert_eq!(distance(&[Some(2.0), Some(2.0), None, None]), Some((2.0, 2)));
    // As missing: what is no number, and what a short case lacks.
    assert_eq!(
        distance(&[Some(2.0), Some(2.0), Some(f64::NAN), Some(f64::INFINITY)]),
        Some((2.0, 2))
    );
    assert_eq!(distance(&some(&[2.0, 2.0])), Some((2.0, 2)));
    // One of four is less than a third, two are not.
    assert_eq!(distance(&[Some(2.0), None, None, None]), None);
    assert_eq!(distance(&[None; 4]), None);
    assert_eq!(distance(&[]), None);
    // Clipped.
    assert_eq!(distance(&some(&[1e9, -1e9, 1e9, 1e9])), Some((MAX_Z, 4)));
    // Of three, one is a third.
    let three = Scaling::from(unit().scales()[..3].to_vec());
    assert_eq!(
        three.distance(&query, &[Some(2.0), None, None]).map(|d| d.shared),
        Some(1)
    );
}

#[test]
fn contributions_are_the_shares_of_the_squared_distance() {
    let scaling = unit();
    let (a, b) = (some(&[0.0, 1.0, -1.0, 0.5]), some(&[3.0, 1.0, 3.0, 0.5]));
    let found = scaling.contributions(&a, &b, 9);
    let found: Vec<_> = found.iter().map(|c| (c.feature, c.a, c.b, c.share)).collect();
    assert_eq!(found, [(2, -1.0, 3.0, 16.0 / 25.0), (0, 0.0, 3.0, 9.0 / 25.0)]);
    assert_eq!(scaling.contributions(&a, &b, 1).len(), 1);
    assert!(scaling.contributions(&a, &b, 0).is_empty());
}

#[test]
fn odd_sets_of_cases_have_neighbours_or_none() {
    let cases = |found: Vec<Neighbour>| found.into_iter().map(|n| n.case).collect::<Vec<_>>();
    let set = vec![
        some(&[1.0, 5.0]),
        some(&[2.0, 4.0]),
        some(&[2.0, 4.0]),
        some(&[3.0, 9.0]),
        vec![None, None],
    ];
    let scaling = scaling(&set);
    assert_eq!(
        cases(scaling.similar(&set[2], &set, 2, 3)),
        [1, 2],
        "equal ones by their order"
    );
    assert_eq!(cases(scaling.similar(&set[2], &set, 99, 3)), [1, 2, 0, 3]);
    assert_eq!(
        cases(scaling.similar(&set[2], &set, usize::MAX, usize::MAX)).len(),
        4
    );
    assert!(scaling.similar(&set[2], &set, 0, 3).is_empty());
    assert!(
        scaling.similar(&set[4], &set, 3, 3).is_empty(),
        "nothing is known of it"
    );
    assert!(scaling.similar(&set[0], &Vec::<Case>::new(), 3, 3).is_empty());
    let alone = Scaling::of(&columns(&set[..1]));
    assert_eq!(alone.weighted(), 0);
    assert!(alone.similar(&set[0], &set[..1], 3, 3).is_empty());
    assert!(Scaling::of(&[]).similar(&set[0], &set, 3, 3).is_empty());
}
