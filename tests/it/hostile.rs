//! Files that are not what they seem: each costs itself, never the run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use radlake::synthetic::{Encoding, SeriesBuilder, StudyBuilder};
use radlake_tests::{TempLake, radlake, run};

/// A valid CT instance of a study of its own.
fn instance(key: &str) -> Vec<u8> {
    let study = StudyBuilder::new(key).series(SeriesBuilder::ct(1));
    study.instances().next().unwrap().bytes(&Encoding::default())
}

/// A valid header up to (0009,…), and what follows it: a private element's bytes.
fn with_tail(key: &str, tail: &[u8]) -> Vec<u8> {
    let mut bytes = instance(key);
    // Pixel Data is the last element: what stands before it stays.
    let pixels = bytes
        .windows(4)
        .rposition(|w| w == [0xE0, 0x7F, 0x10, 0x00])
        .unwrap();
    bytes.truncate(pixels);
    bytes.extend_from_slice(tail);
    bytes
}

/// An element in explicit VR little endian with a long length.
fn long(group: u16, element: u16, vr: &[u8; 2], length: u32) -> Vec<u8> {
    let mut out = vec![];
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&element.to_le_bytes());
    out.extend_from_slice(vr);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&length.to_le_bytes());
    out
}

/// Sequences in sequences, of undefined length, never closed.
fn nested(depth: usize) -> Vec<u8> {
    let mut out = vec![];
    for _ in 0..depth {
        out.extend(long(0x7001, 0x1010, b"SQ", u32::MAX));
        out.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    out
}

/// Outcome of each file by its name, as `imaging.files` has it.
fn outcomes(lake: &TempLake) -> BTreeMap<String, (String, String)> {
    let csv = lake.csv("SELECT uri, status, coalesce(reason_code, '') FROM imaging.files ORDER BY uri");
    csv.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.rsplitn(3, ',');
            let (code, status, uri) = (
                fields.next().unwrap(),
                fields.next().unwrap(),
                fields.next().unwrap(),
            );
            let name = uri
                .trim_matches('"')
                .rsplit('/')
                .next()
                .unwrap()
                .replace("%20", " ");
            (name, (status.to_owned(), code.to_owned()))
        })
        .collect()
}

