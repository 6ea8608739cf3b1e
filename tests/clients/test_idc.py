"""IDC's and EUCAIM's names: the views show what pydicom reads of the files and what the tables of imaging hold, to each role what policies
let him see; statements of IDC's users and of EUCAIM's mediator run as they are written."""

import collections
import json
import tarfile
from pathlib import Path

import psycopg
import pytest
from support import Lake, Server

for needed in ("pydicom", "highdicom", "numpy"):
    pytest.importorskip(needed, reason=f"{needed} is not installed (tests/clients/requirements.txt)")
import numpy  # noqa: E402
import pydicom  # noqa: E402
from drawn import MR, ROOT, Grid, complete, connect, contour, item, polygon, rows, save, segmentation, series, structures  # noqa: E402

PT = "1.2.840.10008.5.1.4.1.1.128"
DATA = Path(__file__).with_name("data")
VIEWS = {
    "idc": ["contrast_index", "ct_index", "dicom_all", "index", "measurement_groups", "mr_index", "pt_index", "qualitative_measurements",
            "quantitative_measurements", "rtstruct_index", "seg_index", "segmentations", "volume_geometry_index"],
    "eucaim": ["cancerpatient", "dataset", "image_series", "image_study", "imageseries", "imagestudy", "imagingprocedure", "patient"],
}


def ingest(lake, *paths, provider="p"):
    return json.loads(lake.run("ingest", *paths, "--provider", provider, "--format", "json").stdout)


def code(value, scheme, meaning):
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def content(kind, name, below=(), **value):
    more = {"ContentSequence": list(below)} if below else {}
    return item(RelationshipType="CONTAINS", ValueType=kind, ConceptNameCodeSequence=code(*name), **value, **more)


def number(name, value, unit, *below):
    measured = item(NumericValue=str(value), MeasurementUnitsCodeSequence=code(unit, "UCUM", unit))
    return content("NUM", name, below, MeasuredValueSequence=[measured])


VOLUME, DIAMETER, MALIGNANCY = ("118565006", "SCT", "Volume"), ("81827009", "SCT", "Diameter"), ("RID36042", "RADLEX", "Malignancy")
LIKELY, UNLIKELY = ("R-404FA", "SRT", "Highly suspicious"), ("R-404FB", "SRT", "Moderately unlikely")
SITE = ("363698007", "SCT", "Finding Site")


def report(seg):
    """A report of two nodules, which are the segments of `seg`: a volume, a diameter and a judgement of the first, a volume and a judgement of the second."""
    def group(n, judged, *numbers, side=None):
        sided = [content("CODE", ("272741003", "SCT", "Laterality"), ConceptCodeSequence=code(*side))] if side else []
        segment = item(ReferencedSOPClassUID=seg.SOPClassUID, ReferencedSOPInstanceUID=seg.SOPInstanceUID, ReferencedSegmentNumber=n)
        return content("CONTAINER", ("125007", "DCM", "Measurement Group"), [
            content("TEXT", ("112039", "DCM", "Tracking Identifier"), TextValue=f"lesion {n}"),
            content("UIDREF", ("112040", "DCM", "Tracking Unique Identifier"), UID=f"{ROOT}.5.{n}"),
            content("CODE", ("121071", "DCM", "Finding"), ConceptCodeSequence=code("27925004", "SCT", "Nodule")),
            content("CODE", SITE, sided, ConceptCodeSequence=code("39607008", "SCT", "Lung")),
            content("IMAGE", ("121191", "DCM", "Referenced Segment"), ReferencedSOPSequence=[segment]),
            content("UIDREF", ("121232", "DCM", "Source series for segmentation"), UID=f"{ROOT}.1.1"),
            *numbers,
            content("CODE", MALIGNANCY, ConceptCodeSequence=code(*judged)),
        ], ContinuityOfContent="SEPARATE")

    out = pydicom.Dataset()
    out.SOPClassUID, out.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", f"{ROOT}.1.61.1"
    out.StudyInstanceUID, out.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.1.61"
    out.PatientID, out.PatientSex, out.Modality, out.SeriesDescription = "P1", "F", "SR", "Nodules"
    out.ValueType, out.ConceptNameCodeSequence, out.ContinuityOfContent = "CONTAINER", code("126000", "DCM", "Imaging Measurement Report"), "SEPARATE"
    out.ContentTemplateSequence = [item(MappingResource="DCMR", TemplateIdentifier="1500")]
    derived = content("CODE", ("121401", "DCM", "Derivation"), ConceptCodeSequence=code("373098007", "SCT", "Mean"))
    groups = [
        group(1, LIKELY, number(VOLUME, 812.5, "mm3"), number(DIAMETER, 11.25, "mm", derived), side=("7771000", "SCT", "Left")),
        group(2, UNLIKELY, number(VOLUME, 33, "mm3")),
    ]
    out.ContentSequence = [content("CONTAINER", ("126010", "DCM", "Imaging Measurements"), groups, ContinuityOfContent="SEPARATE")]
    return complete(out)


