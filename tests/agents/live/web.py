# SPDX-License-Identifier: Apache-2.0
"""The outside: a web server on the public address, under every name that the scripts ask for.
What reaches it was not stopped."""

import http.server
import threading

PUBLIC_ADDRESS = "93.184.216.34"  # on loopback, see the script `run`


class Outside:
    def __init__(self):
        self.reached = []
        reached = self.reached

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                reached.append(f"{self.command} {self.headers.get('Host')}{self.path}")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"reached\n")

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((PUBLIC_ADDRESS, 80), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
