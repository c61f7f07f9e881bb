# SPDX-License-Identifier: Apache-2.0
"""What Telltale must say of each scenario that opencode plays.

Its rules are told by log records, its calls by spans: one says how a call ended, another what was
done to the machine.  Prompts and texts are only in spans of requests to the model.
"""

from expected.words import command, decision, file, model, session, tool
from live.scripts import BUILD, EXFIL


def allowed(permission, **more):
    return decision(permission, "allow", "config", **more)


def ran(text, exit=0):
    """A command: what it did is said of the machine, not of the call."""
    return [allowed("bash", command=text),
            tool("bash", "shell", "unknown", executed=True),
            command(text, exit=exit, outcome="success" if exit == 0 else "failure")]


def refactor(place):
    return [
        session(None),
        *ran("ls -la"),
        allowed("read", file="src/greet.js"),
        tool("read", "file_read", "success", executed=True),
        file("read", f"{place.work}/src/greet.js"),
        allowed("edit", file="src/greet.js"),
        tool("edit", "file_edit", "success", executed=True),
        file("update", f"{place.work}/src/greet.js"),
        allowed("edit", file="test/greet.test.js"),
        tool("write", "file_write", "success", executed=True),
        file("create", f"{place.work}/test/greet.test.js"),
        *ran("node test/greet.test.js"),
    ]


def exfil_denied(place):
    return [
        session(None),
        allowed("read", file="config/sample.env"),
        tool("read", "file_read", "success", executed=True),
        file("read", f"{place.work}/config/sample.env"),
        decision("bash", "deny", "config", command=EXFIL),
        tool("bash", "shell", "denied", executed=False),
        decision("external_directory", "deny", "config"),
        tool("write", "file_write", "denied", executed=False),
        # What is denied altogether is not even offered.
        tool("invalid", "other", "failure", executed=False),
    ]


def mcpfail(place):
    return [
        session(None),
        model("failure"),
        allowed("ticketdesk_lookup_ticket"),
        tool("ticketdesk_lookup_ticket", "mcp", "success", executed=True),
        *ran(BUILD, exit=3),
        allowed("ticketdesk_broken_tool"),
        tool("ticketdesk_broken_tool", "mcp", "failure"),
        allowed("read", file="src/nope.js"),
        tool("read", "file_read", "failure"),
        tool("invalid", "other", "failure", executed=False),
        tool("read", "file_read", "failure"),
    ]


EXPECTED = {"refactor": refactor, "exfil-denied": exfil_denied, "mcpfail": mcpfail}
