"""ibis on Radlake and on PostgreSQL 15: its tables, what it makes of expressions, frames that it writes."""

import contextlib

import pyarrow
import pytest
import tools
from tools_known import missing

ibis = pytest.importorskip("ibis", reason="ibis is not installed (tests/clients/requirements.txt)")
pytest.importorskip("psycopg")

# What PostgreSQL answers and Radlake does not. Strict.
MISSING = missing("ibis")


@pytest.fixture(scope="module")
def both(radlake, postgres, tmp_path_factory):
    with tools.places(radlake, postgres, tmp_path_factory.mktemp("ibis")) as places, contextlib.ExitStack() as stack:
        sessions = []
        for place in places:
            dsn = place.server.dsn
            where = {"database": dsn["dbname"], **{key: dsn[key] for key in ("host", "port", "user", "password")}}
            session = ibis.postgres.connect(**where, schema="trial")
            stack.callback(session.disconnect)
            sessions.append(session)
        yield sessions


def frame(expression):
    table = expression.to_pyarrow()
    return table.schema.to_string() if hasattr(table, "schema") else "", table.to_pylist() if hasattr(table, "to_pylist") else repr(table)


def written(session):
    """A table out of a frame, rows put in and taken out, a view over it."""
    rows = pyarrow.table({"id": [1, 2, 3], "x": [0.5, None, -1.25], "t": ["a", "naïve ü", ""], "b": [True, False, None]})
    session.create_table("framed", rows, overwrite=True)
    try:
        session.insert("framed", rows.slice(1, 1))
        view = session.create_view("framed_view", session.table("framed").filter(lambda t: t.id > 1), overwrite=True)
        told = frame(view.order_by("id")), sorted(session.list_tables(like="framed"))
        session.drop_view("framed_view")
        session.truncate_table("framed")
        return told, frame(session.table("framed").count())
    finally:
        session.drop_table("framed", force=True)


ASKED = {
    "tables": lambda s: sorted(s.list_tables()),
    "schemas": lambda s: [name for name in sorted(s.list_databases()) if name in ("trial", "public", "information_schema", "pg_catalog")],
    "columns": lambda s: [str(s.table(name).schema()) for name in ("site", "study", "doses")],
    "rows": lambda s: frame(s.table("study").order_by("id")),
    "groups": lambda s: frame(s.table("study").group_by("site").agg(n=lambda t: t.count(), m=lambda t: t.dose.max(), d=lambda t: t.label.nunique()).order_by("site")),
    "join": lambda s: frame(s.table("study").left_join(s.table("site"), [("site", "code")]).select("id", "name", "dose").order_by("id")),
    "window": lambda s: frame(s.table("study").mutate(r=ibis.row_number().over(order_by=ibis.desc("id")), l=lambda t: t.label.lag().over(order_by="id")).select("id", "r", "l").order_by("id")),
    "dates": lambda s: frame(s.table("study").filter(lambda t: t.seen.notnull()).select(y=lambda t: t.seen.year(), m=lambda t: t.seen.truncate("M"), d=lambda t: t.seen.date(), e=lambda t: t.seen.epoch_seconds())),
    "texts": lambda s: frame(s.table("study").select(u=lambda t: t.label.upper(), n=lambda t: t.label.length(), c=lambda t: t.label.contains("o"), r=lambda t: t.label.re_replace("o", "0"), s=lambda t: t.label.substr(1, 2)).order_by("u")),
    "arrays": lambda s: frame(s.table("study").select(i="id", n=lambda t: t.tags.length(), f=lambda t: t.tags[0], j=lambda t: t.tags.join("+")).order_by("i")),
    "unnest": lambda s: frame(s.table("study").select(i="id", t=lambda t: t.tags.unnest()).order_by("t")),
    "statistics": lambda s: frame(s.table("study").agg(m=lambda t: t.id.median(), s=lambda t: t.id.cast("float64").std(), q=lambda t: t.id.quantile(0.25))),
    "cases": lambda s: frame(s.table("study").select(c=lambda t: ibis.cases((t.dose > 1, "much"), else_="little"), z=lambda t: t.dose.fill_null(0).cast("float64")).order_by("c")),
    "own SQL": lambda s: frame(s.table("site").sql("SELECT code, count(*) AS n FROM site GROUP BY code").order_by("code")),
    "distinct and union": lambda s: frame(ibis.union(s.table("study").select(x="site"), s.table("study").select(x="site").limit(1), distinct=True).order_by("x")),
    "frames written": written,
}


@pytest.mark.parametrize("what", ASKED)
def test_answers_are_postgresqls(what, both, request):
    own, other = both
    there = ASKED[what](other)
    if what in MISSING:
        request.applymarker(pytest.mark.xfail(reason=MISSING[what], strict=True))
    assert ASKED[what](own) == there


def test_what_is_known_is_asked():
    assert {*MISSING} <= {*ASKED}
