"""SQLAlchemy and what brings tables as frames: pandas, ADBC, polars."""

import datetime
import threading
import urllib.parse

import psycopg
from matrix_client import Client, numbered


def url(dsn, scheme="postgresql"):
    password = urllib.parse.quote(dsn["password"])
    return f"{scheme}://{dsn['user']}:{password}@{dsn['host']}:{dsn['port']}/{dsn['dbname']}"


def dropped(dsn, table):
    with psycopg.connect(**dsn, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def read(dsn, statement):
    with psycopg.connect(**dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return [(c.name, c.type_code) for c in cursor.description], cursor.fetchall()


class SQLAlchemy(Client):
    needs = ("sqlalchemy",)

    def open(self):
        import sqlalchemy

        self.sa = sqlalchemy
        self.engine = sqlalchemy.create_engine(url(self.dsn, "postgresql+psycopg"))
        self.connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def close(self):
        self.connection.close()
        self.engine.dispose()

    def run(self, statement, parameters=()):
        if parameters:
            statement = numbered(statement, lambda number: f":p{number}")
        text = self.sa.text(statement)
        result = self.connection.execute(text, {f"p{n}": v for n, v in enumerate(parameters, 1)})
        if not result.returns_rows:
            return result.rowcount
        return list(result.keys()), [tuple(row) for row in result]

    def table(self, name):
        return self.sa.Table(name, self.sa.MetaData(), autoload_with=self.connection)

    def insert_many(self, case):
        person = self.table("person")
        rows = [dict(zip(("id", "name", "weight"), row)) for row in case.parameters]
        result = self.connection.execute(person.insert().returning(person.c.id, person.c.weight), rows)
        return [tuple(row) for row in result], [tuple(row) for row in self.connection.execute(self.sa.select(person))]

    def transaction(self, case):
        person = self.table("person")
        with self.engine.begin() as connection:
            connection.execute(person.insert().values(id=4, name="D", weight=1))
            nested = connection.begin_nested()
            connection.execute(person.delete())
            nested.rollback()
        with self.engine.connect() as connection:
            connection.execute(person.delete().where(person.c.id == 1))
            connection.rollback()
        return self.run(case.statement)

    def fields(self, case):
        try:
            self.run(case.statement)
        except self.sa.exc.DBAPIError as error:
            return type(error).__name__, type(error.orig).__name__, str(error.orig)
        return None

    def pieces(self, case):
        with self.engine.connect() as connection:
            result = connection.execution_options(stream_results=True, yield_per=300).execute(self.sa.text(case.statement))
            return [len(part) for part in result.partitions()]

    def large(self, case):
        rows = self.run(case.statement)[1]
        return len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), rows[0], rows[-1]

    def reflect(self, case):
        inspector = self.sa.inspect(self.connection)
        names = ("site", "study")
        match case.statement:
            case "tables":
                return [inspector.has_table(n) for n in (*names, "absent")], sorted(set(inspector.get_table_names()) & {*names})
            case "views":
                return [v for v in inspector.get_view_names() if v == "study_doses"], inspector.get_columns("study_doses")
            case "columns":
                told = [inspector.get_columns(n) for n in names]
            case "primary key":
                told = [inspector.get_pk_constraint(n) for n in names]
            case "foreign keys":
                told = [inspector.get_foreign_keys(n) for n in names]
            case "indexes":
                told = [inspector.get_indexes(n) for n in names]
            case "unique constraints":
                told = [inspector.get_unique_constraints(n) for n in names]
            case "checks":
                told = [inspector.get_check_constraints(n) for n in names]
            case "comments":
                told = [inspector.get_table_comment(n) for n in names], [c.get("comment") for c in inspector.get_columns("study")]
        return told


def frame_of(library):
    """A frame with a column of each kind that both libraries write."""
    return library.DataFrame(
        {
            "id": [1, 2, 3],
            "x": [0.5, float("inf"), -1.25],
            "t": ["a", "naïve ü", ""],
            "b": [True, False, True],
            "s": [datetime.datetime(2024, 2, 29, 1, 2, 3)] * 3,
        }
    )


class Pandas(SQLAlchemy):
    """What pandas reads and writes through SQLAlchemy."""

    needs = ("pandas", "sqlalchemy")
    script = prepared = insert_many = transaction = fields = described = None

    def run(self, statement, parameters=()):
        import pandas

        text = self.sa.text(numbered(statement, lambda number: f":p{number}"))
        return pandas.read_sql(text, self.connection, params={f"p{n}": v for n, v in enumerate(parameters, 1)})

    def pieces(self, case):
        import pandas

        with self.engine.connect().execution_options(stream_results=True) as connection:
            return list(pandas.read_sql(self.sa.text(case.statement), connection, chunksize=300))

    def large(self, case):
        frame = self.run(case.statement)
        return frame.dtypes.to_dict(), len(frame), frame["id"].sum(), frame["x"].sum(), frame.tail(3)

    def reflect(self, case):
        import pandas

        if case.statement != "columns":
            return super().reflect(case)
        return pandas.read_sql_table("study", self.connection), pandas.io.sql.get_schema(self.run("SELECT * FROM study"), "s")

    def written(self, case, times):
        import pandas

        dropped(self.dsn, "framed")
        frame = frame_of(pandas)
        with self.engine.begin() as connection:
            counts = [frame.to_sql("framed", connection, index=False, if_exists="append", method="multi") for _ in range(times)]
            counts.append(frame.to_sql("framed", connection, index=False, if_exists="replace") if times == 1 else 0)
        return counts, read(self.dsn, case.statement)

    def write(self, case):
        return self.written(case, 1)

    def append(self, case):
        return self.written(case, 2)


class Adbc(Client):
    needs = ("adbc_driver_postgresql", "pyarrow")
    # The objects of case `tables` have keys and columns in them.
    without = ("views", "primary key", "foreign keys", "indexes", "unique constraints", "checks", "comments")

    def open(self):
        import adbc_driver_postgresql.dbapi as driver

        self.driver = driver
        self.connection = driver.connect(url(self.dsn), autocommit=True)

    def close(self):
        self.connection.close()

    @staticmethod
    def sqlstate(error):
        return getattr(error, "sqlstate", None)

    def run(self, statement, parameters=()):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetch_arrow_table() if cursor.description else cursor.rowcount

    def described(self, case):
        return self.run(case.statement).schema.to_string(show_field_metadata=True)

    def insert_many(self, case):
        with self.connection.cursor() as cursor:
            # It takes numerics as text only.
            rows = [(i, n, None if w is None else str(w)) for i, n, w in case.parameters]
            cursor.executemany(case.statement, rows)
            return cursor.rowcount, self.run("SELECT * FROM person ORDER BY id")

    def fields(self, case):
        try:
            self.run(case.statement)
        except self.driver.Error as error:
            # The last lines of the message name PostgreSQL's own source.
            return type(error).__name__, error.sqlstate, str(error), [d for d in error.details]
        return None

    def transaction(self, case):
        with self.driver.connect(url(self.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO person VALUES (4, 'D', 1)")
            connection.commit()
            cursor.execute("DELETE FROM person WHERE id = 1")
            connection.rollback()
        return self.run(case.statement)

    def pieces(self, case):
        with self.connection.cursor() as cursor:
            cursor.execute(case.statement)
            return cursor.fetchmany(300), len(cursor.fetchall())

    def large(self, case):
        table = self.run(case.statement)
        return table.schema, len(table), table["id"].to_pylist() == list(range(1, 100001)), table.slice(99990).to_pylist()

    def cancel(self, case):
        with self.connection.cursor() as cursor:
            threading.Timer(0.5, cursor.adbc_cancel).start()
            try:
                cursor.execute(case.statement)
                cursor.fetchall()
            except self.driver.Error as error:
                return type(error).__name__, self.run("SELECT 1 AS a")
        return None

    def reflect(self, case):
        if case.statement == "tables":
            found = self.connection.adbc_get_objects(depth="all", db_schema_filter="public", table_name_filter="study%").read_all()
            return self.placed(found.to_pylist())
        return self.connection.adbc_get_table_schema("study"), self.connection.adbc_get_table_types()

    def placed(self, found):
        """Of the objects those of our database, whose name is another on each server, with columns and constraints in order."""
        schemas = [s for catalog in found if catalog["catalog_name"] == self.dsn["dbname"] for s in catalog["catalog_db_schemas"]]
        for table in (table for schema in schemas for table in schema["db_schema_tables"]):
            table["table_columns"].sort(key=lambda column: column["ordinal_position"])
            table["table_constraints"].sort(key=lambda constraint: constraint["constraint_name"])
            for usage in (u for c in table["table_constraints"] for u in c["constraint_column_usage"] or ()):
                assert usage.pop("fk_catalog") == self.dsn["dbname"]
        return schemas

    def written(self, case, modes):
        import polars

        dropped(self.dsn, "framed")
        table = frame_of(polars).to_arrow()
        with self.connection.cursor() as cursor:
            counts = [cursor.adbc_ingest("framed", table, mode=mode) for mode in modes]
        return counts, read(self.dsn, case.statement)

    def write(self, case):
        return self.written(case, ("create", "replace"))

    def append(self, case):
        return self.written(case, ("create", "append", "create_append"))


class PolarsAdbc(Client):
    needs = ("polars", "adbc_driver_postgresql", "pyarrow")
    script = insert_many = None
    engine = "adbc"

    def open(self):
        self.uri = url(self.dsn)

    def close(self):
        pass

    def run(self, statement, parameters=()):
        import polars

        more = {"execute_options": {"parameters": parameters}} if parameters else {}
        return polars.read_database_uri(statement, self.uri, engine=self.engine, **more)

    def large(self, case):
        frame = self.run(case.statement)
        return frame.schema, len(frame), frame["id"].sum(), frame["x"].sum(), frame.tail(3)

    def write(self, case):
        import polars

        dropped(self.dsn, "framed")
        count = frame_of(polars).write_database("framed", self.uri, engine="adbc", if_table_exists="replace")
        return count, read(self.dsn, case.statement)

    def append(self, case):
        import polars

        dropped(self.dsn, "framed")
        ways = ("fail", "append")
        counts = [frame_of(polars).write_database("framed", self.uri, engine="adbc", if_table_exists=way) for way in ways]
        return counts, read(self.dsn, case.statement)


class PolarsConnectorx(PolarsAdbc):
    needs = ("polars", "connectorx", "pyarrow")
    takes_parameters = False
    write = append = prepared = None
    engine = "connectorx"

    def pieces(self, case):
        """Read over several connections, each with a range of the numbers."""
        import polars

        return polars.read_database_uri(case.statement, self.uri, partition_on="id", partition_num=3).sort("id")
