# SPDX-License-Identifier: Apache-2.0
"""The judge of this suite: a store with one thing wrong is never right.  Needs no agent."""

import json
import re
import types

import pytest
from expected.words import decision, maybe, network, pipeline, prompt, sandbox, tool
from live import losses
from live.judge import judge
from live.way import Export, Fault, Way

TABLE = [
    prompt("Fix the greeting."),
    decision("shell", "allow", "config", call="a"),
    tool("shell", "shell", "success", call="a", exit=0, command="ls"),
    tool("shell", "shell", "denied", call="b", executed=False, denied_by="user"),
    network("example.net", 80, "deny", "denied"),
]
STORE = [{**row, "time": "2026-01-01T00:00:00Z", "unrelated": 1} for row in TABLE]


def changed(index, **values):
    store = [dict(record) for record in STORE]
    store[index] |= values
    return store


def test_a_store_that_says_all_is_right_in_any_order():
    assert judge(STORE, TABLE) == []
    assert judge(STORE[::-1], TABLE) == []


@pytest.mark.parametrize("index", range(len(STORE)))
def test_one_record_that_is_missing_is_found(index):
    complaints = judge(STORE[:index] + STORE[index + 1:], TABLE)
    assert complaints == [f"expected, not in the store: {TABLE[index]}"]


@pytest.mark.parametrize("index", range(len(STORE)))
def test_one_record_that_is_there_twice_is_found(index):
    (complaint,) = judge(STORE + [STORE[index]], TABLE)
    assert complaint.startswith("in the store, not expected:")


@pytest.mark.parametrize("index,values", [
    (0, {"prompt": "Fix the greeting"}),
    (1, {"agent.decision.source": "user"}),
    (1, {"agent.decision.outcome": "deny"}),
    (1, {"agent.decision.automated": 1}),
    (2, {"process.exit.code": 3}),
    (2, {"process.exit.code": False}),
    (2, {"agent.outcome": "failure"}),
    (2, {"agent.event.kind": "agent.other"}),
    (3, {"agent.tool.executed": True}),
    (4, {"agent.norm.agent.decision.effect": "allowed"}),
])
def test_one_wrong_value_is_found(index, values):
    assert judge(changed(index, **values), TABLE)


def test_kinds_that_are_not_judged_may_be_there_besides():
    assert judge(STORE + [{"agent.event.kind": "agent.other"}], TABLE) == []


def test_our_value_goes_before_the_senders():
    assert judge(changed(2, **{"agent.outcome": "lie", "agent.norm.agent.outcome": "success"}),
                 TABLE) == []


def test_a_wide_row_leaves_the_record_that_a_narrow_one_needs():
    first, second = {"agent.event.kind": "agent.tool", "n": "1"}, {"agent.event.kind": "agent.tool",
                                                                  "n": "2"}
    kind = {"agent.event.kind": "agent.tool"}
    wide, narrow = {**kind, "n": re.compile(".")}, {**kind, "n": "1"}
    assert judge([first, second], [wide, narrow]) == []
    assert judge([second, first], [wide, narrow]) == []


def test_of_records_that_may_be_left_out_one_must_be_there():
    rows = [sandbox("shell", "denied", call=call) for call in "ab"]
    table = [maybe(row) for row in rows]
    assert judge(rows, table) == []
    assert judge(rows[:1], table) == []
    assert len(judge([], table)) == 2
    assert len(judge([*rows[:1], *rows[:1]], table)) == 1


def test_a_note_that_nobody_expected_is_found():
    assert len(judge([*STORE, pipeline("restart")], TABLE)) == 1


def test_what_must_be_missing_is_found_when_it_is_there():
    assert judge(STORE, [TABLE[0] | {"secret": None}, *TABLE[1:]]) == []
    assert judge(changed(0, secret="x"), [TABLE[0] | {"secret": None}, *TABLE[1:]])


# --- Runs on whose way something went wrong ----------------------------------------------------


def result(number):
    return {"event.name": "codex.tool_result", "call_id": f"call_{number}",
            "tool_result_seq": str(number)}


def stored(number, **more):
    return result(number) | {"agent.event.kind": "agent.tool",
                             "gen_ai.tool.call.id": f"call_{number}", **more}


def export(number, is_accepted=True, life=0):
    attributes = [{"key": key, "value": {"stringValue": value}}
                  for key, value in result(number).items()]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": attributes}]}]}]}
    return Export("logs", json.dumps(body).encode(), True, life, is_accepted, is_accepted)


def way_of(*exports):
    way = Way(types.SimpleNamespace(transport="http-json"), Fault(refuses=re.compile(b".")))
    way.exports = list(exports)
    return way


ROWS = [{"agent.event.kind": "agent.tool", "gen_ai.tool.call.id": f"call_{n}"} for n in (1, 2, 3)]
GAP = {"agent.event.kind": "agent.pipeline", "agent.pipeline.reason": "sequence_gap",
       "agent.pipeline.first": 2, "agent.pipeline.last": 2}
ONE_LOST = way_of(export(1), export(2, False), export(3))


def test_a_loss_that_is_told_is_right():
    missing = losses.check([stored(1), GAP, stored(3)], ONE_LOST, ROWS)
    assert missing == {("agent.tool", "call_2"): 1}


@pytest.mark.parametrize("store", [
    [stored(1), stored(3)],  # not told
    [stored(1), GAP | {"agent.pipeline.last": 3}, stored(3)],
    [stored(1), GAP, GAP, stored(3)],
    [stored(1), GAP],  # acknowledged
    [stored(1), stored(1), GAP, stored(3)],
    [stored(1), stored(2), GAP, stored(3)],  # never acknowledged
])
def test_a_store_that_the_book_contradicts_is_found(store):
    with pytest.raises(AssertionError):
        losses.check(store, ONE_LOST, ROWS)


def test_what_was_sent_again_is_no_loss():
    way = way_of(export(1), export(2, False), export(2), export(3))
    assert way.was_sent_again() and not ONE_LOST.was_sent_again()
    assert losses.check([stored(1), stored(2), stored(3)], way, ROWS) == {}


def test_what_was_acknowledged_twice_is_stored_once():
    way = way_of(export(1), export(1), export(2), export(3))
    assert losses.check([stored(1), stored(2), stored(3)], way, ROWS) == {}
    with pytest.raises(AssertionError):
        losses.check([stored(1), stored(1), stored(2), stored(3)], way, ROWS)


def test_a_telltale_that_was_killed_sees_no_gap_before_its_own_start():
    way = way_of(export(1), export(2, False), export(3, life=1))
    assert losses.check([stored(1), stored(3)], way, ROWS)
