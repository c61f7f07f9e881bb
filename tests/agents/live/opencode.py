# SPDX-License-Identifier: Apache-2.0
"""opencode: its settings in each scenario, and how it is started.  It speaks OTLP/HTTP only.

It is run as a server: `opencode run` ends without sending what its exporter still has.
"""

import json
import os
import subprocess
import urllib.request

from live import scripts
from live.place import MCP_COMMAND
from support.daemon import quiet_port, wait_until

COMMAND = os.environ.get("TELLTALE_AGENT", "opencode")
START_TIMEOUT_S = 30
TURN_TIMEOUT_S = 60
DENIED = {"bash": {"*": "allow", "curl *": "deny"}, "webfetch": "deny",
          "external_directory": "deny", "read": "allow"}

# scenario: (script, permissions)
SCENARIOS = {
    "refactor": ("refactor", {}),
    "exfil-denied": ("exfil", DENIED),
    "mcpfail": ("mcpfail", {}),
}


def settings(scenario, model_url):
    return {
        "autoupdate": False, "share": "disabled",
        "model": "mock/mock-model", "small_model": "mock/mock-model",
        "provider": {"mock": {
            "npm": "@ai-sdk/openai-compatible", "name": "Mock",
            "options": {"baseURL": f"{model_url}/v1", "apiKey": "dummy-key-not-secret"},
            "models": {"mock-model": {"name": "Mock model"}}}},
        "permission": SCENARIOS[scenario][1],
        "experimental": {"openTelemetry": True},
        "mcp": {"ticketdesk": {"type": "local", "command": MCP_COMMAND, "enabled": True}},
    }


def script_of(scenario):
    return lambda place: scripts.told_by(scripts.Opencode(place.work), SCENARIOS[scenario][0],
                                         place.home)


def ask(port, path, document, timeout_s=TURN_TIMEOUT_S):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}",
                                     json.dumps(document).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        return json.load(answer)


def serving(port):
    try:
        # A request that comes while it starts is never answered.
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=2):
            return True
    except OSError:
        return False


def agent(scenario):
    def play(place, script, model_url, telltale, delivered):
        place.write_json(".config/opencode/opencode.json", settings(scenario, model_url))
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": telltale.endpoint, "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
        port = quiet_port()
        with open(place.log_path, "w") as log:
            server = subprocess.Popen([COMMAND, "serve", "--port", str(port)], stdout=log,
                                      stderr=log, **place.popen(environment))
        try:
            wait_until(lambda: serving(port), START_TIMEOUT_S, "opencode serves")
            session = ask(port, "/session", {})["id"]
            ask(port, f"/session/{session}/message",
                {"parts": [{"type": "text", "text": script.prompt}]})
            delivered()
        finally:
            server.kill()
            server.wait()

    return play
