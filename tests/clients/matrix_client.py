"""What the clients of the matrix share."""

import contextlib
import re
import time


def numbered(statement, shape):
    """The statement with other placeholders: `shape` makes one of a number."""
    return re.sub(r"\$(\d+)", lambda m: shape(int(m.group(1))), statement)


class Client:
    """One session of a client with a server. What a client lacks is a method that it has not."""

    needs = ()
    takes_parameters = True
    # How many sessions a case may have, and the cases that mean nothing here.
    sessions = 2
    without = ()

    def __init__(self, server):
        self.server = server
        self.dsn = server.dsn
        self.open()

    def open(self):
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def run(self, statement, parameters=()):
        """What came of a statement: its columns as far as the client tells, its rows, its tag."""
        raise NotImplementedError

    @staticmethod
    def sqlstate(error):
        """The SQLSTATE within an error; None if it has none."""
        while error is not None:
            code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
            if code:
                return code
            if error.args and isinstance(error.args[0], dict) and "C" in error.args[0]:
                return error.args[0]["C"]
            error = getattr(error, "orig", None) or error.__cause__
        return None

    def query(self, case):
        return self.run(case.statement, case.parameters)

    def script(self, case):
        answers = []
        with contextlib.ExitStack() as others:
            sessions = {False: self}
            for step in case.steps:
                second = step.startswith("2> ")
                if second and True not in sessions:
                    sessions[True] = others.enter_context(contextlib.closing(type(self)(self.server)))
                try:
                    answers.append(sessions[second].run(step.removeprefix("2> ")))
                except Exception as error:
                    state = self.sqlstate(error)
                    if state is None:
                        raise
                    answers.append(("error", state))
        return answers

    def prepared(self, case):
        """The statement with one parameter after another; `steps` come between the first and the second."""
        answers = []
        for number, value in enumerate(case.parameters):
            if number == 1:
                for step in case.steps:
                    self.run(step)
            for _ in range(2):
                answers.append(self.run(case.statement, (value,)))
        return answers

    def insert_many(self, case):
        counts = [self.run(case.statement, row) for row in case.parameters]
        return counts, self.run("SELECT * FROM person ORDER BY id")


def ended(client, case):
    """How a statement ends that is cancelled, and what the session is good for then."""
    begun = time.monotonic()
    try:
        client.run(case.statement)
    except Exception as error:
        assert time.monotonic() - begun < 20, "it was not cancelled"
        return client.sqlstate(error), client.run("SELECT 1 AS a")
    return None


class Running:
    """A statement's object that another thread cancels, as `ended` wants it: `run` carries out a text with it."""

    def __init__(self, client, run):
        self.sqlstate = client.sqlstate
        self.run = run
