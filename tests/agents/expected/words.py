# SPDX-License-Identifier: Apache-2.0
"""The rows of the tables: each gives back the attributes that one record must have."""

from live.judge import Maybe


def _row(kind, attributes, **more):
    row = {"agent.event.kind": kind, **attributes}
    row.update({key: value for key, value in more.items() if value is not None})
    return row


def maybe(row):
    """A record that an agent may leave out; of those of one kind at least one must be there."""
    return Maybe(row)


def prompt(text, **more):
    return _row("agent.prompt", {"agent.event.phase": "point", "agent.content.state": "present",
                                 "prompt": text}, **_keys(more))


def tool(name, category, outcome, **more):
    """A call that has ended.  `denied_by` and `allowed_by` are for agents that say so here; the
    other names are in SHORT, and a name with dots stands for itself."""
    return _row("agent.tool", {
        "agent.event.phase": "end", "gen_ai.tool.name": name, "agent.tool.category": category,
        "agent.outcome": outcome}, **_keys(more))


def decision(name, verdict, source, **more):
    """What was decided of a call before it ran; `name` is None where the tool is not said."""
    return _row("agent.approval", {
        "agent.event.phase": "end", "agent.decision.outcome": verdict,
        "agent.decision.source": source, "agent.decision.automated": source != "user",
        "agent.decision.effect": "allowed" if verdict == "allow" else "blocked",
        "agent.outcome": "success" if verdict == "allow" else "denied"},
        **_keys({"gen_ai.tool.name": name, **more}))


def command(text, outcome, **more):
    """A process of its own record, where agents tell it apart from the call."""
    return _row("agent.command", {"process.command_line": text, "agent.outcome": outcome},
                **_keys(more))


def file(operation, path, **more):
    return _row("agent.file", {"agent.file.operation": operation, "file.path": path},
                **_keys(more))


def review(verdict, risk, **more):
    return _row("agent.review", {
        "agent.event.phase": "end", "agent.decision.outcome": verdict,
        "agent.decision.source": "auto_reviewer", "agent.review.risk_level": risk,
        "agent.outcome": "success" if verdict == "allow" else "denied"}, **_keys(more))


def network(host, port, verdict, reason, **more):
    return _row("agent.network", {
        "server.address": host, "server.port": port, "agent.decision.outcome": verdict,
        "agent.decision.reason": reason, "agent.decision.source": "policy",
        "agent.decision.effect": "allowed" if verdict == "allow" else "blocked",
        "agent.outcome": "success" if verdict == "allow" else "denied"}, **_keys(more))


def sandbox(name, outcome, **more):
    verdicts = {"denied": "denied", "error": "failure"}
    return _row("agent.sandbox", {
        "agent.event.phase": "end", "gen_ai.tool.name": name, "agent.sandbox.outcome": outcome,
        "agent.outcome": verdicts.get(outcome, "success")}, **_keys(more))


def response(text, **more):
    return _row("agent.response", {"agent.event.phase": "point", "response": text}, **_keys(more))


def pipeline(reason, **more):
    """What Telltale says itself of what did not come."""
    return _row("agent.pipeline", {"agent.event.phase": "point",
                                   "agent.pipeline.reason": reason}, **_keys(more))


def session(permission, sandbox=None, **more):
    return _row("agent.session", {"agent.event.phase": "start"}, **_keys({
        "agent.permission.mode": permission, "agent.sandbox.mode": sandbox, **more}))


def mode(to, **more):
    return _row("agent.mode", {"agent.mode.to": to}, **_keys(more))


def model(outcome, **more):
    return _row("agent.model", {"agent.event.phase": "end", "agent.outcome": outcome},
                **_keys(more))


SHORT = {
    "call": "gen_ai.tool.call.id",
    "exit": "process.exit.code",
    "command": "process.command_line",
    "file": "file.path",
    "executed": "agent.tool.executed",
    "mcp": "agent.mcp.server.name",
    "error": "error.type",
    "scope": "agent.decision.scope",
    "role": "agent.role",
    "status": "http.response.status_code",
    "reason": "agent.decision.reason",
    "category": "agent.tool.category",
    "mode": "agent.network.mechanism",
    "content": "agent.content.state",
    "host": "server.address",
    "port": "server.port",
    "truncated": "agent.tool.output.truncated",
}


def _keys(more):
    more = dict(more)
    row = {}
    for key, verdict, effect in (("denied_by", "deny", "blocked"),
                                 ("allowed_by", "allow", "allowed")):
        if source := more.pop(key, None):
            row = {"agent.decision.outcome": verdict, "agent.decision.source": source,
                   "agent.decision.effect": effect, "agent.decision.automated": source != "user"}
    return row | {SHORT.get(key, key): value for key, value in more.items()}
