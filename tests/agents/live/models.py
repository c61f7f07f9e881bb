# SPDX-License-Identifier: Apache-2.0
"""A model server that says what a script says, over the three protocols that the agents speak:
OpenAI's Responses and Chat Completions, and Gemini's.  Tokens are made up."""

import http.server
import json
import re
import threading

from live.scripts import Step

RESPONSES_USAGE = {
    "input_tokens": 1234, "input_tokens_details": {"cached_tokens": 512},
    "output_tokens": 87, "output_tokens_details": {"reasoning_tokens": 23}, "total_tokens": 1321}
CHAT_USAGE = {
    "prompt_tokens": 1234, "prompt_tokens_details": {"cached_tokens": 512},
    "completion_tokens": 87, "completion_tokens_details": {"reasoning_tokens": 23},
    "total_tokens": 1321}
GEMINI_USAGE = {
    "promptTokenCount": 1234, "candidatesTokenCount": 87, "totalTokenCount": 1344,
    "cachedContentTokenCount": 512, "thoughtsTokenCount": 23}


class Failure(Exception):
    """The step begins with an HTTP error."""


class ModelServer:
    """Serves one script on a port of its own until it is closed."""

    def __init__(self, script, on_step=lambda index: None):
        """`on_step(index)` is called before a step is told, also when it is told again."""
        self.script = script
        self.on_step = on_step
        self.failed = set()  # steps that have failed as they should
        self.answers = 0
        self.errors = []  # of ours: a scenario that was not played is no verdict
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.send_json(self, {"object": "list", "models": [],
                                       "data": [{"id": "mock-model", "object": "model"}]})

            def do_POST(self):
                owner.serve(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    # --- Which step -----------------------------------------------------------------------

    def step(self, messages, count_results, in_child=False):
        """The step that follows the results of calls that are in `messages`."""
        script = self.script
        if script.later is not None:
            prompt = json.dumps(script.later.prompt)[1:-1]
            for n, message in enumerate(messages):
                if prompt in json.dumps(message):
                    script, messages = script.later, messages[n:]
                    break
        steps = script.child if in_child else script.steps
        result_count, seen = count_results(messages), 0
        for index, step in enumerate(steps):
            if result_count <= seen:
                break
            seen += len(step.calls)
        else:
            index, step = len(steps) - 1, steps[-1]
        with self.lock:
            if step.fails_first and (script.prompt, index) not in self.failed:
                self.failed.add((script.prompt, index))
                raise Failure(step.fails_first)
        self.on_step(index)
        return step

    # --- HTTP -------------------------------------------------------------------------------

    def serve(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers.get("Content-Length", 0))) or "{}")
        with self.lock:
            self.answers += 1
            number = self.answers
        path = handler.path.split("?")[0]
        try:
            if path.endswith("/responses"):
                self.responses(handler, body, number)
            elif path.endswith("/chat/completions"):
                self.chat(handler, body, number)
            elif path.endswith(":countTokens"):
                self.send_json(handler, {"totalTokens": 1234})
            elif ":" in path:
                self.gemini(handler, body, path, number)
            else:
                self.send_json(handler, {}, 404)
        except Failure as failure:
            status = failure.args[0]
            self.send_json(handler, {"error": {"message": "mock overload", "code": status,
                                               "status": "UNAVAILABLE"}}, status)
        except BrokenPipeError:
            pass  # the agent has ended
        except Exception as error:
            self.errors.append(repr(error))
            raise

    def send_json(self, handler, document, status=200):
        body = json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def send_events(self, handler, lines):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for line in lines:
            handler.wfile.write(line.encode() + b"\n\n")

    # --- Responses (Codex) ------------------------------------------------------------------

    def responses(self, handler, body, number):
        items = body.get("input") or []
        text = json.dumps(items)
        if "risk_level" in json.dumps(body.get("text") or {}) or "auto-review" in body["model"]:
            output = [message_item(number, review(items))]
        elif "single-line task title" in text:  # the terminal asks for one
            output = [message_item(number, "Marker files")]
        else:
            in_child = "CHILD-TASK" in text and not any(
                item.get("name") == "spawn_agent" for item in items)
            done = count_outputs(items)
            step = self.step(items, count_outputs, in_child)
            output = [message_item(number, step.text)] if step.text else []
            if not step.calls:
                output[0]["phase"] = "final_answer"
            spawned = re.search(r'agent_id\\*":\s*\\*"([0-9a-f-]{36})', text)
            prefix = "call_child" if in_child else "call"
            output += [call_item(call, f"{prefix}_{done + n}", spawned and spawned.group(1))
                       for n, call in enumerate(step.calls)]
        whole = {"id": f"resp_{number}", "object": "response", "model": body["model"]}
        events = [("response.created", {"response": {**whole, "status": "in_progress",
                                                     "output": []}})]
        for index, item in enumerate(output):
            events.append(("response.output_item.added",
                           {"output_index": index, "item": {**item, "status": "in_progress"}}))
            events.append(("response.output_item.done", {"output_index": index, "item": item}))
        events.append(("response.completed", {"response": {
            **whole, "status": "completed", "output": output, "usage": RESPONSES_USAGE}}))
        self.send_events(handler, (
            f"event: {name}\ndata: " + json.dumps({"type": name, "sequence_number": n, **data})
            for n, (name, data) in enumerate(events)))

    # --- Chat Completions (Qwen Code, opencode) -----------------------------------------------

    def chat(self, handler, body, number):
        messages = body.get("messages") or []
        tools = [tool.get("function", {}).get("name") for tool in body.get("tools") or []]
        # Without the tools of an agent it is some helper of it that asks: a title, a memory.
        main = "run_shell_command" in tools or "list_directory" in tools or "bash" in tools \
            or "glob" in tools
        if re.search("memory.extract", json.dumps(messages)[:4000], re.I):
            main = False
        step = self.step(messages, count_tool_messages) if main else Step(text="Mock title")
        calls = [{"index": n, "id": f"call_{number}_{n}", "type": "function", "function": {
            "name": call.name, "arguments": json.dumps(call.arguments)}}
            for n, call in enumerate(step.calls)]
        reason = "tool_calls" if calls else "stop"
        base = {"id": f"chatcmpl_{number}", "created": 1795168800, "model": body.get("model")}
        if not body.get("stream"):
            message = {"role": "assistant", "content": step.text or None}
            if calls:
                message["tool_calls"] = calls
            return self.send_json(handler, {
                **base, "object": "chat.completion", "usage": CHAT_USAGE,
                "choices": [{"index": 0, "finish_reason": reason, "message": message}]})
        base["object"] = "chat.completion.chunk"
        deltas = [({"role": "assistant", "content": step.text}, None)]
        if calls:
            deltas.append(({"tool_calls": calls}, None))
        deltas.append(({}, reason))
        chunks = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
                  for delta, finish in deltas]
        chunks.append({**base, "choices": [], "usage": CHAT_USAGE})
        return self.send_events(handler, [*("data: " + json.dumps(chunk) for chunk in chunks),
                                          "data: [DONE]"])

    # --- Gemini -------------------------------------------------------------------------------

    def gemini(self, handler, body, path, number):
        config = body.get("generationConfig") or {}
        schema = config.get("responseJsonSchema") or config.get("responseSchema")
        if any(tool.get("functionDeclarations") for tool in body.get("tools") or []):
            step = self.step(body.get("contents") or [], count_responses)
        else:
            step = Step(text=json.dumps(sample(schema)) if schema else "side answer")
        parts = [{"text": step.text}] if step.text else []
        parts += [{"functionCall": {"name": call.name, "args": call.arguments},
                   "thoughtSignature": "bW9jaw=="} for call in step.calls]
        answer = {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0,
                                  "finishReason": "STOP"}],
                  "modelVersion": re.search("models/([^:]+)", path).group(1),
                  "responseId": f"resp-{number}", "usageMetadata": GEMINI_USAGE}
        if path.endswith(":streamGenerateContent"):
            self.send_events(handler, ["data: " + json.dumps(answer)])
        else:
            self.send_json(handler, answer)


