"""Two governed tables, what roles may see of them and write, in SQL and beside it in Python, and copies of what they see.

The copies are ordinary tables that hold the rows and values that a role may see, found here by Python and not by the policies:
what a role gets from the governed tables must be what the owner gets from that role's copies.
"""

import datetime
import random
from dataclasses import dataclass, field

OWNER = "m_owner"
PASSWORD = "m secret"
COLUMNS = {
    "cases": {"id": "int", "site": "text", "stage": "int", "x": "int", "note": "text", "code": "text", "born": "date"},
    "visits": {"id": "int", "case_id": "int", "kind": "text", "x": "int", "code": "text", "score": "int"},
}
PERMITS = [("m_permit", "north"), ("m_permit", "east"), ("m_cols", "north")]
# What only closed rows hold: no answer and no error may show it to anybody here.
CLOSED = "closed"
HIDDEN = "hush"


@dataclass
class Policy:
    table: str
    name: str
    role: str
    using: str = None
    sees: object = None
    command: str = "ALL"
    check: str = None
    takes: object = None
    restrictive: bool = False

    def sql(self):
        text = f"CREATE POLICY {self.name} ON m.{self.table} AS {'RESTRICTIVE' if self.restrictive else 'PERMISSIVE'}"
        text += f" FOR {self.command} TO {self.role}"
        text += f" USING ({self.using})" if self.using else ""
        return text + (f" WITH CHECK ({self.check})" if self.check else "")


# Conditions in Python: of a row, the world, and a role. NULL compared is false, which to a policy is as good as unknown.


def less(name, bound):
    return lambda row, world, role: row[name] is not None and row[name] < bound


def more(name, bound):
    return lambda row, world, role: row[name] is not None and row[name] > bound


def one_of(name, *values):
    return lambda row, world, role: row[name] in values


def anything(row, world, role):
    return True


def permitted(row, world, role):
    return (role, row["site"]) in PERMITS


def case_is_seen(row, world, role):
    return any(case["id"] == row["case_id"] for case in world.visible(role, "cases"))


def north_and_early(row, world, role):
    return row["site"] == "north" and row["stage"] is not None and row["stage"] < 5


BY_PERMIT = "EXISTS (SELECT 1 FROM m.permits p WHERE p.role = current_user AND p.site = cases.site)"
POLICIES = [
    # Closed rows are hidden from every role here, whatever else lets them through.
    Policy("cases", "shut", "public", "site IS DISTINCT FROM 'closed'", lambda r, w, o: r["site"] != CLOSED, restrictive=True),
    Policy("visits", "shut", "public", "kind IS DISTINCT FROM 'closed'", lambda r, w, o: r["kind"] != CLOSED, restrictive=True),
    # One policy; on the other table one that reads the first, itself governed.
    Policy("cases", "plain", "m_plain", "site = 'north'", one_of("site", "north")),
    Policy("visits", "plain", "m_plain", "case_id IN (SELECT c.id FROM m.cases c)", case_is_seen),
    # A table of permits, and a team whose policy opens more.
    Policy("cases", "permitted", "m_permit, m_cols", BY_PERMIT, permitted),
    Policy("cases", "team", "m_team", "stage = 1", one_of("stage", 1)),
    Policy("visits", "team", "m_team", "score < 7 OR kind = 'ct'", lambda r, w, o: r["kind"] == "ct" or less("score", 7)(r, w, o)),
    # Restrictive ones beside, one of them for what is read only.
    Policy("cases", "wide", "m_strict", "true", anything),
    Policy("cases", "low", "m_strict", "stage < 4", less("stage", 4), restrictive=True),
    Policy("cases", "odd", "m_strict", "x <> 5", lambda r, w, o: r["x"] not in (None, 5), "SELECT", restrictive=True),
    Policy("visits", "wide", "m_strict", "kind LIKE 'c%'", lambda r, w, o: (r["kind"] or "").startswith("c")),
    # One for each command.
    Policy("cases", "s", "m_each", "site IN ('north', 'south')", one_of("site", "north", "south"), "SELECT"),
    Policy("cases", "i", "m_each", None, None, "INSERT", "site = 'north' AND stage < 5", north_and_early),
    Policy("cases", "u", "m_each", "site = 'north'", one_of("site", "north"), "UPDATE", "stage < 6", less("stage", 6)),
    Policy("cases", "d", "m_each", "stage < 3", less("stage", 3), "DELETE"),
    Policy("visits", "s", "m_each", "score > 2", more("score", 2), "SELECT"),
    Policy("visits", "i", "m_each", None, None, "INSERT", "score < 50", less("score", 50)),
    Policy("visits", "u", "m_each", "score < 6", less("score", 6), "UPDATE"),
    Policy("visits", "d", "m_each", "kind = 'ct'", one_of("kind", "ct"), "DELETE"),
    # Masks, and a policy that reads a masked column as it is.
    Policy("cases", "masked", "m_masked", "x < 9", less("x", 9)),
    Policy("visits", "masked", "m_masked", "true", anything),
    # Rights to some columns only.
    Policy("visits", "cols", "m_cols", "score IS NOT NULL", lambda r, w, o: r["score"] is not None),
]
ROLES = ["m_plain", "m_permit", "m_strict", "m_each", "m_masked", "m_cols"]
TEAMS = {"m_permit": "m_team"}
# Columns that a role has no right to read.
CLOSED_COLUMNS = {"m_cols": {"cases": {"code", "note"}, "visits": {"code"}}}