@pytest.fixture(scope="module")
def made(radlake, tmp_path_factory):
    """A lake of CT, MR, PT, SEG, RTSTRUCT and a report, of two hospitals; its files as pydicom has them, by provider."""
    path = tmp_path_factory.mktemp("idc")
    lake = Lake(radlake, path / "lake")
    lake.init()
    grid = Grid()
    mask = numpy.zeros((*grid.shape, 2), numpy.uint8)
    mask[2:4, 3:6, 3:6, 0] = 1
    mask[4:5, 6:9, 8:12, 1] = 1
    ct = series(1, grid, BodyPartExamined="BREAST", PatientAge="045Y", KVP="120", ConvolutionKernel=["B30f", "x"], XRayTubeCurrent="100", ContrastBolusAgent="Iohexol",
                ScanOptions="HELICAL", SeriesDescription="Thorax", Manufacturer="SIEMENS", AcquisitionDate="20240102")
    for k, each in enumerate(ct):
        each.XRayTubeCurrent = str(100 + k)
    drawn = [contour(polygon(grid, k, [(2.5, 2.5), (6.5, 2.5), (6.5, 6.5), (2.5, 6.5)])) for k in (3, 4)]
    seg, rois = segmentation(ct, mask), structures(ct, [(5, "gtv", drawn), (7, "heart", drawn)])
    mr = series(2, grid, Modality="MR", SOPClassUID=MR, MagneticFieldStrength="3", EchoTime="4.9", RepetitionTime="20", ScanningSequence=["GR", "IR"], PatientSex="M",
                Manufacturer="Philips", BodyPartExamined="PROSTATE", StudyDate="20230505")
    for k, each in enumerate(mr):
        complete(each)
        each.EchoTime, each.DiffusionBValue = ("2.5" if k % 2 else "4.9"), float(500 * (k % 3))
    # Shifted, and one slice too far: no volume.
    mr[-1].ImagePositionPatient = [-15.0, 10.0, 70.0]
    pt = series(3, grid, Modality="PT", SOPClassUID=PT, Units="BQML", SeriesType=["WHOLE BODY", "IMAGE"], DecayCorrection="START", RandomsCorrectionMethod="DLYD",
                NumberOfSlices=6, ActualFrameDuration="120000", PatientSex="O", Manufacturer="Acme", PatientID="P1")
    for each in pt:
        complete(each)
    files = {"p": [*ct, seg, rois, report(seg)], "q": [*mr, *pt]}
    for provider, data in files.items():
        save(path / provider, *data)
        assert ingest(lake, path / provider, provider=provider)["ingested"] == len(data)
    yield lake, files, grid


@pytest.fixture(scope="module")
def server(made):
    with Server(made[0]) as server:
        yield server


@pytest.fixture
def admin(server):
    with connect(server) as connection:
        yield connection


def by_series(files):
    found = collections.defaultdict(list)
    for provider, data in files.items():
        for each in data:
            found[provider, str(each.SeriesInstanceUID)].append(each)
    return found


def text(value):
    return None if value in (None, "") else str(value)


def listed(value):
    if value in (None, ""):
        return None
    return [str(v) for v in value] if isinstance(value, (list, pydicom.multival.MultiValue)) else [str(value)]


def day(value):
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if value else None


# IDC.


