# SPDX-License-Identifier: Apache-2.0
"""A real telltaled in directories of its own."""

import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("TELLTALE_BIN", ROOT / "build" / "dev" / "bin"))
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 60
STATUS_TIMEOUT_S = 30


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def quiet_port():
    """A port that no outgoing connection is given by chance: for servers that go and come back.
    Who asks again and again for a port that nobody listens on may even be connected to himself."""
    first_given = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if first_given < 4096:
        return free_port()  # this machine has no others
    while True:
        port = random.randrange(first_given // 2, first_given)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait_until(condition, timeout_s, what):
    """Polls `condition` until it is true; fails with `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)


class Daemon:
    """Starts, stops and kills one telltaled; its state outlives it."""

    def __init__(self, home, exporters="", journal="", http_port=None, extra="", receivers="",
                 http="", wrapper=(), http_sockets=(), grpc_listen=(), grpc="", proofs=False):
        """`proofs`: stores prove themselves, and so have records of their own, which most tests
        would have to leave out; `http_sockets`: names in the run directory that OTLP/HTTP listens on too; `http`: more
        options of otlp_http; `grpc_listen` and `grpc`: more addresses and options of otlp_grpc;
        `receivers`: more receivers; `wrapper`: a command that runs the daemon, in a namespace of its
        own or as another user."""
        self.home = pathlib.Path(home)
        self.state = self.home / "state"
        self.run = self.home / "run"
        for path in (self.state, self.run):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.http_port = http_port or quiet_port()
        self.receivers = receivers
        self.http = http
        self.grpc_listen = list(grpc_listen)
        self.grpc = grpc
        self.http_listen = [f"127.0.0.1:{self.http_port}",
                            *(f"unix:{self.run}/{name}" for name in http_sockets)]
        self.wrapper = wrapper
        self.proofs = proofs
        self.program = BIN / "telltaled"
        self.config = self.home / "telltale.yaml"
        self.write_config(exporters, journal, extra)
        self.log_path = self.home / "telltaled.log"
        self.process = None

    def write_config(self, exporters="", journal="", extra=""):
        """`exporters` and `journal` are the insides of their sections, unindented."""

        def section(name, body):
            lines = [line for line in body.strip().split("\n") if line]
            return f"{name}:\n" + "".join(f"  {line}\n" for line in lines) if lines else ""

        if not self.proofs:
            exporters = re.sub(r"^(file(?:/\w+)?): \{ ?", r"\1: { integrity: { enabled: false }, ",
                               exporters or "file/forensic: {}", flags=re.MULTILINE)
        self.config.write_text(
            f"receivers:\n  otlp_http: {{ listen: {self.http_listen} {self.http} }}\n"
            + f"  otlp_grpc: {{ listen: {['unix:${run_dir}/otlp-grpc.sock', *self.grpc_listen]} {self.grpc} }}\n"
            + "".join(f"  {line}\n" for line in self.receivers.split("\n") if line)
            + section("journal", "disk_reserve: 1MiB\n" + journal)
            + section("exporters", exporters)
            + extra
        )

    @property
    def socket_path(self):
        return self.run / "agent.sock"

    @property
    def grpc_socket(self):
        return self.run / "otlp-grpc.sock"

    @property
    def http_url(self):
        return f"http://127.0.0.1:{self.http_port}"

    def arguments(self):
        return ["--state-dir", str(self.state), "--run-dir", str(self.run)]

    def start(self, wait=True):
        assert self.process is None
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.wrapper, str(self.program), "--config", str(self.config), *self.arguments()],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
        log.close()
        if wait:
            wait_until(self.is_ready, START_TIMEOUT_S, f"daemon ready; log:\n{self.log()}")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"telltaled ended: {self.log()}"
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket_path))
            for address in (str(self.grpc_socket), *self.grpc_listen):
                self.probe_grpc(address)
            with socket.create_connection(("127.0.0.1", self.http_port), timeout=1):
                return True
        except OSError:
            return False

    @staticmethod
    def probe_grpc(address):
        """They are the last that are opened."""
        host, colon, port = address.rpartition(":")
        if colon:
            socket.create_connection((host, int(port)), timeout=1).close()
        else:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(address)

    def stop(self):
        """SIGTERM; gives back the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_TIMEOUT_S)
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)
        self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def command(self, *arguments, check=True, stdin=None):
        """Runs `telltale VERB ...` against this daemon; gives back its standard output."""
        done = subprocess.run(
            [str(BIN / "telltale"), *arguments, *self.arguments()],
            input=stdin, capture_output=True, text=True, timeout=120,
        )
        if check:
            assert done.returncode == 0, f"telltale {arguments}: {done.returncode}: {done.stderr}"
            return done.stdout
        return done

    def status(self):
        return json.loads(self.command("status", "--json"))

    def metric(self, name, labels=""):
        """The sum of a metric over all labels that contain `labels`."""
        return sum(value for key, value in self.status()["metrics"].items()
                   if key.split("{")[0] == f"telltale_{name}" and labels in key)

    def wait_metric(self, name, labels, value):
        """The report is made twice a second."""
        wait_until(lambda: self.metric(name, labels) >= value, STATUS_TIMEOUT_S,
                   f"{value} in {name} {labels}")
        assert self.metric(name, labels) == value

    def ends(self, timeout_s=START_TIMEOUT_S):
        """Waits for a daemon that does not start; gives back (exit code, its log)."""
        code = self.process.wait(timeout_s)
        self.process = None
        return code, self.log()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if self.process is not None and self.process.poll() is None:
            self.stop()
