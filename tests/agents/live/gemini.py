# SPDX-License-Identifier: Apache-2.0
"""Gemini CLI: its settings in each scenario, and how it is started."""

import os

from live import rpc, scripts
from live.place import MCP_COMMAND

COMMAND = os.environ.get("TELLTALE_AGENT", "gemini")
POLICY = """
[[rule]]
toolName = "run_shell_command"
commandPrefix = "curl"
decision = "deny"
priority = 900
denyMessage = "Network uploads are not allowed by policy."

[[rule]]
toolName = "web_fetch"
decision = "deny"
priority = 900
"""

# scenario: (script, approval mode)
SCENARIOS = {
    "refactor": ("refactor", "yolo"),
    "exfil-default": ("exfil", "default"),
    "exfil-policy": ("exfil", "yolo"),
    "mcpfail": ("mcpfail", "yolo"),
    "approvals": ("approvals", "default"),
}


def settings(scenario, telltale):
    command, *arguments = MCP_COMMAND
    server = {"command": command, "args": arguments}
    if scenario != "approvals":
        server["trust"] = True
    return {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {
            "enabled": True, "traces": True, "target": "local", "logPrompts": True,
            "otlpEndpoint": telltale.endpoint,
            "otlpProtocol": "grpc" if telltale.transport == "grpc" else "http"},
        "mcpServers": {"ticketdesk": server},
    }


def script_of(scenario):
    return lambda place: scripts.told_by(scripts.Gemini(place.work), SCENARIOS[scenario][0],
                                         place.home)


def agent(scenario):
    def play(place, script, model_url, telltale, delivered):
        place.write_json(".gemini/settings.json", settings(scenario, telltale))
        place.write_json(".gemini/trustedFolders.json", {str(place.work): "TRUST_FOLDER"})
        environment = {"GEMINI_API_KEY": "dummy-key-not-secret",
                       "GOOGLE_GEMINI_BASE_URL": model_url, "GEMINI_CLI_NO_RELAUNCH": "true"}
        command = [COMMAND, "-m", "gemini-2.5-pro", "--approval-mode", SCENARIOS[scenario][1]]
        if scenario == "exfil-policy":
            place.write(place.home / "deny.toml", POLICY)
            command += ["--policy", str(place.home / "deny.toml")]
        if scenario != "approvals":
            place.run([*command, "-o", "json", "-p", script.prompt], environment)
            return
        decisions = rpc.Decisions("allow_once", "reject_once", "allow_always", "allow_once")
        with open(place.log_path, "w") as log:
            rpc.acp([*command, "--acp"], script.prompt, place.work, decisions, delivered, log,
                    **place.popen(environment))

    return play