#[test]
fn hostile_files_cost_themselves() {
    let lake = TempLake::new();
    let dir = lake.beside("files");
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).unwrap();

    write("good.dcm", &instance("good"));
    write("good without a name that says so", &instance("unnamed"));
    write("empty", b"");
    write("text.txt", b"not DICOM at all\n");
    write(
        "image.jpg",
        &[0xFF, 0xD8, 0xFF, 0xE0, 0, 0x10, b'J', b'F', b'I', b'F'],
    );
    write("preamble only", &[0; 128]);
    write("prefix only", &[[0; 128].as_slice(), b"DICM"].concat());
    write("deep.dcm", &with_tail("deep", &nested(1_000)));
    write("deeper.dcm", &with_tail("deeper", &nested(1_000_000)));
    write(
        "4 gigabytes.dcm",
        &with_tail("huge", &long(0x7001, 0x1010, b"OB", 0xFFFF_FFFE)),
    );
    write(
        "4 gigabytes of text.dcm",
        &with_tail("text", &long(0x7001, 0x1010, b"UT", 0xFFFF_FFF0)),
    );
    write(
        "lies.dcm",
        &with_tail("lies", &long(0x7001, 0x1010, b"UN", 1_000_000)),
    );
    write(
        "lying sequence.dcm",
        &with_tail("liesq", &long(0x7001, 0x1010, b"SQ", 100_000)),
    );
    let whole = instance("cut");
    for cut in [140, 200, 300, whole.len() / 2, whole.len() - 100] {
        write(&format!("cut {cut}.dcm"), &whole[..cut]);
    }
    // Bytes that are DICOM by their start only.
    let mut state = 1_u64;
    let mut noise = [[0; 128].as_slice(), b"DICM"].concat();
    for _ in 0..100_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.push((state >> 33) as u8);
    }
    write("noise.dcm", &noise);
    // Every byte of a header turned over once: whatever comes of it, the run goes on.
    let clean = instance("flipped");
    for i in (132..clean.len().min(3000)).step_by(7) {
        let mut bytes = clean.clone();
        bytes[i] ^= 0xFF;
        write(&format!("flipped {i:05}.dcm"), &bytes);
    }
    // What a file system can hold.
    symlink(&dir, dir.join("loop")).unwrap();
    symlink("/nowhere", dir.join("dangling")).unwrap();
    symlink("/dev/zero", dir.join("endless")).unwrap();
    let _ = run(Command::new("mkfifo").arg(dir.join("pipe")));
    std::fs::write(
        dir.join(std::ffi::OsStr::from_bytes(b"not utf-8 \xff\xfe.dcm")),
        instance("bytes"),
    )
    .unwrap();
    write("new\nline, \"quotes\".dcm", &instance("newline"));
    drop(File::create(dir.join("sparse")).unwrap().set_len(50 << 30));

    let start = Instant::now();
    let mut child = lake
        .command("ingest")
        .arg(&dir)
        .args(["--provider", "hostile", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(resident(child.id()));
        assert!(start.elapsed() < Duration::from_secs(120), "the ingest hangs");
        std::thread::sleep(Duration::from_millis(5));
    }
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {said}", done.status);
    assert!(peak < 600 << 20, "{} MiB", peak >> 20);
    assert!(!said.contains("panicked"), "{said}");

    let outcomes = outcomes(&lake);
    let of = |name: &str| {
        outcomes
            .get(name)
            .cloned()
            .unwrap_or_else(|| panic!("{name} is not in imaging.files: {outcomes:?}"))
    };
    for good in ["good.dcm", "good without a name that says so"] {
        assert_eq!(of(good).0, "ingested", "{good}");
    }
    for (name, codes) in [
        ("text.txt", ["not_dicom", ""]),
        ("image.jpg", ["not_dicom", ""]),
        ("empty", ["empty", "not_dicom"]),
        ("deep.dcm", ["too_deep", ""]),
        ("deeper.dcm", ["too_deep", ""]),
        ("4 gigabytes.dcm", ["too_long", "truncated"]),
        ("4 gigabytes of text.dcm", ["too_long", "truncated"]),
        ("lies.dcm", ["truncated", "length_lies"]),
        ("lying sequence.dcm", ["truncated", "length_lies"]),
        ("cut 300.dcm", ["truncated", ""]),
    ] {
        let (status, code) = of(name);
        assert!(
            status == "refused" || status == "skipped",
            "{name}: {status} {code}"
        );
        assert!(codes.contains(&code.as_str()), "{name}: {code}");
    }
    assert!(lake.csv("SELECT count(*) FROM imaging.instances").lines().nth(1) >= Some("2"));
}

/// Resident memory of a process in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find(|l| l.starts_with("VmRSS:"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse::<u64>().ok())
        .unwrap_or_default()
        * 1024
}

