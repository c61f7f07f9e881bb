# SPDX-License-Identifier: Apache-2.0
"""Checkpoints go to a witness outside, and its cosignatures come back on record: with a witness of
our own, which checks proofs as RFC 9162 has them and signs with OpenSSL."""

import base64
import hashlib
import http.server
import json
import pathlib
import subprocess
import threading

from support.daemon import Daemon, wait_until

NAME = "witness.example/w1"


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_consistent(old, old_root, new, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if old == 0 or old == new:
        return not proof and (old == 0 or old_root == new_root)
    if old & (old - 1) == 0:
        proof = [old_root, *proof]
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    if not proof:
        return False
    one = other = proof[0]
    for part in proof[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            one, other = node(part, one), node(part, other)
            while not first & 1 and first != 0:
                first, last = first >> 1, last >> 1
        else:
            other = node(other, part)
        first, last = first >> 1, last >> 1
    return last == 0 and one == old_root and other == new_root


class Witness(http.server.ThreadingHTTPServer):
    def __init__(self, directory):
        super().__init__(("127.0.0.1", 0), Handler)
        self.key = directory / "witness.pem"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:]
        self.key_id = hashlib.sha256(NAME.encode() + b"\n\x04" + public).digest()[:4]
        self.vkey = f"{NAME}+{self.key_id.hex()}+" + base64.b64encode(b"\x04" + public).decode()
        self.directory, self.seen, self.cosigned, self.time = directory, {}, [], 1_800_000_000
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def cosign(self, text):
        self.time += 1
        message = self.directory / "message"
        message.write_bytes(f"cosignature/v1\ntime {self.time}\n{text}".encode())
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in", message)
        blob = self.key_id + self.time.to_bytes(8, "big") + signature
        return f"\u2014 {NAME} {base64.b64encode(blob).decode()}\n"

    def judge(self, body):
        head, note = body.split("\n\n", 1)
        old, *proof = head.split("\n")
        text = note[:note.index("\n\n") + 1]
        origin, size, root = text.split("\n")[:3]
        old, size, root = int(old.removeprefix("old ")), int(size), base64.b64decode(root)
        known, known_root = self.seen.get(origin, (0, b""))
        if old != known:
            return 409, "text/x.tlog.size", f"{known}\n"
        if not is_consistent(known, known_root, size, root, [base64.b64decode(h) for h in proof]):
            return 422, "text/plain", "another tree"
        self.seen[origin] = (size, root)
        self.cosigned.append((old, size))
        return 200, "text/plain", self.cosign(text)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, kind, answer = self.server.judge(body) if self.path == "/add-checkpoint" else (
            404, "text/plain", "")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *arguments):
        pass


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True).stdout


def cosigned(daemon):
    """The records, a line each, as the store has them."""
    lines = daemon.command("query", "--kind", "agent.integrity", "--format", "ndjson").splitlines()
    return [line for line in lines if '"cosigned"' in line]


def verify(daemon, *options):
    """The exit code, and what is found of who attests the store."""
    done = daemon.command("verify", *map(str, options), "--format", "json", check=False)
    report = json.loads(done.stdout)
    return done.returncode, report, [finding["text"] for finding in report["findings"]
                                     if finding["question"] == "attested"]


def exporters(witness, more=""):
    return "\n".join((
        "file/forensic: { integrity: { witness: true, checkpoint_interval: 1s, heartbeat: 2s }"
        f"{more} }}",
        f"witness/w1: {{ endpoint: 'http://127.0.0.1:{witness.server_port}', every: 1s, "
        f"key: '{witness.vkey}' }}"))


def test_cosignatures_come_back_on_record_and_verification_finds_them(home, tmp_path):
    witness = Witness(pathlib.Path(tmp_path))
    with Daemon(home, exporters(witness), proofs=True) as daemon:
        def grow():
            before = len(witness.cosigned)
            daemon.command("emit", "--kind", "agent.error", "--attribute", "error.type=e")
            wait_until(lambda: len(witness.cosigned) > before, 30, "a cosignature")

        for _ in range(3):
            grow()
        daemon.kill()
        daemon.start()
        grow()
        daemon.stop()
        daemon.start()
        grow()
        size = witness.cosigned[-1][1]

        wait_until(lambda: any(f"\\n{size}\\n" in line for line in cosigned(daemon)), 30, "the record")
        kept = pathlib.Path(tmp_path) / "kept.ndjson"
        kept.write_text("".join(line + "\n" for line in cosigned(daemon)))
        daemon.stop()
        said = verify(daemon, "--witness", witness.vkey, "--checkpoint", kept)[2]
        assert f"{NAME} has cosigned up to size {size}" in said, said
    assert [old for old, _ in witness.cosigned[1:]] == [new for _, new in witness.cosigned[:-1]]


def test_verification_finds_cosignatures_in_the_store_itself(home, tmp_path):
    witness = Witness(pathlib.Path(tmp_path))
    with Daemon(home, exporters(witness, ", rotate: { size: 64KiB }"), proofs=True) as daemon:
        def emit(*attributes):
            words = [word for attribute in attributes for word in ("--attribute", attribute)]
            daemon.command("emit", "--kind", "agent.error", *words)

        emit("error.type=e")
        wait_until(lambda: cosigned(daemon), 30, "a cosignature on record")
        note = json.loads(cosigned(daemon)[0])["agent.integrity.note"]
        # What agents may say counts for nothing, right or wrong, and is no objection either.
        wrong = note[:-20] + ("B" if note[-20] == "A" else "A") + note[-19:]
        for text in (note, note.replace("\n", "\n1", 1), wrong):
            emit("a=agent.integrity", "b=cosigned", f"c={text}")

        def is_closed():
            emit("error.message=" + "x" * 20000)
            return list((daemon.state / "store").glob("*.jsonl.zst"))

        wait_until(is_closed, 30, "a closed file")
        daemon.stop()
        size = max(json.loads(line)["agent.integrity.size"] for line in cosigned(daemon))
        first_key = verify(daemon)[1]["first_key"]
        code, report, said = verify(daemon, "--key", first_key, "--witness", witness.vkey)
        assert code == 0, report["findings"]
        assert said == [f"{NAME} has cosigned up to size {size}, as the store's own records have it"]
        other = Witness(pathlib.Path(tmp_path))
        code, _, said = verify(daemon, "--key", first_key, "--witness", other.vkey)
        assert code == 3 and said == [f"no checkpoint has the cosignature of {NAME}"]
