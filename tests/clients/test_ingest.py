"""What a data manager does with a lake that holds files already: correct, move, prune, forget, rename, upgrade."""

import json
import pathlib
import shutil
import tarfile

import psycopg
import pytest
from s3 import BUCKET
from support import Lake, Server

pytest.importorskip("pydicom", reason="pydicom is not installed: it writes the files")
from test_imaging import dataset, encode  # noqa: E402

DATA = pathlib.Path(__file__).parent / "data"


def plane(n, study=1, series=1, **elements):
    return dataset(
        study, series, n, StudyDate="20240101", PatientID=f"P{study}", PatientName="One^P",
        ImagePositionPatient=[0, 0, n], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1], **elements,
    )


def put(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(encode(data))


@pytest.fixture
def lake(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    return lake


def report(lake, *arguments, provider="a"):
    return json.loads(lake.run("ingest", *arguments, "--provider", provider, "--format", "json").stdout)


def values(lake, sql):
    """The rows of a query; two columns may have one name."""
    lines = lake.run("sql", "--format", "json", "-c", sql).stdout.splitlines()
    return [json.loads(line, object_pairs_hook=lambda pairs: tuple(value for _, value in pairs)) for line in lines]


def agree(lake):
    """The tables tell the same story."""
    assert values(lake, """
        SELECT count(*) FROM imaging.instances i WHERE NOT EXISTS (SELECT 1 FROM imaging.sources s
          WHERE s.sop_instance_uid = i.sop_instance_uid AND s.provider = i.provider AND s.uri = i.source_uri)""") == [(0,)]
    assert values(lake, """
        SELECT count(*) FROM imaging.sources s WHERE NOT EXISTS (SELECT 1 FROM imaging.instances i WHERE s.sop_instance_uid = i.sop_instance_uid)""") == [(0,)]
    assert values(lake, """
        SELECT count(*) FROM imaging.sources s WHERE NOT EXISTS (SELECT 1 FROM imaging.files f
          WHERE f.uri = s.uri AND f.provider = s.provider AND f.sop_instance_uid = s.sop_instance_uid)""") == [(0,)]
    assert values(lake, """
        SELECT provider, study_instance_uid, series_instance_uid, count(DISTINCT sop_instance_uid) FROM imaging.sources GROUP BY 1, 2, 3
        EXCEPT SELECT provider, study_instance_uid, series_instance_uid, instance_count FROM imaging.series""") == []
    assert values(lake, "SELECT count(*) FROM imaging.series") == values(
        lake, "SELECT count(*) FROM (SELECT DISTINCT provider, study_instance_uid, series_instance_uid FROM imaging.sources) AS s")


def test_a_file_that_changed_is_replaced_and_earlier_epochs_have_the_old_one(lake, tmp_path):
    folder = tmp_path / "in"
    for n in (1, 2, 3):
        put(folder, f"{n}", plane(n))
    assert report(lake, folder)["ingested"] == 3
    before = values(lake, "SELECT max(epoch) FROM system.epochs")[0][0]
    put(folder, "2", plane(2, SeriesDescription="corrected"))
    done = lake.run("ingest", folder, "--provider", "a", "--replace")
    assert "1 of these took the place of an earlier version" in done.stdout
    description = "SELECT series_description FROM imaging.instances {} WHERE instance_number = 2"
    assert values(lake, description.format("")) == [("corrected",)]
    assert values(lake, description.format(f"FOR VERSION AS OF {before}")) == [(None,)]
    assert values(lake, "SELECT count(*), count(*) FILTER (WHERE current) FROM imaging.files") == [(4, 3)]
    (folder / "3").rename(folder / "moved")
    done = report(lake, folder, "--replace")
    assert (done["moved"], done["offered"]) == (1, 3)
    assert values(lake, "SELECT count(*) FROM imaging.instances WHERE source_uri LIKE '%/moved'") == [(1,)]
    assert values(lake, "SELECT count(*) FROM imaging.files WHERE uri LIKE '%/3'") == [(0,)]
    agree(lake)


def test_prune_takes_out_what_is_gone(lake, tmp_path):
    folder = tmp_path / "in"
    for n in (1, 2, 3):
        put(folder, f"{n}", plane(n))
    with tarfile.open(tmp_path / "in" / "archive.tar", "w") as archive:
        for n in (4, 5):
            put(tmp_path / "packed", f"{n}", plane(n))
            archive.add(tmp_path / "packed" / f"{n}", f"{n}")
    assert report(lake, folder)["ingested"] == 5
    (folder / "1").unlink()
    with tarfile.open(tmp_path / "in" / "archive.tar", "w") as archive:
        archive.add(tmp_path / "packed" / "5", "5")
    done = report(lake, folder, "--prune")
    assert (done["pruned"]["instances"], done["pruned"]["files"]) == (2, 2), done
    assert values(lake, "SELECT instance_number FROM imaging.instances ORDER BY 1") == [(2,), (3,), (5,)]
    agree(lake)
    shutil.rmtree(folder)
    folder.mkdir()
    done = lake.run("ingest", folder, "--provider", "a", "--prune", check=False)
    assert done.returncode == 1 and "is it mounted" in done.stderr
    assert values(lake, "SELECT count(*) FROM imaging.instances") == [(3,)]


@pytest.fixture
def two(lake, tmp_path):
    """Studies 1 and 2; provider b has some of the first, too."""
    for n in (1, 2, 3):
        put(tmp_path / "a", f"1-{n}", plane(n))
        put(tmp_path / "a", f"2-{n}", plane(n, study=2))
    for n in (2, 3, 4):
        put(tmp_path / "b", f"1-{n}", plane(n))
    report(lake, tmp_path / "a")
    report(lake, tmp_path / "b", provider="b")
    return lake


def test_what_two_providers_bring_is_a_series_of_each(two):
    assert values(two, "SELECT provider, instance_count, is_volume FROM imaging.series ORDER BY study_instance_uid, provider") == [
        ("a", 3, True), ("b", 3, True), ("a", 3, True)]
    assert values(two, "SELECT provider, studies, instances FROM imaging.patients ORDER BY provider, patient_id") == [
        ("a", 1, 3), ("a", 1, 3), ("b", 1, 3)]
    agree(two)


def test_policies_by_provider_see_what_a_provider_brought_as_second(two):
    with Server(two) as server, psycopg.connect(**server.dsn, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE ward LOGIN PASSWORD 'w'")
        superuser.execute("GRANT USAGE ON SCHEMA imaging TO ward")
        for table in ("instances", "series", "sources"):
            superuser.execute(f"GRANT SELECT ON imaging.{table} TO ward")
            superuser.execute(f"ALTER TABLE imaging.{table} ENABLE ROW LEVEL SECURITY")
        for table in ("series", "sources"):
            superuser.execute(f"CREATE POLICY theirs ON imaging.{table} USING (provider = 'b')")
        superuser.execute("CREATE POLICY theirs ON imaging.instances USING (sop_instance_uid IN (SELECT sop_instance_uid FROM imaging.sources WHERE provider = 'b'))")
        with psycopg.connect(**{**server.dsn, "user": "ward", "password": "w"}, autocommit=True) as ward:
            assert ward.execute("SELECT instance_number FROM imaging.instances ORDER BY 1").fetchall() == [(2,), (3,), (4,)]
            assert ward.execute("SELECT instance_count FROM imaging.series").fetchall() == [(3,)]


def test_forget(two):
    with Server(two) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        def call(arguments):
            with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
                return cursor.execute(f"CALL radlake.forget({arguments})").fetchone()

        said = call("study => '1.2.826.0.1.3680043.10.1777.1', dry_run => true")
        assert (said["instances"], said["series"], said["epoch"], said["dry_run"]) == (4, 2, None, True)
        done = call("provider => 'a', study => '1.2.826.0.1.3680043.10.1777.1'")
        assert (done["instances"], done["handed_over"], done["series"], done["sources"]) == (1, 2, 1, 3)
        assert connection.execute("SELECT DISTINCT provider FROM imaging.instances WHERE patient_id = 'P1'").fetchall() == [("b",)]
        done = call("patient => 'P2'")
        assert (done["instances"], done["files"]) == (3, 3)
        assert connection.execute("SELECT count(*) FROM imaging.files").fetchone() == (3,)
        for wrong, state in [("", "22023"), ("patient => NULL", "22023"), ("'x'", "22023"), ("nobody => 'x'", "22023"), ("issuer => 'x'", "22023")]:
            with pytest.raises(psycopg.Error) as error:
                call(wrong)
            assert error.value.sqlstate == state, wrong
        connection.execute("CREATE ROLE nobody LOGIN PASSWORD 'n'")
        with psycopg.connect(**{**server.dsn, "user": "nobody", "password": "n"}, autocommit=True) as other:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute("CALL radlake.forget(provider => 'b')")
    agree(two)


def test_delete_from_instances(two):
    with Server(two) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute("BEGIN")
        assert connection.execute("DELETE FROM imaging.instances WHERE instance_number = 1").statusmessage == "DELETE 2"
        assert connection.execute("SELECT sum(instance_count)::int8 FROM imaging.series").fetchone() == (7,)
        connection.execute("ROLLBACK")
        assert connection.execute("SELECT sum(instance_count)::int8 FROM imaging.series").fetchone() == (9,)
        assert connection.execute("DELETE FROM imaging.instances WHERE instance_number = 1").statusmessage == "DELETE 2"
        for other in ("DELETE FROM imaging.series", "DELETE FROM imaging.files", "DELETE FROM imaging.sources", "UPDATE imaging.instances SET modality = 'X'", "TRUNCATE imaging.instances"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(other)
        connection.execute("CREATE ROLE ward LOGIN PASSWORD 'w'")
        connection.execute("GRANT USAGE ON SCHEMA imaging TO ward")
        connection.execute("GRANT SELECT ON imaging.instances TO ward")
        with psycopg.connect(**{**server.dsn, "user": "ward", "password": "w"}, autocommit=True) as ward:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ward.execute("DELETE FROM imaging.instances")
            connection.execute("GRANT DELETE ON imaging.instances TO ward")
            connection.execute("ALTER TABLE imaging.instances ENABLE ROW LEVEL SECURITY")
            connection.execute("CREATE POLICY theirs ON imaging.instances USING (patient_id = 'P2')")
            # What it may not see it can neither delete nor ask for.
            assert ward.execute("DELETE FROM imaging.instances WHERE source_uri LIKE '%'").statusmessage == "DELETE 0"
            assert ward.execute("DELETE FROM imaging.instances WHERE instance_number < 4").statusmessage == "DELETE 2"
        assert connection.execute("SELECT count(*), min(patient_id) FROM imaging.instances").fetchone() == (3, "P1")
    agree(two)


def test_rename_provider(two):
    done = two.run("rename-provider", "b", "c")
    assert "3 files, 3 instances" in done.stdout, done.stdout
    agree(two)
    assert values(two, "SELECT DISTINCT provider FROM imaging.files ORDER BY 1") == [("a",), ("c",)]
    # Into one that is there: its series are one's.
    two.run("rename-provider", "c", "a")
    agree(two)
    assert values(two, "SELECT provider, instance_count FROM imaging.series ORDER BY study_instance_uid") == [("a", 4), ("a", 3)]
    assert two.run("rename-provider", "nobody", "x", check=False).returncode == 1


@pytest.fixture
def older(radlake, tmp_path):
    """A lake as it was before `imaging.sources`, in which two providers have brought the same instances."""
    lake = Lake(radlake, tmp_path / "older")
    with tarfile.open(DATA / "older-lake.tar.xz") as archive:
        archive.extractall(lake.path, filter="data")
    return lake


def test_a_lake_of_an_older_radlake_is_upgraded(older, tmp_path):
    put(tmp_path / "in", "new", plane(9, study=9))
    before = values(older, "SELECT max(epoch) FROM system.epochs")[0][0]
    done = older.run("ingest", tmp_path / "in", "--provider", "a", check=False)
    assert done.returncode == 1 and "radlake upgrade" in done.stderr and "imaging.sources" in done.stderr and "(55000)" in done.stderr, done.stderr
    with Server(older) as server:
        # It listens before it opens the lake.
        psycopg.connect(**{**server.dsn, "password": "x"}).close()
        assert "radlake upgrade" in server.log()
    assert values(older, "SELECT count(*) FROM imaging.instances") == [(4,)]
    assert "imaging.sources" in older.run("upgrade").stdout
    assert "up to date" in older.run("upgrade").stdout
    agree(older)
    assert values(older, "SELECT provider, instance_count, is_volume, patient_count FROM imaging.series ORDER BY 1") == [("a", 3, True, 1), ("b", 3, True, 1)]
    assert values(older, "SELECT provider, patients, instances FROM imaging.studies ORDER BY 1") == [("a", 1, 3), ("b", 1, 3)]
    # The newest word on the file that could not be read at first.
    assert values(older, "SELECT status FROM imaging.files WHERE uri LIKE '%/refused' AND current") == [("duplicate",)]
    assert values(older, "SELECT count(*), count(*) FILTER (WHERE current) FROM imaging.files") == [(9, 7)]
    assert values(older, f"SELECT provider, instance_count FROM imaging.series FOR VERSION AS OF {before} ORDER BY 1") == [("a", 3), ("b", 1)]
    assert report(older, tmp_path / "in")["ingested"] == 1
    agree(older)


def test_files_say_which_element_a_warning_is_about(lake, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    odd = encode(plane(1)).replace(b"DA\x08\x0020240101", b"DA\x08\x002024XX01", 1)
    (folder / "1").write_bytes(odd)
    assert report(lake, folder)["warnings"] == 1
    assert values(lake, "SELECT warnings, warned FROM imaging.files") == [(1, ["(0008,0020) value"])]


def test_files_name_the_counterpart_of_a_conflict(lake, tmp_path):
    folder = tmp_path / "in"
    put(folder, "1", plane(1))
    put(folder, "2", plane(1))
    put(folder, "3", plane(1, SeriesDescription="other"))
    report(lake, folder)
    assert values(lake, "SELECT regexp_replace(uri, '.*/', ''), status, regexp_replace(counterpart, '.*/', '') FROM imaging.files ORDER BY 1") == [
        ("1", "ingested", None), ("2", "duplicate", "1"), ("3", "conflict", "1")]
    # Changed in place it is its own counterpart.
    put(folder, "1", plane(1, SeriesDescription="another"))
    report(lake, folder)
    assert values(lake, "SELECT status, reason_code, regexp_replace(counterpart, '.*/', '') FROM imaging.files WHERE current AND uri LIKE '%/1'") == [
        ("conflict", "changed", "1")]
    # Names of files, which are closed to whom no right to the column is granted, stand in these columns alone.
    assert values(lake, "SELECT count(*) FROM imaging.files WHERE reason LIKE '%/%'") == [(0,)]


def test_archives_of_every_kind_and_links_in_them(lake, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number, kind in enumerate(["gz", "bz2", "xz"], 1):
        put(tmp_path / "packed", kind, plane(number))
        with tarfile.open(folder / f"{kind}.tar", f"w:{kind}") as archive:
            archive.add(tmp_path / "packed" / kind, kind)
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, kind
            archive.addfile(link)
    done = report(lake, folder)
    assert (done["ingested"], done["archives"], done["skipped"]) == (3, 3, {"link_member": 3}), done


def test_manners(lake, radlake, tmp_path):
    folder = tmp_path / "with blank"
    put(folder, "1", plane(1))
    # A file URL is a path, percent-encoded.
    assert report(lake, folder.as_uri())["ingested"] == 1
    # JSON is an object whatever comes of it.
    done = lake.run("ingest", tmp_path / "nowhere", "--provider", "a", "--format", "json", check=False)
    assert done.returncode == 1 and "nowhere" in json.loads(done.stdout)["error"]
    # A folder with something else in it becomes no lake.
    done = Lake(radlake, folder).run("init", check=False)
    assert done.returncode == 1 and "not empty" in done.stderr
    assert [entry.name for entry in folder.iterdir()] == ["1"]
    assert "130" in lake.run("ingest", "--help").stdout
    assert "\x1b" not in lake.run("ingest", folder, "--provider", "a").stderr


def test_names_without_trailing_carets(lake, tmp_path):
    data = plane(1)
    data.PatientName = "Doe^Jane^^"
    put(tmp_path / "in", "1", data)
    report(lake, tmp_path / "in")
    assert values(lake, "SELECT dicom_tag(dataset, 'PatientName'), dicom_person_name(dicom_tag(dataset, 'PatientName'), 'alphabetic'), dicom_person_name(patient_name, 'alphabetic') FROM imaging.instances") == [
        ("Doe^Jane", "Doe^Jane", "Doe^Jane")]


def test_data_files_that_hold_a_person_are_found(two):
    with Server(two) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        def held(arguments):
            return connection.execute(f"CALL radlake.holdings({arguments})").fetchall()

        before = held("patient => 'P2'")
        newest = connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
        assert {(table, rows) for table, _, rows, _, _ in before} == {
            ("imaging.instances", 3), ("imaging.series", 1), ("imaging.files", 3), ("imaging.sources", 3)}
        assert {last for *_, last in before} <= {newest - 1, newest} and all((two.path / file).is_file() for _, file, *_ in before)
        connection.execute("CALL radlake.forget(patient => 'P2')")
        # Earlier epochs have them still, and no other.
        after = held("patient => 'P2'")
        assert after == before and max(last for *_, last in after) == newest
        assert {row[0] for row in held("provider => 'b'")} == {"imaging.series", "imaging.files", "imaging.sources", "imaging.instances"}


def test_files_in_a_bucket_are_read(lake, s3, tmp_path):
    bucket = s3.lake(lake.binary, "unused", tmp_path)
    with tarfile.open(tmp_path / "two.tar.xz", "w:xz") as archive:
        put(tmp_path / "packed", "2", plane(2))
        archive.add(tmp_path / "packed" / "2", "2")
    for key, content in [("1", encode(plane(1))), ("a%20b/two.tar.xz", (tmp_path / "two.tar.xz").read_bytes()), ("text", b"hello")]:
        assert s3.request("PUT", f"/{BUCKET}/dicom/{key}", content)[0] == 200
    lake.environment = bucket.environment
    done = report(lake, f"s3://{BUCKET}/dicom")
    assert (done["ingested"], done["archives"], done["refused"]) == (2, 1, {"not_dicom": 1}), done
    assert values(lake, "SELECT source_uri FROM imaging.instances ORDER BY instance_number") == [
        (f"s3://{BUCKET}/dicom/1",), (f"s3://{BUCKET}/dicom/a%20b/two.tar.xz!/2",)]
    assert report(lake, f"s3://{BUCKET}/dicom")["unchanged"] == 3
    done = lake.run("ingest", f"s3://{BUCKET}/dicom", "--provider", "a", "--prune", check=False)
    assert done.returncode == 1 and "not pruned" in done.stderr
    agree(lake)
