# SPDX-License-Identifier: Apache-2.0
"""Two daemons in a row: what the first has normalized passes the second as it is, if the second trusts
the first; others who write the same are shown for what they are."""

import json
import os
import time

import pytest

from support import facts, signals
from support.agent import Agent
from support.as_user import OTHER_UID, run_as
from support.certs import Authority
from support.daemon import Daemon, quiet_port, wait_until
from support.grpc_sink import GrpcSink
from support.http import post

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TIMEOUT_S = 60

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")


def trusting(*addresses, users=()):
    return f", trusted_upstreams: {{ addresses: {list(addresses)}, users: {[str(u) for u in users]} }}"


def exporters(sink, *more):
    return "\n".join([f'otlp_grpc/sink: {{ endpoint: "127.0.0.1:{sink.port}" }}', "file/store: {}", *more])


def over_grpc(home):
    address = "unix:${run_dir}/otlp-grpc.sock"
    gateway = {"grpc": trusting(address, users=[os.geteuid()])}
    return gateway, lambda daemon: f"otlp_grpc/next: {{ endpoint: 'unix:{daemon.grpc_socket}'"


def over_grpc_with_certificates(home):
    authority = Authority(home, "authority")
    (cert, key), (own_cert, own_key) = authority.sign("gateway"), authority.sign("sidecar")
    address = f"127.0.0.1:{quiet_port()}"
    tls = f", tls: {{ cert_file: {cert}, key_file: {key}, client_ca_file: {authority.cert} }}"
    sidecar = f"ca_file: {authority.cert}, cert_file: {own_cert}, key_file: {own_key}"
    gateway = {"grpc": tls + trusting(address), "grpc_listen": [address]}
    return gateway, lambda daemon: (f"otlp_grpc/next: {{ endpoint: 'https://localhost:{address[10:]}', "
                                    f"tls: {{ {sidecar} }}")


def over_http(home):
    port = quiet_port()
    gateway = {"http": trusting(f"127.0.0.1:{port}"), "http_port": port}
    return gateway, lambda daemon: f"otlp_http/next: {{ endpoint: 'http://127.0.0.1:{daemon.http_port}'"


def send_all(daemon, corpus):
    """What agents say over HTTP, in spans and as native events; forgers are among them."""
    for path, content_type, body in facts.corpus_bodies(corpus):
        assert post(daemon.http_port, "/v1/logs", body, content_type)[0] == 200, path
    for path in corpus.glob("*/*/*/spans.bin"):
        assert post(daemon.http_port, "/v1/traces", path.read_bytes(), PROTOBUF)[0] == 200, path
    forged = {"agent.schema.version": "1.0", "agent.peer.uid": 0, "agent.event.kind": "agent.session",
              "agent.norm.agent.outcome": "success"}
    with Agent(daemon.socket_path) as agent:
        agent.send({"kind": "agent.prompt", "session": "native", "body": "text"},
                   {"kind": "agent.approval", "session": "native", "attributes": {
                       **forged, "agent.decision.outcome": "deny", "agent.decision.source": "user"}})
        agent.wait_acked()


def is_settled(daemon, since):
    """By a report that was made after what was sent."""
    status = daemon.status()
    return status["report_time"] > since and all(e["lag_records"] == 0 for e in status["exporters"])


def settled(daemon):
    """How many records it has when all of them are delivered."""
    since = time.time()
    wait_until(lambda: is_settled(daemon, since), TIMEOUT_S, "all delivered")
    return daemon.status()["journal"]["committed_sequence"]


def query(daemon, *arguments):
    return [json.loads(line) for line in
            daemon.command("query", "--format", "json", *arguments).splitlines()]


def told(daemon):
    """Records by their ids, without what each journal adds of its own."""
    return {r["log.record.uid"]: {k: v for k, v in r.items() if not k.startswith("agent.journal.")}
            for r in query(daemon)}


def raw(sink, signal):
    requests = sink.requests if signal == "logs" else sink.requests_of(signal)
    return sorted(r for request in requests for r in signals.raw_records(request))


