"""Series of images, segmentations and structure sets that are made up, and regions and volumes as SQL gives them, as arrays.

An image's geometry here is `Grid`: voxels count columns, rows, slices; arrays are [slice, row, column]. What was put in is kept in
numpy, so that nothing of Radlake's is between a test and what it expects.
"""

import pathlib
import warnings
from dataclasses import dataclass

import numpy
import psycopg
import pydicom
import pytest
from psycopg.rows import dict_row
from pydicom.uid import ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.1777.77"
CT, MR, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.481.3"
REFERENCE = pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data"

COSINES = {
    "axial": ([1, 0, 0], [0, 1, 0]),
    "sagittal": ([0, 1, 0], [0, 0, -1]),
    "coronal": ([1, 0, 0], [0, 0, -1]),
    "oblique": ([0.8, 0.6, 0], [-0.36, 0.48, 0.8]),
}


def reference(*parts):
    """A file or folder of the reference data, or a skip that says so."""
    path = REFERENCE.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the reference data {'/'.join(parts)} is absent (looked for at {REFERENCE})")
    return path


@dataclass
class Grid:
    """Where voxels are: `size` and `spacing` in columns, rows, slices."""

    size: tuple = (16, 12, 6)
    spacing: tuple = (0.75, 1.5, 2.5)
    origin: tuple = (-20.0, 10.0, 30.0)
    cosines: tuple = COSINES["axial"]

    @property
    def normal(self):
        return numpy.cross(*self.cosines)

    @property
    def direction(self):
        """As SimpleITK has it: columns are the directions of axes."""
        return numpy.stack([*map(numpy.asarray, self.cosines), self.normal], axis=1)

    def at(self, i, j, k):
        """The point of a voxel's centre, mm."""
        return numpy.asarray(self.origin) + self.direction @ (numpy.asarray(self.spacing) * (i, j, k))

    @property
    def shape(self):
        return self.size[::-1]


def image(study, series, number, pixels, position, grid, **elements):
    """A slice of CT, 16 bits signed, at -1000 and a slope of 1 unless told otherwise."""
    out = pydicom.Dataset()
    out.SOPClassUID = CT
    out.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    out.StudyInstanceUID, out.SeriesInstanceUID = f"{ROOT}.{study}", f"{ROOT}.{study}.{series}"
    out.FrameOfReferenceUID, out.PositionReferenceIndicator = f"{ROOT}.{study}.99", ""
    out.PatientID, out.PatientName, out.PatientBirthDate, out.PatientSex = f"P{study}", f"Secret^P{study}", "19500101", "F"
    out.StudyDate, out.StudyTime, out.StudyID, out.AccessionNumber, out.ReferringPhysicianName = "20240101", "120000", "1", "", ""
    out.Modality, out.SeriesNumber, out.InstanceNumber, out.Manufacturer = "CT", series, number, "none"
    out.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    rows, columns = pixels.shape
    out.Rows, out.Columns, out.SamplesPerPixel, out.PhotometricInterpretation = rows, columns, 1, "MONOCHROME2"
    out.BitsAllocated, out.BitsStored, out.HighBit, out.PixelRepresentation = 16, 16, 15, 1
    if position is not None:
        out.ImagePositionPatient = [repr(round(float(x), 9)) for x in position]
        out.ImageOrientationPatient = [float(x) for axis in grid.cosines for x in axis]
    out.PixelSpacing = [grid.spacing[1], grid.spacing[0]]
    out.SliceThickness = grid.spacing[2]
    out.RescaleSlope, out.RescaleIntercept = 1, -1000
    out.PixelData = numpy.ascontiguousarray(pixels, "<i2").tobytes()
    out["PixelData"].VR = "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(out, keyword)
        else:
            setattr(out, keyword, value)
    return complete(out)


def complete(data, syntax=ExplicitVRLittleEndian):
    if not hasattr(data, "file_meta"):
        data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def voxels(grid, seed=0):
    return numpy.random.default_rng(seed).integers(-500, 1500, grid.shape, dtype=numpy.int16)


def series(study, grid, pixels=None, number=1, reverse=False, **elements):
    """Its slices in the order of the grid, numbered along or against it."""
    pixels = voxels(grid, study) if pixels is None else pixels
    slices = grid.size[2]
    order = [slices - k if reverse else k + 1 for k in range(slices)]
    return [image(study, number, order[k], pixels[k], grid.at(0, 0, k), grid, **elements) for k in range(slices)]


def save(folder, *data, name=None):
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for each in data:
        path = folder / (name or f"{each.SOPInstanceUID.removeprefix(ROOT + '.')[-50:]}.dcm")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            each.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def described(numbers, **more):
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription
    from pydicom.sr.codedict import codes

    algorithm = AlgorithmIdentificationSequence(name="cutter", version="1", family=codes.DCM.ArtificialIntelligence)
    return [
        SegmentDescription(
            segment_number=n, segment_label=f"segment {n}", segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm, algorithm_type="AUTOMATIC", algorithm_identification=algorithm,
            tracking_uid=f"{ROOT}.5.{n}", tracking_id=f"lesion {n}", **more,
        )
        for n in numbers
    ]


def segmentation(sources, mask, numbers=None, kind="BINARY", number=1, **options):
    """highdicom's own object. `mask` is [slice, row, column] or, of several segments, [slice, row, column, segment]."""
    import highdicom

    if numbers is None:
        numbers = range(1, (mask.shape[3] if mask.ndim == 4 else max(1, int(mask.max()) if kind != "FRACTIONAL" else 1)) + 1)
    study = sources[0].StudyInstanceUID
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return highdicom.seg.Segmentation(
            source_images=sources, pixel_array=mask, segmentation_type=kind, segment_descriptions=described(numbers),
            series_instance_uid=f"{study}.8{number}", series_number=80 + number, sop_instance_uid=f"{study}.8{number}.1",
            instance_number=1, manufacturer="none", manufacturer_model_name="none", software_versions="1", device_serial_number="1",
            **options,
        )


