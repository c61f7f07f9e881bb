# SPDX-License-Identifier: Apache-2.0
"""Trees, notes and proofs of src/integrity, checked by Go's sumdb/note, by the modules of
transparency.dev and by openssl; and theirs by us."""

import base64
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

from support.daemon import BIN  # noqa: E402

GO_SIDE = os.environ["TELLTALE_INTEGRITY"]
OUR_SIDE = BIN / "integrity_vectors"
SPKI_OF_ED25519 = bytes.fromhex("302a300506032b6570032100")


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    home = tmp_path_factory.mktemp("ours")
    run(OUR_SIDE, "make", home)
    return home


def test_go_accepts_our_trees_notes_and_proofs(ours):
    vectors = int(run(GO_SIDE, "check", ours).split()[0])
    assert vectors > 1000


def test_we_accept_those_of_go(tmp_path):
    run(GO_SIDE, "make", tmp_path)
    run(OUR_SIDE, "check", tmp_path)


def test_neither_accepts_what_was_changed(ours, tmp_path):
    for name in ("vectors.txt", "checkpoint", "log.vkey", "log.key", "epoch.vkey", "record.tlog-proof"):
        (tmp_path / name).write_bytes((ours / name).read_bytes())
    text = (tmp_path / "checkpoint").read_text()
    (tmp_path / "checkpoint").write_text(text.replace("\n130\n", "\n131\n"))
    refused = subprocess.run([GO_SIDE, "check", tmp_path], capture_output=True)
    assert refused.returncode == 1 and b"signature" in refused.stderr
    run(GO_SIDE, "make", tmp_path)
    text = (tmp_path / "checkpoint").read_text()
    (tmp_path / "checkpoint").write_text(text.replace("\n130\n", "\n131\n"))
    refused = subprocess.run([OUR_SIDE, "check", tmp_path], capture_output=True)
    assert refused.returncode == 1 and b"signature" in refused.stderr


@pytest.mark.parametrize("which", ["log", "epoch"])
def test_openssl_verifies_the_signatures(ours, tmp_path, which):
    name, _, key = (ours / f"{which}.vkey").read_text().split("+", 2)
    text, _, signatures = (ours / "checkpoint").read_text().rpartition("\n\n")
    line = next(line for line in signatures.splitlines() if line.startswith(f"— {name} "))
    (tmp_path / "key").write_bytes(SPKI_OF_ED25519 + base64.b64decode(key)[1:])
    (tmp_path / "text").write_text(text + "\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(line.split(" ")[2])[4:])
    verify = ("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", tmp_path / "key", "-rawin",
              "-in", tmp_path / "text", "-sigfile", tmp_path / "signature")  # fmt: skip
    assert "Verified Successfully" in run(*verify)
    (tmp_path / "text").write_text(text + "!\n")
    assert subprocess.run([str(word) for word in verify], capture_output=True).returncode != 0
