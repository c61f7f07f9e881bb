# SPDX-License-Identifier: Apache-2.0
"""Gemini CLI: its settings in each scenario, and how it is started."""

import dataclasses
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


@dataclasses.dataclass
class Scenario:
    script: str
    mode: str = "yolo"
    by_policy: bool = False
    logs_prompts: bool = True
    environment: dict = dataclasses.field(default_factory=dict)
    answers: tuple = ()  # to what it asks, in ACP mode


SCENARIOS = {
    "refactor": Scenario("refactor"),
    "refactor-gzip": Scenario("refactor", environment={"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
    "resume": Scenario("refactor"),
    "exfil-default": Scenario("exfil", "default"),
    "exfil-policy": Scenario("exfil", by_policy=True),
    "exfil-redacted": Scenario("exfil", by_policy=True, logs_prompts=False),
    "exfil-yolo": Scenario("exfil"),
    "mcpfail": Scenario("mcpfail"),
    "approvals": Scenario("approvals", "default", answers=(
        "allow_once", "reject_once", "allow_always", "allow_once")),
    "bigout": Scenario("bigout"),
    "poll": Scenario("poll"),
}


def settings(scenario, telltale):
    command, *arguments = MCP_COMMAND
    server = {"command": command, "args": arguments}
    if not scenario.answers:
        server["trust"] = True
    return {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {
            "enabled": True, "traces": True, "target": "local",
            "logPrompts": scenario.logs_prompts,
            "otlpEndpoint": telltale.endpoint,
            "otlpProtocol": "grpc" if telltale.transport == "grpc" else "http"},
        "mcpServers": {"ticketdesk": server},
    }


def script_of(name):
    def script(place):
        words = scripts.Gemini(place.work)
        told = scripts.told_by(words, SCENARIOS[name].script, place.home)
        if name == "resume":
            told.later = scripts.told_by(words, "resume", place.home)
        return told

    return script


def agent(name):
    scenario = SCENARIOS[name]

    def play(place, script, model_url, telltale, delivered):
        place.write_json(".gemini/settings.json", settings(scenario, telltale))
        place.write_json(".gemini/trustedFolders.json", {str(place.work): "TRUST_FOLDER"})
        environment = {"GEMINI_API_KEY": "dummy-key-not-secret",
                       "GOOGLE_GEMINI_BASE_URL": model_url, "GEMINI_CLI_NO_RELAUNCH": "true",
                       **scenario.environment}
        command = [COMMAND, "-m", "gemini-2.5-pro", "--approval-mode", scenario.mode]
        if scenario.by_policy:
            place.write(place.home / "deny.toml", POLICY)
            command += ["--policy", str(place.home / "deny.toml")]
        if scenario.answers:
            with open(place.log_path, "w") as log:
                rpc.acp([*command, "--acp"], script.prompt, place.work,
                        rpc.Decisions(*scenario.answers), delivered, log,
                        **place.popen(environment))
            return
        place.run([*command, "-o", "json", "-p", script.prompt], environment)
        if script.later is not None:
            place.run([*command, "-o", "json", "--resume", "latest", "-p", script.later.prompt],
                      environment)

    return play
