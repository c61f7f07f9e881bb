# SPDX-License-Identifier: Apache-2.0
"""OTLP messages for the checkers: Python classes made from proto/ by protoc, once a run.

The checkers share no code with the daemon: they read bytes with Google's protobuf library.
"""

import functools
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]


@functools.lru_cache(maxsize=None)
def _generated():
    files = sorted((ROOT / "proto").rglob("*.proto"))
    with tempfile.TemporaryDirectory(prefix="telltale-proto-") as out:
        subprocess.run(
            ["protoc", f"-I{ROOT / 'proto'}", f"--python_out={out}", *map(str, files)], check=True
        )
        sys.path.insert(0, out)
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        sys.path.remove(out)
    return {"logs": logs_service_pb2, "metrics": metrics_service_pb2, "traces": trace_service_pb2}


def request_class(signal):
    """The message class that exports `signal`."""
    name = {"logs": "Logs", "metrics": "Metrics", "traces": "Trace"}[signal]
    return getattr(_generated()[signal], f"Export{name}ServiceRequest")


def logs_request(data=b""):
    """An ExportLogsServiceRequest read from `data`."""
    request = _generated()["logs"].ExportLogsServiceRequest()
    request.ParseFromString(data)
    return request


def logs_response(rejected=0, message=""):
    response = _generated()["logs"].ExportLogsServiceResponse()
    if rejected or message:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return response


def response_rejected(data):
    """How many records an ExportLogsServiceResponse says were rejected."""
    response = _generated()["logs"].ExportLogsServiceResponse()
    response.ParseFromString(data)
    return response.partial_success.rejected_log_records


@functools.lru_cache(maxsize=None)
def _status_class():
    """google.rpc.Status, as far as anybody fills it here."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="status.proto", syntax="proto3")
    message = file.message_type.add(name="Status")
    message.field.add(name="code", number=1, type=5, label=1)
    message.field.add(name="message", number=2, type=9, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return factory.GetPrototype(pool.FindMessageTypeByName("Status"))


def rpc_status(data, content_type):
    """(code, message) of a google.rpc.Status in either encoding."""
    if content_type == "application/json":
        document = json.loads(data)
        return document["code"], document["message"]
    status = _status_class()()
    status.ParseFromString(data)
    return status.code, status.message


def plain(value):
    """An AnyValue as a Python value; types are kept apart, so that 1, 1.0 and "1" differ."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "array_value":
        return ["array"] + [plain(item) for item in inner.values]
    if kind == "kvlist_value":
        return ["kvlist"] + [(item.key, plain(item.value)) for item in inner.values]
    return (kind, inner)


def records(request):
    """Yields (resource, scope, record) of each record of a request."""
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                yield resource_logs, scope_logs, record


def attributes(holder):
    """Attributes as a list of (key, plain value), in order, duplicates kept."""
    return [(item.key, plain(item.value)) for item in holder.attributes]


def text_attribute(record, key):
    """The first attribute `key` as text, or None."""
    for item in record.attributes:
        if item.key == key:
            return item.value.string_value
    return None
