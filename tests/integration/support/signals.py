# SPDX-License-Identifier: Apache-2.0
"""Requests of traces and metrics for the checkers, and the recordings of them.

The judge is Google's protobuf library with the messages of proto/, which the daemon does not use:
what it does to bytes and to JSON is compared with what that library makes of the same.
"""

import base64
import gzip
import json
import pathlib

from google.protobuf import json_format

from support import messages

METHODS = {
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
IDS = {"traceId", "spanId", "parentSpanId"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, payload) of each field that has bytes; the others, groups too, are stepped over."""
    at = depth = 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            _, at = varint(data, at)
        elif wire == 1:
            at += 8
        elif wire == 5:
            at += 4
        elif wire in (3, 4):
            depth += 1 if wire == 3 else -1
        else:
            assert wire == 2, wire
            size, at = varint(data, at)
            if depth == 0:
                yield tag >> 3, data[at : at + size]
            at += size
    assert at == len(data) and depth == 0


def raw_records(request):
    """The bytes of each record of a request, of whatever signal: the field numbers are the same."""
    return [record
            for number, resource in fields(request) if number == 1
            for inner, scope in fields(resource) if inner == 2
            for inmost, record in fields(scope) if inmost == 2]


def _ids_as_base64(value):
    """protobuf's own JSON mapping has bytes in base64; OTLP's has ids in hex."""
    if isinstance(value, list):
        return [_ids_as_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64encode(bytes.fromhex(item)).decode() if key in IDS
            else _ids_as_base64(item) for key, item in value.items()}


def request(signal, body, content_type="application/x-protobuf"):
    """The message that a body says."""
    message = messages.request_class(signal)()
    if content_type == "application/json":
        json_format.ParseDict(_ids_as_base64(json.loads(body)), message, ignore_unknown_fields=True)
    else:
        message.ParseFromString(body)
    return message


def facts(signal, message):
    """Each record with what stands around it, in one form for all that say the same."""
    found = []
    resources = message.resource_spans if signal == "traces" else message.resource_metrics
    for resource in resources:
        scopes = resource.scope_spans if signal == "traces" else resource.scope_metrics
        for scope in scopes:
            records = scope.spans if signal == "traces" else scope.metrics
            around = (resource.resource.SerializeToString(deterministic=True), resource.schema_url,
                      scope.scope.SerializeToString(deterministic=True), scope.schema_url)
            found += [around + (record.SerializeToString(deterministic=True),)
                      for record in records]
    return sorted(found)


def recordings(corpus, signal):
    """(path, content type, body) of each recording; gRPC frames lose their prefix."""
    for path in sorted(pathlib.Path(corpus).glob(f"*/*/*/{signal}/*")):
        data = path.read_bytes()
        if path.suffix == ".json":
            yield path, "application/json", data
        elif path.parts[-4] == "grpc":
            message = gzip.decompress(data[5:]) if data[0] == 1 else data[5:]
            yield path, "application/x-protobuf", message
        else:
            yield path, "application/x-protobuf", data
