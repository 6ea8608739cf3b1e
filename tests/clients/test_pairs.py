"""`radlake ingest --pairs`: NIfTI and NRRD volumes are read as SimpleITK reads them."""

import csv
import json
import os
import pathlib

import numpy as np
import psycopg
import pytest
import SimpleITK as sitk
from support import Lake, Server

OBLIQUE = (0.8, 0.6, 0.0, -0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
# Columns are the axes' directions: left-handed, and with the slices along the patient's side.
TURNED = (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
MIRRORED = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
KINDS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64]


def image(values, direction=(1, 0, 0, 0, 1, 0, 0, 0, 1), origin=(-12.5, 7.25, 100.0), spacing=(0.7, 0.8, 2.5)):
    made = sitk.GetImageFromArray(values)
    made.SetSpacing(spacing)
    made.SetOrigin(origin)
    made.SetDirection(direction)
    return made


def noise(kind, shape=(5, 6, 7), seed=1):
    values = np.random.default_rng(seed).normal(40, 12, shape)
    return values.astype(kind) if np.issubdtype(kind, np.floating) else values.clip(0, 120).round().astype(kind)


def ball(shape=(5, 6, 7)):
    z, y, x = np.indices(shape)
    labels = ((z - 2) ** 2 + (y - 3) ** 2 + (x - 3) ** 2 <= 4).astype(np.uint8)
    labels[0, 0, :3] = 7
    return labels


def listed(folder, rows, name="list.csv"):
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with (folder / name).open("w", newline="") as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def ingest(lake, *lists, check=True, more=()):
    options = [part for path in lists for part in ("--pairs", path)]
    done = lake.run("ingest", *options, *more, "--provider", "p", "--format", "json", check=check)
    report = json.loads(done.stdout)
    return {**report, "refused": sum(report["refused"].values())}


def rows(lake, query):
    return [json.loads(line) for line in lake.run("sql", "--format", "json", "-c", query).stdout.splitlines()]


@pytest.fixture()
def lake(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    return lake


def volume(lake, patient):
    """The volume of a patient as SimpleITK would have it: along its own axes, whatever order the file has."""
    found = rows(lake, f"SELECT volume, volume_reason FROM imaging.volumes WHERE patient_id = '{patient}'")
    assert len(found) == 1 and found[0]["volume"] is not None, found
    part = found[0]["volume"]
    values = np.array(part["voxels"], np.float32).reshape(part["size"][::-1])
    return values, part


def same_in_the_patient(lake, patient, expected):
    """Every voxel lies where SimpleITK has it, whichever way round the grid is."""
    values, part = volume(lake, patient)
    ours = image(values, part["direction"], part["origin"], part["spacing"])
    wanted = sitk.Cast(expected, sitk.sitkFloat32)
    assert sorted(ours.GetSize()) == sorted(wanted.GetSize())
    array = sitk.GetArrayFromImage(wanted)
    for index in np.ndindex(*wanted.GetSize()):
        at = ours.TransformPhysicalPointToContinuousIndex(wanted.TransformIndexToPhysicalPoint(index))
        nearest = np.round(at).astype(int)
        assert np.allclose(at, nearest, atol=1e-3)
        assert values[tuple(nearest[::-1])] == array[index[::-1]]


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz"])
@pytest.mark.parametrize("direction", [None, OBLIQUE, TURNED, MIRRORED], ids=["axial", "oblique", "turned", "mirrored"])
def test_volumes_are_simpleitks(lake, tmp_path, suffix, direction):
    source = image(noise(np.int16), direction or (1, 0, 0, 0, 1, 0, 0, 0, 1))
    sitk.WriteImage(source, tmp_path / f"i{suffix}")
    sitk.WriteImage(image(ball(), source.GetDirection()), tmp_path / f"m{suffix}")
    report = ingest(lake, listed(tmp_path, [{"image": f"i{suffix}", "mask": f"m{suffix}", "patient_id": "P1", "modality": "CT"}]))
    assert (report["ingested"], report["refused"]) == (2, 0)
    same_in_the_patient(lake, "P1", sitk.ReadImage(tmp_path / f"i{suffix}"))
    regions = rows(
        lake,
        "SELECT segment_number, label, status, voxel_count, volume_ml(roi) AS ml, mean_hu(roi) AS mean, (roi).units AS units "
        "FROM imaging.regions ORDER BY segment_number",
    )
    values, labels = sitk.GetArrayFromImage(source), ball()
    voxel = 0.7 * 0.8 * 2.5 / 1000
    assert [(r["segment_number"], r["label"], r["status"], r["voxel_count"]) for r in regions] == [
        (1, "label 1", "placed", int((labels == 1).sum())),
        (7, "label 7", "placed", 3),
    ]
    for region in regions:
        inside = labels == region["segment_number"]
        assert region["mean"] == pytest.approx(values[inside].mean(), rel=1e-6)
        assert region["ml"] == pytest.approx(inside.sum() * voxel, rel=1e-5)
        assert region["units"] == "HU"


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz"])
def test_every_type_of_voxels(lake, tmp_path, suffix):
    for kind in KINDS:
        sitk.WriteImage(image(noise(kind)), tmp_path / f"{kind.__name__}{suffix}", useCompression=True)
    ingest(lake, listed(tmp_path, [{"image": f"{kind.__name__}{suffix}", "patient_id": kind.__name__} for kind in KINDS]))
    for kind in KINDS:
        values, _ = volume(lake, kind.__name__)
        assert np.array_equal(values, noise(kind).astype(np.float32)), kind


def test_pyradiomics_own_data(lake, tmp_path):
    data = pathlib.Path(os.environ.get("RADLAKE_DATA", pathlib.Path(__file__).parents[3] / "shared/data")) / "pyradiomics"
    if not data.is_dir():
        pytest.skip("the published data are not here")
    names = ["brain1", "breast1", "lung1"]
    of = [{"Image": data / f"{n}_image.nrrd", "Mask": data / f"{n}_label.nrrd", "ID": n, "Label": 1} for n in names]
    report = ingest(lake, listed(tmp_path, of))
    assert (report["ingested"], report["refused"]) == (6, 0)
    found = rows(lake, "SELECT patient_id, voxel_count, mean_hu(roi) AS mean FROM imaging.regions ORDER BY patient_id")
    for row, name in zip(found, names, strict=True):
        values = sitk.GetArrayFromImage(sitk.ReadImage(data / f"{name}_image.nrrd"))
        inside = sitk.GetArrayFromImage(sitk.ReadImage(data / f"{name}_label.nrrd")) == 1
        assert row["patient_id"] == name and row["voxel_count"] == inside.sum()
        assert row["mean"] == pytest.approx(values[inside].mean(), rel=1e-6)


def test_what_cannot_be_read_has_its_reason_and_hinders_nothing(lake, tmp_path):
    sitk.WriteImage(image(noise(np.int16)), tmp_path / "i.nii.gz")
    sitk.WriteImage(image(noise(np.float32)), tmp_path / "no_labels.nii.gz")
    sitk.WriteImage(sitk.JoinSeries([image(noise(np.int16))] * 3), tmp_path / "times.nii")
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "i.nii.gz").read_bytes()[:150])
    (tmp_path / "text.nrrd").write_text("no volume at all")
    report = ingest(
        lake,
        listed(
            tmp_path,
            [
                {"image": "i.nii.gz", "mask": "no_labels.nii.gz", "patient_id": "P1"},
                {"image": "times.nii", "mask": "", "patient_id": "P2"},
                {"image": "text.nrrd", "mask": "", "patient_id": "P3"},
                {"image": "gone.nrrd", "mask": "", "patient_id": "P4"},
                {"image": "i.nii.gz", "mask": "cut.nii.gz", "patient_id": "P1"},
            ],
        ),
    )
    assert (report["ingested"], report["refused"]) == (1, 5)
    told = rows(lake, "SELECT uri, reason FROM imaging.files WHERE current AND status = 'refused'")
    reason = {row["uri"].split("!/", 1)[1]: row["reason"] for row in told}
    assert "no label volume" in reason["i.nii.gz/no_labels.nii.gz"]
    assert "3 along axis 4" in reason["times.nii"]
    assert "neither NIfTI nor NRRD" in reason["text.nrrd"]
    assert "No such file" in reason["gone.nrrd"]
    assert "cut short" in reason["i.nii.gz/cut.nii.gz"]
    assert not any(str(tmp_path) in text for text in reason.values())


