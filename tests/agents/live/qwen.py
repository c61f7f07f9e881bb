# SPDX-License-Identifier: Apache-2.0
"""Qwen Code: its settings in each scenario, and how it is started."""

import os

from live import rpc, scripts
from live.place import MCP_COMMAND

COMMAND = os.environ.get("TELLTALE_AGENT", "qwen")

# scenario: (script, approval mode)
SCENARIOS = {
    "refactor": ("refactor", "yolo"),
    "exfil-default": ("exfil", "default"),
    "exfil-yolo": ("exfil", "yolo"),
    "mcpfail": ("mcpfail", "yolo"),
    "approvals": ("approvals", "default"),
}


def settings(telltale):
    command, *arguments = MCP_COMMAND
    return {
        "security": {"auth": {"selectedType": "openai"}},
        "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {
            "enabled": True, "target": "local", "logPrompts": True,
            "otlpEndpoint": telltale.endpoint, "includeSensitiveSpanAttributes": True,
            "otlpProtocol": "grpc" if telltale.transport == "grpc" else "http"},
        "mcpServers": {"ticketdesk": {"command": command, "args": arguments, "trust": True}},
    }


def script_of(scenario):
    return lambda place: scripts.told_by(scripts.Qwen(place.work), SCENARIOS[scenario][0],
                                         place.home)


def agent(scenario):
    def play(place, script, model_url, telltale, delivered):
        place.write_json(".qwen/settings.json", settings(telltale))
        environment = {
            "OPENAI_API_KEY": "dummy-key-not-secret", "OPENAI_BASE_URL": f"{model_url}/v1",
            "OPENAI_MODEL": "mock-model", "QWEN_CODE_NO_RELAUNCH": "true"}
        command = [COMMAND, "--auth-type", "openai", "-m", "mock-model",
                   "--approval-mode", SCENARIOS[scenario][1]]
        if scenario != "approvals":
            place.run([*command, "-p", script.prompt], environment)
            return
        decisions = rpc.Decisions("allow_once", "reject_once", "allow_always")
        with open(place.log_path, "w") as log:
            rpc.acp([*command, "--acp"], script.prompt, place.work, decisions, delivered, log,
                    **place.popen(environment))

    return play
