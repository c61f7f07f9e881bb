# SPDX-License-Identifier: Apache-2.0
"""An MCP server on standard input and output: lookup_ticket works, broken_tool fails."""

import json
import sys

HARMLESS = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}
TOOLS = [
    {"name": "lookup_ticket", "description": "Look up a ticket by id", "annotations": HARMLESS,
     "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}},
                     "required": ["id"]}},
    {"name": "broken_tool", "description": "Always fails", "annotations": HARMLESS,
     "inputSchema": {"type": "object", "properties": {"why": {"type": "string"}}}},
]


def call(name, arguments):
    if name == "lookup_ticket":
        ticket = {"id": arguments.get("id"), "title": "Greeting is misspelt", "state": "open"}
        return {"content": [{"type": "text", "text": json.dumps(ticket)}]}
    return {"isError": True, "content": [{"type": "text", "text": "ticket backend unavailable"}]}


def answer(method, params):
    """The result, or None for what is not known here."""
    if method == "initialize":
        return {"protocolVersion": params.get("protocolVersion", "2024-11-05"),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "ticketdesk", "version": "0.1.0"}}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        return call(params["name"], params.get("arguments") or {})
    return {} if method == "ping" else None


def main():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result = answer(message.get("method", ""), message.get("params") or {})
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        if result is None:
            reply["error"] = {"code": -32601, "message": "method not found"}
        else:
            reply["result"] = result
        print(json.dumps(reply), flush=True)


main()