def test_the_index_has_what_pydicom_reads(made, admin):
    expected = by_series(made[1])
    found = {(row["collection_id"], row["seriesinstanceuid"]): row for row in rows(admin, "SELECT * FROM idc.index")}
    assert set(found) == set(expected)
    for key, data in expected.items():
        row, first = found[key], sorted(data, key=lambda d: int(d.get("InstanceNumber") or 0))[0]
        for keyword in ("PatientID", "StudyInstanceUID", "PatientAge", "PatientSex", "StudyDescription", "BodyPartExamined", "Modality", "SOPClassUID",
                        "Manufacturer", "ManufacturerModelName", "SeriesDescription", "SeriesNumber"):
            assert row[keyword.lower()] == text(first.get(keyword)), keyword
        assert (row["studydate"], row["seriesdate"]) == (day(first.get("StudyDate")), day(first.get("SeriesDate")))
        assert row["instancecount"] == len(data)
        assert row["transfersyntaxuid"] == first.file_meta.TransferSyntaxUID
        assert row["sop_class_name"] == pydicom.uid.UID(first.SOPClassUID).name
        for nothing in ("analysis_result_id", "source_doi", "license_short_name", "series_init_idc_version", "aws_bucket", "crdc_series_uuid", "series_aws_url"):
            assert row[nothing] is None
    sizes = rows(admin, "SELECT i.series_size_MB AS mb, s.total_bytes AS bytes FROM idc.index i JOIN imaging.series s ON s.series_instance_uid = i.SeriesInstanceUID AND s.provider = i.collection_id")
    assert sizes and all(row["mb"] == pytest.approx(row["bytes"] / 1e6, abs=0.00501) for row in sizes)


def test_indices_of_modalities_have_what_pydicom_reads(made, admin):
    expected = {uid: data for (_, uid), data in by_series(made[1]).items()}

    def of(view, modality):
        found = {row["seriesinstanceuid"]: row for row in rows(admin, f"SELECT * FROM idc.{view}")}
        assert set(found) == {uid for uid, data in expected.items() if data[0].Modality == modality}
        for uid, row in found.items():
            assert (row["pixelspacing_row_mm"], row["pixelspacing_col_mm"]) == tuple(map(float, expected[uid][0].PixelSpacing))
            assert (row["rows"], row["columns"], row["slicethickness"]) == (expected[uid][0].Rows, expected[uid][0].Columns, float(expected[uid][0].SliceThickness))
        [(uid, row)] = found.items()
        return row, expected[uid]

    row, data = of("ct_index", "CT")
    assert (row["imagetype"], row["convolutionkernel"], row["scanoptions"], row["kvp"]) == (listed(data[0].ImageType), ["B30f", "x"], ["HELICAL"], 120.0)
    currents = [int(each.XRayTubeCurrent) for each in data]
    assert (row["xraytubecurrent_min"], row["xraytubecurrent_max"]) == (min(currents), max(currents)) and min(currents) < max(currents)
    assert (row["exposure_min"], row["spiralpitchfactor"]) == (None, None)
    row, data = of("mr_index", "MR")
    assert row["echotime"] == [2.5, 4.9] and row["diffusionbvalue"] == [0.0, 500.0, 1000.0]
    assert (row["magneticfieldstrength"], row["repetitiontime"], row["scanningsequence"], row["inversiontime"]) == (3.0, 20.0, ["GR", "IR"], None)
    row, data = of("pt_index", "PT")
    assert (row["seriestype"], row["randomscorrectionmethod"], row["numberofslices"], row["numberoftimeslices"]) == ("WHOLE BODY/IMAGE", "DLYD", 6, None)
    assert (row["units"], row["decaycorrection"], row["actualframeduration"], row["radionuclidetotaldose"]) == ("BQML", "START", [120000.0], None)
    assert rows(admin, "SELECT ContrastBolusAgent AS agent, ContrastBolusIngredient AS ingredient, ContrastBolusRoute AS route FROM idc.contrast_index") == [
        {"agent": ["Iohexol"], "ingredient": None, "route": None}]


