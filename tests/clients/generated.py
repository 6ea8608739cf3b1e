"""Statements over the tables of `governed`, drawn from a seed: texts with `{cases}` and `{visits}` for what is read and
`{target}` for what is written.

A statement has fallible expressions of one kind only, so that it is certain which error it ends with, if with any.
"""

import random

from governed import CLOSED, CLOSED_COLUMNS, COLUMNS, HIDDEN

FALLIBLE = ["divide", "modulo", "cast", "substr", "narrow", "root", "boolean", "scalar", None]
NUMBERS = [0, 1, 2, 3, 5, 6, 8, 12, 20, 77, 88, 99]
OPERATORS = ["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"]
TESTS = ["LIKE '%e%'", "IS NULL", ">= 'e'", "NOT LIKE '_'"]
# Of each table: what is set, what says where a row belongs, and where it belongs to be seen by most.
SETS = {"cases": ("stage", "site", "north"), "visits": ("score", "kind", "ct")}


class Expressions:
    """What statements are made of. A scope is a list of columns with their types."""

    def __init__(self, seed, role):
        self.random = random.Random(seed)
        self.role = role
        self.kind = self.pick(FALLIBLE)
        self.aliases = 0

    def pick(self, of):
        return self.random.choice(of)

    def chance(self, share):
        return self.random.random() < share

    def scope(self, table, alias):
        closed = CLOSED_COLUMNS.get(self.role, {}).get(table, set())
        return [(f"{alias}.{c}", t) for c, t in COLUMNS[table].items() if c not in closed]

    def one(self):
        """A table to read, as FROM has it, its alias and its columns."""
        self.aliases += 1
        table, alias = self.pick(list(COLUMNS)), f"a{self.aliases}"
        return f"{{{table}}} {alias}", alias, self.scope(table, alias)

    def column(self, scope, wanted):
        found = [name for name, kind in scope if kind == wanted]
        literal = {"int": str(self.pick(NUMBERS)), "text": "'1'", "date": "DATE '1970-01-01'"}[wanted]
        return self.pick(found) if found else literal

    def fallible(self, scope):
        number, text, k = self.column(scope, "int"), self.column(scope, "text"), self.pick(NUMBERS)
        match self.kind:
            case "divide":
                return f"(100 / ({number} - {k}))"
            case "modulo":
                return f"({self.pick(NUMBERS)} % ({number} - {k}))"
            case "cast":
                return f"CAST({text} AS int)"
            case "substr":
                return f"length(substr({text}, 1, {number} - {self.pick([0, 1, 2])}))"
            case "narrow":
                return f"CAST({number} * {self.pick([400, 700, 2000, 30000])} AS smallint)"
            case "root":
                return f"CAST(sqrt({self.pick([5, 12, 50, 98])} - {number}) AS int)"
            case "boolean":
                return f"CAST(CAST({text} AS boolean) AS int)"
            case "scalar":
                source, alias, _ = self.one()
                return f"(SELECT {alias}.id FROM {source} WHERE {alias}.x = {k})"
        return number

    def number(self, scope, depth=2):
        if depth <= 0:
            return self.column(scope, "int")
        match self.random.randrange(10):
            case 0 | 1 | 2:
                return self.column(scope, "int")
            case 3:
                return f"({self.number(scope, depth - 1)} + {self.number(scope, depth - 1)})"
            case 4:
                then, other = self.number(scope, depth - 1), self.number(scope, depth - 1)
                return f"CASE WHEN {self.condition(scope, depth - 1)} THEN {then} ELSE {other} END"
            case 5:
                return f"coalesce({self.number(scope, depth - 1)}, {self.pick(NUMBERS)})"
            case 6:
                return f"length({self.column(scope, 'text')})"
            case 7:
                source, _, inner = self.one()
                of = f"{self.pick(['min', 'max', 'count'])}({self.column(inner, 'int')})"
                return f"(SELECT {of} FROM {source} WHERE {self.condition(inner, depth - 1)})"
        return self.fallible(scope)

    def condition(self, scope, depth=2):
        compared = f"{self.pick(OPERATORS)} {self.pick(NUMBERS)}"
        if depth <= 0:
            return f"{self.column(scope, 'int')} {compared}"
        match self.random.randrange(12):
            case 0 | 1 | 2:
                return f"{self.number(scope, depth - 1)} {compared}"
            case 3:
                return f"{self.fallible(scope)} {compared}"
            case 4:
                return f"({self.condition(scope, depth - 1)} {self.pick(['OR', 'AND'])} {self.condition(scope, depth - 1)})"
            case 5:
                return f"NOT ({self.condition(scope, depth - 1)})"
            case 6:
                return f"{self.column(scope, 'text')} {self.pick(TESTS)}"
            case 7:
                return f"{self.column(scope, 'text')} IN ('north', 'ct', '7')"
            case 8:
                return f"{self.column(scope, 'int')} BETWEEN {self.pick(NUMBERS)} AND {self.pick(NUMBERS)}"
            case 9:
                source, _, inner = self.one()
                where = f"{self.column(inner, 'int')} = {self.column(scope, 'int')}"
                where += f" AND {self.condition(inner, depth - 1)}" if self.chance(0.5) else ""
                return f"{self.pick(['', 'NOT '])}EXISTS (SELECT 1 FROM {source} WHERE {where})"
            case 10:
                source, _, inner = self.one()
                tested = f"{self.column(scope, 'int')} {self.pick(['IN', 'NOT IN'])}"
                return f"{tested} (SELECT {self.number(inner, depth - 1)} FROM {source})"
        return f"{self.column(scope, 'date')} < DATE '{self.random.randint(1940, 1995)}-06-01'"

    def listed(self, scope, count=None):
        kinds = [lambda: self.number(scope), lambda: self.column(scope, "text"), lambda: self.column(scope, "int")]
        return ", ".join(self.pick(kinds)() for _ in range(count or self.random.randint(1, 3)))

    def where(self, scope):
        return f" WHERE {self.condition(scope)}" if self.chance(0.8) else ""


