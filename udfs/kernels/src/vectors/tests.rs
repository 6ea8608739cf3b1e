//! Distances beside sums in order, the nearest beside a sort of all, text beside what pgvector's own tests expect.

use super::*;
use crate::random::Random;

fn vector(random: &mut Random, dims: usize, scale: f64) -> Vec<f32> {
    (0..dims)
        .map(|_| ((random.unit() - 0.5) * scale) as f32)
        .collect()
}

fn reference(a: &[f32], b: &[f32], metric: Metric) -> f64 {
    let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| term((*a).into(), (*b).into())).sum()
    };
    match metric {
        Metric::Euclidean => sum(&|a, b| (a - b).powi(2)).sqrt(),
        Metric::NegativeInnerProduct => -sum(&|a, b| a * b),
        Metric::Cosine => 1.0 - sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt(),
        Metric::Taxicab => sum(&|a, b| (a - b).abs()),
    }
}

#[test]
fn distances_are_those_of_double_precision_at_any_number_of_dimensions() {
    let mut random = Random(1);
    for dims in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 107, 768, 1999, 2000, 16_000] {
        for scale in [1e-20, 1.0, 1e6] {
            let (a, b) = (vector(&mut random, dims, scale), vector(&mut random, dims, scale));
            for metric in Metric::ALL {
                let (got, want) = (distance(&a, &b, metric).unwrap(), reference(&a, &b, metric));
                assert!(
                    (got - want).abs() <= 1e-9 * want.abs(),
                    "{metric:?} {dims} {got} {want}"
                );
                assert_eq!(
                    got.to_bits(),
                    distance(&b, &a, metric).unwrap().to_bits(),
                    "symmetric"
                );
            }
        }
    }
}

/// `test/expected/vector_type.out` of pgvector 0.8, but for sums that overflow an `f32` there.
#[test]
fn distances_are_pgvectors() {
    use Metric::{Cosine, Euclidean, NegativeInnerProduct, Taxicab};
    let of = |a: &str, operator: &str, b: &str| {
        let metric = Metric::of_operator(operator).unwrap();
        distance(&parse(a).unwrap(), &parse(b).unwrap(), metric).unwrap()
    };
    for (a, operator, b, want) in [
        ("[0,0]", "<->", "[3,4]", 5.0),
        ("[0,0]", "<->", "[0,1]", 1.0),
        ("[1,1,1,1,1,1,1,1,1]", "<->", "[1,1,1,1,1,1,1,4,5]", 5.0),
        ("[1,2]", "<#>", "[3,4]", -11.0),
        ("[1,1,1,1,1,1,1,1,1]", "<#>", "[1,2,3,4,5,6,7,8,9]", -45.0),
        ("[1,2]", "<=>", "[2,4]", 0.0),
        ("[1,1]", "<=>", "[1,1]", 0.0),
        ("[1,0]", "<=>", "[0,2]", 1.0),
        ("[1,1]", "<=>", "[-1,-1]", 2.0),
        ("[1,1]", "<=>", "[1.1,1.1]", 0.0),
        ("[1,1]", "<=>", "[-1.1,-1.1]", 2.0),
        ("[1,2,3,4,5,6,7,8,9]", "<=>", "[-1,-2,-3,-4,-5,-6,-7,-8,-9]", 2.0),
        ("[0,0]", "<+>", "[3,4]", 7.0),
        ("[1,2,3,4,5,6,7,8,9]", "<+>", "[0,3,2,5,4,7,6,9,8]", 9.0),
    ] {
        assert_eq!(of(a, operator, b), want, "{a} {operator} {b}");
    }
    assert!(of("[1,2]", "<=>", "[0,0]").is_nan());
    assert!((of("[3e38]", "<->", "[-3e38]") / 6e38 - 1.0).abs() < 1e-6);
    assert_eq!(of("[3e38]", "<=>", "[3e38]"), 0.0);
    for metric in [Euclidean, NegativeInnerProduct, Cosine, Taxicab] {
        let refused = distance(&[1.0, 2.0], &[3.0], metric).unwrap_err();
        assert_eq!(refused.to_string(), "different vector dimensions 2 and 1");
        assert!(distance(&[f32::NAN], &[1.0], metric).unwrap().is_nan());
    }
    assert_eq!(Metric::of_operator("<~>"), None);
    let mut random = Random(6);
    for _ in 0..1000 {
        // Of magnitudes that differ, so that sums are rounded and the cosine comes out beyond 1 at times.
        let mut value = || random.below(1 << 22) as f32 / (1 << random.below(20)) as f32;
        let a: Vec<f32> = (0..107).map(|_| value()).collect();
        let [b, c] = [3.0, -3.0].map(|k| a.iter().map(|v| v * k).collect::<Vec<f32>>());
        assert!(distance(&a, &b, Cosine).unwrap() >= 0.0 && distance(&a, &c, Cosine).unwrap() <= 2.0);
    }
}

