use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use ::tar::{Builder, Header};
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::tar::{Extended, pax};
use super::*;
use ::tar::EntryType;

type Visited = Vec<(String, Result<Vec<u8>, &'static str>)>;

fn read_all(path: &Path) -> (Kind, Visited, Result<(), Failure>) {
    let mut head = vec![0; SNIFF];
    let mut file = File::open(path).unwrap();
    let n = file.read(&mut head).unwrap();
    let kind = sniff(&head[..n]);
    let mut visited = Vec::new();
    let size = file.metadata().unwrap().len();
    let result = read(
        kind,
        Box::new(File::open(path).unwrap()),
        size,
        path,
        &mut |member| {
            let name = String::from_utf8_lossy(member.name).into_owned();
            let content = member.content.map_err(|f| f.code).and_then(|content| {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes).map(|_| bytes).map_err(|_| "read")
            });
            visited.push((name, content));
            ControlFlow::Continue(())
        },
    );
    (kind, visited, result)
}

fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn a_tar(long: &str) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in [("dir/one", &b"1"[..]), (long, &[7u8; 700][..])] {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn zip_members_in_order_without_folders() {
    let dir = tempfile::tempdir().unwrap();
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.add_directory("folder/", SimpleFileOptions::default())
        .unwrap();
    for (name, method) in [
        ("folder/b", CompressionMethod::Stored),
        ("a", CompressionMethod::Deflated),
    ] {
        zip.start_file(name, SimpleFileOptions::default().compression_method(method))
            .unwrap();
        zip.write_all(name.as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let (kind, visited, result) = read_all(&file(&dir, "no-suffix", &bytes));
    assert_eq!((kind, result), (Kind::Zip, Ok(())));
    assert_eq!(
        visited,
        [
            ("folder/b".into(), Ok(b"folder/b".to_vec())),
            ("a".into(), Ok(b"a".to_vec()))
        ]
    );
    // Without its directory at the end it is no zip, and says so.
    let (_, visited, result) = read_all(&file(&dir, "cut", &bytes[..60]));
    assert_eq!(
        (visited.len(), result.unwrap_err().code),
        (0, code::ARCHIVE_BROKEN)
    );
}

#[test]
fn tar_and_tgz_with_long_names() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("deep/{}/two", "x".repeat(180));
    let tar = a_tar(&long);
    let expected: Visited = vec![
        ("dir/one".into(), Ok(b"1".to_vec())),
        (long.clone(), Ok(vec![7; 700])),
    ];
    for (name, bytes, kind) in [("t", tar.clone(), Kind::Tar), ("t.gz", gz(&tar), Kind::Gzip)] {
        assert_eq!(
            read_all(&file(&dir, name, &bytes)),
            (kind, expected.clone(), Ok(()))
        );
    }
    // Cut in the middle of the second member: the first stays, the rest is an error.
    let (_, visited, result) = read_all(&file(&dir, "cut", &tar[..tar.len() - 2000]));
    assert_eq!(
        (visited[0].clone(), result.unwrap_err().code),
        (expected[0].clone(), code::ARCHIVE_BROKEN)
    );
    let (_, _, result) = read_all(&file(&dir, "cut.gz", &gz(&tar)[..60]));
    assert_eq!(result.unwrap_err().code, code::ARCHIVE_BROKEN);
}

#[test]
fn tars_and_files_packed_by_xz_bzip2_and_zstandard() {
    let dir = tempfile::tempdir().unwrap();
    let packed: [(&str, Kind, &[u8], &[u8]); 3] = [
        (
            "xz",
            Kind::Xz,
            include_bytes!("packed/t.tar.xz"),
            include_bytes!("packed/1.dcm.xz"),
        ),
        (
            "bz2",
            Kind::Bzip2,
            include_bytes!("packed/t.tar.bz2"),
            include_bytes!("packed/1.dcm.bz2"),
        ),
        (
            "zst",
            Kind::Zstd,
            include_bytes!("packed/t.tar.zst"),
            include_bytes!("packed/1.dcm.zst"),
        ),
    ];
    for (suffix, kind, tar, one) in packed {
        let path = file(&dir, &format!("t.tar.{suffix}"), tar);
        let expected: Visited = vec![
            ("dir/one".into(), Ok(b"1".to_vec())),
            ("two".into(), Ok(vec![7; 700])),
        ];
        assert_eq!(read_all(&path), (kind, expected, Ok(())), "{suffix}");
        let path = file(&dir, &format!("1.dcm.{suffix}"), one);
        let expected: Visited = vec![("1.dcm".into(), Ok(b"hello".to_vec()))];
        assert_eq!(read_all(&path), (kind, expected, Ok(())), "{suffix}");
        let (_, _, result) = read_all(&file(&dir, "cut", &tar[..tar.len() / 2]));
        assert_eq!(result.unwrap_err().code, code::ARCHIVE_BROKEN, "{suffix}");
    }
}

#[test]
fn links_in_archives_have_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(Vec::new());
    for (name, kind) in [("soft", EntryType::Symlink), ("hard", EntryType::Link)] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder.append_link(&mut header, name, "dir/one").unwrap();
    }
    let (_, visited, result) = read_all(&file(&dir, "t", &builder.into_inner().unwrap()));
    let expected: Visited = vec![
        ("soft".into(), Err(code::LINK_MEMBER)),
        ("hard".into(), Err(code::LINK_MEMBER)),
    ];
    assert_eq!((visited, result), (expected.clone(), Ok(())));
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    for name in ["soft", "hard"] {
        zip.add_symlink(name, "dir/one", SimpleFileOptions::default())
            .unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let (_, visited, result) = read_all(&file(&dir, "z", &bytes));
    assert_eq!((visited, result), (expected, Ok(())));
}

#[test]
fn pax_records_give_name_and_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(Vec::new());
    builder
        .append_pax_extensions([("path", &b"real/name"[..]), ("size", &b"3"[..])])
        .unwrap();
    let mut header = Header::new_ustar();
    header.set_size(3);
    header.set_mode(0o644);
    header.set_path("short").unwrap();
    header.set_cksum();
    builder.append(&header, &b"abc"[..]).unwrap();
    let path = file(&dir, "pax", &builder.into_inner().unwrap());
    assert_eq!(
        read_all(&path),
        (Kind::Tar, vec![("real/name".into(), Ok(b"abc".to_vec()))], Ok(()))
    );
    let mut next = Extended::default();
    for lie in [
        "0 path=x\n",
        "99999 path=x\n",
        "path",
        "18446744073709551615 a=b\n",
        "2 \n",
    ] {
        let _ = pax(lie.as_bytes(), &mut next);
    }
    assert!(pax(b"9999 path=x\n", &mut next).is_err());
}

