# SPDX-License-Identifier: Apache-2.0
"""Through the daemon into a real Kafka, and out of it by a real Collector: everything arrives, once
and unchanged, the events of a session in their order; and what a consumer makes of it is what the
Collector's table in ClickHouse says.

The judges are support/facts.py and support/signals.py, which share no code with the daemon.
"""

import collections
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import facts, signals, store  # noqa: E402
from support.agent import Agent  # noqa: E402
from support.certs import Authority  # noqa: E402
from support.collector import Collector  # noqa: E402
from support.daemon import Daemon, wait_until  # noqa: E402
from support.http import post  # noqa: E402
from support.kafka_broker import PASSWORD, KafkaBroker  # noqa: E402

ARRIVAL_TIMEOUT_S = 90
KEYS = {"logs": "resourceLogs", "traces": "resourceSpans", "metrics": "resourceMetrics"}
TOPICS = {"logs": "otlp_logs", "traces": "otlp_spans", "metrics": "otlp_metrics"}


@pytest.fixture
def broker(home):
    with KafkaBroker(home) as broker:
        for topic in TOPICS.values():
            broker.make_topic(topic)
        yield broker


def sent_facts(content_type, body):
    return list(facts.of_json(json.loads(body)) if content_type.endswith("json")
                else facts.of_protobuf(body))


def logs_of(collector):
    return [record for document in collector.documents() if KEYS["logs"] in document
            for record in facts.of_json(document)]


def signals_of(collector, signal):
    return sorted(fact for document in collector.documents() if KEYS[signal] in document
                  for fact in signals.facts(signal, signals.request(
                      signal, json.dumps(document), "application/json")))


def check_same(sent, got):
    missing, extra, wrong = facts.unmatched(sent, got)
    assert not wrong, wrong[0]
    assert not missing, f"{len(missing)} missing, first: {missing[0]}"
    assert not extra, f"{len(extra)} that nobody sent, first: {extra[0]}"


def records_of(message):
    if message.headers["content-type"] == b"application/json":
        return list(facts.of_json(json.loads(message.value)))
    return list(facts.of_protobuf(message.value))


def stored_records(daemon):
    """What is in the local store, without what it says of the place in the journal."""
    return [record._replace(attributes=tuple(item for item in record.attributes
                                             if not item[0].startswith("agent.journal.")))
            for line in store.lines(daemon.state / "store") for record in facts.of_json(json.loads(line))]


def wait_settled(daemon, count):
    wait_until(lambda: daemon.metric("exporter_sent_records_total", "kafka") >= count,
               ARRIVAL_TIMEOUT_S, f"{count} delivered; log:\n{daemon.log()}")


def check_order(messages):
    """Each session in one partition, and there in the order of the journal, each record once."""
    partitions = collections.defaultdict(set)
    last = collections.defaultdict(int)
    uids = []
    for message in messages:
        for record in records_of(message):
            session = (facts.attribute(record, "session.id")
                       or facts.attribute(record, "gen_ai.conversation.id"))
            assert (message.key or b"").decode() == (session or "")[:256]
            uids.append(facts.attribute(record, "log.record.uid"))
            partitions[session].add(message.partition)
        first = int(message.headers["first-index"])
        assert not message.key or first > last[message.key]
        last[message.key] = first
    assert all(len(found) == 1 for session, found in partitions.items() if session)
    assert len(set(uids)) == len(uids) and all(uids)


@pytest.mark.parametrize("encoding,compression", [("otlp_proto", "zstd"), ("otlp_json", "gzip")])
def test_every_recorded_log_arrives_at_the_collector_unchanged(home, corpus, broker, encoding,
                                                               compression):
    sent = []
    with Daemon(home, exporters=f"""
file/forensic: {{}}
kafka/soc: {{ brokers: ['{broker.brokers}'], encoding: {encoding}, compression: {compression} }}
""") as daemon:
        for path, content_type, body in facts.corpus_bodies(corpus, "codex*"):
            status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type)
            assert status == 200, (path, answer)
            sent += sent_facts(content_type, body)
        wait_settled(daemon, len(sent))
        in_files = stored_records(daemon)
        assert not (daemon.state / "dead-letters" / "kafka.soc.jsonl").exists()
    with Collector(home, kafka=(broker.brokers, encoding)) as collector:
        wait_until(lambda: len(logs_of(collector)) >= len(sent), ARRIVAL_TIMEOUT_S,
                   f"{len(sent)} records at the Collector, {len(logs_of(collector))} are there")
        got = logs_of(collector)
    check_same(sent, got)
    check_same(in_files, got)  # the attributes that we have laid behind, too
    messages = broker.messages("otlp_logs")
    assert {m.headers["schema"] for m in messages} == {b"otlp.logs.v1"}
    check_order(messages)


