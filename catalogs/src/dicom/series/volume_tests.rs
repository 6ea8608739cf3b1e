use arrow::datatypes::{Float64Type, Int64Type};

use super::*;
use crate::dicom::testing::*;

const AXIAL: &[u8] = b"1\\0\\0\\0\\1\\0 ";

fn ds(tag: u32, value: &str) -> Vec<u8> {
    let mut value = value.as_bytes().to_vec();
    value.resize(value.len().next_multiple_of(2), b' ');
    el(tag, "DS", &value)
}

fn fd(tag: u32, values: &[f64]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    el(tag, "FD", &bytes)
}

fn instance(uid: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let mut uid = uid.as_bytes().to_vec();
    uid.resize(uid.len().next_multiple_of(2), 0);
    let set = [
        el(0x0008_0018, "UI", &uid),
        el(0x0020_000D, "UI", b"1.2\0"),
        el(0x0020_000E, "UI", b"1.2.4\0"),
        el(0x0020_0052, "UI", b"1.2.5\0"),
        el(0x0028_0010, "US", &[8, 0]),
        el(0x0028_0011, "US", &[8, 0]),
        elements.concat(),
    ];
    part10(EXPLICIT, &set.concat())
}

/// The series of some instances.
fn series(instances: &[Vec<u8>]) -> RecordBatch {
    let rows: Vec<RecordBatch> = instances.iter().map(|bytes| row(bytes).0).collect();
    let series = aggregate(&rows, 1).unwrap();
    assert_eq!(series.num_rows(), 1);
    series
}

fn is_volume(series: &RecordBatch) -> bool {
    series["is_volume"].as_boolean().value(0)
}

fn float(series: &RecordBatch, name: &str) -> f64 {
    series[name].as_primitive::<Float64Type>().value(0)
}

fn floats(batch: &RecordBatch, name: &str) -> Option<Vec<f64>> {
    let list = batch[name].as_list::<i32>();
    list.is_valid(0)
        .then(|| list.value(0).as_primitive::<Float64Type>().values().to_vec())
}

fn slices(spacing: impl Fn(usize) -> String) -> Vec<Vec<u8>> {
    let slice = |i: usize| {
        instance(
            &format!("1.2.3.{i}"),
            &[
                ds(0x0020_0032, &format!("0\\0\\{i}")),
                el(0x0020_0037, "DS", AXIAL),
                ds(0x0028_0030, &spacing(i)),
            ],
        )
    };
    (0..5).map(slice).collect()
}

#[test]
fn rows_and_columns_may_be_spaced_differently() {
    assert!(is_volume(&series(&slices(|_| "0.5\\0.7".to_owned()))));
    assert!(is_volume(&series(&slices(|_| "0.5\\0.5".to_owned()))));
    // Of one slice the rows, of another the columns.
    let other = |at: usize, odd: &str| {
        let odd = odd.to_owned();
        slices(move |i| {
            if i == at {
                odd.clone()
            } else {
                "0.5\\0.7".to_owned()
            }
        })
    };
    for odd in ["0.52\\0.7", "0.5\\0.72", "0.7\\0.5"] {
        assert!(!is_volume(&series(&other(3, odd))), "{odd}");
    }
    assert!(is_volume(&series(&other(2, "0.501\\0.7"))), "within a hundredth");
}

fn shared(macros: &[Vec<u8>]) -> Vec<u8> {
    sequence(0x5200_9229, &[macros.concat()])
}

fn frames(frames: &[Vec<u8>]) -> Vec<u8> {
    let n = format!("{:<2}", frames.len());
    [el(0x0028_0008, "IS", n.as_bytes()), sequence(0x5200_9230, frames)].concat()
}

fn measures(spacing: &str) -> Vec<u8> {
    let elements = [
        ds(0x0018_0050, "2"),
        ds(0x0018_0088, "2"),
        ds(0x0028_0030, spacing),
    ];
    sequence(0x0028_9110, &[elements.concat()])
}

fn orientation() -> Vec<u8> {
    sequence(0x0020_9116, &[el(0x0020_0037, "DS", AXIAL)])
}

fn position(z: usize) -> Vec<u8> {
    sequence(0x0020_9113, &[ds(0x0020_0032, &format!("0\\0\\{z}"))])
}

