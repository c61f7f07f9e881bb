# SPDX-License-Identifier: Apache-2.0
"""Codex: its configuration in each scenario, and how it is started."""

import dataclasses
import json
import os

from live import rpc, scripts, terminal
from live.place import MCP_COMMAND

COMMAND = os.environ.get("TELLTALE_AGENT", "codex")
ENVIRONMENT = {"MODEL_KEY": "dummy-key-not-secret"}
EXPORTERS = {"exporter": "logs", "trace_exporter": "traces", "metrics_exporter": "metrics"}
NETWORK = """
[features]
network_proxy = true
[permissions.dev]
extends = ":workspace"
[permissions.dev.network]
enabled = true
[permissions.dev.network.domains]
"allowed.example.com" = "allow"
"blocked.example.net" = "deny"
"""
CODE_MODEL = "gpt-6-sol"  # one of those that are given the tools as functions of a program
TRUSTING = {"approval_policy": "never", "sandbox_mode": "workspace-write"}
ASKING = {"approval_policy": "on-request", "sandbox_mode": "workspace-write"}
READING = {"approval_policy": "never", "sandbox_mode": "read-only"}


@dataclasses.dataclass
class Scenario:
    script: str
    settings: dict = dataclasses.field(default_factory=lambda: TRUSTING)
    otel: str = ""  # more of [otel]
    tables: str = ""  # more tables
    arguments: tuple = ()
    model: str = "gpt-5.5"
    logs_prompt: bool = True
    environment: dict = dataclasses.field(default_factory=dict)
    answers: tuple = ()  # to what it asks, by the app server
    keys: tuple = ()  # the same, in the terminal


SCENARIOS = {
    "refactor": Scenario("refactor"),
    "refactor-env": Scenario("refactor", environment={
        "OTEL_RESOURCE_ATTRIBUTES": "team=demo,deployment.environment.name=ci",
        "OTEL_SERVICE_NAME": "renamed-agent"}),
    "resume": Scenario("refactor"),
    "exfil": Scenario("exfil", READING),
    "exfil-redacted": Scenario("exfil", READING, logs_prompt=False),
    "exfil-yolo": Scenario("exfil", {}, arguments=("--dangerously-bypass-approvals-and-sandbox",)),
    "mcpfail": Scenario("mcpfail"),
    "codemode": Scenario("codemode", model=CODE_MODEL),
    "approvals": Scenario("approvals", ASKING, answers=("accept", "decline", "acceptForSession")),
    "approvals-tui": Scenario("terminal", ASKING, keys=("y", "p", "n")),
    "autoreview": Scenario("approvals", ASKING, "log_guardian_assessments = true\n",
                           arguments=("--approve-for-me",)),
    "sandboxdeny": Scenario("sandboxdeny", ASKING, "log_agent_responses = true\n",
                            answers=("accept",)),
    "netproxy": Scenario("netproxy", {"approval_policy": "never", "default_permissions": "dev"},
                         tables=NETWORK),
    "bigout": Scenario("bigout", otel="log_sse_deltas = true\n"),
    "bigout-whole": Scenario("bigout", otel="tool_result = { max_bytes = 1000000 }\n"),
    "bigout-none": Scenario("bigout", otel="tool_result = { max_bytes = 0 }\n"),
    "subagent": Scenario("subagent", otel="log_agent_responses = true\n"),
    "poll": Scenario("poll"),
}


def exporter(transport, endpoint, signal):
    if transport == "grpc":
        return f'{{ otlp-grpc = {{ endpoint = "{endpoint}" }} }}'
    protocol = "json" if transport == "http-json" else "binary"
    return (f'{{ otlp-http = {{ endpoint = "{endpoint}/v1/{signal}", '
            f'protocol = "{protocol}" }} }}')


def configuration(scenario, place, model_url, telltale):
    exporters = "".join(
        f"{name} = {exporter(telltale.transport, telltale.endpoint, signal)}\n"
        for name, signal in EXPORTERS.items())
    return (
        f'model = "{scenario.model}"\nmodel_provider = "mock"\n'
        'check_for_update_on_startup = false\n'
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in scenario.settings.items())
        + f'[model_providers.mock]\nname = "Mock"\nbase_url = "{model_url}/v1"\n'
        'wire_api = "responses"\nenv_key = "MODEL_KEY"\n'
        f'[otel]\nenvironment = "test"\nlog_user_prompt = {json.dumps(scenario.logs_prompt)}\n'
        f"{scenario.otel}{exporters}"
        f"[mcp_servers.ticketdesk]\ncommand = {json.dumps(MCP_COMMAND[0])}\n"
        f"args = {json.dumps(MCP_COMMAND[1:])}\n"
        f'[projects."{place.work}"]\ntrust_level = "trusted"\n' + scenario.tables)


def script_of(name):
    def script(place):
        told = scripts.codex(SCENARIOS[name].script, place.home)
        if name == "resume":
            told.later = scripts.codex("resume", place.home)
        return told

    return script


def agent(name):
    """Gives back what live.session.play() calls to run it."""
    scenario = SCENARIOS[name]

    def play(place, script, model_url, telltale, delivered):
        place.write(place.home / ".codex" / "config.toml",
                    configuration(scenario, place, model_url, telltale))
        environment = ENVIRONMENT | scenario.environment
        if scenario.answers:
            with open(place.log_path, "w") as log:
                rpc.app_server([COMMAND], script.prompt, place.work,
                               rpc.Decisions(*scenario.answers), delivered, log,
                               **place.popen(environment))
            return
        if scenario.keys:
            # Without its daemon, which would outlive it.
            terminal.play([COMMAND, "--no-daemon", script.prompt], scenario.keys, delivered,
                          place.log_path, **place.popen(environment))
            return
        place.run([COMMAND, "exec", "--json", "--strict-config", *scenario.arguments,
                   script.prompt], environment)
        if script.later is not None:
            place.run([COMMAND, "exec", "resume", "--last", "--json", script.later.prompt],
                      environment)

    return play
