# SPDX-License-Identifier: Apache-2.0
"""Through a daemon, a real Collector that takes it apart and puts it together again, and a daemon that
trusts it: the second keeps what the first has told."""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import corpus, home  # noqa: E402,F401
from support import facts  # noqa: E402
from support.agent import Agent  # noqa: E402
from support.collector import Collector  # noqa: E402
from support.daemon import Daemon, quiet_port, wait_until  # noqa: E402
from support.http import post  # noqa: E402

TIMEOUT_S = 60
JSON = "application/json"


def has_delivered_all(daemon, since):
    """By a report that was made after `since`."""
    status = daemon.status()
    return status["report_time"] > since and all(e["lag_records"] == 0 for e in status["exporters"])


def told(daemon):
    """Records by their ids, without what each journal adds of its own."""
    lines = daemon.command("query", "--format", "json").splitlines()
    return {r["log.record.uid"]: {k: v for k, v in r.items() if not k.startswith("agent.journal.")}
            for r in map(json.loads, lines)}


def passed_on(collector):
    return sum(len(list(facts.of_json(document))) for document in collector.documents())


def test_what_a_collector_passes_on_says_the_same(home, corpus):
    port = quiet_port()
    (home / "1").mkdir()
    (home / "2").mkdir()
    trusting = f", trusted_upstreams: {{ addresses: [ '127.0.0.1:{port}' ] }}"
    with Collector(home) as collector, Daemon(home / "2", "file/store: {}", http_port=port,
                                              http=trusting) as second:
        with Daemon(home / "1", f"file/store: {{}}\notlp_grpc/next: "
                    f"{{ endpoint: '127.0.0.1:{collector.grpc_port}' }}") as first:
            for path, content_type, body in facts.corpus_bodies(corpus):
                assert post(first.http_port, "/v1/logs", body, content_type)[0] == 200, path
            with Agent(first.socket_path) as agent:
                agent.send({"kind": "agent.prompt", "session": "native", "body": "naïve ☕",
                            "attributes": {"ratio": 0.25, "big": 9007199254740993, "list": [1, "two"]}})
                agent.wait_acked()
            since = time.time()
            wait_until(lambda: has_delivered_all(first, since), TIMEOUT_S, "all delivered")
            here = told(first)
            wait_until(lambda: passed_on(collector) >= len(here), TIMEOUT_S, "all at the Collector")
        for document in collector.documents():
            assert post(port, "/v1/logs", json.dumps(document).encode(), JSON)[0] == 200
        wait_until(lambda: len(told(second)) >= len(here), TIMEOUT_S, "all stored")
        assert told(second) == here
        second.wait_metric("receiver_passed_records_total", "", len(here))
