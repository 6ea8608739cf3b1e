"""IDC's queries over the wire (libpq, text format, all rows received) beside DuckDB on the same Parquet, in one run.

usage: idc_queries.py PARQUET SQL_DIR DSN [--runs N]

Each query runs `runs` times on either side, in turns, warm; the best time counts. Row counts must agree. What a side gives back is
what it gives most cheaply: libpq a PGresult, DuckDB an Arrow table. Prints one JSON line per query.
"""

import argparse
import json
import pathlib
import time

import duckdb
import psycopg

parser = argparse.ArgumentParser()
parser.add_argument("parquet")
parser.add_argument("sql_dir")
parser.add_argument("dsn")
parser.add_argument("--runs", type=int, default=5)
arguments = parser.parse_args()

duck = duckdb.connect()
duck.execute(f"SET threads = {len(__import__('os').sched_getaffinity(0))}")
duck.execute(f"CREATE VIEW idc_index AS SELECT * FROM read_parquet('{arguments.parquet}')")
uid = duck.execute("SELECT SeriesInstanceUID FROM idc_index OFFSET 500000 LIMIT 1").fetchone()[0]

connection = psycopg.connect(arguments.dsn, autocommit=True)
wire = connection.pgconn


def over_the_wire(sql):
    result = wire.exec_(sql.encode())
    if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise SystemExit(f"{sql}\n{result.error_message.decode()}")
    return result.ntuples


def by_duckdb(sql):
    return duck.sql(sql).to_arrow_table().num_rows


def timed(run, sql):
    start = time.perf_counter()
    rows = run(sql)
    return time.perf_counter() - start, rows


for path in sorted(pathlib.Path(arguments.sql_dir).glob("*.sql")):
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("--"))
    text = text.replace("{uid}", uid)
    ours, theirs, rows = [], [], None
    for _ in range(arguments.runs):
        wall, rows = timed(over_the_wire, text)
        ours.append(wall)
        wall, peer_rows = timed(by_duckdb, text)
        theirs.append(wall)
        if rows != peer_rows:
            raise SystemExit(f"{path.name}: {rows} rows over the wire, {peer_rows} by DuckDB")
    print(
        json.dumps(
            {
                "query": path.stem,
                "rows": rows,
                "radlake_ms": 1000 * min(ours),
                "duckdb_ms": 1000 * min(theirs),
                "radlake_first_ms": 1000 * ours[0],
                "duckdb_version": duckdb.__version__,
            }
        ),
        flush=True,
    )
