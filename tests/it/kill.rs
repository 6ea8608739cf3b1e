//! An ingest that is killed, again and again, ends in the tables of one that was not.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use radlake_tests::{TempLake, run};

/// 20,000 instances and a handful of kills; 50 with `RADLAKE_TEST_FULL=1`.
fn kills() -> u32 {
    if std::env::var_os("RADLAKE_TEST_FULL").is_some_and(|v| v == "1") {
        50
    } else {
        5
    }
}

/// What must be equal: everything but what tells when a row was written.
fn tables(lake: &TempLake) -> [String; 4] {
    let columns = |table: &str| {
        let sql = format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'imaging' AND table_name = '{table}' \
             AND column_name NOT LIKE '%epoch' AND data_type NOT LIKE 'timestamp%' ORDER BY ordinal_position"
        );
        let csv = lake.csv(&sql);
        csv.lines()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(", ")
    };
    [
        ("instances", "sop_instance_uid"),
        ("series", "series_instance_uid, provider"),
        ("files", "uri, provider, current"),
        ("sources", "uri, provider"),
    ]
    .map(|(table, key)| {
        let columns = columns(table);
        let first = key.split(',').next().unwrap_or_default();
        assert!(columns.contains(first), "imaging.{table} has {columns}");
        lake.csv(&format!("SELECT {columns} FROM imaging.{table} ORDER BY {key}"))
    })
}

fn ingest(lake: &TempLake, files: &Path) -> std::process::Command {
    let mut command = lake.command("ingest");
    // Small batches: many commits, so that kills meet every stage of one.
    let _ = command.arg(files).args([
        "--provider",
        "hospital",
        "--format",
        "json",
        "--workers",
        "2",
        "--batch-instances",
        "1000",
    ]);
    command
}

#[test]
fn killed_ingests_end_in_the_same_tables() {
    let calm = TempLake::new();
    let files = calm.beside("files");
    let _ = radlake::synthetic::many(&files, 20_000).expect("writing files");
    let start = Instant::now();
    let _ = run(&mut ingest(&calm, &files));
    let undisturbed = start.elapsed();
    let expected = tables(&calm);
    assert_eq!(expected[0].lines().count(), 20_001);

    // A generator of our own: moments differ between runs, and the seed says which they were.
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    eprintln!("undisturbed: {undisturbed:?}; seed {seed}");
    let mut state = seed;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };

    let (mut lake, mut in_a_row, mut hits) = (TempLake::new(), 0, 0);
    for kill in 0..kills() {
        let mut child = ingest(&lake, &files)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starting an ingest");
        std::thread::sleep(Duration::from_secs_f64(undisturbed.as_secs_f64() * random()));
        if child.try_wait().unwrap().is_none() {
            hits += 1;
        }
        child.kill().expect("killing");
        let _ = child.wait();
        in_a_row += 1;
        // Restart to the end after each kill, or let a few kills fall on one lake.
        if random() < 0.7 || kill + 1 == kills() {
            let _ = run(&mut ingest(&lake, &files));
            for (table, (got, want)) in tables(&lake).iter().zip(&expected).enumerate() {
                assert!(
                    got == want,
                    "table {table} differs after {in_a_row} kills ({kill} in all, seed {seed}): {}",
                    difference(got, want)
                );
            }
            lake = TempLake::new();
            in_a_row = 0;
        }
    }
    assert!(hits > 0, "no kill met a running ingest");
}

