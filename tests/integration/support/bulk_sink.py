# SPDX-License-Identifier: Apache-2.0
"""A server that answers GET / and POST /_bulk as Elasticsearch does, strictly, and keeps documents."""

import collections
import gzip
import http.server
import json
import threading


class BulkSink:
    """`judge`: given a document, the item that refuses it, or None; `delay`: called before each
    answer."""

    def __init__(self, judge=lambda document: None, before_answer=lambda: None):
        self.judge = judge
        self.before_answer = before_answer
        self.documents = {}
        self.repeats = collections.Counter()
        self.requests = 0
        self.problems = []
        self.lock = threading.Lock()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer({"version": {"number": "8.19.0"}})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                answer = sink.take(self.path, body)
                sink.before_answer()
                self.answer(answer)

            def answer(self, document):
                text = json.dumps(document, separators=(",", ":")).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # whoever is killed leaves broken connections

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def take(self, path, body):
        items = []
        with self.lock:
            self.requests += 1
            if not path.startswith("/_bulk?filter_path=") or not body.endswith(b"\n"):
                self.problems.append((path, body[-20:]))
            lines = body[:-1].split(b"\n")
            if len(lines) % 2:
                self.problems.append("a line is missing")
            for action, source in zip(lines[::2], lines[1::2]):
                name = json.loads(action)["create"]["_id"]
                items.append({"create": self.put(name, json.loads(source))})
        errors = any(item["create"]["status"] > 299 for item in items)
        return {"errors": errors, "items": items}

    def put(self, name, document):
        if name in self.documents:
            self.repeats[name] += 1
            return {"status": 409, "error": {"type": "version_conflict_engine_exception"}}
        item = self.judge(document)
        if item is None or item["status"] < 300:
            self.documents[name] = document
        return item or {"status": 201}

    def found(self, path):
        """The values at `path` of all documents, None where there is none."""
        def value(document):
            for part in path.split("."):
                document = document.get(part) if isinstance(document, dict) else None
            return document

        with self.lock:
            return [value(document) for document in self.documents.values()]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        assert not self.problems, self.problems[:3]
