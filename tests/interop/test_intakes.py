# SPDX-License-Identifier: Apache-2.0
"""Through the HTTP exporter into a real VictoriaLogs, which takes its own lines, Loki's pushes and
Datadog's logs, and through the OTLP one: every event of every agent is there, once, with every
field.

The judge of what was sent is support/facts.py, which shares no code with the daemon.
"""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import facts, store  # noqa: E402
from support.daemon import Daemon, wait_until  # noqa: E402
from support.http import post  # noqa: E402
from support.search_server import VictoriaLogs  # noqa: E402

ARRIVAL_TIMEOUT_S = 90
NAME = "http/victoria"
PATHS = {"victorialogs": "/insert/jsonline", "loki": "/insert/loki/api/v1/push",
         "datadog": "/insert/datadog/api/v2/logs"}


def exporters(server, preset, compression):
    # Recorded sessions are older than Datadog takes.
    return (f"file: {{}}\n{NAME}: {{ preset: {preset}, compression: {compression}, "
            f"endpoint: 'http://127.0.0.1:{server.port}', path: {PATHS[preset]}, "
            f"on_old_item: send }}")


def send_corpus(daemon, corpus):
    for path, content_type, body in facts.corpus_bodies(corpus):
        status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type)
        assert status == 200, (path, answer)


def stored(daemon):
    return [record for line in store.lines(daemon.state / "store")
            for record in facts.of_json(json.loads(line))]


def wait_settled(daemon):
    def is_settled():
        status = {e["name"]: e for e in daemon.status()["exporters"]}
        return all(e["lag_records"] == 0 and e["delivered_records"] > 0 for e in status.values())

    wait_until(is_settled, ARRIVAL_TIMEOUT_S, f"all delivered; log:\n{daemon.log()}")


def plain_attributes(record):
    """Those whose value is the same text everywhere: the last one of each key.  What the store
    adds to records is not sent."""
    return {key: value[1] for key, value in record.attributes
            if value and value[0] == "string" and 0 < len(value[1]) <= 2000
            and not key.startswith("agent.journal.")}


def check_line(line, record):
    """Objects have become fields with dots."""
    for key, text in plain_attributes(record).items():
        assert line.get(f"otel.attributes.{key}") == text, key
    for key, value in record.resource.attributes:
        if value and value[0] == "string" and value[1]:
            assert line.get(f"otel.resource.attributes.{key}") == value[1], key


def check_document(document, record):
    for key, text in plain_attributes(record).items():
        assert document["attributes"].get(key) == text, key
    assert document.get("event_name", "") == record.event_name
    for key, value in record.resource.attributes:
        if value and value[0] == "string" and value[1]:
            assert document["resource"]["attributes"].get(key) == value[1], key


def wait_lines(server, records, uid="uid"):
    """A query may miss what is being moved from memory to disk at that moment."""
    lines = []

    def are_all():
        lines[:] = server.lines()
        return sorted(line[uid] for line in lines) == sorted(records)

    wait_until(are_all, ARRIVAL_TIMEOUT_S, f"{len(records)} lines, each once")
    return lines


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("preset", PATHS)
def test_every_event_is_there_once_with_every_field(home, corpus, preset, compression):
    with VictoriaLogs(home) as server:
        with Daemon(home, exporters(server, preset, compression)) as daemon:
            send_corpus(daemon, corpus)
            wait_settled(daemon)
            records = {facts.attribute(record, "log.record.uid"): record
                       for record in stored(daemon)}
            assert len(records) > 100
            lines = wait_lines(server, records)
            for line in lines:
                record = records[line["uid"]]
                if preset == "victorialogs":
                    check_line(line, record)
                else:
                    check_document(json.loads(line["_msg"]), record)
            assert not list((daemon.state / "dead-letters").glob("*.jsonl"))


def check_fields(line, record):
    """Attributes of record and resource stand beside each other there; what has one key in both
    is one of the two."""
    given = plain_attributes(record)
    around = {key: value[1] for key, value in record.resource.attributes
              if value and value[0] == "string" and value[1]}
    for key, text in given.items():
        assert line.get(key) in (text, around.get(key)), key
    for key, text in around.items():
        assert line.get(key) in (text, given.get(key)), key


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_every_event_is_there_once_by_otlp(home, corpus, compression):
    with VictoriaLogs(home) as server:
        exporter = (f"file: {{}}\notlp_http/victoria: {{ compression: {compression}, signals: [logs], "
                    f"endpoint: 'http://127.0.0.1:{server.port}/insert/opentelemetry' }}")
        with Daemon(home, exporter) as daemon:
            send_corpus(daemon, corpus)
            wait_settled(daemon)
            records = {facts.attribute(record, "log.record.uid"): record
                       for record in stored(daemon)}
            for line in wait_lines(server, records, "log.record.uid"):
                check_fields(line, records[line["log.record.uid"]])
            assert not list((daemon.state / "dead-letters").glob("*.jsonl"))