def test_geometry_says_which_series_are_volumes(made, admin):
    found = {row["seriesinstanceuid"]: row for row in rows(admin, "SELECT * FROM idc.volume_geometry_index")}
    assert set(found) == {f"{ROOT}.1.1", f"{ROOT}.2.1", f"{ROOT}.3.1"}
    checks = [name for name in found[f"{ROOT}.1.1"] if name not in ("seriesinstanceuid", "obliquity_degrees")]
    assert len(checks) == 9
    for study in (1, 3):
        assert all(found[f"{ROOT}.{study}.1"][name] is True for name in checks)
    assert {name for name in checks if found[f"{ROOT}.2.1"][name] is False} == {"consistent_in_plane_row", "uniform_slice_spacing", "regularly_spaced_3d_volume"}
    assert {row["obliquity_degrees"] for row in found.values()} == {0.0}
    ours = {row["series_instance_uid"]: row["is_volume"] for row in rows(admin, "SELECT series_instance_uid, is_volume FROM imaging.series WHERE modality IN ('CT', 'MR', 'PT')")}
    assert ours == {uid: row["regularly_spaced_3d_volume"] for uid, row in found.items()}


def test_segments_are_paired_where_the_index_flattens_them(made, admin):
    [row] = rows(admin, "SELECT * FROM idc.seg_index")
    assert (row["seriesinstanceuid"], row["segmentationtype"], row["total_segments"], row["segmented_seriesinstanceuid"]) == (f"{ROOT}.1.81", "BINARY", 2, f"{ROOT}.1.1")
    assert (row["algorithmtype"], row["algorithmname"], row["anatomicregion_codemeanings"]) == ("AUTOMATIC", "cutter", None)
    assert row["segmentedpropertytype_codemeanings"] == ["Neoplasm"]
    paired = rows(admin, "SELECT SegmentNumber AS n, TrackingID AS id, TrackingUID AS uid, (SegmentedPropertyType).CodeMeaning AS meaning, (SegmentedPropertyType).CodeValue AS value,"
                         " (SegmentedPropertyCategory).CodingSchemeDesignator AS scheme, AnatomicRegion IS NULL AS nowhere, segmented_SeriesInstanceUID AS source FROM idc.segmentations ORDER BY 1")
    seg = next(each for each in made[1]["p"] if each.Modality == "SEG")
    assert paired == [{"n": s.SegmentNumber, "id": s.TrackingID, "uid": s.TrackingUID, "meaning": s.SegmentedPropertyTypeCodeSequence[0].CodeMeaning, "value": s.SegmentedPropertyTypeCodeSequence[0].CodeValue,
                       "scheme": s.SegmentedPropertyCategoryCodeSequence[0].CodingSchemeDesignator, "nowhere": True, "source": f"{ROOT}.1.1"} for s in seg.SegmentSequence]
    assert rows(admin, "SELECT * FROM idc.rtstruct_index") == [
        {"seriesinstanceuid": f"{ROOT}.1.71", "total_rois": 2, "roinames": ["gtv", "heart"], "roigenerationalgorithms": ["MANUAL"], "rtroiinterpretedtypes": ["GTV"], "referenced_seriesinstanceuid": f"{ROOT}.1.1"}]


def test_measurements_are_those_of_the_report(admin):
    of_group = "measurementGroup_number, trackingIdentifier, trackingUniqueIdentifier, (finding).CodeMeaning, (findingSite).CodeValue, segmentationInstanceUID, segmentationSeriesUID, segmentationSegmentNumber, sourceSegmentedSeriesUID, SeriesDescription, PatientID"
    groups = {n: (n - 1, f"lesion {n}", f"{ROOT}.5.{n}", "Nodule", "39607008", f"{ROOT}.1.81.1", f"{ROOT}.1.81", n, f"{ROOT}.1.1", "Nodules", "P1") for n in (1, 2)}
    assert admin.execute(f"SELECT {of_group} FROM idc.measurement_groups ORDER BY 1").fetchall() == [groups[1], groups[2]]
    numbers = admin.execute(f"SELECT {of_group}, (Quantity).CodeMeaning, Value, (Units).CodeValue, (derivationModifier).CodeMeaning, (lateralityModifier).CodeMeaning FROM idc.quantitative_measurements ORDER BY 1, 13 DESC").fetchall()
    assert numbers == [(*groups[1], "Volume", 812.5, "mm3", None, "Left"), (*groups[1], "Diameter", 11.25, "mm", "Mean", "Left"), (*groups[2], "Volume", 33.0, "mm3", None, None)]
    judged = admin.execute(f"SELECT {of_group}, (Quantity).CodeMeaning, (Value).CodeValue, (Value).CodingSchemeDesignator, (Value).CodeMeaning FROM idc.qualitative_measurements ORDER BY 1").fetchall()
    assert judged == [(*groups[n], MALIGNANCY[2], *value) for n, value in ((1, LIKELY), (2, UNLIKELY))]


