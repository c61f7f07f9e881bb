# SPDX-License-Identifier: Apache-2.0
"""Rules, legal holds and the plan of retention: the command beside a real daemon."""

import json

from support.agent import Agent
from support.daemon import Daemon, wait_until

TIMEOUT_S = 120
RULES = ("file/forensic: { rotate: { size: 64KiB, age: 1s }, retention: { slack: 0s, rules: { "
         "decisions: { kinds: [agent.approval], keep: 1s } } } }")


def event(kind, session):
    attributes = {"session.id": session}
    if kind == "agent.approval":
        attributes |= {"agent.decision.outcome": "allow", "agent.decision.source": "user"}
    else:
        attributes |= {"error.type": "x"}
    return {"kind": kind, "attributes": attributes}


def lines(daemon, *arguments):
    return [json.loads(line) for line in daemon.command(*arguments).splitlines()]


def text_of(record, key):
    return record.get("attributes", record).get(key)


def sessions_with_decisions(daemon):
    found = lines(daemon, "query", "--kind", "approval", "--format", "ndjson")
    return sorted({text_of(record, "session.id") for record in found})


def told(daemon):
    return [text_of(record, "agent.integrity.action") for record in
            lines(daemon, "query", "--kind", "integrity", "--format", "ndjson")]


def test_a_hold_keeps_what_a_rule_lets_go(home):
    with Daemon(home, RULES) as daemon:
        made = daemon.command("hold", "add", "--session", "held-session", "--reason", "inquiry 7",
                              "--by", "alice", "--id", "case-7")
        assert made.strip() == "case-7"
        [hold] = lines(daemon, "hold", "list", "--format", "json")
        assert (hold["by"], hold["reason"], hold["session"]) == ("alice", "inquiry 7",
                                                                 "held-session")
        with Agent(daemon.socket_path) as agent:
            for _ in range(5):
                agent.send(event("agent.approval", "held-session"), event("agent.approval", "other"),
                           event("agent.error", "other"))
            agent.wait_acked()

            def goes_on(wanted):
                """Each new event may close a file, and then retention looks at it."""
                agent.send(event("agent.error", "later"))
                agent.wait_acked()
                return sessions_with_decisions(daemon) == wanted

            wait_until(lambda: goes_on(["held-session"]), TIMEOUT_S, "the other decisions are gone")
            plan = json.loads(daemon.command("retention", "plan", "--config", daemon.config,
                                             "--format", "json"))
            assert sum(file.get("held", {}).get("case-7", 0) for file in plan["files"]) == 5
            daemon.command("hold", "release", "case-7", "--reason", "closed", "--by", "bob")
            assert daemon.command("hold", "list") == ""
            wait_until(lambda: goes_on([]), TIMEOUT_S, "the held decisions are gone too")
        [ended] = lines(daemon, "hold", "list", "--ended", "--format", "json")
        assert (ended["released_by"], ended["released_reason"]) == ("bob", "closed")
        errors = lines(daemon, "query", "--kind", "error", "--session", "other", "--format", "ndjson")
        assert len(errors) == 5
        wait_until(lambda: {"release", "erasure"} <= set(told(daemon)), TIMEOUT_S, "both are told")
        assert told(daemon).count("release") == 1


def test_a_hold_without_sense_is_refused(home):
    with Daemon(home, RULES) as daemon:
        for arguments in (["--session", "s"], ["--reason", "why"],
                          ["--reason", "why", "--where", "="],
                          ["--reason", "why", "--session", "s", "--id", "../x"]):
            assert daemon.command("hold", "add", *arguments, check=False).returncode != 0
        assert daemon.command("hold", "list") == ""
        assert daemon.command("hold", "release", "none", "--reason", "x",
                              check=False).returncode == 1