#[test]
fn enhanced_images_are_volumes_wherever_their_measures_stand() {
    let per_frame: Vec<Vec<u8>> = (0..6)
        .map(|i| [position(2 * i), orientation(), measures("0.5\\0.7")].concat())
        .collect();
    let alone: Vec<Vec<u8>> = (0..6).map(|i| position(2 * i)).collect();
    for set in [
        [shared(&[]), frames(&per_frame)],
        [shared(&[orientation(), measures("0.5\\0.7")]), frames(&alone)],
    ] {
        let bytes = instance("1.2.3", &set);
        let series = series(std::slice::from_ref(&bytes));
        assert!(is_volume(&series));
        assert_eq!(float(&series, "slice_spacing_mm"), 2.0);
        assert_eq!(float(&series, "slice_thickness_max_mm"), 2.0);
        assert_eq!(
            (
                float(&series, "pixel_spacing_min_mm"),
                float(&series, "pixel_spacing_max_mm")
            ),
            (0.5, 0.7)
        );
        let (instance, appended) = row(&bytes);
        assert_eq!(appended.warnings, 0);
        assert_eq!(floats(&instance, "pixel_spacing"), Some(vec![0.5, 0.7]));
        assert_eq!(floats(&instance, "pixel_spacings"), Some(vec![0.5, 0.7]));
        let positions = floats(&instance, "image_positions_patient").unwrap();
        assert_eq!(
            positions,
            (0..6)
                .flat_map(|i| [0.0, 0.0, 2.0 * f64::from(i)])
                .collect::<Vec<_>>()
        );
        assert_eq!(
            floats(&instance, "image_position_patient"),
            None,
            "frames have six"
        );
    }
    // One frame of another size.
    let odd: Vec<Vec<u8>> = (0..6)
        .map(|i| {
            [
                position(2 * i),
                orientation(),
                measures(if i == 4 { "0.5\\0.8" } else { "0.5\\0.7" }),
            ]
            .concat()
        })
        .collect();
    assert!(!is_volume(&series(&[instance("1.2.3", &[frames(&odd)])])));
}

#[test]
fn parametric_maps_and_segmentations_are_volumes() {
    let mapping = {
        let unit = sequence(0x0040_08EA, &[el(0x0008_0100, "SH", b"um2/s ")]);
        let elements = [unit, fd(0x0040_9224, &[0.0]), fd(0x0040_9225, &[0.5])];
        sequence(0x0040_9096, &[elements.concat()])
    };
    let planes: Vec<Vec<u8>> = (0..4).map(|i| position(3 * i)).collect();
    let map = instance(
        "1.2.3",
        &[
            shared(&[orientation(), measures("1\\2"), mapping]),
            frames(&planes),
        ],
    );
    assert!(is_volume(&series(std::slice::from_ref(&map))));
    let (instance_row, _) = row(&map);
    assert_eq!(floats(&instance_row, "real_world_value_slopes"), Some(vec![0.5]));
    let units = instance_row["real_world_value_units"].as_list::<i32>().value(0);
    assert_eq!(units.as_string::<i32>().value(0), "um2/s");
    // Two segments at each place.
    let twice: Vec<Vec<u8>> = (0..8).map(|i| position(3 * (i % 4))).collect();
    let segments = sequence(
        0x0062_0002,
        &[el(0x0062_0004, "US", &[1, 0]), el(0x0062_0004, "US", &[2, 0])],
    );
    let segmentation = instance(
        "1.2.3",
        &[
            segments,
            shared(&[orientation(), measures("1\\2")]),
            frames(&twice),
        ],
    );
    let series = series(&[segmentation]);
    assert!(is_volume(&series));
    assert_eq!(float(&series, "slice_spacing_mm"), 3.0);
}

#[test]
fn a_dose_is_a_volume_by_its_offsets() {
    let dose = |offsets: &str| {
        instance(
            "1.2.3",
            &[
                ds(0x0020_0032, "0\\0\\10"),
                el(0x0020_0037, "DS", AXIAL),
                el(0x0028_0008, "IS", b"5 "),
                ds(0x0028_0030, "0.7\\0.7"),
                ds(0x3004_000C, offsets),
            ],
        )
    };
    for offsets in ["0\\2.5\\5\\7.5\\10", "10\\12.5\\15\\17.5\\20"] {
        let series = series(&[dose(offsets)]);
        assert!(is_volume(&series), "{offsets}");
        assert_eq!(float(&series, "slice_spacing_mm"), 2.5);
        assert_eq!(series["position_count"].as_primitive::<Int64Type>().value(0), 5);
    }
    for offsets in ["0\\2.5\\5\\7.5", "0\\2.5\\5\\7.5\\11", "1\\2\\3\\4\\5"] {
        assert!(!is_volume(&series(&[dose(offsets)])), "{offsets}");
    }
}

