"""Compares two answers, and guesses why they differ."""

import collections
import decimal
import re

from split import ordered

CONTROL = re.compile(
    r"\s*(begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction"
    # Not within a savepoint either, at whose end PostgreSQL would take it back.
    r"|set\s+(local\s+|session\s+)?transaction)",
    re.IGNORECASE,
)
TYPES = {
    16: "boolean", 17: "bytea", 18: '"char"', 19: "name", 20: "bigint", 21: "smallint", 23: "integer", 25: "text",
    26: "oid", 114: "json", 600: "point", 700: "real", 701: "double precision", 1042: "char(n)", 1043: "varchar",
    1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz", 1186: "interval", 1266: "timetz",
    1700: "numeric", 2205: "regclass", 2950: "uuid", 3802: "jsonb",
}  # fmt: skip
FIRST_OF_USERS = 16384


def name(oid):
    return TYPES.get(oid, f"type {oid}")


def rows_of(answer):
    """What is compared of an answer: of queries the rows, of changes how many they were."""
    out = []
    for columns, rows, tag in answer.results:
        counted = re.match(r"(INSERT|UPDATE|DELETE|MERGE|COPY)\b.*?(\d+)$", tag)
        out.append((len(columns), rows, counted.group(2) if counted else None))
    return out


def compare(statement, ours, theirs, alone):
    """One of: same, same error, follow-on, refused, accepted, other SQLSTATE, plan, wrong, order, types."""
    if theirs.state and not alone.state:
        return "follow-on"  # Needs something that Radlake refused before, and PostgreSQL's twin therefore lacks.
    if ours.state and theirs.state:
        return "same error" if ours.state == theirs.state else "other SQLSTATE"
    if ours.state:
        return "refused"
    if theirs.state:
        return "accepted"
    if re.match(r"\s*explain\b", statement, re.IGNORECASE):
        return "plan"
    mine, yours = rows_of(ours), rows_of(theirs)
    if mine != yours:
        if [(n, sorted(rows, key=repr), count) for n, rows, count in mine] != [
            (n, sorted(rows, key=repr), count) for n, rows, count in yours
        ]:
            return "wrong"
        if ordered(statement):
            return "order"
    for (mine, _, _), (yours, _, _) in zip(ours.results, theirs.results, strict=False):
        for (label, oid), (their_label, their_oid) in zip(mine, yours, strict=False):
            if label != their_label or (oid != their_oid and min(oid, their_oid) < FIRST_OF_USERS):
                return "types"
    return "same"


def number(value):
    try:
        return decimal.Decimal(value)
    except (decimal.InvalidOperation, TypeError):
        return None


def cell(mine, yours, my_type, type_):
    """Why two values differ."""
    if mine is None or yours is None:
        return f"NULL or a value ({name(type_)})"
    if mine.rstrip(" ") == yours.rstrip(" "):
        return "blanks at the end"
    if type_ in (700, 701, 1700) or my_type == 1700:
        a, b = number(mine), number(yours)
        if a is not None and b is not None and a.is_finite() and b.is_finite():
            if a == b:
                return f"{name(type_)}: same number, other text"
            if b and abs((a - b) / b) < decimal.Decimal("1e-9"):
                return f"{name(type_)}: other last digits"
        return f"{name(type_)}: another number"
    if mine.replace(" ", "") == yours.replace(" ", ""):
        return f"{name(type_)}: blanks"
    if mine.lower() == yours.lower():
        return f"{name(type_)}: small and capital letters"
    numbers = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?")
    if numbers.sub("#", mine) == numbers.sub("#", yours) and [number(x) for x in numbers.findall(mine)] == [
        number(x) for x in numbers.findall(yours)
    ]:
        return f"{name(type_)}: numbers with other digits within"
    return f"{name(type_)}: another value"


def cause(ours, theirs):
    """A group for a wrong answer."""
    found = collections.Counter()
    if len(ours.results) != len(theirs.results):
        return "number of results"
    for (columns, rows, tag), (their_columns, their_rows, their_tag) in zip(ours.results, theirs.results, strict=True):
        if len(columns) != len(their_columns):
            return "number of columns"
        if len(rows) != len(their_rows):
            return "number of rows"
        if not rows and tag != their_tag:
            return "number of changed rows"
        left = collections.Counter(rows) - collections.Counter(their_rows)
        right = collections.Counter(their_rows) - collections.Counter(rows)
        for mine, yours in zip(sorted(left.elements(), key=repr), sorted(right.elements(), key=repr), strict=False):
            for i, (a, b) in enumerate(zip(mine, yours, strict=True)):
                if a != b:
                    found[cell(a, b, columns[i][1], their_columns[i][1])] += 1
    return found.most_common(1)[0][0] if found else "order of rows"
