# SPDX-License-Identifier: Apache-2.0
"""Dead letters of a real daemon: listed, shown, and delivered once the destination takes them."""

import json

import grpc
import pytest

from support import messages, store
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink

TIMEOUT_S = 60
HOSTILE = "not today \u202e end"
NAME = "otlp_grpc/sink"


class Picky:
    """Refuses requests with a record whose `test.refuse` is set, until it is told otherwise."""

    def __init__(self):
        self.refuses = True

    def __call__(self, request, context):
        records = messages.records(messages.logs_request(request))
        if self.refuses and any(messages.text_attribute(r, "test.refuse") for _, _, r in records):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, HOSTILE)


@pytest.fixture
def refused(home):
    """(daemon, sink, picky): of six records two are among the dead letters."""
    picky = Picky()
    with GrpcSink(behave=picky) as sink, Daemon(home, exporters(sink)) as daemon:
        with Agent(daemon.socket_path) as agent:
            for i in range(6):
                more = {"test.refuse": "yes"} if i in (1, 4) else {}
                agent.send({"kind": "agent.prompt", "session": "s", "body": f"n {i}",
                            "attributes": {"test.id": f"id-{i}", **more}})
            agent.wait_acked()
        wait_until(lambda: len(letters(daemon)) == 2, TIMEOUT_S, "two dead letters")
        wait_until(lambda: len(ids(sink)) == 4, TIMEOUT_S, "the others at the sink")
        yield daemon, sink, picky


def exporters(sink):
    return (f"file/forensic: {{}}\n"
            f"{NAME}: {{ endpoint: '127.0.0.1:{sink.port}', retry: {{ initial: 50ms }} }}\n")


def letters(daemon, *arguments):
    out = daemon.command("dead-letter", "list", "--all", "--json", *arguments)
    return [json.loads(line) for line in out.splitlines()]


def ids(sink):
    return sorted(messages.text_attribute(r, "test.id") for _, _, r in sink.records())


def uids(sink, test_id):
    return [messages.text_attribute(r, "log.record.uid") for _, _, r in sink.records()
            if messages.text_attribute(r, "test.id") == test_id]


def wait_replayed(daemon):
    wait_until(lambda: not list((daemon.state / "dead-letters").glob("*.replay")), TIMEOUT_S,
               "the replay is finished")


def test_list_sums_up_and_names_each_letter(refused):
    daemon, _, _ = refused
    (total,) = [json.loads(line) for line in
                daemon.command("dead-letter", "list", "--json").splitlines()]
    assert total["exporter"] == NAME and total["reason"] == "rejected" and total["count"] == 2
    assert total["first_time"] <= total["last_time"]
    assert HOSTILE in total["message"] and total["replaying"] is False

    text = daemon.command("dead-letter", "list")
    assert "2 letters" in text and "\\u{202e}" in text
    text += daemon.command("dead-letter", "list", "--all")
    assert "\u202e" not in text
    for letter in letters(daemon):
        assert letter["id"] == f"{NAME}:{letter['sequence']}" and letter["id"] in text
    assert letters(daemon, "--exporter", "otlp_grpc/other") == []


def test_show_gives_the_letter_and_its_record(refused):
    daemon, _, _ = refused
    letter = letters(daemon)[0]
    whole = json.loads(daemon.command("dead-letter", "show", letter["id"], "--format", "json"))
    record = whole.pop("record")
    assert whole == letter and letter["attempts"] >= 1
    (stored,) = [json.loads(line) for line in
                 daemon.command("query", "--format", "json", "--text", "id-1").splitlines()]
    # The store adds the place in the journal, which the letter has beside its record.
    assert record == {k: v for k, v in stored.items() if not k.startswith("agent.journal.")}

    line = json.loads(daemon.command("dead-letter", "show", letter["id"], "--format", "otlp-json"))
    (_, _, kept), = [(r, s, k) for r in line["resourceLogs"] for s in r["scopeLogs"]
                     for k in s["logRecords"]]
    assert {"key": "test.id", "value": {"stringValue": "id-1"}} in kept["attributes"]
    text = daemon.command("dead-letter", "show", letter["id"])
    assert "rejected" in text and "id-1" in text and "\u202e" not in text.split("record\n")[0]


