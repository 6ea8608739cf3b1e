"""R on Radlake and on PostgreSQL 15, by RPostgreSQL, which Debian has: the same frames, classes and errors."""

import pathlib
import shutil
import subprocess

import pytest
from support import Lake, Server


def printed(dsn):
    script = pathlib.Path(__file__).with_name("r_steps.R")
    done = subprocess.run(
        ["Rscript", "--vanilla", str(script), dsn["host"], str(dsn["port"]), dsn["user"], dsn["password"], dsn["dbname"]],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = done.stdout.split("## ")[1:]
    return dict(step.split(" \n", 1) for step in steps)


@pytest.fixture(scope="module")
def both(radlake, postgres, tmp_path_factory):
    found = shutil.which("Rscript") and subprocess.run(
        ["Rscript", "-e", "library(RPostgreSQL)"], capture_output=True, check=False
    ).returncode == 0
    if not found:
        pytest.skip("R is not installed (Debian: r-base-core r-cran-rpostgresql; the nightly run has it)")
    lake = Lake(radlake, tmp_path_factory.mktemp("r") / "lake")
    lake.init()
    with Server(lake) as server:
        yield printed(server.dsn), printed(postgres.dsn)


def test_frames_classes_and_errors_are_postgresqls(both):
    own, there = both
    assert len(there) == 24
    assert own == there
