"""`radlake load`: formats, compression, inference, rejects, and the same file twice."""

import gzip
import json
import shutil
import subprocess

import pytest
from support import Lake

CSV = 'id,name,seen,share,code\n1,"a, b",2020-02-29,0.5,007\n2,,2021-01-01,3,010\n3,"x\ny",,,\n'


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("load") / "lake")
    lake.init()
    return lake


def load(lake, table, *arguments, check=True):
    done = lake.run("load", table, *arguments, "--format", "json", check=check)
    return json.loads(done.stdout), done


def objects(lake, table, order="1"):
    done = lake.run("sql", "--format", "json", "-c", f"SELECT * FROM {table} ORDER BY {order}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(lake, table, order="1"):
    return [tuple(row.values()) for row in objects(lake, table, order)]


def test_types_are_those_of_the_whole_file_and_are_shown(lake, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(CSV)
    report, done = load(lake, "public.a", file)
    assert report["rows"] == 3 and report["files"][0]["status"] == "loaded"
    for line in ('"id" integer', '"name" text', '"seen" date', '"share" double precision', '"code" text'):
        assert line in done.stderr, done.stderr
    assert rows(lake, "public.a")[0][1:] == ("a, b", "2020-02-29", 0.5, "007")
    # The same file again, under whatever name, changes nothing; another one is added.
    again = tmp_path / "again.csv"
    again.write_text(CSV)
    assert load(lake, "public.a", again)[0]["files"][0]["status"] == "unchanged"
    more = tmp_path / "more.csv"
    more.write_text("ID,code\n4,x\n")
    assert load(lake, "public.a", again, more)[0]["rows"] == 1
    assert len(rows(lake, "public.a")) == 4
    assert load(lake, "public.a", more, "--again")[0]["rows"] == 1


def test_a_row_that_does_not_fit_stops_the_file_or_is_set_aside(lake, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("id,v\n1,1.5\n")
    bad.write_text("id,v\n2,2.5\nsecret,1\n3,3.5,9\n-4,4\n5,\n")
    lake.run("sql", "-c", "CREATE TABLE public.b (id int CHECK (id > 0), v float8 NOT NULL)")
    report, done = load(lake, "public.b", good, bad, check=False)
    assert done.returncode == 1 and [file["status"] for file in report["files"]] == ["loaded", "failed"]
    assert "secret" not in done.stderr and "22P02" in done.stderr
    assert len(rows(lake, "public.b")) == 1, "nothing of the file"
    report, _ = load(lake, "public.b", bad, "--rejects")
    assert (report["rows"], report["rejected"]) == (1, 4)
    found = [(row[1], row[2]) for row in rows(lake, "public.b_rejects", "line")]
    assert found == [(3, "id"), (4, None), (5, None), (6, None)], found
    assert "secret" not in str(rows(lake, "public.b_rejects"))


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_compressed_files_and_options(lake, tmp_path, compression):
    file = tmp_path / f"c.csv{compression}"
    text = "1;Z\u00fcrich;NA\n2;B\u00e2le;3\n".encode("latin1")
    if compression == ".gz":
        text = gzip.compress(text[:10]) + gzip.compress(text[10:])
    elif compression == ".zst":
        if not shutil.which("zstd"):
            pytest.skip("the program zstd is not installed")
        text = subprocess.run(["zstd", "-c"], input=text, capture_output=True, check=True).stdout
    file.write_bytes(text)
    table = f"public.c{compression[1:]}"
    report, _ = load(lake, table, file, "--with", "HEADER false, DELIMITER ';', NULL 'NA', ENCODING 'latin1'")
    assert report["rows"] == 2
    assert rows(lake, table) == [(1, "Z\u00fcrich", None), (2, "B\u00e2le", 3)]


def test_files_with_types(lake, tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import feather, parquet

    table = pyarrow.table(
        {"id": pyarrow.array([1, 2, None], pyarrow.int32()), "tags": [["a"], [], None], "n": [1.5, None, 2.0]}
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    feather.write_feather(table, tmp_path / "t.arrow", compression="uncompressed")
    (tmp_path / "t.ndjson").write_text('{"id": 1, "n": 1.5, "tags": ["a"]}\n{"id": 2, "tags": []}\n{"n": 2}\n')
    seen = []
    for kind in ("parquet", "arrow", "ndjson"):
        assert load(lake, f"public.t_{kind}", tmp_path / f"t.{kind}")[0]["rows"] == 3
        seen.append([(row["id"], row["tags"], row["n"]) for row in objects(lake, f"public.t_{kind}", "id")])
    assert seen[0] == seen[1] == seen[2], seen
    (tmp_path / "bad.ndjson").write_text('{"id": 7}\n{"id": "x"}\nnonsense\n')
    report, _ = load(lake, "public.t_ndjson", tmp_path / "bad.ndjson", "--rejects")
    assert (report["rows"], report["rejected"]) == (1, 2)


def test_memory_stays_small(lake, tmp_path, full):
    count = 10_000_000 if full else 400_000
    file = tmp_path / "big.csv"
    with file.open("w") as out:
        out.write("id,name,value,day\n")
        for i in range(count):
            out.write(f"{i},subject {i % 1000},{i / 7:.4f},2020-01-{i % 28 + 1:02}\n")
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert load(lake, "public.big", file)[0]["rows"] == count
    peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    assert peak < 1 << 20, f"{peak} KiB"
