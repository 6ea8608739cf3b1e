"""TLS: verified by the client, not talked out of, not stuffed."""

import shutil
import socket
import ssl
import struct
import subprocess

import psycopg
import pytest
from support import Server

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )
    return cert, key


@pytest.fixture(scope="module")
def server(demo_lake, certificate):
    cert, key = certificate
    with Server(demo_lake, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        yield server


def test_verified_connection(server, certificate):
    with psycopg.connect(**server.dsn, sslmode="verify-full", sslrootcert=certificate[0]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert connection.pgconn.ssl_in_use


def test_channel_binding(server, certificate):
    """A client that insists on channel binding gets it, or an error: never a silent downgrade."""
    try:
        with psycopg.connect(**server.dsn, sslmode="require", channel_binding="require") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError as refused:
        assert "channel binding" in str(refused)


def test_other_certificates_are_not_believed(server, tmp_path):
    other = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "/dev/null"]
        + ["-out", other], check=True, capture_output=True,
    )
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**server.dsn, sslmode="verify-full", sslrootcert=other).close()


def test_bytes_before_the_handshake_are_not_taken(server):
    """What an attacker puts behind the SSL request is not read as part of the session (CVE-2021-23214)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        stuffed = struct.pack("!ii", 8, 196608) + b"Q" + struct.pack("!i", 13) + b"SELECT 1\0"
        plain.sendall(struct.pack("!ii", 8, 80877103) + stuffed)
        answer = plain.recv(1)
        if answer != b"S":
            return
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with context.wrap_socket(plain) as secure:
                secure.settimeout(3)
                assert secure.recv(100) == b"", "the server answered what came before TLS"
        except (ssl.SSLError, OSError):
            pass

