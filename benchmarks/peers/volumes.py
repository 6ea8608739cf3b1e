"""CT volumes per second from files to voxels: Radlake in SQL beside SimpleITK and pydicom with NumPy, and what metadata queries cost.

    volumes.py --radlake BINARY [--series-slices N] [--series N] [--runs N] [--patients N]

Series of 512 × 512 pixels are made up in a temporary folder, the same voxels as native little endian and as JPEG lossless (SV1, by
GDCM). All sides read them in turns, warm, each time in a process of its own, of which the best run counts:

* Radlake: a server with one thread and with two. `count` decodes every voxel and ships none (a series is damaged at the end to see that
  it is missed), `max` looks at each of them, too.
* SimpleITK: ImageSeriesReader, told the files in their order, with one thread and with as many as it takes.
* pydicom: `pixel_array` of every file, sorted by position, rescaled to float32, stacked.

The largest voxel must be the same on all sides. Seconds are of wall clock, `cpu` is user and system of the process, `memory` its peak.

Then a lake of `--patients` × 10 series, regions of structure sets and measurements: the same queries on each table, the best of 20.
Prints a JSON object per line.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import numpy
import pydicom

from commits import PASSWORD, free_port, wait_for

ROOT = "1.2.826.0.1.3680043.10.1777.78"
CT, RTSTRUCT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.88.33"
NATIVE, LOSSLESS = pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.JPEGLosslessSV1
SYNTAXES = {"native": NATIVE, "JPEG lossless": LOSSLESS}
SIZE, SPACING, INTERCEPT = 512, 0.7, -1024
# The voxel that is the largest of all; it stands at the very end of the last slice.
LARGEST = 3000
QUERIES = {"count": "SELECT count((volume).size) FROM imaging.volumes", "max": "SELECT max(array_max((volume).voxels)) FROM imaging.volumes"}


# What is read.


def slices(count, seed):
    """A body with lungs in air, and noise that is wider where there is more to pass through."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    noise = [random.normal(0, 1, (SIZE, SIZE)) for _ in range(8)]
    # Neighbours are not independent in reconstructed images.
    noise = [(n + numpy.roll(n, 1, 0) + numpy.roll(n, 1, 1) + numpy.roll(n, (1, 1), (0, 1))) / 2 for n in noise]
    for k in range(count):
        width = 0.75 + 0.1 * numpy.sin(k / 40)
        body = (x / width) ** 2 + (y / 0.6) ** 2 < 1
        lungs = ((abs(x) - 0.33) / 0.22) ** 2 + (y / 0.4) ** 2 < 1
        plane = numpy.where(body, numpy.where(lungs, -850, 40 + 60 * numpy.sin(9 * x + k / 7) * numpy.cos(7 * y)), -1000)
        spread = numpy.where(body, 22, 8)
        shift = int(random.integers(SIZE)), int(random.integers(SIZE))
        plane = plane + spread * numpy.roll(noise[k % len(noise)], shift, (0, 1))
        plane = numpy.clip(plane - INTERCEPT, 0, LARGEST - 1 - INTERCEPT).astype("<u2")
        if k == count - 1:
            plane[-1, -1] = LARGEST - INTERCEPT
        yield plane


def lossless(plane, folder):
    """The JPEG stream of a slice, as GDCM writes it."""
    import SimpleITK

    writer, path = SimpleITK.ImageFileWriter(), str(folder / "one.dcm")
    writer.SetImageIO("GDCMImageIO")
    writer.SetUseCompression(True)
    writer.SetCompressor("JPEG")
    writer.SetFileName(path)
    writer.Execute(SimpleITK.GetImageFromArray(plane[None]))
    written = pydicom.dcmread(path)
    assert written.file_meta.TransferSyntaxUID == LOSSLESS
    return pydicom.encaps.get_frame(written.PixelData, 0, number_of_frames=1)


def item(**elements):
    out = pydicom.Dataset()
    for keyword, value in elements.items():
        setattr(out, keyword, value)
    return out


def save(data, path, syntax=NATIVE):
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    data.save_as(path, enforce_file_format=True)


