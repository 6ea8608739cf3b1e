"""The demo's tumours: outlined on their images, measured by SQL, shown on a page."""

import base64
import io
import json
import re

import numpy as np
import pydicom
import pytest
from highdicom.seg import segread
from PIL import Image


def rows(lake, query):
    return [json.loads(line) for line in lake.run("sql", "--format", "json", "-c", query).stdout.splitlines()]


@pytest.fixture(scope="module")
def tumours(demo_lake):
    return rows(
        demo_lake,
        "SELECT provider, patient_id, modality, source_uri, volume_ml, voxel_count, volume_ml(roi) AS in_roi, roi_reason, "
        "max_diameter_mm(roi) AS diameter_mm, r.reason FROM imaging.regions AS r "
        "JOIN imaging.instances AS i USING (sop_instance_uid, provider, patient_id, modality)"
    )


def test_every_lung_patient_has_an_outlined_tumour(tumours):
    placed = [row for row in tumours if row["in_roi"] is not None]
    assert len({row["patient_id"] for row in tumours if row["modality"] == "SEG"}) == 24
    assert len(placed) >= 20
    # What has no voxels says why: gaps, slices twice, uneven spacing, as real archives have them.
    assert all(row["roi_reason"] or row["reason"] for row in tumours if row["in_roi"] is None)
    for row in placed:
        assert row["in_roi"] == pytest.approx(row["volume_ml"], rel=1e-12)
        # Of all bodies a ball has the least extent for its volume.
        ball = 2 * (3 * row["in_roi"] * 1000 / (4 * np.pi)) ** (1 / 3)
        assert ball < row["diameter_mm"] < 1.35 * ball


def test_segmentations_are_what_highdicom_reads(tumours):
    for row in (row for row in tumours if row["modality"] == "SEG" and row["voxel_count"] is not None):
        path = row["source_uri"].removeprefix("file://")
        seg = segread(path)
        # A slice that was sent twice is outlined twice, and is one place.
        at = {}
        for frame, groups in zip(seg.pixel_array.reshape(-1, seg.Rows, seg.Columns), seg.PerFrameFunctionalGroupsSequence):
            at[tuple(groups.PlanePositionSequence[0].ImagePositionPatient)] = int(frame.sum())
        assert sum(at.values()) == row["voxel_count"]


def test_both_outlines_of_a_tumour_agree(demo_lake):
    pairs = rows(
        demo_lake,
        "SELECT dice(a.roi, b.roi) AS dice, hausdorff_mm(a.roi, b.roi) AS mm FROM imaging.regions AS a JOIN imaging.regions AS b "
        "ON a.source_series_instance_uid = b.source_series_instance_uid WHERE a.modality = 'SEG' AND b.modality = 'RTSTRUCT'"
    )
    agree = [row for row in pairs if row["dice"] is not None]
    assert len(agree) >= 4
    assert all(row["dice"] > 0.98 and row["mm"] < 2 for row in agree)


def test_the_page_shows_every_tumour_that_has_voxels(demo_lake, tumours):
    page = (demo_lake.path.parent / "segmented_tumours.html").read_text()
    pictures = re.findall(r'<img alt="" src="data:image/png;base64,([^"]+)">', page)
    assert len(pictures) == sum(row["in_roi"] is not None for row in tumours)
    for picture in pictures:
        image = Image.open(io.BytesIO(base64.b64decode(picture)))
        assert max(image.size) == 192
        # A grey picture and an outline in colour.
        pixels = np.asarray(image.convert("RGB")).astype(int)
        assert (np.ptp(pixels, axis=2) > 40).any() and np.ptp(pixels.mean(axis=2)) > 20
    # Nothing is fetched from elsewhere.
    assert "default-src 'none'" in page and "http:" not in page and "https:" not in page


def test_pixels_of_a_tumour_are_those_of_its_files(demo_lake):
    row = rows(
        demo_lake,
        "SELECT i.source_uri, mean_hu(roi) AS mean_hu, r.source_series_instance_uid AS series FROM imaging.regions AS r "
        "JOIN imaging.instances AS i USING (sop_instance_uid) WHERE r.modality = 'SEG' AND volume_ml(roi) > 5 ORDER BY r.patient_id LIMIT 1"
    )[0]
    seg = segread(row["source_uri"].removeprefix("file://"))
    images = {
        image["sop_instance_uid"]: image["source_uri"].removeprefix("file://")
        for image in rows(
            demo_lake, f"SELECT sop_instance_uid, source_uri FROM imaging.instances WHERE series_instance_uid = '{row['series']}'"
        )
    }
    inside = []
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence):
        source = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        image = pydicom.dcmread(images[source])
        inside.append((image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept))[frame > 0])
    assert row["mean_hu"] == pytest.approx(np.concatenate(inside).mean(), rel=1e-9)


def test_features_of_every_tumour_that_has_voxels(demo_lake, tumours):
    counts = rows(demo_lake, "SELECT status, count(*) AS n, count(original_glcm_contrast) AS f FROM radiomics.features GROUP BY status ORDER BY status")
    placed = sum(row["in_roi"] is not None for row in tumours)
    assert counts == [{"status": "computed", "n": placed, "f": placed}, {"status": "failed", "n": len(tumours) - placed, "f": 0}]
    # Reasons are those of the regions; the mesh's volume is about that of the voxels.
    compared = rows(
        demo_lake,
        "SELECT volume_ml(r.roi) AS ml, f.original_shape_meshvolume / 1000 AS mesh, f.reason, coalesce(r.roi_reason, r.reason) AS told "
        "FROM radiomics.features AS f JOIN imaging.regions AS r USING (sop_instance_uid, segment_number)",
    )
    assert len(compared) == len(tumours)
    for row in compared:
        if row["ml"] is None:
            assert row["reason"] == row["told"]
        else:
            assert row["mesh"] == pytest.approx(row["ml"], rel=0.1)


def test_three_most_similar_cases_of_a_patient(demo_lake):
    segment = rows(demo_lake, "SELECT sop_instance_uid || '/' || segment_number AS s FROM radiomics.features WHERE patient_id = 'RH-0001' AND status = 'computed' LIMIT 1")[0]["s"]
    found = rows(demo_lake, f"SELECT rank, patient_id, contributions FROM similar_cases('{segment}', 3)")
    assert [row["rank"] for row in found] == [1, 2, 3] and "RH-0001" not in {row["patient_id"] for row in found}
