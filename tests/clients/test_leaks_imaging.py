"""No expression of a client's is evaluated on segments, measurements, regions or volumes of a patient that policies hide.

There are two lakes: one has a patient more, whom policies hide from anna. All that she is told there must be what she is told by the
other, word for word. As in test_leaks.py, expressions fail on what is hidden alone: an error is a leak, and so is a hidden value.
"""

import copy
import re

import psycopg
import pytest
from support import Lake, Server

for needed in ("pydicom", "highdicom", "numpy"):
    pytest.importorskip(needed, reason=f"{needed} is not installed (tests/clients/requirements.txt)")
import numpy  # noqa: E402
import pydicom  # noqa: E402
from drawn import ROOT, Grid, complete, contour, item, polygon, save, segmentation, series, structures  # noqa: E402
from test_leaks import DENIED, READS, SECRET, texts  # noqa: E402

TABLES = ["segments", "measurements", "regions", "volumes"]
GOVERNED = ["instances", "series", "segments", "measurements", "files", "sources"]
# Of the hidden patient: a name that is wherever a text may be, a number wherever one may be, and what all its UIDs begin with.
SHUT, NUMBER, VALUE, STUDY = "Vermeer", 13, 7777777, 77
HIDDEN = [SHUT, str(VALUE), f"{ROOT}.{STUDY}"]
# Every voxel of the hidden patient.
LEVEL = -500
# A column of numbers of each table, for where one is joined or sorted by.
KEYS = {"segments": "segment_number", "measurements": "measurement_number", "regions": "segment_number", "volumes": "series_number"}
# Of every expression, what who sees all is told.
OF_SEGMENTS = {
    f"1 / (c.segment_number - {NUMBER})": "22012",
    "CAST(c.label AS int)": "22P02",
    "CAST((c.property_type).value AS int)": "22P02",
    "CAST(c.tracking_id AS int)": "22P02",
    f"CAST(1 / (c.voxel_count - {5 * 5 * 2}) AS int)": "22012",
    "CAST(sqrt(c.volume_ml - 0.2) AS int)": "22",
    f"CASE WHEN c.patient_id = '{SHUT}' THEN 1 / (c.segment_number - c.segment_number) ELSE 1 END": "22012",
    "CASE WHEN 'x' ~ c.algorithm_name THEN 1 ELSE 2 END": "2201B",
}
EXPRESSIONS = {
    "segments": OF_SEGMENTS,
    "measurements": {
        f"1 / (c.measurement_number - {NUMBER})": "22012",
        "CAST(c.value AS smallint)": "22003",
        "CAST(c.tracking_id AS int)": "22P02",
        "CAST((c.finding).value AS int)": "22P02",
        "CAST((c.unit).meaning AS int)": "22P02",
        f"CASE WHEN c.patient_id = '{SHUT}' THEN 1 / (c.measurement_number - c.measurement_number) ELSE 1 END": "22012",
    },
    "regions": {
        **{e: OF_SEGMENTS[e] for e in ("CAST(c.label AS int)", f"1 / (c.segment_number - {NUMBER})")},
        f"1 / CAST(mean_hu(c.roi) - {LEVEL} AS int)": "22012",
        "length(md5(thumbnail(c.roi, 100 - 7 * c.segment_number)))": "",
        f"CAST(hu_percentile(c.roi, c.segment_number / {NUMBER - 1}.0) AS int)": "",
        f"length(md5(montage(c.roi, {NUMBER} - c.segment_number)))": "",
        f"1 / CAST(array_max((c.roi).voxels) - {LEVEL} AS int)": "22012",
    },
    "volumes": {
        f"1 / (c.series_number - {NUMBER})": "22012",
        "CAST(c.series_description AS int)": "22P02",
        f"1 / CAST(array_max((c.volume).voxels) - {LEVEL} AS int)": "22012",
        "length(md5(thumbnail(c.volume, 100 - 7 * c.series_number)))": "",
    },
}
# In a place, unless at full size: so many expressions, and other ones in the next place.
FEW = 2
# What looks at pixels, which are of instances: hidden with those, whoever may see the row.
OF_PIXELS = {"regions": [f"1 / CAST(mean_hu(c.roi) - {LEVEL} AS int)"], "volumes": [f"1 / CAST(array_max((c.volume).voxels) - {LEVEL} AS int)"]}
# What is refused whoever asks: see test_joins_by_functions_of_fields and test_steps_of_columns_with_comments.
REFUSED = {"join by the expression": r"array_max", "recursive step": r"^CAST\(c\.\w+ AS \w+\)$"}


