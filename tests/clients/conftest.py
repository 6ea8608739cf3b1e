"""What the client tests share: the binary, a lake of pydicom's files, a demo lake, servers over them, PostgreSQL beside them."""

import os
import pathlib
import subprocess

import psycopg
import pytest
from s3 import S3
from support import Lake, Postgres, Server, find_binary, pydicom_data

FULL = os.environ.get("RADLAKE_TEST_FULL") == "1"


def pytest_sessionstart():
    if not find_binary().exists():
        pytest.exit(f"{find_binary()} is missing: run `cargo build --workspace` first", returncode=1)


@pytest.fixture(scope="session")
def radlake():
    return find_binary()


@pytest.fixture(scope="session")
def full():
    """Whether the tests run at full size."""
    return FULL


@pytest.fixture(scope="session")
def pydicom_files():
    """The folder of the files that pydicom tests itself with."""
    folder = pydicom_data()
    if folder is None:
        pytest.skip("pydicom's test files are not installed (pip install pydicom)")
    return folder


@pytest.fixture(scope="session")
def pydicom_lake(radlake, tmp_path_factory, pydicom_files):
    """A lake into which pydicom's files were ingested; `.report` is the summary."""
    lake = Lake(radlake, tmp_path_factory.mktemp("pydicom") / "lake")
    lake.init()
    lake.report = lake.ingest(pydicom_files, provider="pydicom")
    return lake


@pytest.fixture(scope="session")
def pydicom_server(pydicom_lake):
    with Server(pydicom_lake) as server:
        yield server


@pytest.fixture(scope="session")
def demo_lake(radlake, tmp_path_factory):
    """The lake that `radlake demo` makes: a few hundred series."""
    path = tmp_path_factory.mktemp("demo")
    lake = Lake(radlake, path)
    lake.demo()
    return lake


@pytest.fixture(scope="session")
def demo_server(demo_lake):
    with Server(demo_lake) as server:
        yield server


@pytest.fixture()
def connection(demo_server):
    with psycopg.connect(**demo_server.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """PostgreSQL itself, or a skip that says why there is none.

    Each file of tests has one of its own: its catalogs tell of whatever other files left in it.
    """
    try:
        server = Postgres(tmp_path_factory.mktemp("postgres"))
    except FileNotFoundError as missing:
        pytest.skip(f"PostgreSQL is not installed: {missing}")
    with server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """An S3 server."""
    pytest.importorskip("moto.server", reason="moto is not installed (tests/clients/requirements.txt)")
    with S3(tmp_path_factory.mktemp("s3")) as s3:
        yield s3


@pytest.fixture(scope="session")
def node():
    """Runs a script of this folder with node-postgres in reach."""
    modules = os.environ.get("RADLAKE_NODE_MODULES")
    if not modules or not (pathlib.Path(modules) / "pg").is_dir():
        pytest.skip("node-postgres is not installed (tests/run.sh sets RADLAKE_NODE_MODULES)")

    def run(script, stdin):
        path = pathlib.Path(__file__).with_name(script)
        environment = {**os.environ, "NODE_PATH": modules}
        done = subprocess.run(
            ["node", str(path)], input=stdin, env=environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
