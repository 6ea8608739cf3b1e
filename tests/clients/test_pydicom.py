"""pydicom's own test files: all ingested or refused with a reason, and what was read is what pydicom reads."""

import collections
import datetime
import json
import math
import re
import urllib.parse
import warnings

import psycopg
import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: its files are what is read")
pytest.importorskip("pydicom.config")
MultiValue = pytest.importorskip("pydicom.multival").MultiValue

# Files that pydicom reads, if told to, and Radlake refuses: each with the code of the reason, and why that is right.
REFUSED = {
    "DICOMDIR*": {"dicomdir"},
    "*truncated*": {"truncated"},
}

# Columns that hold an entry per item of the outermost sequence, where others hold the first item's value.
EACH = {
    "segment_numbers", "segment_labels", "segment_algorithm_types", "segmented_property_types",
    "roi_numbers", "roi_names", "rt_roi_interpreted_types",
}


@pytest.fixture(scope="module")
def connection(pydicom_server):
    with psycopg.connect(**pydicom_server.dsn, autocommit=True) as connection:
        info = psycopg.types.composite.CompositeInfo.fetch(connection, "imaging.code")
        assert info, "no type imaging.code"
        psycopg.types.composite.register_composite(info, connection)
        yield connection


@pytest.fixture(scope="module")
def offered(pydicom_files):
    return sorted(path for path in pydicom_files.rglob("*") if path.is_file())


def local(uri):
    """The path of a source URI."""
    return urllib.parse.unquote(urllib.parse.urlparse(uri).path) if uri.startswith("file:") else uri