/// Bits, so that NaN equals itself and 0 is not -0.
fn bits(found: &[Near]) -> Vec<(usize, u64)> {
    found.iter().map(|n| (n.index, n.distance.to_bits())).collect()
}

fn sorted(mut all: Vec<Near>, k: usize) -> Vec<Near> {
    all.sort();
    all.truncate(k);
    all
}

#[test]
fn the_nearest_are_the_first_of_a_sort() {
    let mut random = Random(2);
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0];
    for round in 0..300 {
        let all: Vec<Near> = (0..random.below(80))
            .map(|index| Near {
                index,
                distance: match random.below(3) {
                    0 => special[random.below(6)],
                    1 => random.below(5) as f64,
                    _ => random.unit(),
                },
            })
            .collect();
        for k in [0, 1, 2, 7, 79, 80, usize::MAX] {
            let want = bits(&sorted(all.clone(), k));
            let mut shuffled = all.clone();
            random.shuffle(&mut shuffled);
            let (mut one, mut parts) = (TopK::new(k), [(); 3].map(|()| TopK::new(k)));
            for (at, near) in shuffled.iter().enumerate() {
                one.offer(near.index, near.distance);
                parts[at % 3].offer(near.index, near.distance);
            }
            assert_eq!(bits(&one.into_sorted()), want, "round {round}, k {k}");
            let mut merged = TopK::new(k);
            parts.into_iter().for_each(|part| merged.merge(part));
            assert_eq!(bits(&merged.into_sorted()), want, "merged, round {round}, k {k}");
        }
    }
}

#[test]
fn distances_are_ordered_as_postgresql_orders_them() {
    let distances = [
        f64::NAN,
        1.0,
        0.0,
        f64::INFINITY,
        -0.0,
        f64::NAN,
        f64::NEG_INFINITY,
        1.0,
    ];
    let mut top = TopK::new(8);
    assert_eq!(top.farthest(), None);
    for (index, distance) in distances.into_iter().enumerate() {
        top.offer(index, distance);
    }
    assert!(top.farthest().is_some_and(f64::is_nan) && top.takes(8, 2.0) && !top.takes(8, f64::NAN));
    let order: Vec<usize> = top.into_sorted().iter().map(|n| n.index).collect();
    assert_eq!(order, [6, 2, 4, 1, 7, 3, 0, 5]);
}

/// What `nearest` is to give: every distance, sorted.
fn slow(
    query: &[f32],
    vectors: &[f32],
    k: usize,
    metric: Metric,
    valid: &dyn Fn(usize) -> bool,
) -> Vec<Near> {
    let rows = vectors.chunks_exact(query.len()).enumerate();
    let valid = rows.filter(|(index, _)| valid(*index));
    let all = valid.map(|(index, row)| Near {
        index,
        distance: distance(query, row, metric).unwrap(),
    });
    sorted(all.collect(), k)
}

fn compare(query: &[f32], vectors: &[f32], what: &str) {
    let dims = query.len();
    let some = |row: usize| !row.is_multiple_of(3);
    for metric in Metric::ALL {
        for k in [0, 1, 5, 40, 10_000] {
            let got = nearest(query, vectors, dims, k, metric, None).unwrap();
            let want = slow(query, vectors, k, metric, &|_| true);
            assert_eq!(bits(&got), bits(&want), "{what}: {metric:?}, {dims}, {k}");
            let got = nearest(query, vectors, dims, k, metric, Some(&some)).unwrap();
            let want = slow(query, vectors, k, metric, &some);
            assert_eq!(bits(&got), bits(&want), "{what}, some: {metric:?}, {dims}, {k}");
        }
    }
}