@pytest.mark.parametrize("signal,encoding", [(signal, encoding) for signal in ("traces", "metrics")
                                             for encoding in ("otlp_proto", "otlp_json")])
def test_traces_and_metrics_arrive_at_the_collector_unchanged(home, corpus, broker, signal,
                                                              encoding):
    sent = []
    with Daemon(home, exporters=f"""
kafka/soc: {{ brokers: ['{broker.brokers}'], encoding: {encoding}, signals: [{signal}] }}
""") as daemon:
        for path, content_type, body in signals.recordings(corpus, signal):
            status, _, answer = post(daemon.http_port, f"/v1/{signal}", body, content_type)
            assert status == 200, (path, answer)
            sent += signals.facts(signal, signals.request(signal, body, content_type))
        with Collector(home, kafka=(broker.brokers, encoding)) as collector:
            wait_until(lambda: len(signals_of(collector, signal)) >= len(sent), ARRIVAL_TIMEOUT_S,
                       "all records at the Collector; last log:\n" + daemon.log())
            assert signals_of(collector, signal) == sorted(sent)
        assert not (daemon.state / "dead-letters" / "kafka.soc.jsonl").exists()
    messages = broker.messages(TOPICS[signal])
    assert sum(m.headers["schema"] == f"otlp.{signal}.v1".encode() for m in messages) > 0


def test_what_a_broker_refuses_becomes_a_dead_letter_and_costs_no_neighbour(home, broker):
    broker.make_topic("small", max_message_bytes=20000)
    events = [{"kind": "agent.tool", "session": f"s-{n % 3}", "test.id": str(n),
               "text": "".join(chr(33 + (n * k * 7919) % 90) for k in range(30000 if n in (7, 31)
                                                                           else 200))}
              for n in range(40)]
    with Daemon(home, exporters=f"""
kafka/soc: {{ brokers: ['{broker.brokers}'], topics: {{ logs: small }}, compression: none }}
""") as daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send(*events)
            agent.wait_acked()
        wait_settled(daemon, 38)
        letters = [json.loads(line) for line in
                   (daemon.state / "dead-letters" / "kafka.soc.jsonl").read_text().splitlines()]
    dead = {facts.attribute(record, "test.id") for letter in letters
            for record in facts.of_json(letter["otlp"])}
    assert dead == {"7", "31"}
    got = [facts.attribute(record, "test.id") for message in broker.messages("small")
           for record in records_of(message)]
    got = [identity for identity in got if identity is not None]
    assert sorted(got, key=int) == [str(n) for n in range(40) if n not in (7, 31)]


def test_a_broker_that_is_killed_and_comes_back_has_everything(home, broker):
    with Daemon(home, exporters=f"""
kafka/soc: {{ brokers: ['{broker.brokers}'], timeout: 5s, retry: {{ max: 1s }} }}
""") as daemon:
        with Agent(daemon.socket_path) as agent:
            for turn in range(60):
                agent.send(*({"kind": "agent.tool", "session": f"s-{n % 5}",
                              "test.id": str(turn * 20 + n)} for n in range(20)))
                agent.wait_acked()
                if turn == 20:
                    broker.kill()
                if turn == 40:
                    broker.start()
        wait_settled(daemon, 1200)
    seen, last = set(), collections.defaultdict(lambda: -1)
    for message in broker.messages("otlp_logs"):
        for record in records_of(message):
            identity = facts.attribute(record, "test.id")
            if identity is None or identity in seen:
                continue  # the daemon's own, and what came again
            seen.add(identity)
            session = facts.attribute(record, "session.id")
            assert int(identity) > last[session], "the first copies of a session stand in order"
            last[session] = int(identity)
    assert seen == {str(n) for n in range(1200)}


