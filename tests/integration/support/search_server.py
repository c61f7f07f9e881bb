# SPDX-License-Identifier: Apache-2.0
"""A real OpenSearch or Elasticsearch, alone in its cluster, on loopback, or a VictoriaLogs.

TELLTALE_SEARCH names what tests/interop/fetch-search has fetched.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

from support.daemon import quiet_port, wait_until

SEARCH = os.environ.get("TELLTALE_SEARCH")
START_TIMEOUT_S = 180
NOBODY = 65534
ADMIN = "admin"
PASSWORD = "correct horse battery staple"  # of all users
PASSWORD_HASH = "$2a$04$csYRxYaclIK66ygiMPR6leeW0TKmADYBdcrezj1Fo.Qomg.klQuey"


def as_nobody(*paths):
    """These servers refuse to run as root."""
    if os.geteuid() != 0:
        return ()
    for path in paths:
        for found in (path, *path.rglob("*")):
            os.chown(found, NOBODY, NOBODY)
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


class Server:
    """Something that speaks HTTP on `port`."""

    prefix = ""
    headers = {}
    ready_path = "/"

    def __init__(self, home, name):
        self.home = pathlib.Path(home) / name
        self.home.mkdir()
        pathlib.Path(home).chmod(0o711)
        self.port = quiet_port()
        self.log_path = self.home / "server.log"
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def spawn(self, arguments, **environment):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
                env={**os.environ, **environment}, start_new_session=True)
        try:
            wait_until(self.is_ready, START_TIMEOUT_S, "server ready")
        except BaseException:
            self.kill()
            raise
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log_path.read_text(errors="replace")[-4000:]
        try:
            return self.ask("GET", self.ready_path)[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, content_type="application/json"):
        """(status, answer as JSON or text)"""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        request = urllib.request.Request(
            self.url + path, method=method,
            data=body.encode() if isinstance(body, str) else body,
            headers={**self.headers, **({"content-type": content_type} if body is not None else {})})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            status, text = refusal.code, refusal.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode(errors="replace")

    def must(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    def kill(self):
        """All of its processes: some are started by a launcher."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # they have ended
            self.process.wait(60)
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.kill()


class SearchServer(Server):
    """`product`: opensearch; or elasticsearch, which answers no GET / in this distribution.  `roles`,
    of elasticsearch: user and role of one name, and what may be done in which indices."""

    ready_path = "/_cluster/health"

    def __init__(self, home, product, roles=None):
        super().__init__(home, product)
        self.product = product
        source = pathlib.Path(SEARCH) / product
        self.place = self.home / "server"
        shutil.copytree(source, self.place)  # where the cache is others may not look
        lines = {
            "network.host": "127.0.0.1", "http.port": self.port, "transport.port": quiet_port(),
            "discovery.type": "single-node", "path.data": self.home / "data",
            "path.logs": self.home / "logs", "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        if product == "elasticsearch":
            lines.update({"xpack.security.enabled": "true",
                          "xpack.security.http.ssl.enabled": "false",
                          "xpack.security.transport.ssl.enabled": "false"})
            self.make_users(roles or {})
        (self.place / "config" / f"{product}.yml").write_text(
            "".join(f"{key}: {value}\n" for key, value in lines.items()))
        for name in ("data", "logs", "tmp"):
            (self.home / name).mkdir()
        self.wrapper = as_nobody(self.home)

    def make_users(self, roles):
        def write(name, lines):
            (self.place / "config" / name).write_text("".join(line + "\n" for line in lines))

        users = [ADMIN, *roles]
        write("users", (f"{user}:{PASSWORD_HASH}" for user in users))
        write("users_roles", ["superuser:" + ADMIN, *(f"{name}:{name}" for name in roles)])
        write("roles.yml", (f"{name}: {json.dumps(rights)}" for name, rights in roles.items()))
        credentials = base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
        self.headers = {"authorization": f"Basic {credentials}"}

    def start(self):
        prefix = "OPENSEARCH" if self.product == "opensearch" else "ES"
        java = pathlib.Path(shutil.which("java")).resolve().parents[1]
        return self.spawn(
            (*self.wrapper, str(self.place / "bin" / self.product)),
            HOME=str(self.home), **{
                f"{prefix}_JAVA_HOME": str(java), f"{prefix}_TMPDIR": str(self.home / "tmp"),
                f"{prefix}_JAVA_OPTS": "-Xms512m -Xmx512m -XX:TieredStopAtLevel=1"})

    def documents(self, target):
        """All documents as {id: source}; each id once, or the test ends."""
        self.must("POST", f"/{target}/_refresh")
        found, path, body = {}, f"/{target}/_search?scroll=2m", {"size": 1000, "sort": ["_doc"]}
        while True:
            answer = self.must("POST", path, body)
            if not answer["hits"]["hits"]:
                return found
            for hit in answer["hits"]["hits"]:
                assert hit["_id"] not in found, hit["_id"]
                found[hit["_id"]] = hit["_source"]
            path, body = "/_search/scroll", {"scroll": "2m", "scroll_id": answer["_scroll_id"]}

    def count(self, target, query=None):
        self.must("POST", f"/{target}/_refresh")
        return self.must("POST", f"/{target}/_count",
                         {"query": query or {"match_all": {}}})["count"]


class VictoriaLogs(Server):
    prefix = "/insert/elasticsearch"

    def __init__(self, home):
        super().__init__(home, "victoria-logs")

    def start(self):
        return self.spawn((f"{SEARCH}/victoria-logs", f"-httpListenAddr=127.0.0.1:{self.port}",
                           f"-storageDataPath={self.home / 'data'}", "-retentionPeriod=100y"))

    def lines(self, query="*"):
        request = f"http://127.0.0.1:{self.port}/select/logsql/query?query={query}&limit=1000000"
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]
