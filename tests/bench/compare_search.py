#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same questions to telltale, VictoriaLogs, DuckDB on Parquet and grep, over the same records.

Usage: compare_search.py [--mib 10240] [--dir DIR] [--keep]

The release preset must be built.  build/release/bin/search_bench makes a store of that size; what
`telltale query --format ndjson` says of it, a flat JSON object a line, is what the others get: grep
as a file, DuckDB as Parquet with the columns that are asked for and the whole line, VictoriaLogs over
HTTP.  DIR (by default in TMPDIR) needs twice the size.  Every question is asked for each of
twenty sessions, records or words, warm, after one that is not counted, or for as many as go into half
a minute, three at least.  Telltale and grep are
programs that are started for each question; DuckDB has its table open, and VictoriaLogs runs.
Engines that this machine does not have are left out (tests/interop/build-victoria-logs,
fetch-readers).
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TELLTALE_BIN", ROOT / "build/release/bin"))
TELLTALE = str(BIN / "telltale")
QUESTIONS = ("session", "uid", "word", "sessions")
CHUNK = 64 << 20
BUDGET_MS = 30000


def script(name):
    """The folder that a script of tests/interop prints, or None."""
    done = subprocess.run([ROOT / "tests/interop" / name], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def run(*arguments):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False).stdout


def size_of(path):
    path = pathlib.Path(path)
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() \
        else path.stat().st_size


class Telltale:
    name = "telltale"

    def __init__(self, home):
        self.store = str(home / "store")
        self.took, self.size = None, size_of(self.store)
        indexes = sum(p.stat().st_size for p in pathlib.Path(self.store).glob("*.idx"))
        print(f"indexes are {100 * indexes / (self.size - indexes):.2f} % of the compressed lines")

    def ask(self, question, value):
        arguments = {
            "session": ("query", "--session", value, "--format", "ndjson", "--order", "time",
                        "--limit", "10000"),
            "uid": ("query", "--uid", value, "--format", "ndjson"),
            "word": ("query", "--word", value, "--format", "ndjson"),
            "sessions": ("sessions", "--limit", "0", "--format", "ndjson"),
            "timeline": ("timeline", value),
            "open": ("query", "--session", "no-such-session", "--format", "ndjson"),
            "start": ("--version",),
            "text": ("query", "--text", value, "--format", "ndjson"),
        }[question]
        return run(TELLTALE, *arguments, *(() if question == "start" else ("--store", self.store))
                   ).count(b"\n")

    def close(self):
        pass


class Grep:
    name = "grep"

    def __init__(self, home):
        self.path = str(home / "flat.ndjson")
        self.took, self.size = None, size_of(self.path)

    def ask(self, question, value):
        if question == "sessions":
            return None
        return run("grep", "-F", value, self.path).count(b"\n")

    def close(self):
        pass


class DuckDB:
    name = "DuckDB"

    def __init__(self, home, packages):
        sys.path.insert(0, packages)
        import duckdb  # pylint: disable=import-outside-toplevel
        path = home / "lines.parquet"
        self.database = duckdb.connect()
        self.database.execute(f"set temp_directory='{home}/duckdb.tmp'")
        start = time.monotonic()
        keys = {"time": "time", "session": "session.id", "conversation": "gen_ai.conversation.id",
                "uid": "log.record.uid", "outcome": "agent.outcome"}
        columns = ", ".join(f"""json_extract_string(json, '$."{key}"') as {name}"""
                            for name, key in keys.items())
        self.database.execute(
            f"copy (select {columns}, json::varchar as line from read_json_objects("
            f"'{home}/flat.ndjson', format='newline_delimited', maximum_object_size=268435456)) "
            f"to '{path}' (format parquet, compression zstd)")
        self.took, self.size = time.monotonic() - start, size_of(path)
        self.database.execute(f"create view lines as select * from read_parquet('{path}')")

    def ask(self, question, value):
        text = {
            "session": "select line from lines where session = $1 or conversation = $1 "
                       "order by time",
            "uid": "select line from lines where uid = $1",
            "word": "select line from lines where contains(line, $1)",
            "sessions": "select coalesce(session, conversation) as id, count(*), min(time), "
                        "max(time), count(*) filter (outcome = 'denied') from lines "
                        "where id is not null group by id",
        }[question]
        return len(self.database.execute(text, [value] if "$1" in text else []).fetchall())

    def close(self):
        self.database.close()


