# SPDX-License-Identifier: Apache-2.0
"""A store that the daemon has written is verified; what is done to it afterwards is found."""

import base64
import hashlib
import json
import re
import shutil

import pytest

from support import messages
from support.agent import Agent
from support.daemon import Daemon, wait_until
from support.grpc_sink import GrpcSink

STORE = """
file/forensic:
  rotate: { size: 64KiB }
  integrity: { checkpoint_interval: 1s, heartbeat: 1m }
"""
YES = {"unchanged": "yes", "complete": "yes", "attested": "yes"}
ARRIVAL_TIMEOUT_S = 60


def verify(daemon, *arguments):
    done = daemon.command("verify", "--format", "json", *arguments, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    answers = {question: report[question] for question in YES}
    expected = 1 if "no" in answers.values() else 3 if "cannot_verify" in answers.values() else 0
    assert done.returncode == expected
    return answers, report


def findings(report, question, answer="no"):
    return [f for f in report["findings"] if (f["question"], f["answer"]) == (question, answer)]


def send(daemon, count):
    with Agent(daemon.socket_path) as agent:
        for i in range(count):
            agent.send({"kind": "agent.command", "session": f"s{i % 7}",
                        "attributes": {"process.command_line": f"make target-{i} " + "x" * 300}})
        agent.wait_acked()


def files(daemon, suffix):
    return sorted(p for p in (daemon.state / "store").iterdir() if p.name.endswith(suffix))


@pytest.fixture
def stopped(home):
    """A daemon that has written a few files and was stopped, and the first key of its log."""
    with Daemon(home, STORE) as daemon:
        for count in (1, 2):  # a file is closed behind the batch that fills it
            def is_closed():
                send(daemon, 50)
                return len(files(daemon, ".jsonl.zst")) >= count

            wait_until(is_closed, ARRIVAL_TIMEOUT_S, "closed files")

        def has_active():
            send(daemon, 3)
            return any(p.stat().st_size > 0 for p in files(daemon, "active.jsonl"))

        wait_until(has_active, ARRIVAL_TIMEOUT_S, "lines that are in no closed file")
        assert daemon.stop() == 0
        report = verify(daemon)[1]
        yield daemon, report["first_key"]


def test_an_untouched_store_is_good_and_needs_a_key_to_be_attested(stopped):
    daemon, key = stopped
    answers, report = verify(daemon)
    assert answers == {**YES, "attested": "cannot_verify"}
    answers, report = verify(daemon, "--key", key)
    assert answers == YES, report["findings"]
    assert report["lines"] == report["leaves"] > 120
    assert report["roots_recomputed"] == report["checkpoints"] > 2
    text = daemon.command("verify", "--key", key)
    for question in YES:
        assert re.search(rf"^{question} +yes$", text, re.M), text
    key_file = daemon.home / "first.key"
    key_file.write_text(f"# of this host\n{key}\n")
    assert verify(daemon, "--key", str(key_file))[0] == YES


def test_a_store_is_good_while_the_daemon_writes_and_after_kills(home):
    with Daemon(home, STORE) as daemon:
        for i in range(6):
            send(daemon, 100)
            answers, report = verify(daemon)
            assert answers == {**YES, "attested": "cannot_verify"}, report["findings"]
            if i % 2:
                daemon.kill()
                answers, report = verify(daemon)
                assert "no" not in answers.values(), report["findings"]
                daemon.start()


def tampered(daemon, key, change):
    """What is said of a copy of the store in which `change` did something."""
    copy = daemon.home / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(daemon.state / "store", copy)
    change(copy)
    return verify(daemon, "--key", key, "--store", str(copy))


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_a_flipped_byte_is_named_with_its_file(stopped):
    daemon, key = stopped
    for path in files(daemon, ""):
        if path.name.startswith("store.log"):  # notes for people: no evidence
            continue
        size = path.stat().st_size
        for offset in sorted({0, size // 5, size // 2, size - 2} if size > 0 else ()):
            near = path.read_bytes()[max(0, offset - 40):offset]
            if path.name in ("checkpoints.jsonl", "keys.jsonl") and b'"time":"' in near:
                continue  # a time that is under no signature
            answers, report = tampered(daemon, key, lambda copy: flip(copy / path.name, offset))
            assert "no" in answers.values(), (path.name, offset)
            told = [f for f in report["findings"] if f["answer"] == "no"]
            assert any(path.name in (f.get("file", ""), *re.findall(r"[\w.-]+", f["text"]))
                       for f in told), (path.name, offset, told)


def test_what_is_removed_is_missed(stopped):
    daemon, key = stopped
    closed = files(daemon, ".jsonl.zst")

    def no(question, change):
        answers, report = tampered(daemon, key, change)
        assert answers[question] == "no", report
        return " ".join(str(f) for f in findings(report, question))

    for path in closed[:2]:
        assert path.name.split(".")[0] in no("complete", lambda copy: (copy / path.name).unlink())
    newest = [p for p in (*closed, *files(daemon, "active.jsonl")) if p.stat().st_size > 0][-1]
    no("complete", lambda copy: (copy / newest.name).unlink())
    no("complete", lambda copy: (copy / "manifest.jsonl").unlink())
    no("attested", lambda copy: (copy / "checkpoints.jsonl").unlink())
    no("attested", lambda copy: (copy / "keys.jsonl").unlink())
    no("unchanged", lambda copy: (copy / files(daemon, ".proof")[0].name).unlink())

    def swap(copy):
        first, second = (copy / p.name for p in closed[:2])
        first.rename(copy / "x")
        second.rename(first)
        (copy / "x").rename(second)

    assert closed[0].name in no("unchanged", swap)


def test_checkpoints_kept_elsewhere_find_an_end_that_was_cut_off(home):
    with GrpcSink() as siem:
        with Daemon(home, STORE.replace("64KiB", "64MiB")
                    + f"otlp_grpc/siem: {{ endpoint: '127.0.0.1:{siem.port}' }}") as daemon:
            def notes():
                return [text for _, _, record in siem.records()
                        if (text := messages.text_attribute(record, "agent.integrity.note"))
                        and not text.startswith("telltale.dev/epoch/")]

            for count in (1, 2):
                send(daemon, 50)
                wait_until(lambda: len(notes()) >= count, ARRIVAL_TIMEOUT_S, "checkpoints")
            assert daemon.stop() == 0
        kept = daemon.home / "kept.ndjson"
        kept.write_text("".join(json.dumps({"agent": {"integrity": {"note": note}}}) + "\n"
                                for note in notes()))
        key = verify(daemon)[1]["first_key"]
        answers, report = verify(daemon, "--key", key, "--checkpoint", str(kept))
        assert answers == YES, report["findings"]
        assert report["copies"] >= 2

        def cut(copy):
            """All that is newer than the first checkpoint, with whatever tells of it."""
            lines = (copy / "checkpoints.jsonl").read_text().splitlines(True)
            size = int(json.loads(lines[0])["checkpoint"].splitlines()[1])
            (copy / "checkpoints.jsonl").write_text(lines[0])
            active = (copy / "active.jsonl").read_text().splitlines(True)
            (copy / "active.jsonl").write_text("".join(active[:size]))
            proof = (copy / "active.proof").read_text().splitlines(True)
            (copy / "active.proof").write_text("".join(proof[:1]))

        answers, report = tampered(daemon, key, cut)
        assert answers == YES, "nothing within the store can tell"
        copy = daemon.home / "copy"
        answers, report = verify(daemon, "--key", key, "--store", str(copy),
                                 "--checkpoint", str(kept))
        assert answers["complete"] == answers["attested"] == "no"
        assert any(f["file"] == str(kept) for f in findings(report, "complete"))


def test_a_store_from_before_there_were_proofs_is_not_covered(home):
    with Daemon(home, "file/forensic: { }") as daemon:
        send(daemon, 30)
        assert daemon.stop() == 0
        answers, report = verify(daemon)
        assert answers == dict.fromkeys(YES, "cannot_verify")
        assert report["old_lines"] >= 30
        daemon.write_config(STORE)
        daemon.start()
        send(daemon, 30)
        assert daemon.stop() == 0
        key = verify(daemon)[1]["first_key"]
        answers, report = verify(daemon, "--key", key)
        assert answers == {**YES, "unchanged": "cannot_verify"}, report["findings"]


def test_what_makes_no_sense_is_said(home):
    daemon = Daemon(home, STORE)
    assert daemon.command("verify", "--format", "xml", check=False).returncode == 2
    assert daemon.command("verify", "--key", "nonsense", check=False).returncode == 2
    done = daemon.command("verify", "--store", str(daemon.home / "nowhere"), check=False)
    assert done.returncode == 1 and "nowhere" in done.stderr
    text = base64.b64encode(bytes(33)).decode()
    assert daemon.command("verify", "--key", f"a+00000000+{text}", check=False).returncode == 2


def forge_deletion(store):
    """What somebody does who knows the format: the chain of the manifest has no key."""
    victim = sorted(p for p in store.iterdir() if p.name.endswith(".jsonl.zst"))[-1]
    base = victim.name.split(".")[0]
    for path in store.iterdir():
        if path.name.startswith(base):
            path.unlink()
    lines = (store / "manifest.jsonl").read_bytes().splitlines()
    before = base64.b64decode(json.loads(lines[-1])["chain"])
    line = (f'{{"fact":"deleted","time":"2026-11-20T17:46:40Z","base":"{base}",'
            f'"reason":"retention.max_files","rule":""').encode()
    chain = base64.b64encode(hashlib.sha256(before + line).digest()).decode()
    with open(store / "manifest.jsonl", "ab") as manifest:
        manifest.write(line + f',"chain":"{chain}"}}\n'.encode())
    return base


def test_a_deletion_is_believed_for_its_record_alone(home):
    config = STORE.replace("rotate:", "retention: { max_files: 2 }\n  rotate:")
    with Daemon(home, config) as daemon:
        def is_told():
            send(daemon, 100)
            return daemon.command("query", "--kind", "integrity", "--where",
                                  "agent.integrity.action=deletion", "--format",
                                  "ndjson").count("\n") >= 2

        wait_until(is_told, ARRIVAL_TIMEOUT_S, "deletions on record")
        wait_until(lambda: verify(daemon)[0]["complete"] == "yes", ARRIVAL_TIMEOUT_S,
                   "each deletion has its record")
        daemon.kill()
        daemon.start()
        wait_until(lambda: verify(daemon)[0]["complete"] == "yes", ARRIVAL_TIMEOUT_S,
                   "and after a kill, too")
        key = verify(daemon)[1]["first_key"]
        assert daemon.stop() == 0
        base = None

        def forge(store):
            nonlocal base
            base = forge_deletion(store)

        answers, report = tampered(daemon, key, forge)
        assert answers["complete"] == "cannot_verify", report["findings"]
        assert any(base in f["text"] and f["file"] == "manifest.jsonl" and f["line"]
                   for f in findings(report, "complete", "cannot_verify")), report["findings"]

        def rewrite(store):
            """The manifest says another reason for the first deletion, in a chain made anew."""
            chain, out = bytes(32), []
            for line in (store / "manifest.jsonl").read_bytes().splitlines():
                text = line[:line.rindex(b',"chain":')].replace(b"retention.max_files",
                                                                b"retention.max_age")
                chain = hashlib.sha256(chain + text).digest()
                out.append(text + b',"chain":"' + base64.b64encode(chain) + b'"}\n')
            (store / "manifest.jsonl").write_bytes(b"".join(out))

        answers, report = tampered(daemon, key, rewrite)
        assert answers["complete"] == "no"
        assert any("does not have the deletion" in f["text"]
                   for f in findings(report, "complete")), report["findings"]
