"""The table of clients and features of docs/clients.md, made of the cases and what is known of them.

The tests hold each entry against both servers: what is said to work is what PostgreSQL 15 answers, what is said not to work fails.
"""

import matrix_drivers
import matrix_frames
import matrix_jdbc
import matrix_node
import matrix_odbc
import matrix_programs
import matrix_psycopg
import tools
import tools_known
from matrix import CASES, CLIENTS, LIMITS, MISSING, pairs

CLASSES = {
    "psql": matrix_programs.Psql,
    "pgbench": matrix_programs.Pgbench,
    "postgres_fdw": matrix_programs.PostgresFdw,
    "psycopg": matrix_psycopg.PsycopgFull,
    "psycopg binary": matrix_psycopg.PsycopgBinary,
    "psycopg async": matrix_psycopg.PsycopgAsync,
    "psycopg named cursor": matrix_psycopg.PsycopgNamed,
    "psycopg pipeline": matrix_psycopg.PsycopgPipeline,
    "psycopg2": matrix_drivers.Psycopg2,
    "asyncpg": matrix_drivers.Asyncpg,
    "pg8000": matrix_drivers.Pg8000,
    "JDBC": matrix_jdbc.Jdbc,
    "ODBC": matrix_odbc.Odbc,
    "ODBC UseDeclareFetch": matrix_odbc.OdbcDeclareFetch,
    "node-postgres": matrix_node.Node,
    "SQLAlchemy": matrix_frames.SQLAlchemy,
    "pandas": matrix_frames.Pandas,
    "ADBC": matrix_frames.Adbc,
    "polars ADBC": matrix_frames.PolarsAdbc,
    "polars connectorx": matrix_frames.PolarsConnectorx,
}


def known(table, name, case):
    """The reason that stands for a client and a case."""
    return table.get((name, case.name))


def page():
    ours = pairs(CLASSES)
    features = list(dict.fromkeys(case.feature for case in CASES))
    lines = [
        "# Clients",
        "",
        "Each client is put through the same cases on Radlake and on PostgreSQL 15, and must be told the same: values, types, SQLSTATEs",
        "(`tests/clients/test_matrix.py`). A number is how many cases are as on PostgreSQL, `3 of 5` that two are not yet; `–` says that the",
        "client has no such case. What a client cannot do on PostgreSQL either is not counted.",
        "",
        "| client | " + " | ".join(features) + " |",
        "|---" * (len(features) + 1) + "|",
    ]
    for name in CLIENTS:
        row = [name]
        for feature in features:
            cases = [c for n, c in ours if n == name and c.feature == feature and not known(LIMITS, n, c)]
            good = sum(known(MISSING, name, c) is None for c in cases)
            row.append("–" if not cases else f"{good}" if good == len(cases) else f"{good} of {len(cases)}")
        lines.append("| " + " | ".join(row) + " |")
    lines += ["", "## What is not as on PostgreSQL", "", "| case | why | clients |", "|---|---|---|"]
    for case in CASES:
        for reason in dict.fromkeys(why for (_, c), why in MISSING.items() if c == case.name):
            names = [n for n in CLIENTS if MISSING.get((n, case.name)) == reason]
            lines.append(f"| {case.name} | {reason} | {', '.join(names)} |")
    lines += ["", "## What clients cannot do themselves", "", "| case | why | clients |", "|---|---|---|"]
    for case in CASES:
        for reason in dict.fromkeys(why for (_, c), why in LIMITS.items() if c == case.name):
            names = [n for n in CLIENTS if LIMITS.get((n, case.name)) == reason]
            lines.append(f"| {case.name} | {reason} | {', '.join(names)} |")
    return "\n".join([*lines, *of_tools()]) + "\n"


def of_tools():
    """What BI tools and SQL editors ask of the catalogs, by tool."""
    lines = [
        "",
        "## Statements of tools",
        "",
        "What these tools are known to ask of the catalogs (`tests/clients/tools/`), and whether columns, types and rows are PostgreSQL's.",
        "pg_dump, pgcli, ibis, R (RPostgreSQL) and a dbt project run themselves: what they lack stands below.",
        "",
        "| tool | as on PostgreSQL |",
        "|---|---|",
    ]
    for tool, title in tools.TITLES.items():
        names = [statement.name for statement in tools.read(tool)]
        good = sum((tool, name) not in tools_known.MISSING for name in names)
        lines.append(f"| {title} | {good}{f' of {len(names)}' if good < len(names) else ''} |")
    lines += ["", "| tool | why not | statements, cases |", "|---|---|---|"]
    for tool, title in {**tools.TITLES, **tools.PROGRAMS}.items():
        missing = tools_known.missing(tool)
        for reason in dict.fromkeys(missing.values()):
            names = [name for name, why in missing.items() if why == reason]
            lines.append(f"| {title} | {reason} | {', '.join(names)} |")
    return lines


if __name__ == "__main__":
    print(page(), end="")
