# SPDX-License-Identifier: Apache-2.0
"""Through the daemon into a real OpenSearch, Elasticsearch and VictoriaLogs: every event of every
agent is a document, once, none is refused, and it is found by its fields.

The judge of what was sent is support/facts.py, which shares no code with the daemon.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import facts, store  # noqa: E402
from support.agent import Agent  # noqa: E402
from support.daemon import Daemon, wait_until  # noqa: E402
from support.http import post  # noqa: E402
from support.search_server import PASSWORD, SearchServer, VictoriaLogs  # noqa: E402

ARRIVAL_TIMEOUT_S = 90
DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "elastic"
STREAMS = {"ecs": "logs-telltale-default", "otel": "logs-telltale.otel-default"}


def template(product, shape):
    return json.loads((DEPLOY / product / f"index-template-{shape}.json").read_text())


def install(server):
    """As an operator does; this distribution has no lifecycles."""
    done = subprocess.run([str(DEPLOY / "install"), server.product, server.url],
                          env={**os.environ, "TELLTALE_NO_LIFECYCLE": "1"}, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"acknowledged":true') == len(STREAMS)


def send_corpus(daemon, corpus):
    """Everything that was recorded of every agent or is documented; returns how many records."""
    count = 0
    bodies = list(facts.corpus_bodies(corpus))
    for path in sorted((corpus / "documented").glob("*/*.json")):
        bodies.append((path, "application/json", path.read_bytes()))
    for path in sorted((corpus / "documented").glob("*/logs/*.bin")):
        bodies.append((path, "application/x-protobuf", path.read_bytes()))
    for path, content_type, body in bodies:
        status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type)
        assert status == 200, (path, answer)
        count += len(list(facts.of_json(json.loads(body)) if content_type.endswith("json")
                          else facts.of_protobuf(body)))
    return count


def stored(daemon):
    return [record for line in store.lines(daemon.state / "store")
            for record in facts.of_json(json.loads(line))]


def wait_settled(daemon, name, count):
    """At least so many records, and all that are in the journal, have an outcome at `name`."""
    def is_settled():
        status = next(e for e in daemon.status()["exporters"] if e["name"] == name)
        return (status["delivered_records"] + status["dead_letter_records"] >= count
                and status["lag_records"] == 0)

    wait_until(is_settled, ARRIVAL_TIMEOUT_S, f"all settled; log:\n{daemon.log()}")


def letters(daemon, name):
    path = daemon.state / "dead-letters" / (name.replace("/", ".") + ".jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def uid(record):
    return facts.attribute(record, "log.record.uid")


def field(document, path):
    for part in path.split("."):
        document = document.get(part, {}) if isinstance(document, dict) else {}
    return document or None


def check_ecs(server, target, records):
    """What the fields say is what the records say, as searches see it."""
    def found(query):
        return server.count(target, query)

    kinds = collections.Counter(facts.attribute(r, "agent.event.kind") for r in records)
    assert len(kinds) > 5
    for kind, count in kinds.items():
        assert found({"term": {"ai_agent.event.kind": kind}}) == count, kind
    sessions = collections.Counter(facts.attribute(r, "session.id") for r in records)
    session, count = sessions.most_common(1)[0]
    assert session and found({"term": {"session.id": session}}) == count
    tools = collections.Counter(facts.attribute(r, "gen_ai.tool.name") for r in records)
    for tool, count in tools.items():
        assert tool is None or found({"term": {"gen_ai.tool.name": tool}}) == count, tool
    record = next(r for r in records if facts.attribute(r, "process.command_line"))
    line = facts.attribute(record, "process.command_line")
    assert found({"term": {"process.command_line": line}}) >= 1
    assert found({"match": {"process.command_line.text": line}}) >= 1
    assert found({"range": {"@timestamp": {"gte": "2026-01-01"}}}) == len(records)
    assert found({"exists": {"field": "attributes"}}) > 0


def check_otel(server, target, records):
    kinds = collections.Counter(facts.attribute(r, "agent.event.kind") for r in records)
    for kind, count in kinds.items():
        assert server.count(target, {"term": {"attributes.agent.event.kind": kind}}) == count, kind
    names = collections.Counter(r.event_name for r in records if r.event_name)
    for name, count in names.items():
        assert server.count(target, {"term": {"event_name": name}}) == count, name


def check_documents(server, shape, target, daemon):
    records = stored(daemon)
    documents = server.documents(target)
    assert set(documents) == {uid(record) for record in records}
    assert len(documents) == len(records)
    for record in records:
        document = documents[uid(record)]
        if shape == "ecs":
            assert field(document, "event.id") == uid(record)
            assert field(document, "ai_agent.event.kind") == facts.attribute(record, "agent.event.kind")
        else:
            assert document["attributes"]["agent.event.kind"] == facts.attribute(
                record, "agent.event.kind")
    (check_ecs if shape == "ecs" else check_otel)(server, target, records)


@pytest.fixture(scope="module")
def opensearch():
    with tempfile.TemporaryDirectory(prefix="tt-") as place:
        with SearchServer(place, "opensearch") as server:
            install(server)
            install(server)  # it may be run again
            yield server


def clear(server, target):
    server.ask("DELETE", f"/_data_stream/{target}")


def exporter(server, name, options=""):
    return f"elastic/{name}: {{ endpoint: '{server.url}', retry: {{ max: 1s }} {options} }}\n"


def test_every_recorded_event_is_a_document_of_opensearch_in_both_shapes(home, corpus, opensearch):
    for target in STREAMS.values():
        clear(opensearch, target)
    with Daemon(home, exporters="file/forensic: {}\n"
                + exporter(opensearch, "ecs")
                + exporter(opensearch, "otel", ", shape: otel, compression: none")) as daemon:
        count = send_corpus(daemon, corpus)
        for shape in STREAMS:
            wait_settled(daemon, f"elastic/{shape}", count)
        assert not letters(daemon, "elastic/ecs") and not letters(daemon, "elastic/otel")
        assert len(stored(daemon)) >= count
        for shape, target in STREAMS.items():
            check_documents(opensearch, shape, target, daemon)
    stream = opensearch.must("GET", "/_data_stream/logs-telltale-default")["data_streams"][0]
    assert stream["template"] == "telltale-ecs"


def test_a_daemon_that_is_killed_again_and_again_leaves_each_document_once(home, opensearch):
    target = STREAMS["ecs"]
    clear(opensearch, target)
    daemon = Daemon(home, exporters=exporter(opensearch, "soc", ", batch: { max_size: 64KiB }"))
    total = 0
    for _ in range(5):
        daemon.start()
        with Agent(daemon.socket_path) as agent:
            for _ in range(20):
                agent.send(*({"kind": "agent.tool", "session": "s", "test.id": f"t-{total + n}"}
                             for n in range(25)))
                total += 25
            agent.wait_acked()
        daemon.kill()
    with daemon:
        wait_until(lambda: opensearch.count(target, {"term": {"session.id": "s"}}) >= total,
                   ARRIVAL_TIMEOUT_S, f"all documents; log:\n{daemon.log()}")
    ids = collections.Counter(document.get("attributes", {}).get("test", {}).get("id")
                              or document.get("attributes", {}).get("test.id")
                              for document in opensearch.documents(target).values())
    assert {f"t-{n}" for n in range(total)} <= set(ids)
    assert all(ids[f"t-{n}"] == 1 for n in range(total))


def test_a_record_that_the_index_refuses_costs_no_neighbour(home, opensearch):
    """A foreign template, which gives a field a type that one record does not have."""
    opensearch.must("PUT", "/_index_template/foreign", {
        "index_patterns": ["logs-foreign-*"], "data_stream": {}, "priority": 600,
        "template": {"mappings": {"properties": {
            "session": {"properties": {"id": {"type": "long"}}}}}}})
    with Daemon(home, exporters=exporter(
            opensearch, "soc", ", data_stream: { dataset: foreign }")) as daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send(*({"kind": "agent.tool", "session": "secret" if n in (0, 17, 39) else str(n)}
                         for n in range(40)))
            agent.wait_acked()
        wait_settled(daemon, "elastic/soc", 40)
        dead = letters(daemon, "elastic/soc")
        log = daemon.log()
    assert len(dead) == 3
    assert all(letter["message"] == "400 mapper_parsing_exception" for letter in dead), dead[0]
    assert "Preview" not in log
    assert opensearch.count("logs-foreign-default", {"exists": {"field": "session.id"}}) == 37


def test_a_missing_pipeline_holds_everything_until_it_is_there(home, opensearch):
    target = STREAMS["ecs"]
    clear(opensearch, target)
    daemon = Daemon(home, exporters=exporter(opensearch, "soc", ", pipeline: tt-late"))
    with daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send(*({"kind": "agent.tool", "session": str(n)} for n in range(30)))
            agent.wait_acked()
        wait_until(lambda: "does not exist" in daemon.log() or "export.retry" in daemon.log(),
                   ARRIVAL_TIMEOUT_S, "a failure in the log")
        assert not letters(daemon, "elastic/soc")
        assert opensearch.count(target + "*") == 0
        opensearch.must("PUT", "/_ingest/pipeline/tt-late", {"processors": []})
    # Who stops tries once more.
    assert opensearch.count(target, {"exists": {"field": "session.id"}}) == 30


def make_plain_index(server, shape):
    """Elasticsearch's own distribution for tests has neither data streams nor match_only_text; the
    rest of the template is as it is shipped.  Returns the name of an index that it is for."""
    text = json.dumps(template("elasticsearch", shape)).replace('"match_only_text"', '"text"')
    plain = json.loads(text)
    del plain["data_stream"]
    server.must("PUT", f"/_index_template/telltale-{shape}", plain)
    name = plain["index_patterns"][0].replace("*", "plain")
    server.must("PUT", f"/{name}")
    mapping = server.must("GET", f"/{name}/_mapping")[name]["mappings"]
    assert mapping["properties"]["attributes"]["type"] == "flattened"
    return name


def test_every_recorded_event_is_a_document_of_elasticsearch_in_both_shapes(home, corpus):
    """With the rights that deploy/elastic gives, when the password is mended."""
    role = json.loads((DEPLOY / "api-key.json").read_text())["role_descriptors"]["telltale"]
    password = home / "password"
    password.write_text("wrong\n")
    with SearchServer(home, "elasticsearch", roles={"telltale": role}) as server:
        targets = {shape: make_plain_index(server, shape) for shape in STREAMS}
        login = f", basic_auth: {{ user: telltale, password_file: {password} }}"
        daemon = Daemon(home, exporters="file/forensic: {}\n"
                        + exporter(server, "ecs", f", index: {targets['ecs']}" + login)
                        + exporter(server, "otel",
                                   f", index: {targets['otel']}, shape: otel" + login)
                        + exporter(server, "nostream", ", flavor: elasticsearch" + login)
                        + exporter(server, "elsewhere", ", index: audit" + login))
        with daemon:
            count = send_corpus(daemon, corpus)
            wait_until(lambda: "HTTP 401" in daemon.log(), ARRIVAL_TIMEOUT_S, "a refusal in the log")
            assert all(server.count(target) == 0 for target in targets.values())
            password.write_text(PASSWORD + "\n")
            daemon.stop()  # it would look again in a minute; who stops tries once more
        with daemon:
            for shape in STREAMS:
                wait_settled(daemon, f"elastic/{shape}", 0)
            for name in ("ecs", "otel", "nostream", "elsewhere"):
                assert not letters(daemon, f"elastic/{name}")
            wait_until(lambda: "404 index_not_found_exception" in daemon.log()
                       and "403 security_exception" in daemon.log(), ARRIVAL_TIMEOUT_S,
                       "why nothing goes to the others")
            assert len(stored(daemon)) >= count
            for shape, target in targets.items():
                wait_until(lambda: server.count(target) == len(stored(daemon)), ARRIVAL_TIMEOUT_S,
                           "a document for each")
                check_documents(server, shape, target, daemon)
        # These would have been plain indices with fields that are guessed, or where we may not go.
        assert server.ask("HEAD", "/" + STREAMS["ecs"])[0] == 404
        assert server.ask("HEAD", "/audit")[0] == 404
        assert PASSWORD not in daemon.log()


def test_victorialogs_has_every_event(home, corpus):
    """It speaks as an old Elasticsearch does, has no ids, and answers what it cannot read with 200
    and nothing."""
    with VictoriaLogs(home) as server:
        with Daemon(home, exporters="file/forensic: {}\n" + exporter(server, "soc")) as daemon:
            count = send_corpus(daemon, corpus)
            wait_settled(daemon, "elastic/soc", count)
            assert not letters(daemon, "elastic/soc")
            expected = collections.Counter(uid(record) for record in stored(daemon))

        def ids():
            return collections.Counter(line.get("event.id") for line in server.lines())

        wait_until(lambda: ids() == expected, ARRIVAL_TIMEOUT_S, "every event, once")
