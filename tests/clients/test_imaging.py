"""What SQL shows of files that a hospital's data manager finds odd: people, Enhanced images, private elements, spoilt headers."""

import io
import pathlib
import struct

import psycopg
import pytest
from support import Lake, Server

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: it writes the files")

ROOT = "1.2.826.0.1.3680043.10.1777"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def dataset(study, series, instance, **elements):
    out = pydicom.Dataset()
    out.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    out.SOPInstanceUID = f"{ROOT}.{study}.{series}.{instance}"
    out.StudyInstanceUID, out.SeriesInstanceUID = f"{ROOT}.{study}", f"{ROOT}.{study}.{series}"
    out.Modality, out.InstanceNumber = "CT", instance
    out.FrameOfReferenceUID = f"{ROOT}.99"
    out.Rows = out.Columns = 8
    for keyword, value in elements.items():
        setattr(out, keyword, value)
    return out


def encode(data, syntax=EXPLICIT):
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()


def items(*groups):
    out = []
    for group in groups:
        item = pydicom.Dataset()
        for keyword, value in group.items():
            setattr(item, keyword, value)
        out.append(item)
    return out


def people():
    """Provider `people`."""
    def study(n, date, **patient):
        return dataset(n, 1, 1, StudyDate=date, **patient)

    yield "same id, issuer A", study(1, "20240101", PatientID="4711", IssuerOfPatientID="A", PatientName="Adams^Anna", PatientBirthDate="19500101", PatientSex="F")
    yield "same id, issuer B", study(2, "20240101", PatientID="4711", IssuerOfPatientID="B", PatientName="Brown^Bob", PatientBirthDate="19800202", PatientSex="M")
    yield "same id, no issuer", study(3, "20240101", PatientID="4711", PatientName="Carter^Cy", PatientBirthDate="19700303", PatientSex="M")
    yield "no id, one", study(4, "20240101", PatientName="Zoe^Z", PatientBirthDate="20010202", PatientSex="F")
    yield "no id, other", study(5, "20240101", PatientName="Cole^Cy", PatientBirthDate="19910101", PatientSex="M")
    # One person whose name changed: Zander is the newest, and neither the least name nor the least of each column.
    yield "married, before", study(6, "20200101", PatientID="M", PatientName="Abel^Eve", PatientBirthDate="19600101", PatientSex="F")
    yield "married, after", study(7, "20230101", PatientID="M", PatientName="Zander^Eve^^", PatientBirthDate="19610101", PatientSex="O")
    yield "married, after, again", study(8, "20210101", PatientID="M", PatientName="Zander^Eve", PatientBirthDate="19610101", PatientSex="O")
    # Two patients in one study.
    yield "first of two", dataset(9, 1, 1, StudyDate="20240101", PatientID="P1", PatientName="One^P", StudyDescription="Head")
    yield "second of two", dataset(9, 2, 1, StudyDate="20240101", PatientID="P2", PatientName="Two^P", StudyDescription="Neck")
    # And in one series.
    yield "first in series", dataset(10, 1, 1, StudyDate="20240101", PatientID="Q1", PatientName="One^Q")
    yield "second in series", dataset(10, 1, 2, StudyDate="20240101", PatientID="Q2", PatientName="Two^Q")


def enhanced(series, frames, shared, per_frame, **elements):
    """An Enhanced image with a position and an orientation of each frame."""
    groups = [
        {
            "PlanePositionSequence": items({"ImagePositionPatient": [0, 0, 2 * i]}),
            "PlaneOrientationSequence": items({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}),
            **per_frame(i),
        }
        for i in range(frames)
    ]
    return dataset(
        20, series, 1, PatientID="E", NumberOfFrames=frames,
        SharedFunctionalGroupsSequence=items(shared), PerFrameFunctionalGroupsSequence=items(*groups), **elements,
    )


MEASURES = {"PixelMeasuresSequence": items({"PixelSpacing": [0.5, 0.7], "SliceThickness": 2})}