/// To the last bit, also where rows differ by less than an `f32` tells, overflow it, vanish in it, or are no numbers.
#[test]
fn one_pass_finds_what_a_sort_of_all_distances_finds() {
    let mut random = Random(3);
    for dims in [1, 2, 3, 8, 15, 16, 17, 31, 32, 40, 107, 300] {
        let query = vector(&mut random, dims, 2.0);
        let rows = 500;
        let around = |random: &mut Random, near: f64| -> Vec<f32> {
            let noise = vector(random, dims * rows, near);
            let centre = query.iter().cycle();
            noise.iter().zip(centre).map(|(n, q)| n + q).collect()
        };
        compare(&query, &vector(&mut random, dims * rows, 2.0), "random");
        compare(&query, &around(&mut random, 1e-5), "close");
        compare(&query, &around(&mut random, 1e-6), "closer than f32 tells");
        let opposite: Vec<f32> = around(&mut random, 1e-6).iter().map(|v| -v).collect();
        compare(&query, &opposite, "opposite");
        compare(&query, &vec![0.25; dims * rows], "equal");
        compare(&query, &vec![0.0; dims * rows], "zero");
        compare(&query, &query.repeat(rows), "the query");
        compare(&query, &vector(&mut random, dims * rows, 6e38), "overflow");
        compare(&query, &vector(&mut random, dims * rows, 1e-38), "vanish");
        let small = vector(&mut random, dims, 1e-22);
        compare(&small, &vector(&mut random, dims * rows, 1e-22), "squares vanish");
        let mut broken = vector(&mut random, dims * rows, 2.0);
        for _ in 0..rows {
            let at = random.below(dims * rows);
            broken[at] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX][random.below(4)];
        }
        compare(&query, &broken, "no numbers");
        compare(
            &vec![0.0; dims],
            &vector(&mut random, dims * rows, 2.0),
            "from zero",
        );
    }
}

