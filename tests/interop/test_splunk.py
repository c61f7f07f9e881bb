# SPDX-License-Identifier: Apache-2.0
"""Through the daemon into the splunk_hec receiver of a real OpenTelemetry Collector, with and
without its acknowledgement: every event by its id once, and all that it says."""

import collections
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import facts, store  # noqa: E402
from support.agent import Agent  # noqa: E402
from support.daemon import Daemon, free_port, wait_until  # noqa: E402
from support.hec_collector import HecCollector  # noqa: E402
from support.http import post  # noqa: E402

ARRIVAL_TIMEOUT_S = 90
NAME = "splunk_hec/soc"


def exporters(port, options=""):
    return f"""
file/forensic: {{}}
{NAME}: {{ endpoint: 'http://127.0.0.1:{port}', retry: {{ initial: 50ms, max: 1s }}, {options} }}
"""


def plain(value):
    """A fact's value as the event's JSON has it; the receiver makes every number a double."""
    if value is None:
        return None
    kind, content = value
    if kind == "array":
        return [plain(v) for v in content]
    if kind == "kvlist":
        return {key: plain(v) for key, v in content}
    return float(content) if kind in ("int", "double") else content


def received(collector):
    """(attributes, event, record) of each."""
    return [({key: plain(value) for key, value in record.attributes}, plain(record.body), record)
            for document in collector.documents() for record in facts.of_json(document)]


def stored(daemon):
    return {facts.attribute(r, "log.record.uid"): r
            for line in store.lines(daemon.state / "store") for r in facts.of_json(json.loads(line))}


def send_corpus(daemon, corpus):
    count = 0
    for path, content_type, body in facts.corpus_bodies(corpus):
        status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type)
        assert status == 200, (path, answer)
        count += len(list(facts.of_json(json.loads(body)) if content_type.endswith("json")
                          else facts.of_protobuf(body)))
    return count


def wait_delivered(daemon, count):
    def is_there():
        return daemon.metric("exporter_sent_records_total", NAME) >= count
    wait_until(is_there, ARRIVAL_TIMEOUT_S, f"{count} records delivered\n{daemon.log()}")


def check_event(record, attributes, event, got):
    """`record` is what the store has."""
    said = dict(record.attributes)
    kind = facts.attribute(record, "agent.event.kind")
    assert event["vendor_product"] == "Telltale"
    assert event["agent.event.kind"] == attributes["telltale_kind"] == kind
    resource = {key: plain(value) for key, value in got.resource.attributes}
    assert resource["com.splunk.sourcetype"] == "telltale:" + kind.replace(".", ":")
    assert resource["com.splunk.source"] == "telltale"
    assert resource["host.name"]
    # The receiver's clock is a double: 9 digits behind the point do not fit into it.
    assert abs(got.time - record.time) < 1000
    compared = 0
    for key, value in event.items():
        if key in said:
            place = key  # what we say beside a sender's own stands behind its name
            while f"agent.norm.{place}" in said:
                place = f"agent.norm.{place}"
            assert value == plain(said[place]), (key, value, said[place])
            compared += 1
    own = event.get("attributes", {})
    assert all(isinstance(value, str) for value in own.values())
    for key, value in own.items():
        if said.get(key) is not None and said[key][0] == "string":
            assert value == said[key][1]
            compared += 1
    assert compared > 5
    if record.body is not None and record.body[0] == "string" and record.body[1]:
        assert event["body"] == record.body[1]
    model = {key for key in said if key.startswith("agent.")
             and not key.startswith(("agent.norm.", "agent.journal."))}  # that is the store's own
    missing = {key for key in model if key not in event and f"agent.norm.{key}" not in said
               and key not in own
               and key not in [pair["key"] for pair in event.get("attribute_list", [])]}
    assert not missing, missing


@pytest.mark.parametrize("has_ack,options", [
    (True, "ack: on, ack_poll_interval: 1s"),
    (True, "compression: none, max_content_length: 32KiB"),
    (False, ""),
])
def test_every_event_of_the_corpus_arrives_once(home, corpus, has_ack, options):
    with HecCollector(home, has_ack) as collector:
        with Daemon(home, exporters(collector.port, options)) as daemon:
            count = send_corpus(daemon, corpus)
            wait_delivered(daemon, count)
            wait_until(lambda: len(received(collector)) >= count, ARRIVAL_TIMEOUT_S, "all events")
            assert ("no indexer acknowledgement" in daemon.log()) == (not has_ack)
            assert daemon.log().count("export.notice") <= 1
            by_uid = stored(daemon)
            got = received(collector)
    uids = collections.Counter(event["id"] for _, event, _ in got)
    assert set(uids) == set(by_uid) and set(uids.values()) == {1}
    assert len(got) > 100
    for attributes, event, record in got:
        check_event(by_uid[event["id"]], attributes, event, record)


def test_a_collector_that_is_down_gets_everything_later(home):
    port = free_port()
    with Daemon(home, exporters(port)) as daemon:
        with Agent(daemon.socket_path) as agent:
            for i in range(50):
                agent.send({"kind": "agent.tool", "session": "s", "attributes": {"test.id": str(i)}})
            agent.wait_acked()
        wait_until(lambda: "export.retry" in daemon.log(), ARRIVAL_TIMEOUT_S, "a failure")
        collector = HecCollector(home, True)
        text = (home / "collector.yaml").read_text()
        (home / "collector.yaml").write_text(text.replace(str(collector.port), str(port)))
        with collector:
            wait_delivered(daemon, 50)
            wait_until(lambda: len(received(collector)) >= 50, ARRIVAL_TIMEOUT_S, "all events")
            ids = [event["attributes"]["test.id"] for _, event, _ in received(collector)]
    assert sorted(ids, key=int) == [str(i) for i in range(50)]


def test_ack_on_sends_nothing_to_a_receiver_without(home):
    with HecCollector(home, False) as collector:
        with Daemon(home, exporters(collector.port, "ack: on")) as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send({"kind": "agent.tool", "session": "s"})
                agent.wait_acked()
            wait_until(lambda: "export.retry" in daemon.log(), ARRIVAL_TIMEOUT_S, "a failure")
            assert daemon.metric("exporter_sent_records_total", NAME) == 0
        assert received(collector) == []