def test_again_changed_and_gone(lake, tmp_path):
    sitk.WriteImage(image(noise(np.int16)), tmp_path / "i.nii.gz")
    sitk.WriteImage(image(ball()), tmp_path / "m.nii.gz")
    of = [{"image": "i.nii.gz", "mask": "m.nii.gz", "patient_id": "P1"}]
    path = listed(tmp_path, of)
    assert ingest(lake, path)["ingested"] == 2
    assert ingest(lake, path)["ingested"] == 0
    # A second patient comes; the first is known.
    sitk.WriteImage(image(noise(np.int16, seed=2)), tmp_path / "j.nii.gz")
    listed(tmp_path, [*of, {"image": "j.nii.gz", "mask": "", "patient_id": "P2"}])
    again = ingest(lake, path)
    assert (again["ingested"], again["touched"], again["refused"]) == (1, 2, 0)
    # The labels are drawn anew: another instance, and the list is as new as they are.
    larger = ball()
    larger[2, 3, :] = 1
    sitk.WriteImage(image(larger), tmp_path / "m.nii.gz")
    later = (tmp_path / "m.nii.gz").stat().st_mtime + 5
    os.utime(tmp_path / "m.nii.gz", (later, later))
    ingest(lake, path, more=["--replace"])
    counts = rows(lake, "SELECT voxel_count FROM imaging.segments WHERE segment_number = 1 AND status = 'placed'")
    assert int((larger == 1).sum()) in [row["voxel_count"] for row in counts]
    # Who is no longer listed is taken out.
    listed(tmp_path, [{"image": "j.nii.gz", "mask": "", "patient_id": "P2"}])
    os.utime(path, (later + 5, later + 5))
    ingest(lake, path, more=["--prune"])
    assert {row["patient_id"] for row in rows(lake, "SELECT DISTINCT patient_id FROM imaging.instances")} == {"P2"}


