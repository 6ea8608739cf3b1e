use std::io::Write;

use super::*;

const LIMIT: usize = 1 << 20;

/// A NIfTI-1 file of 2 × 3 × 2 values of 16 bits, in either byte order.
fn nifti1(big: bool, change: impl Fn(&mut Vec<u8>, &dyn Fn(&mut Vec<u8>, usize, &[u8]))) -> Vec<u8> {
    let mut file = vec![0_u8; 352];
    let put = move |file: &mut Vec<u8>, at: usize, little: &[u8]| {
        let mut bytes = little.to_vec();
        if big {
            bytes.reverse();
        }
        file[at..at + bytes.len()].copy_from_slice(&bytes);
    };
    put(&mut file, 0, &348_i32.to_le_bytes());
    file[344..348].copy_from_slice(b"n+1\0");
    for (i, n) in [3_i16, 2, 3, 2].iter().enumerate() {
        put(&mut file, 40 + 2 * i, &n.to_le_bytes());
    }
    put(&mut file, 70, &4_i16.to_le_bytes());
    for (i, mm) in [1.0_f32, 0.5, 2.0, 3.0].iter().enumerate() {
        put(&mut file, 76 + 4 * i, &mm.to_le_bytes());
    }
    put(&mut file, 108, &352_f32.to_le_bytes());
    file[123] = 2;
    for n in 0..12_i16 {
        let value = n - 4;
        file.extend(if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }
    change(&mut file, &put);
    file
}

#[test]
fn nifti_is_read_in_both_byte_orders_and_packed() {
    let plain = nifti1(false, |file, put| {
        put(file, 254, &1_i16.to_le_bytes());
        // A row of the sform each: x to the left, z down, y forward.
        for (at, mm) in [
            (0, -0.5_f32),
            (3, 10.0),
            (6, 3.0),
            (7, -20.0),
            (9, 2.0),
            (11, 30.0),
        ] {
            put(file, 280 + 4 * at, &mm.to_le_bytes());
        }
    });
    let read_ = read(&plain, LIMIT).unwrap();
    assert!(read_.oriented);
    assert_eq!(read_.geometry.size, [2, 3, 2]);
    assert_eq!(read_.geometry.spacing, [0.5, 2.0, 3.0]);
    assert_eq!(read_.geometry.origin, [-10.0, 20.0, 30.0]);
    assert_eq!(
        read_.geometry.direction,
        [1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0]
    );
    assert_eq!(
        read_.samples.values().collect::<Vec<_>>(),
        (-4..8).map(f64::from).collect::<Vec<_>>()
    );
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&plain).unwrap();
    assert_eq!(read(&packed.finish().unwrap(), LIMIT).unwrap(), read_);
    let big = nifti1(true, |_, _| {});
    assert_eq!(read(&big, LIMIT).unwrap().samples, read_.samples);
}

#[test]
fn what_is_not_read_is_named() {
    let text = |file: &[u8]| read(file, LIMIT).unwrap_err().to_string();
    let times = nifti1(false, |file, put| {
        put(file, 40, &4_i16.to_le_bytes());
        put(file, 48, &5_i16.to_le_bytes());
    });
    assert!(text(&times).contains("5 along axis 4"), "{}", text(&times));
    let rgb = nifti1(false, |file, put| put(file, 70, &128_i16.to_le_bytes()));
    assert!(text(&rgb).contains("datatype 128"));
    let sheared = nifti1(false, |file, put| {
        put(file, 254, &1_i16.to_le_bytes());
        for (at, mm) in [(0, 1.0_f32), (1, 0.5), (5, 1.0), (10, 1.0)] {
            put(file, 280 + 4 * at, &mm.to_le_bytes());
        }
    });
    assert!(text(&sheared).contains("shear"));
    let short = nifti1(false, |file, _| file.truncate(360));
    assert_eq!(text(&short), "8 bytes of voxels where the header says 24");
    let huge = nifti1(false, |file, put| {
        for i in 1..4 {
            put(file, 40 + 2 * i, &i16::MAX.to_le_bytes());
        }
    });
    assert!(read(&huge, usize::MAX).is_err());
    assert_eq!(read(b"RIFF", LIMIT), Err(Error::Unknown));
}

fn nrrd(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = format!("NRRD0004\n# by hand\n{header}\n\n").into_bytes();
    file.extend(data);
    file
}

#[test]
fn nrrd_is_read_in_every_encoding() {
    let values: Vec<u8> = (0..8_i16).flat_map(i16::to_le_bytes).collect();
    let of = |encoding: &str, data: &[u8]| {
        let header = format!(
            "type: short\ndimension: 3\nsizes: 2 2 2\nendian: little\nencoding: {encoding}\nspace: right-anterior-superior\n\
             space directions: (0.5,0,0) (0,2,0) (0,0,3)\nspace origin: (1,2,3)\nSegment0_LabelValue:=2\nSegment0_Name:=Tumour"
        );
        read(&nrrd(&header, data), LIMIT)
    };
    let raw = of("raw", &values).unwrap();
    assert_eq!(
        raw.geometry.direction,
        [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0]
    );
    assert_eq!(
        (raw.geometry.spacing, raw.geometry.origin),
        ([0.5, 2.0, 3.0], [-1.0, -2.0, 3.0])
    );
    assert_eq!(
        raw.labels,
        [Label {
            value: 2,
            name: "Tumour".to_owned()
        }]
    );
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&values).unwrap();
    assert_eq!(of("gzip", &gz.finish().unwrap()).unwrap(), raw);
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bz.write_all(&values).unwrap();
    assert_eq!(of("bz2", &bz.finish().unwrap()).unwrap(), raw);
    assert_eq!(of("ascii", b"0 1 2 3\n4 5 6 7\n").unwrap(), raw);
    assert_eq!(
        of("raw", &values[..10]),
        Err(Error::Short {
            found: 10,
            expected: 16
        })
    );
    assert_eq!(of("gzip", &values), Err(Error::Damaged));
    assert!(of("hex", &values).is_err());
}

#[test]
fn any_cut_or_flip_of_a_file_is_an_error_or_a_volume() {
    let values: Vec<u8> = (0..8_i16).flat_map(i16::to_le_bytes).collect();
    let header = "type: short\ndimension: 4\nsizes: 1 2 2 2\nendian: little\nencoding: raw\nspace: LPS\nkinds: list space space space\n\
                  space directions: none (0.5,0,0) (0,2,0) (0,0,3)\nspace origin: (1,2,3)";
    for file in [nrrd(header, &values), nifti1(false, |_, _| {})] {
        read(&file, LIMIT).unwrap();
        for at in 0..file.len() {
            let _ = read(&file[..at], LIMIT);
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                if let Ok(volume) = read(&changed, LIMIT) {
                    assert_eq!(volume.samples.len(), volume.geometry.len());
                }
            }
        }
    }
}