class VictoriaLogs:
    name = "VictoriaLogs"

    def __init__(self, home, program):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = home / "victoria"
        self.process = subprocess.Popen(
            [f"{program}/victoria-logs", f"-httpListenAddr=127.0.0.1:{self.port}",
             f"-storageDataPath={self.data}", "-retentionPeriod=100y",
             "-insert.maxLineSizeBytes=16777216"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        start = time.monotonic()
        self.wait_until_ready()
        self.insert(home / "flat.ndjson")
        self.took = time.monotonic() - start
        time.sleep(10)  # it writes and merges what it has
        self.size = size_of(self.data)
        counted = self.get("/select/logsql/query", {"query": "* | stats count() as n"})
        self.note = f", took {json.loads(counted)['n']} of the records"

    def get(self, path, values, body=None):
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(values)}"
        # Of a body that may be a form, it takes the first 10 MiB for one.
        request = urllib.request.Request(url, body, {"content-type": "application/stream+json"})
        with urllib.request.urlopen(request, timeout=600) as answer:
            return answer.read()

    def wait_until_ready(self):
        for _ in range(100):
            try:
                self.get("/health", {})
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("VictoriaLogs does not start")

    def insert(self, path):
        names = {"_time_field": "time", "_msg_field": "body", "_stream_fields": "agent.product"}
        with open(path, "rb") as lines:
            while chunk := lines.read(CHUNK):
                self.get("/insert/jsonline", names, chunk + lines.readline())

    def ask(self, question, value):
        text = {
            "session": f'"session.id":="{value}" or "gen_ai.conversation.id":="{value}" '
                       "| sort by (_time)",
            "uid": f'"log.record.uid":="{value}"',
            "word": f'note:"{value}"',
            "sessions": '* | stats by ("session.id") count(), min(_time), max(_time)',
        }[question]
        return self.get("/select/logsql/query", {"query": text, "limit": 10000}).count(b"\n")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def measure(engine, question, values):
    """(p50 in ms, p90 in ms, lines of the answers in the middle), or None."""
    if engine.ask(question, values[0]) is None:
        return None
    times, counts = [], []
    for value in values:
        if sum(times) > BUDGET_MS and len(times) >= 3:
            break
        start = time.monotonic()
        counts.append(engine.ask(question, value))
        times.append(1000 * (time.monotonic() - start))
    times.sort()
    counts.sort()
    return times[len(times) // 2], times[len(times) * 9 // 10], counts[len(counts) // 2]


def print_row(name, engine, found):
    if found is not None:
        print(f"{name:<34} {engine:<13} {found[0]:>10.1f} {found[1]:>10.1f} {found[2]:>9}")
    sys.stdout.flush()


def compare(home, facts):
    values = {"session": facts["sessions"], "uid": facts["uids"], "word": facts["words"],
              "sessions": [""] * 5}
    makers = [lambda: Telltale(home), lambda: Grep(home)]
    packages, program = script("fetch-readers"), script("build-victoria-logs")
    if packages:
        makers.append(lambda: DuckDB(home, packages))
    if program:
        makers.append(lambda: VictoriaLogs(home, program))
    names = {"session": "records of a session, in order", "uid": "a record by its id",
             "word": "a word that one record has", "sessions": "all sessions with counts"}
    print(f"{'':<34} {'':<13} {'p50 ms':>10} {'p90 ms':>10} {'lines':>9}")
    for make in makers:
        engine = make()
        try:
            for question in QUESTIONS:
                print_row(names[question], engine.name, measure(engine, question,
                                                                values[question]))
            if engine.name == "telltale":
                print_row("timeline of a session", engine.name,
                          measure(engine, "timeline", values["session"]))
                print_row("a text, without help of words", engine.name,
                          measure(engine, "text", [word[3:-2] for word in values["word"][:3]]))
                print_row("open: nothing is found", engine.name,
                          measure(engine, "open", values["session"]))
                print_row("start of the program alone", engine.name,
                          measure(engine, "start", values["session"]))
            loaded = f", loaded in {engine.took:.0f} s" if engine.took else ""
            note = getattr(engine, "note", "")
            print(f"{'':<34} {engine.name:<13} {engine.size / 2**20:.0f} MiB on disk{loaded}{note}")
        finally:
            engine.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mib", type=int, default=10240)
    parser.add_argument("--dir")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    home = pathlib.Path(options.dir or tempfile.mkdtemp(prefix="telltale-search-"))
    (home / "store").mkdir(parents=True, exist_ok=True)
    try:
        made = subprocess.run([BIN / "search_bench", str(options.mib), home / "store"],
                              stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
        facts = json.loads(made[-1])
        print("\n".join(made[:-1]))
        print(f"{facts['lines']} records, {facts['bytes'] / 2**20:.0f} MiB; load "
              f"{os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
        with open(home / "flat.ndjson", "wb") as flat:
            subprocess.run([TELLTALE, "query", "--format", "ndjson", "--store", home / "store"],
                           stdout=flat, check=True)
        compare(home, facts)
    finally:
        if not options.keep:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