def code(value, scheme="99T", meaning=None):
    return [item(CodeValue=str(value), CodingSchemeDesignator=scheme, CodeMeaning=str(meaning or value))]


def report(study, number, text, value):
    """A report of one measurement group with measurements of the numbers 1 to `number`, of which the last has the value."""
    out = pydicom.Dataset()
    out.SOPClassUID, out.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", f"{ROOT}.{study}.5.1"
    out.StudyInstanceUID, out.SeriesInstanceUID, out.Modality, out.SeriesNumber = f"{ROOT}.{study}", f"{ROOT}.{study}.5", "SR", 5
    parts = [
        item(RelationshipType="HAS OBS CONTEXT", ValueType="TEXT", ConceptNameCodeSequence=code("112039", "DCM", "Tracking Identifier"), TextValue=text),
        item(RelationshipType="CONTAINS", ValueType="CODE", ConceptNameCodeSequence=code("121071", "DCM", "Finding"), ConceptCodeSequence=code(text)),
    ]
    for n in range(1, number + 1):
        measured = item(NumericValue=str(value if n == number else n), MeasurementUnitsCodeSequence=code("mm", "UCUM", text))
        parts.append(item(RelationshipType="CONTAINS", ValueType="NUM", ConceptNameCodeSequence=code("103339001", "SCT"), MeasuredValueSequence=[measured]))
    group = item(RelationshipType="CONTAINS", ValueType="CONTAINER", ConceptNameCodeSequence=code("125007", "DCM"), ContentSequence=parts)
    groups = item(RelationshipType="CONTAINS", ValueType="CONTAINER", ConceptNameCodeSequence=code("126010", "DCM"), ContentSequence=[group])
    out.ValueType, out.ContentSequence = "CONTAINER", [groups]
    return complete(out)


def patient(study, name, number, text, pattern, grid, pixels, box):
    """Images, a segmentation of one segment, a structure set of one region, a report."""
    images = series(study, grid, pixels, SeriesDescription=text, PatientID=name, PatientName=name)
    (x, y, z), (wide, high, deep) = box
    mask = numpy.zeros(grid.shape, numpy.uint8)
    mask[z : z + deep, y : y + high, x : x + wide] = 1
    corners = [(x - 0.5, y - 0.5), (x + wide - 0.5, y - 0.5), (x + wide - 0.5, y + high - 0.5), (x - 0.5, y + high - 0.5)]
    drawn = structures(images, [(number, text, [contour(polygon(grid, k, corners)) for k in range(z, z + deep)])])
    made = segmentation(images, mask)
    described = made.SegmentSequence[0]
    described.SegmentNumber, described.SegmentLabel, described.TrackingID, described.TrackingUID = number, text, text, f"{ROOT}.{study}.4"
    described.SegmentedPropertyTypeCodeSequence = code(text)
    described.SegmentAlgorithmName = pattern
    for frame in (*made.PerFrameFunctionalGroupsSequence, *made.SharedFunctionalGroupsSequence):
        if "SegmentIdentificationSequence" in frame:
            frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber = number
    told = report(study, number, text, VALUE if text == SHUT else number)
    for each in images:
        each.SeriesNumber = number
    for each in (drawn, made, told):
        each.PatientID = each.PatientName = name
    return [*images, made, drawn, told]


