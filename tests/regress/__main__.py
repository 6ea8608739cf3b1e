"""PostgreSQL 15's own regression scripts, statement by statement on PostgreSQL and on Radlake.

    python tests/regress [--scripts DIR] [--out DIR] [--accept] [NAME…]

Three sessions take each statement: Radlake, a PostgreSQL that takes back what Radlake refuses (so that both hold the same tables, and
what differs later differs by itself), and a PostgreSQL that keeps all (so that what the second lacks only for an earlier refusal is not
taken for an error). Exit code 1: a wrong answer or a crash that known.txt does not list.
"""

import argparse
import collections
import dataclasses
import pathlib
import re
import sys
import tempfile
import time

import report
import source
from causes import named
from compare import CONTROL, cause, compare
from sides import LIMIT, SETTINGS, Answer, Hang, Lost, PostgresSide, RadlakeSide, find_binary
from split import Command, bare, split, substitute

HERE = pathlib.Path(__file__).resolve().parent
# Scripts that read the tables of others, which are therefore loaded before them (parallel_schedule says so).
NEEDS = {
    "geometry": ["point", "lseg", "line", "box", "path", "polygon", "circle"],
    "horology": ["date", "time", "timetz", "timestamp", "timestamptz", "interval"],
    "multirangetypes": ["rangetypes"],
    "aggregates": ["create_aggregate"],
    "join": ["create_misc"],
    "with": ["create_misc"],
    "select_parallel": ["create_misc"],
    "select_views": ["create_view"],
    "portals_p2": [],
    "psql": ["create_am"],
    "amutils": ["geometry", "create_index_spgist"],
}
# Statements that leave the tables as they are.
READS = re.compile(r"\s*(select|values|table|show|set|reset|explain|with|fetch|move|close|prepare|deallocate)\b", re.IGNORECASE)
COPY_FILE = re.compile(r"(\s*copy\s+(?:binary\s+)?[^;]*?\bfrom\s+)'([^']+)'", re.IGNORECASE | re.DOTALL)


def shown(session, name):
    """The value of a setting."""
    answer = session.run(f"SHOW {name}")
    return answer.results[0][1] if answer.results else answer.state


