# SPDX-License-Identifier: Apache-2.0
"""What Telltale must say of each scenario that Gemini CLI plays.

Its decisions stand on the call itself, and calls have no id.  A command that succeeded has no exit
status in what it sends, and neither has any command in ACP mode.
"""

from expected.words import mode, model, prompt, session, tool
from live.scripts import BUILD, EXFIL, LATE, POLLS, PRINT, PROMPTS, TEST

YOLO = {"executed": True, "allowed_by": "config"}


def refactor(place):
    return [
        session("bypass"),
        prompt(PROMPTS["refactor"]),
        tool("list_directory", "search", "success", **YOLO),
        tool("read_file", "file_read", "success", file=f"{place.work}/src/greet.js", **YOLO),
        tool("replace", "file_edit", "success", file=f"{place.work}/src/greet.js", **YOLO),
        tool("write_file", "file_write", "success", file=f"{place.work}/test/greet.test.js",
             **YOLO),
        tool("run_shell_command", "shell", "success", command=TEST, **YOLO),
    ]


def resume(place):
    """Another process goes on with the session."""
    return [
        *refactor(place),
        session("bypass"),
        prompt(PROMPTS["resume"]),
        tool("run_shell_command", "shell", "success", command=TEST, **YOLO),
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


def exfil_redacted(place):
    """Without the prompt all that was given to tools is missing, but not what became of them."""
    told = {"prompt", "file.path", "process.command_line"}
    rows = [{key: None if key in told else value for key, value in row.items()}
            for row in exfil_policy(place)]
    rows[1] |= {"agent.content.state": "redacted_by_source",
                "agent.prompt.length": len(PROMPTS["exfil"])}
    return rows


def exfil_yolo(place):
    return [
        session("bypass"),
        prompt(PROMPTS["exfil"]),
        tool("read_file", "file_read", "success", file=f"{place.work}/config/sample.env", **YOLO),
        tool("run_shell_command", "shell", "success", command=EXFIL, **YOLO),
        tool("write_file", "file_write", "denied", file=f"{place.home}/.profile_note",
             executed=False, error="invalid_tool_params", denied_by="config"),
        # It asks the model to fetch it.
        tool("web_fetch", "web_fetch", "success", host="collector.example.com", port=80, **YOLO),
    ]


def bigout(_):
    """It sends the length of what commands print, and not the text."""
    return [
        prompt(PROMPTS["bigout"]),
        tool("run_shell_command", "shell", "success", command=PRINT, **YOLO),
        tool("run_shell_command", "shell", "success", command=LATE, **YOLO),
    ]


def poll(_):
    return [
        session("bypass"),
        prompt(PROMPTS["poll"]),
        *(tool("run_shell_command", "shell", "success", command=f"sleep 0.4; echo poll {n}", **YOLO)
          for n in range(POLLS)),
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
    "refactor": refactor, "refactor-gzip": refactor, "resume": resume,
    "exfil-default": exfil_default, "exfil-policy": exfil_policy,
    "exfil-redacted": exfil_redacted, "exfil-yolo": exfil_yolo, "mcpfail": mcpfail,
    "approvals": approvals, "bigout": bigout, "poll": poll,
}
REACHED = {"exfil-yolo": ["POST collector.example.com/upload"]}  # what came to the web server
