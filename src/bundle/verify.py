#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verify.py -- checks a Telltale evidence bundle without Telltale; the same as verify.sh, faster.

  python3 verify.py KEY [DIRECTORY]

KEY is the verifier key that you trust, of an epoch of the log (its first key, as a rule), as text
"name+hash+base64" or as a file that has it.  It must not come from the bundle.  DIRECTORY is the
unpacked bundle; without it, the place of this script.

Needs Python 3.7 or later, and openssl 1.1.1 or later for signatures.  README.txt says what each
step proves.  Exit status: 0 all is right, 1 something is not, 2 it could not be checked.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

FILES = ["README.txt", "checkpoint.txt", "custody.json", "keys.jsonl", "proof.txt", "records.jsonl",
         "uncovered.jsonl", "uncovered.txt", "verify.py", "verify.sh"]
MANIFEST = "manifest-sha256.txt"
DER_OF_ED25519 = bytes.fromhex("302a300506032b6570032100")
RECORD = re.compile(r"record (0|[1-9][0-9]{0,18}) ([0-9a-f]{16}) ([0-9a-f]{32}) [^ ]+")
NODE = re.compile(r"node ([0-9a-f]{64})")
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class No(Exception):
    """Something is not right."""


class Cannot(Exception):
    """It could not be checked."""


def sha256(data):
    return hashlib.sha256(data).digest()


def demand(condition, text):
    if not condition:
        raise No(text)


def ok(text):
    print("ok  ", text)


def number(text):
    demand(NUMBER.fullmatch(text), "a number is none")
    return int(text)


def read(directory, name):
    with open(os.path.join(directory, name), "rb") as file:
        return file.read()


# --- Files ---------------------------------------------------------------------------------------

def check_files(directory):
    there = sorted(name for name in os.listdir(directory) if name != MANIFEST)
    for name in FILES:
        path = os.path.join(directory, name)
        demand(os.path.isfile(path) and not os.path.islink(path), name + " is missing")
    demand(there == sorted(FILES), "there are files that belong to no bundle")
    listed = []
    for line in read(directory, MANIFEST).decode("ascii", "replace").splitlines():
        demand(re.fullmatch(r"[0-9a-f]{64}  [A-Za-z.-]+", line), MANIFEST + " has a line that is none")
        digest, name = line[:64], line[66:]
        listed.append(name)
        demand(name in FILES, MANIFEST + " does not list each file once")
        demand(hashlib.sha256(read(directory, name)).hexdigest() == digest,
               f"{name} is not what {MANIFEST} says")
    demand(sorted(listed) == sorted(FILES), MANIFEST + " does not list each file once")
    ok(f"all files are as {MANIFEST} lists them")
    for name in ("checkpoint.txt", "keys.jsonl", "proof.txt", "records.jsonl"):
        demand(b"\0" not in read(directory, name), name + " has NUL bytes")


# --- Signatures ----------------------------------------------------------------------------------

class Key:
    """A verifier key; ValueError: it is none."""

    def __init__(self, text):
        self.text = text
        self.name, digest, encoded = text.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        if len(raw) != 33 or raw[0] != 1:
            raise ValueError("not Ed25519")
        self.id = sha256(self.name.encode() + b"\n" + raw)[:4]
        if self.id.hex() != digest:
            raise ValueError("its hash is wrong")
        self.der = DER_OF_ED25519 + raw[1:]


class Note:
    """A text with signatures under it."""

    def __init__(self, data):
        text, blank, signatures = data.partition(b"\n\n")
        demand(blank, "a note has no signatures")
        self.text = text + b"\n"
        self.lines = text.decode("utf-8", "replace").split("\n")
        self.signatures = []
        for line in signatures.decode("utf-8", "replace").splitlines():
            words = line.split(" ")
            demand(len(words) == 3 and words[0] == "\u2014", "a note has a signature that is none")
            self.signatures.append((words[1], words[2]))

    def is_signed(self, key):
        for name, encoded in self.signatures:
            if name != key.name:
                continue
            try:
                raw = base64.b64decode(encoded, validate=True)
            except ValueError:
                return False
            return raw[:4] == key.id and openssl_verify(key, self.text, raw[4:])
        return False


def openssl_verify(key, text, signature):
    with tempfile.TemporaryDirectory() as work:
        paths = []
        for name, data in (("key", key.der), ("text", text), ("signature", signature)):
            paths.append(os.path.join(work, name))
            with open(paths[-1], "wb") as file:
                file.write(data)
        try:
            return subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0],
                 "-rawin", "-in", paths[1], "-sigfile", paths[2]],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
        except FileNotFoundError as error:
            raise Cannot("there is no openssl here") from error


# --- Keys and checkpoint -------------------------------------------------------------------------

class Certificate:
    """The beginning of an epoch."""

    def __init__(self, note, origin):
        self.note = note
        lines = note.lines
        demand(len(lines) == 6 and lines[0] == "telltale.dev/epoch/v1" and lines[1] == origin,
               "a certificate is none of this log")
        self.number = number(lines[2])
        self.first_size = number(lines[4])
        try:
            self.key = Key(lines[3])
        except ValueError as error:
            raise No(f"the key of epoch {self.number} is none") from error
        demand(self.key.name == f"{origin}/epoch/{self.number}", "a key of an epoch has another name")


def read_chain(directory, origin):
    """The first certificate of each epoch."""
    chain = {}
    for line in read(directory, "keys.jsonl").splitlines():
        try:
            note = json.loads(line).get("epoch")
        except ValueError as error:
            raise No("keys.jsonl has a line that is none") from error
        if note is not None:
            certificate = Certificate(Note(note.encode()), origin)
            chain.setdefault(certificate.number, certificate)
    return chain


