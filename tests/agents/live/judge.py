# SPDX-License-Identifier: Apache-2.0
"""Compares what the store says with what a table expects.

An expectation is a dictionary of attributes.  Every record of a kind that is judged answers to
exactly one expectation and every expectation to exactly one record: what is missing, what is wrong,
what is there twice and what nobody expected are all failures.  Time and order are not compared.
"""

import re

# Of these kinds a table says all there is; other kinds may be expected, and may be there besides.
JUDGED_KINDS = {
    "agent.prompt", "agent.tool", "agent.approval", "agent.review", "agent.network",
    "agent.sandbox", "agent.subagent", "agent.mode", "agent.pipeline",
}


class Maybe(dict):
    """An expectation that may stay unmet, as long as another of its kind is met."""


def value(record, key):
    """What the record says of `key`: ours goes before the sender's (docs/SCHEMA.md)."""
    while f"agent.norm.{key}" in record:
        key = f"agent.norm.{key}"
    return record.get(key)


def answers(record, expectation):
    return all(said(value(record, key), wanted) for key, wanted in expectation.items())


def said(found, wanted):
    """Expected texts are whole; a compiled pattern is looked for."""
    if isinstance(wanted, re.Pattern):
        return isinstance(found, str) and wanted.search(found) is not None
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def pair(records, expectations):
    """Gives back (unmet expectations, records left), each record used once at most.

    Pairs are found as in a bipartite matching, so that an expectation that many records answer
    does not take the only one that another has.
    """
    taken_by = {}  # index of record: index of expectation

    def place(index, tried):
        for n, record in enumerate(records):
            if n not in tried and answers(record, expectations[index]):
                tried.add(n)
                if n not in taken_by or place(taken_by[n], tried):
                    taken_by[n] = index
                    return True
        return False

    missing = [index for index in range(len(expectations)) if not place(index, set())]
    met = {expectations[index]["agent.event.kind"] for index in taken_by.values()
           if isinstance(expectations[index], Maybe)}
    unmet = [expectations[index] for index in missing
             if not isinstance(expectations[index], Maybe)
             or expectations[index]["agent.event.kind"] not in met]
    return unmet, [record for n, record in enumerate(records) if n not in taken_by]


def judge(records, expectations):
    """Gives back a list of complaints, empty when the store is right."""
    unmet, left = pair(records, expectations)
    unasked = [record for record in left if value(record, "agent.event.kind") in JUDGED_KINDS]
    complaints = [f"expected, not in the store: {expectation}" for expectation in unmet]
    complaints += [f"in the store, not expected: {summary(record)}" for record in unasked]
    return complaints


def summary(record):
    """What of a record is compared in tables, for reading."""
    keys = ("agent.event.kind", "agent.dialect.event", "agent.event.phase", "agent.outcome",
            "gen_ai.tool.name", "gen_ai.tool.call.id", "agent.tool.category",
            "agent.tool.executed", "process.exit.code", "process.command_line", "file.path",
            "agent.decision.outcome", "agent.decision.source", "agent.decision.effect",
            "agent.decision.scope", "agent.decision.automated", "agent.decision.reason",
            "agent.review.risk_level", "agent.sandbox.outcome", "server.address", "server.port",
            "agent.network.mechanism", "agent.mcp.server.name", "agent.role", "error.type",
            "agent.error.message", "prompt", "agent.pipeline.reason",
            "agent.pipeline.first", "agent.pipeline.last", "agent.content.state",
            "agent.tool.output.truncated", "agent.derived", "agent.classification")
    return {key: found for key in keys if (found := value(record, key)) is not None}