@pytest.fixture(scope="module")
def files(connection):
    """imaging.files by path: (status, code and text of the reason)."""
    cursor = connection.execute("SELECT * FROM imaging.files")
    names = [d.name for d in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return {local(row["uri"]): row for row in rows}


def read(path):
    """The data set as pydicom reads it, or nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(path, stop_before_pixels=True)
        except Exception:
            pass
        try:
            forced = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            return forced if forced.get("SOPInstanceUID") and forced.get("StudyInstanceUID") else None
        except Exception:
            return None


def test_every_file_has_an_outcome(files, offered, pydicom_lake):
    assert len(offered) > 150
    outcomes = collections.Counter()
    for path in offered:
        # Members of archives have rows of their own: archive!/member.
        rows = [row for uri, row in files.items() if uri == str(path) or uri.startswith(f"{path}!")]
        assert rows, f"{path} is not in imaging.files"
        for row in rows:
            outcomes[row["status"]] += 1
            assert row["status"] in ("ingested", "duplicate", "conflict", "refused", "skipped", "archive"), row
            if row["status"] in ("refused", "conflict"):
                assert re.fullmatch("[a-z_]+", row["reason_code"]), row
                assert len(row["reason"]) > 10, row
    print(f"\n{dict(outcomes)} {json.dumps(pydicom_lake.report)[:600]}")
    assert outcomes["ingested"] > 60


def test_refusals_are_just(files, offered):
    """What pydicom reads as an instance is refused only for what REFUSED says; what it cannot read is refused."""
    unjust = []
    for path in offered:
        row = files.get(str(path))
        if row is None or row["status"] == "archive":
            continue
        dataset = read(path)
        whole = dataset is not None and all(
            dataset.get(k) for k in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
        )
        reason = row["reason_code"]
        if row["status"] in ("refused", "skipped"):
            if whole and not any(
                path.match(pattern) and reason in codes for pattern, codes in REFUSED.items()
            ):
                unjust.append((path.name, reason))
        elif not whole:
            unjust.append((path.name, f"{row['status']}, though pydicom finds no instance"))
    assert not unjust, "\n".join(map(str, unjust))


@pytest.fixture(scope="module")
def columns(connection):
    """name -> (tags, VR, SQL type), as the comments of the columns give them. Those that read functional groups are in FRAMES."""
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE n.nspname = 'imaging' AND c.relname = 'instances' AND a.attnum > 0 ORDER BY a.attnum"
    ).fetchall()
    out = {}
    for name, kind, comment in rows:
        assert comment, f"{name} has no comment"
        path = r"\([0-9A-F,]{9}\)(?: > \([0-9A-F,]{9}\))*"
        found = re.search(f"; (of frames )?({path}) ([A-Z]{{2}})(?:, or of all frames ({path}(?: or {path})*) [A-Z]{{2}})?$", comment)
        if not found:
            continue
        out[name] = (tags(found[2]), found[3], kind)
        if found[1]:
            ALL_FRAMES.add(name)
        if found[4]:
            FRAMES[name] = [tags(path) for path in found[4].split(" or ")]
    assert len(out) >= 190
    assert len(ALL_FRAMES) >= 40 and len(FRAMES) >= 30
    return out


# Columns whose values functional groups have: all different ones, or the one of all frames where the data set itself has none.
ALL_FRAMES = set()
FRAMES = {}


def tags(path):
    return [int(t.replace(",", ""), 16) for t in re.findall(r"\(([0-9A-F,]{9})\)", path)]


def of_frames(dataset, path):
    """What the functional groups have at a path, each value once, as lists."""
    groups = [*(dataset.get("SharedFunctionalGroupsSequence") or [])[:1], *(dataset.get("PerFrameFunctionalGroupsSequence") or [])]
    out = []
    for group in groups:
        found = values(items(group, path))
        if found and found not in out:
            out.append(found)
    return out


def test_names_are_those_of_the_dictionary(columns):
    """A column bears the keyword of its element in snake_case, and VR and meaning agree with pydicom's dictionary."""
    for name, (tags, vr, _) in columns.items():
        known = pydicom.datadict.dictionary_VR(tags[-1])
        assert vr in known, name
        if len(tags) == 1:
            keyword = pydicom.datadict.keyword_for_tag(tags[-1])
            plain = name.replace("_", "")
            assert plain in (keyword.lower(), keyword.lower().removesuffix("sequence"), keyword.lower().removesuffix("codesequence"))


def items(dataset, tags):
    """The elements at the end of a path through first items."""
    for tag in tags[:-1]:
        sequence = dataset.get(tag)
        if sequence is None or not sequence.value:
            return None
        dataset = sequence.value[0]
    return dataset.get(tags[-1])


def elements(dataset, name, tags):
    if name not in EACH:
        return items(dataset, tags)
    sequence = dataset.get(tags[0])
    return [items(item, tags[1:]) for item in (sequence.value if sequence else None) or []]


def date(text):
    text = str(text).strip(" \0")
    for form in ("%Y%m%d", "%Y.%m.%d"):
        try:
            return datetime.datetime.strptime(text, form).date()
        except ValueError:
            pass
    return None


def time(text):
    found = re.fullmatch(r"(\d\d):?(\d\d)?:?(\d\d)?(?:\.(\d{1,6}))?", str(text).strip(" \0"))
    if not found:
        return None
    hour, minute, second, fraction = found.groups()
    try:
        return datetime.time(int(hour), int(minute or 0), min(int(second or 0), 59), int((fraction or "0").ljust(6, "0")))
    except ValueError:
        return None


def instant(text, dataset):
    found = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.(\d{1,6}))?([+-]\d{4})?", str(text).strip(" \0"))
    if not found:
        return None
    y, mo, d, h, mi, s, f, zone = found.groups()
    zone = zone or dataset.get("TimezoneOffsetFromUTC") or "+0000"
    offset = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])) * (-1 if zone[0] == "-" else 1)
    parts = [int(y), int(mo or 1), int(d or 1), int(h or 0), int(mi or 0), min(int(s or 0), 59), int((f or "0").ljust(6, "0"))]
    try:
        return datetime.datetime(*parts, datetime.UTC) - offset
    except ValueError:
        return None


def number(value):
    try:
        value = float(str(value).strip(" \0"))
    except ValueError:
        return None
    return value


def integer(value):
    try:
        return int(str(value).strip(" \0"))
    except ValueError:
        return None


def text(value):
    value = str(value).strip(" \0\n\r\t\f")
    return value or None


def scalar(value, kind, dataset):
    if value is None or value == "":
        return None
    match kind:
        case "date":
            return date(value)
        case "time without time zone":
            return time(value)
        case "timestamp with time zone":
            return instant(value, dataset)
        case "double precision":
            return number(value)
        case "integer" | "bigint":
            return integer(value)
        case "text":
            return text(value)
    raise AssertionError(kind)


def values(element):
    if element is None or element.value is None:
        return []
    value = element.value
    if isinstance(value, (MultiValue, list)):
        return list(value)
    return [] if value == "" else [value]


