"""Commits per second of one, four and sixteen clients, on PostgreSQL and on Radlake, in turns.

    commits.py --radlake BINARY [--postgres BINDIR] [--seconds N] [--runs N]

Both servers listen on 127.0.0.1, keep their files below one temporary folder, and sync every commit. Prints a JSON object per line:
peer, kind, clients, commits per second (best run), milliseconds of the median and of the 99th percentile.
"""

import argparse
import glob
import json
import os
import pathlib
import pwd
import socket
import subprocess
import tempfile
import threading
import time

import psycopg

PASSWORD = "benchmark"
KINDS = {
    "insert": ("create table {t} (id bigint, v text)", "insert into {t} values ({id}, 'x')"),
    "insert, primary key": ("create table {t} (id bigint primary key, v text)", "insert into {t} values ({id}, 'x')"),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(dsn, process):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"a server ended with {process.returncode}")
        try:
            psycopg.connect(**dsn).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise SystemExit("a server did not come up")


class Radlake:
    def __init__(self, folder, binary):
        lake = str(folder / "lake")
        environment = {**os.environ, "RADLAKE_PASSWORD": PASSWORD}
        subprocess.run([binary, "init", lake], env=environment, check=True, stdout=subprocess.DEVNULL)
        port = free_port()
        self.dsn = dict(host="127.0.0.1", port=port, user="radlake", password=PASSWORD, dbname="radlake")
        command = [binary, "serve", lake, "--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.dsn, self.process)


class Postgres:
    def __init__(self, folder, binaries):
        data, port = folder / "postgres", free_port()
        # PostgreSQL does not run as root.
        as_user = {"user": "postgres"} if os.getuid() == 0 else {}
        if as_user:
            data.mkdir()
            os.chown(data, pwd.getpwnam("postgres").pw_uid, -1)
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **as_user)
        subprocess.run([f"{binaries}/initdb", "-D", data, "-A", "trust", "-U", "radlake"], check=True, **quiet)
        self.dsn = dict(host="127.0.0.1", port=port, user="radlake", dbname="postgres")
        command = [f"{binaries}/postgres", "-D", data, "-p", str(port), "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
        self.process = subprocess.Popen(command, **quiet)
        wait_for(self.dsn, self.process)


def measure(dsn, create, insert, clients, seconds, name):
    with psycopg.connect(**dsn, autocommit=True) as connection:
        connection.execute(create.format(t=name))
    end = time.monotonic() + seconds
    times, failed = [[] for _ in range(clients)], []

    def work(client):
        with psycopg.connect(**dsn, autocommit=True) as connection:
            number = client * 10_000_000
            while (start := time.monotonic()) < end:
                number += 1
                try:
                    connection.execute(insert.format(t=name, id=number))
                except psycopg.Error as error:
                    failed.append(error.sqlstate)
                    continue
                times[client].append(time.monotonic() - start)

    threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
    start = time.monotonic()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    took = time.monotonic() - start
    every = sorted(t for of in times for t in of)
    with psycopg.connect(**dsn, autocommit=True) as connection:
        count = connection.execute(f"select count(*) from {name}").fetchone()[0]
    if count != len(every):
        raise SystemExit(f"{len(every)} rows were acknowledged, {count} are there")
    at = lambda share: every[min(len(every) - 1, int(len(every) * share))] * 1e3 if every else None
    return dict(rate=len(every) / took, median=at(0.5), p99=at(0.99), failed=len(failed))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--radlake", required=True)
    parser.add_argument("--postgres", default=(sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [None])[-1])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        peers = {"Radlake": Radlake(folder, options.radlake)}
        if options.postgres:
            peers["PostgreSQL"] = Postgres(folder, options.postgres)
        for number, (kind, (create, insert)) in enumerate(KINDS.items()):
            for clients in (1, 4, 16):
                best = {}
                for run in range(options.runs):
                    for peer, server in peers.items():
                        name = f"t{number}_{clients}_{run}"
                        result = measure(server.dsn, create, insert, clients, options.seconds, name)
                        if peer not in best or result["rate"] > best[peer]["rate"]:
                            best[peer] = result
                for peer, result in best.items():
                    print(json.dumps(dict(peer=peer, kind=kind, clients=clients, **result)), flush=True)
        for server in peers.values():
            server.process.kill()
            server.process.wait()


if __name__ == "__main__":
    main()