def image(patient, series, number, pixels, modality="CT"):
    rows, columns = pixels.shape
    uid = f"{ROOT}.{patient}.{series}"
    return item(
        SOPClassUID=CT, SOPInstanceUID=f"{uid}.{number}", StudyInstanceUID=f"{ROOT}.{patient}", SeriesInstanceUID=uid,
        FrameOfReferenceUID=f"{ROOT}.{patient}.99", PatientID=f"P{patient}", StudyDate="20240101", Modality=modality, SeriesNumber=series,
        InstanceNumber=number, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], ImagePositionPatient=[-179.0, -179.0, round(number * 1.25, 2)],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[SPACING, SPACING], SliceThickness=1.25, RescaleSlope=1,
        RescaleIntercept=INTERCEPT, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", Rows=rows, Columns=columns,
        BitsAllocated=16, BitsStored=16, HighBit=15, PixelRepresentation=0, PixelData=pixels.tobytes(),
    )


def make_series(folder, series, count):
    """The files of each syntax, a list per series, in the order of their positions; bytes of pixels beside."""
    files, sizes = {name: [] for name in SYNTAXES}, dict.fromkeys(SYNTAXES, 0)
    for n in range(1, series + 1):
        for names in files.values():
            names.append([])
        for k, plane in enumerate(slices(count, n)):
            for patient, (name, syntax) in enumerate(SYNTAXES.items(), 1):
                data = image(patient, n, k + 1, plane)
                if syntax == LOSSLESS:
                    data.PixelData = pydicom.encaps.encapsulate([lossless(plane, folder)])
                data["PixelData"].VR = "OB" if syntax == LOSSLESS else "OW"
                sizes[name] += len(data.PixelData)
                path = folder / "in" / name.replace(" ", "_") / f"{n}_{(k * 7919) % count:04}_{k}.dcm"
                path.parent.mkdir(parents=True, exist_ok=True)
                save(data, path, syntax)
                files[name][-1].append(str(path))
    return files, sizes


# Who reads it.


def processor(pid):
    """Seconds, user and system, of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid):
    """MiB that a process has had at most. What getrusage says is, at first, that of the process it was made by."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


class Server:
    """`radlake serve`, for a while."""

    def __init__(self, binary, lake, threads):
        port = free_port()
        self.dsn = dict(host="127.0.0.1", port=port, user="radlake", password=PASSWORD, dbname="radlake")
        command = [binary, "serve", str(lake), "--listen", f"127.0.0.1:{port}", "--threads", str(threads), "--upkeep-interval", "0s"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        import psycopg

        wait_for(self.dsn, self.process)
        self.connection = psycopg.connect(**self.dsn, autocommit=True)
        self.ask("SELECT count(*) FROM imaging.series")
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.kill()
        self.process.wait()

    def ask(self, sql):
        return self.connection.execute(sql).fetchone()[0]

    def measure(self, sql):
        start, spent = time.perf_counter(), processor(self.process.pid)
        answer = self.ask(sql)
        wall, spent = time.perf_counter() - start, processor(self.process.pid) - spent
        return dict(seconds=wall, cpu=spent, memory=peak(self.process.pid), answer=answer)


def run_radlake(binary, lake, threads, query, patient, files):
    with Server(binary, lake, threads) as server:
        result = server.measure(f"{QUERIES[query]} WHERE patient_id = 'P{patient}'")
    wanted = len(files) if query == "count" else LARGEST
    if result["answer"] != wanted:
        raise SystemExit(f"Radlake's {query} is {result['answer']}, not {wanted}")
    return result


def by_simpleitk(threads):
    import SimpleITK

    if threads:
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)

    def read(names):
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(names)
        return reader.Execute()

    return read, lambda volume: float(SimpleITK.GetArrayViewFromImage(volume).max())


def by_pydicom():
    def read(names):
        planes = [pydicom.dcmread(name) for name in names]
        planes.sort(key=lambda plane: float(plane.ImagePositionPatient[2]))
        volume = numpy.empty((len(planes), planes[0].Rows, planes[0].Columns), numpy.float32)
        for out, plane in zip(volume, planes, strict=True):
            out[:] = plane.pixel_array * numpy.float32(plane.RescaleSlope) + numpy.float32(plane.RescaleIntercept)
            # pydicom keeps what it decoded, and the bytes.
            plane.clear()
        return volume

    return read, lambda volume: float(volume.max())


PEERS = {"SimpleITK, 1 thread": lambda: by_simpleitk(1), "SimpleITK": lambda: by_simpleitk(0), "pydicom": by_pydicom}


def peer(name):
    """The process of a peer: lists of files come in, what they cost goes out."""
    warnings.simplefilter("ignore")
    read, largest = PEERS[name]()
    series = json.load(sys.stdin)
    wall, spent, answers = 0, 0, []
    for names in series:
        start, before = time.perf_counter(), os.times()
        volume = read(names)
        wall, after = wall + time.perf_counter() - start, os.times()
        spent += after.user + after.system - before.user - before.system
        answers.append(largest(volume))
        del volume
    print(json.dumps(dict(seconds=wall, cpu=spent, memory=peak("self"), answer=max(answers))))


