# SPDX-License-Identifier: Apache-2.0
"""A real VictoriaLogs, alone on a port of its own."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

from support.daemon import quiet_port, wait_until

START_TIMEOUT_S = 60
LINES_MAX = 1000000


class VictoriaLogs:
    def __init__(self, home):
        self.home = home
        self.port = quiet_port()
        self.process = None

    def start(self):
        log = open(self.home / "victoria-logs.log", "ab")
        self.process = subprocess.Popen(
            [os.environ["TELLTALE_VICTORIA_LOGS"], f"-httpListenAddr=127.0.0.1:{self.port}",
             f"-storageDataPath={self.home / 'victoria-logs'}", "-retentionPeriod=100y"],
            stdout=log, stderr=log)
        wait_until(self.answers, START_TIMEOUT_S, "VictoriaLogs")
        return self

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def lines(self):
        """All that it has; what came a moment ago may be missing."""
        request = f"http://127.0.0.1:{self.port}/select/logsql/query?query=*&limit={LINES_MAX}"
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()
