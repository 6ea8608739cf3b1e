"""Segmentations, structure sets and measurement reports as rows, and regions as arrays: equal to what highdicom, pydicom and SimpleITK read
of the same files, or to what was put in; whatever is wrong with a file, rows with a reason; and nothing for whom policies hide it from."""

import json
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


def mammogram(study, number=1, spacing=(0.07, 0.07), **elements):
    """A mammogram without a place in space."""
    grid = Grid(size=(14, 10, 1), spacing=(0.07, 0.07, 1))
    pixels = voxels(grid, 5)[0]
    out = image(study, 3, number, pixels, None, grid, SOPClassUID="1.2.840.10008.5.1.4.1.1.1.2", Modality="MG", FrameOfReferenceUID=None, PixelSpacing=None,
                SliceThickness=None, RescaleIntercept=0, ImagerPixelSpacing=list(spacing) if spacing else None, PositionReferenceIndicator=None,
                ImageType=["ORIGINAL", "PRIMARY"], **elements)
    return out, pixels


@pytest.mark.parametrize("spacing", [(0.07, 0.05), None], ids=["sized", "without a size"])
def test_a_segmentation_of_a_projection(lake, tmp_path, spacing):
    if spacing is None:
        source, pixels = mammogram(1, spacing=(1, 1))
        del source.ImagerPixelSpacing
    else:
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
