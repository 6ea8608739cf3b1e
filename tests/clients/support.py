"""Lakes, servers and PostgreSQL as context managers."""

import ctypes
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import time

import psycopg

PASSWORD = "correct horse battery staple"
PATIENCE = 60


def find_binary():
    """The binary `radlake`: RADLAKE_BIN, or the one in Cargo's target folder."""
    root = pathlib.Path(__file__).resolve().parents[2]
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    binary = pathlib.Path(os.environ.get("RADLAKE_BIN", target / "debug" / "radlake"))
    return binary


def pydicom_data():
    """The folder of the files that pydicom tests itself with; None where they are not installed."""
    try:
        import pydicom
    except ImportError:
        return None
    folder = pathlib.Path(pydicom.__file__).parent / "data"
    return folder if folder.is_dir() else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port, alive, log):
    """Waits until somebody answers at `port`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert alive(), f"the server ended\n{log()}"
            time.sleep(0.05)
    raise AssertionError(f"the server does not answer\n{log()}")


def reset(stream):
    """Has the kernel send an RST, whatever the connection is doing and whoever else holds it."""
    unspecified = struct.pack("=H14x", socket.AF_UNSPEC)
    ctypes.CDLL(None).connect(stream.fileno(), unspecified, len(unspecified))


class Lake:
    """A folder, and the commands of the binary over it."""

    def __init__(self, binary, path):
        self.binary = binary
        self.path = path
        # Beside which the servers' logs are, and what the processes are told beyond our own environment.
        self.logs = path
        self.environment = {}
        self.report = None

    def command(self, subcommand, *arguments):
        return [str(self.binary), subcommand, str(self.path), *map(str, arguments)]

    def surroundings(self):
        return {**os.environ, **self.environment, "RADLAKE_PASSWORD": PASSWORD}

    def run(self, subcommand, *arguments, check=True):
        done = subprocess.run(
            self.command(subcommand, *arguments),
            env=self.surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert not check or done.returncode == 0, f"{done.args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def init(self):
        return self.run("init")

    def demo(self):
        """Lets `radlake demo` fill the folder, and finds the lake in it."""
        done = self.run("demo", "--no-serve")
        catalogs = sorted(self.path.rglob("_radlake/catalog"))
        assert catalogs, f"no lake below {self.path}\n{done.stdout}\n{done.stderr}"
        self.path = catalogs[0].parents[1]
        return done

    def ingest(self, *paths, provider):
        done = self.run("ingest", *paths, "--provider", provider, "--format", "json")
        return json.loads(done.stdout)

    def sql(self, statement):
        """The answer of `radlake sql` as a list of dictionaries."""
        return json.loads(self.run("sql", "--format", "json", "-c", statement).stdout)


class Server:
    """`radlake serve` over a lake, on a port of its own."""

    def __init__(self, lake, *arguments, port=None):
        self.lake = lake
        self.arguments = arguments
        self.port = port or free_port()
        self.process = None
        self.log_path = pathlib.Path(str(lake.logs) + f".{self.port}.log")

    def __enter__(self):
        log = self.log_path.open("wb")
        self.process = subprocess.Popen(
            self.lake.command("serve", "--listen", f"127.0.0.1:{self.port}", *self.arguments),
            env=self.lake.surroundings(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        wait_for(self.port, lambda: self.process.poll() is None, self.log)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def dsn(self):
        return {"host": "127.0.0.1", "port": self.port, "user": "radlake", "password": PASSWORD, "dbname": "radlake"}

    def log(self):
        return self.log_path.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def memory(self, field="VmHWM"):
        """Peak resident memory in bytes; `VmRSS` for the present one."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def kill(self):
        """As a power cut does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)


class Postgres:
    """PostgreSQL with a superuser `radlake`, in a folder of its own."""

    def __init__(self, path):
        self.bin = self.find()
        self.path = path
        self.port = free_port()

    @staticmethod
    def find():
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if found:
            return found[-1].parent
        if shutil.which("initdb"):
            return pathlib.Path(shutil.which("initdb")).parent
        raise FileNotFoundError("initdb")

    def __enter__(self):
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            names = {entry.pw_name for entry in pwd.getpwall()}
            user = "postgres" if "postgres" in names else "nobody"
        password = self.path / "password"
        password.write_text(PASSWORD)
        if user:
            # pytest's folders are closed to others; the data folder itself is what PostgreSQL wants closed.
            import tempfile

            self.path = pathlib.Path(tempfile.mkdtemp(prefix="radlake-postgres-"))
            password = self.path / "password"
            password.write_text(PASSWORD)
            for entry in (self.path, password):
                shutil.chown(entry, user)
        data = self.path / "data"
        options = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
        options |= {"cwd": self.path, "stdin": subprocess.DEVNULL}
        subprocess.run(
            [self.bin / "initdb", "-D", data, "-U", "radlake", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"]
            + ["--no-sync", f"--pwfile={password}"],
            check=True,
            capture_output=True,
            **options,
        )
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
            + ["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "timezone=UTC"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **options,
        )
        wait_for(self.port, lambda: self.process.poll() is None, lambda: "PostgreSQL")
        # It listens before it is ready, and says until then that it is starting up.
        end = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(**self.dsn).close()
                return self
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        if str(self.path).startswith("/tmp/radlake-postgres-"):
            shutil.rmtree(self.path, ignore_errors=True)

    @property
    def dsn(self):
        return {"host": "127.0.0.1", "port": self.port, "user": "radlake", "password": PASSWORD, "dbname": "postgres"}
