"""A cohort of a thousand regions passes through one query, in bounded memory, and gives what NumPy computes of what was put in."""

import struct
import zlib

import psycopg
import pytest
from support import Lake, Server

for needed in ("pydicom", "highdicom", "numpy"):
    pytest.importorskip(needed, reason=f"{needed} is not installed (tests/clients/requirements.txt)")
import numpy  # noqa: E402
from drawn import Grid, connect, contour, polygon, save, segmentation, series, structures  # noqa: E402

LIMIT = 2**30
# Of each series.
REGIONS = 20


class Cohort:
    """A lake of series with twenty overlapping regions each, of every fifth series in a segmentation, of the others in a structure set; by
    patient and number what each holds."""

    def __init__(self, radlake, folder, count, size):
        self.lake = Lake(radlake, folder / "lake")
        self.lake.init()
        self.grid = Grid(size=size, spacing=(0.75, 0.75, 1.5))
        self.volumes, self.means, self.greatest, self.masks = {}, {}, {}, {}
        for study in range(1, count + 1):
            self.add(folder / "in", study)
        report = self.lake.ingest(folder / "in", provider="p")
        assert not report["refused"], report

    @staticmethod
    def segmented(study):
        return study % 5 == 1

    def add(self, folder, study):
        random = numpy.random.default_rng(study)
        columns, rows, slices = self.grid.size
        pixels = random.integers(-500, 1500, self.grid.shape, dtype=numpy.int16)
        images = series(study, self.grid, pixels)
        mask = numpy.zeros((*self.grid.shape, REGIONS if self.segmented(study) else 0), numpy.uint8)
        drawn = []
        for n in range(REGIONS):
            wide, high, deep = (int(random.integers(most // 3, most * 2 // 3)) for most in (columns, rows, slices))
            x, y, z = (int(random.integers(1, most - size)) for most, size in ((columns, wide), (rows, high), (slices, deep)))
            inside = numpy.zeros(self.grid.shape, bool)
            inside[z : z + deep, y : y + high, x : x + wide] = True
            if self.segmented(study):
                # With holes, which contours of boxes have not.
                inside &= random.random(self.grid.shape) < 0.7
                mask[..., n] = inside
            corners = [(x - 0.5, y - 0.5), (x + wide - 0.5, y - 0.5), (x + wide - 0.5, y + high - 0.5), (x - 0.5, y + high - 0.5)]
            drawn.append((n + 1, f"region {n + 1}", [contour(polygon(self.grid, k, corners)) for k in range(z, z + deep)]))
            key = (f"P{study}", n + 1)
            values = pixels[inside].astype(float) - 1000
            if study <= 2:
                self.masks[key] = inside
            self.volumes[key] = inside.sum() * numpy.prod(self.grid.spacing) / 1000
            self.means[key], self.greatest[key] = values.mean(), float(values.max())
        save(folder, *images, segmentation(images, mask) if self.segmented(study) else structures(images, drawn))

    def __len__(self):
        return len(self.volumes)


@pytest.fixture(scope="module")
def cohort(radlake, tmp_path_factory, full):
    """A thousand regions; at full size of images as they come from scanners."""
    return Cohort(radlake, tmp_path_factory.mktemp("cohort"), 50, (256, 256, 60) if full else (96, 80, 16))


@pytest.fixture
def server(cohort):
    """A server of its own: peak memory is that of this test."""
    with Server(cohort.lake, "--memory", "512MiB") as server:
        yield server


def within(server):
    peak = server.memory()
    print(f"\npeak {peak / 2**20:.0f} MiB")
    assert peak < LIMIT, f"{peak / 2**20:.0f} MiB"


def test_a_thousand_regions_are_measured_in_one_query(cohort, server):
    assert len(cohort) == 1000
    with connect(server) as connection:
        count, read, volume, mean, greatest, pictures = connection.execute(
            "SELECT count(*), count(roi), sum(volume_ml(roi)), avg(mean_hu(roi)), max(hu_percentile(roi, 1)), count(DISTINCT md5(thumbnail(roi, 64))) "
            "FROM imaging.regions"
        ).fetchone()
        assert (count, read, pictures) == (1000, 1000, 1000)
        assert volume == pytest.approx(sum(cohort.volumes.values()), rel=1e-12)
        assert mean == pytest.approx(numpy.mean(list(cohort.means.values())), rel=1e-12)
        assert greatest == max(cohort.greatest.values())
    within(server)


@pytest.fixture
def some(cohort, full):
    """Patients whose regions are looked at one by one: all of them at full size."""
    return [f"P{n}" for n in range(1, 51 if full else 5)]


def keys(cohort, some):
    return {key for key in cohort.volumes if key[0] in some}


def test_each_region_is_what_was_drawn(cohort, server, some):
    with connect(server) as connection:
        each = "SELECT patient_id, segment_number, volume_ml(roi), mean_hu(roi), hu_percentile(roi, 1) FROM imaging.regions WHERE patient_id = ANY(%s)"
        found = {(patient, number): told for patient, number, *told in connection.execute(each, [some])}
        assert set(found) == keys(cohort, some)
        for key, told in found.items():
            assert told == pytest.approx([cohort.volumes[key], cohort.means[key], cohort.greatest[key]], rel=1e-12), key
    within(server)


def test_regions_are_sorted_and_grouped_by_what_they_hold(cohort, server, some):
    with connect(server) as connection:
        text = "SELECT patient_id, segment_number FROM imaging.regions WHERE patient_id = ANY(%s) ORDER BY mean_hu(roi) DESC, 1, 2 LIMIT 25"
        wanted = sorted(keys(cohort, some), key=lambda key: -cohort.means[key])[:25]
        assert connection.execute(text, [some]).fetchall() == wanted
        text = "SELECT patient_id, count(*), sum(volume_ml(roi)) FROM imaging.regions WHERE patient_id = ANY(%s) GROUP BY patient_id HAVING max(volume_ml(roi)) > 0"
        found = {patient: (count, volume) for patient, count, volume in connection.execute(text, [some])}
        assert {count for count, _ in found.values()} == {REGIONS} and set(found) == set(some)
        for patient, (_, volume) in found.items():
            assert volume == pytest.approx(sum(v for (of, _), v in cohort.volumes.items() if of == patient), rel=1e-12)
    within(server)


def picture(data):
    """Width and height of a PNG whose parts are all there, and its bytes of pixels."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, held, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        held += body if kind == b"IDAT" else b""
        at += 12 + length
    assert kind == b"IEND"
    return size, zlib.decompress(held)


def test_thumbnails_are_pictures(cohort, server, some):
    with connect(server) as connection:
        text = "SELECT patient_id, segment_number, thumbnail(roi, 64) FROM imaging.regions WHERE patient_id = ANY(%s) AND volume_ml(roi) > 0"
        seen = set()
        for patient, number, png in connection.cursor(binary=True).stream(text, [some]):
            (width, height), pixels = picture(bytes(png))
            assert max(width, height) == 64 and len(set(pixels)) > 2
            seen.add((patient, number))
        assert seen == keys(cohort, some)
    within(server)


def test_regions_are_compared_with_each_other(cohort, server):
    """Every region with every other of a patient: 800 pairs, each of which holds two."""
    with connect(server) as connection:
        text = (
            "SELECT patient_id, a.segment_number, b.segment_number, dice(a.roi, b.roi) FROM imaging.regions a JOIN imaging.regions b USING (patient_id) "
            "WHERE patient_id IN ('P1', 'P2')"
        )
        found = connection.execute(text).fetchall()
    assert len(found) == 800
    for patient, one, other, dice in found:
        a, b = cohort.masks[patient, one], cohort.masks[patient, other]
        assert dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()), rel=1e-12), (patient, one, other)
    assert len({dice for *_, dice in found}) > 100
    within(server)


def test_regions_that_are_kept_all_at_once_are_refused(cohort):
    """What a query has to hold at the same time is bounded, too: it ends, and the server does not."""
    with Server(cohort.lake, "--memory", "64MiB") as server, connect(server) as connection:
        with pytest.raises(psycopg.errors.OutOfMemory):
            connection.execute("SELECT array_agg(roi) FROM imaging.regions, generate_series(1, 100) WHERE patient_id IN ('P1', 'P2', 'P3')").fetchall()
        assert connection.execute("SELECT count(roi) FROM imaging.regions WHERE patient_id = 'P1'").fetchone() == (REGIONS,)
        within(server)