#[test]
fn parts_of_the_rows_give_what_all_give() {
    let mut random = Random(4);
    let (query, vectors) = (vector(&mut random, 33, 1.0), vector(&mut random, 33 * 1000, 1.0));
    for metric in Metric::ALL {
        let scanned = Query::new(&query, metric).unwrap();
        let (mut one, mut merged) = (TopK::new(12), TopK::new(12));
        for (part, rows) in vectors.chunks(33 * 130).enumerate() {
            let mut found = TopK::new(12);
            scanned.scan(rows, part * 130, None, &mut found).unwrap();
            merged.merge(found);
            scanned.scan(rows, part * 130, None, &mut one).unwrap();
        }
        let want = bits(&nearest(&query, &vectors, 33, 12, metric, None).unwrap());
        assert_eq!(bits(&merged.into_sorted()), want);
        assert_eq!(bits(&one.into_sorted()), want, "batch after batch");
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let near = |query: &[f32], vectors: &[f32], dims| {
        nearest(query, vectors, dims, 3, Metric::Euclidean, None).map(|found| found.len())
    };
    assert_eq!(near(&[], &[], 0), Err(VectorError::Empty));
    assert_eq!(
        near(&[1.0], &[1.0, 2.0], 2),
        Err(VectorError::DifferentDimensions { left: 1, right: 2 })
    );
    assert_eq!(
        near(&[1.0, 2.0], &[1.0, 2.0, 3.0], 2),
        Err(VectorError::BrokenRow {
            values: 3,
            dimensions: 2
        })
    );
    assert_eq!(near(&[1.0, 2.0], &[], 2), Ok(0));
    assert_eq!(near(&[1.0, 2.0], &[1.0, 2.0], 2), Ok(1));
}

/// `test/expected/vector_type.out` of pgvector 0.8.
#[test]
fn text_is_pgvectors() {
    for (text, want) in [
        ("[1,2,3]", "[1,2,3]"),
        ("[-1,-2,-3]", "[-1,-2,-3]"),
        ("[1.,2.,3.]", "[1,2,3]"),
        (" [ 1,  2 ,    3  ] ", "[1,2,3]"),
        ("\t\u{b}[\n1\r,\u{c}+.5]", "[1,0.5]"),
        ("[1.23456]", "[1.23456]"),
        ("[1.5e38,-1.5e38]", "[1.5e+38,-1.5e+38]"),
        ("[1.5e-38,-1.5e-38]", "[1.5e-38,-1.5e-38]"),
        ("[1e-46,1]", "[0,1]"),
        ("[-1e-46,1]", "[-0,1]"),
        ("[1, 2.5, -3e2]", "[1,2.5,-300]"),
    ] {
        assert_eq!(print(&parse(text).unwrap()), want, "{text}");
    }
    let contents = Some("Vector contents must start with \"[\".");
    let junk = Some("Junk after closing right brace.");
    for (text, detail) in [
        ("[hello,1]", None),
        ("[1,2,3", None),
        ("[1,2,3]9", junk),
        ("1,2,3", contents),
        ("", contents),
        ("[", None),
        ("[ ", None),
        ("[,", None),
        ("[,]", None),
        ("[1,]", None),
        ("[1a]", None),
        ("[1,,3]", None),
        ("[1, ,3]", None),
        ("[1 2]", None),
        ("[0x10]", None),
        ("[1][2]", junk),
    ] {
        let refused = parse(text).unwrap_err();
        let message = format!("invalid input syntax for type vector: \"{text}\"");
        assert_eq!(refused.to_string(), message);
        assert_eq!(
            (refused.sqlstate(), refused.detail()),
            ("22P02", detail),
            "{text}"
        );
    }
    for (text, message, state) in [
        ("[NaN,1]", "NaN not allowed in vector", "22000"),
        ("[Infinity,1]", "infinite value not allowed in vector", "22000"),
        ("[-inf,1]", "infinite value not allowed in vector", "22000"),
        ("[4e38,1]", "\"4e38\" is out of range for type vector", "22003"),
        (
            "[ -4e38 ,1]",
            "\"-4e38\" is out of range for type vector",
            "22003",
        ),
        ("[]", "vector must have at least 1 dimension", "22000"),
        ("[ ]", "vector must have at least 1 dimension", "22000"),
    ] {
        let refused = parse(text).unwrap_err();
        assert_eq!(
            (refused.to_string().as_str(), refused.sqlstate()),
            (message, state)
        );
    }
    let long = |dims: usize| format!("[{}1]", "1,".repeat(dims - 1));
    assert_eq!(parse(&long(16_000)).unwrap().len(), 16_000);
    let refused = parse(&long(16_001)).unwrap_err();
    assert_eq!(
        (refused.to_string().as_str(), refused.sqlstate()),
        ("vector cannot have more than 16000 dimensions", "54000")
    );
}

/// What PostgreSQL 15.18 prints of these `float4`.
#[test]
fn numbers_are_postgresqls_shortest() {
    for (value, want) in [
        (0.0001_f32, "0.0001"),
        (0.00001, "1e-05"),
        (0.000012345, "1.2345e-05"),
        (100000.0, "100000"),
        (999999.0, "999999"),
        (1000000.0, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (123456.7, "123456.7"),
        (0.1, "0.1"),
        (1.0 / 3.0, "0.33333334"),
        (123.456, "123.456"),
        (16777216.0, "1.6777216e+07"),
        (33554448.0, "3.3554448e+07"),
        (-1967813.0 / 8.0, "-245976.62"),
        (12136361.0 / 4.0, "3.0340902e+06"),
        (-0.0, "-0"),
        (f32::MAX, "3.4028235e+38"),
        (f32::MIN_POSITIVE, "1.1754944e-38"),
        (f32::from_bits(1), "1e-45"),
        (f32::NAN, "NaN"),
        (f32::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(print(&[value]), format!("[{want}]"));
    }
    let mut random = Random(5);
    for _ in 0..100_000 {
        let value = f32::from_bits((random.below(1 << 16) << 16 | random.below(1 << 16)) as u32);
        if value.is_finite() {
            let text = print(&[value]);
            assert_eq!(parse(&text).unwrap()[0].to_bits(), value.to_bits(), "{text}");
        }
    }
}
