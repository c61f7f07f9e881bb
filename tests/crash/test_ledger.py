# SPDX-License-Identifier: Apache-2.0
"""The checker of the kill loop finds what it is there to find: faked ledgers, one defect each."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ledger  # noqa: E402


def sink(lines, ends=(10.0, 20.0, 30.0), clean=(), full=()):
    """A tally that has read `lines`; life n ends at ends[n]."""
    lives = [ledger.Life() for _ in ends]
    for n, (life, end) in enumerate(zip(lives, ends)):
        life.end, life.clean, life.may_save = end, n in clean, n not in full
    findings = ledger.Findings()
    tally = ledger.SinkTally(lives, findings)
    tally.read(f"{line} ." for line in lines)
    return tally, findings


def steady(life, start, count, first=1):
    """A request each 0.1 s, one record each, each confirmed 10 ms later."""
    for i in range(count):
        time = start + i / 10
        yield f"Q {first + i} {time} {life} u0-{first + i}+1"
        yield f"A {first + i} {time + 0.01}"


def acked(*numbers):
    flags = bytearray(max(numbers) + 1)
    for number in numbers:
        flags[number] = 1
    return {"u0": flags}


def test_runs_are_the_ids_in_their_order():
    ids = ["u0-1", "u0-2", "h1-7", "u0-3", "u0-5", "u0-4"]
    runs = ledger.to_runs(ids)
    assert runs == ["u0-1+2", "h1-7+1", "u0-3+1", "u0-5+1", "u0-4+1"]
    assert [f"{name}-{n}" for name, n in ledger.of_runs(runs)] == ids


def test_nothing_wrong_is_found_in_a_good_ledger():
    tally, findings = sink(["B 0.0", *steady(0, 1, 50)])
    assert not findings
    assert list(tally.missing(acked(1, 25, 50))) == []
    assert list(tally.made_up({"u0": 50})) == []


def test_a_missing_id_is_found():
    tally, _ = sink(["Q 1 1.0 0 u0-1+2", "Q 2 1.1 0 u0-4+1"])
    assert list(tally.missing(acked(1, 2, 3, 4, 9))) == ["u0-3", "u0-9"]
    assert list(tally.missing({"h0": bytearray([0, 1])})) == ["h0-1"]


def test_an_id_that_was_not_acknowledged_is_not_missing():
    tally, _ = sink(["Q 1 1.0 0 u0-1+1"])
    assert list(tally.missing(acked(1))) == []


def test_a_torn_line_says_nothing():
    tally, _ = sink([])
    tally.read(["Q 1 1.0 0 u0-1+2", "Q 2 1.1 0 u0-3+1 ."])
    assert list(tally.missing(acked(1, 2, 3))) == ["u0-1", "u0-2"]


def test_judged_bad_alone_is_not_safe():
    tally, _ = sink(["R 1 1.0 0 u0-1+1"])
    assert list(tally.missing(acked(1))) == ["u0-1"]
    tally.mark("u0", 1, ledger.LETTER)
    assert list(tally.missing(acked(1))) == []


def test_refused_inside_an_accepted_request_is_safe():
    tally, _ = sink(["P 1 1.0 0 u0-1+1"])
    assert list(tally.missing(acked(1))) == []


def test_an_id_that_nobody_sent_is_found():
    tally, _ = sink(["Q 1 1.0 0 u0-1+3", "Q 2 1.0 0 x-1+1"])
    assert list(tally.made_up({"u0": 2})) == ["u0-3", "x-1"]


def test_twice_in_the_files_is_found():
    findings = ledger.Findings()
    files = ledger.FileTally(findings)
    for text in ("u0-1", "u0-2", "u0-1"):
        files.add(text)
    assert findings == {"twice in the files": 1}
    assert findings.examples["twice in the files"] == ["u0-1"]


def test_the_last_requests_before_a_crash_may_come_again():
    again = [f"Q 1{n} 11.0 1 u0-{n}+1" for n in range(40, 51)]
    _, findings = sink([*steady(0, 1, 50), *again], ends=(6.0, 20.0))
    assert not findings


def test_a_request_from_before_the_last_save_may_not_come_again():
    tally, findings = sink([*steady(0, 1, 50), "Q 99 11.0 1 u0-20+1"], ends=(6.0, 20.0))
    assert findings == {"repeated from before the last save of the cursor": 1}
    assert tally.repeats == 1


def test_slow_answers_do_not_let_older_requests_repeat():
    """What counts is what was answered behind it, not how long ago it was."""
    slow = [line for n in range(1, 20) for line in (f"Q {n} {n}.0 0 u0-{n}+1", f"A {n} {n}.5")]
    assert not sink([*slow, "Q 30 31.0 1 u0-11+1"], ends=(25.0, 40.0))[1]
    assert sink([*slow, "Q 30 31.0 1 u0-3+1"], ends=(25.0, 40.0))[1]


def test_what_stands_behind_a_gap_may_come_again():
    """The answer of request 2 never came; the cursor waits for it."""
    lines = [line for line in steady(0, 1, 50) if not line.startswith("A 2 ")]
    repeated = "Q 99 11.0 1 u0-30+1"
    assert not sink([*lines, repeated], ends=(6.0, 20.0))[1]
    refused = [line.replace("Q 2 1.1 0 u0-2+1", "U 2 1.1 0") for line in lines]
    assert refused != lines
    assert not sink([*refused, repeated], ends=(6.0, 20.0))[1]
    cut = [*steady(0, 1, 50), "X 7.5", repeated]
    assert not sink(cut, ends=(6.0, 20.0))[1]


def test_what_was_never_confirmed_may_come_again():
    lines = [line for line in steady(0, 1, 50) if not line.startswith("A 30 ")]
    assert len(lines) == 99
    _, findings = sink([*lines, "Q 99 11.0 1 u0-30+1"], ends=(6.0, 20.0))
    assert not findings


def test_a_repetition_in_the_same_life_is_found():
    _, findings = sink(["Q 1 1.0 0 u0-1+1", "A 1 1.1", "Q 2 1.2 0 u0-1+1"])
    assert findings == {"repeated without a crash": 1}


def test_a_request_that_the_sink_took_long_over_is_no_repetition():
    late = ["Q 2 1.0 0 u0-1+1", "A 2 1.1", "Q 1 1.5 0 u0-1+1"]
    assert not sink(late)[1]
    assert not sink(["Q 2 1.0 1 u0-1+1", "A 2 1.1", "Q 3 1.5 0 u0-1+1"])[1]
    assert sink([*late, "Q 3 1.6 0 u0-1+1"])[1] == {"repeated without a crash": 1}


def test_a_repetition_after_a_clean_stop_is_found():
    lines = ["Q 1 1.0 0 u0-1+1", "A 1 1.1", "Q 2 11.0 1 u0-1+1"]
    assert sink(lines, clean=(0,))[1] == {"repeated after a clean stop": 1}
    assert not sink(lines)[1]


def test_a_full_disk_saves_no_cursor():
    lines = [*steady(0, 1, 50), "Q 99 11.0 1 u0-30+1"]
    assert not sink(lines, ends=(6.0, 20.0), full=(0,))[1]
    reload = ["Q 1 1.0 0 u0-1+1", "A 1 1.1", "Q 2 1.2 0 u0-1+1"]
    assert not sink(reload, full=(0,))[1]


def test_an_answer_about_the_time_of_a_cut_is_not_certain():
    lines = ["Q 1 1.0 0 u0-1+1", "A 1 1.1", "X 1.2", "Q 2 1.3 0 u0-1+1"]
    assert not sink(lines)[1]
    lines[2] = "X 5.0"
    assert sink(lines)[1]


def test_an_answer_before_the_death_of_the_sink_is_not_certain():
    assert not sink(["Q 1 1.0 0 u0-1+1", "A 1 1.1", "B 4.0", "Q 1 4.3 0 u0-1+1"])[1]


def test_answers_to_a_daemon_that_is_dead_do_not_count():
    """They would narrow the window without a reason."""
    lines = [*steady(0, 1, 20), *steady(0, 10.5, 20, first=21), "Q 99 11.0 1 u0-16+1"]
    assert not sink(lines, ends=(3.0, 20.0))[1]


if __name__ == "__main__":
    import pytest
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", __file__]))
