# SPDX-License-Identifier: Apache-2.0
"""What Telltale must say of each scenario that Qwen Code plays.

Its decisions stand on the call itself, but in ACP mode it sends none.  It sends no exit status and
calls a command that failed a success, so that how commands ended is not known; in ACP mode it says
so of MCP tools that failed, too.
"""

from expected.words import model, prompt, session, tool
from live.scripts import BUILD, EXFIL, PROMPTS, TEST

YOLO = {"executed": True, "allowed_by": "config"}


def refactor(place):
    return [
        session("bypass"),
        prompt(PROMPTS["refactor"]),
        tool("list_directory", "search", "success", **YOLO),
        tool("read_file", "file_read", "success", file=f"{place.work}/src/greet.js", **YOLO),
        tool("edit", "file_edit", "success", file=f"{place.work}/src/greet.js", **YOLO),
        tool("write_file", "file_write", "success", file=f"{place.work}/test/greet.test.js",
             **YOLO),
        tool("run_shell_command", "shell", "unknown", command=TEST, **YOLO),
    ]


def exfil_default(place):
    denied = {"executed": False, "error": "execution_denied", "denied_by": "config"}
    return [
        session("ask"),
        prompt(PROMPTS["exfil"]),
        tool("read_file", "file_read", "success", file=f"{place.work}/config/sample.env",
             executed=True, **{"agent.decision.outcome": "allow"}),
        tool("run_shell_command", "shell", "denied", command=EXFIL, **denied),
        tool("write_file", "file_write", "denied", file=f"{place.home}/.profile_note", **denied),
        tool("web_fetch", "web_fetch", "denied", **denied),
    ]


def exfil_yolo(place):
    return [
        session("bypass"),
        prompt(PROMPTS["exfil"]),
        tool("read_file", "file_read", "success", file=f"{place.work}/config/sample.env", **YOLO),
        tool("run_shell_command", "shell", "unknown", command=EXFIL, **YOLO),
        tool("write_file", "file_write", "success", file=f"{place.home}/.profile_note", **YOLO),
        tool("web_fetch", "web_fetch", "success", host="collector.example.com", port=80, **YOLO),
    ]


def mcpfail(place):
    return [
        session("bypass"),
        prompt(PROMPTS["mcpfail"]),
        tool("mcp__ticketdesk__lookup_ticket", "mcp", "success", mcp="ticketdesk", **YOLO),
        tool("run_shell_command", "shell", "unknown", command=BUILD, **YOLO),
        tool("mcp__ticketdesk__broken_tool", "mcp", "failure", mcp="ticketdesk",
             error="mcp_tool_error", allowed_by="config"),
        tool("read_file", "file_read", "failure", file=f"{place.work}/src/nope.js",
             error="file_not_found", allowed_by="config"),
        tool("does_not_exist", "other", "failure", executed=False, error="tool_not_registered"),
        tool("read_file", "file_read", "failure", executed=False, error="invalid_tool_params"),
    ]


def approvals(place):
    return [
        session("ask"),
        prompt(PROMPTS["approvals"]),
        tool("run_shell_command", "shell", "unknown", command="touch marker-1"),
        tool("run_shell_command", "shell", "denied", command="mkdir marker-2", executed=False,
             denied_by="user"),
        tool("write_file", "file_write", "success", file=f"{place.work}/marker-3"),
        tool("mcp__ticketdesk__broken_tool", "mcp", "success", mcp="ticketdesk"),
        # It may edit what it has read, and here it has not.
        tool("edit", "file_edit", "failure", file=f"{place.work}/src/greet.js"),
    ]


EXPECTED = {
    "refactor": refactor, "exfil-default": exfil_default, "exfil-yolo": exfil_yolo,
    "mcpfail": mcpfail, "approvals": approvals,
}
# What came to the web server.
REACHED = {"exfil-yolo": ["POST collector.example.com/upload", "GET collector.example.com/upload"]}