def images():
    """Provider `images`."""
    yield "mr", enhanced(
        1, 4,
        {
            **MEASURES,
            "MRTimingAndRelatedParametersSequence": items({"RepetitionTime": 2500, "FlipAngle": 90}),
            "MRModifierSequence": items({"InversionTimes": 900.0}),
        },
        lambda i: {
            "MREchoSequence": items({"EffectiveEchoTime": 30.5}),
            "MRDiffusionSequence": items({
                "DiffusionBValue": [0.0, 500.0, 1000.0, 1000.0][i],
                "DiffusionGradientDirectionSequence": items({"DiffusionGradientOrientation": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]][i // 2]}),
            }),
            "PixelValueTransformationSequence": items({"RescaleSlope": 2.5, "RescaleIntercept": 0, "RescaleType": "US"}),
        },
        Modality="MR",
    )
    yield "ct", enhanced(
        2, 4,
        {"CTXRayDetailsSequence": items({"KVP": 120})},
        lambda i: {**MEASURES, "CTReconstructionSequence": items({"ConvolutionKernel": ["B30f", "B70f"][i % 2]})},
    )
    yield "pet", enhanced(
        3, 4,
        {**MEASURES, "PixelValueTransformationSequence": items({"RescaleSlope": 3, "RescaleIntercept": 0, "RescaleType": "US"})},
        lambda i: {
            "PETFrameCorrectionFactorsSequence": items({"DecayFactor": 1 + i / 4}),
            "FrameContentSequence": items({"FrameAcquisitionDuration": 90000.0}),
        },
        Modality="PT", PatientWeight=70, DecayCorrected="YES", DecayCorrectionDateTime="20240101101010",
        RadiopharmaceuticalInformationSequence=items({"RadionuclideTotalDose": 3e8, "RadionuclideHalfLife": 6586}),
    )
    yield "dose", dataset(
        20, 4, 1, PatientID="E", Modality="RTDOSE", NumberOfFrames=5, ImagePositionPatient=[0, 0, 0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.7, 0.7], GridFrameOffsetVector=[0, 2.5, 5, 7.5, 10],
    )
    for i in range(5):
        yield f"anisotropic {i}", dataset(
            20, 5, i, PatientID="E", ImagePositionPatient=[0, 0, i], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[0.5, 0.7],
        )


def private(creator, group, **elements):
    out = dataset(30, elements.pop("series"), 1, PatientID="V", Modality="MR")
    block = out.private_block(group, creator, create=True)
    for offset, (vr, value) in elements["of"].items():
        block.add_new(offset, vr, value)
    return out


def csa(*tags):
    out = b"SV10\4\3\2\1" + struct.pack("<II", len(tags), 77)
    for name, values in tags:
        out += struct.pack("<64si4siii", name.encode(), len(values), b"FD", 0, 6, 77)
        for i in range(6):
            value = str(values[i]).encode() + b"\0" if i < len(values) else b""
            out += struct.pack("<4i", len(value), len(value), 77, len(value)) + value + b"\0" * (-len(value) % 4)
    return out


def makers():
    """Provider `makers`, all in implicit VR."""
    yield "GE", private("GEMS_PARM_01", 0x43, series=1, of={0x39: ("IS", [1000000750, 8, 0, 0])})
    yield "Siemens", private("SIEMENS MR HEADER", 0x19, series=2, of={0x0C: ("IS", 500), 0x0E: ("FD", [0.6, 0.0, 0.8])})
    yield "Siemens CSA", private("SIEMENS CSA HEADER", 0x29, series=3, of={0x10: ("OB", csa(("B_value", [800]), ("DiffusionGradientDirection", [0.0, 1.0, 0.0])))})
    yield "Philips", private("Philips Imaging DD 001", 0x2001, series=4, of={0x03: ("FL", 1000.0)})
    yield "ACME", private("ACME", 0x43, series=5, of={0x39: ("IS", [1000, 8, 0, 0])})


def spoilt():
    """Provider `odd`: bytes that are no data set that pydicom would write."""
    marker = b"\x28\x00\x20\x01US\x02\x00\x05\x00"
    for n, vr in enumerate([b"  ", b"??", b"\0\0", b"us"], 1):
        whole = encode(dataset(40, n, 1, PatientID="O", PixelPaddingValue=5, BitsAllocated=16, PixelRepresentation=0))
        assert whole.count(marker) == 1
        yield f"VR {vr!r}", whole.replace(marker, marker.replace(b"US", vr))
    text = encode(dataset(40, 5, 1, PatientID="O"), IMPLICIT)
    yield "text for a sequence", text + b"\x40\x00\x70\xa1\x0a\0\0\0NAMED TYPE"
    bare = encode(dataset(40, 6, 1, PatientID="O"))
    yield "preamble without DICM", bare[:128] + bare[132:]
    name = dataset(40, 7, 1, PatientID="O", PatientName="Mueller^Joerg")
    unknown = encode(name).replace(b"Mueller^Joerg ", b"M\xfcller^J\xf6rg\x20\x20\x20")
    yield "unknown character set", unknown.replace(b"\x08\x00\x16\x00UI", b"\x08\x00\x05\x00CS\x0a\0ISO_IR 999\x08\x00\x16\x00UI", 1)


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("imaging") / "lake")
    lake.init()
    for provider, files, syntax in [("people", people(), EXPLICIT), ("images", images(), EXPLICIT), ("makers", makers(), IMPLICIT), ("odd", spoilt(), None)]:
        folder = tmp_path_factory.mktemp(provider)
        for number, (name, content) in enumerate(files):
            safe = "".join(c if c.isalnum() else "_" for c in name)
            pathlib.Path(folder / f"{number} {safe}.dcm").write_bytes(content if syntax is None else encode(content, syntax))
        report = lake.ingest(folder, provider=provider)
        assert not report["refused"] and report["ingested"] == report["offered"], report
        assert provider != "people" or report["patients"] == 10, report
    return lake


