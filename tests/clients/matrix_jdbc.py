"""PostgreSQL's JDBC driver as the matrix uses it: Java within Python (JPype), so that there is no Java to compile."""

import contextlib
import dataclasses
import datetime
import decimal
import pathlib
import threading
import uuid

from matrix_client import Client, Running, ended, numbered

JAR = pathlib.Path("/usr/share/java/postgresql.jar")


class Jdbc(Client):
    needs = ("jpype", str(JAR))
    # DatabaseMetaData has no checks.
    without = ("checks",)

    def open(self):
        import jpype

        if not jpype.isJVMStarted():
            # Timestamps are printed in the zone of the machine otherwise.
            jpype.startJVM("-Xrs", "-Duser.timezone=UTC", classpath=[str(JAR)], convertStrings=True)
        self.jpype = jpype
        self.sql = jpype.JPackage("java").sql
        self.url = f"jdbc:postgresql://{self.dsn['host']}:{self.dsn['port']}/{self.dsn['dbname']}"
        self.connection = self.connect()

    def connect(self, **more):
        properties = self.jpype.JClass("java.util.Properties")()
        for key, value in {"user": self.dsn["user"], "password": self.dsn["password"], **more}.items():
            properties.setProperty(key, value)
        return self.sql.DriverManager.getConnection(self.url, properties)

    def close(self):
        self.connection.close()

    @staticmethod
    def sqlstate(error):
        return str(error.getSQLState()) if hasattr(error, "getSQLState") else None

    def run(self, statement, parameters=()):
        if not parameters:
            with self.connection.createStatement() as prepared:
                return self.told(prepared, prepared.execute(statement))
        with self.connection.prepareStatement(numbered(statement, lambda _: "?")) as prepared:
            self.bind(prepared, parameters)
            return self.told(prepared, prepared.execute())

    def bind(self, prepared, parameters):
        for number, value in enumerate(parameters, 1):
            self.set(prepared, number, value)

    def set(self, prepared, number, value):
        java, time = self.jpype.JPackage("java"), self.jpype.JPackage("java").time
        match value:
            case None:
                prepared.setNull(number, self.sql.Types.NULL)
            case bool():
                prepared.setBoolean(number, value)
            case int():
                prepared.setInt(number, value) if abs(value) < 2**31 else prepared.setLong(number, value)
            case float():
                prepared.setDouble(number, value)
            case decimal.Decimal():
                prepared.setBigDecimal(number, java.math.BigDecimal(str(value)))
            case bytes():
                prepared.setBytes(number, self.jpype.JArray(self.jpype.JByte)(value))
            case datetime.datetime():
                kind = time.OffsetDateTime if value.tzinfo else time.LocalDateTime
                prepared.setObject(number, kind.parse(value.isoformat()))
            case datetime.date():
                prepared.setObject(number, time.LocalDate.parse(value.isoformat()))
            case datetime.timedelta():
                kind = self.jpype.JClass("org.postgresql.util.PGInterval")
                prepared.setObject(number, kind(f"{value.days} days {value.seconds}.{value.microseconds:06} seconds"))
            case uuid.UUID():
                prepared.setObject(number, java.util.UUID.fromString(str(value)))
            case list():
                kind = "int4" if value and isinstance(value[0], int) else "text"
                boxed = [java.lang.Integer(v) if kind == "int4" else v for v in value]
                prepared.setArray(number, self.connection.createArrayOf(kind, self.jpype.JArray(java.lang.Object)(boxed)))
            case _:
                prepared.setString(number, value)

    def told(self, statement, has_rows):
        if not has_rows:
            return statement.getUpdateCount()
        with statement.getResultSet() as result:
            return self.result(result)

    def result(self, result):
        """Names, types and classes of the columns, and the rows as Java prints the values."""
        about = result.getMetaData()
        columns = [
            (str(about.getColumnLabel(i)), str(about.getColumnTypeName(i)), str(about.getColumnClassName(i)))
            for i in range(1, about.getColumnCount() + 1)
        ]
        return columns, self.rows(result, len(columns))

    def rows(self, result, width):
        rows = []
        while result.next():
            rows.append([self.value(result, i) for i in range(1, width + 1)])
        return rows

    @staticmethod
    def value(result, number):
        value = result.getObject(number)
        if value is None:
            return None
        # Of an array of bytes Java prints an address.
        return type(value).__name__, str(result.getString(number) if type(value).__name__ == "byte[]" else value)

    def described(self, case):
        with self.connection.createStatement() as statement, statement.executeQuery(case.statement) as result:
            about = result.getMetaData()
            return [
                (
                    str(about.getColumnLabel(i)), str(about.getColumnTypeName(i)), about.getColumnType(i), about.getPrecision(i),
                    about.getScale(i), about.getColumnDisplaySize(i), about.isNullable(i), about.isSigned(i), str(about.getTableName(i)),
                )
                for i in range(1, about.getColumnCount() + 1)
            ]

    def prepared(self, case):
        """From the fifth run on the driver keeps the statement on the server and asks for binary values."""
        return super().prepared(dataclasses.replace(case, parameters=case.parameters * 2))

    def insert_many(self, case):
        with self.connection.prepareStatement(numbered(case.statement, lambda _: "?")) as prepared:
            for row in case.parameters:
                self.bind(prepared, row)
                prepared.addBatch()
            counts = [int(n) for n in prepared.executeBatch()]
        return counts, self.run("SELECT * FROM person ORDER BY id")

    def fields(self, case):
        try:
            self.run(case.statement)
        except self.sql.SQLException as error:
            told = error.getServerErrorMessage()
            return [
                str(getattr(told, f"get{name}")())
                for name in ("Severity", "SQLState", "Message", "Detail", "Hint", "Position", "Schema", "Table", "Column", "Constraint")
            ]
        return None

    def pieces(self, case):
        self.connection.setAutoCommit(False)
        with self.connection.createStatement() as statement:
            statement.setFetchSize(300)
            with statement.executeQuery(case.statement) as result:
                rows = self.rows(result, 2)
        self.connection.commit()
        return len(rows), rows[0], rows[299:302], rows[-1]

    def large(self, case):
        count = total = 0
        with self.connection.createStatement() as statement, statement.executeQuery(case.statement) as result:
            while result.next():
                count, total = count + 1, total + result.getLong(1)
        return count, total

    def transaction(self, case):
        self.connection.setAutoCommit(False)
        self.run("INSERT INTO person VALUES (4, 'D', 1)")
        savepoint = self.connection.setSavepoint("s")
        self.run("DELETE FROM person")
        self.connection.rollback(savepoint)
        self.connection.commit()
        self.connection.setTransactionIsolation(self.connection.TRANSACTION_SERIALIZABLE)
        self.run("DELETE FROM person WHERE id = 1")
        self.connection.rollback()
        return self.run("SHOW transaction_isolation"), self.run(case.statement)

    def copy_out(self, case):
        into = self.jpype.JClass("java.io.ByteArrayOutputStream")()
        count = self.connection.getCopyAPI().copyOut(case.statement, into)
        return bytes(into.toByteArray()), int(count)

    def copy_in(self, case):
        out = self.jpype.JClass("java.io.ByteArrayOutputStream")()
        manager = self.connection.getCopyAPI()
        manager.copyOut(case.steps[0], out)
        count = manager.copyIn(case.statement, self.jpype.JClass("java.io.ByteArrayInputStream")(out.toByteArray()))
        return int(count), self.run(case.steps[1])

    def listen(self, case):
        self.run(f"LISTEN {case.statement}")
        with contextlib.closing(Jdbc(self.server)) as other:
            for payload in case.parameters:
                other.run("SELECT pg_notify($1, $2)", (case.statement, payload))
        got = []
        while len(got) < len(case.parameters) and (more := self.connection.getNotifications(10000)):
            got += [(str(n.getName()), str(n.getParameter())) for n in more]
        return got

    def cancel(self, case):
        with self.connection.createStatement() as statement:
            threading.Timer(0.5, statement.cancel).start()
            return ended(Running(self, lambda text: self.told(statement, statement.execute(text))), case)

    def reflect(self, case):
        about = self.connection.getMetaData()
        kinds = self.jpype.JArray(self.jpype.JString)
        match case.statement:
            case "tables":
                results = [about.getTables(None, "public", "s%", kinds(["TABLE", "VIEW"])), about.getTableTypes()]
            case "views":
                results = [about.getTables(None, "public", "study%", kinds(["VIEW"])), about.getColumns(None, None, "study_doses", "%")]
            case "columns":
                results = [about.getColumns(None, "public", "study", "%")]
            case "primary key":
                results = [about.getPrimaryKeys(None, None, "study"), about.getBestRowIdentifier(None, None, "study", 0, False)]
            case "foreign keys":
                results = [about.getImportedKeys(None, None, "study"), about.getExportedKeys(None, None, "site"), about.getCrossReference(None, None, "site", None, None, "study")]
            case "indexes":
                results = [about.getIndexInfo(None, None, "study", False, False)]
            case "unique constraints":
                results = [about.getIndexInfo(None, None, "study", True, False)]
            case "comments":
                results = [about.getTables(None, None, "site", None), about.getTablePrivileges(None, None, "site")]
        return [self.known(result) for result in results]

    def known(self, result):
        """What is not another on each server: the name of the database, sizes of files."""
        columns, rows = self.result(result)
        kept = [i for i, column in enumerate(columns) if not column[0].upper().endswith("_CAT") and column[0] not in ("CARDINALITY", "PAGES")]
        return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]