def run_peer(name, files):
    done = subprocess.run([sys.executable, __file__, "--peer", name], input=json.dumps(files), stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout)
    if result["answer"] != LARGEST:
        raise SystemExit(f"{name}'s largest voxel is {result['answer']}, not {LARGEST}")
    return result


def ingest(binary, lake, folder):
    if not lake.exists():
        subprocess.run([binary, "init", str(lake)], check=True, stdout=subprocess.DEVNULL)
    command = [binary, "ingest", str(lake), str(folder), "--provider", "made_up", "--format", "json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure_volumes(options, folder):
    files, sizes = make_series(folder, options.series, options.series_slices)
    lake = folder / "lake"
    report = ingest(options.radlake, lake, folder / "in")
    if report["ingested"] != sum(len(names) for of in files.values() for names in of):
        raise SystemExit(f"not all were ingested: {report}")
    best = {}
    for _ in range(options.runs):
        for patient, syntax in enumerate(SYNTAXES, 1):
            sides = {
                f"Radlake {query}, {threads} thread{'s' * (threads > 1)}": lambda q=query, t=threads: run_radlake(
                    options.radlake, lake, t, q, patient, files[syntax]
                )
                for query in QUERIES
                for threads in (1, 2)
            }
            sides |= {name: lambda name=name: run_peer(name, files[syntax]) for name in PEERS}
            for side, run in sides.items():
                result = run()
                known = best.setdefault((syntax, side), result)
                for figure in ("seconds", "cpu", "memory"):
                    known[figure] = min(known[figure], result[figure])
    for (syntax, side), result in best.items():
        fastest = min(best[syntax, name]["seconds"] for name in PEERS if name.startswith("SimpleITK"))
        line = dict(
            benchmark="volumes", syntax=syntax, side=side, bytes=sizes[syntax], volumes_per_second=round(options.series / result["seconds"], 3),
            times_simpleitk=round(fastest / result["seconds"], 2), times_pydicom=round(best[syntax, "pydicom"]["seconds"] / result["seconds"], 2),
            cpu_per_volume=round(result["cpu"] / options.series, 3), memory_mib=round(result["memory"]),
        )
        print(json.dumps(line), flush=True)
    # Whether every slice is decoded: what the last one lacks is missed.
    for patient, syntax in enumerate(SYNTAXES, 1):
        last = files[syntax][0][-1]
        data = pydicom.dcmread(last)
        size = os.path.getsize(last)
        os.truncate(last, size - size // 4)
        with Server(options.radlake, lake, 1) as server:
            seen = server.ask(f"{QUERIES['count']} WHERE patient_id = 'P{patient}'")
        if seen != options.series - 1 or data.file_meta.TransferSyntaxUID != SYNTAXES[syntax]:
            raise SystemExit(f"{syntax}: a series of which a slice is cut is counted")


# Metadata.

EACH = 10
METADATA = {
    "count": "SELECT count(*) FROM imaging.{table}",
    "group": "SELECT provider, modality, count(*), count(DISTINCT patient_id) FROM imaging.{table} GROUP BY 1, 2",
    "one patient": "SELECT * FROM imaging.{table} WHERE patient_id = 'P{patient}'",
    "one patient, named columns": "SELECT study_instance_uid, series_instance_uid, modality FROM imaging.{table} WHERE patient_id = 'P{patient}'",
}


def structures(patient):
    """A structure set on the first series of a patient, of as many regions as there are series."""
    of = image(patient, 1, 1, numpy.zeros((8, 8), "<u2"))
    corners = [(x, y, 1.25) for x, y in ((-179.2, -179.2), (-177.5, -179.2), (-177.5, -177.5), (-179.2, -177.5))]
    area = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=[str(n) for corner in corners for n in corner])
    listed = item(SeriesInstanceUID=of.SeriesInstanceUID, ContourImageSequence=[item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=of.SOPInstanceUID)])
    study = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=of.StudyInstanceUID, RTReferencedSeriesSequence=[listed])
    frame = item(FrameOfReferenceUID=of.FrameOfReferenceUID, RTReferencedStudySequence=[study])
    numbers = range(1, EACH + 1)
    return item(
        SOPClassUID=RTSTRUCT, SOPInstanceUID=f"{ROOT}.{patient}.70.1", StudyInstanceUID=of.StudyInstanceUID, SeriesInstanceUID=f"{ROOT}.{patient}.70",
        PatientID=of.PatientID, StudyDate=of.StudyDate, Modality="RTSTRUCT", StructureSetLabel="made up", ReferencedFrameOfReferenceSequence=[frame],
        StructureSetROISequence=[item(ROINumber=n, ReferencedFrameOfReferenceUID=of.FrameOfReferenceUID, ROIName=f"region {n}", ROIGenerationAlgorithm="MANUAL") for n in numbers],
        ROIContourSequence=[item(ReferencedROINumber=n, ContourSequence=[area]) for n in numbers],
        RTROIObservationsSequence=[item(ObservationNumber=n, ReferencedROINumber=n, RTROIInterpretedType="GTV", ROIInterpreter="") for n in numbers],
    )