def test_dicom_all_has_each_instance_by_keyword(made, admin):
    found = {row["sopinstanceuid"]: row for row in rows(admin, "SELECT * FROM idc.dicom_all")}
    data = [each for files in made[1].values() for each in files]
    assert set(found) == {str(each.SOPInstanceUID) for each in data}
    for each in data:
        row = found[each.SOPInstanceUID]
        for keyword in ("PatientID", "Modality", "SeriesInstanceUID", "BodyPartExamined", "PatientSex"):
            assert row[keyword.lower()] == text(each.get(keyword)), keyword
        assert row["imagetype"] == listed(each.get("ImageType"))
    # What is named is a keyword of the standard, and of one element.
    own = {"collection_id", "analysis_result_id", "crdc_study_uuid", "crdc_series_uuid", "crdc_instance_uuid", "gcs_url", "aws_url", "instance_size", "instance_hash",
           "source_doi", "license_short_name", "license_long_name", "license_url"}
    keywords = {entry[4].lower() for entry in pydicom.datadict.DicomDictionary.values()} | {"transfersyntaxuid"}
    assert not {name for name in next(iter(found.values())) if name not in own} - keywords


def test_queries_of_idcs_users_run_as_they_are_written(admin, server):
    with connect(server) as user:
        user.execute("SET search_path TO idc, public")
        # Unquoted as they are, over an index of that name.
        assert user.execute("SELECT DISTINCT collection_id, PatientID FROM index WHERE Modality = 'CT' AND BodyPartExamined = 'BREAST'").fetchall() == [("p", "P1")]
        assert user.execute("SELECT COUNT(DISTINCT PatientID), SUM(instanceCount), ROUND(SUM(series_size_MB)) >= 0 FROM index WHERE StudyDate >= '2024-01-01' AND SUBSTR(StudyDate, 1, 4) = '2024' AND Modality IN ('CT', 'PT')").fetchall() == [(1, 12, True)]
        cohort = """
            SELECT index.SeriesInstanceUID, seg.SeriesInstanceUID AS segmentation, ct.KVP, v.regularly_spaced_3d_volume
            FROM index
            JOIN ct_index AS ct USING (SeriesInstanceUID)
            JOIN volume_geometry_index AS v USING (SeriesInstanceUID)
            JOIN seg_index AS seg ON seg.segmented_SeriesInstanceUID = index.SeriesInstanceUID
            WHERE Modality = 'CT' AND 'Neoplasm' = ANY (seg.SegmentedPropertyType_CodeMeanings) AND SliceThickness <= 3"""
        assert user.execute(cohort).fetchall() == [(f"{ROOT}.1.1", f"{ROOT}.1.81", 120.0, True)]
        # Nodules by what they were judged to be, their volume and their diameter.
        nodules = """
            WITH volumes AS (SELECT * FROM quantitative_measurements WHERE (Quantity).CodeMeaning = 'Volume'),
                 diameters AS (SELECT * FROM quantitative_measurements WHERE (Quantity).CodeMeaning = 'Diameter')
            SELECT j.PatientID, j.trackingIdentifier, (j.Value).CodeMeaning AS malignancy, v.Value AS volume, d.Value AS diameter, (s.SegmentedPropertyType).CodeMeaning AS segment, i.BodyPartExamined
            FROM qualitative_measurements AS j
            JOIN volumes AS v USING (SOPInstanceUID, measurementGroup_number)
            LEFT JOIN diameters AS d USING (SOPInstanceUID, measurementGroup_number)
            JOIN segmentations AS s ON s.SOPInstanceUID = j.segmentationInstanceUID AND s.SegmentNumber = j.segmentationSegmentNumber
            JOIN index AS i ON i.SeriesInstanceUID = j.sourceSegmentedSeriesUID
            WHERE (j.Quantity).CodeMeaning = 'Malignancy' ORDER BY v.Value DESC"""
        assert user.execute(nodules).fetchall() == [("P1", "lesion 1", "Highly suspicious", 812.5, 11.25, "Neoplasm", "BREAST"), ("P1", "lesion 2", "Moderately unlikely", 33.0, None, "Neoplasm", "BREAST")]


