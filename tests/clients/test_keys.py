"""Keys, references and indexes as the catalog queries of clients ask for them: the rows are PostgreSQL's."""

import psycopg
import pytest
from support import Lake, Server

TABLES = """
CREATE SCHEMA keyed;
CREATE TABLE keyed.patients (site int, id int, code text NOT NULL, PRIMARY KEY (id, site), UNIQUE (code));
CREATE TABLE keyed.visits (
    visit int PRIMARY KEY, site int, patient int, weight numeric(5, 1) CHECK (weight > 0),
    FOREIGN KEY (patient, site) REFERENCES keyed.patients (id, site)
);
CREATE INDEX by_site ON keyed.visits (site, patient);
CREATE VIEW keyed.shown AS SELECT relname, EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid) AS keyed FROM pg_class c
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'keyed') AND relkind = 'r';
"""

QUERIES = {
    "SQLAlchemy's primary keys": """
SELECT attr.relname, array_agg(CAST(attr.attname AS TEXT) ORDER BY attr.ord) AS cols, attr.conname
FROM (SELECT con.conname, con.ord, con.relname, pg_catalog.pg_attribute.attname
    FROM pg_catalog.pg_attribute JOIN (
        SELECT conrelid, conname, relname, unnest(pg_catalog.pg_index.indkey) AS attnum,
            generate_subscripts(pg_catalog.pg_index.indkey, %(one)s::INTEGER) AS ord
        FROM pg_catalog.pg_constraint JOIN pg_catalog.pg_index ON conindid = indexrelid JOIN pg_catalog.pg_class c ON c.oid = conrelid
        WHERE contype = ANY (ARRAY['p', 'u']) AND relname IN ('patients', 'visits')
    ) AS con ON pg_catalog.pg_attribute.attnum = con.attnum AND pg_catalog.pg_attribute.attrelid = con.conrelid) AS attr
GROUP BY attr.relname, attr.conname ORDER BY attr.relname, attr.conname""",
    "SQLAlchemy's indexes": """
SELECT c.relname, i.indisunique, i.indoption, i.indnkeyatts, cols.elements, cols.classes
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON i.indexrelid = c.oid LEFT JOIN (
    SELECT a.indexrelid, array_agg(a.element ORDER BY a.ord) AS elements, array_agg(a.opcname ORDER BY a.ord) AS classes
    FROM (SELECT idx.indexrelid, idx.ord, opcname,
            CASE WHEN idx.attnum = 0 THEN pg_get_indexdef(idx.indexrelid, idx.ord + 1, true) ELSE attname::text END AS element
        FROM (SELECT indexrelid, indrelid, unnest(indkey) AS attnum, unnest(indclass) AS class,
                generate_subscripts(indkey, %(one)s) AS ord FROM pg_index) AS idx
            LEFT JOIN pg_attribute ON pg_attribute.attnum = idx.attnum AND attrelid = idx.indrelid
            LEFT JOIN pg_opclass ON pg_opclass.oid = idx.class) AS a
    GROUP BY a.indexrelid) AS cols ON i.indexrelid = cols.indexrelid
WHERE c.relnamespace = 'keyed'::regnamespace ORDER BY 1""",
    "the JDBC driver's primary keys": """
SELECT result.table_name, result.column_name, result.key_seq, result.pk_name
FROM (SELECT ct.relname AS table_name, a.attname AS column_name, (information_schema._pg_expandarray(i.indkey)).n AS key_seq,
        ci.relname AS pk_name, information_schema._pg_expandarray(i.indkey) AS keys, a.attnum AS a_attnum
    FROM pg_catalog.pg_class ct JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid)
        JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid)
        JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid)
    WHERE true AND n.nspname = 'keyed' AND i.indisprimary) result
WHERE result.a_attnum = (result.keys).x ORDER BY result.table_name, result.pk_name, result.key_seq""",
    "subscripts of a vector": """
SELECT c.relname, i.indkey[0], i.indkey[1], indkey[2] FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'keyed'::regnamespace ORDER BY 1""",
    "columns of keys by ANY": """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
AND a.attnum = ANY (i.indkey) WHERE i.indrelid = 'keyed.patients'::regclass AND i.indisprimary ORDER BY 1""",
    "what constraints say": """
SELECT conname, contype, pg_get_constraintdef(oid), conkey, confkey FROM pg_constraint
WHERE connamespace = 'keyed'::regnamespace AND contype <> 'c' ORDER BY 1""",
    "a view that asks": "SELECT * FROM keyed.shown ORDER BY 1",
    "conditions": """
SELECT conname, pg_get_expr(conbin, conrelid) IS NOT NULL, conkey FROM pg_constraint WHERE connamespace = 'keyed'::regnamespace AND contype = 'c'""",
    "table_constraints": """
SELECT constraint_name, table_name, constraint_type FROM information_schema.table_constraints
WHERE table_schema = 'keyed' AND constraint_type <> 'CHECK' ORDER BY 1""",
    "NOT NULL is a check": """
SELECT count(*) FROM information_schema.table_constraints t JOIN information_schema.check_constraints c
USING (constraint_schema, constraint_name) WHERE table_schema = 'keyed' AND check_clause LIKE '%% IS NOT NULL'""",
    "key_column_usage": """
SELECT constraint_name, column_name, ordinal_position, position_in_unique_constraint FROM information_schema.key_column_usage
WHERE table_schema = 'keyed' ORDER BY 1, 3""",
    "referential_constraints": """
SELECT constraint_name, unique_constraint_name, match_option, update_rule, delete_rule
FROM information_schema.referential_constraints WHERE constraint_schema = 'keyed'""",
    "constraint_column_usage": """
SELECT constraint_name, table_name, column_name FROM information_schema.constraint_column_usage
WHERE constraint_schema = 'keyed' AND constraint_name NOT LIKE '%%check' ORDER BY 1, 2, 3""",
}


@pytest.fixture(scope="module")
def lake(radlake, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("keys") / "lake")
    lake.init()
    with Server(lake) as server, psycopg.connect(**server.dsn, autocommit=True) as connection:
        connection.execute(TABLES)
        yield connection


@pytest.fixture(scope="module")
def reference(postgres):
    with psycopg.connect(**postgres.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS keyed CASCADE")
        connection.execute(TABLES)
        yield connection
        connection.execute("DROP SCHEMA keyed CASCADE")


@pytest.mark.parametrize("name", QUERIES)
def test_clients_see_keys(lake, reference, name):
    parameters = {"one": 1} if "%(one)" in QUERIES[name] else {}
    expected = reference.execute(QUERIES[name], parameters).fetchall()
    assert expected, "the query asks for something"
    assert lake.execute(QUERIES[name], parameters).fetchall() == expected
