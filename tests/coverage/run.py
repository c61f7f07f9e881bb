#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which lines and branches the tests reach; ./dev coverage builds what it runs.

    tests/coverage/run.py [--files] [--missing FILE...]

Three tables: each folder of src/ and exporters/, by the unit tests, by the kept corpora of the fuzz
targets, and by both; then for each fuzz target what its own corpus alone reaches of the files that
it is meant for (tests/fuzz/targets.txt), and what reads foreign bytes or the disk without one.

--files also names each file; --missing shows the lines of FILE that nothing reached.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "coverage"
PROFILES = BUILD / "profiles"
TARGETS = ROOT / "tests" / "fuzz" / "targets.txt"
CORPORA = ROOT / "tests" / "fuzz" / "corpus"
WANTED_PERCENT = 85.0


def find_tool(name):
    for candidate in (f"{name}-14", name):
        if shutil.which(candidate):
            return candidate
    sys.exit(f"coverage: {name} is missing: run ./dev install")


def run_program(program, arguments, profile):
    """Runs one program and leaves its profile; says whether it passed."""
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(PROFILES / profile) + "-%p.profraw")
    done = subprocess.run([str(program), *arguments], env=environment, cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    if done.returncode != 0:
        print(f"coverage: {program.name} failed:\n{done.stdout.decode(errors='replace')[-2000:]}")
    return done.returncode == 0


def run_all(tests, fuzzers):
    shutil.rmtree(PROFILES, ignore_errors=True)
    PROFILES.mkdir(parents=True)
    jobs = [(test, [], f"unit-{test.name}") for test in tests]
    for fuzzer in fuzzers:
        corpus = CORPORA / fuzzer.name.removesuffix("_fuzz")
        inputs = [str(path) for path in sorted(corpus.iterdir())] if corpus.is_dir() else []
        jobs.append((fuzzer, inputs or ["-runs=0"], f"fuzz-{fuzzer.name}"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return all(list(pool.map(lambda job: run_program(*job), jobs)))


class Coverage:
    """Lines and branches of each file, of some profiles."""

    def __init__(self, name, pattern, programs):
        merged = PROFILES / f"{name}.profdata"
        raw = sorted(str(path) for path in PROFILES.glob(pattern))
        self.files = {}
        self.merged = merged
        self.programs = programs
        if not raw:
            return
        subprocess.run([find_tool("llvm-profdata"), "merge", "-sparse", "-o", merged, *raw],
                       check=True)
        text = subprocess.run([find_tool("llvm-cov"), "export", "-summary-only",
                               f"-instr-profile={merged}", *self.objects()],
                              check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
        for entry in json.loads(text)["data"][0]["files"]:
            path = os.path.relpath(entry["filename"], ROOT)
            if path.startswith(("src/", "exporters/")):
                self.files[path] = entry["summary"]

    def objects(self):
        first, *others = (str(program) for program in self.programs)
        return [first] + [f"-object={other}" for other in others]

    def percent(self, paths, what):
        count = sum(self.files[path][what]["count"] for path in paths if path in self.files)
        covered = sum(self.files[path][what]["covered"] for path in paths if path in self.files)
        return 100.0 * covered / count if count else None

    def show_missing(self, path):
        text = subprocess.run([find_tool("llvm-cov"), "show", f"-instr-profile={self.merged}",
                               *self.objects(), str(ROOT / path)],
                              check=True, stdout=subprocess.PIPE).stdout.decode()
        for line in text.splitlines():
            fields = line.split("|", 2)
            if len(fields) == 3 and fields[1].strip() == "0":
                print(f"{path}:{fields[0].strip()}:{fields[2]}")


def cell(value):
    return f"{value:7.1f}" if value is not None else f"{'-':>7}"


def print_folders(unit, fuzz, both, with_files):
    folders = {}
    for path in sorted(both.files):
        folders.setdefault(os.path.dirname(path), []).append(path)
    print(f"\n{'':44}{'unit tests':^16}{'fuzz corpora':^16}{'both':^16}")
    print(f"{'percent of':44}" + f"{'lines':>7} {'branch':>7} " * 3)
    everything = [path for paths in folders.values() for path in paths]
    for folder, paths in [*folders.items(), ("all", everything)]:
        rows = [(folder, paths)]
        if with_files and folder != "all":
            rows += [("  " + os.path.basename(path), [path]) for path in paths]
        for name, members in rows:
            cells = [cell(coverage.percent(members, what)) for coverage in (unit, fuzz, both)
                     for what in ("lines", "branches")]
            print(f"{name:44}" + " ".join(cells))


def read_targets():
    """Of targets.txt: what each target is meant for, and what has none and why."""
    targets, without = {}, []
    for line in TARGETS.read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == "-":
            without.append(line[1:].strip())
        else:
            targets.setdefault(words[0], []).extend(words[1:])
    return targets, without


def print_targets(fuzzers):
    targets, without = read_targets()
    by_name = {fuzzer.name.removesuffix("_fuzz"): fuzzer for fuzzer in fuzzers}
    print(f"\n{'fuzz target, its own corpus, its own files':44}{'lines':>7} {'branch':>7}"
          f"{'inputs':>8}{'KiB':>6}")
    for name in sorted(by_name.keys() | targets.keys()):
        if name not in by_name or name not in targets:
            sys.exit(f"coverage: '{name}' stands only in one of tests/fuzz and targets.txt")
        coverage = Coverage(f"target-{name}", f"fuzz-{name}_fuzz-*.profraw", [by_name[name]])
        for path in targets[name]:
            if path not in coverage.files:
                sys.exit(f"coverage: targets.txt: nothing of {path} is in the target {name}")
        inputs = list((CORPORA / name).iterdir())
        size = sum(path.stat().st_size for path in inputs)
        lines = coverage.percent(targets[name], "lines")
        print(f"{name:44}{cell(lines)} {cell(coverage.percent(targets[name], 'branches'))}"
              f"{len(inputs):8}{size // 1024:6}{'  <--' if lines < WANTED_PERCENT else ''}")
        for path in targets[name]:
            print(f"    {path:40}{cell(coverage.percent([path], 'lines'))} "
                  f"{cell(coverage.percent([path], 'branches'))}")
    if without:
        print("\nreads foreign bytes or the disk, and has no fuzz target:")
        for line in without:
            print(f"    {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--missing", nargs="+", default=[], metavar="FILE")
    options = parser.parse_args()
    programs = sorted((BUILD / "bin").iterdir())
    tests = [path for path in programs if path.name.startswith("test_")]
    fuzzers = [path for path in programs if path.name.endswith("_fuzz")]
    if not tests or not fuzzers:
        sys.exit("coverage: nothing is built: run ./dev coverage")
    passed = run_all(tests, fuzzers)
    unit = Coverage("unit", "unit-*.profraw", tests)
    fuzz = Coverage("fuzz", "fuzz-*.profraw", fuzzers)
    both = Coverage("both", "*.profraw", tests + fuzzers)
    print_folders(unit, fuzz, both, options.files)
    print_targets(fuzzers)
    for path in options.missing:
        print()
        both.show_missing(path)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
