//! Against a lake in memory: what is replaced, moved, pruned and forgotten, each against a lake that never had it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dicom::synthetic::{Encoding, Instance, SeriesBuilder, StudyBuilder};
use crate::ingest::memory::Memory;
use crate::ingest::{IngestOptions, IngestReport, run};

fn instances(key: &str) -> Vec<Instance> {
    StudyBuilder::new(key)
        .series(SeriesBuilder::ct(6))
        .series(SeriesBuilder::mr(3))
        .instances()
        .collect()
}

fn put(dir: &Path, name: &str, instance: &Instance) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, instance.bytes(&Encoding::default())).unwrap();
}

fn changed(instance: &Instance) -> Instance {
    let mut other = instance.clone();
    other
        .dataset
        .put(dicom_dictionary_std::tags::PATIENT_COMMENTS, "newer");
    other
}

fn options(dir: &Path, provider: &str) -> IngestOptions {
    IngestOptions {
        workers: 2,
        ..IngestOptions::new(provider, vec![dir.to_path_buf()])
    }
}

async fn ingest(lake: &Memory, options: IngestOptions) -> IngestReport {
    run::run(lake, None, options, Arc::new(()), CancellationToken::new())
        .await
        .unwrap()
}

async fn replace(lake: &Memory, dir: &Path) -> IngestReport {
    let replace = IngestOptions {
        replace: true,
        ..options(dir, "p")
    };
    let report = ingest(lake, replace.clone()).await;
    // Whatever it did, doing it again is nothing.
    let again = ingest(lake, replace).await;
    assert!(again.epochs.is_empty(), "{again:?}");
    report
}

/// The tables of a lake that is filled now and never had anything else.
async fn fresh(dir: &Path) -> [RecordBatch; 6] {
    let lake = Memory::default();
    ingest(&lake, options(dir, "p")).await;
    lake.content()
}

fn column(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let values = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    values
        .as_string::<i32>()
        .iter()
        .map(|value| value.map(str::to_owned))
        .collect()
}

/// (end of URI, status, code) of the current rows.
fn current(lake: &Memory) -> Vec<(String, String, Option<String>)> {
    let files = &lake.content()[2];
    let flag = files.column_by_name("current").unwrap().as_boolean();
    let (uri, status, code) = (
        column(files, "uri"),
        column(files, "status"),
        column(files, "reason_code"),
    );
    (0..files.num_rows())
        .filter(|row| flag.value(*row))
        .map(|row| {
            let uri = uri[row].as_ref().unwrap();
            (
                uri[uri.rfind('/').unwrap() + 1..].to_owned(),
                status[row].clone().unwrap(),
                code[row].clone(),
            )
        })
        .collect()
}

