# SPDX-License-Identifier: Apache-2.0
"""What Telltale must say of each scenario that opencode plays.

Its rules are told by log records, its calls by spans: one says how a call ended, another what was
done to the machine.  Prompts and texts are only in spans of requests to the model.
"""

from expected import words
from expected.words import decision, model, session
from live.scripts import BUILD, EXFIL, TEST

# Whether receivers make events of spans; until they do, their rows are left out.
EVENTS_FROM_SPANS = True


def of_span(row):
    return [row | {"agent.derived": True}] if EVENTS_FROM_SPANS else []


def tool(*arguments, **more):
    return of_span(words.tool(*arguments, **more))


def command(*arguments, **more):
    return of_span(words.command(*arguments, **more))


def file(*arguments, **more):
    return of_span(words.file(*arguments, **more))


def ruled(verdict, permission, category, **more):
    """A rule says what is permitted, which is not the tool: `edit` is for all that writes."""
    return decision(None, verdict, "config", reason=permission, category=category, **more)


def ran(text, exit=0):
    """A command: what it did is said of the machine, not of the call."""
    return [ruled("allow", "bash", "shell", command=text),
            *tool("bash", "shell", "unknown", executed=True),
            *command(text, exit=exit, outcome="success" if exit == 0 else "failure")]


def refactor(place):
    return [
        session(None),
        *ran("ls -la"),
        ruled("allow", "read", "file_read", file="src/greet.js"),
        *tool("read", "file_read", "success", executed=True),
        *file("read", f"{place.work}/src/greet.js"),
        ruled("allow", "edit", "file_edit", file="src/greet.js"),
        *tool("edit", "file_edit", "success", executed=True),
        *file("update", f"{place.work}/src/greet.js"),
        ruled("allow", "edit", "file_edit", file="test/greet.test.js"),
        *tool("write", "file_write", "success", executed=True),
        *file("create", f"{place.work}/test/greet.test.js"),
        *ran(TEST),
    ]


def exfil_denied(place):
    return [
        session(None),
        ruled("allow", "read", "file_read", file="config/sample.env"),
        *tool("read", "file_read", "success", executed=True),
        *file("read", f"{place.work}/config/sample.env"),
        ruled("deny", "bash", "shell", command=EXFIL),
        *tool("bash", "shell", "denied", executed=False),
        *command(EXFIL, outcome="denied"),
        ruled("deny", "external_directory", "other", file=f"{place.home}/*"),
        *tool("write", "file_write", "denied", executed=False),
        *file("unknown", f"{place.home}/.profile_note"),
        # What is denied altogether is not even offered.
        *tool("invalid", "other", "failure", executed=False),
    ]


def mcpfail(place):
    return [
        session(None),
        model("failure"),
        ruled("allow", "ticketdesk_lookup_ticket", "mcp"),
        *tool("ticketdesk_lookup_ticket", "mcp", "success", executed=True),
        *ran(BUILD, exit=3),
        ruled("allow", "ticketdesk_broken_tool", "mcp"),
        *tool("ticketdesk_broken_tool", "mcp", "failure"),
        ruled("allow", "read", "file_read", file="src/nope.js"),
        *tool("read", "file_read", "failure"),
        *file("read", f"{place.work}/src/nope.js"),
        *tool("invalid", "other", "failure", executed=False),
        *tool("read", "file_read", "failure"),  # without the name of a file
    ]


EXPECTED = {"refactor": refactor, "exfil-denied": exfil_denied, "mcpfail": mcpfail}
