# SPDX-License-Identifier: Apache-2.0
"""What Telltale must say of each scenario that Codex plays.

A denied call is a decision and a result; where policy denied it there is a result alone.  Calls of
MCP tools and of sub-agents, and calls that cannot be, are decided by nobody.
"""

import re

from expected.words import decision, model, network, prompt, review, session, tool
from live.scripts import BUILD, EXFIL, PROMPTS


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
        *allowed_and_run("call_3", "node test/greet.test.js"),
    ]


def exfil(place):
    return [
        session("never_ask", "read_only"),
        prompt(PROMPTS["exfil"]),
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


EXPECTED = {
    "refactor": refactor, "exfil": exfil, "mcpfail": mcpfail, "approvals": approvals,
    "autoreview": autoreview, "netproxy": netproxy, "subagent": subagent,
}
REACHED = {"netproxy": ["GET allowed.example.com/"]}  # what came to the web server