def test_tls_and_scram_and_a_wrong_password_that_is_mended(home):
    authority = Authority(home, "authority")
    password = home / "password"
    password.write_text("wrong\n")
    with KafkaBroker(home, authority=authority) as broker:
        broker.make_topic("otlp_logs")
        with Daemon(home, exporters=f"""
kafka/soc:
  brokers: ['localhost:{broker.tls_port}']
  tls: {{ ca_file: {authority.cert} }}
  sasl: {{ mechanism: SCRAM-SHA-512, username: telltale, password_file: {password} }}
""") as daemon:
            with Agent(daemon.socket_path) as agent:
                agent.send({"kind": "agent.tool", "session": "s", "test.id": "1"})
                agent.wait_acked()
            wait_until(lambda: "uthentication" in daemon.log(), ARRIVAL_TIMEOUT_S,
                       f"the refused password in the log:\n{daemon.log()}")
            assert PASSWORD not in daemon.log() and "wrong" not in daemon.log()
            assert daemon.metric("exporter_sent_records_total", "kafka") == 0
            password.write_text(PASSWORD + "\n")
            daemon.stop()  # it would look again in a minute; who stops tries once more
        ids = [facts.attribute(record, "test.id") for message in broker.messages("otlp_logs")
               for record in records_of(message)]
        assert ids.count("1") == 1


def send_one(home, broker, tls, words=None):
    """A new daemon in `home` has an event for the broker, and delivers it, or says `words`."""
    with Daemon(home, exporters=f"""
kafka/soc: {{ brokers: ['{broker}'], tls: {tls} }}
""") as daemon:
        with Agent(daemon.socket_path) as agent:
            agent.send({"kind": "agent.tool", "session": "s", "test.id": "1"})
            agent.wait_acked()
        if words is None:
            wait_settled(daemon, 1)
        else:
            wait_until(lambda: words in daemon.log(), ARRIVAL_TIMEOUT_S,
                       f"{words} in the log:\n{daemon.log()}")
            assert daemon.metric("exporter_sent_records_total", "kafka") == 0


def ids_in(broker):
    return [facts.attribute(record, "test.id") for message in broker.messages("otlp_logs")
            for record in records_of(message)]


@pytest.mark.parametrize("fault", ["another authority", "another name", "expired"])
def test_a_broker_that_cannot_be_trusted_gets_nothing(home, fault):
    authority, stranger = Authority(home, "authority"), Authority(home, "stranger")
    trusted = stranger if fault == "another authority" else authority
    host = "127.0.0.1" if fault == "another name" else "localhost"
    with KafkaBroker(home, authority=authority, asks_for_cert=True,
                     cert_days=-1 if fault == "expired" else 2) as broker:
        broker.make_topic("otlp_logs")
        cert, key = authority.sign("client")
        send_one(home / "a", f"{host}:{broker.tls_port}",
                      f"{{ ca_file: {trusted.cert}, cert_file: {cert}, key_file: {key} }}",
                      "certificate verify failed")
        assert ids_in(broker) == []


def test_a_broker_takes_events_from_who_has_its_authoritys_certificate(home):
    authority, stranger = Authority(home, "authority"), Authority(home, "stranger")
    with KafkaBroker(home, authority=authority, asks_for_cert=True) as broker:
        broker.make_topic("otlp_logs")
        address = f"localhost:{broker.tls_port}"
        send_one(home / "a", address, f"{{ ca_file: {authority.cert} }}", "SSL alert")
        cert, key = stranger.sign("other")
        send_one(home / "b", address, f"{{ ca_file: {authority.cert}, cert_file: {cert}, "
                                      f"key_file: {key} }}", "SSL alert")
        assert ids_in(broker) == []
        cert, key = authority.sign("client")
        send_one(home / "c", address, f"{{ ca_file: {authority.cert}, cert_file: {cert}, "
                                      f"key_file: {key} }}")
        assert "1" in ids_in(broker)