@pytest.mark.parametrize("way", [over_grpc, over_grpc_with_certificates, over_http])
def test_a_gateway_has_what_the_sidecar_has(home, corpus, way):
    (home / "1").mkdir()
    (home / "2").mkdir()
    options, next_hop = way(home)
    with GrpcSink() as one, GrpcSink() as two, Daemon(home / "2", exporters(two), **options) as second:
        more = next_hop(second) + ", requests_in_flight_max: 1 }"
        with Daemon(home / "1", exporters(one, more)) as first:
            send_all(first, corpus)
            committed = settled(first)
            assert settled(second) == committed, "nothing of its own"
            here, there = told(first), told(second)
            sessions = sorted({r["session.id"] for r in here.values() if r.get("session.id")})
            assert len(sessions) > 5
            for session in sessions[::5]:
                assert first.command("timeline", session, "--all") == \
                    second.command("timeline", session, "--all"), session
        assert raw(one, "logs") == raw(two, "logs")
        assert raw(one, "traces") == raw(two, "traces")
        assert here == there
        assert all(any(key.endswith("agent.peer.attestation") for key in r) for r in there.values()
                   if r["agent.transport"] != "internal")
        second.wait_metric("receiver_passed_records_total", "", len(there))
    (decision,) = [r for r in there.values() if r.get("agent.decision.outcome") == "deny" and
                   r.get("session.id") == "native"]
    assert decision["agent.norm.agent.norm.agent.peer.uid"] == os.geteuid()
    assert decision["agent.norm.agent.norm.agent.peer.pid"] == os.getpid()


FORGED = {"agent.schema.version": "1.0", "agent.event.kind": "agent.approval",
          "agent.peer.attestation": "kernel", "agent.peer.uid": 0, "log.record.uid": "of another",
          "agent.decision.outcome": "allow", "agent.transport": "unix_socket", "session.id": "victim",
          "agent.outcome": "success"}


def forgery():
    values = [{"key": key, "value": {"intValue": str(value)} if isinstance(value, int)
               else {"stringValue": value}} for key, value in FORGED.items()]
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "1795213460000000000", "attributes": values}]}]}]})


def check_forged(daemon, uid):
    wait_until(lambda: query(daemon), TIMEOUT_S, "it is stored")
    (record,) = query(daemon)
    assert {key: record[key] for key in FORGED} == FORGED, "what the sender wrote stays"
    assert record["agent.norm.agent.peer.uid"] == uid
    assert record["agent.norm.agent.peer.attestation"] == "uid"
    assert record["agent.norm.agent.event.kind"] == "agent.other"
    assert record["agent.norm.log.record.uid"] != FORGED["log.record.uid"]
    assert "FORGED" in daemon.command("timeline", "victim", "--all")
    assert daemon.metric("receiver_passed_records_total") == 0


def test_a_forger_on_another_address_of_the_gateway_is_shown(home):
    address = "unix:${run_dir}/otlp-grpc.sock"
    with Daemon(home, "file/store: {}", grpc=trusting(address),
                http_sockets=["trusted.sock"], http=trusting(f"unix:{home}/run/trusted.sock")) as gateway:
        assert post(gateway.http_port, "/v1/logs", forgery().encode(), JSON)[0] == 200
        check_forged(gateway, os.geteuid())


@only_root
def test_of_a_trusted_address_only_the_users_that_are_named_are_believed(home):
    port = quiet_port()
    home.chmod(0o755)
    with Daemon(home, "file/store: {}", http_port=port,
                http=trusting(f"127.0.0.1:{port}", users=["root", 4711])) as gateway:
        run_as(OTHER_UID, "assert b' 200 ' in post(t(sys.argv[1]), sys.argv[2].encode())",
               port, forgery())
        check_forged(gateway, OTHER_UID)
        run_as(0, "assert b' 200 ' in post(t(sys.argv[1]), sys.argv[2].encode())", port, forgery())
        gateway.wait_metric("receiver_passed_records_total", "", 1)


def test_what_cannot_be_trusted_is_not_started_with(home):
    daemon = Daemon(home, http=trusting("127.0.0.1:1"))
    code, log = daemon.start(wait=False).ends()
    assert code != 0 and "'127.0.0.1:1' does not stand in listen" in log
    daemon = Daemon(home, grpc=trusting("unix:${run_dir}/otlp-grpc.sock", users=["no-such-user"]))
    code, log = daemon.start(wait=False).ends()
    assert code != 0 and "trusted_upstreams.users: there is no user 'no-such-user'" in log


def test_a_reload_says_that_trust_takes_a_start(home):
    with Daemon(home, "file/store: {}") as daemon:
        daemon.grpc = trusting("unix:${run_dir}/otlp-grpc.sock")
        daemon.write_config("file/store: {}")
        daemon.process.send_signal(1)
        wait_until(lambda: "config.reloaded" in daemon.log(), TIMEOUT_S, "a reload")
        assert "config.needs_restart" in daemon.log()