#[test]
fn one_file_packed_by_gzip_keeps_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let (kind, visited, result) = read_all(&file(&dir, "1.dcm.gz", &gz(b"hello")));
    assert_eq!(
        (kind, visited, result),
        (Kind::Gzip, vec![("1.dcm".into(), Ok(b"hello".to_vec()))], Ok(()))
    );
}

#[test]
fn a_bomb_is_defused() {
    struct Endless;
    impl Read for Endless {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            buf.fill(0);
            Ok(buf.len())
        }
    }
    let mut budget = Budget {
        left: 1 << 20,
        exhausted: false,
    };
    let mut metered = Metered {
        inner: Endless,
        budget: &mut budget,
    };
    let read = io::copy(&mut metered, &mut io::sink());
    assert!(read.is_err() && budget.exhausted);
}

#[test]
fn an_extended_header_of_a_terabyte_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_path("././@LongLink").unwrap();
    header.set_size(1 << 40);
    header.set_cksum();
    let (kind, visited, result) = read_all(&file(&dir, "bomb.tar", header.as_bytes()));
    assert_eq!(
        (kind, visited.len(), result.unwrap_err().code),
        (Kind::Tar, 0, code::ARCHIVE_BROKEN)
    );
}

#[test]
fn a_zip_that_is_all_directory_is_refused() {
    // The gate alone: a directory of 128 MiB would make the test slow.
    let mut file = tempfile::tempfile().unwrap();
    file.set_len(100).unwrap();
    let gate = std::rc::Rc::new(std::cell::Cell::new(Some(64)));
    let mut gated = zip::Gated {
        file: Box::new(file.try_clone().unwrap()),
        left: gate,
    };
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut bytes = Vec::new();
    assert!(gated.read_to_end(&mut bytes).is_err());
}

#[test]
fn content_decides() {
    let mut dicom = vec![0u8; 132];
    dicom[128..].copy_from_slice(b"DICM");
    dicom[..4].copy_from_slice(b"PK\x03\x04");
    assert_eq!(sniff(&dicom), Kind::Plain);
    assert_eq!(sniff(b"PK\x03\x04"), Kind::Zip);
    assert_eq!(sniff(b""), Kind::Plain);
    assert_eq!(sniff(&[0; 512]), Kind::Plain);
}
