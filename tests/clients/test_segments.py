"""Segmentations, structure sets and measurement reports as rows, and regions as arrays: equal to what highdicom, pydicom and SimpleITK read
of the same files, or to what was put in; whatever is wrong with a file, rows with a reason; and nothing for whom policies hide it from."""

import json
import os
import shutil
import time

import psycopg
import pytest
from support import Lake, Server

for needed in ("pydicom", "highdicom", "SimpleITK", "numpy"):
    pytest.importorskip(needed, reason=f"{needed} is not installed (tests/clients/requirements.txt)")
import highdicom  # noqa: E402
import numpy  # noqa: E402
import pydicom  # noqa: E402
import SimpleITK  # noqa: E402
from drawn import (  # noqa: E402
    COSINES, CT, ROOT, Grid, complete, connect, contour, image, item, polygon, reference, regions, rows, save, segmentation, segments, series,
    structures, volumes, voxels,
)
from s3 import BUCKET, Proxy  # noqa: E402

NOT_IN_THE_LAKE = "not in the lake"


@pytest.fixture
def lake(radlake, tmp_path):
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    return lake


def ingest(lake, *paths, options=()):
    return json.loads(lake.run("ingest", *paths, "--provider", "p", "--format", "json", *options).stdout)


def ask(lake, sql):
    """The answer of `radlake sql`: a dictionary per row."""
    return [json.loads(line) for line in lake.run("sql", "--format", "json", "-c", sql).stdout.splitlines()]


def read(lake, where="true"):
    """Segments and regions of a lake, by object and number."""
    with Server(lake) as server, connect(server) as connection:
        return segments(connection, where), regions(connection, where)


# Reference data.


def test_a_structure_set_waits_for_its_images_and_fills_as_its_authors_did(lake):
    folder = reference("ibsi", "ct_phantom", "dicom")
    drawn = [p for p in folder.rglob("*.dcm") if pydicom.dcmread(p, specific_tags=["Modality"]).Modality == "RTSTRUCT"]
    ingest(lake, *drawn)
    [before] = ask(lake, "SELECT label, status, reason, voxel_count, interpreted_type FROM imaging.segments")
    assert (before["label"], before["status"], before["voxel_count"]) == ("GTV-1", "waiting", None)
    assert NOT_IN_THE_LAKE in before["reason"]
    ingest(lake, folder)
    with Server(lake) as server, connect(server) as connection:
        [row] = segments(connection).values()
        [region] = regions(connection).values()
    assert (row["status"], row["reason"], row["voxel_count"]) == ("placed", None, 125256)
    theirs = SimpleITK.ReadImage(str(next(folder.parent.rglob("mask.nii.gz"))))
    mask = SimpleITK.GetArrayFromImage(theirs) > 0.5
    assert mask.sum() == 125256
    files = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(drawn[0].parent if any(drawn[0].parent.glob("*IMG*")) else folder / "image"))
    ct = SimpleITK.ReadImage(files)
    grid = (ct.GetOrigin(), numpy.reshape(ct.GetDirection(), (3, 3)), ct.GetSpacing())
    mine = region["pixels"].on(mask.shape, *grid)
    assert numpy.array_equal(mine, mask)
    where = numpy.argwhere(mask)[:, ::-1]
    assert (row["bounding_box_low"], row["bounding_box_high"]) == (where.min(0).tolist(), where.max(0).tolist())
    centroid = numpy.asarray(grid[0]) + grid[1] @ (where.mean(0) * grid[2])
    assert numpy.allclose(row["centroid"], centroid, atol=1e-6)
    assert row["volume_ml"] == pytest.approx(125256 * numpy.prod(grid[2]) / 1000, rel=1e-6)
    cut = region["pixels"].cut(SimpleITK.GetArrayFromImage(ct), *grid)
    assert numpy.array_equal(region["pixels"].voxels, cut.astype(numpy.float32))
    assert (region["pixels"].modality, region["pixels"].units) == ("CT", "HU")


def test_a_segmentation_of_dcmqi(lake):
    folder = reference("seg", "dcmqi", "24x38x3")
    ingest(lake, folder / "seg")
    ingest(lake, folder / "image")
    theirs = SimpleITK.ReadImage(str(folder / "nrrd" / "label.nrrd"))
    labels = SimpleITK.GetArrayFromImage(theirs)
    found, drawn = read(lake)
    grid = (theirs.GetOrigin(), numpy.reshape(theirs.GetDirection(), (3, 3)), theirs.GetSpacing())
    assert {number for _, number in found} == set(numpy.unique(labels)) - {0}
    for key, row in found.items():
        assert row["status"] == "placed", row
        assert row["voxel_count"] == (labels == key[1]).sum()
        assert row["volume_ml"] == pytest.approx((labels == key[1]).sum() * numpy.prod(grid[2]) / 1000, rel=1e-9)
        assert numpy.array_equal(drawn[key]["pixels"].on(labels.shape, *grid), labels == key[1])


def code(value):
    return None if value is None else (value.value, value.scheme_designator, value.meaning)


def told(value):
    return None if value is None else (value.value, value.scheme, value.meaning)


@pytest.fixture(scope="module")
def highdicoms(radlake, tmp_path_factory):
    """A server over highdicom's segmentations and the images of some of them, and the segmentations as highdicom reads them."""
    folder = reference("seg", "highdicom")
    lake = Lake(radlake, tmp_path_factory.mktemp("highdicom") / "lake")
    lake.init()
    files = sorted(folder.glob("seg_*.dcm"))
    ingest(lake, *files, folder / "ct_image.dcm", folder / "dx_image.dcm")
    objects = {}
    for path in files:
        objects[path.stem] = highdicom.seg.segread(path)
    with Server(lake) as server, connect(server) as connection:
        info = psycopg.types.composite.CompositeInfo.fetch(connection, "imaging.code")
        psycopg.types.composite.register_composite(info, connection)
        yield connection, objects


def test_what_segmentations_say_is_what_highdicom_reads(highdicoms):
    connection, objects = highdicoms
    found = segments(connection)
    expected = {}
    for object in objects.values():
        for number in object.segment_numbers:
            if number == 0:
                continue
            d = object.get_segment_description(number)
            plain = next(s for s in object.SegmentSequence if s.SegmentNumber == number)
            regions_of = d.anatomic_regions
            expected[object.SOPInstanceUID, number] = {
                "segmentation_type": object.SegmentationType, "label": d.segment_label, "description": plain.get("SegmentDescription"),
                "property_category": code(d.segmented_property_category), "property_type": code(d.segmented_property_type),
                "anatomic_region": code(regions_of[0]) if regions_of else None, "algorithm_type": d.algorithm_type.value,
                "algorithm_name": plain.get("SegmentAlgorithmName"), "tracking_id": d.tracking_id, "tracking_uid": d.tracking_uid,
                "patient_id": object.PatientID, "frame_of_reference_uid": object.get("FrameOfReferenceUID"),
            }
    assert set(found) == set(expected) and len(expected) > 150
    for key, row in found.items():
        for name, value in expected[key].items():
            mine = told(row[name]) if hasattr(row[name], "meaning") else row[name]
            assert mine == value, (key, name)


def test_tiles_of_slides_are_not_placed(highdicoms):
    connection, objects = highdicoms
    tiled = [o.SOPInstanceUID for name, o in objects.items() if "_sm_" in name]
    assert len(tiled) == 6
    for uid in tiled:
        for row in segments(connection, f"sop_instance_uid = '{uid}'").values():
            assert (row["status"], row["voxel_count"]) == ("unplaceable", None) and "slide" in row["reason"], row


def test_masks_of_segmentations_without_images_are_counted_on_their_own_grid(highdicoms):
    connection, objects = highdicoms
    names = [n for n in objects if "_ct_" in n and "single" not in n]
    assert len(names) == 4
    for name in names:
        object = objects[name]
        found = segments(connection, f"sop_instance_uid = '{object.SOPInstanceUID}'")
        frames = object.pixel_array.reshape(-1, object.Rows, object.Columns)
        for (_, number), row in found.items():
            of = [i for i, f in enumerate(object.PerFrameFunctionalGroupsSequence) if f.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number]
            limit = 0 if object.SegmentationType == "BINARY" else object.MaximumFractionalValue / 2 - 0.25
            marked = frames[of] > limit
            assert (row["status"], row["voxel_count"]) == ("own grid", int(marked.sum())), (name, number, row)
            where = numpy.argwhere(marked)
            assert row["bounding_box_high"][:2] >= where[:, :0:-1].max(0).tolist()


def test_a_single_frame_on_its_image(highdicoms):
    connection, objects = highdicoms
    object = objects["seg_image_ct_binary_single_frame"]
    key = (object.SOPInstanceUID, 1)
    region = regions(connection, f"sop_instance_uid = '{key[0]}'")[key]
    ct = pydicom.dcmread(reference("seg", "highdicom", "ct_image.dcm"))
    assert region["status"] == "placed", region
    where = numpy.argwhere(object.pixel_array)
    (low_y, low_x), (high_y, high_x) = where.min(0) - 1, where.max(0) + 2
    assert numpy.array_equal(region["pixels"].mask[0], object.pixel_array[low_y:high_y, low_x:high_x])
    values = ct.pixel_array * float(ct.RescaleSlope) + float(ct.RescaleIntercept)
    assert numpy.array_equal(region["pixels"].voxels[0], values[low_y:high_y, low_x:high_x].astype(numpy.float32))


def test_a_projection_without_its_image_waits(highdicoms):
    connection, objects = highdicoms
    [row] = segments(connection, f"sop_instance_uid = '{objects['seg_image_cr_binary'].SOPInstanceUID}'").values()
    assert row["status"] == "waiting" and NOT_IN_THE_LAKE in row["reason"]


