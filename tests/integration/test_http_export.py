# SPDX-License-Identifier: Apache-2.0
"""The HTTP exporter of a real daemon: bodies of its templates arrive, poison costs no neighbour,
secrets stay where they are."""

import json
import pathlib
import re
import subprocess
import threading

import pytest

from support.agent import Agent
from support.daemon import BIN, Daemon, quiet_port, wait_until
from support.http_sink import HttpSink

TIMEOUT_S = 60
NAME = "http/sink"
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "examples"


def exporters(port, more=""):
    return (f"{NAME}: {{ endpoint: 'http://127.0.0.1:{port}', compression: none, "
            "record: '{\"id\":{{attr:test.id}},\"body\":{{body}}}', "
            f"retry: {{ initial: 50ms, max: 200ms }} {more} }}")


def send(daemon, ids):
    with Agent(daemon.socket_path) as agent:
        agent.send(*({"kind": "agent.prompt", "session": "s", "body": 'na"ïve ☕ \u0000\n',
                      "attributes": {"test.id": i}} for i in ids))
        agent.wait_acked()
        assert agent.errors == []


def names(count):
    return [f"id-{n}" for n in range(count)]


def ids_of(bodies):
    return [item["id"] for body in bodies for item in json.loads(body)]


def arrived(sink):
    with sink.lock:
        return ids_of([body for _, _, body in sink.requests])


def letters(daemon):
    out = daemon.command("dead-letter", "list", "--all", "--json")
    return [json.loads(line) for line in out.splitlines()]


def test_records_arrive_as_the_template_has_them(home):
    with HttpSink() as sink, Daemon(home, exporters(
            sink.port, ", path: /in, query: 'a=1', method: PUT, max_items: 7")) as daemon:
        send(daemon, names(50))
        wait_until(lambda: sorted(arrived(sink)) == sorted(names(50)), TIMEOUT_S, "50 records")
        for path, headers, body in sink.requests:
            items = json.loads(body)
            assert path == "/in?a=1" and headers["Content-Type"] == "application/json"
            assert len(items) <= 7
            assert all(item["body"] == 'na"ïve ☕ \u0000\n' for item in items)
        daemon.wait_metric("exporter_sent_records_total", NAME, 50)


POISON = 5


@pytest.mark.parametrize("position", range(POISON))
def test_a_poison_record_costs_no_neighbour(home, position):
    poison = f"id-{position}"

    def refuse(sink, path, headers, body):
        if poison in ids_of([body]):
            return 400, {}, b"column \xe2\x98\x95 is missing"
        return None

    port = quiet_port()
    with Daemon(home, exporters(port)) as daemon:
        send(daemon, names(POISON))  # nobody is there: so they make one batch
        with HttpSink(port, refuse) as sink:
            wait_until(lambda: len(letters(daemon)) == 1, TIMEOUT_S, "a dead letter")
            good = [i for i in names(POISON) if i != poison]
            wait_until(lambda: sorted(arrived(sink)) == sorted(good), TIMEOUT_S, "the others")
        (letter,) = letters(daemon)
        assert letter["reason"] == "rejected" and "column ☕ is missing" in letter["message"]


def test_a_daemon_that_is_killed_in_a_request_sends_it_again(home):
    held, go_on = threading.Event(), threading.Event()

    def hold(sink, path, headers, body):
        held.set()
        go_on.wait(TIMEOUT_S)
        return 503, {}, b""

    with HttpSink(behave=hold) as sink:
        daemon = Daemon(home, exporters(sink.port))
        with daemon:
            send(daemon, names(100))
            assert held.wait(TIMEOUT_S)
            daemon.kill()
            go_on.set()
            sink.behave = None
            daemon.start()
            wait_until(lambda: sorted(arrived(sink)) == sorted(names(100)), TIMEOUT_S, "all, once")


def test_a_secret_address_is_nowhere(home):
    secret = home / "secret"
    secret.write_text("/ZaVnC4dhaV\n")

    def refuse(sink, path, headers, body):
        assert path == "/receiver/v1/http/ZaVnC4dhaV"
        return 404, {}, f"nothing at {path}".encode()

    with HttpSink(behave=refuse) as sink, Daemon(home, exporters(
            sink.port, f", path: /receiver/v1/http, secret_path: '${{file:{secret}}}'")) as daemon:
        send(daemon, names(1))
        wait_until(lambda: "HTTP 404" in daemon.log(), TIMEOUT_S, "a complaint")
        seen = daemon.log() + json.dumps(daemon.status())
        seen += daemon.command("check", "--print", str(daemon.config))
        assert "ZaVnC4dhaV" not in seen and "nothing at /receiver/v1/http" in seen


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("http-*.yaml")))
def test_examples_are_good_configurations(home, name):
    """What stands in files of the operator's is put beside them."""
    text = (EXAMPLES / name).read_text()
    for path in set(re.findall(r"\$\{file:(/[^}]*)\}", text)):
        own = home / pathlib.Path(path).name
        own.write_text("/secret\n")
        text = text.replace(path, str(own))
    config = home / name
    config.write_text(text)
    done = subprocess.run([str(BIN / "telltale"), "check", str(config)], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