@pytest.fixture(scope="module")
def connection(lake):
    with Server(lake) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        yield connection


def rows(connection, sql):
    return connection.execute(sql).fetchall()


def test_a_patient_is_an_id_of_an_issuer(connection):
    found = rows(connection, "SELECT issuer_of_patient_id, patient_name, patient_sex, studies FROM imaging.patients WHERE patient_id = '4711' ORDER BY patient_name")
    assert found == [("A", "Adams^Anna", "F", 1), ("B", "Brown^Bob", "M", 1), (None, "Carter^Cy", "M", 1)]


def test_who_has_no_id_is_told_apart_by_study(connection):
    found = rows(connection, "SELECT patient_name, patient_birth_date::text, patient_sex, studies FROM imaging.patients WHERE provider = 'people' AND patient_id IS NULL ORDER BY 1")
    assert found == [("Cole^Cy", "1991-01-01", "M", 1), ("Zoe^Z", "2001-02-02", "F", 1)]


def test_values_are_of_the_newest_row_and_conflicts_are_counted(connection):
    found = rows(
        connection,
        "SELECT patient_name, patient_birth_date::text, patient_sex, patient_names, patient_birth_dates, patient_sexes, studies,"
        " first_study_date::text, last_study_date::text FROM imaging.patients WHERE patient_id = 'M'",
    )
    assert found == [("Zander^Eve^^", "1961-01-01", "O", 2, 2, 2, 3, "2020-01-01", "2023-01-01")]
    one = rows(connection, "SELECT DISTINCT patient_names, patient_birth_dates, patient_sexes FROM imaging.patients WHERE patient_id = '4711'")
    assert one == [(1, 1, 1)]


def test_a_study_with_two_patients_has_a_row_of_each(connection):
    study = f"study_instance_uid = '{ROOT}.9'"
    found = rows(connection, f"SELECT patient_id, patient_name, study_description, patients, series FROM imaging.studies WHERE {study} ORDER BY 1")
    assert found == [("P1", "One^P", "Head", 2, 1), ("P2", "Two^P", "Neck", 2, 1)]
    others = rows(connection, "SELECT DISTINCT patients FROM imaging.studies WHERE patient_id IN ('4711', 'M')")
    assert others == [(1,)]


