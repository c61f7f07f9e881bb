# SPDX-License-Identifier: Apache-2.0
"""What the store must have of a run on whose way something went wrong, by the book of that way.

All that was acknowledged is in the store, once; of the table nothing is missing but what was never
acknowledged; and a gap in the counter of an agent is told, as far as Telltale could see it."""

import collections

from live import judge

# By which a record is told from others, in the words of its sender.
IDENTITY = ("event.name", "event.timestamp", "conversation.id", "call_id", "tool_result_seq",
            "prompt_id", "function_name")
KINDS = {
    "codex.conversation_starts": "agent.session", "codex.user_prompt": "agent.prompt",
    "codex.tool_decision": "agent.approval", "codex.tool_result": "agent.tool",
    "gemini_cli.config": "agent.session", "gemini_cli.user_prompt": "agent.prompt",
    "gemini_cli.tool_call": "agent.tool",
    "qwen-code.config": "agent.session", "qwen-code.user_prompt": "agent.prompt",
    "qwen-code.tool_call": "agent.tool",
}


def identity(record):
    return tuple(None if record.get(key) is None else str(record[key]) for key in IDENTITY)


def is_own(record):
    return record.get("agent.event.kind") == "agent.pipeline"


def is_derived(record):
    return bool(record.get("agent.derived"))


def lost(way):
    """What was sent and never acknowledged, as a Counter of (kind, call id)."""
    accepted = collections.Counter(identity(record) for _, record in way.accepted())
    missing = {}
    for export in way.refused():
        for record in export.records():
            if not accepted[identity(record)]:
                missing[identity(record)] = record
    return collections.Counter((KINDS[record["event.name"]], record.get("call_id"))
                               for record in missing.values() if record.get("event.name") in KINDS)


def gaps(way):
    """The numbers that each life of Telltale saw passed over."""
    last, found = {}, []
    for life, record in way.accepted():
        number = int(record.get("tool_result_seq") or 0)
        if number and life in last and number > last[life] + 1:
            found.append((last[life] + 1, number - 1))
        if number:
            last[life] = number
    return found


def check_acknowledged(records, way):
    """An export that was acknowledged more than once is the same each time, and stored once."""
    stored = collections.Counter(identity(record) for record in records
                                 if not is_own(record) and not is_derived(record))
    acknowledged = collections.Counter(identity(record) for _, record in way.accepted())
    assert not acknowledged - stored, f"acknowledged, not in the store: {acknowledged - stored}"
    assert not stored - acknowledged, f"too much in the store: {stored - acknowledged}"


def check_notes(records, way):
    told = [(record["agent.pipeline.reason"], record.get("agent.pipeline.first"),
             record.get("agent.pipeline.last")) for record in records if is_own(record)]
    assert told == [("sequence_gap", first, last) for first, last in gaps(way)]


def missing_rows(records, expectations):
    """The rows of the table that the store does not have, as a Counter of (kind, call id); what
    it has beyond the table is a failure."""
    unmet, left = judge.pair([record for record in records if not is_own(record)], expectations)
    unasked = [judge.summary(record) for record in left
               if judge.value(record, "agent.event.kind") in judge.JUDGED_KINDS]
    assert not unasked, unasked
    return collections.Counter((row["agent.event.kind"], row.get("gen_ai.tool.call.id"))
                               for row in unmet)


def check(records, way, expectations):
    """Gives back missing_rows()."""
    check_acknowledged(records, way)
    check_notes(records, way)
    missing = missing_rows(records, expectations)
    if way.fault.refuses:
        assert missing == lost(way)
    return missing
