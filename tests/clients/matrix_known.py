"""What is known of pairs of client and case."""


def of(case, reason, *clients):
    return {(client, case): reason for client in clients}


# What a client itself cannot do, on PostgreSQL neither.
LIMITS = {
    **of(
        "interval",
        "polars reads no intervals",
        "polars ADBC", "polars connectorx",
    ),
    **of(
        "interval with months",
        "polars reads no intervals",
        "polars ADBC", "polars connectorx",
    ),
    **of(
        "NaN as numeric",
        "connectorx has no NaN of numerics",
        "polars connectorx",
    ),
    **of(
        "parameter interval",
        "polars reads no intervals",
        "polars ADBC",
    ),
    **of(
        "INSERT with parameters",
        "numerics are bound as text, which PostgreSQL does not assign",
        "ADBC",
    ),
    **of(
        "table altered between runs",
        "within its pipeline the driver has forgotten the prepared statement",
        "psycopg pipeline",
    ),
    **of(
        "upsert",
        "postgres_fdw has ON CONFLICT DO NOTHING only",
        "postgres_fdw",
    ),
    **of(
        "expressions without names",
        "a frame has one column of a name",
        "polars ADBC", "polars connectorx",
    ),
    **of(
        "NOTIFY in other letters",
        "pg8000 reads payloads as ASCII",
        "pg8000",
    ),
    **of(
        "parameter interval",
        "pyodbc takes no timedelta",
        "ODBC", "ODBC UseDeclareFetch",
    ),
    **of(
        "parameter int[]",
        "ODBC has no arrays as parameters",
        "ODBC", "ODBC UseDeclareFetch",
    ),
    **of(
        "parameter text[]",
        "ODBC has no arrays as parameters",
        "ODBC", "ODBC UseDeclareFetch",
    ),
    **of(
        "array as a list",
        "ODBC has no arrays as parameters",
        "ODBC", "ODBC UseDeclareFetch",
    ),
}

# What PostgreSQL answers and Radlake does not, with the reason. The list is strict: what works must leave it.
MISSING = {
    **of(
        "numeric",
        "zeros that end a numeric without a scale are not kept (docs/sql/differences.md)",
        "psql", "psycopg", "psycopg binary", "psycopg async", "psycopg named cursor", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "polars ADBC", "JDBC", "ODBC", "ODBC UseDeclareFetch", "node-postgres",
    ),
    **of(
        "NaN as numeric",
        "22P02: decimals have no NaN",
        "psql", "postgres_fdw", "psycopg", "psycopg binary", "psycopg async", "psycopg named cursor", "psycopg pipeline", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "pandas", "ADBC", "polars ADBC", "JDBC", "ODBC", "ODBC UseDeclareFetch", "node-postgres",
    ),
    **of(
        "modifiers of columns",
        "the length of a varchar is not told with the column (-1)",
        "psql", "psycopg", "psycopg2", "JDBC", "ODBC", "ODBC UseDeclareFetch", "node-postgres",
    ),
    **of(
        "numeric without modifier",
        "numerics that have no precision and scale are described with some",
        "psql", "psycopg", "psycopg2", "ADBC", "JDBC", "ODBC", "ODBC UseDeclareFetch", "node-postgres",
    ),
    **of(
        "generate_series of int4",
        "int8 comes of int4",
        "psql", "psycopg", "psycopg2", "asyncpg", "ADBC", "JDBC", "ODBC", "ODBC UseDeclareFetch", "node-postgres",
    ),
    **of(
        "sums and counts",
        "42702 of sum(1) beside sum(1::int8): both have one name inside",
        "psql", "psycopg", "psycopg2", "asyncpg", "ADBC", "JDBC", "ODBC", "ODBC UseDeclareFetch", "node-postgres",
    ),
    **of(
        "parameter numeric",
        "zeros that end a numeric without a scale are not kept (docs/sql/differences.md)",
        "psycopg", "psycopg binary", "psycopg async", "psycopg named cursor", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "JDBC", "ODBC", "ODBC UseDeclareFetch", "node-postgres",
    ),
    **of(
        "table altered between runs",
        "0A000 \"cached plan must not change result type\" lacks the routine RevalidateCachedQuery, by which asyncpg knows that it may try again",
        "asyncpg",
    ),
    **of(
        "fetched in pieces",
        "MOVE does not know a portal of the protocol as a cursor (34000)",
        "asyncpg",
    ),
    **of(
        "missing function: fields",
        "types of the arguments are not in the message, the hint is another",
        "psql", "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "JDBC", "ODBC", "node-postgres",
    ),
    **of(
        "syntax error: fields",
        "the message goes on: what was expected",
        "psql", "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "JDBC", "ODBC", "node-postgres",
    ),
    **of(
        "primary key violated: fields",
        "DETAIL names the columns of the key, never their values",
        "psql", "postgres_fdw", "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "JDBC", "ODBC", "node-postgres",
    ),
    **of(
        "NOT NULL violated: fields",
        "no DETAIL (Failing row contains …): errors never tell values",
        "psql", "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "JDBC", "ODBC", "node-postgres",
    ),
    **of(
        "check violated: fields",
        "no DETAIL (Failing row contains …): errors never tell values",
        "psql", "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "JDBC", "ODBC", "node-postgres",
    ),
    **of(
        "text that is no number: fields",
        "neither the text nor its position is told",
        "psql", "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "JDBC", "ODBC", "node-postgres",
    ),
    **of(
        "table exists: fields",
        "42P07 when it is prepared, on PostgreSQL when it is executed",
        "ADBC",
    ),
    **of(
        "types without operator: fields",
        "the literal is bigint in the message, and has no position",
        "psql", "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "ADBC", "JDBC", "ODBC", "node-postgres",
    ),
    **of(
        "COPY FROM with a bad line",
        "the CONTEXT lacks the value",
        "psycopg",
    ),
    **of(
        "foreign keys",
        "\\d does not list who refers to a table (docs/sql/differences.md)",
        "psql",
    ),
    **of(
        "foreign keys",
        "getImportedKeys has no rows: pg_constraint.conindid of a foreign key is 0",
        "JDBC",
    ),
    **of(
        "indexes",
        "DESC of an index's column is not kept: pg_index.indoption is 0 where PostgreSQL has 3",
        "SQLAlchemy", "pandas", "JDBC", "ODBC",
    ),
    **of(
        "unique constraints",
        "DESC of a column of an index and casts in a CHECK are not shown",
        "psql",
    ),
    **of(
        "checks",
        "texts of checks are as written, without casts (docs/sql/differences.md)",
        "psql", "SQLAlchemy", "pandas",
    ),
}
