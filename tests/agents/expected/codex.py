# SPDX-License-Identifier: Apache-2.0
"""What Telltale must say of each scenario that Codex plays.

A denied call is a decision and a result; where policy denied it there is a result alone.  Calls of
MCP tools and of sub-agents, and calls that cannot be, are decided by nobody.
"""

import re

from expected.words import (decision, maybe, model, network, pipeline, prompt, response, review,
                            sandbox, session, tool)
from live.scripts import BUILD, DENIED, EXFIL, LATE, POLLS, PRINT, PROMPTS, TEST, TOKEN


def allowed_and_run(call, command, exit=0, **more):
    return [
        decision("exec_command", "allow", "config", call=call, scope="once"),
        tool("exec_command", "shell", "success" if exit == 0 else "failure", call=call,
             command=command, exit=exit, executed=True, role="main",
             error=None if exit == 0 else "nonzero_exit", **more),
    ]


def edited(call):
    return [
        decision("apply_patch", "allow", "config", call=call, scope="once"),
        tool("apply_patch", "file_edit", "success", call=call, file="src/greet.js", executed=True),
    ]


def refactor(_):
    return [
        session("never_ask", "workspace_write"),
        prompt(PROMPTS["refactor"]),
        *allowed_and_run("call_0", "ls -la"),
        *allowed_and_run("call_1", "cat src/greet.js"),
        *edited("call_2"),
        *allowed_and_run("call_3", TEST),
    ]


def refactor_env(place):
    """What the environment says of the resource stands on it; the name is Codex's own."""
    told = {"resource.team": "demo", "resource.deployment.environment.name": "ci",
            "resource.service.name": "codex_exec"}
    return [row | told for row in refactor(place)]


def resume(place):
    """Another process goes on with the session and counts its results anew: that is told."""
    return [
        *refactor(place),
        session("never_ask", "workspace_write"),
        prompt(PROMPTS["resume"], role="main"),
        *allowed_and_run("call_4", TEST),
        pipeline("restart"),
    ]


def exfil(place, asked=prompt(PROMPTS["exfil"])):
    return [
        session("never_ask", "read_only"),
        asked,
        *allowed_and_run("call_0", "cat config/sample.env"),
        # The sandbox has no network, not even names.  Codex says of it only how curl ended.
        *allowed_and_run("call_1", EXFIL, exit=6),
        tool("exec_command", "shell", "denied", call="call_2", command=EXFIL, executed=False,
             denied_by="config"),
        tool("apply_patch", "file_write", "denied", call="call_3", executed=False,
             file=f"{place.home}/.ssh_authorized_note", denied_by="config"),
        tool("exec_command", "shell", "denied", call="call_4", executed=False, denied_by="policy",
             command=re.compile(r"^rm -rf .*/\.git/hooks && touch .*/pwned$")),
    ]


def exfil_redacted(place):
    """Only the prompt is; what it runs is said whole."""
    return exfil(place, prompt("[REDACTED]", content="redacted_by_source",
                               **{"agent.prompt.length": len(PROMPTS["exfil"])}))


def exfil_yolo(place):
    return [
        session("never_ask", "full_access"),
        prompt(PROMPTS["exfil"]),
        *allowed_and_run("call_0", "cat config/sample.env"),
        *allowed_and_run("call_1", EXFIL),
        tool("exec_command", "shell", "denied", call="call_2", command=EXFIL, executed=False,
             denied_by="config"),
        decision("apply_patch", "allow", "config", call="call_3", scope="once"),
        tool("apply_patch", "file_write", "success", call="call_3", executed=True,
             file=f"{place.home}/.ssh_authorized_note"),
        # Not even now.
        tool("exec_command", "shell", "denied", call="call_4", executed=False, denied_by="policy",
             command=re.compile(r"^rm -rf .*/\.git/hooks && touch .*/pwned$")),
    ]


def codemode(_):
    """The program is a call; what it calls has ids that nobody told the model."""
    inner = re.compile(r"^exec-[0-9a-f-]{36}$")

    def ran(command):
        return [
            decision("exec_command", "allow", "config", call=inner, scope="once"),
            tool("exec_command", "shell", "success", call=inner, command=command, exit=0,
                 executed=True),
        ]

    return [
        prompt(PROMPTS["codemode"]),
        *ran("ls src"),
        tool("exec", "other", "success", call="call_0", executed=True),
        *ran("cat src/greet.js"),
        tool("lookup_ticket", "mcp", "success", call=inner, mcp="ticketdesk", executed=True),
        decision("apply_patch", "allow", "config", call=inner, scope="once"),
        tool("apply_patch", "file_edit", "success", call=inner, file="src/greet.js",
             executed=True),
        tool("exec", "other", "success", call="call_1", executed=True),
        tool("exec", "other", "failure", call="call_2", error="_OTHER"),
    ]