# EUCAIM.

BEFORE = """SELECT dataset.identifier id, dataset.title name, dataset.description, COUNT(cancerpatient.*)::int4 subjects_count, COALESCE(SUM ((
  SELECT COUNT(imagestudy.*) FROM imagingprocedure JOIN imagestudy ON imagingprocedure.procedureidentifier = imagestudy.imagingprocedureidentifier::varchar(255) WHERE TRUE """
BETWEEN = """ GROUP BY imagingprocedure.patientidentifier HAVING imagingprocedure.patientidentifier = cancerpatient.identifier)), 0)::int4 studies_count
  FROM dataset JOIN cancerpatient ON cancerpatient.datasetidentifier = dataset.identifier WHERE TRUE """
AFTER = " GROUP BY cancerpatient.datasetidentifier, dataset.identifier;"

BEFORE_OUT = """SELECT dataset.dataset_id id, dataset.dataset_title name, dataset.dataset_description description, COUNT(patient.*)::int4 subjects_count, COALESCE(SUM ((
  SELECT COUNT(image_study.*) FROM procedure JOIN image_study ON procedure.procedure_id = image_study.procedure_id
  JOIN cancer_condition on procedure.cancer_condition_id = cancer_condition.cancer_condition_id WHERE TRUE """
BETWEEN_OUT = """ GROUP BY cancer_condition.patient_id HAVING cancer_condition.patient_id = patient.patient_id)), 0)::int4 studies_count
  FROM dataset JOIN patient ON patient.dataset_id = dataset.dataset_id WHERE TRUE """
AFTER_OUT = " GROUP BY patient.dataset_id, dataset.dataset_id, dataset.dataset_title, dataset.dataset_description;"


def asked(connection, statement):
    """Its rows, in the binary format, as the mediator asks; and the types."""
    with connection.cursor(binary=True) as cursor:
        found = sorted(cursor.execute(statement, prepare=True).fetchall())
        return found, [column.type_code for column in cursor.description]


@pytest.fixture
def mediator(server):
    with connect(server) as connection:
        connection.execute("SET search_path TO eucaim")
        yield connection


def test_the_mediator_counts_subjects_and_studies(mediator, admin):
    subjects = dict(admin.execute("SELECT provider, count(*)::int FROM imaging.patients GROUP BY 1").fetchall())
    studies = dict(admin.execute("SELECT provider, count(*)::int FROM imaging.studies GROUP BY 1").fetchall())
    found, types = asked(mediator, BEFORE + BETWEEN + AFTER)
    assert found == [(p, p, None, subjects[p], studies[p]) for p in ("p", "q")] and subjects == {"p": 1, "q": 2}
    assert [types[0], types[3], types[4]] == [25, 23, 23]
    female = " AND ( (cancerpatient.birthsexeucaim = 'COM1000177') )"
    breast = " AND ( TRUE AND EXISTS (SELECT FROM imageseries WHERE bodypartexamined = 'BP1000136' AND imageseries.imagestudyidentifier = imagestudy.id) AND TRUE )"
    found = {row[0]: row[3:] for row in asked(mediator, BEFORE + breast + BETWEEN + AFTER)[0]}
    assert found == {"p": (1, 1), "q": (2, 0)}
    sexes = collections.Counter(admin.execute("SELECT provider, patient_sex FROM imaging.patients").fetchall())
    found = {row[0]: row[3] for row in asked(mediator, BEFORE + BETWEEN + female + AFTER)[0]}
    assert found == {provider: n for (provider, sex), n in sexes.items() if sex == "F"}
    # A diagnosis is not known of images: an error, not none.
    with pytest.raises(psycopg.errors.UndefinedTable):
        asked(mediator, BEFORE + BETWEEN + " AND ( (EXISTS (SELECT * FROM primarycancercondition WHERE primarycancercondition.patientidentifier = cancerpatient.identifier AND primarycancerconditioneucaim = 'CLIN1000075')) )" + AFTER)


