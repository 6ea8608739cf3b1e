"""Where PostgreSQL's regression scripts come from: a folder that is named, a cache, or Debian's source package."""

import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

# Where the machine's own packages come from: their sources lie beside them.
LISTS = [pathlib.Path("/etc/apt/sources.list.d/debian.sources"), pathlib.Path("/etc/apt/sources.list")]


def sources():
    """The machine's lists of Debian's packages, as lists of their sources: name of the file and its text."""
    for path in LISTS:
        if path.exists() and (text := path.read_text()).strip():
            # Those of security updates need not have kept the package that they name.
            if path.suffix == ".sources":
                parts = [part for part in re.split(r"\n\s*\n", text) if "-security" not in part]
                return "source.sources", re.sub(r"^Types:.*$", "Types: deb-src", "\n\n".join(parts), flags=re.M)
            lines = [line for line in text.splitlines() if "-security" not in line]
            return "source.list", re.sub(r"^deb(?= )", "deb-src", "\n".join(lines) + "\n", flags=re.M)
    raise Missing("no list of Debian's packages in /etc/apt")


class Missing(Exception):
    """The scripts cannot be had; the text says why."""


def cache():
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    return base / "radlake-postgresql-15"


def find(named=None):
    """The folder `src/test/regress`, with `sql` and `data` in it."""
    if named:
        folder = pathlib.Path(named).resolve()
        for candidate in (folder, folder.parent, folder / "src/test/regress"):
            if (candidate / "sql" / "test_setup.sql").exists():
                return candidate
        raise Missing(f"no sql/test_setup.sql in {folder}")
    found = sorted(cache().glob("postgresql-15*/src/test/regress"))
    return found[-1] if found else fetch()


def fetch():
    """Downloads the source package, without a change to the system's list of sources, and keeps its regression tests."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "parts").mkdir()
        (folder / "lists" / "partial").mkdir(parents=True)
        name, text = sources()
        (folder / "parts" / name).write_text(text)
        options = ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={folder}/parts"]
        options += ["-o", f"Dir::State::lists={folder}/lists", "-o", "APT::Sandbox::User=root"]
        options += ["-o", f"Dir::Cache::srcpkgcache={folder}/src.bin", "-o", f"Dir::Cache::pkgcache={folder}/pkg.bin"]
        try:
            for command in (["update", "-qq"], ["source", "-qq", "--download-only", "postgresql-15"]):
                done = subprocess.run(
                    ["apt-get", *options, *command], cwd=folder, capture_output=True, text=True, timeout=300
                )
                if done.returncode:
                    raise Missing(f"apt-get {command[0]}: {done.stderr.strip()[-300:]}")
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Missing(f"apt-get: {error}") from error
        archives = sorted(folder.glob("postgresql-15_*.orig.tar.*"))
        if not archives:
            raise Missing("the source package has no archive")
        cache().mkdir(parents=True, exist_ok=True)
        with tarfile.open(archives[-1]) as archive:
            wanted = [entry for entry in archive if "/src/test/regress/" in entry.name]
            archive.extractall(cache(), wanted, filter="data")
    found = sorted(cache().glob("postgresql-15*/src/test/regress"))
    if not found:
        raise Missing("the archive has no src/test/regress")
    return found[-1]