# Finding and its category, which highdicom counts among evaluations.
OF_THE_GROUP = {"276214006", "121071"}


@pytest.mark.parametrize("name", ["highdicom/sr_document.dcm", "highdicom/sr_document_with_multiple_groups.dcm", "dcmqi/sr.dcm"])
def test_measurements_are_what_highdicom_reads(lake, name):
    path = reference("seg", *name.split("/"))
    ingest(lake, path)
    with Server(lake) as server, connect(server) as connection:
        info = psycopg.types.composite.CompositeInfo.fetch(connection, "imaging.code")
        psycopg.types.composite.register_composite(info, connection)
        found = rows(connection, "SELECT * FROM imaging.measurements ORDER BY measurement_group, measurement_number")
    plain = pydicom.dcmread(path)
    report = highdicom.sr.MeasurementReport.from_sequence([plain]) if "dcmqi" in name else highdicom.sr.srread(path).content
    groups = []
    for kind in ("image", "planar_roi", "volumetric_roi"):
        for group in getattr(report, f"get_{kind}_measurement{'_groups'}")():
            groups.append(group)
    numbers = [(g, m) for g in groups for m in g.get_measurements()]
    judged = [(g, m) for g in groups for m in g.get_qualitative_evaluations() if m.name.value not in OF_THE_GROUP]

    def codes_of(sequence):
        return code(sequence[0]) if sequence else None

    def key(g, m, what):
        return (g.tracking_uid, code(m.name), what)

    expected = sorted((key(g, m, (m.value, code(m.unit), codes_of([m.derivation] if m.derivation else []))) for g, m in numbers), key=repr)
    mine = sorted(((r["tracking_uid"], told(r["concept"]), (r["value"], told(r["unit"]), told(r["derivation"]))) for r in found if r["value_type"] == "NUM"), key=repr)
    assert mine == expected and expected
    expected = sorted((key(g, m, code(m.value)) for g, m in judged), key=repr)
    mine = sorted(((r["tracking_uid"], told(r["concept"]), told(r["code_value"])) for r in found if r["value_type"] == "CODE"), key=repr)
    assert mine == expected
    for g in groups:
        mine = [r for r in found if r["tracking_uid"] == g.tracking_uid]
        sites = [s.value for s in g.finding_sites]
        for r in mine:
            assert r["tracking_id"] == g.tracking_identifier
            assert told(r["finding"]) == code(g.finding_type)
            assert told(r["finding_category"]) == code(g.finding_category)
            if sites:
                assert told(r["finding_site"])[0] == sites[0].value
            if hasattr(g, "referenced_segmentation_frame") or hasattr(g, "referenced_segment"):
                segment = getattr(g, "referenced_segmentation_frame", None) or getattr(g, "referenced_segment", None)
                if segment is not None:
                    assert r["segmentation_sop_instance_uid"] == segment.referenced_sop_instance_uid
                    assert r["segment_number"] == segment.referenced_segment_numbers[0]
    # Independently of highdicom: every NUM anywhere below a group is a row.
    def count(node, inside=False):
        n = 0
        for child in node.get("ContentSequence", []):
            name = child.get("ConceptNameCodeSequence")
            group = inside or (name is not None and name[0].CodeValue == "125007")
            n += (child.ValueType == "NUM" and group) + count(child, group)
        return n
    assert count(plain) == sum(r["value_type"] == "NUM" for r in found)


# What was made up.


def cube(grid, low, high, value=1):
    """A mask [slice, row, column] of a box, both corners in it: columns, rows, slices."""
    out = numpy.zeros(grid.shape, numpy.uint8)
    out[low[2] : high[2] + 1, low[1] : high[1] + 1, low[0] : high[0] + 1] = value
    return out