# As the Collector's ClickHouse exporter makes it.
TABLE = """
CREATE TABLE fleet.otel_logs (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TimestampTime DateTime DEFAULT toDateTime(Timestamp),
    TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)), TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)), SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)), Body String CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)), ScopeName String CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_log_attr_key mapKeys(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_log_attr_value mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_body Body TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
) ENGINE = MergeTree PARTITION BY toDate(TimestampTime)
ORDER BY (ServiceName, TimestampTime, Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1
"""


def text_of(value):
    """A value as that exporter writes it into a map: texts bare, the rest as JSON."""
    if value is None:
        return ""
    kind, content = value
    return content if kind == "string" else json.dumps(content, default=str)


def row_of(record):
    """What a consumer makes of a record."""
    resource = {key: text_of(value) for key, value in record.resource.attributes}
    return {"Timestamp": record.time / 1e9 and f"{record.time // 10**9}.{record.time % 10**9:09d}",
            "TraceId": record.trace_id, "SpanId": record.span_id, "TraceFlags": record.flags & 255,
            "SeverityText": record.severity_text, "SeverityNumber": record.severity,
            "ServiceName": resource.get("service.name", ""), "Body": text_of(record.body),
            "ResourceSchemaUrl": record.resource_schema, "ResourceAttributes": resource,
            "ScopeSchemaUrl": record.scope_schema, "ScopeName": record.scope.name,
            "ScopeVersion": record.scope.version,
            "ScopeAttributes": {key: text_of(value) for key, value in record.scope.attributes},
            "LogAttributes": {key: text_of(value) for key, value in record.attributes}}


def test_the_collectors_table_in_clickhouse_has_what_the_store_has(home, corpus, broker):
    from chdb import session

    with Daemon(home, exporters=f"""
file/forensic: {{}}
kafka/soc: {{ brokers: ['{broker.brokers}'] }}
""") as daemon:
        count = 0
        for path, content_type, body in facts.corpus_bodies(corpus, "codex*"):
            status, _, answer = post(daemon.http_port, "/v1/logs", body, content_type)
            assert status == 200, (path, answer)
            count += len(sent_facts(content_type, body))
        wait_settled(daemon, count)
        stored = stored_records(daemon)
    rows = [row_of(record) for message in broker.messages("otlp_logs")
            for record in records_of(message)]
    table = home / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))

    clickhouse = session.Session(str(home / "clickhouse"))
    clickhouse.query("CREATE DATABASE fleet")
    clickhouse.query(TABLE)
    clickhouse.query(f"INSERT INTO fleet.otel_logs FROM INFILE '{table}' FORMAT JSONEachRow")

    def ask(question):
        text = str(clickhouse.query(question, "JSONCompactEachRow"))
        return [tuple(json.loads(line)) for line in text.splitlines() if line]

    uids = ask("SELECT LogAttributes['log.record.uid'], count() FROM fleet.otel_logs GROUP BY 1")
    expected = {facts.attribute(record, "log.record.uid") for record in stored}
    assert {uid for uid, _ in uids} == expected and all(int(n) == 1 for _, n in uids)
    kinds = collections.Counter(facts.attribute(r, "agent.event.kind") for r in stored)
    assert {kind: int(n) for kind, n in ask(
        "SELECT LogAttributes['agent.event.kind'], count() FROM fleet.otel_logs GROUP BY 1")
            } == dict(kinds)
    tools = sorted((facts.attribute(r, "log.record.uid"), facts.attribute(r, "gen_ai.tool.name"))
                   for r in stored if facts.attribute(r, "agent.event.kind") == "agent.tool"
                   and facts.attribute(r, "gen_ai.tool.name"))
    assert tools and ask("""SELECT LogAttributes['log.record.uid'] AS uid,
        LogAttributes['gen_ai.tool.name'] AS tool FROM fleet.otel_logs
        WHERE LogAttributes['agent.event.kind'] = 'agent.tool' AND tool != '' ORDER BY uid""") == tools
    times = sorted(r.time for r in stored)
    assert ask("SELECT toUnixTimestamp64Nano(min(Timestamp)), toUnixTimestamp64Nano(max(Timestamp)) "
               "FROM fleet.otel_logs") in ([(times[0], times[-1])],
                                           [(str(times[0]), str(times[-1]))])
    clickhouse.close()