#[test]
fn parameters_of_frames_are_arrays_where_they_vary() {
    let timing = sequence(
        0x0018_9112,
        &[[
            ds(0x0018_0080, "2500"),
            el(0x0018_0091, "IS", b"1 "),
            ds(0x0018_1314, "90"),
        ]
        .concat()],
    );
    let modifier = sequence(0x0018_9115, &[fd(0x0018_9079, &[900.0])]);
    let frame = |i: usize, echo: f64, b: f64, direction: Option<[f64; 3]>, kernel: &[u8]| {
        let gradient = direction.map(|d| sequence(0x0018_9076, &[fd(0x0018_9089, &d)]));
        let diffusion = [fd(0x0018_9087, &[b]), gradient.unwrap_or_default()].concat();
        [
            position(i),
            orientation(),
            sequence(0x0018_9114, &[fd(0x0018_9082, &[echo])]),
            sequence(0x0018_9117, &[diffusion]),
            sequence(0x0018_9314, &[el(0x0018_1210, "SH", kernel)]),
            sequence(0x0018_9321, &[fd(0x0018_9330, &[250.5])]),
        ]
        .concat()
    };
    let all = [
        frame(0, 30.5, 0.0, None, b"B30f"),
        frame(1, 30.5, 1000.0, Some([1.0, 0.0, 0.0]), b"B30f"),
        frame(2, 30.5, 1000.0, Some([0.0, 1.0, 0.0]), b"B70f\\3 "),
        frame(3, 30.5, 0.0, None, b"B30f"),
        frame(4, 30.5, 1000.0, Some([1.0, 0.0, 0.0]), b"B30f"),
    ];
    let bytes = instance("1.2.3", &[shared(&[timing, modifier]), frames(&all)]);
    let (batch, appended) = row(&bytes);
    assert_eq!(appended.warnings, 0);
    for (name, one) in [
        ("echo_time", Some(30.5)),
        ("repetition_time", Some(2500.0)),
        ("flip_angle", Some(90.0)),
        ("inversion_time", Some(900.0)),
        ("diffusion_b_value", None),
    ] {
        let column = batch[name].as_primitive::<Float64Type>();
        assert_eq!(column.is_valid(0).then(|| column.value(0)), one, "{name}");
    }
    assert_eq!(batch["echo_train_length"].as_primitive::<Int32Type>().value(0), 1);
    assert!(batch["x_ray_tube_current"].is_null(0), "no whole number");
    for (name, values) in [
        ("echo_times", vec![30.5]),
        ("repetition_times", vec![2500.0]),
        ("inversion_times", vec![900.0]),
        ("diffusion_b_values", vec![0.0, 1000.0]),
        (
            "diffusion_gradient_orientations",
            vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        ),
        ("x_ray_tube_currents", vec![250.5]),
    ] {
        assert_eq!(floats(&batch, name), Some(values), "{name}");
    }
    let kernels = |batch: &RecordBatch| texts(&batch["convolution_kernels"], 0);
    assert_eq!(kernels(&batch), ["B30f", "B70f\\3"]);
    assert!(batch["convolution_kernel"].is_null(0));
    assert_eq!(floats(&batch, "kvps"), None);
    // What the data set itself says counts before what frames say; the next row is not touched by the one before.
    let own = instance("1.2.4", &[fd(0x0018_9087, &[700.0]), frames(&all)]);
    let both = series(&[bytes, own]);
    assert_eq!(kernels(&both), ["B30f", "B70f\\3"]);
    assert_eq!(floats(&both, "diffusion_b_values"), Some(vec![0.0, 1000.0]));
    assert_eq!(floats(&both, "flip_angles"), Some(vec![90.0]));
}

#[test]
fn rows_without_frames_have_no_arrays_of_them() {
    use crate::dicom::{BytesSource, InstanceRows, Limits, Origin, Scratch, read_header};
    let plain = instance("1.2.3", &[ds(0x0018_0081, "20")]);
    let echoes = |times: &[f64]| {
        let echo = |time: &f64| sequence(0x0018_9114, &[fd(0x0018_9082, &[*time])]);
        let all: Vec<Vec<u8>> = times.iter().map(echo).collect();
        instance("1.2.3", &[frames(&all)])
    };
    let mut rows = InstanceRows::new(1);
    let mut scratch = Scratch::default();
    for bytes in [
        &plain,
        &echoes(&[1.0, 2.0]),
        &plain,
        &plain,
        &echoes(&[3.0, 3.0]),
        &plain,
    ] {
        let header = read_header(&mut BytesSource::new(bytes), &Limits::default(), &mut scratch).unwrap();
        let origin = Origin {
            provider: "p",
            source_uri: "u",
            file_size: 1,
            header_hash: header.hash(1),
        };
        rows.append(&header, &origin);
    }
    for _ in 0..2 {
        let batch = rows.finish().unwrap();
        let lists = batch["echo_times"].as_list::<i32>();
        let times = batch["echo_time"].as_primitive::<Float64Type>();
        let of = |row: usize| {
            let list = lists
                .is_valid(row)
                .then(|| lists.value(row).as_primitive::<Float64Type>().values().to_vec());
            (list, times.is_valid(row).then(|| times.value(row)))
        };
        let found: Vec<_> = (0..batch.num_rows()).map(of).collect();
        if !found.is_empty() {
            let own = (None, Some(20.0));
            let expected = [
                own.clone(),
                (Some(vec![1.0, 2.0]), None),
                own.clone(),
                own.clone(),
                (Some(vec![3.0]), Some(3.0)),
                own,
            ];
            assert_eq!(found, expected);
        }
    }
}