def code(value, scheme="DCM"):
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=f"meaning of {value}")]


def measurements(patient):
    """A report of as many measurements."""
    def number(n):
        measured = item(NumericValue=str(n + 0.5), MeasurementUnitsCodeSequence=code("mm", "UCUM"))
        return item(RelationshipType="CONTAINS", ValueType="NUM", ConceptNameCodeSequence=code("103339001", "SCT"), MeasuredValueSequence=[measured])

    group = item(RelationshipType="CONTAINS", ValueType="CONTAINER", ConceptNameCodeSequence=code("125007"), ContentSequence=[number(n) for n in range(EACH)])
    groups = item(RelationshipType="CONTAINS", ValueType="CONTAINER", ConceptNameCodeSequence=code("126010"), ContentSequence=[group])
    return item(
        SOPClassUID=SR, SOPInstanceUID=f"{ROOT}.{patient}.60.1", StudyInstanceUID=f"{ROOT}.{patient}", SeriesInstanceUID=f"{ROOT}.{patient}.60",
        PatientID=f"P{patient}", StudyDate="20240101", Modality="SR", ValueType="CONTAINER", ConceptNameCodeSequence=code("126000"), ContentSequence=[groups],
    )


def measure_metadata(options, folder):
    empty = numpy.zeros((8, 8), "<u2")
    for patient in range(1, options.patients + 1):
        target = folder / "many" / str(patient // 100)
        target.mkdir(parents=True, exist_ok=True)
        for series in range(1, EACH + 1):
            made = image(patient, series, 1, empty)
            made["PixelData"].VR = "OW"
            save(made, target / f"{patient}_{series}")
        save(structures(patient), target / f"{patient}_70")
        save(measurements(patient), target / f"{patient}_60")
    lake = folder / "many lake"
    ingest(options.radlake, lake, folder / "many")
    subprocess.run([options.radlake, "optimize", str(lake)], check=True, stdout=subprocess.DEVNULL)
    tables = ["series", "segments", "measurements"]
    with Server(options.radlake, lake, len(os.sched_getaffinity(0))) as server:
        counts = {table: server.ask(METADATA["count"].format(table=table)) for table in tables}
        if counts != {"series": options.patients * (EACH + 2), "segments": options.patients * EACH, "measurements": options.patients * EACH}:
            raise SystemExit(f"there are {counts}")
        if server.ask("SELECT count(*) FROM imaging.segments WHERE status = 'placed' AND voxel_count > 0") != counts["segments"]:
            raise SystemExit("not all segments were placed")
        kinds = [(table, query) for query in METADATA for table in [*tables, "regions", "volumes"] if table in tables or query != "one patient"]
        best = {}
        for _ in range(20):
            for table, query in kinds:
                text = METADATA[query].format(table=table, patient=max(1, options.patients // 3))
                start = time.perf_counter()
                server.connection.execute(text).fetchall()
                best[table, query] = min(best.get((table, query), 1e9), time.perf_counter() - start)
    for (table, query), seconds in best.items():
        line = dict(benchmark="metadata", query=query, table=table, rows=counts.get(table), milliseconds=round(seconds * 1e3, 2))
        print(json.dumps({**line, "times_series": round(seconds / best["series", query], 2)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--radlake")
    parser.add_argument("--series-slices", type=int, default=300)
    parser.add_argument("--series", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(options.peer)
    if not options.radlake:
        parser.error("--radlake is missing")
    os.environ["RADLAKE_PASSWORD"] = PASSWORD
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        if options.series and options.series_slices:
            measure_volumes(options, pathlib.Path(folder))
        if options.patients:
            measure_metadata(options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