def item(**elements):
    out = pydicom.Dataset()
    for keyword, value in elements.items():
        setattr(out, keyword, value)
    return out


def contour(points, kind="CLOSED_PLANAR"):
    values = numpy.asarray(points, float).reshape(-1)
    texts = [format(x, ".10g")[:16] for x in values]
    return item(ContourGeometricType=kind, NumberOfContourPoints=len(values) // 3, ContourData=texts)


def polygon(grid, k, corners):
    """Points of a slice by column and row."""
    return [grid.at(i, j, k) for i, j in corners]


def structures(sources, rois, number=1):
    """`rois`: (number, name, contours)."""
    first = sources[0]
    out = pydicom.Dataset()
    out.SOPClassUID, out.SOPInstanceUID = RTSTRUCT, f"{first.StudyInstanceUID}.7{number}.1"
    out.StudyInstanceUID, out.SeriesInstanceUID = first.StudyInstanceUID, f"{first.StudyInstanceUID}.7{number}"
    out.PatientID, out.PatientName, out.Modality = first.PatientID, first.PatientName, "RTSTRUCT"
    out.StructureSetLabel = "made up"
    images = [item(ReferencedSOPClassUID=s.SOPClassUID, ReferencedSOPInstanceUID=s.SOPInstanceUID) for s in sources]
    of_series = item(SeriesInstanceUID=first.SeriesInstanceUID, ContourImageSequence=images)
    of_study = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=first.StudyInstanceUID, RTReferencedSeriesSequence=[of_series])
    out.ReferencedFrameOfReferenceSequence = [item(FrameOfReferenceUID=first.FrameOfReferenceUID, RTReferencedStudySequence=[of_study])]
    out.StructureSetROISequence = [
        item(ROINumber=n, ReferencedFrameOfReferenceUID=first.FrameOfReferenceUID, ROIName=name, ROIGenerationAlgorithm="MANUAL") for n, name, _ in rois
    ]
    out.ROIContourSequence = [item(ReferencedROINumber=n, ContourSequence=contours) for n, _, contours in rois if contours is not None]
    out.RTROIObservationsSequence = [item(ObservationNumber=n, ReferencedROINumber=n, RTROIInterpretedType="GTV", ROIInterpreter="") for n, *_ in rois]
    return complete(out)


class Pixels:
    """A `roi` or a `volume` of SQL."""

    def __init__(self, row):
        self.size, self.spacing, self.origin = row["size"], numpy.array(row["spacing"]), numpy.array(row["origin"])
        self.direction = numpy.array(row["direction"]).reshape(3, 3)
        shape = self.size[::-1]
        self.voxels = numpy.array(row["voxels"], numpy.float32).reshape(shape)
        self.mask = None if row.get("mask") is None else numpy.frombuffer(row["mask"], numpy.uint8).reshape(shape)
        self.modality, self.units = row["modality"], row["units"]

    def within(self, grid_origin, grid_direction, grid_spacing):
        """Its first voxel on another grid: column, row, slice."""
        index = numpy.linalg.solve(numpy.asarray(grid_direction) * numpy.asarray(grid_spacing), self.origin - numpy.asarray(grid_origin))
        assert numpy.allclose(index, numpy.rint(index), atol=1e-3), index
        return numpy.rint(index).astype(int)

    def on(self, shape, *grid):
        """Its mask in an array of the whole grid."""
        i, j, k = self.within(*grid)
        z, y, x = self.mask.shape
        out = numpy.zeros(shape, bool)
        out[k : k + z, j : j + y, i : i + x] = self.mask.astype(bool)
        return out

    def cut(self, whole, *grid):
        """The part of an array of the whole grid that it covers."""
        i, j, k = self.within(*grid)
        z, y, x = self.voxels.shape
        return whole[k : k + z, j : j + y, i : i + x]


def connect(server, user=None, password="w"):
    dsn = server.dsn if user is None else {**server.dsn, "user": user, "password": password}
    return psycopg.connect(**dsn, autocommit=True)


def rows(connection, sql, *parameters):
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql, parameters or None).fetchall()


FIELDS = "(v).size AS size, (v).spacing AS spacing, (v).origin AS origin, (v).direction AS direction, (v).voxels AS voxels, (v).modality AS modality, (v).units AS units"


def regions(connection, where="true"):
    """The regions, by object and number: the row with `pixels` beside its columns."""
    fields = FIELDS.replace("(v)", "(roi)")
    found = rows(connection, f"SELECT sop_instance_uid, segment_number, label, status, reason, findings, voxel_count, roi_reason, roi IS NULL AS nothing, {fields}, (roi).mask AS mask FROM imaging.regions WHERE {where}")
    return {(row["sop_instance_uid"], row["segment_number"]): {**row, "pixels": None if row["nothing"] else Pixels(row)} for row in found}


def volumes(connection, where="true"):
    """The volumes, by series."""
    fields = FIELDS.replace("(v)", "(volume)")
    found = rows(connection, f"SELECT series_instance_uid, volume_reason, volume IS NULL AS nothing, {fields} FROM imaging.volumes WHERE {where}")
    return {row["series_instance_uid"]: {**row, "pixels": None if row["nothing"] else Pixels(row)} for row in found}


def segments(connection, where="true"):
    """Rows of imaging.segments, by object and number."""
    return {(row["sop_instance_uid"], row["segment_number"]): row for row in rows(connection, f"SELECT * FROM imaging.segments WHERE {where}")}