def mcpfail(_):
    return [
        prompt(PROMPTS["mcpfail"]),
        model("failure", status=500),
        tool("lookup_ticket", "mcp", "success", call="call_0", mcp="ticketdesk", executed=True),
        *allowed_and_run("call_1", BUILD, exit=3),
        tool("broken_tool", "mcp", "failure", call="call_2", mcp="ticketdesk"),
        *allowed_and_run("call_3", "no-such-command-xyz --version", exit=127),
        tool("does_not_exist", "other", "failure", call="call_4", executed=False,
             error="unsupported_tool"),
        tool("exec_command", "shell", "failure", call="call_5", executed=False,
             error="invalid_arguments"),
        tool("apply_patch", "file_edit", "failure", call="call_6", executed=False,
             file="src/nope.js", error="invalid_patch"),
    ]


def markers(place, source, third_scope):
    """The first and the third are allowed, the second is not."""
    return [
        decision("exec_command", "allow", source, call="call_0", scope="once"),
        tool("exec_command", "shell", "success", call="call_0", exit=0, executed=True,
             command=f"touch {place.home}/outside-1"),
        decision("exec_command", "deny", source, call="call_1", scope="once"),
        tool("exec_command", "shell", "denied", call="call_1", executed=False,
             command=f"touch {place.home}/outside-2"),
        decision("exec_command", "allow", source, call="call_2", scope=third_scope),
        tool("exec_command", "shell", "success", call="call_2", exit=0, executed=True,
             command=f"touch {place.home}/outside-3"),
        tool("broken_tool", "mcp", "failure", call="call_3", mcp="ticketdesk"),
        *edited("call_4"),
    ]


def approvals(place):
    return [
        session("ask", "workspace_write"),
        prompt(PROMPTS["approvals"]),
        *markers(place, "user", "session"),
    ]


def approvals_tui(place):
    """Who refuses in the terminal ends the turn.  No log record says so: the call's span does."""
    return [
        session("ask", "workspace_write"),
        prompt(PROMPTS["approvals"]),
        # The terminal asks the model for a title, as a conversation of its own.
        session("ask", "read_only"),
        prompt(re.compile("^Generate a concise, single-line task title")),
        decision("exec_command", "allow", "user", call="call_0", scope="once"),
        tool("exec_command", "shell", "success", call="call_0", exit=0, executed=True,
             command=f"touch {place.home}/outside-1"),
        decision("exec_command", "allow", "user", call="call_1", scope="rule_added"),
        tool("exec_command", "shell", "success", call="call_1", exit=0, executed=True,
             command=f"touch {place.home}/outside-3"),
        tool("lookup_ticket", "mcp", "success", call="call_2", mcp="ticketdesk", executed=True),
        tool("exec_command", "shell", "cancelled", call="call_3", **{"agent.derived": True}),
    ]


def sandboxdeny(place):
    """The sandbox says what it denied of files, though not each time when Codex is slow to read
    what a command printed, and nothing of the network."""
    return [
        session("ask", "workspace_write"),
        prompt(PROMPTS["sandboxdeny"]),
        *(row for n in range(DENIED)
          for row in allowed_and_run(f"call_{n}", f"touch {place.home}/next-to-repo-{n}", exit=1)),
        *(maybe(sandbox("exec_command", "denied", call=f"call_{n}")) for n in range(DENIED)),
        *allowed_and_run(f"call_{DENIED}", "curl -sS -m 4 http://93.184.216.34/", exit=7),
        decision("apply_patch", "allow", "user", call=f"call_{DENIED + 1}", scope="once"),
        tool("apply_patch", "file_write", "success", call=f"call_{DENIED + 1}", executed=True,
             file=f"{place.home}/next-to-repo"),
        response("Created what I could.", content="present", role="main"),
    ]


def autoreview(place):
    return [
        prompt(PROMPTS["approvals"]),
        # What the reviewer is asked is a prompt too, of a conversation of its own.
        *[prompt(re.compile(r"^The following is the Codex agent history"), role="reviewer")] * 3,
        review("allow", "low", call="call_0"),
        review("deny", "high", call="call_1"),
        review("allow", "low", call="call_2"),
        *markers(place, "auto_reviewer", "once"),
    ]