fn filled(dir: &Path) -> Vec<Instance> {
    let all = instances("a");
    for (number, instance) in all.iter().enumerate() {
        put(dir, &format!("{number}"), instance);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_in_place_is_the_new_version() {
    let dir = tempfile::tempdir().unwrap();
    let all = filled(dir.path());
    let lake = Memory::default();
    ingest(&lake, options(dir.path(), "p")).await;
    put(dir.path(), "2", &changed(&all[2]));
    // Without being asked the lake keeps what it has, and says that it is the file itself that it has.
    let report = ingest(&lake, options(dir.path(), "p")).await;
    assert_eq!((report.conflicts, report.ingested), (1, 0));
    assert_eq!(
        current(&lake)[2],
        ("2".into(), "conflict".into(), Some("changed".into()))
    );
    // Asked to replace it looks at the conflict again.
    let report = replace(&lake, dir.path()).await;
    assert_eq!((report.ingested, report.replaced, report.unchanged), (1, 1, 8));
    assert_eq!(
        current(&lake)[2],
        ("2".into(), "ingested".into(), Some("changed".into()))
    );
    let ([i, s, _, u, g, m], [wi, ws, _, wu, wg, wm]) = (lake.content(), fresh(dir.path()).await);
    assert!(i == wi && s == ws && u == wu && g == wg && m == wm);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_of_a_uid_is_the_new_version_and_the_old_file_says_so() {
    for batch_instances in [50_000, 1] {
        let dir = tempfile::tempdir().unwrap();
        let all = filled(dir.path());
        let lake = Memory::default();
        let at = |replace| IngestOptions {
            replace,
            batch_instances,
            ..options(dir.path(), "p")
        };
        ingest(&lake, at(false)).await;
        // A copy of the old version, which is replaced too, and the new one, which comes last.
        put(dir.path(), "x", &all[1]);
        put(dir.path(), "y", &changed(&all[1]));
        let report = ingest(&lake, at(true)).await;
        assert_eq!((report.replaced, report.offered, report.ingested), (1, 11, 1));
        let of = |name: &str| {
            let all = current(&lake);
            let row = all.iter().find(|row| row.0 == name).unwrap();
            (row.1.clone(), row.2.clone())
        };
        let replaced = ("replaced".to_owned(), Some("replaced".to_owned()));
        assert_eq!((of("1"), of("x")), (replaced.clone(), replaced));
        assert_eq!(of("y"), ("ingested".to_owned(), None));
        assert!(ingest(&lake, at(true)).await.epochs.is_empty());
        fs::remove_file(dir.path().join("1")).unwrap();
        fs::remove_file(dir.path().join("x")).unwrap();
        let ([i, s, _, u, g, m], [wi, ws, _, wu, wg, wm]) = (lake.content(), fresh(dir.path()).await);
        assert!(i == wi && s == ws && u == wu && g == wg && m == wm);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_moved_has_its_new_place() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let lake = Memory::default();
    ingest(&lake, options(dir.path(), "p")).await;
    fs::create_dir(dir.path().join("new")).unwrap();
    fs::rename(dir.path().join("4"), dir.path().join("new/4")).unwrap();
    // A copy is no move.
    fs::copy(dir.path().join("5"), dir.path().join("new/5")).unwrap();
    let report = replace(&lake, dir.path()).await;
    assert_eq!((report.moved, report.duplicates), (1, 1));
    let ([i, s, f, u, g, m], [wi, ws, wf, wu, wg, wm]) = (lake.content(), fresh(dir.path()).await);
    assert!(i == wi && s == ws && u == wu && g == wg && m == wm);
    assert_eq!(column(&f, "uri"), column(&wf, "uri"));
    // A copy whose first place goes later is found, though its own row was settled.
    fs::remove_file(dir.path().join("5")).unwrap();
    assert_eq!(replace(&lake, dir.path()).await.moved, 1);
    let ([i, ..], [wi, ..]) = (lake.content(), fresh(dir.path()).await);
    assert!(i == wi);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_holds_another_instance_now_gives_up_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let lake = Memory::default();
    ingest(&lake, options(dir.path(), "p")).await;
    put(dir.path(), "0", &instances("b")[0]);
    let report = replace(&lake, dir.path()).await;
    assert_eq!((report.ingested, report.replaced), (1, 0));
    let ([i, s, _, u, g, m], [wi, ws, _, wu, wg, wm]) = (lake.content(), fresh(dir.path()).await);
    assert!(i == wi && s == ws && u == wu && g == wg && m == wm);
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_takes_out_what_is_gone_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (dir.path().join("here"), dir.path().join("here-too"));
    let all = filled(&here);
    for (number, instance) in instances("b").iter().enumerate() {
        put(&there, &format!("{number}"), instance);
    }
    // One is in two places; of another there is a version that conflicts.
    put(&here, "copy", &all[0]);
    put(&here, "other", &changed(&all[1]));
    let lake = Memory::default();
    ingest(&lake, options(dir.path(), "p")).await;
    ingest(&lake, options(&there, "q")).await;
    for name in ["0", "1", "2"] {
        fs::remove_file(here.join(name)).unwrap();
    }
    fs::remove_file(there.join("0")).unwrap();
    let prune = |dry_run| IngestOptions {
        prune: true,
        dry_run,
        ..options(&here, "p")
    };
    let before = lake.content();
    let said = ingest(&lake, prune(true)).await.pruned.unwrap();
    assert!(lake.content() == before && said.epoch.is_none());
    let report = ingest(&lake, prune(false)).await;
    let pruned = report.pruned.as_ref().unwrap();
    assert_eq!((pruned.instances, pruned.handed_over, pruned.files), (2, 1, 4));
    assert_eq!((said.instances, said.files), (pruned.instances, pruned.files));
    // The version that had to wait is taken now.
    assert_eq!((report.ingested, pruned.reopened), (1, 1));
    // What is gone elsewhere, or was brought by somebody else, stays.
    let [i, s, f, u, g, m] = lake.content();
    assert_eq!(
        column(&u, "provider")
            .iter()
            .filter(|p| p.as_deref() == Some("q"))
            .count(),
        9
    );
    assert!(
        column(&f, "uri")
            .iter()
            .flatten()
            .any(|uri| uri.ends_with("here-too/0"))
    );
    let again = ingest(&lake, prune(false)).await;
    assert_eq!(
        (again.epochs.len(), again.pruned.unwrap()),
        (0, TakenOut::default())
    );
    put(&there, "0", &instances("b")[0]);
    let whole = Memory::default();
    ingest(&whole, options(dir.path(), "p")).await;
    ingest(&whole, options(&there, "q")).await;
    let [wi, ws, _, wu, wg, wm] = whole.content();
    assert!(i == wi && s == ws && u == wu && g == wg && m == wm);
    // Where nothing is, nothing was mounted.
    fs::remove_dir_all(&here).unwrap();
    fs::create_dir(&here).unwrap();
    let error = run::run(&lake, None, prune(false), Arc::new(()), CancellationToken::new()).await;
    assert!(error.unwrap_err().to_string().contains("mounted"));
}

async fn forget_in(lake: &Memory, selection: Selection) -> Result<TakenOut> {
    selection.check()?;
    take(lake, "FORGET", What::Selected(selection), false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_gone_from_every_table() {
    let dir = tempfile::tempdir().unwrap();
    let all = filled(dir.path());
    put(dir.path(), "other", &changed(&all[1]));
    let lake = Memory::default();
    ingest(&lake, options(dir.path(), "p")).await;
    ingest(&lake, options(dir.path(), "q")).await;
    let both = lake.content();
    // Of one provider: the other has it all from then on.
    let provider = |name: &str| Selection {
        provider: Some(name.to_owned()),
        ..Selection::default()
    };
    let taken = forget_in(&lake, provider("p")).await.unwrap();
    assert_eq!((taken.instances, taken.handed_over, taken.series), (0, 9, 2));
    assert_eq!((taken.files, taken.sources), (10, 9));
    let alone = Memory::default();
    ingest(&alone, options(dir.path(), "q")).await;
    let ([i, s, _, u, g, m], [wi, ws, _, wu, wg, wm]) = (lake.content(), alone.content());
    assert!(i == wi && s == ws && u == wu && g == wg && m == wm);
    // And a series of it, with all that was offered under its UIDs.
    let series = column(&both[1], "series_instance_uid")[0].clone();
    let one = Selection {
        series,
        ..Selection::default()
    };
    let taken = forget_in(&lake, one).await.unwrap();
    assert!(taken.instances > 0 && taken.series == 1 && taken.handed_over == 0);
    let [i, s, f, u, ..] = lake.content();
    assert_eq!((i.num_rows(), s.num_rows()), (9 - taken.instances as usize, 1));
    assert_eq!(u.num_rows(), i.num_rows());
    assert_eq!(f.num_rows() as u64, 10 - taken.files);
    // The files are there: offered again they are ingested again.
    let again = ingest(&lake, options(dir.path(), "q")).await;
    assert_eq!(again.ingested, taken.instances);
    assert!(lake.content() == alone.content());
    assert!(forget_in(&lake, Selection::default()).await.is_err());
    assert_eq!(
        forget_in(&lake, provider("nobody")).await.unwrap(),
        TakenOut::default()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_of_two_providers_must_be_named_with_one() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let named = |key: &str| {
        let mut instance = instances(key).remove(0);
        instance
            .dataset
            .put(dicom_dictionary_std::tags::PATIENT_ID, "4711");
        instance
    };
    put(&one, "a", &named("a"));
    put(&two, "b", &named("b"));
    let lake = Memory::default();
    ingest(&lake, options(&one, "p")).await;
    ingest(&lake, options(&two, "q")).await;
    let mut patient = Selection {
        patient: Some("4711".into()),
        ..Selection::default()
    };
    let error = forget_in(&lake, patient.clone()).await.unwrap_err().to_string();
    assert!(error.contains("provider") && !error.contains("4711"), "{error}");
    patient.provider = Some("q".into());
    assert_eq!(forget_in(&lake, patient).await.unwrap().instances, 1);
    assert_eq!(column(&lake.content()[0], "provider"), [Some("p".to_owned())]);
}