def expected(dataset, name, tags, kind):
    """What the typed column should hold, by pydicom."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = elements(dataset, name, tags)
        if name in EACH:
            kind = kind.removesuffix("[]")
            each = [scalar(next(iter(values(e)), None), kind, dataset) for e in found]
            return each or None
        if kind == "imaging.code":
            if found is None or not found.value:
                return None
            item = found.value[0]
            value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue")
            code = (value, item.get("CodingSchemeDesignator"), item.get("CodeMeaning"))
            return tuple(text(c) if c else None for c in code) if any(code) else None
        if name in ALL_FRAMES:
            every = of_frames(dataset, tags)
            kind = kind.removesuffix("[]")
            if kind == "text":
                return [text("\\".join(str(v).strip(" ") for v in one)) for one in every] or None
            return [scalar(v, kind, dataset) for one in every for v in one] or None
        many = values(found)
        if not many and name in FRAMES:
            every = [one for path in FRAMES[name] for one in of_frames(dataset, path)]
            many = every[0] if len(every) == 1 else []
            if kind == "integer":
                many = [int(v) for v in many if v == int(v)]
            if len(many) > 1 and not kind.endswith("[]"):
                many = []
        if kind.endswith("[]"):
            return [scalar(v, kind.removesuffix("[]"), dataset) for v in many] or None
        if kind == "text" and len(many) > 1:
            return text("\\".join(str(v).strip(" ") for v in many))
        return scalar(many[0], kind, dataset) if many else None


def normal(value):
    """Floats that are the same number compare equal; NaN too; texts without padding."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else float(f"{value:.15g}")
    if isinstance(value, str):
        return text(value)
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC)
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, tuple):
        return tuple(normal(v) for v in value)
    return value


