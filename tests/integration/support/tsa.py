# SPDX-License-Identifier: Apache-2.0
"""A time stamp authority: `openssl ts -reply` behind an HTTP server that only carries bytes."""

import http.server
import pathlib
import subprocess
import threading

from support.certs import Authority

CONFIG = """
[tsa]
default_tsa = tsa1
[tsa1]
serial = {directory}/serial
crypto_device = builtin
signer_cert = {cert}
signer_key = {key}
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256
accuracy = secs:1
tsa_name = yes
ess_cert_id_alg = sha256
"""


def openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                          **options).stdout


class Tsa(http.server.ThreadingHTTPServer):
    """`requests` are the queries that came; `before_answer` is called before each answer goes."""

    def __init__(self, directory, name="tsa"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.directory = pathlib.Path(directory)
        authority = Authority(self.directory, f"{name}-root")
        cert, key = authority.sign(name, extensions="extendedKeyUsage=critical,timeStamping\n")
        self.ca, self.config = authority.cert, self.directory / f"{name}.cnf"
        (self.directory / "serial").write_text("01\n")
        self.config.write_text(CONFIG.format(directory=self.directory, cert=cert, key=key))
        self.requests, self.lock = [], threading.Lock()
        self.before_answer = lambda: None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}/tsr"

    def reply(self, body):
        with self.lock:
            self.requests.append(body)
            query, answer = self.directory / "query", self.directory / "answer"
            query.write_bytes(body)
            openssl("ts", "-reply", "-config", self.config, "-queryfile", query,
                    "-out", answer)
            return answer.read_bytes()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_query = (self.path == "/tsr"
                    and self.headers["Content-Type"] == "application/timestamp-query")
        answer = self.server.reply(body) if is_query else b"no query"
        self.server.before_answer()
        self.send_response(200 if is_query else 400)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass
