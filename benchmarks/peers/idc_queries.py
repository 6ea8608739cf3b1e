"""IDC's queries over the wire (libpq, text format, all rows received) beside DuckDB on the same rows, in one run.

usage: idc_queries.py PARQUET SQL_DIR DSN --uid UID [--stored FILE…] [--runs N]

DuckDB reads IDC's own file, and with --stored also the Parquet files that the lake made of it: the same layout on both sides.
Each query runs `runs` times on every side, in turns, warm. Row counts must agree. What a side gives back is what it gives most
cheaply: libpq a PGresult, DuckDB an Arrow table. Prints one JSON line per query, times in milliseconds.
"""

import argparse
import json
import os
import pathlib
import statistics
import time

import duckdb
import psycopg

parser = argparse.ArgumentParser()
parser.add_argument("parquet")
parser.add_argument("sql_dir")
parser.add_argument("dsn")
parser.add_argument("--uid", required=True)
parser.add_argument("--stored", nargs="*", default=[])
parser.add_argument("--runs", type=int, default=5)
arguments = parser.parse_args()


def duckdb_over(files):
    duck = duckdb.connect()
    duck.execute(f"SET threads = {len(os.sched_getaffinity(0))}")
    duck.execute(f"CREATE VIEW idc_index AS SELECT * FROM read_parquet({files!r})")
    return duck


def by_duckdb(duck):
    return lambda sql: duck.sql(sql).to_arrow_table().num_rows


def over_the_wire(sql):
    result = wire.exec_(sql.encode())
    if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise SystemExit(f"{sql}\n{result.error_message.decode()}")
    return result.ntuples


def milliseconds(run, sql):
    start = time.perf_counter()
    rows = run(sql)
    return 1000 * (time.perf_counter() - start), rows


wire = psycopg.connect(arguments.dsn, autocommit=True).pgconn
sides = {"radlake": over_the_wire, "duckdb": by_duckdb(duckdb_over([arguments.parquet]))}
if arguments.stored:
    sides["duckdb_stored"] = by_duckdb(duckdb_over(arguments.stored))

for path in sorted(pathlib.Path(arguments.sql_dir).glob("*.sql")):
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("--"))
    text = text.replace("{uid}", arguments.uid)
    times = {side: [] for side in sides}
    counts = {}
    for _ in range(arguments.runs):
        for side, run in sides.items():
            spent, counts[side] = milliseconds(run, text)
            times[side].append(spent)
    if len(set(counts.values())) > 1:
        raise SystemExit(f"{path.name}: the sides give {counts} rows")
    line = {"query": path.stem, "rows": counts["radlake"], "duckdb_version": duckdb.__version__}
    for side, spent in times.items():
        line[side] = {"best": min(spent), "median": statistics.median(spent), "first": spent[0]}
    print(json.dumps(line), flush=True)