def count_outputs(items):
    return sum(item.get("type", "").endswith("_output") for item in items)


def count_tool_messages(messages):
    return sum(message.get("role") == "tool" for message in messages)


def count_responses(contents):
    return sum("functionResponse" in part for content in contents
               for part in content.get("parts") or [])


def message_item(number, text):
    return {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]}


def call_item(call, call_id, spawned):
    """A call of Codex's model; `spawned` is the id of the sub-agent, once there is one."""
    if isinstance(call.arguments, str):
        item = {"type": "custom_tool_call", "input": call.arguments}
    else:
        arguments = json.dumps(call.arguments).replace("$AGENT", spawned or "$AGENT")
        item = {"type": "function_call", "arguments": arguments}
    item |= {"id": f"item_{call_id}", "call_id": call_id, "name": call.name, "status": "completed"}
    if call.namespace:
        item["namespace"] = call.namespace
    return item


def review(items):
    """The automatic reviewer lets everything pass but the second marker."""
    bad = "outside-2" in json.dumps(items[-1:])
    return json.dumps({
        "risk_level": "high" if bad else "low", "user_authorization": "low" if bad else "high",
        "outcome": "deny" if bad else "allow",
        "rationale": "Not asked for by the user." if bad else "Fine."})


def sample(schema):
    """The simplest value that a JSON schema takes."""
    kind = schema.get("type", "")
    kind = (kind[0] if isinstance(kind, list) else kind).lower()
    if schema.get("enum"):
        return schema["enum"][0]
    if kind == "object":
        return {key: sample(value) for key, value in schema.get("properties", {}).items()}
    return {"array": [], "number": 50, "integer": 50, "boolean": False}.get(kind, "mock")