class Query(Expressions):
    SHAPES = ["plain", "join", "join", "three", "group", "having", "order", "window", "cte", "recursive", "set", "distinct"]
    SHAPES += ["plain", "lateral", "derived"]

    def __init__(self, seed, role):
        super().__init__(seed, role)
        self.ordered = False
        self.shape = self.pick(self.SHAPES)
        self.text = getattr(self, self.shape)()

    def plain(self):
        source, _, scope = self.one()
        what = "*" if self.role not in CLOSED_COLUMNS and self.chance(0.2) else self.listed(scope)
        return f"SELECT {what} FROM {source}{self.where(scope)}"

    def joined(self, count):
        text, _, scope = self.one()
        for _ in range(count):
            source, _, other = self.one()
            kind = self.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"])
            on = f"{self.column(scope, 'int')} = {self.column(other, 'int')}"
            if kind not in ("FULL JOIN", "CROSS JOIN"):
                if self.chance(0.4):
                    on += f" AND {self.condition(scope + other, 1)}"
                elif self.chance(0.15):
                    on = self.condition(scope + other, 1)
            text += f" {kind} {source}" + ("" if kind == "CROSS JOIN" else f" ON {on}")
            scope = scope + other
        return text, scope

    def join(self):
        text, scope = self.joined(1)
        return f"SELECT {self.listed(scope)} FROM {text}{self.where(scope)}"

    def three(self):
        text, scope = self.joined(2)
        return f"SELECT count(*), sum({self.number(scope, 1)}) FROM {text}{self.where(scope)}"

    def group(self):
        source, _, scope = self.one()
        by = self.pick([self.number(scope), self.column(scope, "text"), self.column(scope, "int")])
        of = [f"sum({self.number(scope)})", f"min({self.column(scope, 'text')})", f"max({self.number(scope, 1)})"]
        of = self.pick(["count(*)", *of, f"count(DISTINCT {self.column(scope, 'int')})"])
        return f"SELECT {by}, {of} FROM {source}{self.where(scope)} GROUP BY 1"

    def having(self):
        scope = [("max(h.x)", "int"), ("min(h.code)" if self.role not in CLOSED_COLUMNS else "min('1')", "text")]
        having = self.fallible(scope) if self.kind != "scalar" else "count(*)"
        table = self.pick(list(COLUMNS))
        by = self.column(self.scope(table, "h"), "text")
        return f"SELECT {by}, count(*) FROM {{{table}}} h GROUP BY {by} HAVING {having} {self.pick(OPERATORS)} 3"

    def order(self):
        source, alias, scope = self.one()
        self.ordered = True
        by = [self.number(scope), self.column(scope, "text"), self.column(scope, "int"), self.column(scope, "date")]
        # Nothing fallible is listed: how many rows a list is computed of below a limit is nobody's promise.
        end = f"{self.pick(by)} {self.pick(['', 'DESC', 'NULLS FIRST'])}, {alias}.id LIMIT {self.pick([1, 3, 10])}"
        return f"SELECT {alias}.id FROM {source}{self.where(scope)} ORDER BY {end} OFFSET {self.pick([0, 0, 2])}"

    def window(self):
        source, alias, scope = self.one()
        over = f"(PARTITION BY {self.number(scope, 1)} ORDER BY {self.number(scope, 1)}, {alias}.id)"
        what = [f"sum({self.number(scope, 1)})", "row_number()", "rank()", f"lag({self.number(scope, 1)})"]
        return f"SELECT {alias}.id, {self.pick(what)} OVER {over} FROM {source}{self.where(scope)}"

    def named(self):
        source, alias, scope = self.one()
        inner = f"SELECT {alias}.id, {self.number(scope)} AS n, {self.column(scope, 'text')} AS s FROM {source}{self.where(scope)}"
        return inner, [("q.n", "int"), ("q.s", "text"), ("q.id", "int")]

    def cte(self):
        inner, scope = self.named()
        return f"WITH q AS ({inner}) SELECT {self.listed(scope)} FROM q{self.where(scope)}"

    def derived(self):
        inner, scope = self.named()
        return f"SELECT {self.listed(scope)} FROM ({inner}) q{self.where(scope)}"

    def recursive(self):
        first, _, scope = self.one()
        source, alias, inner = self.one()
        start = f"SELECT {self.number(scope, 1)}, 0 FROM {first}{self.where(scope)}"
        step = f"SELECT {alias}.id, r.d + 1 FROM r JOIN {source} ON {alias}.x = r.n WHERE r.d < 2 AND {self.condition(inner, 1)}"
        return f"WITH RECURSIVE r(n, d) AS ({start} UNION {step}) SELECT n, d FROM r"

    def set(self):
        op = self.pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL", "INTERSECT ALL"])
        halves = (self.named()[0] for _ in "ab")
        return f" {op} ".join(halves)

    def distinct(self):
        source, alias, scope = self.one()
        if self.chance(0.3):
            by = self.number(scope, 1)
            return f"SELECT DISTINCT ON ({by}) {by}, {alias}.id FROM {source}{self.where(scope)} ORDER BY {by}, {alias}.id"
        return f"SELECT DISTINCT {self.listed(scope)} FROM {source}{self.where(scope)}"

    def lateral(self):
        source, alias, scope = self.one()
        second, _, inner = self.one()
        side = f"SELECT {self.number(inner, 1)} AS n FROM {second} WHERE {self.column(inner, 'int')} = {self.column(scope, 'int')}"
        return f"SELECT {alias}.id, l.n FROM {source}, LATERAL ({side}) l{self.where(scope + [('l.n', 'int')])}"


