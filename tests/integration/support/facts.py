# SPDX-License-Identifier: Apache-2.0
"""What a log record says, in one form whatever it was written in, for comparing.

Protobuf is read by Google's library, OTLP JSON by the few lines here: neither is the daemon's
code.  A value is (type, content), so that 1, 1.0, True and "1" differ; None is a value with
nothing set.
"""

import base64
import collections
import pathlib

from support import messages

Record = collections.namedtuple(
    "Record",
    "resource resource_schema scope scope_schema time observed severity severity_text body "
    "attributes dropped flags trace_id span_id event_name",
)
Scope = collections.namedtuple("Scope", "name version attributes dropped")
Resource = collections.namedtuple("Resource", "attributes dropped")


def _value_of_protobuf(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "array_value":
        return ("array", tuple(_value_of_protobuf(v) for v in inner.values))
    if kind == "kvlist_value":
        return ("kvlist", tuple((v.key, _value_of_protobuf(v.value)) for v in inner.values))
    if kind == "bytes_value":
        return ("bytes", bytes(inner))
    return (kind.removesuffix("_value"), inner)


def _attributes_of_protobuf(holder):
    return tuple((item.key, _value_of_protobuf(item.value)) for item in holder.attributes)


def of_protobuf(data):
    """Every record of the bytes of an ExportLogsServiceRequest or LogsData."""
    for resource_logs, scope_logs, record in messages.records(messages.logs_request(data)):
        scope = scope_logs.scope
        yield Record(
            Resource(_attributes_of_protobuf(resource_logs.resource),
                     resource_logs.resource.dropped_attributes_count),
            resource_logs.schema_url,
            Scope(scope.name, scope.version, _attributes_of_protobuf(scope),
                  scope.dropped_attributes_count),
            scope_logs.schema_url,
            record.time_unix_nano, record.observed_time_unix_nano, record.severity_number,
            record.severity_text, _value_of_protobuf(record.body),
            _attributes_of_protobuf(record), record.dropped_attributes_count, record.flags,
            record.trace_id.hex(), record.span_id.hex(), record.event_name,
        )


def _value_of_json(value):
    if not value:
        return None
    (kind, inner), = value.items()
    if kind == "stringValue":
        return ("string", inner)
    if kind == "boolValue":
        return ("bool", inner)
    if kind == "intValue":
        return ("int", int(inner))
    if kind == "doubleValue":
        return ("double", float(inner))
    if kind == "bytesValue":
        return ("bytes", base64.b64decode(inner))
    if kind == "arrayValue":
        return ("array", tuple(_value_of_json(v) for v in inner.get("values", [])))
    assert kind == "kvlistValue", kind
    return ("kvlist", tuple((v["key"], _value_of_json(v.get("value")))
                            for v in inner.get("values", [])))


def _attributes_of_json(holder):
    return tuple((item.get("key", ""), _value_of_json(item.get("value")))
                 for item in holder.get("attributes") or [])


def of_json(document):
    """Every record of an OTLP JSON object."""
    for resource_logs in document.get("resourceLogs") or []:
        resource = resource_logs.get("resource") or {}
        for scope_logs in resource_logs.get("scopeLogs") or []:
            scope = scope_logs.get("scope") or {}
            for record in scope_logs.get("logRecords") or []:
                yield Record(
                    Resource(_attributes_of_json(resource),
                             int(resource.get("droppedAttributesCount", 0))),
                    resource_logs.get("schemaUrl") or "",
                    Scope(scope.get("name") or "", scope.get("version") or "",
                          _attributes_of_json(scope), int(scope.get("droppedAttributesCount", 0))),
                    scope_logs.get("schemaUrl") or "",
                    int(record.get("timeUnixNano", 0)),
                    int(record.get("observedTimeUnixNano", 0)),
                    int(record.get("severityNumber", 0)), record.get("severityText") or "",
                    _value_of_json(record.get("body")), _attributes_of_json(record),
                    int(record.get("droppedAttributesCount", 0)), int(record.get("flags", 0)),
                    (record.get("traceId") or "").lower(), (record.get("spanId") or "").lower(),
                    record.get("eventName") or "",
                )


def attribute(record, key):
    """The content of the first attribute `key`, or None."""
    for name, value in record.attributes:
        if name == key:
            return None if value is None else value[1]
    return None


def says_the_same(sent, got):
    """None when `got` holds all that `sent` said, unchanged; otherwise what differs.

    What the daemon may add stands behind the sender's own attributes; what it may fill is what
    the sender left empty, and an event name that was a place in source code, which it keeps.
    """
    if got.attributes[: len(sent.attributes)] != sent.attributes:
        return "attributes"
    for field in ("resource", "resource_schema", "scope", "scope_schema", "severity_text", "body",
                  "dropped", "flags", "trace_id", "span_id"):
        if getattr(sent, field) != getattr(got, field):
            return f"{field}: {getattr(sent, field)!r} became {getattr(got, field)!r}"
    for field in ("time", "observed", "severity"):
        if getattr(sent, field) not in (0, getattr(got, field)):
            return field
    if sent.event_name not in ("", got.event_name):
        if attribute(got, "agent.original.event_name") != sent.event_name:
            return "event_name"
    return None


def _key(record, attribute_count):
    return (record.resource, record.scope, record.attributes[:attribute_count], record.body,
            record.trace_id, record.span_id)


def unmatched(sent, got):
    """Pairs every sent record with one received record that says the same, one to one.

    Gives back (missing, extra, wrong): sent records that found none, received records that
    nobody sent, and pairs that share their attributes but differ elsewhere.
    """
    lengths = sorted({len(record.attributes) for record in sent}, reverse=True)
    missing, wrong = [], []
    remaining = collections.Counter(got)
    by_prefix = {n: collections.defaultdict(list) for n in lengths}
    for record in remaining:
        for n in lengths:
            if len(record.attributes) >= n:
                by_prefix[n][_key(record, n)].append(record)
    for record in sorted(sent, key=lambda r: -len(r.attributes)):
        candidates = [c for c in by_prefix[len(record.attributes)][_key(record, len(
            record.attributes))] if remaining[c] > 0]
        same = [c for c in candidates if says_the_same(record, c) is None]
        if same:
            remaining[same[0]] -= 1
        elif candidates:
            wrong.append((record, says_the_same(record, candidates[0])))
        else:
            missing.append(record)
    extra = [record for record, count in remaining.items() for _ in range(count)]
    return missing, extra, wrong


def corpus_bodies(corpus, agents="*"):
    """(path, content type, body) of each logs payload; gRPC frames lose their prefix."""
    for path in sorted(pathlib.Path(corpus).glob(f"{agents}/*/*/logs/*")):
        data = path.read_bytes()
        if path.suffix == ".json":
            yield path, "application/json", data
        elif path.suffix == ".bin" and path.parts[-4] == "grpc":
            if data[0] == 0:
                yield path, "application/x-protobuf", data[5:]
        elif path.suffix == ".bin":
            yield path, "application/x-protobuf", data
