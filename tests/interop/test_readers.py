# SPDX-License-Identifier: Apache-2.0
"""What `telltale query` writes, read by tools of others: jq, DuckDB, the importer of Timesketch."""

import json
import os
import pathlib
import subprocess
import sys
from unittest import mock

import duckdb
import pytest
from timesketch_import_client import importer

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

from support import facts, store  # noqa: E402
from support.daemon import BIN, Daemon, wait_until  # noqa: E402
from support.http import post  # noqa: E402

CORPUS = pathlib.Path(__file__).parents[1] / "corpus"
SESSIONS = ("exfil", "approvals-appserver", "netproxy")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of recorded sessions for each format, and how many records each has."""
    home = tmp_path_factory.mktemp("readers")
    count = 0
    # The sockets need a short path.
    daemon = Daemon(home, "file/forensic: {}")
    daemon.run = pathlib.Path(f"/tmp/tr-{os.getpid()}-run")
    daemon.run.mkdir(mode=0o700)
    with daemon:
        for path, content_type, body in facts.corpus_bodies(CORPUS, "codex-0.169.0"):
            if path.parts[-4] == "http-protobuf" and path.parts[-3] in SESSIONS:
                assert post(daemon.http_port, "/v1/logs", body, content_type)[0] == 200
                count += len(list(facts.of_protobuf(body)))
        wait_until(lambda: len(store.lines(daemon.state / "store")) == count, 60, "all are kept")
    daemon.run.rmdir()
    found = {}
    for name, suffix in (("ndjson", "jsonl"), ("csv", "csv"), ("otlp-json", "jsonl"),
                         ("timesketch", "jsonl"), ("ecs", "jsonl")):
        found[name] = home / f"{name}.{suffix}"
        found[name].write_bytes(subprocess.run(
            [str(BIN / "telltale"), "query", "--format", name, "--state-dir", str(daemon.state)],
            capture_output=True, check=True, timeout=120).stdout)
    records = [json.loads(line) for line in found["ndjson"].read_text("utf-8").split("\n")[:-1]]
    assert len(records) == count
    return found, records


def jq(expression, path):
    return subprocess.run(["jq", "-r", expression, str(path)], capture_output=True, check=True,
                          text=True).stdout.split("\n")[:-1]


def test_jq_reads_the_lines(files):
    found, records = files
    kinds = [record["agent.event.kind"] for record in records]
    assert jq('."agent.event.kind"', found["ndjson"]) == kinds
    attribute = ('.resourceLogs[].scopeLogs[].logRecords[] | [.attributes[] | '
                 'select(.key == "agent.event.kind").value.stringValue] | last')
    assert jq(attribute, found["otlp-json"]) == kinds
    assert jq(".ai_agent.event.kind // .event.kind | type", found["ecs"]) == ["string"] * len(kinds)


def test_duckdb_reads_the_lines_and_the_cells(files):
    found, records = files
    with duckdb.connect() as database:
        for path, read in ((found["ndjson"], "read_json_auto('{}', format='newline_delimited', "
                                             "union_by_name=true, sample_size=-1)"),
                           (found["csv"], "read_csv('{}', header=true, all_varchar=true)")):
            rows = database.execute(
                'select "agent.event.kind", count(*) from ' + read.format(path)
                + ' group by all').fetchall()
            expected = {}
            for record in records:
                kind = record["agent.event.kind"]
                expected[kind] = expected.get(kind, 0) + 1
            assert dict(rows) == expected, path
        counted = database.execute(
            "with r as (select unnest(resourceLogs) as r from read_json_auto('{}', "
            "format='newline_delimited', sample_size=-1)), s as (select unnest(r.scopeLogs) as s "
            "from r), l as (select unnest(s.logRecords) as l from s) select count(*), "
            "min(l.timeUnixNano::ubigint) from l".format(found["otlp-json"])).fetchone()
        assert counted[0] == len(records)


def test_the_importer_of_timesketch_takes_every_event(files, caplog):
    found, records = files
    taken = []

    class Offline(importer.ImportStreamer):
        """Keeps what would be uploaded."""

        def _upload_data_buffer(self, end_stream, data_lines=None, retry_count=0):
            taken.extend(data_lines or self._data_lines)

    with Offline() as streamer:
        sketch = mock.Mock()
        sketch.api.api_root = "http://127.0.0.1:1/api"
        streamer.set_sketch(sketch)
        streamer.set_timeline_name("agents")
        streamer.add_file(str(found["timesketch"]))
    assert not [entry for entry in caplog.records if entry.levelname in ("ERROR", "WARNING")]
    written = [json.loads(line) for line in
               found["timesketch"].read_text("utf-8").split("\n")[:-1]]
    assert len(taken) == len(written) == len(records)
    for event, ours in zip(taken, written):
        assert {key: value for key, value in event.items() if key != "datetime"} == {
            key: value for key, value in ours.items() if key != "datetime"}, "nothing is dropped"
        assert event["datetime"][:26] == ours["datetime"][:26]
