# SPDX-License-Identifier: Apache-2.0
"""What the local files hold, read by standard tools alone: cat and zstd -dc, then JSON."""

import json
import pathlib
import re
import subprocess


# Names of files that hold lines, and what a line of the store about itself has in it.
_FILES = re.compile(r"(active|\d{8}T\d{6}Z-\d{20}-\d{20})\.jsonl(\.zst)?")
_OWN = b'"agent.event.kind","value":{"stringValue":"agent.integrity"}'


class Unreadable(Exception):
    """A standard tool does not understand a file."""


def _paths(directory):
    return [path for path in pathlib.Path(directory).glob("*.jsonl*") if _FILES.fullmatch(path.name)]


def lines(directory, with_own=False):
    """Every whole line of every file of the store, oldest file first; without what it says of
    itself (agent.integrity), unless `with_own`."""
    while True:
        try:
            return [line for line in _lines_now(directory) if with_own or _OWN not in line]
        except FileNotFoundError:
            pass  # a file was closed or compressed meanwhile: look again


def _lines_now(directory):
    found = []
    for path in sorted(_paths(directory), key=lambda p: (p.name == "active.jsonl", p.name)):
        if path.suffix == ".zst":
            if path.with_suffix("").exists():
                continue  # its plain twin is still there and says the same
            data = subprocess.run(["zstd", "-dcq"], stdin=open(path, "rb"), capture_output=True,
                                  check=True).stdout
        elif path.suffix == ".jsonl":
            data = path.read_bytes()
        else:
            continue
        found += data[: data.rfind(b"\n") + 1].splitlines()
    return found


def stream_lines(directory):
    """Every whole line of a store that nobody writes to, without keeping them."""
    for path in sorted(_paths(directory)):
        if path.suffix == ".zst" and not path.with_suffix("").exists():
            with subprocess.Popen(["zstd", "-dcq", str(path)], stdout=subprocess.PIPE) as unpacking:
                yield from unpacking.stdout
            if unpacking.returncode != 0:
                raise Unreadable(f"zstd does not read {path}")
        elif path.suffix == ".jsonl":
            with open(path, "rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))


def records_of(line):
    """Each LogRecord of a line, as its JSON object."""
    try:
        logs = json.loads(line)
    except ValueError as error:
        raise Unreadable(f"no JSON: {line[:200]}") from error
    for resource_logs in logs["resourceLogs"]:
        for scope_logs in resource_logs["scopeLogs"]:
            yield from scope_logs["logRecords"]


def records(directory):
    """Each LogRecord of the store, as its JSON object."""
    for line in lines(directory):
        yield from records_of(line)


def text_attribute(record, key):
    for item in record["attributes"]:
        if item["key"] == key:
            return item["value"].get("stringValue")
    return None


def test_ids(directory):
    """The ids that the tests gave; the daemon's own records have none."""
    ids = (text_attribute(record, "test.id") for record in records(directory))
    return [identity for identity in ids if identity is not None]