/// Archives: members are files of their own; bombs, nests and lies cost themselves.
#[test]
fn archives() {
    let lake = TempLake::new();
    let dir = lake.beside("files");
    let work = lake.beside("work");
    for i in 0..3 {
        std::fs::write(work.join(format!("{i}.dcm")), instance(&format!("archived {i}"))).unwrap();
    }
    std::fs::write(work.join("notes.txt"), "not DICOM").unwrap();
    let tar = |name: &str, flags: &str| {
        run(Command::new("tar")
            .args([flags])
            .arg(dir.join(name))
            .arg("-C")
            .arg(&work)
            .arg("."));
    };
    tar("plain.tar", "-cf");
    tar("packed.tar.gz", "-czf");
    // A tar of names that climb out of the folder, and one that ends early.
    run(Command::new("tar")
        .args(["-cPf"])
        .arg(dir.join("climbing.tar"))
        .arg("--transform=s,^,../../../../tmp/radlake-climbed-,")
        .arg("-C")
        .arg(&work)
        .arg("0.dcm"));
    let whole = std::fs::read(dir.join("packed.tar.gz")).unwrap();
    std::fs::write(dir.join("short.tar.gz"), &whole[..whole.len() / 2]).unwrap();
    let mut bomb = Command::new("sh");
    run(bomb
        .args(["-c", "head -c 2000000000 /dev/zero | gzip -1 > \"$0\""])
        .arg(dir.join("bomb.gz")));
    File::create(dir.join("broken.zip"))
        .unwrap()
        .write_all(b"PK\x03\x04 and nothing more")
        .unwrap();

    let report = lake.ingest("archives", Path::new(&dir));
    assert_eq!(
        lake.csv("SELECT count(*) FROM imaging.instances").trim_end(),
        "count(*)\n3".replace("count(*)", "count"),
        "{report}"
    );
    let uris = lake.csv("SELECT source_uri FROM imaging.instances ORDER BY 1");
    assert_eq!(uris.lines().filter(|l| l.contains('!')).count(), 3, "{uris}");
    assert!(
        !std::fs::read_dir("/tmp")
            .unwrap()
            .flatten()
            .any(|e| e.file_name().to_string_lossy().starts_with("radlake-climbed"))
    );
}

/// Exit codes: 0 with refusals counted, 1 when nothing could be read.
#[test]
fn exit_codes() {
    let lake = TempLake::new();
    let (some, none) = (lake.beside("some"), lake.beside("none"));
    std::fs::write(some.join("a.dcm"), instance("a")).unwrap();
    std::fs::write(some.join("b.txt"), "text").unwrap();
    std::fs::write(none.join("b.txt"), "text").unwrap();
    let outcome = |path: &Path, more: &[&str]| {
        let mut command = lake.command("ingest");
        let done = command
            .arg(path)
            .args(["--provider", "x"])
            .args(more)
            .output()
            .unwrap();
        (
            done.status.code(),
            String::from_utf8_lossy(&done.stderr).into_owned(),
        )
    };
    let empty = lake.beside("empty");
    for more in [&["--dry-run"][..], &[]] {
        assert_eq!(outcome(&some, more).0, Some(0));
        for (path, what) in [
            (&none, "none of these files can be read as DICOM"),
            (&empty, "no files"),
        ] {
            let (code, said) = outcome(path, more);
            assert_eq!(code, Some(1), "{path:?} {more:?}: {said}");
            assert!(said.contains(what), "{path:?} {more:?}: {said}");
        }
    }
    let (code, said) = outcome(Path::new("/nowhere/at/all"), &[]);
    assert!(code != Some(0) && said.contains("/nowhere/at/all"), "{said}");
    let elsewhere = Command::new(radlake())
        .args(["sql", "/nowhere/at/all", "-c", "SELECT 1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&elsewhere.stderr);
    assert!(
        elsewhere.status.code() == Some(1) && said.contains("(58P01)"),
        "{said}"
    );
    let report = lake.ingest("x", &some);
    assert_eq!(report["ingested"], 0, "{report}");
}

/// `--dry-run` tells and writes nothing.
#[test]
fn dry_run_writes_nothing() {
    let lake = TempLake::new();
    let dir = lake.beside("files");
    std::fs::write(dir.join("a.dcm"), instance("a")).unwrap();
    let listing = || {
        run(Command::new("sh")
            .arg("-c")
            .arg("find \"$0\" -type f | sort")
            .arg(lake.path()))
    };
    let before = listing();
    let report =
        run(lake
            .command("ingest")
            .arg(&dir)
            .args(["--provider", "x", "--dry-run", "--format", "json"]));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["ingested"], 1, "{report}");
    assert_eq!(listing(), before);
    assert_eq!(
        lake.csv("SELECT count(*) FROM imaging.instances").lines().nth(1),
        Some("0")
    );
}