def test_two_patients_in_one_series_are_seen(connection):
    assert rows(connection, f"SELECT patient_count, patient_name_count FROM imaging.series WHERE study_instance_uid = '{ROOT}.10'") == [(2, 2)]
    assert rows(connection, f"SELECT patients, patient_names FROM imaging.studies WHERE study_instance_uid = '{ROOT}.10'") == [(2, 2)]


def one(connection, series, columns, table="instances"):
    [row] = rows(connection, f"SELECT {columns} FROM imaging.{table} WHERE series_instance_uid = '{ROOT}.{series}'")
    return row


def test_enhanced_mr(connection):
    assert one(connection, "20.1", "echo_time, repetition_time, flip_angle, inversion_time, rescale_slope, rescale_type, pixel_spacing, slice_thickness") == (
        30.5, 2500, 90, 900, 2.5, "US", [0.5, 0.7], 2,
    )
    assert one(connection, "20.1", "diffusion_b_value, diffusion_b_values, diffusion_gradient_orientations, image_positions_patient") == (
        None, [0, 500, 1000], [1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 2, 0, 0, 4, 0, 0, 6],
    )
    assert one(connection, "20.1", "echo_times, repetition_times, inversion_times, flip_angles, diffusion_b_values, is_volume", "series") == (
        [30.5], [2500], [900], [90], [0, 500, 1000], True,
    )


def test_enhanced_ct(connection):
    assert one(connection, "20.2", "kvp, convolution_kernel, convolution_kernels, pixel_spacing, spacing_between_slices") == (
        120, None, ["B30f", "B70f"], [0.5, 0.7], None,
    )
    assert one(connection, "20.2", "kvp_min, convolution_kernels, pixel_spacing_max_mm, is_volume", "series") == (120, ["B30f", "B70f"], 0.7, True)


def test_enhanced_pet(connection):
    assert one(connection, "20.3", "rescale_slope, decay_factor, decay_factors, actual_frame_duration, decay_corrected, radionuclide_total_dose, radionuclide_half_life, patient_weight") == (
        3, None, [1, 1.25, 1.5, 1.75], 90000, "YES", 3e8, 6586, 70,
    )
    assert one(connection, "20.3", "decay_correction_date_time::text")[0].startswith("2024-01-01 10:10:10")


def test_a_dose_and_a_stack_of_oblong_pixels_are_volumes(connection):
    assert one(connection, "20.4", "is_volume, slice_spacing_mm, position_count", "series") == (True, 2.5, 5)
    assert one(connection, "20.4", "grid_frame_offset_vector") == ([0, 2.5, 5, 7.5, 10],)
    assert one(connection, "20.5", "is_volume, pixel_spacing_min_mm, pixel_spacing_max_mm", "series") == (True, 0.5, 0.7)


def test_b_values_of_the_makers(connection):
    found = [one(connection, f"30.{n}", "private_diffusion_b_value, private_diffusion_gradient_orientation") for n in range(1, 6)]
    assert found == [(750, None), (500, [0.6, 0, 0.8]), (800, [0, 1, 0]), (1000, None), (None, None)]
    assert [one(connection, f"30.{n}", "diffusion_b_values", "series")[0] for n in range(1, 6)] == [[750], [500], [800], [1000], None]
    assert one(connection, "30.1", "dicom_tag(dataset, '(0043,1039)')") == ("1000000750\\8\\0\\0",)
    assert one(connection, "30.4", "dicom_tag(dataset, '(2001,1003)')::float8") == (1000,)


def test_odd_headers_are_read(connection):
    found = [one(connection, f"40.{n}", "pixel_padding_value, warnings > 0") for n in range(1, 5)]
    assert found == [(5, True)] * 4
    assert one(connection, "40.5", "patient_id, warnings > 0") == ("O", True)
    assert one(connection, "40.6", "patient_id, transfer_syntax_uid") == ("O", EXPLICIT)
    assert one(connection, "40.7", "patient_name, warnings > 0") == ("Müller^Jörg", True)