class Clinic:
    """A lake with its server and roles: anna, whom policies hide the patient from; berta, from whom they hide his instances alone; boss."""

    def __init__(self, radlake, folder, files):
        self.lake = Lake(radlake, folder / "lake")
        self.lake.init()
        for path in files:
            assert self.lake.ingest(path, provider="p")["ingested"]
        self.server = Server(self.lake, "--upkeep-interval", "0s").__enter__()
        self.admin = psycopg.connect(**self.server.dsn, autocommit=True)
        self.before = self.admin.execute("SELECT max(epoch) FROM system.epochs").fetchone()[0]
        for text in [
            "CREATE SCHEMA ward",
            "CREATE TABLE ward.taken (e bigint)",
            "INSERT INTO ward.taken VALUES (1)",
            *[f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'" for name in ("anna", "berta", "boss")],
            "GRANT USAGE ON SCHEMA imaging TO anna, berta, boss",
            "GRANT USAGE, CREATE ON SCHEMA ward TO anna, berta, boss",
            "GRANT ALL ON ward.taken TO anna, berta, boss",
            *[f"GRANT SELECT ON imaging.{table} TO anna, berta, boss" for table in [*GOVERNED, "regions", "volumes", "studies", "patients"]],
            *[f"ALTER TABLE imaging.{table} ENABLE ROW LEVEL SECURITY" for table in GOVERNED],
            *[f"CREATE POLICY boss ON imaging.{table} TO boss USING (true)" for table in GOVERNED],
            *[f"CREATE POLICY berta ON imaging.{table} TO berta USING (true)" for table in GOVERNED if table != "instances"],
            *[f"CREATE POLICY {role} ON imaging.instances TO {role} USING (patient_id <> '{SHUT}')" for role in ("anna", "berta")],
            *[f"CREATE POLICY anna ON imaging.{table} TO anna USING (patient_id <> '{SHUT}')" for table in ("series", "segments", "measurements")],
            # These have no patients: what is seen of them is what is seen of instances.
            "CREATE POLICY anna ON imaging.sources TO anna USING (sop_instance_uid IN (SELECT sop_instance_uid FROM imaging.instances))",
            "CREATE POLICY anna ON imaging.files TO anna USING (false)",
        ]:
            self.admin.execute(text)
        self.roles = {
            name: psycopg.connect(**{**self.server.dsn, "user": name, "password": SECRET}, autocommit=True, prepare_threshold=None)
            for name in ("anna", "berta", "boss")
        }

    def close(self):
        for connection in [self.admin, *self.roles.values()]:
            connection.close()
        self.server.__exit__()

    def run(self, role, text):
        """The rows of the last statement that has some, or the error; nothing stays of what was done."""
        connection, rows = self.roles[role], []
        connection.execute("BEGIN")
        try:
            for part in text.split("; "):
                if part.startswith("COPY"):
                    with connection.cursor().copy(part) as copied:
                        rows = [bytes(line) for line in copied]
                else:
                    cursor = connection.execute(part)
                    rows = cursor.fetchall() if cursor.description else [cursor.rowcount]
        except psycopg.Error as error:
            return error
        finally:
            connection.execute("ROLLBACK")
            if "PREPARE" in text:
                connection.execute("DEALLOCATE ALL")
        return rows


@pytest.fixture(scope="module")
def clinics(radlake, tmp_path_factory):
    """The lake that has the hidden patient, and the one that does not."""
    path = tmp_path_factory.mktemp("leaks of pixels")
    grid = Grid(size=(16, 14, 6))
    for study in (1, 2):
        save(path / "seen", *patient(study, f"P{study}", study, str(study), "x", grid, None, ((3, 3, 2), (7, 6, 3))))
    # On a lattice of its own: to compare it with the others is an error.
    other = Grid(size=(16, 14, 6), spacing=(0.7, 0.9, 2.1), origin=(3.0, 2.0, 1.0))
    level = numpy.full(other.shape, LEVEL + 1000, numpy.int16)
    save(path / "hidden", *patient(STUDY, SHUT, NUMBER, SHUT, "(", other, level, ((4, 4, 2), (5, 5, 2))))
    whole, fewer = Clinic(radlake, path / "whole", [path / "seen", path / "hidden"]), Clinic(radlake, path / "copy", [path / "seen"])
    whole.files = path
    yield whole, fewer
    whole.close()
    fewer.close()


def statement(template, expression, table, epoch=""):
    """A place of test_leaks.py with an expression of one of these tables."""
    named = template.replace("c.id", f"c.{KEYS[table]}").replace("d.id", f"d.{KEYS[table]}").replace("d.x", f"d.{KEYS[table]}").replace("c.site", "c.patient_id")
    return named.format(e=expression, t=f"imaging.{table}{epoch} c", u=f"imaging.{table}{epoch} d")


def is_planned(place, expression):
    return place not in REFUSED or not re.search(REFUSED[place], expression)


def known(answer):
    """What is compared: rows in any order, or all that is told of an error."""
    return (answer.sqlstate, texts(answer)) if isinstance(answer, psycopg.Error) else sorted(map(repr, answer))


def same(clinics, role, text, answered=False):
    """What is wrong with a statement's answer, beside that of the lake without the patient; whether that has to be no error."""
    whole, fewer = (clinic.run(role, text) for clinic in clinics)
    if isinstance(fewer, psycopg.Error) and (answered or fewer.sqlstate[:2] in ("22", "XX")):
        return f"{role}: {text}\n  fails without hidden rows\n  {fewer.sqlstate} {fewer}"
    if known(whole) != known(fewer):
        return f"{role}: {text}\n  gives {known(whole)}\n  not   {known(fewer)}"
    if any(hidden in str(known(whole)) for hidden in HIDDEN if hidden not in text):
        return f"{role}: {text}\n  tells {known(whole)}"
    return None


def none(failures):
    failures = [failure for failure in failures if failure]
    assert not failures, f"{len(failures)}\n" + "\n".join(failures[:10])


@pytest.mark.parametrize("table", TABLES)
def test_each_expression_fails_on_hidden_rows(clinics, table):
    for expression, state in EXPRESSIONS[table].items():
        error = clinics[0].run("boss", statement(READS["list"], expression, table))
        assert isinstance(error, psycopg.Error) and error.sqlstate.startswith(state), (expression, error)
        rows = clinics[1].run("boss", statement(READS["list"], expression, table))
        assert not isinstance(rows, psycopg.Error) and rows, (expression, rows)


@pytest.mark.parametrize("place", [place for place in READS if "EXPLAIN" not in READS[place]])
@pytest.mark.parametrize("table", TABLES)
def test_no_expression_meets_a_hidden_row(clinics, full, table, place):
    expressions = list(EXPRESSIONS[table])
    if not full and place not in ("list", "where"):
        first = list(READS).index(place) * FEW
        expressions = [expressions[n % len(expressions)] for n in range(first, first + FEW)]
    none([same(clinics, "anna", statement(READS[place], expression, table), answered=True) for expression in expressions if is_planned(place, expression)])


@pytest.mark.parametrize("table", OF_PIXELS)
@pytest.mark.parametrize("place", READS)
def test_no_expression_meets_pixels_of_a_hidden_instance(clinics, table, place):
    """Whoever sees the row, too."""
    for expression in OF_PIXELS[table]:
        if is_planned(place, expression):
            answer = clinics[0].run("berta", statement(READS[place], expression, table))
            assert not isinstance(answer, psycopg.Error), answer


@pytest.mark.xfail(strict=True, reason="the plan names a column that is not there: 42703")
def test_joins_by_functions_of_fields(clinics):
    text = "SELECT c.label FROM imaging.segments c JOIN imaging.series d ON length((c.property_type).value) = d.series_number ORDER BY 1"
    assert clinics[1].run("boss", text) == [("1",), ("2",)]


@pytest.mark.xfail(strict=True, reason="the comment of the column counts as a difference of types: 42601")
def test_steps_of_columns_with_comments(clinics):
    text = "WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT CAST(s.label AS int) FROM r JOIN imaging.segments s ON r.n = 1) SELECT n FROM r ORDER BY n"
    assert clinics[1].run("boss", text) == [(1,), (2,)]


@pytest.mark.parametrize("table", TABLES)
def test_no_expression_meets_a_hidden_row_of_an_earlier_epoch(clinics, table):
    """That epoch knows no policy: today's bind."""
    whole = clinics[0]
    expressions = list(EXPRESSIONS[table])
    for place in ("list", "where", "order", "aggregate", "nested loop", "exists", "cte"):
        for expression in expressions[-FEW:]:
            text = statement(READS[place], expression, table, f" FOR VERSION AS OF {whole.before} AS")
            answer = whole.run("anna", text)
            assert not isinstance(answer, psycopg.Error) and not any(hidden in repr(answer) for hidden in HIDDEN), (text, answer)
    whole.roles["anna"].execute(f"SET radlake.epoch = {whole.before}")
    try:
        for expression in expressions:
            for place in ("list", "where"):
                answer = whole.run("anna", statement(READS[place], expression, table))
                assert not isinstance(answer, psycopg.Error) and not any(hidden in repr(answer) for hidden in HIDDEN), (expression, answer)
    finally:
        whole.roles["anna"].execute("RESET radlake.epoch")


SEG, IMAGES = f"{ROOT}.{STUDY}.81.1", f"{ROOT}.{STUDY}.1"
ASKED = [
    # Who knows a UID, a name or a number learns nothing of whether it is there.
    *[f"SELECT count(*) FROM imaging.{table} WHERE patient_id = '{SHUT}'" for table in TABLES],
    *[f"SELECT * FROM imaging.{table} WHERE series_instance_uid LIKE '{ROOT}.{STUDY}%'" for table in TABLES],
    f"SELECT label, (roi).size, roi_reason FROM imaging.regions WHERE sop_instance_uid = '{SEG}' OR segment_number = {NUMBER}",
    f"SELECT thumbnail(roi, 64) FROM imaging.regions WHERE sop_instance_uid = '{SEG}'",
    f"SELECT thumbnail(volume, 64), volume_reason FROM imaging.volumes WHERE series_instance_uid = '{IMAGES}'",
    f"SELECT v.u FROM (VALUES ('{SEG}'), ('none')) v(u) WHERE NOT EXISTS (SELECT 1 FROM imaging.segments s WHERE s.sop_instance_uid = v.u)",
    f"SELECT u, r.roi IS NULL, r.roi_reason FROM (VALUES ('{SEG}'), ('none')) v(u) LEFT JOIN imaging.regions r ON r.sop_instance_uid = v.u",
    f"SELECT count(*) FROM imaging.measurements WHERE value > 1000000 OR (finding).value = '{SHUT}' OR segmentation_sop_instance_uid = '{SEG}'",
    # Of all that there is.
    *[f"SELECT count(*), count(DISTINCT patient_id), count(DISTINCT provider), min(patient_id), max(patient_id) FROM imaging.{table}" for table in TABLES],
    "SELECT max(segment_number), max(label), min(volume_ml), sum(voxel_count), count(DISTINCT (property_type).value) FROM imaging.segments",
    "SELECT max(value), max(tracking_id), max((unit).meaning), max(measurement_number) FROM imaging.measurements",
    "SELECT max(volume_ml(roi)), min(mean_hu(roi)), count(roi), count(roi_reason), max((roi).modality) FROM imaging.regions",
    "SELECT count(volume), count(volume_reason), min(array_max((volume).voxels)), max(series_number) FROM imaging.volumes",
    "SELECT a.label, b.label, dice(a.roi, b.roi) FROM imaging.regions a, imaging.regions b",
    "SELECT a.label, b.label, hausdorff_mm(a.roi, b.roi) FROM imaging.regions a CROSS JOIN imaging.regions b WHERE dice(a.roi, b.roi) >= 0",
    "SELECT a.label, max(dice(a.roi, b.roi)) FROM imaging.regions a LEFT JOIN imaging.regions b ON b.segment_number >= a.segment_number GROUP BY 1",
    "SELECT label, row_number() OVER (ORDER BY mean_hu(roi)), ntile(3) OVER (ORDER BY segment_number), count(*) OVER () FROM imaging.regions",
    "SELECT r.label, m.value FROM imaging.regions r FULL JOIN imaging.measurements m ON r.patient_id = m.patient_id",
    "SELECT * FROM imaging.segments s FULL JOIN (SELECT 1 AS one) x ON s.segment_number = x.one ORDER BY 1, 2, 3",
    "SELECT * FROM imaging.segments",
    "SELECT * FROM imaging.measurements",
    "COPY imaging.segments TO STDOUT",
    "COPY (SELECT patient_id, thumbnail(roi, 32) FROM imaging.regions) TO STDOUT",
    "COPY (SELECT series_instance_uid, thumbnail(volume, 32), volume_reason FROM imaging.volumes) TO STDOUT",
    "SELECT * FROM imaging.patients",
    "SELECT * FROM imaging.studies",
    # What tells of tables beside their rows.
    "SELECT relname, reltuples, relpages FROM pg_class WHERE relname IN ('segments', 'measurements', 'regions', 'volumes')",
    "SELECT * FROM pg_stats WHERE schemaname = 'imaging' AND tablename IN ('segments', 'measurements')",
    "SELECT pg_relation_size('imaging.segments'), pg_table_size('imaging.measurements')",
]
# What she may not do, and is told so whether there is such a patient or not.
DONE = [
    "CALL radlake.forget(patient => '{}', dry_run => true)",
    "CALL radlake.holdings(patient => '{}')",
    "DELETE FROM imaging.segments WHERE 1 / (segment_number - 13) > 0 AND patient_id = '{}'",
    "UPDATE imaging.measurements SET value = 1 WHERE value > 1000000 AND patient_id = '{}'",
    "INSERT INTO imaging.segments (patient_id, segment_number) VALUES ('{}', 13)",
    "INSERT INTO imaging.regions (patient_id) VALUES ('{}')",
    "DELETE FROM imaging.volumes WHERE patient_id = '{}'",
]


@pytest.mark.parametrize("text", ASKED)
def test_a_hidden_patient_is_as_good_as_none(clinics, text):
    none([same(clinics, "anna", text, answered=True)])


@pytest.mark.parametrize("text", DONE)
def test_who_may_not_is_told_the_same_of_any_patient(clinics, text):
    told = []
    for name in (SHUT, "P1", "nobody"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as error:
            clinics[0].roles["anna"].execute(text.format(name))
        told.append(texts(error.value))
    assert len(set(told)) == 1, told


def test_who_sees_the_patient_is_told(clinics):
    """What the statements above are answered, if not for the policies: they would tell."""
    told = 0
    for text in ASKED:
        whole, fewer = (known(clinic.run("boss", text)) for clinic in clinics)
        told += whole != fewer
    assert told >= 25, told


SAID = ["roi FROM imaging.regions WHERE voxel_count > 0", "volume FROM imaging.volumes", "* FROM imaging.segments WHERE segment_number > 0", "value FROM imaging.measurements ORDER BY value",
        "dice(a.roi, b.roi) FROM imaging.regions a JOIN imaging.regions b ON a.segment_number <> b.segment_number"]

# Of a plan: times, and what comes of which thread was first.
VARIES = r"[\d.]+ ?[mµn]?s\b|\w*(batches|mem_used)=[^,\]]*"


@pytest.mark.parametrize("text", SAID)
def test_plans_are_those_of_who_has_no_such_patient(clinics, text):
    plain = [clinic.run("anna", f"EXPLAIN SELECT {text}") for clinic in clinics]
    assert plain[0] == plain[1] and not isinstance(plain[0], psycopg.Error), plain
    for options in ("VERBOSE", "ANALYZE", "ANALYZE, VERBOSE"):
        plans = [re.sub(VARIES, "", repr(clinic.run("anna", f"EXPLAIN ({options}) SELECT {text}"))) for clinic in clinics]
        assert plans[0] == plans[1] and ("Rows: " in plans[0]) == ("ANALYZE" in options), plans
        for secret in [*HIDDEN, "P1", "parquet", ".dcm", str(clinics[0].files)]:
            assert secret not in plans[0], (secret, plans[0])


def test_nothing_that_anna_may_read_has_the_patient(clinics):
    """Every relation of every schema, and what the functions of upkeep tell."""
    whole = clinics[0]
    relations = whole.admin.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p')"
    ).fetchall()
    relations += whole.admin.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
    read, pixels = set(), {("imaging", "regions"), ("imaging", "volumes")}
    assert pixels < set(relations)
    for schema, name in sorted(set(relations)):
        rows = whole.run("anna", f'SELECT * FROM "{schema}"."{name}"')
        if isinstance(rows, psycopg.Error):
            assert rows.sqlstate == DENIED.sqlstate, (schema, name, rows)
            continue
        read.add((schema, name))
        said = [hidden for hidden in [*HIDDEN, str(whole.files)] if hidden in repr(rows)]
        if schema == "imaging":
            assert not said, (schema, name, said)
        # Policies may name a patient: anna reads their conditions where PostgreSQL shows them.
        elif name not in ("pg_policy", "pg_policies"):
            assert not said, (schema, name, said)
    assert pixels < read and ("imaging", "measurements") in read and ("system", "epochs") in set(relations), read


def test_pixels_of_hidden_instances_are_as_good_as_none(clinics):
    """Berta sees the rows and none of the voxels: not their sum, their grid, their modality, or whether the files are sound."""
    whole = clinics[0]
    columns = "roi IS NULL, roi_reason, (roi).size, (roi).spacing, (roi).origin, (roi).modality, (roi).units, mean_hu(roi), volume_ml(roi), centroid(roi), thumbnail(roi, 64), montage(roi, 4), hu_percentile(roi, 0.5), max_diameter_mm(roi)"
    rows = whole.run("berta", f"SELECT {columns} FROM imaging.regions WHERE patient_id = '{SHUT}'")
    assert len(rows) == 2 and all(row[:2] == (True, "it is of images that may not be seen") and set(row[2:]) == {None} for row in rows), rows
    rows = whole.run("berta", f"SELECT volume IS NULL, volume_reason, (volume).size, thumbnail(volume, 64) FROM imaging.volumes WHERE patient_id = '{SHUT}'")
    assert rows == [(True, "it is of images that may not be seen", None, None)]
    rows = whole.run("berta", "SELECT a.patient_id, b.patient_id, dice(a.roi, b.roi), hausdorff_mm(a.roi, b.roi) FROM imaging.regions a, imaging.regions b")
    assert len(rows) == 36 and all((dice is None) == (SHUT in (a, b)) and (distance is None) == (SHUT in (a, b)) for a, b, dice, distance in rows), rows
    boss = whole.run("boss", "SELECT dice(a.roi, b.roi) FROM imaging.regions a, imaging.regions b")
    assert isinstance(boss, psycopg.Error) and boss.sqlstate[:2] not in ("XX", "42"), boss


# Columns by which a row finds its files.
POINTERS = [("segments", "source_series_instance_uid", IMAGES), ("segments", "sop_instance_uid", SEG), ("series", "series_instance_uid", IMAGES), ("instances", "source_uri", "file:///etc/passwd")]


@pytest.mark.parametrize(("table", "column", "target"), POINTERS)
def test_rows_cannot_be_pointed_at_hidden_files(clinics, table, column, target):
    """Whatever was granted: only ingestion says which file a row is of, and who tries is told the same of files that there are and of others."""
    whole = clinics[0]
    if not whole.admin.execute("SELECT FROM pg_roles WHERE rolname = 'carl'").fetchall():
        whole.admin.execute(f"CREATE ROLE carl LOGIN PASSWORD '{SECRET}'")
        whole.admin.execute("GRANT USAGE ON SCHEMA imaging TO carl")
        for name in ("instances", "series", "segments"):
            whole.admin.execute(f"GRANT ALL ON imaging.{name} TO carl")
            whole.admin.execute(f"CREATE POLICY carl ON imaging.{name} TO carl USING (patient_id <> '{SHUT}') WITH CHECK (true)")
    with psycopg.connect(**{**whole.server.dsn, "user": "carl", "password": SECRET}, autocommit=True) as carl:
        assert carl.execute(f"SELECT count(*) FROM imaging.{table} WHERE patient_id = 'P1'").fetchone()[0]
        for text in (
            f"UPDATE imaging.{table} SET {column} = %s WHERE patient_id = 'P1'",
            f"INSERT INTO imaging.{table} (patient_id, {column}) VALUES ('P1', %s)",
            f"MERGE INTO imaging.{table} t USING (VALUES (%s)) s(x) ON t.patient_id = 'P1' WHEN MATCHED THEN UPDATE SET {column} = s.x",
        ):
            told = []
            for value in (target, f"{ROOT}.9999.1"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege) as error:
                    carl.execute(text, [value])
                told.append(texts(error.value))
            assert told[0] == told[1] and not any(hidden in told[0] for hidden in HIDDEN), told


def test_an_object_that_names_hidden_images_shows_nothing_of_them(radlake, tmp_path):
    """A segmentation of a patient who is seen, on images of one who is not: it has voxels on them, and who asks gets none."""
    grid = Grid(size=(16, 14, 6))
    level = numpy.full(grid.shape, LEVEL + 1000, numpy.int16)
    files = patient(STUDY, SHUT, NUMBER, SHUT, "(", grid, level, ((4, 4, 2), (5, 5, 2)))
    mask = numpy.zeros(grid.shape, numpy.uint8)
    mask[1:3, 2:6, 2:6] = 1
    crossed = segmentation(files[: grid.size[2]], mask, number=9)
    # Its elements are those of the images: what is written into one is in both.
    crossed = copy.deepcopy(crossed)
    crossed.StudyInstanceUID, crossed.PatientID, crossed.PatientName = f"{ROOT}.3", "P3", "P3"
    crossed.SOPInstanceUID, crossed.SeriesInstanceUID = f"{ROOT}.3.9.1", f"{ROOT}.3.9"
    save(tmp_path / "in", *files, complete(crossed))
    clinic = Clinic(radlake, tmp_path, [tmp_path / "in"])
    try:
        text = "SELECT roi IS NULL, roi_reason, mean_hu(roi), thumbnail(roi, 64), volume_ml(roi), (roi).origin FROM imaging.regions WHERE patient_id = 'P3'"
        [shown] = clinic.run("boss", text)
        assert shown[0] is False and shown[2] == LEVEL
        for role in ("anna", "berta"):
            assert clinic.run(role, text) == [(True, "it is of images that may not be seen", None, None, None, None)]
            for expression in EXPRESSIONS["regions"]:
                if "roi" in expression and "segment_number" not in expression:
                    answer = clinic.run(role, statement(READS["list"], expression, "regions"))
                    assert not isinstance(answer, psycopg.Error), answer
    finally:
        clinic.close()