class Run:
    """One script on the three sessions."""

    def __init__(self, runner, name):
        self.runner, self.name = runner, name
        self.count = collections.Counter()
        self.cases = []
        self.variables = {"abs_srcdir": str(runner.source), "abs_builddir": str(runner.source)}
        self.variables |= {"libdir": "/nowhere", "dlsuffix": ".so", "DBNAME": "radlake", "USER": "radlake"}

    def open(self, ours, twin, alone):
        self.ours, self.twin, self.alone = ours, twin, alone
        self.settings()

    def settings(self):
        for name, value in SETTINGS.items():
            for session in (self.ours, self.twin, self.alone):
                session.run(f"SET {name} = '{value}'")
            # Taken, but not as PostgreSQL takes it: then neither has it, or no script would give the same answers.
            if shown(self.ours, name) != shown(self.twin, name):
                for session in (self.ours, self.twin, self.alone):
                    session.run(f"RESET {name}")

    def script(self, counted=True):
        parts = split((self.runner.source / "sql" / f"{self.name}.sql").read_text(errors="replace"))
        for part in parts:
            if isinstance(part, Command):
                self.command(part.text)
            else:
                self.statement(part, counted)

    def command(self, text):
        words = text.split()
        if words[0] == "\\set" and len(words) > 1:
            pieces = re.findall(r":'?\w+'?|'(?:[^']|'')*'|[^\s':]+", text.split(None, 2)[2]) if len(words) > 2 else []
            values = [
                substitute(p, self.variables) if p.startswith(":") else p[1:-1].replace("''", "'") if p[0] == "'" else p
                for p in pieces
            ]
            self.variables[words[1]] = "".join(values)
        elif words[0] in ("\\c", "\\connect"):
            for session in (self.twin, self.alone, self.ours):
                session.close()
                session.open()
            self.settings()

    def statement(self, part, counted):
        sql, data = substitute(part.text, self.variables), part.data
        copy = COPY_FILE.match(sql)
        if copy:
            path = pathlib.Path(copy.group(2))
            if not path.is_file():
                return
            sql, data = copy.group(1) + "STDIN" + sql[copy.end() :], path.read_bytes()
        started = time.monotonic()
        kind, ours, theirs = self.answers(sql, data)
        if part.then and part.then.startswith("\\gset") and not theirs.state and theirs.results:
            columns, rows, _ = theirs.results[-1]
            prefix = (part.then.split() + [""])[1]
            if len(rows) == 1:
                self.variables |= {prefix + c[0]: v or "" for c, v in zip(columns, rows[0], strict=True)}
        if not counted:
            return
        if kind == "wrong" and self.changes_by_itself(sql, theirs):
            kind = "unstable"
        self.count[kind] += 1
        if kind not in ("same", "same error", "plan", "follow-on"):
            self.cases.append(
                {
                    "script": self.name,
                    "line": part.line,
                    "kind": kind,
                    "cause": named(self.name, part.text, cause(ours, theirs)) if kind in ("wrong", "order") else kind,
                    "seconds": round(time.monotonic() - started, 1),
                    "statement": part.text,
                    "ours": dataclasses.asdict(ours),
                    "theirs": dataclasses.asdict(theirs),
                }
            )

    def changes_by_itself(self, sql, theirs):
        """Whether PostgreSQL answers a query otherwise a second time: the clock, random numbers."""
        if not re.match(r"\s*(select|values|with|table)\b", sql, re.IGNORECASE) or self.twin.failed:
            return False
        # A second time it would write on one side only.
        if re.search(r"\b(insert|update|delete|merge)\b", sql, re.IGNORECASE):
            return False
        time.sleep(0.01)
        return self.twin.run(sql).results != theirs.results

    def answers(self, sql, data):
        """Kind, Radlake's answer, PostgreSQL's."""
        plain = bare(sql)
        control = any(CONTROL.match(each) for each in plain.split(";")) and not re.match(r"\s*(create|do)\b", plain, re.I)
        within = self.twin.within
        bracket = not control and not self.twin.failed
        changes = bracket and not within and not READS.match(plain)
        if bracket:
            self.twin.run("SAVEPOINT regress" if within else "BEGIN")
            if within or changes:
                self.ours_quietly("SAVEPOINT regress" if within else "BEGIN")
        broken = None
        try:
            ours = self.ours.run(sql, data)
            if changes and ours.state in ("25001", "0A000"):
                # Perhaps only within a transaction.
                self.ours_quietly("ROLLBACK")
                ours = self.ours.run(sql, data)
        except Hang:
            broken, ours = "hang", Answer([], "hang", f"went on {LIMIT} s after it was cancelled")
        except Lost as lost:
            broken = "lost" if self.runner.radlake.alive() else "crash"
            ours = Answer([], broken, str(lost) + self.runner.radlake.server.log()[-1500:])
        theirs = self.of_postgres(self.twin, sql, data)
        alone = self.of_postgres(self.alone, sql, data)
        if bracket and not within and theirs.state == "25001" and not self.alone.within:
            # VACUUM, CREATE DATABASE …: not within a transaction.
            self.twin.run("ROLLBACK")
            self.ours_quietly("COMMIT")
            theirs = alone if ours.state else self.of_postgres(self.twin, sql, data)
        elif bracket:
            theirs = self.end(within, ours, theirs)
        elif control and ours.state and not theirs.state and not broken:
            self.instead(plain)
        if broken:
            self.ours = self.runner.radlake.again()
            if not self.twin.failed and self.twin.within:
                self.twin.run("ROLLBACK")
                self.alone.run("ROLLBACK")
            self.settings()
            return broken, ours, theirs
        self.agree()
        if ours.late and ours.state and not theirs.late:
            return "timeout", ours, theirs
        if theirs.late:
            return "unstable", ours, theirs
        return compare(sql, ours, theirs, alone), ours, theirs

    def of_postgres(self, session, sql, data):
        try:
            return session.run(sql, data)
        except (Lost, Hang) as error:
            session.close()
            session.open()
            return Answer([], "lost", str(error))

    def ours_quietly(self, sql):
        try:
            return self.ours.run(sql)
        except (Lost, Hang):
            return None  # The statement itself will tell.

    def end(self, within, ours, theirs):
        """Keeps the statement on both sides, or on none."""
        keep = not ours.state and not theirs.state
        if within:
            if not keep:
                self.twin.run("ROLLBACK TO regress")
                self.ours_quietly("ROLLBACK TO regress")
            self.twin.run("RELEASE regress")
            self.ours_quietly("RELEASE regress")
            return theirs
        if self.ours.within or self.ours.failed:
            ended = self.ours_quietly("COMMIT" if keep else "ROLLBACK")
            if keep and ended and ended.state:
                ours.state, ours.message, keep = ended.state, ended.message, False
        done = self.of_postgres(self.twin, "COMMIT" if keep else "ROLLBACK", None)
        return done if keep and done.state else theirs

    def instead(self, plain):
        """Brings both to the same place after Radlake refused to begin, to end or to chain a transaction."""
        if not re.match(r"\s*(begin|start|commit|end|rollback|abort|prepare)\b", plain, re.IGNORECASE):
            return
        within = self.twin.within
        ends = not re.match(r"\s*(rollback|abort|begin|start)\b", plain, re.IGNORECASE)
        self.ours_quietly("COMMIT" if ends and self.ours.within else "ROLLBACK")
        self.twin.run("COMMIT" if ends and within else "ROLLBACK")
        if within:
            self.twin.run("BEGIN")
            self.ours_quietly("BEGIN")

    def agree(self):
        """Both are within a transaction, or both are not."""
        if self.ours.failed and not self.twin.failed:
            self.ours_quietly("ROLLBACK")
        if self.twin.within and not self.ours.within:
            self.ours_quietly("BEGIN")
        elif not self.twin.within and not self.twin.failed and self.ours.within:
            self.ours_quietly("ROLLBACK")


