"""PostgreSQL's ODBC driver as the matrix uses it: through pyodbc, with whole results and with cursors of its own."""

import pathlib
import threading

from matrix_client import Client, Running, ended, numbered

DRIVERS = ("/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so", "/usr/lib/aarch64-linux-gnu/odbc/psqlodbcw.so")
DRIVER = next((driver for driver in DRIVERS if pathlib.Path(driver).exists()), DRIVERS[0])


class Odbc(Client):
    needs = ("pyodbc", DRIVER)
    options = "UseDeclareFetch=0"
    # Its catalog functions have no checks.
    without = ("checks",)

    def open(self):
        import pyodbc

        self.driver = pyodbc
        dsn = self.dsn
        self.connection = pyodbc.connect(
            f"Driver={DRIVER};Server={dsn['host']};Port={dsn['port']};Database={dsn['dbname']};Uid={dsn['user']};"
            f"Pwd={{{dsn['password']}}};BoolsAsChar=0;{self.options}",
            autocommit=True,
        )

    def close(self):
        self.connection.close()

    @staticmethod
    def sqlstate(error):
        return error.args[0] if error.args and len(str(error.args[0])) == 5 else Client.sqlstate(error)

    def run(self, statement, parameters=()):
        with self.connection.cursor() as cursor:
            cursor.execute(numbered(statement, lambda _: "?"), *parameters)
            return self.told(cursor)

    @staticmethod
    def told(cursor):
        if not cursor.description:
            return cursor.rowcount
        return [column[:2] for column in cursor.description], [tuple(row) for row in cursor.fetchall()]

    def described(self, case):
        with self.connection.cursor() as cursor:
            cursor.execute(case.statement)
            return [tuple(column) for column in cursor.description]

    def insert_many(self, case):
        with self.connection.cursor() as cursor:
            cursor.executemany(numbered(case.statement, lambda _: "?"), case.parameters)
        return self.run("SELECT * FROM person ORDER BY id")

    def fields(self, case):
        try:
            self.run(case.statement)
        except self.driver.Error as error:
            return type(error).__name__, error.args
        return None

    def pieces(self, case):
        with self.connection.cursor() as cursor:
            cursor.execute(case.statement)
            first = [tuple(row) for row in cursor.fetchmany(10)]
            return first, len(cursor.fetchall())

    def large(self, case):
        rows = self.run(case.statement)[1]
        return len(rows), sum(r[0] for r in rows), rows[0], rows[-1]

    def transaction(self, case):
        self.connection.autocommit = False
        self.run("INSERT INTO person VALUES (4, 'D', 1)")
        self.connection.commit()
        self.run("DELETE FROM person WHERE id = 1")
        self.connection.rollback()
        return self.run(case.statement)

    def cancel(self, case):
        with self.connection.cursor() as cursor:
            threading.Timer(0.5, cursor.cancel).start()
            return ended(Running(self, lambda text: self.told(cursor.execute(text))), case)

    def reflect(self, case):
        with self.connection.cursor() as cursor:
            match case.statement:
                case "tables":
                    results = [cursor.tables(table="site", schema="public")]
                case "views":
                    results = [cursor.tables(table="study%", schema="public", tableType="VIEW")]
                case "columns":
                    results = [cursor.columns(table="study")]
                case "primary key":
                    results = [cursor.primaryKeys(table="study")]
                case "foreign keys":
                    results = [cursor.foreignKeys(foreignTable="study")]
                case "indexes":
                    results = [cursor.statistics("study")]
                case "unique constraints":
                    results = [cursor.statistics("study", unique=True)]
                case "comments":
                    results = [cursor.tables(table="site")]
            return [self.known(result) for result in results]

    def known(self, cursor):
        """What is not another on each server: the name of the database, OIDs, sizes of files."""
        columns, rows = self.told(cursor)
        apart = ("table_cat", "pktable_cat", "fktable_cat", "cardinality", "pages", "table oid")
        kept = [i for i, column in enumerate(columns) if column[0].lower() not in apart]
        return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]


class OdbcDeclareFetch(Odbc):
    """With a cursor of the server's for each query, as Tableau and Excel are set up."""

    options = "UseDeclareFetch=1;Fetch=70"
    # The driver takes each apart in the same way.
    reflect = fields = None