def test_a_replay_delivers_what_is_taken_now_and_nothing_else(refused):
    daemon, sink, picky = refused
    kept = len(list(store.records(daemon.state / "store")))
    uid = {letter["id"]: json.loads(daemon.command(
        "dead-letter", "show", letter["id"], "--format", "json"))["record"]["log.record.uid"]
        for letter in letters(daemon)}
    picky.refuses = False
    first, second = letters(daemon)
    assert "1 letter is" in daemon.command("dead-letter", "replay", first["id"])
    wait_replayed(daemon)
    assert ids(sink) == ["id-0", "id-1", "id-2", "id-3", "id-5"]
    assert uids(sink, "id-1") == [uid[first["id"]]]
    assert [letter["id"] for letter in letters(daemon)] == [second["id"]]

    daemon.command("dead-letter", "replay", "--all")
    wait_replayed(daemon)
    assert ids(sink) == [f"id-{i}" for i in range(6)]
    assert uids(sink, "id-4") == [uid[second["id"]]]
    assert daemon.command("dead-letter", "list") == "no dead letters\n"
    assert len(list(store.records(daemon.state / "store"))) == kept
    daemon.wait_metric("exporter_replayed_records_total", NAME, 2)


def test_what_is_refused_again_is_a_letter_again(refused):
    daemon, sink, _ = refused
    before = letters(daemon)
    daemon.command("dead-letter", "replay", "--exporter", NAME, "--all")
    wait_replayed(daemon)
    after = letters(daemon)
    assert [letter["id"] for letter in after] == [letter["id"] for letter in before]
    assert all(new["time"] > old["time"] for new, old in zip(after, before))
    assert len(ids(sink)) == 4


def test_a_replay_that_was_asked_for_while_nobody_ran_is_done_at_the_start(refused):
    daemon, sink, picky = refused
    daemon.stop()
    picky.refuses = False
    daemon.command("dead-letter", "replay", "--all")
    assert "a replay is under way" in daemon.command("dead-letter", "list")
    assert json.loads(daemon.command("dead-letter", "list", "--json"))["replaying"] is True
    again = daemon.command("dead-letter", "replay", "--all", check=False)
    assert again.returncode == 1 and "not finished" in again.stderr
    daemon.start()
    wait_replayed(daemon)
    assert ids(sink) == [f"id-{i}" for i in range(6)]
    assert letters(daemon) == []


def test_a_daemon_that_dies_during_a_replay_loses_no_letter(refused):
    daemon, sink, picky = refused
    known = {letter["id"] for letter in letters(daemon)}
    port = sink.port
    sink.stop()  # the replay hangs at its first letter
    daemon.command("dead-letter", "replay", "--all")
    wait_until(lambda: daemon.metric("exporter_retries_total", NAME) > 0, TIMEOUT_S, "an attempt")
    daemon.kill()
    assert {letter["id"] for letter in letters(daemon)} == known
    picky.refuses = False
    with GrpcSink(port, behave=picky) as later:
        daemon.start()
        wait_replayed(daemon)
        assert ids(later) == ["id-1", "id-4"]
    assert letters(daemon) == []


def test_nonsense_is_refused_and_changes_nothing(refused):
    daemon, _, _ = refused
    known = letters(daemon)
    for arguments, code, words in [
        ((), 2, "usage"),
        (("bury",), 2, "usage"),
        (("replay",), 2, "usage"),
        (("replay", "--all", known[0]["id"]), 2, "usage"),
        (("show",), 2, "usage"),
        (("show", "nonsense"), 2, "names no letter"),
        (("show", f"{NAME}:x"), 2, "names no letter"),
        (("show", f"{NAME}:99999"), 1, "no dead letter"),
        (("show", known[0]["id"], "--format", "xml"), 2, "no format"),
        (("replay", known[0]["id"], f"{NAME}:99999"), 1, "no dead letter"),
        (("replay", "--exporter", "otlp_grpc/x", known[0]["id"]), 2, "no letter of"),
    ]:
        done = daemon.command("dead-letter", *arguments, check=False)
        assert done.returncode == code and words in done.stderr, (arguments, done)
    assert letters(daemon) == known
    assert not list((daemon.state / "dead-letters").glob("*.replay*"))


def test_letters_of_the_store_cannot_be_replayed(home):
    directory = home / "state" / "dead-letters"
    directory.mkdir(mode=0o700, parents=True)
    letter = {"time": "2026-11-20T22:23:31Z", "exporter": "file/forensic", "reason": "rejected",
              "message": "\x1b[2J\x9b", "attempts": 1, "journal": "00" * 16, "sequence": 3,
              "record_base64": "KgcKBWhlbGxv"}
    (directory / "file.forensic.jsonl").write_text(json.dumps(letter) + "\n")
    daemon = Daemon(home)
    done = daemon.command("dead-letter", "replay", "--all", check=False)
    assert done.returncode == 1 and "in order only" in done.stderr
    assert [p.name for p in directory.iterdir()] == ["file.forensic.jsonl"]
    whole = json.loads(daemon.command("dead-letter", "show", "file/forensic:3", "--format", "json"))
    assert whole["record"]["body"] == "hello"
    for arguments in (("list",), ("list", "--all"), ("show", "file/forensic:3")):
        text = daemon.command("dead-letter", *arguments)
        assert "\\x1b[2J\\x9b" in text and "\x1b" not in text