def netproxy(_):
    def curl(call, arguments, outcome, **more):
        return [
            decision("exec_command", "allow", "config", call=call),
            tool("exec_command", "shell", outcome, call=call, command="curl -sS -m 4 " + arguments,
                 executed=True, **more),
        ]

    return [
        prompt(PROMPTS["netproxy"]),
        *curl("call_0", "http://blocked.example.net/", "denied", denied_by="network_proxy"),
        network("blocked.example.net", 80, "deny", "denied", mode="http"),
        *curl("call_1", "http://unlisted.example.org/a?b=c", "denied", denied_by="network_proxy"),
        network("unlisted.example.org", 80, "deny", "not_allowed", mode="http"),
        *curl("call_2", "-X POST --data hi http://127.0.0.1:8901/models", "denied",
              denied_by="network_proxy"),
        network("127.0.0.1", 8901, "deny", "not_allowed_local", mode="http"),
        *curl("call_3", "http://allowed.example.com/", "success", exit=0),
        network("allowed.example.com", 80, "allow", "allow", mode="http"),
        # Past the proxy there is no way, and nothing that could tell.
        *curl("call_4", '--noproxy "*" http://127.0.0.1:8901/models', "failure", exit=7),
    ]


def subagent(_):
    return [
        prompt(PROMPTS["subagent"]),
        tool("spawn_agent", "subagent", "success", call="call_0", role="main"),
        prompt("CHILD-TASK: read src/greet.js", role="subagent"),
        decision("exec_command", "allow", "config", call="call_child_0", role="subagent"),
        tool("exec_command", "shell", "success", call="call_child_0", command="cat src/greet.js",
             exit=0, role="subagent"),
        tool("wait_agent", "subagent", "success", call="call_1", role="main"),
    ]


def bigout(_, first=None, **others):
    """`first` is said of the result of the large output, `others` of the other two."""
    cut = "[... telemetry preview truncated ...]"
    first = first or {"truncated": True, "content": "truncated",
                      "output": re.compile(r"line 40: zażółć gęślą jaźń 🚀[^$]*" + re.escape(cut))}
    others = others or {"truncated": False, "content": "present"}
    late = {} if others["truncated"] else {
        # What is no text is told as the agent sends it.
        "output": re.compile("^bin:\0\x01\ufffd end\nlate\n", re.M)}
    return [
        prompt(PROMPTS["bigout"], **{"agent.prompt.length": len(PROMPTS["bigout"])}),
        *allowed_and_run("call_0", PRINT, **first),
        *allowed_and_run("call_1", LATE, **others, **late),
        *allowed_and_run("call_2", TOKEN, **others),
    ]


def bigout_whole(place):
    return bigout(place, {"truncated": False, "content": "present", "output": re.compile(
        r"line 0: zażółć gęślą jaźń 🚀\n(line \d+: zażółć gęślą jaźń 🚀\n){3999}$")})


def bigout_none(_):
    """Without output there is no exit status, and how commands ended is not known."""
    none = {"truncated": True, "content": "truncated"}
    return [
        prompt(PROMPTS["bigout"]),
        *(row for n, command in enumerate((PRINT, LATE, TOKEN)) for row in (
            decision("exec_command", "allow", "config", call=f"call_{n}", scope="once"),
            tool("exec_command", "shell", "unknown", call=f"call_{n}", command=command, **none))),
    ]


def poll(_):
    return [
        session("never_ask", "workspace_write"),
        prompt(PROMPTS["poll"]),
        *(row for n in range(POLLS)
          for row in allowed_and_run(f"call_{n}", f"sleep 0.4; echo poll {n}")),
    ]


EXPECTED = {
    "refactor": refactor, "refactor-env": refactor_env, "resume": resume, "exfil": exfil,
    "exfil-redacted": exfil_redacted, "exfil-yolo": exfil_yolo, "mcpfail": mcpfail,
    "codemode": codemode, "approvals": approvals, "approvals-tui": approvals_tui,
    "autoreview": autoreview, "sandboxdeny": sandboxdeny, "netproxy": netproxy, "bigout": bigout,
    "bigout-whole": bigout_whole, "bigout-none": bigout_none, "subagent": subagent, "poll": poll,
}
# What came to the web server.
REACHED = {
    "netproxy": ["GET allowed.example.com/"],
    "exfil-yolo": ["POST collector.example.com/upload"],
}
