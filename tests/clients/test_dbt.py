"""A dbt project on Radlake and on PostgreSQL 15: what each node of each step answers, and the tables that it leaves.

Seeds, views, tables with indexes and comments, incremental models of each strategy, ephemeral ones, snapshots, tests, documentation.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from conftest import FULL
from support import Lake, Server
from tools_known import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FULL, reason="takes a minute: RADLAKE_TEST_FULL=1"),
    pytest.mark.skipif(importlib.util.find_spec("dbt") is None, reason="dbt-postgres is not installed (tests/clients/requirements.txt)"),
]

STEPS = ("seed", "run", "run again", "snapshot", "changed", "run of changes", "snapshot of changes", "test", "docs", "run anew")


def known():
    """What PostgreSQL answers and Radlake does not: the nodes of a step, with the reason. A table that was not made lacks until it is."""
    reasons = missing("dbt")
    differing = {step: {} for step in STEPS}
    for step in STEPS[1:]:
        differing[step]["days"] = reasons["persist_docs"]
    differing["test"]["unique_days_day"] = reasons["persist_docs"]
    for step in ("run again", "snapshot", "changed", "run anew"):
        differing[step]["measured"] = reasons["view over a view"]
    for step in STEPS[2:-1]:
        differing[step]["merged"] = reasons["merge"]
    return differing


MISSING = known()


@pytest.fixture(scope="module")
def answers(radlake, postgres, tmp_path_factory):
    lake = Lake(radlake, tmp_path_factory.mktemp("dbt") / "lake")
    lake.init()
    with Server(lake) as server:
        return [carried(place, tmp_path_factory.mktemp("dbt")) for place in (postgres, server)]


def carried(server, folder):
    project = folder / "project"
    shutil.copytree(pathlib.Path(__file__).with_name("dbt"), project)
    environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    environment |= {f"TRIAL_{key.upper()}": str(server.dsn[key]) for key in ("host", "port", "user", "password")}
    environment["TRIAL_DATABASE"] = server.dsn["dbname"]
    script = pathlib.Path(__file__).with_name("dbt_steps.py")
    done = subprocess.run(
        [sys.executable, str(script), str(project)], env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert tuple(line["step"] for line in lines) == STEPS
    return {line["step"]: line for line in lines}


def told(place, step):
    """What a step did to each node, and the table that it left."""
    nodes, tables = place[step]["nodes"], place[step]["tables"]
    return {node: (nodes.get(node), tables.get(node)) for node in {*nodes, *tables}}


@pytest.mark.parametrize("step", STEPS)
def test_nodes_and_tables_are_postgresqls(step, answers):
    there, here = (told(place, step) for place in answers)
    assert not [node for node, (done, _) in there.items() if done and done[0] in ("error", "skipped")], there
    for node in MISSING[step]:
        there.pop(node)
        here.pop(node, None)
    assert answers[1][step]["error"] == answers[0][step]["error"] == ""
    assert here == there


@pytest.mark.parametrize(("step", "node"), [(step, node) for step in MISSING for node in MISSING[step]])
def test_what_is_known_to_differ(step, node, answers, request):
    request.applymarker(pytest.mark.xfail(reason=MISSING[step][node], strict=True))
    there, here = (told(place, step) for place in answers)
    assert here.get(node) == there[node]