def partial(value):
    return None if value is None else "**" if len(value) <= 2 else value[0] + "**" + value[-1]


MASKS = {
    "cases": {
        "note": ("FUNCTION partial(note, 1, '**', 1)", partial),
        "code": ("VALUE '0'", lambda value: "0"),
        "x": ("VALUE 7", lambda value: 7),
        "born": ("FUNCTION year_only(born)", lambda value: value and value.replace(month=1, day=1)),
    },
    "visits": {"code": ("VALUE NULL", lambda value: None)},
}


@dataclass
class World:
    """The rows, and what of them a role may see and do."""

    rows: dict = field(default_factory=dict)

    @classmethod
    def generate(cls, seed):
        choose = random.Random(seed)

        def some(value):
            return None if choose.random() < 0.06 else value

        cases, visits = [], []
        for number in range(1, 61):
            site = choose.choice(["north", "north", "south", "east", None, CLOSED])
            closed = site == CLOSED
            code = choose.choice(["7", "e7"]) if site == "east" else str(choose.randint(0, 40))
            day = datetime.date(1940, 1, 1) + datetime.timedelta(choose.randint(0, 20000))
            case = {
                "id": number,
                "site": site,
                "stage": some(choose.randint(0, 5)),
                # Numbers that only hidden rows have: what divides by their difference fails there alone.
                "x": choose.choice([77, 88, 99]) if closed else some(choose.randint(0, 12)),
                "note": some(choose.choice(["a", "bc", "def", "2001-02-03", "ghij", ""])),
                "code": HIDDEN if closed else some(code),
                "born": some(day),
            }
            cases.append({**case, "note": f"{HIDDEN}{number}"} if closed else case)
        for number in range(1, 81):
            kind = choose.choice(["ct", "mr", "cr", None, CLOSED])
            closed = kind == CLOSED
            visit = {
                "id": number,
                "case_id": some(choose.randint(1, 70)),
                "kind": kind,
                "x": choose.choice([77, 88, 99]) if closed else some(choose.randint(0, 12)),
                "code": f"{HIDDEN}{number}" if closed else some(str(choose.randint(0, 40))),
                "score": choose.randint(0, 9),
            }
            visits.append(visit)
        return cls({"cases": cases, "visits": visits})

    def bound(self, role, table, command):
        mine = {role, "public", TEAMS.get(role)}
        bound = [p for p in POLICIES if p.table == table and p.command in ("ALL", command) and mine & set(p.role.split(", "))]
        return [p for p in bound if not p.restrictive], [p for p in bound if p.restrictive]

    def lets(self, role, table, command, row):
        """USING, of one row."""
        permissive, restrictive = self.bound(role, table, command)
        return any(p.sees and p.sees(row, self, role) for p in permissive) and all(
            p.sees(row, self, role) for p in restrictive if p.sees
        )

    def accepts(self, role, table, command, row):
        """WITH CHECK, of one row."""
        permissive, restrictive = self.bound(role, table, command)
        return any((p.takes or p.sees)(row, self, role) for p in permissive) and all(
            (p.takes or p.sees)(row, self, role) for p in restrictive
        )

    def visible(self, role, table, *commands):
        """Rows that may be read, and be what else is asked for."""
        return [row for row in self.rows[table] if all(self.lets(role, table, c, row) for c in ("SELECT", *commands))]

    def shown(self, role, table, row):
        masks = MASKS[table] if role == "m_masked" else {}
        return {name: masks[name][1](value) if name in masks else value for name, value in row.items()}


