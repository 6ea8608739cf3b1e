use std::fs;
use std::io::Write;
use std::sync::Arc;

use ::tar::{Builder, Header};
use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::dicom::synthetic::{Encoding, SeriesBuilder, StudyBuilder};

#[derive(Default)]
struct Collected {
    outcomes: Vec<(String, String)>,
    rows: usize,
    parts: usize,
    sizes: Vec<Option<u64>>,
    known: KnownMembers,
}

impl Sink for Collected {
    fn take(&mut self, parsed: Parsed) -> bool {
        let instances = parsed
            .outcomes
            .iter()
            .filter(|o| matches!(o.verdict, Verdict::Instance { .. }))
            .count();
        assert_eq!(instances, parsed.rows.num_rows());
        self.rows += instances;
        self.parts += 1;
        for outcome in parsed.outcomes {
            let what = match outcome.verdict {
                Verdict::Instance { content_hash, .. } if content_hash.is_some() => "hashed".to_owned(),
                Verdict::Instance { .. } => "instance".to_owned(),
                Verdict::Refused(f) => format!("refused {}", f.code),
                Verdict::Skipped(f) => format!("skipped {}", f.code),
                Verdict::Archive => "archive".to_owned(),
                Verdict::Unchanged => "unchanged".to_owned(),
            };
            self.outcomes
                .push((outcome.uri.rsplit_once('/').unwrap().1.to_owned(), what));
            self.sizes.push(outcome.size);
        }
        true
    }

    fn known_members(&mut self, _: &str, _: Option<i64>) -> io::Result<KnownMembers> {
        Ok(self.known.clone())
    }

    fn cancelled(&self) -> bool {
        false
    }
}

fn files(n: usize) -> Vec<Vec<u8>> {
    let study = StudyBuilder::new("parse").series(SeriesBuilder::ct(n));
    study.instances().map(|i| i.bytes(&Encoding::default())).collect()
}

fn parse(dir: &Path, full_hash: bool, known: KnownMembers) -> Collected {
    let settings = Settings {
        provider: "p".into(),
        limits: Limits::default(),
        full_hash,
        replace: false,
    };
    let mut sink = Collected {
        known,
        ..Collected::default()
    };
    let offers: Vec<Offer> = walk::walk(vec![dir.to_path_buf()], None).collect();
    assert!(Worker::new(&settings).run(&offers, &mut sink));
    sink
}

#[test]
fn files_of_a_bucket_are_read_as_those_of_a_folder() {
    use crate::ingest::bucket::Bucket;
    use object_store::memory::InMemory;
    use object_store::path::Path as Key;
    use object_store::{ObjectStore, ObjectStoreExt};
    let f = files(4);
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Longer than a range: its last member is beyond the first.
    let mut large = f[3].clone();
    large.extend(std::iter::repeat_n(7, 3 << 20));
    let members: Vec<(&str, &[u8])> = vec![("m0", &large), ("m1", &f[2])];
    for (name, bytes) in [
        ("a b", f[0].clone()),
        ("b.gz", gz(&f[1])),
        ("c.zip", zipped(&members)),
        ("d.txt", b"hello".to_vec()),
    ] {
        fs::write(dir.path().join(name), &bytes).unwrap();
        let key = Key::from(format!("in/{name}"));
        runtime.block_on(store.put(&key, bytes.into())).unwrap();
    }
    for other in ["in/lake/_radlake/x", "elsewhere"] {
        runtime
            .block_on(store.put(&Key::from(other), f[0].clone().into()))
            .unwrap();
    }
    let url = |text: &str| url::Url::parse(text).unwrap();
    let _entered = runtime.enter();
    let bucket = Bucket::over(
        store,
        Key::from("in"),
        &url("s3://bucket/in"),
        Some(&url("s3://bucket/in/lake/")),
    );
    let offers: Vec<Offer> = Arc::new(bucket).walk().collect();
    let uris: Vec<&str> = offers.iter().map(|offer| offer.uri.as_str()).collect();
    assert_eq!(uris[0], "s3://bucket/in/a%20b");
    for full_hash in [false, true] {
        let settings = Settings {
            provider: "p".into(),
            limits: Limits::default(),
            full_hash,
            replace: false,
        };
        let mut sink = Collected::default();
        assert!(Worker::new(&settings).run(&offers, &mut sink));
        let local = parse(dir.path(), full_hash, KnownMembers::default());
        assert_eq!(sink.outcomes, local.outcomes);
        assert_eq!((sink.rows, sink.sizes), (4, local.sizes));
    }
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn files_and_archives_of_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    let f = files(5);
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in [("t/three", &f[2]), ("t/readme", &b"hello".to_vec())] {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    put("a", &f[0]);
    put(
        "b.zip",
        &zipped(&[
            ("x/two", &f[1]),
            ("nested.zip", &zipped(&[("y", &f[1])])),
            ("empty", b""),
        ]),
    );
    put("c.tgz", &gz(&tar));
    put("d.gz", &gz(&f[3]));
    put("e.txt", b"no dicom");
    put("f.dcm", &f[4][..400]);
    put("g.tar", &tar[..tar.len() - 1600]);
    put("h", b"");
    let sink = parse(dir.path(), false, KnownMembers::new());
    let expected = [
        ("a", "instance"),
        ("two", "instance"),
        ("nested.zip", "skipped nested_archive"),
        ("empty", "refused empty"),
        ("b.zip", "archive"),
        ("three", "instance"),
        ("readme", "refused not_dicom"),
        ("c.tgz", "archive"),
        ("d", "instance"),
        ("d.gz", "archive"),
        ("e.txt", "refused not_dicom"),
        ("f.dcm", "refused truncated"),
        ("three", "instance"),
        ("g.tar", "refused archive_broken"),
        ("h", "refused empty"),
    ];
    assert_eq!(sink.outcomes, owned(&expected));
    assert_eq!((sink.rows, sink.parts), (5, 1));
    // The member that gzip alone packs has its true size.
    assert_eq!(sink.sizes[8], Some(f[3].len() as u64));
}

#[test]
fn many_members_come_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let f = files(600);
    let names: Vec<String> = (0..600).map(|i| format!("{i:04}")).collect();
    let members: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&f)
        .map(|(n, b)| (n.as_str(), b.as_slice()))
        .collect();
    fs::write(dir.path().join("big"), zipped(&members)).unwrap();
    let sink = parse(dir.path(), true, KnownMembers::new());
    assert_eq!((sink.rows, sink.outcomes.len(), sink.parts), (600, 601, 3));
    assert!(
        sink.outcomes[..600]
            .iter()
            .zip(&names)
            .all(|(o, n)| o.0 == *n && o.1 == "hashed")
    );
}

