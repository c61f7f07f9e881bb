# SPDX-License-Identifier: Apache-2.0
"""A real witness, litewitness, is shown the checkpoints of a daemon: what it cosigns is on record and
counts in verification, and what it refuses is an alarm."""

import base64
import hashlib
import http.client
import http.server
import json
import pathlib
import shutil
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
from conftest import home  # noqa: E402,F401
from support.daemon import Daemon, wait_until  # noqa: E402
from support.litewitness import LiteWitness  # noqa: E402

TIMEOUT_S = 30


@pytest.fixture
def witness(home):
    with LiteWitness(home) as witness:
        yield witness


def vkey_of_another(name):
    """A key of that name that signs nothing here (C2SP signed-note)."""
    public = bytes(range(32))
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"


class Forwarder(http.server.ThreadingHTTPServer):
    """Stands before a witness; loses as many answers as it is told."""

    def __init__(self, witness):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                connection = http.client.HTTPConnection("127.0.0.1", witness.port)
                connection.request("POST", handler.path, body)
                answer = connection.getresponse()
                text = answer.read()
                connection.close()
                self.answers.append((body.split(b"\n")[0].decode(), answer.status))
                if self.to_lose > 0 and answer.status == 200:
                    self.to_lose -= 1
                    return
                handler.send_response(answer.status)
                handler.send_header("Content-Type", answer.getheader("Content-Type"))
                handler.send_header("Content-Length", str(len(text)))
                handler.end_headers()
                handler.wfile.write(text)

            def log_message(handler, *arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.to_lose, self.answers = 0, []
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Log:
    """A daemon with a store that a witness is to attest."""

    def __init__(self, home, witness, endpoint=None):
        exporters = "\n".join((
            "file/forensic: { integrity: { witness: true, checkpoint_interval: 1s, heartbeat: 2s } }",
            f"witness/w1: {{ endpoint: '{endpoint or witness.endpoint}', every: 1s, key: '{witness.vkey}' }}"))
        self.home, self.witness = home, witness
        self.daemon = Daemon(home, exporters, proofs=True)

    def records(self, action):
        lines = self.daemon.command("query", "--kind", "agent.integrity", "--format", "ndjson").splitlines()
        return [record for record in map(json.loads, lines) if record["agent.integrity.action"] == action]

    def log_key(self):
        """What whoever runs the witness is given: the key of the log, and not of an epoch."""
        wait_until(lambda: len(self.records("key")) == 2, TIMEOUT_S, "the keys on record")
        key, = (record for record in self.records("key") if "agent.integrity.epoch" not in record)
        return key["agent.integrity.origin"], key["agent.integrity.key"]

    def introduce(self):
        self.origin, key = self.log_key()
        self.witness.add_log(self.origin)
        self.witness.add_key(self.origin, key)

    def first_epoch_key(self):
        key, = (record for record in self.records("key") if record.get("agent.integrity.epoch") == 1)
        return key["agent.integrity.key"]

    def emit(self):
        self.daemon.command("emit", "--kind", "agent.error", "--attribute", "error.type=e")

    def cosigned(self):
        """The sizes, as they stand on record."""
        return [record["agent.integrity.size"] for record in self.records("witness")
                if record["agent.integrity.reason"] == "cosigned"]

    def alarms(self):
        return [record["agent.integrity.reason"] for record in self.records("witness")
                if record["agent.integrity.reason"] != "cosigned"]

    def grow(self):
        """Until the witness has cosigned more, and that is on record."""
        size = self.witness.size(self.origin)
        self.emit()
        wait_until(lambda: self.witness.size(self.origin) > size, TIMEOUT_S, f"a cosignature: {self.daemon.log()}")
        size = self.witness.size(self.origin)
        wait_until(lambda: size in self.cosigned(), TIMEOUT_S, "the cosignature on record")

    def restart(self):
        self.daemon.stop()
        self.daemon.start()

    def verify(self, *options):
        done = self.daemon.command("verify", "--format", "json", *map(str, options), check=False)
        return done.returncode, json.loads(done.stdout)

    def wait_alarm(self, words):
        wait_until(lambda: any(words in reason for reason in self.alarms()), TIMEOUT_S,
                   f"'{words}': {self.daemon.log()}")


def test_a_growing_log_is_cosigned_through_restarts_of_both(home, witness):
    log = Log(home, witness)
    with log.daemon as daemon:
        log.introduce()
        log.restart()  # before, the witness did not know the log
        for _ in range(3):
            log.grow()
        log.restart()
        log.grow()
        daemon.kill()
        daemon.start()
        log.grow()
        witness.stop()
        log.emit()
        daemon.stop()
        daemon.start()
        witness.start()
        log.grow()
        sizes = log.cosigned()
        assert sizes == sorted(sizes) and len(sizes) >= 6
        copy = home / "copy.ndjson"
        copy.write_text("".join(json.dumps(record) + "\n" for record in log.records("witness")))
        key = log.first_epoch_key()
        daemon.stop()
    code, report = log.verify("--key", key, "--witness", witness.vkey, "--checkpoint", copy)
    words = f"{witness.name} has cosigned up to size {sizes[-1]}"
    assert words in [finding["text"] for finding in report["findings"]]
    assert code == 0 and report["attested"] == "yes", report
    code, report = log.verify("--key", key, "--witness", witness.vkey)  # what the store has on record
    assert any(finding["text"].startswith(words) for finding in report["findings"]), report
    assert code == 0, report


def test_what_was_cosigned_though_the_answer_was_lost_is_gone_on_from(home, witness):
    forwarder = Forwarder(witness)
    log = Log(home, witness, forwarder.endpoint)
    with log.daemon as daemon:
        log.introduce()
        log.restart()
        log.grow()
        forwarder.to_lose = 1
        log.grow()
        refused = [status for _, status in forwarder.answers].index(409)
        old, status = forwarder.answers[refused + 1]
        assert status == 200  # the same checkpoint once more, which needs no proof
        wait_until(lambda: int(old.removeprefix("old ")) in log.cosigned(), TIMEOUT_S, old)
        daemon.stop()
        shutil.rmtree(daemon.state / "witness")
        daemon.start()
        log.grow()
        assert ("old 0", 409) in forwarder.answers and not log.alarms()
    forwarder.shutdown()


def test_a_log_that_the_witness_does_not_know_is_an_alarm_until_it_does(home, witness):
    log = Log(home, witness)
    with log.daemon:
        log.wait_alarm("404")
        origin, key = log.log_key()
        witness.add_log(origin)
        witness.add_key(origin, vkey_of_another(origin))
        log.restart()
        log.wait_alarm("403")
        assert not log.cosigned()
        witness.drop_keys(origin)
        witness.add_key(origin, key)
        log.restart()
        wait_until(log.cosigned, TIMEOUT_S, "a cosignature")


def test_a_log_with_another_history_is_refused_and_an_alarm_says_so(home, witness):
    log = Log(home, witness)
    with log.daemon as daemon:
        log.introduce()
        log.restart()
        log.grow()
        daemon.stop()
        shutil.copytree(daemon.state, home / "before")
        daemon.start()
        log.grow()
        log.grow()
        daemon.stop()
        size = witness.size(log.origin)
        shutil.rmtree(daemon.state)
        shutil.copytree(home / "before", daemon.state)
        daemon.start()
        log.wait_alarm(f"the witness has size {size} of this log")
        assert any("the log was set back" in reason for reason in log.alarms())
        assert witness.size(log.origin) == size


def test_a_tree_that_does_not_continue_the_one_that_was_seen_is_refused(home, witness):
    log = Log(home, witness)
    with log.daemon:
        log.introduce()
        log.restart()
        log.grow()
        witness.set_root(log.origin, b"x" * 32)
        size = witness.size(log.origin)
        log.emit()
        log.wait_alarm("422")
        assert log.alarms()[-1].endswith("bad consistency proof")
        assert witness.size(log.origin) == size