def create(connection, name, rows, table):
    columns = COLUMNS[table]
    defined = ", ".join(f"{c} {t}" + (" PRIMARY KEY" if c == "id" else "") for c, t in columns.items())
    connection.execute(f"CREATE TABLE {name} ({defined})")
    if rows:
        marks = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(rows))
        connection.execute(f"INSERT INTO {name} VALUES {marks}", [row[c] for row in rows for c in columns])


class Copies:
    """The tables `k.…`: one for each set of rows and values that somebody may see."""

    def __init__(self, connection, world):
        self.connection, self.world, self.names = connection, world, {}

    def name(self, role, table, *commands):
        rows = [self.world.shown(role, table, row) for row in self.world.visible(role, table, *commands)]
        key = (table, repr(rows))
        if key not in self.names:
            self.names[key] = f"k.{table}_{len(self.names)}"
            create(self.connection, self.names[key], rows, table)
            # Roles see all of it, behind a barrier; the owner, without one.
            for text in ["OWNER TO " + OWNER, "ENABLE ROW LEVEL SECURITY"]:
                self.connection.execute(f"ALTER TABLE {self.names[key]} {text}")
            self.connection.execute(f"GRANT SELECT ON {self.names[key]} TO {', '.join(ROLES)}")
            self.connection.execute(f"CREATE POLICY everything ON {self.names[key]} USING (true)")
        return self.names[key]


def prepare(connection, world, masks=True):
    """Makes the governed tables; `connection` is a superuser's."""
    connection.execute("CREATE SCHEMA m")
    connection.execute("CREATE SCHEMA k")
    for role in [OWNER, *ROLES]:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    for role, team in TEAMS.items():
        connection.execute(f"CREATE ROLE {team}")
        connection.execute(f"GRANT {team} TO {role}")
    everybody = ", ".join([OWNER, *ROLES])
    connection.execute(f"GRANT USAGE ON SCHEMA m, k TO {everybody}")
    connection.execute("CREATE TABLE m.permits (role text, site text)")
    for permit in PERMITS:
        connection.execute("INSERT INTO m.permits VALUES (%s, %s)", permit)
    connection.execute(f"GRANT SELECT ON m.permits TO {everybody}")
    for table, rows in world.rows.items():
        create(connection, f"m.{table}", rows, table)
        connection.execute(f"ALTER TABLE m.{table} OWNER TO {OWNER}")
        for role in ROLES:
            closed = CLOSED_COLUMNS.get(role, {}).get(table, set())
            seen = f"({', '.join(c for c in COLUMNS[table] if c not in closed)}) " if closed else ""
            connection.execute(f"GRANT SELECT {seen}ON m.{table} TO {role}")
            connection.execute(f"GRANT INSERT, UPDATE, DELETE ON m.{table} TO {role}")
        for column, (mask, _) in MASKS[table].items() if masks else ():
            label = f"MASKED WITH {mask}".replace("'", "''")
            connection.execute(f"SECURITY LABEL FOR anon ON COLUMN m.{table}.{column} IS '{label}'")
    if masks:
        connection.execute("SECURITY LABEL FOR anon ON ROLE m_masked IS 'MASKED'")
    for policy in POLICIES:
        connection.execute(policy.sql())
    for table in world.rows:
        connection.execute(f"ALTER TABLE m.{table} ENABLE ROW LEVEL SECURITY")
    return Copies(connection, world)