#[test]
fn known_members_are_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let f = files(2);
    let zip = dir.path().join("z");
    fs::write(&zip, zipped(&[("one", &f[0]), ("two", &f[1])])).unwrap();
    let member = |name: &str| uri::of_member(&uri::of_file(&zip), name.as_bytes());
    let known = KnownMembers::from([(member("one"), Some(f[0].len() as u64)), (member("two"), Some(1))]);
    let sink = parse(dir.path(), false, known);
    assert_eq!(
        sink.outcomes,
        owned(&[("one", "unchanged"), ("two", "instance"), ("z", "archive")])
    );
}

#[test]
fn an_item_that_breaks_the_builders_costs_itself_alone() {
    // What a panic of `append` leads to, without one: the pass is begun again with the item poisoned.
    let dir = tempfile::tempdir().unwrap();
    let f = files(300);
    for (i, bytes) in f.iter().enumerate().take(270) {
        fs::write(dir.path().join(format!("{i:03}")), bytes).unwrap();
    }
    let members: Vec<(&str, &[u8])> = vec![("m0", &f[280]), ("m1", &f[281]), ("m2", &f[282])];
    fs::write(dir.path().join("z"), zipped(&members)).unwrap();
    let settings = Settings {
        provider: "p".into(),
        limits: Limits::default(),
        full_hash: false,
        replace: false,
    };
    let mut worker = Worker::new(&settings);
    let mut sink = Collected::default();
    let offers: Vec<Offer> = walk::walk(vec![dir.path().to_path_buf()], None).collect();
    let mut pass = Pass {
        poisoned: BTreeSet::new(),
        emitted: 0,
        item: 0,
    };
    assert!(worker.pass(&offers[..260], &mut sink, &mut pass).is_ok());
    assert_eq!((pass.emitted, sink.rows), (260, 260));
    pass = Pass {
        poisoned: BTreeSet::from([262, 271]),
        emitted: 260,
        item: 0,
    };
    assert!(worker.pass(&offers, &mut sink, &mut pass).is_ok());
    assert_eq!((sink.outcomes.len(), sink.rows), (274, 271));
    assert_eq!(sink.outcomes[262].1, "refused internal_error");
    assert_eq!(
        sink.outcomes[271],
        ("m1".to_owned(), "refused internal_error".to_owned())
    );
    assert_eq!(sink.outcomes[272], ("m2".to_owned(), "instance".to_owned()));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    fs::write(&path, b"x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        return; // The superuser reads everything.
    }
    let sink = parse(dir.path(), false, KnownMembers::new());
    assert_eq!(sink.outcomes, owned(&[("x", "refused permission_denied")]));
}