@pytest.fixture(scope="module")
def instances(connection):
    cursor = connection.execute("SELECT * FROM imaging.instances", binary=True)
    names = [d.name for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def dataset_of(row):
    uri = local(row["source_uri"])
    return None if "!" in uri else read(uri)


def test_typed_columns_equal_pydicom(instances, columns):
    """Column by column, file by file."""
    wrong = collections.defaultdict(list)
    filled = collections.Counter()
    for row in instances:
        dataset = dataset_of(row)
        if dataset is None:
            continue
        for name, (tags, _, kind) in columns.items():
            want = normal(expected(dataset, name, tags, kind))
            got = normal(row[name])
            if want is not None:
                filled[name] += 1
            if got != want:
                wrong[name].append((local(row["source_uri"]).rsplit("/", 1)[-1], got, want))
    report = "\n".join(f"{name} ({len(w)}): {w[:3]}" for name, w in wrong.items())
    assert not wrong, f"{len(wrong)} columns differ\n{report}"
    assert len(filled) > 100, f"only {len(filled)} columns have a value in any file"


def test_bookkeeping(instances, pydicom_files):
    for row in instances:
        path = local(row["source_uri"])
        assert row["provider"] == "pydicom"
        assert row["ingested_epoch"] > 0
        if "!" in path:
            continue
        with open(path, "rb") as file:
            content = file.read()
        assert row["file_size"] == len(content), path
        dataset = read(path)
        meta = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
        if meta:
            assert row["transfer_syntax_uid"] == meta, path
        if row["pixel_data_offset"] is not None:
            at = row["pixel_data_offset"]
            tag = content[at : at + 4]
            assert tag in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00"), (path, tag)


def test_dataset_is_dicom_json(instances):
    """`dataset` is DICOM JSON that pydicom itself reads, with the same elements as the file."""
    wrong = []
    for row in instances:
        dataset = dataset_of(row)
        if dataset is None:
            continue
        parsed = json.loads(row["dataset"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ours = pydicom.Dataset.from_json(parsed, bulk_data_uri_handler=lambda *_: None)
            except ValueError as unread:
                # The file itself has an IS or DS that is no number; it stays in `dataset` as it is.
                assert row["warnings"] > 0, (row["source_uri"], unread)
                ours = None
        name = local(row["source_uri"]).rsplit("/", 1)[-1]
        tags = {f"{e.tag:08X}" for e in dataset if e.tag.element != 0 and e.tag.group not in (0x0002, 0xFFFC)}
        missing = tags - set(parsed)
        extra = set(parsed) - tags
        large = {
            f"{e.tag:08X}" for e in dataset if isinstance(e.value, bytes) and len(e.value) > 4096
        }
        if missing - large or extra - {"00080005"}:
            wrong.append((name, "missing", sorted(missing - large)[:5], "extra", sorted(extra)[:5]))
        assert "7FE00010" not in parsed, name
        for keyword in ("PatientID", "StudyDescription", "Modality", "ImagePositionPatient", "PatientName"):
            if ours is None:
                break
            want, got = dataset.get(keyword), ours.get(keyword)
            if isinstance(want, MultiValue):
                want, got = list(map(float, want)), list(map(float, got or []))
            if str(want or "").strip() != str(got or "").strip():
                wrong.append((name, keyword, want, got))
    assert not wrong, "\n".join(map(str, wrong[:20]))


def test_dicom_tag_reads_every_keyword(connection, instances):
    """dicom_tag() finds in `dataset` what pydicom finds in the file."""
    keywords = ["Modality", "PatientID", "Manufacturer", "SOPClassUID", "BodyPartExamined", "StudyDescription"]
    for keyword in keywords:
        rows = dict(connection.execute(
            f"SELECT source_uri, dicom_tag(dataset, '{keyword}') FROM imaging.instances"
        ).fetchall())
        for uri, got in rows.items():
            if "!" in local(uri):
                continue
            want = read(local(uri)).get(keyword)
            want = "\\".join(map(str, want)) if isinstance(want, MultiValue) else want
            assert text(got or "") == text(want or ""), (uri, keyword)


def test_character_sets(connection):
    """Names in every writing system, as pydicom decodes them."""
    names = dict(connection.execute("SELECT source_uri, patient_name FROM imaging.instances").fetchall())
    seen = 0
    for uri, got in names.items():
        path = local(uri)
        if "charset_files" not in path:
            continue
        want = str(read(path).PatientName)
        assert got == want, path.rsplit("/", 1)[-1]
        seen += not want.isascii()
    assert seen >= 8


def test_series_equal_a_count_by_pydicom(connection, offered, files):
    """UID lists, counts and bytes of imaging.series, from the files alone."""
    taken = {path for path, row in files.items() if row["status"] == "ingested"}
    series = collections.defaultdict(lambda: [set(), 0])
    for path in offered:
        if str(path) not in taken:
            continue
        dataset = read(path)
        entry = series[str(dataset.SeriesInstanceUID).strip()]
        assert dataset.SOPInstanceUID not in entry[0], f"{path}: taken twice"
        entry[0].add(dataset.SOPInstanceUID)
        entry[1] += path.stat().st_size
    plain = {row["uri"] for row in files.values() if "!" in row["uri"] and row["status"] == "ingested"}
    cursor = connection.execute("SELECT * FROM imaging.series")
    names = [d.name for d in cursor.description]
    got = {r["series_instance_uid"]: (r["instance_count"], r["total_bytes"]) for r in (dict(zip(names, row, strict=True)) for row in cursor)}
    want = {uid: (len(uids), total) for uid, (uids, total) in series.items()}
    if plain:
        got = {uid: v for uid, v in got.items() if uid in want}
    assert got == want


def test_conflicts_are_recorded(connection, offered, files):
    """One SOP Instance UID in several files of other content: the first stays, the others are conflicts."""
    by_uid = collections.defaultdict(list)
    for path in offered:
        row = files.get(str(path))
        if row and row["status"] in ("ingested", "duplicate", "conflict"):
            by_uid[read(path).SOPInstanceUID].append((path, row["status"]))
    shared = {uid: rows for uid, rows in by_uid.items() if len(rows) > 1}
    assert shared, "pydicom's files have such UIDs"
    for uid, rows in shared.items():
        statuses = [status for _, status in rows]
        assert statuses.count("ingested") == 1, (uid, rows)
    n = connection.execute("SELECT count(*), count(DISTINCT sop_instance_uid) FROM imaging.instances").fetchone()
    assert n[0] == n[1]


def test_again_is_a_no_op(pydicom_lake, pydicom_files, connection):
    before = connection.execute("SELECT count(*) FROM imaging.instances").fetchone()
    epoch = connection.execute("SELECT max(epoch) FROM system.epochs").fetchone()
    report = pydicom_lake.ingest(pydicom_files, provider="pydicom")
    assert report["ingested"] == 0
    assert connection.execute("SELECT count(*) FROM imaging.instances").fetchone() == before
    assert connection.execute("SELECT max(epoch) FROM system.epochs").fetchone() == epoch


def test_no_patient_in_reasons(files, instances):
    """Reasons and logs name files and tags, never a patient's values."""
    secrets = {row[k] for row in instances for k in ("patient_name", "patient_id") if row[k] and len(str(row[k])) > 5}
    for row in files.values():
        for secret in secrets:
            assert secret not in str(row.get("reason") or ""), row