/// Half of the files are replaced, a tenth moved, a tenth gone: killed at it, again and again, a run ends as one that was not.
#[test]
fn killed_corrections_end_in_the_same_tables() {
    let seed = TempLake::new();
    let files = seed.beside("files");
    let _ = radlake::synthetic::many(&files, 4_000).expect("writing files");
    let _ = run(&mut ingest(&seed, &files));
    let mut names: Vec<_> = walk(&files);
    names.sort();
    for (number, path) in names.iter().enumerate() {
        match number % 10 {
            0..5 => {
                // Another header of the same instance.
                let mut bytes = std::fs::read(path).expect("reading");
                let name = b"Doe^Jane";
                let at = bytes.windows(name.len()).position(|window| window == name);
                let at = at.expect("a patient's name");
                bytes[at + 5..at + 8].copy_from_slice(b"oan");
                std::fs::write(path, bytes).expect("writing");
            }
            5 => std::fs::rename(path, path.with_extension("moved")).expect("renaming"),
            6 => std::fs::remove_file(path).expect("removing"),
            _ => {}
        }
    }
    let copy = || {
        let lake = TempLake::new();
        let _ = std::fs::remove_dir_all(lake.path());
        let _ = run(std::process::Command::new("cp")
            .arg("-r")
            .arg(seed.path())
            .arg(lake.path()));
        lake
    };
    let correct = |lake: &TempLake| {
        let mut command = ingest(lake, &files);
        let _ = command.args(["--replace", "--prune"]);
        command
    };
    let calm = copy();
    let start = Instant::now();
    let _ = run(&mut correct(&calm));
    let undisturbed = start.elapsed();
    let expected = tables(&calm);
    assert_eq!(expected[0].lines().count(), 3_601);
    let mut hits = 0;
    for kill in 0..kills() {
        let lake = copy();
        for again in 0..3 {
            let mut child = correct(&lake)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("starting an ingest");
            let part = f64::from(1 + (kill * 7 + again * 3) % 10) / 11.0;
            std::thread::sleep(undisturbed.mul_f64(part));
            hits += u32::from(child.try_wait().unwrap().is_none());
            child.kill().expect("killing");
            let _ = child.wait();
        }
        let _ = run(&mut correct(&lake));
        for (table, (got, want)) in tables(&lake).iter().zip(&expected).enumerate() {
            assert!(got == want, "table {table} differs: {}", difference(got, want));
        }
    }
    assert!(hits > 0, "no kill met a running ingest");
}

/// A `forget` that is killed has forgotten all or nothing.
#[test]
fn a_killed_forget_is_whole_or_nothing() {
    let lake = TempLake::new();
    let files = lake.beside("files");
    let _ = radlake::synthetic::many(&files, 2_000).expect("writing files");
    let _ = run(&mut ingest(&lake, &files));
    let before = tables(&lake);
    let forget = |lake: &TempLake| {
        let mut command = lake.command("sql");
        let _ = command.args(["-c", "CALL radlake.forget(provider => 'hospital')"]);
        command
    };
    let (mut whole, mut nothing) = (0, 0);
    for kill in 0..kills() * 2 {
        let mut child = forget(&lake)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starting");
        std::thread::sleep(Duration::from_millis(u64::from(100 + kill * 90)));
        child.kill().expect("killing");
        let _ = child.wait();
        let after = tables(&lake);
        if after == before {
            nothing += 1;
        } else {
            assert!(after.iter().all(|table| table.lines().count() <= 1), "half of it");
            whole += 1;
            let _ = run(&mut ingest(&lake, &files));
            assert!(tables(&lake) == before);
        }
    }
    eprintln!("{whole} whole, {nothing} nothing");
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("listing").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(walk(&path)),
            path => found.push(path),
        }
    }
    found
}

/// The first lines that differ.
fn difference(got: &str, want: &str) -> String {
    let (n, m) = (got.lines().count(), want.lines().count());
    let first = got.lines().zip(want.lines()).find(|(a, b)| a != b);
    let short = |s: &str| s.chars().take(300).collect::<String>();
    format!(
        "{n} and {m} lines; {:?}",
        first.map(|(a, b)| (short(a), short(b)))
    )
}

/// The same files again are a no-op, and two ingests at once lose nothing.
#[test]
fn ingests_at_once_lose_nothing() {
    let lake = TempLake::new();
    let files = lake.beside("files");
    let _ = radlake::synthetic::many(&files, 2_000).expect("writing files");
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            ingest(&lake, &files)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("starting an ingest")
        })
        .collect();
    for child in children.drain(..) {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let count = |sql: &str| lake.csv(sql).lines().nth(1).unwrap_or_default().to_owned();
    assert_eq!(
        count("SELECT count(*) || ' ' || count(DISTINCT sop_instance_uid) FROM imaging.instances"),
        "2000 2000"
    );
    assert_eq!(count("SELECT sum(instance_count) FROM imaging.series"), "2000");
    let epoch = count("SELECT max(epoch) FROM system.epochs");
    let _ = run(&mut ingest(&lake, &files));
    assert_eq!(count("SELECT count(*) FROM imaging.instances"), "2000");
    assert_eq!(
        count("SELECT max(epoch) FROM system.epochs"),
        epoch,
        "an ingest without anything new made an epoch"
    );
}
