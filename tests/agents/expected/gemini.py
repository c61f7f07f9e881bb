# SPDX-License-Identifier: Apache-2.0
"""What Telltale must say of each scenario that Gemini CLI plays.

Its decisions stand on the call itself, and calls have no id.  A command that succeeded has no exit
status in what it sends, and neither has any command in ACP mode.
"""

from expected.words import mode, model, prompt, session, tool
from live.scripts import BUILD, EXFIL, PROMPTS


def refactor(place):
    yolo = {"executed": True, "allowed_by": "config"}
    return [
        session("bypass"),
        prompt(PROMPTS["refactor"]),
        tool("list_directory", "search", "success", **yolo),
        tool("read_file", "file_read", "success", file=f"{place.work}/src/greet.js", **yolo),
        tool("replace", "file_edit", "success", file=f"{place.work}/src/greet.js", **yolo),
        tool("write_file", "file_write", "success", file=f"{place.work}/test/greet.test.js",
             **yolo),
        tool("run_shell_command", "shell", "success", command="node test/greet.test.js", **yolo),
    ]


def exfil_default(place):
    """Without somebody to ask, tools that would need it are not even offered."""
    absent = {"executed": False, "error": "tool_not_registered"}
    return [
        session("ask"),
        prompt(PROMPTS["exfil"]),
        tool("read_file", "file_read", "success", file=f"{place.work}/config/sample.env",
             executed=True),
        tool("run_shell_command", "shell", "failure", command=EXFIL, **absent),
        tool("write_file", "file_write", "failure", file=f"{place.home}/.profile_note", **absent),
        tool("web_fetch", "web_fetch", "failure", **absent),
    ]


def exfil_policy(place):
    return [
        session("bypass"),
        prompt(PROMPTS["exfil"]),
        tool("read_file", "file_read", "success", file=f"{place.work}/config/sample.env",
             executed=True, allowed_by="config"),
        tool("run_shell_command", "shell", "denied", command=EXFIL, executed=False,
             error="policy_violation", denied_by="config"),
        # Outside of the workspace: it says so in the words of the error alone.
        tool("write_file", "file_write", "denied", file=f"{place.home}/.profile_note",
             executed=False, error="invalid_tool_params", denied_by="config"),
        tool("web_fetch", "web_fetch", "failure", executed=False, error="tool_not_registered"),
    ]


def mcpfail(place):
    return [
        session("bypass"),
        prompt(PROMPTS["mcpfail"]),
        model("failure", status=503),
        tool("mcp_ticketdesk_lookup_ticket", "mcp", "success", mcp="ticketdesk", executed=True,
             allowed_by="config"),
        tool("run_shell_command", "shell", "failure", command=BUILD, exit=3, executed=True,
             error="nonzero_exit", allowed_by="config"),
        tool("mcp_ticketdesk_broken_tool", "mcp", "failure", mcp="ticketdesk",
             error="mcp_tool_error", allowed_by="config"),
        tool("read_file", "file_read", "failure", file=f"{place.work}/src/nope.js",
             error="file_not_found", allowed_by="config"),
        tool("does_not_exist", "other", "failure", executed=False, error="tool_not_registered"),
        tool("read_file", "file_read", "failure", executed=False, error="invalid_tool_params"),
    ]


def approvals(place):
    """In ACP mode it sends no prompt, and of its decisions only that the user cancelled."""
    return [
        session("ask"),
        tool("run_shell_command", "shell", "unknown", command="touch marker-1", executed=True),
        tool("run_shell_command", "shell", "denied", command="mkdir marker-2", executed=False,
             denied_by="user"),
        mode("auto_edit"),  # "always", of a tool that edits
        tool("write_file", "file_write", "success", file=f"{place.work}/marker-3", executed=True),
        tool("mcp_ticketdesk_broken_tool", "mcp", "failure"),
        tool("replace", "file_edit", "success", file=f"{place.work}/src/greet.js", executed=True),
    ]


EXPECTED = {
    "refactor": refactor, "exfil-default": exfil_default, "exfil-policy": exfil_policy,
    "mcpfail": mcpfail, "approvals": approvals,
}
