"""An S3 server (moto's) in a process of its own, and a proxy that does to requests what networks and services do.

The server is moto over Werkzeug: `python s3.py PORT`. Of itself it looks whether a file is there and then writes it; a lock
about conditional writes makes that the one step that If-None-Match promises.
"""

import collections
import fnmatch
import http.client
import http.server
import pathlib
import random
import subprocess
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree

from support import Lake, free_port, reset, wait_for

BUCKET = "lakes"
# After which Radlake gives a request up, and how long answers are held back.
GIVEN_UP, HELD = 2, 2.6


def serve(port):
    """Serves S3 until the process is ended."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, run_simple

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_):
            pass

    moto = DomainDispatcherApplication(create_backend_app)
    lock = threading.Lock()

    def application(environ, start_response):
        if environ.get("HTTP_IF_NONE_MATCH"):
            with lock:
                return list(moto(environ, start_response))
        return moto(environ, start_response)

    run_simple("127.0.0.1", port, application, threaded=True, request_handler=Handler)


class S3:
    """The server, with a bucket."""

    def __init__(self, logs):
        self.port = free_port()
        self.log = pathlib.Path(logs) / "s3.log"

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        wait_for(self.port, lambda: self.process.poll() is None, lambda: self.log.read_text(errors="replace"))
        assert self.request("PUT", f"/{BUCKET}")[0] == 200
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def request(self, method, path, body=b"", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            # Nobody checks the signature, but without one we are everybody.
            signed = "AWS4-HMAC-SHA256 Credential=key/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
            headers = {"Content-Type": "application/octet-stream", "Authorization": signed, **(headers or {})}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def names(self, prefix):
        """The files below a prefix."""
        found, more = [], ""
        while True:
            query = urllib.parse.urlencode({"list-type": 2, "prefix": prefix, **({"continuation-token": more} if more else {})})
            tree = xml.etree.ElementTree.fromstring(self.request("GET", f"/{BUCKET}?{query}")[1])
            space = tree.tag.partition("}")[0] + "}"
            found += [key.text for key in tree.iter(space + "Key")]
            more = tree.findtext(space + "NextContinuationToken")
            if not more:
                return found

    def download(self, lake, folder):
        """A lake's files as they are now, for those who read folders."""
        prefix = lake.path.removeprefix(f"s3://{BUCKET}/") + "/"
        for name in self.names(prefix):
            target = folder / name.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            status, content = self.request("GET", f"/{BUCKET}/{urllib.parse.quote(name)}")
            assert status == 200, (name, status)
            target.write_bytes(content)
        return Lake(lake.binary, folder)

    def lake(self, binary, name, logs, port=None):
        """A lake in the bucket, by way of a proxy's port."""
        lake = Lake(binary, f"s3://{BUCKET}/{name}")
        lake.logs = logs / name
        # Without faults only a busy machine makes a request late.
        timeout = GIVEN_UP if port else 60
        lake.environment = {
            "AWS_ENDPOINT": f"http://127.0.0.1:{port or self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_TIMEOUT": f"{timeout}s",
        }
        return lake


class Faults:
    """What a proxy does to requests: `before` they reach the server, or `after`, when only the answer is lost.

    `409 early` is what one of two equal requests is told while the other one is still on its way.
    """

    KINDS = (
        "503 before",
        "503 after",
        "409 before",
        "409 early",
        "reset before",
        "reset after",
        "held before",
        "held after",
        "late",
        "cut",
    )

    def __init__(self):
        self.lock = threading.Lock()
        self.planned = []
        self.chance, self.kinds, self.random = 0, (), random.Random()
        # What all requests have, and what all have from one that matches on.
        self.down = self.away = None
        # Requests that are carried out once somebody saw so many times that there is nothing, or tried again.
        self.pending, self.looks = {}, 1
        self.done = collections.Counter()

    def once(self, kind, method, pattern, times=1):
        """The next requests of a method for a name that matches have a fault."""
        with self.lock:
            self.planned += [[kind, method, pattern] for _ in range(times)]

    def often(self, chance, kinds, seed):
        with self.lock:
            self.chance, self.kinds, self.random = chance, kinds, random.Random(seed)

    def none(self):
        with self.lock:
            self.planned, self.chance, self.down, self.away = [], 0, None, None

    def choose(self, method, path):
        name = urllib.parse.unquote(urllib.parse.urlsplit(path).path)
        with self.lock:
            if self.away and method == "PUT" and fnmatch.fnmatch(name, self.away[0]):
                self.down, self.away = self.away[1], None
            kind = self.down
            for plan in self.planned:
                if kind is None and plan[1] == method and fnmatch.fnmatch(name, plan[2]):
                    self.planned.remove(plan)
                    kind = plan[0]
                    break
            if kind is None and self.random.random() < self.chance:
                kind = self.random.choice(self.kinds)
            if kind:
                self.done[kind, method] += 1
            return kind


class Proxy:
    """Between Radlake and the server."""

    def __init__(self, s3):
        self.faults = faults = Faults()
        # Method, path and range of each request.
        self.asked = asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            upstream = None

            def log_message(self, *_):
                pass

            def forward(self, body):
                if self.upstream is None:
                    self.upstream = http.client.HTTPConnection("127.0.0.1", s3.port, timeout=60)
                try:
                    self.upstream.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = self.upstream.getresponse()
                    return answer.status, answer.getheaders(), answer.read()
                except (OSError, http.client.HTTPException):
                    self.upstream.close()
                    raise

            def land(self):
                """The other request for this name, of which there was a 409, is done."""
                if pending := faults.pending.pop(self.path, None):
                    s3.request("PUT", self.path, *pending[1:])

            def answer(self, status, headers, body, cut=False):
                self.send_response_only(status)
                length = {"content-length", "connection", "transfer-encoding"}
                for name, value in headers:
                    if name.lower() not in length or self.command == "HEAD" and name.lower() == "content-length":
                        self.send_header(name, value)
                if self.command != "HEAD":
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body[: len(body) // 2] if cut else body)
                if cut:
                    # What was written is to arrive, as far as it goes.
                    self.wfile.flush()
                    time.sleep(0.01)
                    self.gone()

            def refuse(self, status, code):
                text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
                self.answer(status, [("Content-Type", "application/xml")], text.encode())

            def gone(self):
                reset(self.connection)
                self.close_connection = True

            def any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked.append((self.command, urllib.parse.unquote(urllib.parse.urlsplit(self.path).path), self.headers.get("Range")))
                kind = faults.choose(self.command, self.path)
                try:
                    if kind == "409 early":
                        faults.pending[self.path] = [faults.looks, body, dict(self.headers.items())]
                    elif self.command == "PUT":
                        self.land()
                    if kind in ("503 before", "409 before", "409 early"):
                        self.refuse(*((503, "SlowDown") if kind.startswith("503") else (409, "ConditionalRequestConflict")))
                    elif kind == "reset before":
                        self.gone()
                    elif kind == "held before":
                        time.sleep(HELD)
                        self.gone()
                    else:
                        # The client gives it up, and it is carried out.
                        if kind == "late":
                            time.sleep(HELD)
                        answer = self.forward(body)
                        if answer[0] == 404 and self.command == "GET" and self.path in faults.pending:
                            faults.pending[self.path][0] -= 1
                            if faults.pending[self.path][0] == 0:
                                self.land()
                        if kind == "503 after":
                            self.refuse(503, "SlowDown")
                        elif kind in ("reset after", "late"):
                            self.gone()
                        else:
                            if kind == "held after":
                                time.sleep(HELD)
                            self.answer(*answer, cut=kind == "cut")
                except OSError:
                    self.close_connection = True

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