def follow(chain, trusted, start, epoch):
    demand(start <= epoch, f"the checkpoint is of epoch {epoch}, from before the given key")
    demand(start in chain, f"the chain of keys has no epoch {start}")
    demand(chain[start].key.text == trusted.text, f"the key of epoch {start} is not the given one")
    for at in range(start, epoch + 1):
        demand(at in chain, f"the chain of keys ends before epoch {at}")
        demand(chain[at].note.is_signed(chain[at].key),
               f"the certificate of epoch {at} is not signed by its key")
        if at > start:
            demand(chain[at].note.is_signed(chain[at - 1].key),
                   f"the key of epoch {at - 1} did not sign that of epoch {at}")
            demand(chain[at].first_size >= chain[at - 1].first_size,
                   f"epoch {at} begins before the one before it")
    ok(f"the keys lead from the given one, of epoch {start}, to that of epoch {epoch}")


def check_checkpoint(directory, trusted):
    """Gives back size and root."""
    note = Note(read(directory, "checkpoint.txt"))
    demand(len(note.lines) >= 3, "the checkpoint is none")
    origin, prefix = note.lines[0], note.lines[0] + "/epoch/"
    if not trusted.name.startswith(prefix) or not NUMBER.fullmatch(trusted.name[len(prefix):]):
        raise Cannot("the given key is not of an epoch of the log that the checkpoint names")
    signers = [name[len(prefix):] for name, _ in note.signatures if name.startswith(prefix)]
    demand(signers, "the checkpoint has no signature of an epoch's key")
    epoch = number(signers[0])
    chain = read_chain(directory, origin)
    follow(chain, trusted, int(trusted.name[len(prefix):]), epoch)
    demand(note.is_signed(chain[epoch].key), f"the checkpoint is not signed by the key of epoch {epoch}")
    size = number(note.lines[1])
    demand(size >= max(1, chain[epoch].first_size),
           f"the checkpoint is smaller than the tree was when epoch {epoch} began")
    if epoch + 1 in chain:
        demand(size <= chain[epoch + 1].first_size,
               f"the key of epoch {epoch} was destroyed before this checkpoint was made")
    ok(f"the checkpoint of {size} records of {origin} is signed by epoch {epoch}")
    try:
        return size, base64.b64decode(note.lines[2], validate=True)
    except ValueError as error:
        raise No("the checkpoint has no root") from error


# --- Records -------------------------------------------------------------------------------------

def read_proof(directory):
    lines = read(directory, "proof.txt").decode("ascii", "replace").split("\n")
    demand(lines[0] == "telltale-evidence/1" and lines[-1] == "", "proof.txt is not what it should be")
    records, nodes = [], []
    for line in lines[1:-1]:
        record, node = RECORD.fullmatch(line), NODE.fullmatch(line)
        demand(node or (record and not nodes), "proof.txt is not what it should be")
        if node:
            nodes.append(bytes.fromhex(node[1]))
        else:
            records.append((int(record[1]), bytes.fromhex(record[2]), bytes.fromhex(record[3])))
    return records, nodes


def root_of(size, leaves, nodes):
    """The root of the tree of `size` leaves: `leaves` are pairs of index and hash, and `nodes` the
    hashes of the largest subtrees that have none of them, from left to right."""
    leaves, nodes = leaves[::-1], nodes[::-1]

    def walk(first, end):
        if not leaves or leaves[-1][0] >= end:
            demand(nodes, "proof.txt has too few nodes")
            return nodes.pop()
        if end - first == 1:
            return leaves.pop()[1]
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        left = walk(first, middle)
        return sha256(b"\1" + left + walk(middle, end))

    root = walk(0, size)
    demand(not leaves and not nodes, "proof.txt has more than its records need")
    return root


def check_records(directory, size, root):
    records, nodes = read_proof(directory)
    text = read(directory, "records.jsonl")
    demand(not text or text.endswith(b"\n"), "records.jsonl ends within a line")
    lines = text.split(b"\n")[:-1]
    demand(len(lines) == len(records),
           f"records.jsonl has {len(lines)} lines, and proof.txt is about {len(records)} records")
    demand(records, "there is no record that is proved")
    leaves = []
    for line, (index, sequence, salt) in zip(lines, records):
        demand(index < size and (not leaves or index > leaves[-1][0]),
               "the places of the records are not in order")
        leaves.append((index, sha256(b"\0\1" + sequence + sha256(salt + line))))
    demand(root_of(size, leaves, nodes) == root,
           "the records are not those of the tree that was signed")
    ok(f"all {len(lines)} records of records.jsonl stand in the tree that was signed, at their places")


def main(arguments):
    if len(arguments) not in (1, 2):
        print("usage: python3 verify.py KEY [DIRECTORY]", file=sys.stderr)
        return 2
    directory = arguments[1] if len(arguments) == 2 else os.path.dirname(os.path.abspath(__file__))
    text = arguments[0]
    try:
        if os.path.isfile(text):
            with open(text, encoding="utf-8") as file:
                keys = [line.strip() for line in file if line.strip() and not line.startswith("#")]
            text = keys[0] if keys else ""
        try:
            trusted = Key(text)
        except ValueError as error:
            raise Cannot("the given key is no verifier key of type Ed25519") from error
        check_files(directory)
        check_records(directory, *check_checkpoint(directory, trusted))
    except No as problem:
        print("NO  ", problem)
        return 1
    except (ValueError, AttributeError, RecursionError):
        print("NO   a file is not what it should be")
        return 1
    except (Cannot, OSError) as problem:
        print("cannot check:", problem, file=sys.stderr)
        return 2
    uncovered = read(directory, "uncovered.jsonl").count(b"\n")
    if uncovered:
        print(f"note {uncovered} records in uncovered.jsonl are not proved: uncovered.txt says why")
    print("The bundle is right.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
