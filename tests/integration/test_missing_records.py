# SPDX-License-Identifier: Apache-2.0
"""What an agent's own counter says: exports that never came are told, and an agent that began anew."""

import json
import pathlib
import re
import subprocess
import time

from support.daemon import BIN, Daemon, wait_until
from support.http import post

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "codex-0.169.0"
TIMEOUT_S = 60


def telltale(daemon, *arguments):
    return subprocess.run([str(BIN / "telltale"), *arguments, "--state-dir", str(daemon.state)],
                          capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout


def query(daemon, *arguments):
    text = telltale(daemon, "query", "--format", "json", *arguments)
    return [json.loads(line) for line in text.splitlines()]


def exports(transport):
    """The exports of a long session, in order."""
    return sorted(p for p in (CORPUS / transport / "longrun" / "logs").iterdir())


def send(daemon, paths):
    for path in paths:
        kind = "application/json" if path.suffix == ".json" else "application/x-protobuf"
        assert post(daemon.http_port, "/v1/logs", path.read_bytes(), kind)[0] == 200


def is_settled(daemon, since):
    """By a report that was made after what was sent."""
    status = daemon.status()
    return status["report_time"] > since and status["exporters"][0]["lag_records"] == 0


def settled(daemon):
    """What the store has once the journal's last record is in it."""
    since = time.time()
    wait_until(lambda: is_settled(daemon, since), TIMEOUT_S, "all stored")
    return query(daemon, "--kind", "pipeline")


def results(daemon):
    return [r["tool_result_seq"] for r in query(daemon, "--kind", "tool")]


def test_exports_that_never_came_are_told_with_their_session(tmp_path):
    paths = exports("http-protobuf")
    with Daemon(tmp_path, "file/forensic: {}") as daemon:
        send(daemon, paths[:4] + paths[6:])
        told = settled(daemon)
        seen = sorted(int(n) for n in results(daemon))
        session = query(daemon, "--kind", "session")[0]["session.id"]
        text = telltale(daemon, "timeline", session)
    missing = sorted(set(range(1, max(seen) + 1)) - set(seen))
    assert missing and missing == list(range(missing[0], missing[-1] + 1))
    assert [(r["agent.pipeline.reason"], r["agent.pipeline.first"], r["agent.pipeline.last"],
             r["agent.pipeline.count"], r["session.id"]) for r in told] == \
        [("sequence_gap", missing[0], missing[-1], len(missing), session)]
    assert re.search(rf"pipeline +sequence_gap {len(missing)}\b", text)


def send_later(daemon, path):
    """As the agent would say the same on another day."""
    body = path.read_bytes().replace(b"2026-11-20T", b"2026-11-21T")
    assert body != path.read_bytes()
    assert post(daemon.http_port, "/v1/logs", body, "application/json")[0] == 200


def test_whole_sessions_have_no_gaps_and_a_resumed_one_began_anew(tmp_path):
    with Daemon(tmp_path, "file/forensic: {}") as daemon:
        for path in sorted(CORPUS.glob("http-*/*/logs/*")):
            if "longrun" not in path.parts:
                send(daemon, [path])
        assert settled(daemon) == []
        send(daemon, exports("http-json"))
        for path in exports("http-json"):
            send(daemon, [path])  # its sender heard no answer
        assert settled(daemon) == []
        for path in exports("http-json")[:2]:
            send_later(daemon, path)
        told = settled(daemon)
    assert [r["agent.pipeline.reason"] for r in told] == ["restart"]