def test_a_list_that_is_wrong_is_told_by_its_line(lake, tmp_path):
    (tmp_path / "list.csv").write_text("image,mask\na,b\n")
    assert ingest(lake, tmp_path / "list.csv", check=False)["refused"] == 1
    reason = rows(lake, "SELECT reason FROM imaging.files WHERE status = 'refused'")[0]["reason"]
    assert "no column patient_id" in reason and "study_date" in reason
    done = lake.run("ingest", "--pairs", tmp_path / "none.csv", "--provider", "p", check=False)
    assert done.returncode != 0 and "none.csv" in done.stderr
    done = lake.run("ingest", "--pairs", "s3://bucket/list.csv", "--provider", "p", check=False)
    assert done.returncode != 0 and "download" in done.stderr


def test_policies_hide_what_pairs_brought(lake, tmp_path):
    for n in (1, 2):
        sitk.WriteImage(image(noise(np.int16, seed=n)), tmp_path / f"i{n}.nrrd")
        sitk.WriteImage(image(ball()), tmp_path / f"m{n}.nrrd")
    ingest(lake, listed(tmp_path, [{"image": f"i{n}.nrrd", "mask": f"m{n}.nrrd", "patient_id": f"P{n}"} for n in (1, 2)]))
    lake.run(
        "sql",
        "-c",
        "CREATE ROLE reader LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA imaging TO reader; "
        "GRANT SELECT ON ALL TABLES IN SCHEMA imaging TO reader; "
        + " ".join(
            f"ALTER TABLE imaging.{table} ENABLE ROW LEVEL SECURITY; "
            f"CREATE POLICY own ON imaging.{table} FOR SELECT TO reader USING (patient_id = 'P1');"
            for table in ("instances", "series", "segments")
        ),
    )
    with Server(lake) as server, psycopg.connect(**{**server.dsn, "user": "reader", "password": "x"}) as connection:
        for relation in ("regions", "volumes"):
            seen = connection.execute(f"SELECT patient_id FROM imaging.{relation}").fetchall()
            assert {patient for (patient,) in seen} == {"P1"}
        assert connection.execute("SELECT count(*) FROM imaging.regions WHERE roi IS NOT NULL").fetchone() == (2,)
