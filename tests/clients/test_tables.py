"""The tables are plain Delta: delta-rs, Polars and Arrow read what SQL reads."""

import json
import math

import psycopg
import pytest

polars = pytest.importorskip("polars", reason="Polars is not installed")
DeltaTable = pytest.importorskip("deltalake", reason="deltalake is not installed").DeltaTable

TABLES = ["instances", "series", "files"]


def location(lake, table):
    """The folder of a table of the imaging schema, which lies where its name says."""
    folder = lake.path / "imaging" / table
    assert (folder / "_delta_log").is_dir(), f"{table} has no Delta log in {folder}"
    return folder


def key(row):
    return json.dumps(row, sort_keys=True, default=str)


def plain(value):
    """A value as JSON can hold it, the same from every reader."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


@pytest.mark.parametrize("lake_name", ["pydicom_lake", "demo_lake"])
@pytest.mark.parametrize("table", TABLES)
def test_readers_agree(request, lake_name, table):
    lake = request.getfixturevalue(lake_name)
    server = request.getfixturevalue(lake_name.replace("lake", "server"))
    folder = location(lake, table)

    delta = DeltaTable(folder)
    by_delta = delta.to_pyarrow_table() if hasattr(delta, "to_pyarrow_table") else None
    by_polars = polars.read_delta(str(folder))

    with psycopg.connect(**server.dsn, autocommit=True) as connection:
        info = psycopg.types.composite.CompositeInfo.fetch(connection, "imaging.code")
        if info:
            psycopg.types.composite.register_composite(info, connection)
        cursor = connection.execute(f"SELECT * FROM imaging.{table}", binary=True)
        names = [d.name for d in cursor.description]
        rows = cursor.fetchall()

    assert by_polars.height == len(rows)
    assert set(by_polars.columns) == set(names)
    if by_delta is not None:
        assert by_delta.num_rows == len(rows)

    times = {n for n in names if cursor.description[names.index(n)].type_code == 1083}

    def normal(row):
        out = {}
        for name, value in row.items():
            if name in times and isinstance(value, int):
                # Delta has no time of day: tables keep microseconds since midnight.
                value = (value // 1_000_000, value % 1_000_000)
            elif name in times and value is not None:
                value = (value.hour * 3600 + value.minute * 60 + value.second, value.microsecond)
            elif hasattr(value, "_asdict"):
                value = value._asdict()
            out[name] = plain(value)
        return out

    ours = sorted(key(normal(dict(zip(names, row, strict=True)))) for row in rows)
    theirs = sorted(key(normal({n: row[n] for n in names})) for row in by_polars.to_dicts())
    assert theirs == ours
    if by_delta is not None:
        assert sorted(key(normal({n: row[n] for n in names})) for row in by_delta.to_pylist()) == ours


@pytest.mark.parametrize("table", TABLES)
def test_tables_need_no_special_reader(demo_lake, table):
    """Reader version 1–3 without deletion vectors or column mapping, so that Spark, DuckDB and others read them."""
    protocol = DeltaTable(location(demo_lake, table)).protocol()
    assert protocol.min_reader_version <= 3
    features = set(protocol.reader_features or [])
    assert not features & {"deletionVectors", "columnMapping", "v2Checkpoint"}, features


@pytest.mark.parametrize("table", TABLES)
def test_files_carry_statistics(demo_lake, table):
    """Files can be skipped: each has counts, and bounds of its UIDs."""
    actions = polars.DataFrame(DeltaTable(location(demo_lake, table)).get_add_actions(flatten=True))
    assert actions.height > 0
    assert actions["num_records"].null_count() == 0
    if table != "files":
        assert actions["min.series_instance_uid"].null_count() == 0
        assert actions["max.series_instance_uid"].null_count() == 0
