"""The wheel: packed around the binary under test, installed where there is nothing else, and run from there."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **options):
    done = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, **options
    )
    assert done.returncode == 0, f"{done.args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(radlake, tmp_path_factory):
    """The folder of programs of a fresh virtual environment with the wheel."""
    maturin = pathlib.Path(sys.executable).with_name("maturin")
    if not maturin.exists() or not shutil.which("cargo"):
        pytest.skip("the wheel is packed by maturin (pip install -r tests/clients/requirements.txt) and Cargo")
    folder = tmp_path_factory.mktemp("install")
    # `dev`: packed as it is, with its debug information; to make it small would take longer than all else here.
    environment = {**os.environ, "MATURIN": str(maturin), "RADLAKE_PROFILE": "dev"}
    run(ROOT / "packaging/build.sh", "wheel", "--binary", radlake.resolve(), "--out", folder, env=environment)
    (wheel,) = folder.glob("radlake-*.whl")
    run(sys.executable, "-m", "venv", folder / "venv")
    programs = folder / "venv/bin"
    run(programs / "pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check", wheel)
    wheel.unlink()
    yield programs
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def alone(installed):
    """An environment in which no other radlake is found, nor any setting of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RADLAKE_")}
    return {**kept, "PATH": f"{installed}:/usr/bin:/bin"}


def test_the_version_names_commit_and_format(alone):
    version = run("radlake", "--version", env=alone)
    assert re.fullmatch(r"radlake \d+\.\d+\.\d+ \(([0-9a-f]{12}|unknown), lake format \d+\)\n", version), version


def test_the_demo_runs_from_the_wheel(alone, tmp_path):
    answer = run("radlake", "demo", "--no-serve", env=alone, cwd=tmp_path)
    assert "DICOM files" in answer and answer.count("\n-- ") == 6, answer
    assert (tmp_path / "radlake-demo/lake/_radlake/catalog").is_dir()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_take_the_completions(alone, shell, tmp_path):
    script = run("radlake", "completions", shell, env=alone)
    assert "no-serve" in script and "ingest" in script
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(script)
    run(shell, "-n", file)


def test_every_command_has_a_page_of_the_manual(alone, tmp_path):
    run("radlake", "man", tmp_path / "man1", env=alone)
    pages = {page.name for page in (tmp_path / "man1").iterdir()}
    assert {"radlake.1", "radlake-serve.1", "radlake-ingest.1"} <= pages


def test_maturin_is_the_same_wherever_it_is_named():
    wanted = re.search(r'"(maturin==[^"]+)"', (ROOT / "pyproject.toml").read_text()).group(1)
    assert wanted in (ROOT / "tests/clients/requirements.txt").read_text().splitlines()