class Runner:
    def __init__(self, folder, scripts, radlake, twin, alone):
        self.source, self.radlake, self.twin, self.alone = scripts, radlake, twin, alone
        setup = Run(self, "test_setup")
        setup.open(radlake.base(), twin.base(), alone.base())
        setup.script()
        self.setup = setup
        for session in (setup.ours, setup.twin, setup.alone):
            session.close()
        radlake.stop()

    def run(self, name):
        run = Run(self, name)
        run.open(self.radlake.fresh(name), self.twin.fresh(), self.alone.fresh())
        try:
            for need in NEEDS.get(name, []):
                run.name = need
                run.script(counted=False)
            run.name = name
            run.script()
        finally:
            for session in (run.ours, run.twin, run.alone):
                session.close()
        return run


def main():
    parser = argparse.ArgumentParser(description="PostgreSQL's regression scripts on PostgreSQL and on Radlake")
    parser.add_argument("names", nargs="*", help="scripts, without .sql; all")
    parser.add_argument("--scripts", help="folder src/test/regress of PostgreSQL 15's source")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("regress-out"), help="folder of the report")
    parser.add_argument("--accept", action="store_true", help="write what was found into known.txt")
    arguments = parser.parse_args()
    try:
        scripts = source.find(arguments.scripts)
    except source.Missing as missing:
        print(f"PostgreSQL's regression scripts are skipped: {missing}")
        return 0
    names = arguments.names or sorted(path.stem for path in (scripts / "sql").glob("*.sql") if path.stem != "test_setup")
    counts, cases = {}, []
    with tempfile.TemporaryDirectory(prefix="radlake-regress-") as folder:
        folder = pathlib.Path(folder)
        try:
            sides = (
                RadlakeSide(find_binary(), folder / "radlake"),
                PostgresSide(folder / "twin"),
                PostgresSide(folder / "alone"),
            )
        except FileNotFoundError as missing:
            print(f"PostgreSQL's regression scripts are skipped: {missing} is not installed")
            return 0
        with sides[0] as radlake, sides[1] as twin, sides[2] as alone:
            runner = Runner(folder, scripts, radlake, twin, alone)
            runs = [runner.setup]
            for name in [None, *names]:
                started = time.monotonic()
                if name:
                    try:
                        runs.append(runner.run(name))
                    except Exception as error:  # One script's trouble does not end the others.
                        print(f"{name}: {type(error).__name__}: {error}", flush=True)
                        continue
                run = runs[-1]
                counts[run.name] = run.count
                cases += run.cases
                said = ", ".join(f"{kind} {run.count[kind]}" for kind in report.KINDS if run.count[kind])
                print(f"{run.name}: {said} ({time.monotonic() - started:.0f} s)", flush=True)
                total, faults = report.write(arguments.out, counts, cases)
    print("total: " + ", ".join(f"{kind} {total[kind]}" for kind in report.KINDS))
    path = HERE / "known.txt"
    if arguments.accept:
        head = [line for line in path.read_text().splitlines() if line.startswith("#")] if path.exists() else []
        old = [] if not arguments.names else [
            line for line in path.read_text().splitlines()
            if not line.startswith("#") and line.split(" | ")[0] not in counts
        ]  # fmt: skip
        path.write_text("\n".join(head + sorted(set(old + [report.known_line(case) for case in faults]))) + "\n")
        return 0
    listed = report.known(path)
    new = [case for case in faults if report.key(case["script"], case["statement"]) not in listed]
    for case in new:
        print(f"not known: {case['script']}:{case['line']} {case['kind']}: {case['cause']}")
        print(f"    {report.known_line(case)}")
    found = {report.key(case["script"], case["statement"]) for case in faults}
    mended = [line for line in listed if line[0] in counts and line not in found]
    print(f"{len(new)} not known, {len(mended)} in known.txt are mended; the report is in {arguments.out}")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
