"""Runs the steps of a dbt project in one process, since dbt takes seconds to start, and tells what came of each.

Arguments: the project's folder. Where the server is, profiles.yml takes from the environment. A line of JSON for each step.
"""

import json
import os
import pathlib
import sys

import psycopg
from dbt.cli.main import dbtRunner

STEPS = {
    "seed": ["seed"],
    "run": ["run"],
    "run again": ["run"],
    "snapshot": ["snapshot"],
    "changed": ["seed"],
    "run of changes": ["run"],
    "snapshot of changes": ["snapshot"],
    "test": ["test"],
    "docs": ["docs", "generate"],
    "run anew": ["run", "--full-refresh"],
}
SCHEMA = "dbt_trial"


def tables():
    """All tables and views with their rows; what dbt numbers by time is told as NULL or not."""
    place = {key: os.environ[f"TRIAL_{key.upper()}"] for key in ("host", "port", "user", "password")}
    with psycopg.connect(**place, dbname=os.environ["TRIAL_DATABASE"], autocommit=True) as connection:
        relations = connection.execute("SELECT relname, relkind FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'v')", [SCHEMA])
        told = {}
        for name, kind in relations.fetchall():
            cursor = connection.execute(f'SELECT * FROM {SCHEMA}."{name}"')
            columns = [(column.name, column.type_code) for column in cursor.description]
            hidden = {i for i, (column, _) in enumerate(columns) if column.startswith("dbt_")}
            rows = [[value is not None if i in hidden else repr(value) for i, value in enumerate(row)] for row in cursor]
            told[name] = [str(kind), columns, sorted(rows, key=repr)]
        return told


def catalog(folder):
    told = json.loads((folder / "target" / "catalog.json").read_text())
    entries = {**told["nodes"], **told["sources"]}
    for entry in entries.values():
        entry["metadata"].pop("database")
    return {key.split(".")[2]: [entry["metadata"], entry["columns"]] for key, entry in entries.items()}


def main(folder):
    os.chdir(folder)
    for step, arguments in STEPS.items():
        if step == "changed":
            seeds = folder / "seeds" / "studies.csv"
            seeds.write_text(seeds.read_text().replace("1.50", "2.50") + "4,four,7,2024-03-03 01:00:00\n")
        done = dbtRunner().invoke(["--quiet", *arguments, "--profiles-dir", ".", "--project-dir", "."])
        nodes = {}
        if step == "docs":
            nodes = catalog(folder)
        else:
            for result in getattr(done.result, "results", None) or []:
                response = {k: v for k, v in (result.adapter_response or {}).items() if k in ("code", "rows_affected")}
                nodes[result.node.name] = [str(result.status), response, result.failures]
        print(json.dumps({"step": step, "error": str(done.exception or ""), "nodes": nodes, "tables": tables()}), flush=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
