# SPDX-License-Identifier: Apache-2.0
"""Codex: its configuration in each scenario, and how it is started."""

import json
import os

from live import rpc, scripts
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
TRUSTING = {"approval_policy": "never", "sandbox_mode": "workspace-write"}
ASKING = {"approval_policy": "on-request", "sandbox_mode": "workspace-write"}

# scenario: (script, settings, more of [otel], more tables, arguments)
SCENARIOS = {
    "refactor": ("refactor", TRUSTING, "", "", []),
    "exfil": ("exfil", {"approval_policy": "never", "sandbox_mode": "read-only"}, "", "", []),
    "mcpfail": ("mcpfail", TRUSTING, "", "", []),
    "approvals": ("approvals", ASKING, "", "", []),
    "autoreview": ("approvals", ASKING, "log_guardian_assessments = true\n", "",
                   ["--approve-for-me"]),
    "netproxy": ("netproxy", {"approval_policy": "never", "default_permissions": "dev"}, "",
                 NETWORK, []),
    "subagent": ("subagent", TRUSTING, "log_agent_responses = true\n", "", []),
}


def exporter(transport, endpoint, signal):
    if transport == "grpc":
        return f'{{ otlp-grpc = {{ endpoint = "{endpoint}" }} }}'
    protocol = "json" if transport == "http-json" else "binary"
    return (f'{{ otlp-http = {{ endpoint = "{endpoint}/v1/{signal}", '
            f'protocol = "{protocol}" }} }}')


def configuration(scenario, model_url, telltale):
    _, settings, otel, tables, _ = SCENARIOS[scenario]
    exporters = "".join(
        f"{name} = {exporter(telltale.transport, telltale.endpoint, signal)}\n"
        for name, signal in EXPORTERS.items())
    return (
        'model = "gpt-5.5"\nmodel_provider = "mock"\ncheck_for_update_on_startup = false\n'
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        + f'[model_providers.mock]\nname = "Mock"\nbase_url = "{model_url}/v1"\n'
        'wire_api = "responses"\nenv_key = "MODEL_KEY"\n'
        f'[otel]\nenvironment = "test"\nlog_user_prompt = true\n{otel}{exporters}'
        f"[mcp_servers.ticketdesk]\ncommand = {json.dumps(MCP_COMMAND[0])}\n"
        f"args = {json.dumps(MCP_COMMAND[1:])}\n" + tables)


def script_of(scenario):
    return lambda place: scripts.codex(SCENARIOS[scenario][0], place.home)


def agent(scenario):
    """Gives back what live.session.play() calls to run it."""

    def play(place, script, model_url, telltale, delivered):
        place.write(place.home / ".codex" / "config.toml",
                    configuration(scenario, model_url, telltale))
        if scenario != "approvals":
            place.run([COMMAND, "exec", "--json", "--strict-config", *SCENARIOS[scenario][4],
                       script.prompt], ENVIRONMENT)
            return
        decisions = rpc.Decisions("accept", "decline", "acceptForSession")
        with open(place.log_path, "w") as log:
            rpc.app_server([COMMAND], script.prompt, place.work, decisions, delivered, log,
                           **place.popen(ENVIRONMENT))

    return play
