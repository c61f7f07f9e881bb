# SPDX-License-Identifier: Apache-2.0
"""A real OpenTelemetry Collector: an OTLP, a file or a Kafka receiver in front, JSON lines behind."""

import json
import os
import pathlib
import signal
import socket
import subprocess

from support.daemon import free_port, wait_until

BINARY = os.environ.get("TELLTALE_COLLECTOR")
START_TIMEOUT_S = 60


class Collector:
    """`watch`: a glob of OTLP JSON files to read; `kafka`: (brokers, encoding), whose topics to read;
    neither: listen for OTLP on `grpc_port` and `http_port`, where requests may have `http_size_max`
    bytes."""

    def __init__(self, home, watch=None, kafka=None, http_size_max=20 << 20):
        self.home = pathlib.Path(home)
        self.grpc_port = free_port()
        self.http_port = free_port()
        self.out = self.home / "collector-out.jsonl"
        receiver = (f"  otlp: {{ protocols: {{ grpc: {{ endpoint: '127.0.0.1:{self.grpc_port}',"
                    f" max_recv_msg_size_mib: 64 }}, http: {{ endpoint: '127.0.0.1:{self.http_port}',"
                    f" max_request_body_size: {http_size_max} }} }} }}" if watch is None else
                    f"  otlp_json_file: {{ include: [ '{watch}' ], start_at: beginning,"
                    f" poll_interval: 100ms, max_log_size: 64MiB }}")
        if kafka is not None:
            receiver = (f"  kafka: {{ brokers: ['{kafka[0]}'], initial_offset: earliest, "
                        + ", ".join(f"{signal}: {{ encoding: {kafka[1]} }}"
                                    for signal in ("logs", "traces", "metrics")) + " }")
        name = receiver.split(":")[0].strip()
        (self.home / "collector.yaml").write_text(
            f"receivers:\n{receiver}\n"
            f"exporters:\n  file: {{ path: '{self.out}', flush_interval: 100ms }}\n"
            f"service:\n  telemetry: {{ metrics: {{ level: none }} }}\n"
            f"  pipelines:\n" + "".join(
                f"    {signal}: {{ receivers: [ {name} ], exporters: [ file ] }}\n"
                for signal in ("logs", "traces", "metrics")))
        self.log_path = self.home / "collector.log"
        self.has_port = watch is None and kafka is None
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "--config", str(self.home / "collector.yaml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.is_ready, START_TIMEOUT_S, "Collector ready")
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log_path.read_text()
        if not self.has_port:
            return "Everything is ready" in self.log_path.read_text()
        try:
            for port in (self.grpc_port, self.http_port):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False

    def documents(self):
        """Every whole line that it has written."""
        if not self.out.exists():
            return []
        data = self.out.read_bytes()
        whole = data[: data.rfind(b"\n") + 1].decode(errors="replace")
        return [json.loads(line) for line in whole.split("\n") if line]

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
