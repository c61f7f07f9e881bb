# SPDX-License-Identifier: Apache-2.0
"""The daemon and an index that judges each document: what becomes of those that it does not take,
and of everything when the daemon is killed; and what deploy/elastic has for such an index."""

import collections
import json
import pathlib
import re
import threading
import time

from support.agent import Agent
from support.bulk_sink import BulkSink
from support.daemon import Daemon, wait_until

TIMEOUT_S = 60
DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "elastic"


def exporter(sink, options=""):
    return f"elastic/soc: {{ endpoint: '{sink.url}', retry: {{ initial: 10ms, max: 100ms }} {options} }}"


def events(first, count):
    return [{"kind": "agent.tool", "session": f"s-{first + n}"} for n in range(count)]


def sessions(sink):
    return collections.Counter(s for s in sink.found("session.id") if s is not None)


def letters(daemon):
    path = daemon.state / "dead-letters" / "elastic.soc.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_daemon_that_is_killed_loses_nothing_and_doubles_nothing(home):
    total = 0
    with BulkSink(before_answer=lambda: time.sleep(0.01)) as sink:
        daemon = Daemon(home, exporters=exporter(sink, ", batch: { max_size: 64KiB }"))
        for turn in range(6):
            daemon.start()
            with Agent(daemon.socket_path) as agent:
                for _ in range(10):
                    agent.send(*events(total, 40))
                    total += 40
                agent.wait_acked()
            time.sleep(0.02 * turn)  # wherever it is then
            daemon.kill()
        with daemon:
            wait_until(lambda: len(sessions(sink)) >= total, TIMEOUT_S, "all documents")
            assert not letters(daemon)
        assert sessions(sink) == {f"s-{n}": 1 for n in range(total)}
        assert all(name == uid for name, uid in
                   ((name, document["event"]["id"]) for name, document in sink.documents.items()))


def test_each_document_has_an_outcome_of_its_own(home):
    full = collections.Counter()

    def judge(document):
        session = document.get("session", {}).get("id", "")
        number = int(session[2:] or 0) if session.startswith("s-") else -1
        if number % 10 == 3:
            return {"status": 400, "error": {"type": "document_parsing_exception",
                                             "reason": f"Preview: '{session}'"}}
        if number % 10 == 5:
            full[session] += 1
            if full[session] <= 2:
                return {"status": 429, "error": {"type": "es_rejected_execution_exception"}}
        if number % 10 == 7:
            return {"status": 201, "failure_store": "used"}
        return None

    with BulkSink(judge) as sink:
        with Daemon(home, exporters=exporter(sink)) as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send(*events(0, 100))
                agent.wait_acked()
            wait_until(lambda: len(sessions(sink)) >= 90 and len(letters(daemon)) >= 10, TIMEOUT_S,
                       "an outcome for each")
            daemon.wait_metric("exporter_put_aside_records_total", "elastic/soc", 10)
            daemon.wait_metric("exporter_dead_letter_records_total", "elastic/soc", 10)
            wait_until(lambda: daemon.metric("exporter_lag_records", "elastic/soc") == 0, TIMEOUT_S,
                       "the cursor at the end")
            log = daemon.log()
        assert {f"s-{n}" for n in range(100) if n % 10 != 3} == set(sessions(sink))
        assert not sink.repeats, "what has an outcome does not come again"
    assert all(letter["message"] == "400 document_parsing_exception" for letter in letters(daemon))
    assert "export.put_aside" in log and "failure store" in log
    assert "Preview" not in log


def test_an_index_that_is_missing_loses_nothing(home):
    is_there = threading.Event()

    def judge(document):
        return None if is_there.is_set() else {
            "status": 404, "error": {"type": "index_not_found_exception", "reason": "no such index"}}

    with BulkSink(judge) as sink:
        with Daemon(home, exporters=exporter(sink)) as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send(*events(0, 50))
                agent.wait_acked()
            wait_until(lambda: "404 index_not_found_exception" in daemon.log(), TIMEOUT_S,
                       "the reason in the log")
            time.sleep(0.5)  # it waits for somebody, and does not ask again at once
            assert sink.requests <= 2
            assert not letters(daemon) and not sink.documents
            is_there.set()
            assert daemon.stop() == 0  # who stops tries once more
        assert len(sessions(sink)) == 50


def template_fields(name):
    """The paths that a template indexes, and multi-fields."""
    found = set()

    def walk(prefix, properties):
        for key, field in properties.items():
            path = f"{prefix}{key}"
            if "properties" in field:
                walk(path + ".", field["properties"])
            else:
                found.add(path)
                found.update(f"{path}.{inner}" for inner in field.get("fields", {}))

    mappings = json.loads((DEPLOY / name).read_text())["template"]["mappings"]
    assert mappings["dynamic"] is False
    walk("", mappings["properties"])
    return found


def test_the_dashboard_asks_for_fields_that_are_in_the_template():
    objects = [json.loads(line) for line in (DEPLOY / "dashboard.ndjson").read_text().splitlines()]
    known = {(item["type"], item["id"]) for item in objects}
    fields = template_fields("elasticsearch/index-template-ecs.json")
    assert len(known) == len(objects)
    pattern = next(item for item in objects if item["type"] == "index-pattern")
    patterns = json.loads((DEPLOY / "elasticsearch/index-template-ecs.json").read_text())
    assert pattern["attributes"]["title"] in patterns["index_patterns"]
    asked = {pattern["attributes"]["timeFieldName"]}
    for item in objects:
        attributes = item["attributes"]
        for reference in item["references"]:
            assert (reference["type"], reference["id"]) in known, reference
        assert attributes["title"]
        source = json.loads(attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
        names = {reference["name"] for reference in item["references"]}
        assert source.get("indexRefName") in names | {None}
        asked.update(re.findall(r"([\w@.]+) :", source.get("query", {}).get("query", "")))
        asked.update(attributes.get("columns", []))
        for part in json.loads(attributes.get("visState", "{}")).get("aggs", []):
            if "field" in part["params"]:
                asked.add(part["params"]["field"])
        for panel in json.loads(attributes.get("panelsJSON", "[]")):
            assert panel["panelRefName"] in names
    assert len(asked) > 15
    assert not asked - fields, asked - fields


def test_what_else_is_for_an_index_is_json_and_named_alike():
    for path in DEPLOY.glob("**/*.json"):
        json.loads(path.read_text())
    for product in ("elasticsearch", "opensearch"):
        assert (template_fields(f"{product}/index-template-ecs.json")
                == template_fields("elasticsearch/index-template-ecs.json"))
    component = json.loads((DEPLOY / "elasticsearch/lifecycle-component.json").read_text())
    assert component["template"]["settings"]["index.lifecycle.name"] == "telltale"
    script = (DEPLOY / "install").read_text()
    for name in ("/_ilm/policy/telltale ", "/_component_template/telltale-lifecycle "):
        assert name in script
    key = json.loads((DEPLOY / "api-key.json").read_text())
    assert key["role_descriptors"]["telltale"]["indices"][0]["names"] == ["logs-telltale*"]
