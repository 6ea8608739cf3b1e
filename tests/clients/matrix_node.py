"""node-postgres as the matrix uses it: a process for each session, asked by lines of JSON."""

import datetime
import decimal
import json
import os
import pathlib
import subprocess
import uuid

from matrix_client import Client

MODULES = os.environ.get("RADLAKE_NODE_MODULES", "")


class Refused(Exception):
    def __init__(self, fields):
        super().__init__(fields["message"])
        self.fields = fields
        self.sqlstate = fields.get("code")


def spoken(value):
    """A parameter as JavaScript has it."""
    match value:
        case bytes():
            return {"bytes": value.hex()}
        case float() if value != value or abs(value) == float("inf"):
            return str(value).replace("inf", "Infinity").replace("nan", "NaN")
        case datetime.datetime() | datetime.date():
            return value.isoformat()
        case datetime.timedelta():
            return f"{value.days} days {value.seconds}.{value.microseconds:06} seconds"
        case decimal.Decimal() | uuid.UUID():
            return str(value)
    return value


class Node(Client):
    needs = ("node", f"{MODULES}/pg-cursor" if MODULES else "/pg-cursor")

    def open(self):
        script = pathlib.Path(__file__).with_name("node_matrix.js")
        # Dates without a zone are of the process's zone.
        environment = {**os.environ, "NODE_PATH": MODULES, "TZ": "UTC"}
        self.process = subprocess.Popen(
            ["node", str(script)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.say(self.dsn)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()

    def say(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def ask(self, does, **request):
        self.say({"does": does, **request})
        line = self.process.stdout.readline()
        assert line, "node ended"
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    def run(self, statement, parameters=()):
        values = {"values": [spoken(value) for value in parameters]} if parameters else {}
        return self.ask("query", text=statement, **values)

    def described(self, case):
        return self.ask("described", text=case.statement)

    def prepared(self, case):
        """A statement with a name is kept on the server."""
        answers = []
        for number, value in enumerate(case.parameters):
            if number == 1:
                for step in case.steps:
                    self.run(step)
            for _ in range(2):
                try:
                    answers.append(self.ask("query", text=case.statement, name="kept", values=[spoken(value)]))
                except Refused as error:
                    answers.append(("error", error.sqlstate))
        return answers

    def fields(self, case):
        try:
            self.run(case.statement)
        except Refused as error:
            return error.fields
        return None

    def pieces(self, case):
        return self.ask("pieces", text=case.statement, size=300)

    def large(self, case):
        rows = self.run(case.statement)["rows"]
        return len(rows), rows[0], rows[-1]

    def transaction(self, case):
        for statement in ("BEGIN", "INSERT INTO person VALUES (4, 'D', 1)", "SAVEPOINT s", "DELETE FROM person", "ROLLBACK TO s", "COMMIT"):
            self.run(statement)
        # Several statements at once are a transaction.
        return self.run("DELETE FROM person WHERE id = 1; SELECT count(*) AS n FROM person"), self.run(case.statement)

    def listen(self, case):
        self.run(f"LISTEN {case.statement}")
        for payload in case.parameters:
            self.run("SELECT pg_notify($1, $2)", (case.statement, payload))
        return self.ask("heard", count=len(case.parameters))

    def cancel(self, case):
        return self.ask("cancel", text=case.statement), self.run("SELECT 1 AS a")