def test_the_output_schema_counts_with_conditions_of_ones_own(mediator, admin):
    with pytest.raises(psycopg.errors.UndefinedTable):
        asked(mediator, BEFORE_OUT + BETWEEN_OUT + AFTER_OUT)
    admin.execute("CREATE TABLE eucaim.cancer_condition (cancer_condition_id int PRIMARY KEY, patient_id text, cancer_condition_code text)")
    admin.execute("INSERT INTO eucaim.cancer_condition SELECT row_number() OVER (ORDER BY patient_id), patient_id, CASE WHEN patient_id LIKE '%P2' THEN 'CLIN1000075' ELSE 'CLIN1000060' END"
                  " FROM eucaim.patient WHERE patient_id LIKE '%P_'")
    admin.execute("CREATE VIEW eucaim.procedure AS SELECT s.procedure_id, c.cancer_condition_id FROM eucaim.image_study AS s JOIN eucaim.cancer_condition AS c USING (patient_id)")
    try:
        found = {row[0]: row[3:] for row in asked(mediator, BEFORE_OUT + BETWEEN_OUT + AFTER_OUT)[0]}
        assert found == {"p": (1, 1), "q": (2, 2)}
        of_images = (" AND ( EXISTS (SELECT FROM image_series WHERE series_modality = 'IMG1000038' AND image_series.study_id = image_study.study_id) "
                     " AND  EXISTS (SELECT FROM image_series WHERE series_body_site_code = 'BP1000021' AND image_series.study_id = image_study.study_id) "
                     " AND  EXISTS (SELECT FROM image_series WHERE series_manufacturer = 'IMG1000046' AND image_series.study_id = image_study.study_id) )")
        of_patients = (" AND ( (patient.patient_birth_sex = 'COM1000180') "
                       " AND  (EXISTS (SELECT * FROM cancer_condition WHERE cancer_condition.patient_id = patient.patient_id AND cancer_condition_code = 'CLIN1000075')) )")
        assert [row[0::3] + row[4:] for row in asked(mediator, BEFORE_OUT + of_images + BETWEEN_OUT + of_patients + AFTER_OUT)[0]] == [("q", 1, 1)]
    finally:
        admin.execute("DROP VIEW eucaim.procedure")
        admin.execute("DROP TABLE eucaim.cancer_condition")


# Rights, catalogs, older lakes.