class Write(Expressions):
    """`command` writes the table `target`; `new` are the rows of VALUES. RETURNING stands apart in `returning`."""

    def __init__(self, seed, role, world):
        super().__init__(seed, role)
        self.world = world
        self.target = self.pick(list(COLUMNS))
        # Whoever is shown masks may only add rows.
        shapes = ["insert", "copy", "conflict", "update", "update", "delete", "merge"]
        self.command = self.pick(shapes[:2] if role == "m_masked" else shapes)
        self.returns = self.command != "merge" and role != "m_masked" and self.chance(0.5)
        self.new, self.nothing, self.conditional, self.beside = [], False, False, False
        self.mine = self.scope(self.target, "t")
        self.text = getattr(self, self.command)()
        self.returning = f" RETURNING {self.listed(self.mine, 2)}" if self.returns else ""

    def values(self, keys):
        """Rows much like some that there are."""
        setting, place, seen = SETS[self.target]
        for key in keys:
            row = {**self.pick(self.world.rows[self.target]), "id": key}
            if self.chance(0.3):
                row[setting] = self.pick([1, 2, 5, 60])
            if row[place] == CLOSED and self.chance(0.9):
                row[place] = seen
            row = {name: "9" if HIDDEN in str(value) else value for name, value in row.items()}
            self.new.append(row)

        def literal(value):
            return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"

        return ", ".join("(" + ", ".join(map(literal, row.values())) + ")" for row in self.new)

    def insert(self):
        return f"INSERT INTO {{target}} AS t VALUES {self.values([1000 + i for i in range(self.random.randint(1, 3))])}"

    def copy(self):
        setting, place, seen = SETS[self.target]
        source, alias, scope = self.one()
        text = self.pick([self.column(scope, "text"), f"'{seen}'", f"'{seen}'"])
        last = self.pick(["1", f"coalesce({self.number(scope, 1)}, 1)"])
        rows = f"SELECT {alias}.id + 1000, {text}, {self.pick([1, 2, 5])}, {last} FROM {source}{self.where(scope)}"
        return f"INSERT INTO {{target}} AS t (id, {place}, {setting}, x) {rows}"

    def conflict(self):
        setting = SETS[self.target][0]
        keys = [row["id"] for row in self.world.rows[self.target]] + [1001, 1002] * 20
        drawn = list(dict.fromkeys(self.pick(keys) for _ in "ab"))
        head = f"INSERT INTO {{target}} AS t VALUES {self.values(drawn)} ON CONFLICT (id)"
        if self.chance(0.3):
            self.nothing = True
            return f"{head} DO NOTHING"
        value = self.pick(["excluded.x", f"coalesce(t.{setting}, 0) + 1", "1"])
        self.conditional = self.chance(0.3)
        where = f" WHERE {self.condition(self.mine, 1)}" if self.conditional else ""
        return f"{head} DO UPDATE SET {setting} = {value}{where}"

    def source(self, word):
        """Another table beside the target, by its key, so that no row is met twice."""
        self.beside = self.chance(0.3)
        if not self.beside:
            return "", "", self.mine
        source, alias, scope = self.one()
        return f" {word} {source}", f"{alias}.id = t.id AND ", self.mine + scope

    def update(self):
        setting, place, _ = SETS[self.target]
        source, tied, scope = self.source("FROM")
        value = self.pick([self.number(scope, 1), self.pick(["1", "2", "3"]), self.column(scope, "int")])
        sets = f"{self.pick([setting, 'x'])} = {value}"
        sets += f", {place} = '{self.pick(['south', 'mr', 'north', CLOSED])}'" if self.chance(0.2) else ""
        # A column is read whatever the condition is, so that the policies for SELECT bind too.
        return f"UPDATE {{target}} AS t SET {sets}{source} WHERE {tied or 't.id > 0 AND '}{self.condition(scope)}"

    def delete(self):
        source, tied, scope = self.source("USING")
        return f"DELETE FROM {{target}} AS t{source} WHERE {tied or 't.id > 0 AND '}{self.condition(scope)}"

    def merge(self):
        setting, place, seen = SETS[self.target]
        source, alias, scope = self.one()
        rows = f"SELECT {alias}.id, {alias}.x, {self.number(scope, 1)} AS n FROM {source}{self.where(scope)}"
        both = self.mine + [("s.n", "int"), ("s.x", "int")]
        # Each row that is updated is another afterwards.
        updated = f"UPDATE SET {setting} = coalesce(t.{setting}, 0) + {self.pick([1, 2, 1000])}"
        asked = f" AND {self.condition(both, 1)}" if self.chance(0.6) else ""
        text = f"MERGE INTO {{target}} AS t USING ({rows}) s ON t.id = s.id"
        text += f" WHEN MATCHED{asked} THEN {self.pick([updated, updated, 'DELETE', 'DO NOTHING'])}"
        if self.chance(0.6):
            added = f"INSERT (id, {place}, {setting}, x) VALUES (s.id + 1000, '{seen}', {self.pick([1, 2, 5])}, s.n)"
            text += f" WHEN NOT MATCHED THEN {added}"
        return text