def blob(grid, seed=1):
    """A mask without symmetry, whose first and last slices are empty."""
    out = (numpy.random.default_rng(seed).random(grid.shape) < 0.3).astype(numpy.uint8)
    out[0] = out[-1] = 0
    out[grid.size[2] // 2] = 0 if grid.size[2] > 4 else out[grid.size[2] // 2]
    return out


def check(found, drawn, key, mask, grid, pixels=None):
    """A row and a region are those of a mask on a grid."""
    row, region = found[key], drawn[key]
    assert row["status"] == "placed", row
    assert row["voxel_count"] == mask.sum(), row
    assert row["volume_ml"] == pytest.approx(mask.sum() * numpy.prod(grid.spacing) / 1000, rel=1e-6)
    where = numpy.argwhere(mask)[:, ::-1]
    assert numpy.allclose(row["centroid"], grid.at(*where.mean(0)), atol=1e-5), row
    assert region["roi_reason"] is None, region["roi_reason"]
    # Its slices may be counted the other way round: the grid says where each voxel is.
    origin, direction = numpy.asarray(grid.origin), grid.direction
    theirs = region["pixels"]
    assert numpy.allclose(theirs.direction, direction, atol=1e-6), theirs.direction
    assert numpy.allclose(theirs.spacing, grid.spacing, atol=1e-6)
    assert numpy.array_equal(theirs.on(mask.shape, origin, direction, grid.spacing), mask.astype(bool))
    low, high = where.min(0), where.max(0)
    assert (row["bounding_box_low"], row["bounding_box_high"]) == (low.tolist(), high.tolist())
    expected = [int(min(h + 1, n - 1) - max(lo - 1, 0) + 1) for lo, h, n in zip(low, high, grid.size, strict=True)]
    assert theirs.size == expected
    if pixels is not None:
        values = pixels.astype(numpy.float32) - 1000
        assert numpy.array_equal(theirs.voxels, theirs.cut(values, origin, direction, grid.spacing))


@pytest.mark.parametrize("reverse", [False, True], ids=["along", "against"])
@pytest.mark.parametrize("plane", COSINES)
def test_segmentations_on_planes_of_any_orientation(lake, tmp_path, plane, reverse):
    # 15 × 11 pixels: frames begin within bytes.
    grid = Grid(size=(15, 11, 6), cosines=COSINES[plane])
    images, mask = series(1, grid, reverse=reverse), blob(grid)
    made = segmentation(images, mask)
    assert made.NumberOfFrames == 3
    ingest(lake, *save(tmp_path / "in", made, *images))
    check(*read(lake), (made.SOPInstanceUID, 1), mask, grid, voxels(grid, 1))


def test_empty_frames_that_are_kept(lake, tmp_path):
    grid = Grid(size=(9, 7, 5))
    images, mask = series(1, grid), blob(grid)
    made = segmentation(images, mask, omit_empty_frames=False)
    assert made.NumberOfFrames == 5
    ingest(lake, *save(tmp_path / "in", made, *images))
    check(*read(lake), (made.SOPInstanceUID, 1), mask, grid)


def test_overlapping_segments_and_a_label_map(lake, tmp_path):
    grid = Grid(size=(13, 9, 6))
    images = series(1, grid)
    pair = numpy.stack([blob(grid, 1), blob(grid, 2)], axis=3)
    assert (pair.sum(3) == 2).any()
    over = segmentation(images, pair)
    labels = numpy.where(pair[..., 0] > 0, 1, pair[..., 1] * 2).astype(numpy.uint8)
    flat = segmentation(images, labels, kind="LABELMAP", number=2)
    ingest(lake, *save(tmp_path / "in", over, flat, *images))
    found, drawn = read(lake)
    assert len(found) == 4
    for n in (1, 2):
        check(found, drawn, (over.SOPInstanceUID, n), pair[..., n - 1], grid, voxels(grid, 1))
        check(found, drawn, (flat.SOPInstanceUID, n), (labels == n).astype(numpy.uint8), grid)
        row = found[over.SOPInstanceUID, n]
        assert (row["label"], row["tracking_id"], row["tracking_uid"], row["algorithm_name"]) == (f"segment {n}", f"lesion {n}", f"{ROOT}.5.{n}", "cutter")
        assert row["segmentation_type"] == "BINARY" and found[flat.SOPInstanceUID, n]["segmentation_type"] == "LABELMAP"


def test_numbers_of_segments_need_not_follow_each_other(lake, tmp_path):
    grid = Grid(size=(13, 9, 6))
    images = series(1, grid)
    pair = numpy.stack([blob(grid, 1), blob(grid, 2)], axis=3)
    made = segmentation(images, pair)
    # As they are not of highdicom's own making: 3 and 7, and the order of the descriptions turned round.
    for described in made.SegmentSequence:
        described.SegmentNumber = {1: 7, 2: 3}[described.SegmentNumber]
    for frame in made.PerFrameFunctionalGroupsSequence:
        which = frame.SegmentIdentificationSequence[0]
        which.ReferencedSegmentNumber = {1: 7, 2: 3}[which.ReferencedSegmentNumber]
    labels = numpy.where(pair[..., 0] > 0, 4, pair[..., 1] * 200).astype(numpy.uint8)
    flat = segmentation(images, labels, numbers=[4, 200], kind="LABELMAP", number=2)
    ingest(lake, *save(tmp_path / "in", made, flat, *images))
    found, drawn = read(lake)
    assert {n for _, n in found} == {3, 7, 4, 200}
    check(found, drawn, (made.SOPInstanceUID, 7), pair[..., 0], grid)
    check(found, drawn, (made.SOPInstanceUID, 3), pair[..., 1], grid)
    for n in (4, 200):
        check(found, drawn, (flat.SOPInstanceUID, n), (labels == n).astype(numpy.uint8), grid)


def test_fractions_belong_from_one_half_on(lake, tmp_path):
    grid = Grid(size=(11, 7, 4))
    images = series(1, grid)
    parts = numpy.random.default_rng(3).integers(0, 201, grid.shape)
    made = segmentation(images, parts / 200, kind="FRACTIONAL", max_fractional_value=200)
    stored = numpy.zeros(grid.shape, int)
    for frame, plane in zip(made.PerFrameFunctionalGroupsSequence, made.pixel_array, strict=True):
        stored[[list(i.ImagePositionPatient) for i in images].index(list(frame.PlanePositionSequence[0].ImagePositionPatient))] = plane
    assert numpy.array_equal(stored, parts)
    ingest(lake, *save(tmp_path / "in", made, *images))
    check(*read(lake), (made.SOPInstanceUID, 1), (parts >= 100).astype(numpy.uint8), grid)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.1.99"], ids=["RLE", "J2K", "JPEG-LS", "deflated"])
def test_segmentations_that_are_compressed(lake, tmp_path, syntax):
    grid = Grid(size=(40, 36, 4))
    images = series(1, grid)
    labels = blob(grid, 1) * 2
    try:
        made = segmentation(images, labels, numbers=[2], kind="LABELMAP", transfer_syntax_uid=syntax) if syntax[-2:] != "99" else segmentation(images, labels, numbers=[2], kind="LABELMAP")
    except (ValueError, RuntimeError) as error:
        pytest.skip(f"highdicom does not write it: {error}")
    if syntax[-2:] == "99":
        complete(made, syntax)
    ingest(lake, *save(tmp_path / "in", made, *images))
    check(*read(lake), (made.SOPInstanceUID, 2), (labels == 2).astype(numpy.uint8), grid)


def test_a_segment_without_a_pixel(lake, tmp_path):
    grid = Grid()
    images = series(1, grid)
    pair = numpy.stack([blob(grid), numpy.zeros(grid.shape, numpy.uint8)], axis=3)
    made = segmentation(images, pair)
    ingest(lake, *save(tmp_path / "in", made, *images))
    found, drawn = read(lake)
    check(found, drawn, (made.SOPInstanceUID, 1), pair[..., 0], grid)
    key = (made.SOPInstanceUID, 2)
    assert (found[key]["status"], found[key]["voxel_count"], found[key]["volume_ml"]) == ("placed", 0, 0)
    assert drawn[key]["nothing"] and drawn[key]["roi_reason"]


def test_a_segmentation_of_a_part_of_the_series(lake, tmp_path):
    grid = Grid(size=(12, 10, 8))
    images = series(1, grid)
    part = blob(Grid(size=(12, 10, 5)))
    made = segmentation(images[2:7], part)
    mask = numpy.zeros(grid.shape, numpy.uint8)
    mask[2:7] = part
    ingest(lake, *save(tmp_path / "in", made, *images))
    check(*read(lake), (made.SOPInstanceUID, 1), mask, grid, voxels(grid, 1))


def mammogram(study, number=1, spacing=(0.07, 0.07), size=(14, 10), **elements):
    """A mammogram without a place in space."""
    grid = Grid(size=(*size, 1), spacing=(0.07, 0.07, 1))
    pixels = voxels(grid, 5)[0]
    out = image(study, 3, number, pixels, None, grid, SOPClassUID="1.2.840.10008.5.1.4.1.1.1.2", Modality="MG", FrameOfReferenceUID=None, PixelSpacing=None,
                SliceThickness=None, RescaleIntercept=0, PositionReferenceIndicator=None, ImageType=["ORIGINAL", "PRIMARY"],
                **({"ImagerPixelSpacing": list(spacing)} if spacing else {}), **elements)
    return out, pixels


@pytest.mark.parametrize("spacing", [(0.07, 0.05), None], ids=["sized", "without a size"])
def test_a_segmentation_of_a_projection(lake, tmp_path, spacing):
    source, pixels = mammogram(1, spacing=spacing)
    other, _ = mammogram(1, number=2)
    mask = numpy.zeros((1, 10, 14), numpy.uint8)
    mask[0, 2:6, 3:9] = 1
    mask[0, 3, 4] = 0
    made = segmentation([source], mask)
    assert "FrameOfReferenceUID" not in made
    ingest(lake, *save(tmp_path / "in", made, other))
    [row] = read(lake)[0].values()
    assert row["status"] == "waiting", row
    ingest(lake, *save(tmp_path / "in", source))
    found, drawn = read(lake)
    [row], [region] = found.values(), drawn.values()
    assert (row["status"], row["voxel_count"], row["volume_ml"], row["centroid"]) == ("placed", 23, None, None), row
    assert (row["bounding_box_low"], row["bounding_box_high"]) == ([3, 2, 0], [8, 5, 0])
    if spacing is None:
        assert row["voxel_spacing"] is None
    else:
        assert row["voxel_spacing"][:2] == [0.05, 0.07]
    assert region["roi_reason"] is None
    assert numpy.array_equal(region["pixels"].mask[0], mask[0, 1:7, 2:10])
    assert numpy.array_equal(region["pixels"].voxels[0], pixels[1:7, 2:10].astype(numpy.float32))


def test_a_segmentation_of_a_projection_in_a_bucket(lake, s3, tmp_path):
    """Neither has a frame of reference, nor the size of a pixel: the one is found by the other's naming it, and read by ranges."""
    size = (1100, 1300)
    source, pixels = mammogram(1, spacing=None, size=size)
    other, _ = mammogram(1, number=2, spacing=None, size=size)
    mask = numpy.zeros((1, 1300, 1100), numpy.uint8)
    mask[0, 900:1100, 400:700] = 1
    mask[0, 950, 500:600] = 0
    made = segmentation([source], mask)
    for frame in (*made.SharedFunctionalGroupsSequence, *made.PerFrameFunctionalGroupsSequence):
        frame.pop("PixelMeasuresSequence", None)
    assert not any(keyword in each for each in (source, made) for keyword in ("FrameOfReferenceUID", "PixelSpacing", "ImagerPixelSpacing"))
    keys = {}
    for name, each in (("source", source), ("other", other), ("seg", made)):
        [path] = save(tmp_path / "in", each, name=name)
        keys[name] = (f"/{BUCKET}/{tmp_path.name}/{name}", path.stat().st_size)
    assert keys["source"][1] > 2 * 2**20
    with Proxy(s3) as proxy:
        lake.environment = s3.lake(lake.binary, "unused", tmp_path, proxy.port).environment
        for name in ("seg", "other"):
            assert s3.request("PUT", keys[name][0], (tmp_path / "in" / name).read_bytes())[0] == 200
        ingest(lake, f"s3://{BUCKET}/{tmp_path.name}")
        [row] = ask(lake, "SELECT status, reason, voxel_count FROM imaging.segments")
        assert (row["status"], row["voxel_count"]) == ("waiting", None) and NOT_IN_THE_LAKE in row["reason"], row
        assert s3.request("PUT", keys["source"][0], (tmp_path / "in" / "source").read_bytes())[0] == 200
        ingest(lake, f"s3://{BUCKET}/{tmp_path.name}")
        with Server(lake) as server, connect(server) as connection:
            [row] = segments(connection).values()
            assert (row["status"], row["reason"], row["voxel_count"]) == ("placed", None, 200 * 300 - 100), row
            assert (row["volume_ml"], row["centroid"], row["voxel_spacing"]) == (None, None, None)
            assert (row["bounding_box_low"], row["bounding_box_high"]) == ([400, 900, 0], [699, 1099, 0])
            proxy.asked.clear()
            [region] = regions(connection).values()
            asked = list(proxy.asked)
    assert region["roi_reason"] is None
    assert numpy.array_equal(region["pixels"].mask[0], mask[0, 899:1101, 399:701])
    assert numpy.array_equal(region["pixels"].voxels[0], pixels[899:1101, 399:701].astype(numpy.float32))
    # What was asked for: both files from their beginning to their end in parts, and nothing of the other.
    assert {path for _, path, _ in asked} == {keys["source"][0], keys["seg"][0]}, asked
    for path, length in (keys["source"], keys["seg"]):
        parts = [part for method, of, part in asked if of == path and method == "GET"]
        bounds = [tuple(map(int, part.removeprefix("bytes=").split("-"))) for part in parts]
        assert bounds[0][0] == 0 and bounds[-1][1] == length - 1 and len(bounds) > 1, bounds
        assert all(first == last + 1 for (_, last), (first, _) in zip(bounds, bounds[1:])), bounds
        assert all(last - first < 2**20 for first, last in bounds), bounds


# Structure sets, written by hand.

AREA = [(2.6, 2.6), (9.4, 2.6), (9.4, 7.4), (2.6, 7.4)]
INNER = [(4.6, 3.6), (7.4, 3.6), (7.4, 5.4), (4.6, 5.4)]


def roi_of(tmp_path, lake, contours, grid=None, name="r"):
    """Row and region of one ROI with these contours."""
    grid = grid or Grid(size=(14, 11, 6))
    images = series(1, grid)
    made = structures(images, [(1, name, contours)])
    ingest(lake, *save(tmp_path / "in", made, *images))
    found, drawn = read(lake)
    key = (made.SOPInstanceUID, 1)
    return found[key], drawn[key], (found, drawn, key), grid


@pytest.mark.parametrize("plane", COSINES)
def test_contours_on_planes_of_any_orientation(lake, tmp_path, plane):
    grid = Grid(size=(14, 11, 6), cosines=COSINES[plane])
    *_, all, grid = roi_of(tmp_path, lake, [contour(polygon(grid, k, AREA)) for k in (1, 2, 3)], grid)
    check(*all, cube(grid, (3, 3, 1), (9, 7, 3)), grid, voxels(grid, 1))


def test_a_hole_by_xor(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    drawn = [contour(polygon(grid, k, shape), "CLOSEDPLANAR_XOR") for k in (2, 3) for shape in (AREA, INNER)]
    *_, all, grid = roi_of(tmp_path, lake, drawn)
    check(*all, cube(grid, (3, 3, 2), (9, 7, 3)) - cube(grid, (5, 4, 2), (7, 5, 3)), grid)


def test_a_hole_by_a_keyhole(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    way = [*AREA, AREA[0], *INNER, INNER[0], AREA[0]]
    *_, all, grid = roi_of(tmp_path, lake, [contour(polygon(grid, 2, way))])
    check(*all, cube(grid, (3, 3, 2), (9, 7, 2)) - cube(grid, (5, 4, 2), (7, 5, 2)), grid)


def test_the_way_round_is_of_no_account(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    *_, all, grid = roi_of(tmp_path, lake, [contour(polygon(grid, 2, AREA)), contour(polygon(grid, 3, AREA[::-1]))])
    check(*all, cube(grid, (3, 3, 2), (9, 7, 3)), grid)


def test_open_contours_and_points_bound_nothing(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    row, region, *_ = roi_of(tmp_path, lake, [contour(polygon(grid, 2, AREA), "OPEN_PLANAR"), contour([grid.at(4, 4, 2)], "POINT")])
    assert row["status"] == "unplaceable" and "open contours" in row["reason"] and row["voxel_count"] is None
    assert region["nothing"] and region["roi_reason"] == row["reason"]


def test_an_open_contour_beside_closed_ones_is_told(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    row, *_, all, grid = roi_of(tmp_path, lake, [contour(polygon(grid, 2, AREA)), contour(polygon(grid, 3, AREA), "OPEN_PLANAR"), contour([grid.at(4, 4, 2)], "POINT")])
    check(*all, cube(grid, (3, 3, 2), (9, 7, 2)), grid)
    assert {"open contour", "point"} <= set(row["findings"])


def test_an_oblique_contour(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    tilted = [grid.at(i, j, 2 + 0.4 * i - 2) for i, j in AREA]
    row, region, *_ = roi_of(tmp_path, lake, [contour(tilted)])
    assert row["status"] == "unplaceable" and row["reason"] and region["nothing"]
    other = structures(series(1, grid), [(1, "mixed", [contour(tilted), contour(polygon(grid, 3, AREA))])], number=2)
    ingest(lake, *save(tmp_path / "more", other))
    found, drawn = read(lake)
    check(found, drawn, (other.SOPInstanceUID, 1), cube(grid, (3, 3, 3), (9, 7, 3)), grid)
    assert "oblique contour" in found[other.SOPInstanceUID, 1]["findings"]


def test_contours_beyond_the_image(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    images = series(1, grid)
    half = [(-5.5, 2.6), (3.4, 2.6), (3.4, 7.4), (-5.5, 7.4)]
    away = [(i + 100, j + 100) for i, j in AREA]
    rois = [
        (1, "half", [contour(polygon(grid, 2, half))]),
        (2, "away", [contour(polygon(grid, 2, away))]),
        (3, "above", [contour(polygon(grid, 40, AREA))]),
        (4, "between", [contour(polygon(grid, 2.5, AREA))]),
        (5, "tiny", [contour(polygon(grid, 2, [(3.1, 3.1), (3.2, 3.1), (3.2, 3.2)]))]),
        (6, "gap", [contour(polygon(grid, k, AREA)) for k in (1, 4)]),
    ]
    made = structures(images, rois)
    ingest(lake, *save(tmp_path / "in", made, *images))
    found, drawn = read(lake)
    of = {row["label"]: row for row in found.values()}
    uid = made.SOPInstanceUID
    check(found, drawn, (uid, 1), cube(grid, (0, 3, 2), (3, 7, 2)), grid)
    assert "partly outside the image" in of["half"]["findings"]
    assert of["away"]["voxel_count"] in (0, None) and "outside the image" in str(of["away"]["findings"]) + str(of["away"]["reason"]), of["away"]
    assert of["above"]["voxel_count"] in (0, None) and (of["above"]["findings"] or of["above"]["reason"]), of["above"]
    # Halfway it belongs to one of the two.
    assert of["between"]["voxel_count"] == 35, of["between"]
    assert of["tiny"]["voxel_count"] == 0 and "smaller than a voxel" in of["tiny"]["findings"]
    assert "slices without a contour" in of["gap"]["findings"]
    check(found, drawn, (uid, 6), cube(grid, (3, 3, 1), (9, 7, 1)) + cube(grid, (3, 3, 4), (9, 7, 4)), grid)
    for key in drawn:
        if not found[key]["voxel_count"]:
            assert drawn[key]["nothing"] and drawn[key]["roi_reason"], drawn[key]


def test_regions_without_contours_and_several_regions(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    images = series(1, grid)
    made = structures(images, [
        (5, "without", None), (9, "empty", []), (2, "first", [contour(polygon(grid, 1, AREA))]), (300, "second", [contour(polygon(grid, 2, INNER))]),
    ])
    ingest(lake, *save(tmp_path / "in", made, *images))
    found, drawn = read(lake)
    uid = made.SOPInstanceUID
    assert [(n, r["label"]) for (_, n), r in sorted(found.items())] == [(2, "first"), (5, "without"), (9, "empty"), (300, "second")]
    for n in (5, 9):
        assert (found[uid, n]["status"], found[uid, n]["reason"]) == ("unplaceable", "it has no contours")
    check(found, drawn, (uid, 2), cube(grid, (3, 3, 1), (9, 7, 1)), grid)
    check(found, drawn, (uid, 300), cube(grid, (5, 4, 2), (7, 5, 2)), grid)
    assert found[uid, 2]["interpreted_type"] == "GTV" and found[uid, 2]["algorithm_type"] == "MANUAL"


# Segmentations on other grids than their images', and images of which there are several at one place.


def turned(made, orientation, positions, pixels, measures=None):
    """A segmentation of one segment with frames of one's own."""
    shared = made.SharedFunctionalGroupsSequence[0]
    for frame in made.PerFrameFunctionalGroupsSequence:
        frame.pop("PlaneOrientationSequence", None)
        frame.pop("PixelMeasuresSequence", None)
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=[float(x) for x in orientation])]
    if measures:
        shared.PixelMeasuresSequence = [item(PixelSpacing=list(measures[:2]), SliceThickness=measures[2], SpacingBetweenSlices=measures[2])]
    assert len(made.PerFrameFunctionalGroupsSequence) == len(positions)
    for frame, position in zip(made.PerFrameFunctionalGroupsSequence, positions, strict=True):
        frame.PlanePositionSequence[0].ImagePositionPatient = [repr(round(float(x), 9)) for x in position]
    made.Rows, made.Columns = pixels.shape[1:]
    packed = numpy.packbits(pixels.astype(bool).ravel(), bitorder="little").tobytes()
    made.PixelData = packed + b"\0" * (len(packed) % 2)
    return made


@pytest.mark.parametrize("how", ["both axes turned", "rows and columns exchanged", "a part of the plane", "backwards"])
def test_a_segmentation_on_the_same_voxels_in_another_order(lake, tmp_path, how):
    grid = Grid(size=(13, 9, 6), spacing=(1.5, 1.5, 2.5))
    images, mask = series(1, grid), blob(grid)
    mask[:, 0], mask[:, :, 0] = 0, 0
    made = segmentation(images, mask)
    kept = [k for k in range(6) if mask[k].any()]
    row, column = map(numpy.array, grid.cosines)
    if how == "both axes turned":
        turned(made, [*-row, *-column], [grid.at(12, 8, k) for k in kept], mask[kept][:, ::-1, ::-1])
    elif how == "rows and columns exchanged":
        turned(made, [*column, *row], [grid.at(0, 0, k) for k in kept], mask[kept].transpose(0, 2, 1))
    elif how == "a part of the plane":
        turned(made, [*row, *column], [grid.at(1, 1, k) for k in kept], mask[kept][:, 1:, 1:])
    else:
        turned(made, [*row, *column], [grid.at(0, 0, k) for k in kept[::-1]], mask[kept[::-1]])
    ingest(lake, *save(tmp_path / "in", made, *images))
    check(*read(lake), (made.SOPInstanceUID, 1), mask, grid, voxels(grid, 1))


def test_a_segmentation_of_another_resolution_is_said_to_be_resampled(lake, tmp_path):
    grid = Grid(size=(12, 10, 6), spacing=(1.0, 1.0, 2.5))
    images, mask = series(1, grid), cube(grid, (4, 4, 2), (7, 7, 3))
    made = segmentation(images, mask)
    # Pixels twice as wide, whose centres lie between those of four.
    coarse = mask[2:4, ::2, ::2]
    row, column = map(numpy.array, grid.cosines)
    turned(made, [*row, *column], [grid.at(0.5, 0.5, k) for k in (2, 3)], coarse, measures=(2.0, 2.0, 2.5))
    ingest(lake, *save(tmp_path / "in", made, *images))
    found, drawn = read(lake)
    check(found, drawn, (made.SOPInstanceUID, 1), mask, grid, voxels(grid, 1))
    assert "resampled" in found[made.SOPInstanceUID, 1]["findings"]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("what", ["segmentation", "contours"])
def test_of_two_time_points_the_one_that_is_named(lake, tmp_path, what, which):
    grid = Grid(size=(12, 10, 6))
    points = [series(1, grid, voxels(grid, n), TemporalPositionIdentifier=n + 1) for n in (0, 1)]
    for each in points[1]:
        each.SOPInstanceUID += ".2"
        complete(each)
    mask = cube(grid, (3, 3, 2), (5, 5, 3))
    if what == "segmentation":
        made = segmentation(points[which], mask)
        assert {i.ReferencedSOPInstanceUID for i in made.ReferencedSeriesSequence[0].ReferencedInstanceSequence} <= {i.SOPInstanceUID for i in points[which]}
    else:
        shapes = [contour(polygon(grid, k, [(2.5, 2.5), (5.5, 2.5), (5.5, 5.5), (2.5, 5.5)])) for k in (2, 3)]
        for k, shape in zip((2, 3), shapes, strict=True):
            shape.ContourImageSequence = [item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=points[which][k].SOPInstanceUID)]
        made = structures(points[which], [(1, "x", shapes)])
    ingest(lake, *save(tmp_path / "in", made, *points[0], *points[1]))
    found, drawn = read(lake)
    [row], [region] = found.values(), drawn.values()
    assert row["voxel_count"] == mask.sum(), row
    if region["nothing"]:
        assert region["roi_reason"]
    else:
        values = voxels(grid, which).astype(numpy.float32) - 1000
        theirs = region["pixels"].cut(values, grid.origin, grid.direction, grid.spacing)
        assert numpy.array_equal(region["pixels"].voxels, theirs), "voxels of the other time point"


def test_a_report_in_the_series_of_its_image(lake):
    """As highdicom's own files are: the CT and a report have one Series Instance UID."""
    folder = reference("seg", "highdicom")
    ingest(lake, *(folder / f"{name}.dcm" for name in ("ct_image", "sr_document", "seg_image_ct_binary_single_frame")))
    [row] = read(lake)[0].values()
    assert row["status"] == "placed", row


def test_regions_of_one_number_are_not_mixed_up(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    images = series(1, grid)
    made = structures(images, [(1, "first", [contour(polygon(grid, 1, AREA))]), (1, "second", [contour(polygon(grid, 2, INNER))])])
    ingest(lake, *save(tmp_path / "in", made, *images))
    found = ask(lake, "SELECT label, status, reason, findings, voxel_count FROM imaging.segments ORDER BY label")
    assert len(found) == 2
    # Which contours are whose nobody can say: it is not passed over in silence.
    assert all(row["status"] == "unplaceable" or row["findings"] for row in found), found


# What comes, changes and goes.


@pytest.fixture
def both(lake, tmp_path):
    """A series and its segmentation, apart; the lake is empty."""
    grid = Grid(size=(12, 10, 6))
    images, mask = series(1, grid), blob(grid)
    made = segmentation(images, mask)
    save(tmp_path / "images", *images)
    save(tmp_path / "seg", made)
    return lake, tmp_path, grid, images, mask, made


@pytest.mark.parametrize("first", ["images", "seg", "half"])
def test_order_does_not_count(both, first):
    lake, path, grid, images, mask, made = both
    key = (made.SOPInstanceUID, 1)
    if first == "half":
        # A SEG knows where it is: on three slices it is partly outside.
        ingest(lake, *sorted((path / "images").iterdir())[:3], path / "seg")
        row = read(lake)[0][key]
        assert row["status"] == "own grid" or "partly outside the image" in (row["findings"] or []), row
        ingest(lake, path / "images")
    else:
        ingest(lake, path / first)
        if first == "seg":
            row, region = (all[key] for all in read(lake))
            assert row["status"] == "own grid" and row["voxel_count"] == mask.sum(), row
            assert region["nothing"] and NOT_IN_THE_LAKE in region["roi_reason"]
        ingest(lake, path / ("seg" if first == "images" else "images"))
    check(*read(lake), key, mask, grid, voxels(grid, 1))


def test_a_segmentation_that_is_replaced(both):
    lake, path, grid, images, mask, made = both
    ingest(lake, path / "images", path / "seg")
    before = ask(lake, "SELECT max(epoch) AS e FROM system.epochs")[0]["e"]
    other = cube(grid, (1, 1, 1), (4, 5, 3))
    again = segmentation(images, other)
    again.ContentDescription = "again"
    save(path / "seg", again)
    ingest(lake, path / "seg", options=["--replace"])
    check(*read(lake), (made.SOPInstanceUID, 1), other, grid)
    [then] = ask(lake, f"SELECT voxel_count FROM imaging.segments FOR VERSION AS OF {before}")
    assert then["voxel_count"] == mask.sum()


def test_source_images_that_are_replaced(both):
    lake, path, grid, images, mask, made = both
    ingest(lake, path / "images", path / "seg")
    moved = Grid(size=grid.size, spacing=(1.5, 3.0, grid.spacing[2]))
    anew = series(1, moved)
    for each in anew:
        each.SeriesDescription = "anew"
    save(path / "images", *anew)
    ingest(lake, path / "images", options=["--replace"])
    found, drawn = read(lake)
    [row], [region] = found.values(), drawn.values()
    # Pixels are twice as large now, the segmentation's are not: it is resampled, or has its own grid again.
    assert row["status"] == "own grid" or "resampled" in row["findings"], row
    if row["status"] == "placed":
        assert numpy.allclose(row["voxel_spacing"], moved.spacing)


@pytest.mark.parametrize("way", ["delete", "forget"])
def test_what_goes_takes_its_rows_along(both, way):
    lake, path, grid, images, mask, made = both
    ingest(lake, path / "images", path / "seg")
    with Server(lake) as server, connect(server) as connection:
        assert connection.execute("SELECT count(*) FROM imaging.segments").fetchone() == (1,)
        if way == "delete":
            connection.execute("DELETE FROM imaging.instances WHERE modality = 'SEG'")
        else:
            connection.execute(f"CALL radlake.forget(patient => '{made.PatientID}')")
        assert connection.execute("SELECT count(*) FROM imaging.segments").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM imaging.regions").fetchone() == (0,)


def test_a_source_image_that_goes(both):
    lake, path, grid, images, mask, made = both
    ingest(lake, path / "images", path / "seg")
    with Server(lake) as server, connect(server) as connection:
        epoch = connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
        # A slice of the region: 2. What is shown of it was on a slice that is gone.
        connection.execute(f"DELETE FROM imaging.instances WHERE sop_instance_uid = '{images[1].SOPInstanceUID}'")
        [region] = regions(connection).values()
        assert region["nothing"] and region["roi_reason"], region
    for file in (path / "images").iterdir():
        if file.name.endswith(f".{images[1].InstanceNumber}.dcm"):
            file.unlink()
    extra = path / "extra"
    save(extra, *series(2, grid))
    ingest(lake, extra)
    found, drawn = read(lake, "modality = 'SEG'")
    [row], [region] = found.values(), drawn.values()
    assert row["ingested_epoch"] > epoch, "it is not placed again"
    assert region["nothing"] and region["roi_reason"], region
    # All of them: it waits, or has its own grid.
    with Server(lake) as server, connect(server) as connection:
        connection.execute(f"DELETE FROM imaging.instances WHERE series_instance_uid = '{images[0].SeriesInstanceUID}'")
    save(extra, *series(3, grid))
    ingest(lake, extra)
    [row] = read(lake)[0].values()
    assert row["status"] in ("own grid", "waiting"), row
    save(path / "images", *images)
    ingest(lake, path / "images")
    check(*read(lake), (made.SOPInstanceUID, 1), mask, grid, voxels(grid, 1))


def test_regions_of_an_earlier_epoch(both):
    lake, path, grid, images, mask, made = both
    ingest(lake, path / "images", path / "seg")
    epoch = ask(lake, "SELECT max(epoch) AS e FROM system.epochs")[0]["e"]
    with Server(lake) as server, connect(server) as connection:
        connection.execute("DELETE FROM imaging.instances WHERE modality = 'SEG'")
        assert connection.execute("SELECT count(*) FROM imaging.regions").fetchone() == (0,)
        connection.execute(f"SET radlake.epoch = {epoch}")
        [region] = regions(connection).values()
        assert region["roi_reason"] is None and region["pixels"].mask.sum() == mask.sum()


# Whom policies hide pixels from.

MAY_NOT_BE_SEEN = "it is of images that may not be seen"


@pytest.fixture(scope="module")
def governed(radlake, tmp_path_factory):
    """A server over two patients with a segmentation and a structure set each; (connection of its superuser, server, folder, grid)."""
    path = tmp_path_factory.mktemp("governed")
    lake = Lake(radlake, path / "lake")
    lake.init()
    grid = Grid(size=(12, 10, 8))
    mask = cube(grid, (3, 3, 3), (5, 5, 4))
    for study in (1, 2):
        images = series(study, grid)
        drawn = [contour(polygon(grid, k, [(2.5, 2.5), (6.5, 2.5), (6.5, 6.5), (2.5, 6.5)])) for k in (3, 4)]
        save(path / f"P{study}", *images, segmentation(images, mask), structures(images, [(5, "hush" if study == 2 else "gtv", drawn)]))
        ingest(lake, path / f"P{study}")
    with Server(lake) as server, connect(server) as admin:
        yield admin, server, path, grid


def roled(governed, name, *statements):
    """A role that may read all of this; then what the statements say."""
    admin = governed[0]
    admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'w'")
    admin.execute(f"GRANT USAGE ON SCHEMA imaging TO {name}")
    for table in ("instances", "series", "segments", "measurements", "regions", "volumes"):
        admin.execute(f"GRANT SELECT ON imaging.{table} TO {name}")
    for statement in statements:
        admin.execute(statement.replace("$ROLE", name))
    return connect(governed[1], name)


@pytest.fixture
def policies(governed):
    """Row security on tables, for a test; `policies(table, role, condition)`."""
    admin, made = governed[0], []

    def policy(table, role, condition):
        admin.execute(f"ALTER TABLE imaging.{table} ENABLE ROW LEVEL SECURITY")
        admin.execute(f"CREATE POLICY {role}_{table} ON imaging.{table} TO {role} USING ({condition})")
        made.append((table, f"{role}_{table}"))

    yield policy
    for table, name in made:
        admin.execute(f"DROP POLICY {name} ON imaging.{table}")
        admin.execute(f"ALTER TABLE imaging.{table} DISABLE ROW LEVEL SECURITY")


def test_a_policy_on_segments_hides_regions(governed, policies):
    with roled(governed, "one") as one:
        policies("segments", "one", "patient_id = 'P1'")
        found = regions(one)
        assert len(found) == 2 and all(uid.startswith(f"{ROOT}.1.") for uid, _ in found)
        assert all(row["pixels"] is not None for row in found.values())
        assert rows(one, "SELECT count(*) AS n FROM imaging.regions WHERE label = 'hush' OR patient_id = 'P2'") == [{"n": 0}]
        # No condition is evaluated on hidden rows: with the policy's row left out, nothing is divided by nought.
        for fallible in ("SELECT 1 / (CASE WHEN label = 'hush' THEN 0 ELSE 1 END) FROM imaging.regions", "SELECT label FROM imaging.regions WHERE 1 / (CASE WHEN label = 'hush' THEN 0 ELSE 1 END) = 1",
                         "SELECT label FROM imaging.regions ORDER BY 1 / (CASE WHEN label = 'hush' THEN 0 ELSE 1 END) LIMIT 1"):
            assert one.execute(fallible).fetchall()
            with pytest.raises(psycopg.errors.DivisionByZero):
                governed[0].execute(fallible)


def test_a_policy_on_instances_hides_pixels(governed, policies):
    with roled(governed, "shut") as shut:
        policies("instances", "shut", "patient_id = 'P1'")
        for (uid, _), row in regions(shut).items():
            if uid.startswith(f"{ROOT}.1."):
                assert row["pixels"] is not None and row["roi_reason"] is None
            else:
                assert row["nothing"] and row["roi_reason"] == MAY_NOT_BE_SEEN, row
        for uid, row in volumes(shut, "modality = 'CT'").items():
            assert (row["nothing"], row["volume_reason"]) == ((False, None) if uid == f"{ROOT}.1.1" else (True, MAY_NOT_BE_SEEN)), row
        assert rows(shut, "SELECT count(*) AS n FROM imaging.regions WHERE roi IS NOT NULL") == [{"n": 2}]


@pytest.mark.parametrize(("slice", "hidden"), [(4, True), (3, True), (6, True), (1, False), (8, False)])
def test_a_policy_that_hides_one_slice(governed, policies, slice, hidden):
    # The regions are on slices 4 and 5, and have one around them.
    name = f"slice{slice}"
    with roled(governed, name) as role:
        policies("instances", name, f"modality <> 'CT' OR instance_number <> {slice}")
        for row in regions(role).values():
            assert (row["nothing"], row["roi_reason"]) == ((True, MAY_NOT_BE_SEEN) if hidden else (False, None)), row
        for row in volumes(role, "modality = 'CT'").values():
            assert row["nothing"] and row["volume_reason"] == MAY_NOT_BE_SEEN, row


def test_a_policy_that_hides_the_object_but_not_its_images(governed, policies):
    with roled(governed, "drawings") as role:
        policies("instances", "drawings", "modality = 'CT'")
        for row in regions(role).values():
            assert row["nothing"] and row["roi_reason"] == MAY_NOT_BE_SEEN, row
        assert all(row["pixels"] is not None for row in volumes(role, "modality = 'CT'").values())


def test_no_rights_no_pixels(governed):
    admin, server = governed[:2]
    admin.execute("CREATE ROLE nobody LOGIN PASSWORD 'w'")
    with connect(server, "nobody") as nobody:
        for usage in (False, True):
            for view, column in (("regions", "roi"), ("volumes", "volume")):
                for text in (f"SELECT {column} FROM imaging.{view}", f"SELECT count(*) FROM imaging.{view}", f"EXPLAIN SELECT 1 FROM imaging.{view}", f"COPY (SELECT {column} FROM imaging.{view}) TO STDOUT"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege), nobody.cursor() as cursor:
                        if text.startswith("COPY"):
                            with cursor.copy(text) as out:
                                list(out)
                        else:
                            cursor.execute(text)
            if not usage:
                admin.execute("GRANT USAGE ON SCHEMA imaging TO nobody")


def test_rights_to_columns_of_the_view(governed):
    admin, server = governed[:2]
    admin.execute("CREATE ROLE columns LOGIN PASSWORD 'w'")
    admin.execute("GRANT USAGE ON SCHEMA imaging TO columns")
    admin.execute("GRANT SELECT (label, voxel_count) ON imaging.regions TO columns")
    with connect(server, "columns") as role:
        assert len(role.execute("SELECT label, voxel_count FROM imaging.regions WHERE voxel_count > 0 ORDER BY 1").fetchall()) == 4
        assert role.execute("SELECT count(*) FROM imaging.regions").fetchone() == (4,)
        for text in ("SELECT roi FROM imaging.regions", "SELECT (roi).size FROM imaging.regions", "SELECT * FROM imaging.regions", "SELECT label FROM imaging.regions WHERE roi IS NOT NULL",
                     "SELECT label FROM imaging.regions ORDER BY roi_reason", "SELECT label FROM imaging.regions WHERE status = 'placed'", "SELECT count(roi_reason) FROM imaging.regions",
                     "SELECT label FROM imaging.regions GROUP BY label, patient_id", "SELECT a.label FROM imaging.regions a JOIN imaging.regions b USING (sop_instance_uid)",
                     "SELECT sum(voxel_count) OVER (ORDER BY patient_id) FROM imaging.regions"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(text)
    # And to the pixels alone.
    admin.execute("REVOKE SELECT (label, voxel_count) ON imaging.regions FROM columns")
    admin.execute("GRANT SELECT (roi) ON imaging.regions TO columns")
    with connect(server, "columns") as role:
        assert [r for (r,) in role.execute("SELECT (roi).size FROM imaging.regions").fetchall()]
        for column in ("label", "roi_reason", "sop_instance_uid"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(f"SELECT roi, {column} FROM imaging.regions")


def test_masks_hold_in_regions(governed):
    admin = governed[0]
    try:
        with roled(governed, "masked", "SECURITY LABEL FOR anon ON ROLE $ROLE IS 'MASKED'") as role:
            admin.execute("SECURITY LABEL FOR anon ON COLUMN imaging.segments.label IS 'MASKED WITH VALUE ''x'''")
            found = rows(role, "SELECT label, (roi).size AS size FROM imaging.regions")
            assert {row["label"] for row in found} == {"x"} and all(row["size"] for row in found)
            assert rows(role, "SELECT count(*) AS n FROM imaging.regions WHERE label = 'hush'") == [{"n": 0}]
            # By which files are found: nothing is found then.
            for column in ("sop_instance_uid", "source_series_instance_uid"):
                admin.execute(f"SECURITY LABEL FOR anon ON COLUMN imaging.segments.{column} IS 'MASKED WITH VALUE ''y'''")
                for row in rows(role, "SELECT roi IS NULL AS nothing, roi_reason FROM imaging.regions"):
                    assert row["nothing"] and row["roi_reason"], (column, row)
                admin.execute(f"SECURITY LABEL FOR anon ON COLUMN imaging.segments.{column} IS NULL")
            for column in ("sop_instance_uid", "series_instance_uid"):
                admin.execute(f"SECURITY LABEL FOR anon ON COLUMN imaging.instances.{column} IS 'MASKED WITH VALUE ''y'''")
                for row in rows(role, "SELECT roi IS NULL AS nothing, roi_reason FROM imaging.regions"):
                    assert row["nothing"] and row["roi_reason"] == MAY_NOT_BE_SEEN, (column, row)
                admin.execute(f"SECURITY LABEL FOR anon ON COLUMN imaging.instances.{column} IS NULL")
    finally:
        for column in ("segments.label", "segments.sop_instance_uid", "segments.source_series_instance_uid", "segments.series_instance_uid", "instances.sop_instance_uid", "instances.series_instance_uid"):
            admin.execute(f"SECURITY LABEL FOR anon ON COLUMN imaging.{column} IS NULL")


def test_policies_hold_in_earlier_epochs_and_in_views_and_copies(governed, policies):
    admin = governed[0]
    epoch = admin.execute("SELECT max(epoch) FROM system.epochs WHERE statement = 'PLACE SEGMENTS'").fetchone()
    assert epoch
    admin.execute("CREATE SCHEMA ward")
    # Views lend their owner's rights unless they are to read with the caller's.
    admin.execute("CREATE VIEW ward.lent AS SELECT patient_id, roi, roi_reason FROM imaging.regions")
    admin.execute("CREATE VIEW ward.mine WITH (security_invoker = true) AS SELECT patient_id, label, roi, roi_reason FROM imaging.regions WHERE voxel_count > 0")
    admin.execute("CREATE VIEW ward.whole WITH (security_invoker = true) AS SELECT series_instance_uid, volume, volume_reason FROM imaging.volumes WHERE modality = 'CT'")
    with roled(governed, "earlier", "GRANT USAGE ON SCHEMA ward TO $ROLE", "GRANT SELECT ON ward.mine TO $ROLE", "GRANT SELECT ON ward.whole TO $ROLE") as role:
        everything = "SELECT patient_id, roi IS NULL AS nothing, roi_reason AS reason FROM "
        for source in (f"imaging.regions FOR VERSION AS OF {epoch[0]}", "ward.mine", "(SELECT * FROM imaging.regions) AS x", "imaging.regions"):
            assert {row["patient_id"] for row in rows(role, everything + source)} == {"P1", "P2"}
        policies("instances", "earlier", "patient_id = 'P1'")
        for source in (f"imaging.regions FOR VERSION AS OF {epoch[0]}", "ward.mine", "(SELECT * FROM imaging.regions) AS x"):
            for row in rows(role, everything + source):
                assert (row["nothing"], row["reason"]) == ((False, None) if row["patient_id"] == "P1" else (True, MAY_NOT_BE_SEEN)), (source, row)
        # Lent by the superuser, and then by one for whom the policy is, too.
        admin.execute("GRANT SELECT ON ward.lent TO earlier")
        assert not any(row["nothing"] for row in rows(role, everything + "ward.lent"))
        admin.execute("CREATE ROLE lender LOGIN PASSWORD 'w'")
        admin.execute("GRANT USAGE ON SCHEMA imaging, ward TO lender")
        admin.execute("GRANT SELECT ON imaging.regions TO lender")
        admin.execute("ALTER VIEW ward.lent OWNER TO lender")
        assert all(row["nothing"] for row in rows(role, everything + "ward.lent"))
        assert [row["volume_reason"] for row in rows(role, "SELECT volume_reason FROM ward.whole ORDER BY 1 NULLS FIRST")] == [None, MAY_NOT_BE_SEEN]
        policies("segments", "earlier", "patient_id = 'P1'")
        for source in (f"imaging.regions FOR VERSION AS OF {epoch[0]}", "ward.mine", "(SELECT * FROM imaging.regions) AS x"):
            assert {row["patient_id"] for row in rows(role, everything + source)} == {"P1"}, source


def test_plans_reasons_and_errors_name_no_files_and_no_patients(governed, policies):
    path = governed[2]
    secrets = (str(path), ".dcm", "Secret", ".parquet")
    with roled(governed, "curious") as role:
        policies("instances", "curious", "patient_id = 'P1'")
        for options in ("", "(ANALYZE) ", "(VERBOSE) ", "(ANALYZE, VERBOSE) "):
            for view in ("roi FROM imaging.regions WHERE voxel_count > 1", "volume FROM imaging.volumes"):
                plan = str(rows(role, f"EXPLAIN {options}SELECT {view}"))
                assert not any(secret in plan for secret in secrets) and "P1" not in plan, plan
        for text in ("SELECT 1 / (length((roi).mask) * 0) FROM imaging.regions", "SELECT roi_reason::int FROM imaging.regions", "SELECT (roi).voxels::text::int FROM imaging.regions", "SELECT (roi).nothing FROM imaging.regions", "SELECT volume::int FROM imaging.volumes"):
            with pytest.raises(psycopg.Error) as told:
                role.execute(text).fetchall()
            assert not any(secret in str(told.value) for secret in secrets), told.value
            assert MAY_NOT_BE_SEEN not in str(told.value) and "hush" not in str(told.value)


def hidden_series(radlake, tmp_path, images):
    """What a role is told of a series whose instances it may not see: reasons of volume and region."""
    lake = Lake(radlake, tmp_path / "lake")
    lake.init()
    save(tmp_path / "in", *images)
    ingest(lake, tmp_path / "in")
    with Server(lake) as server, connect(server) as admin:
        admin.execute("CREATE ROLE shut LOGIN PASSWORD 'w'")
        admin.execute("GRANT USAGE ON SCHEMA imaging TO shut")
        for table in ("instances", "series", "segments", "regions", "volumes"):
            admin.execute(f"GRANT SELECT ON imaging.{table} TO shut")
        admin.execute("ALTER TABLE imaging.instances ENABLE ROW LEVEL SECURITY")
        admin.execute("CREATE POLICY nothing ON imaging.instances USING (false)")
        with connect(server, "shut") as shut:
            return [row["volume_reason"] for row in rows(shut, "SELECT volume_reason FROM imaging.volumes WHERE modality = 'CT'")]


def test_reasons_say_nothing_of_hidden_images(radlake, tmp_path):
    images = series(1, Grid(size=(8, 6, 5)))
    for k, each in enumerate(images):
        x, y, z = each.ImagePositionPatient
        each.ImagePositionPatient = [x, y + 0.6 * k, z]
    assert hidden_series(radlake, tmp_path, images) == [MAY_NOT_BE_SEEN]


def test_no_file_of_a_hidden_instance_is_opened(radlake, tmp_path):
    from test_volumes import enhanced

    grid = Grid(size=(9, 7, 3))
    made = enhanced(grid, numpy.concatenate([voxels(grid, 3), voxels(grid, 4)]), [0, 1, 2, 0, 1, 2])
    for n, group in enumerate(made.PerFrameFunctionalGroupsSequence):
        group.FrameContentSequence[0].TemporalPositionIndex = 1 + n // 3
    # That there are two volumes is in the file alone.
    assert hidden_series(radlake, tmp_path, [made]) == [MAY_NOT_BE_SEEN]


@pytest.mark.parametrize("what", ["image", "object"])
@pytest.mark.parametrize("how", ["another patient's", "another with the same UIDs", "gone", "empty", "text"])
def test_a_file_that_is_another_now(lake, tmp_path, what, how):
    grid = Grid(size=(12, 10, 8))
    mask = cube(grid, (3, 3, 3), (5, 5, 4))
    made = {}
    for study in (1, 2):
        images = series(study, grid)
        made[study] = {"image": images[3], "object": segmentation(images, mask), "images": images}
        save(tmp_path / f"P{study}", *images)
        save(tmp_path / f"P{study}", made[study]["object"], name="seg.dcm")
    ingest(lake, tmp_path / "P1", tmp_path / "P2")
    name = "seg.dcm" if what == "object" else f"{made[1]['image'].SOPInstanceUID.removeprefix(ROOT + '.')}.dcm"
    other = "seg.dcm" if what == "object" else f"{made[2]['image'].SOPInstanceUID.removeprefix(ROOT + '.')}.dcm"
    file = tmp_path / "P1" / name
    assert file.exists()
    if how == "another patient's":
        shutil.copy(tmp_path / "P2" / other, file)
    elif how == "another with the same UIDs":
        data = pydicom.dcmread(tmp_path / "P2" / other)
        data.SOPInstanceUID, data.SeriesInstanceUID, data.StudyInstanceUID = (made[1][what][k].value for k in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"))
        complete(data).save_as(file, enforce_file_format=True)
    elif how == "gone":
        file.unlink()
    else:
        file.write_bytes(b"" if how == "empty" else b"Secret text\n" * 100)
    with Server(lake) as server, connect(server) as connection:
        first, second = (regions(connection, f"patient_id = 'P{n}'") for n in (1, 2))
        [region], [kept] = first.values(), second.values()
        assert region["nothing"] and region["roi_reason"], region
        assert not any(secret in region["roi_reason"] for secret in (str(tmp_path), ".dcm", "Secret", "P1", "P2", ROOT)), region["roi_reason"]
        assert kept["pixels"].mask.sum() == mask.sum()
        [volume] = volumes(connection, f"series_instance_uid = '{ROOT}.1.1'").values()
        assert volume["nothing"] == (what == "image"), volume["volume_reason"]


# Files that mean harm, or were cut off.


def measured(lake, *paths):
    """Ingests; the summary, and the most memory that it took."""
    import os
    import resource
    import subprocess

    out = lake.path.parent / "out.json"
    with out.open("wb") as stream:
        process = subprocess.Popen(
            lake.command("ingest", *paths, "--provider", "p", "--format", "json"), env=lake.surroundings(), stdout=stream, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30)),
        )
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (process.returncode, errors[-2000:])
    return json.loads(out.read_text()), usage.ru_maxrss * 1024


MOST = 700 * 2**20


def survives(lake, tmp_path, hostile, images=None, rows_at_least=1, placed=None):
    """Ingests images and a hostile object beside a sound one: the sound one is placed, the hostile one has rows with reasons, all within
    bounds of memory. Gives the hostile one's rows and regions."""
    grid = Grid(size=(12, 10, 6))
    images = images or series(1, grid)
    sound_images = series(9, grid)
    mask = cube(grid, (3, 3, 3), (5, 5, 4))
    sound = segmentation(sound_images, mask)
    save(tmp_path / "in", *images, *sound_images, sound)
    if isinstance(hostile, bytes):
        (tmp_path / "in" / "hostile.dcm").write_bytes(hostile)
    else:
        save(tmp_path / "in", hostile, name="hostile.dcm")
    begun = time.monotonic()
    report, most = measured(lake, tmp_path / "in")
    took = time.monotonic() - begun
    assert most < MOST, f"{most / 2**20:.0f} MiB"
    with Server(lake) as server, connect(server) as connection:
        check(segments(connection), regions(connection, f"sop_instance_uid = '{sound.SOPInstanceUID}'"), (sound.SOPInstanceUID, 1), mask, grid)
        others = f"patient_id <> 'P9' OR patient_id IS NULL"
        found = rows(connection, f"SELECT * FROM imaging.segments WHERE {others} ORDER BY segment_number")
        assert len(found) >= rows_at_least, report
        for row in found:
            assert row["status"] == "placed" or row["status"] == "own grid" or row["reason"], row
            if placed is not None:
                assert (row["status"] == "placed") == placed, row
        drawn = rows(connection, f"SELECT segment_number, roi IS NULL AS nothing, roi_reason FROM imaging.regions WHERE {others} LIMIT 50")
        for row in drawn:
            assert row["nothing"] == (row["roi_reason"] is not None), row
            assert not row["roi_reason"] or not any(s in row["roi_reason"] for s in (str(tmp_path), "panicked", "report the file")), row
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert server.alive() and "panicked" not in server.log(), server.log()[-3000:]
        assert server.memory() < MOST, f"{server.memory() / 2**20:.0f} MiB"
    assert took < 60, took
    return found, drawn


def sound_segmentation(kind="BINARY"):
    grid = Grid(size=(12, 10, 6))
    return segmentation(series(1, grid), blob(grid), kind=kind)


def test_pixel_data_that_is_cut_off(lake, tmp_path):
    made = sound_segmentation()
    path = save(tmp_path / "whole", made)[0]
    survives(lake, tmp_path, path.read_bytes()[:-20], placed=False, rows_at_least=0)


def test_pixel_data_that_is_too_short(lake, tmp_path):
    made = sound_segmentation()
    made.PixelData = made.PixelData[:10]
    survives(lake, tmp_path, made, placed=False)


@pytest.mark.parametrize("frames", [1, 2, 400, 2**31 - 1, 0, -5])
def test_a_number_of_frames_that_is_wrong(lake, tmp_path, frames):
    made = sound_segmentation()
    made.NumberOfFrames = frames
    survives(lake, tmp_path, made, placed=False)


def test_a_number_of_frames_without_frames(lake, tmp_path):
    made = sound_segmentation()
    made.NumberOfFrames = 1_000_000
    del made.PerFrameFunctionalGroupsSequence
    survives(lake, tmp_path, made, placed=False)


@pytest.mark.parametrize("missing", [
    "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence", "SegmentSequence", "SegmentationType", "Rows", "BitsAllocated", "PixelData", "PlanePositionSequence", "SegmentIdentificationSequence",
])
def test_what_is_missing(lake, tmp_path, missing):
    made = sound_segmentation()
    if missing in made:
        delattr(made, missing)
        if missing == "BitsAllocated":
            made["PixelData"].VR = "OB"
    else:
        for frame in (*made.PerFrameFunctionalGroupsSequence, *made.SharedFunctionalGroupsSequence):
            frame.pop(missing, None)
    found, _ = survives(lake, tmp_path, made)
    # Of one segment it may be said that all frames are of it; where it lies nobody can say.
    if missing != "SegmentIdentificationSequence":
        assert all(row["status"] == "unplaceable" and row["reason"] for row in found), found


@pytest.mark.parametrize("number", [0, 70_000, -1])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_numbers_of_segments_that_are_none(lake, tmp_path, kind, number):
    made = sound_segmentation(kind)
    made.SegmentSequence[-1].pop("SegmentNumber")
    made.SegmentSequence[-1].add_new(0x00620004, "SL" if number < 0 else "UL", number)
    survives(lake, tmp_path, made)


def test_frames_of_segments_that_are_not_described(lake, tmp_path):
    made = sound_segmentation()
    for frame in (*made.PerFrameFunctionalGroupsSequence, *made.SharedFunctionalGroupsSequence):
        if "SegmentIdentificationSequence" in frame:
            frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9
    [row], _ = survives(lake, tmp_path, made)
    assert row["voxel_count"] in (0, None)


def test_two_segments_of_one_number(lake, tmp_path):
    made = sound_segmentation()
    again = pydicom.Dataset()
    again.update(made.SegmentSequence[0])
    again.SegmentLabel = "again"
    made.SegmentSequence.append(again)
    survives(lake, tmp_path, made)


@pytest.mark.parametrize("size", [(65535, 65535), (65535, 1), (40000, 40000)])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_a_segmentation_of_gigantic_frames(lake, tmp_path, size, kind):
    made = sound_segmentation(kind)
    made.Rows, made.Columns = size
    survives(lake, tmp_path, made, placed=False)


@pytest.mark.parametrize("what", ["contours", "segmentation"])
def test_gigantic_source_images(lake, tmp_path, what):
    """Whose headers lie: what is drawn all over them takes no more memory than there is."""
    grid = Grid(size=(12, 10, 6))
    images = series(1, grid)
    for each in images:
        each.Rows = each.Columns = 65535
    wide = [(-0.4, -0.4), (65534, -0.4), (65534, 65534), (-0.4, 65534)]
    made = structures(images, [(1, "wide", [contour(polygon(grid, k, wide)) for k in range(6)])]) if what == "contours" else sound_segmentation()
    survives(lake, tmp_path, made, images)


HUGE = [(-1e300, 0), (1e300, 0), (0, 1e300)]


@pytest.mark.parametrize("texts", [
    ["nan"] * 9, ["1e300", "0", "35"] * 3, ["-1e300", "0", "35", "1e300", "0", "35", "0", "1e300", "35"], ["inf"] * 9, ["1", "2"], ["1"] * 10, ["x", "y", "z"] * 3, [], ["1e-320", "0", "35"] * 4,
    ["-1e9", "-1e9", "35", "1e9", "-1e9", "35", "1e9", "1e9", "35", "-1e9", "1e9", "35"], ["0", "15", "1e300", "5", "15", "1e300", "5", "20", "1e300"],
], ids=["nan", "one point", "1e300", "inf", "two numbers", "ten numbers", "letters", "none", "tiny", "1e9", "far"])
def test_contours_of_no_numbers(lake, tmp_path, texts):
    grid = Grid(size=(12, 10, 6))
    images = series(1, grid)
    shape = contour(polygon(grid, 2, AREA))
    broken = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=3)
    element = pydicom.dataelem.RawDataElement(pydicom.tag.Tag(0x30060050), "DS", 0, b"", 0, False, True)
    data = "\\".join(texts).encode()
    data += b" " * (len(data) % 2)
    broken[0x30060050] = element._replace(value=data, length=len(data))
    made = structures(images, [(1, "broken", [broken]), (2, "both", [shape, broken])])
    found, drawn = survives(lake, tmp_path, made, images, rows_at_least=2)
    # The other contour of the second is not lost on account of it.
    both = next(row for row in found if row["segment_number"] == 2)
    if both["status"] == "placed":
        assert both["voxel_count"] >= 35, both
    else:
        assert max(abs(float(t)) for t in texts) > 1e6, both


def test_many_thousand_regions(lake, tmp_path):
    grid = Grid(size=(12, 10, 6))
    images = series(1, grid)
    count = 100_000 if os.environ.get("RADLAKE_TEST_FULL") == "1" else 20_000
    made = structures(images, [(1, "first", [contour(polygon(grid, 2, [(2.5, 2.5), (6.5, 2.5), (6.5, 6.5)]))])])
    one = [contour(polygon(grid, 2, [(2.5, 2.5), (6.5, 2.5), (6.5, 6.5)]))]
    made.StructureSetROISequence = [item(ROINumber=n, ROIName=f"r{n}", ROIGenerationAlgorithm="") for n in range(count)]
    made.ROIContourSequence = [item(ReferencedROINumber=n, ContourSequence=one) for n in range(count)]
    save(tmp_path / "in", *images, made)
    _, most = measured(lake, tmp_path / "in")
    assert most < 2 * MOST, f"{most / 2**20:.0f} MiB"
    with Server(lake) as server, connect(server) as connection:
        assert connection.execute("SELECT count(*) FROM imaging.segments").fetchone() == (count,)
        assert connection.execute("SELECT count(*) FROM imaging.segments WHERE status = 'placed' AND voxel_count > 0").fetchone() == (count,)
        assert connection.execute("SELECT count(roi) FROM (SELECT roi FROM imaging.regions LIMIT 3) AS x").fetchone() == (3,)
        assert server.memory() < MOST, f"{server.memory() / 2**20:.0f} MiB"


def test_two_regions_of_one_number(lake, tmp_path):
    grid = Grid(size=(14, 11, 6))
    images = series(1, grid)
    made = structures(images, [(1, "first", [contour(polygon(grid, 1, AREA))]), (1, "second", [contour(polygon(grid, 2, INNER))]), (2**31 - 1, "last", None)])
    made.StructureSetROISequence[2].ROINumber = "4000000000"
    survives(lake, tmp_path, made, images, rows_at_least=2)


@pytest.mark.parametrize("depth", [30, 60, 2000])
def test_a_report_that_is_nested_deep(lake, tmp_path, depth):
    source = pydicom.Dataset()
    source.SOPClassUID, source.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", f"{ROOT}.1.5.1"
    source.StudyInstanceUID, source.SeriesInstanceUID, source.PatientID, source.Modality = f"{ROOT}.1", f"{ROOT}.1.5", "P1", "SR"

    def named(value, scheme="DCM"):
        return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning="x")]

    measured_value = item(NumericValue="7", MeasurementUnitsCodeSequence=named("mm", "UCUM"))
    number = item(RelationshipType="CONTAINS", ValueType="NUM", ConceptNameCodeSequence=named("103339001"), MeasuredValueSequence=[measured_value])
    inner = item(RelationshipType="CONTAINS", ValueType="CONTAINER", ConceptNameCodeSequence=named("125007"), ContentSequence=[number])
    for _ in range(min(depth, 90)):
        inner = item(RelationshipType="CONTAINS", ValueType="CONTAINER", ConceptNameCodeSequence=named("126010"), ContentSequence=[inner])
    source.ValueType, source.ContentSequence = "CONTAINER", [inner]
    data = complete(source)
    if depth > 90:
        # Written by hand: undefined lengths, as deep as said.
        del source.ContentSequence
        head = b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
        body = b"\x40\x00\x40\xa0CS\x0a\x00CONTAINER "
        tail = b"\xfe\xff\x0d\xe0\x00\x00\x00\x00\xfe\xff\xdd\xe0\x00\x00\x00\x00"
        path = save(tmp_path / "whole", data)[0]
        hostile = path.read_bytes() + (head + body) * depth + tail * depth
    else:
        hostile = data
    grid = Grid(size=(12, 10, 6))
    images = series(9, grid)
    made = segmentation(images, blob(grid))
    save(tmp_path / "in", *images, made)
    if isinstance(hostile, bytes):
        (tmp_path / "in" / "deep.dcm").write_bytes(hostile)
    else:
        save(tmp_path / "in", hostile, name="deep.dcm")
    _, most = measured(lake, tmp_path / "in")
    assert most < MOST
    with Server(lake) as server, connect(server) as connection:
        check(segments(connection), regions(connection), (made.SOPInstanceUID, 1), blob(grid), grid)
        if depth <= 90:
            found = connection.execute("SELECT value FROM imaging.measurements").fetchall()
            refused = connection.execute("SELECT reason FROM imaging.files WHERE status = 'refused'").fetchall()
            assert found == [(7.0,)] or refused, (found, refused)