def test_every_view_and_column_says_what_it_is(admin):
    for schema, views in VIEWS.items():
        assert [row[0] for row in admin.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", [schema])] == sorted(views)
        for view in views:
            found = admin.execute("SELECT a.attname, col_description(a.attrelid, a.attnum), obj_description(a.attrelid, 'pg_class') FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0", [f"{schema}.{view}"]).fetchall()
            assert found and all(comment and of_view for _, comment, of_view in found), (view, [name for name, comment, _ in found if not comment])
            # What is said to be NULL is, in every row.
            nothing = [name for name, comment, _ in found if comment.startswith("NULL: ")]
            if nothing:
                assert admin.execute(f"SELECT count(*) FROM {schema}.{view} WHERE num_nonnulls({', '.join(nothing)}) > 0").fetchone() == (0,)


def test_policies_bind_who_reads(server, admin):
    admin.execute("CREATE ROLE narrow LOGIN PASSWORD 'w'")
    everything = [f"{schema}.{view}" for schema, views in VIEWS.items() for view in views]
    with connect(server, "narrow") as narrow:
        for view in everything:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                narrow.execute(f"SELECT * FROM {view}")
        admin.execute("GRANT USAGE ON SCHEMA idc, eucaim TO narrow")
        admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA idc, eucaim TO narrow")
        before = {view: narrow.execute(f"SELECT count(*) FROM {view}").fetchone()[0] for view in everything}
        assert all(before.values()), before
        # The views lend the lake's right to its tables, which he does not have himself.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            narrow.execute("SELECT count(*) FROM imaging.series")
        tables = ("instances", "series", "segments", "measurements")
        try:
            for table in tables:
                admin.execute(f"ALTER TABLE imaging.{table} ENABLE ROW LEVEL SECURITY")
                admin.execute(f"CREATE POLICY of_q ON imaging.{table} TO narrow USING (provider = 'q')")
            assert narrow.execute("SELECT DISTINCT collection_id FROM idc.index").fetchall() == [("q",)]
            assert {row[0] for row in narrow.execute("SELECT SeriesInstanceUID FROM idc.index")} == {f"{ROOT}.2.1", f"{ROOT}.3.1"}
            for view in ("idc.ct_index", "idc.seg_index", "idc.rtstruct_index", "idc.segmentations", "idc.quantitative_measurements", "idc.measurement_groups", "idc.contrast_index"):
                assert narrow.execute(f"SELECT count(*) FROM {view}").fetchone() == (0,), view
            assert narrow.execute("SELECT count(*) FROM idc.dicom_all WHERE collection_id <> 'q'").fetchone() == (0,)
            assert narrow.execute("SELECT count(*) FROM idc.volume_geometry_index").fetchone() == (2,)
            narrow.execute("SET search_path TO eucaim")
            assert [row[0::3] + row[4:] for row in asked(narrow, BEFORE + BETWEEN + AFTER.replace(";", ", dataset.title, dataset.description"))[0]] == [("q", 2, 2)]
            for view in everything:
                assert narrow.execute(f"SELECT count(*) FROM {view}").fetchone()[0] <= before[view], view
            # In an earlier epoch too.
            epoch = admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
            assert narrow.execute(f"SELECT count(*) FROM idc.index FOR VERSION AS OF {epoch - len(tables) * 2}").fetchone() == (2,)
        finally:
            for table in tables:
                admin.execute(f"DROP POLICY of_q ON imaging.{table}")
                admin.execute(f"ALTER TABLE imaging.{table} DISABLE ROW LEVEL SECURITY")


@pytest.fixture
def older(radlake, tmp_path):
    """A lake of before there were these views."""
    lake = Lake(radlake, tmp_path / "older")
    with tarfile.open(DATA / "older-lake.tar.xz") as archive:
        archive.extractall(lake.path, filter="data")
    return lake


def ask(lake, sql):
    return [json.loads(line) for line in lake.run("sql", "--format", "json", "-c", sql).stdout.splitlines()]


def test_an_older_lake_gets_the_views(older):
    assert "idc.index" in older.run("upgrade").stdout
    assert "up to date" in older.run("upgrade").stdout
    assert ask(older, "SELECT count(*) AS n FROM idc.index") == ask(older, "SELECT count(*) AS n FROM imaging.series")
    # What somebody put in a view's place stays, and is asked for no more.
    older.run("sql", "-c", "DROP VIEW idc.contrast_index")
    older.run("sql", "-c", "CREATE TABLE idc.contrast_index AS SELECT 7 AS mine")
    older.run("sql", "-c", "CREATE OR REPLACE VIEW eucaim.dataset AS SELECT 'x' AS identifier, 'y' AS title, NULL::text AS description, 'x' AS dataset_id, 'y' AS dataset_title, NULL::text AS dataset_description")
    assert "up to date" in older.run("upgrade").stdout
    older.run("sql", "-c", "DROP VIEW idc.index")
    assert older.run("upgrade").stdout.splitlines()[1:] == ["  idc.index"]
    assert ask(older, "SELECT mine FROM idc.contrast_index") == [{"mine": 7}] and ask(older, "SELECT title FROM eucaim.dataset") == [{"title": "y"}]


def test_a_schema_of_that_name_is_left_alone(older):
    for statement in ("CREATE SCHEMA idc", "CREATE TABLE idc.mine AS SELECT 1 AS n", "CREATE VIEW idc.index AS SELECT 2 AS n"):
        older.run("sql", "-c", statement)
    said = older.run("upgrade").stdout
    assert "The schema idc is one of your own" in said and "eucaim.dataset" in said and "idc.index" not in said
    assert "up to date" in older.run("upgrade").stdout
    assert ask(older, "SELECT (SELECT n FROM idc.mine) AS mine, (SELECT n FROM idc.index) AS index, (SELECT count(*) FROM information_schema.tables WHERE table_schema = 'idc') AS n") == [{"mine": 1, "index": 2, "n": 2}]
