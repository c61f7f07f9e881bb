# SPDX-License-Identifier: Apache-2.0
"""What may arrive over OTLP/HTTP and is no request: each gets the status that the protocol has
for it, in the request's own encoding, is counted, and nothing else is lost."""

import json
import random
import socket

import pytest

from support import messages, store
from support.daemon import Daemon, wait_until
from support.http import compress, post, read_answer
from support.protobuf import field

ARRIVAL_TIMEOUT_S = 60
STORE = "file/forensic: {}"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MIB = 1 << 20
INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE = 3, 8, 14


def request_of(*test_ids, attributes=0, body="a body"):
    """A request with a record for each id; `attributes` more in each."""
    request = messages.logs_request()
    scope_logs = request.resource_logs.add().scope_logs.add()
    for test_id in test_ids:
        record = scope_logs.log_records.add(time_unix_nano=1, trace_id=b"t" * 16,
                                            span_id=b"s" * 8)
        record.body.string_value = body
        record.attributes.add(key="test.id").value.string_value = test_id
        for n in range(attributes):
            record.attributes.add(key=f"k{n}").value.int_value = n
    return request


def json_of(*test_ids, **more):
    """The same in OTLP JSON; `more`: fields of each record."""
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "1", "body": {"stringValue": "a body"},
         "attributes": [{"key": "test.id", "value": {"stringValue": i}}], **more}
        for i in test_ids]}]}]}


def kept(daemon):
    return sorted(i for i in store.test_ids(daemon.state / "store") if i)


def wait_kept(daemon, ids):
    wait_until(lambda: len(kept(daemon)) >= len(ids), ARRIVAL_TIMEOUT_S, f"{ids} in the store")
    assert kept(daemon) == sorted(ids)


class Sender:
    """Posts; keeps count of good requests, and puts one between any two others."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.good = []
        self.failed = 0

    def post(self, body, content_type=PROTOBUF, path="/v1/logs", **more):
        return post(self.daemon.http_port, path, body, content_type, **more)

    def post_good(self):
        test_id = f"good-{len(self.good)}"
        self.good.append(test_id)
        status, _, answer = self.post(request_of(test_id).SerializeToString())
        assert (status, answer) == (200, b"")

    def refused(self, http_status, code, body, content_type=PROTOBUF, **more):
        """Posts what is to be refused; gives back the error's message."""
        self.post_good()
        status, headers, answer = self.post(body, content_type, **more)
        assert status == http_status, (status, answer)
        assert headers["Content-Type"] == content_type
        self.failed += 1
        got_code, message = messages.rpc_status(answer, content_type)
        assert got_code == code
        assert message
        self.post_good()
        return message

    def finish(self):
        wait_kept(self.daemon, self.good)
        self.daemon.wait_metric("receiver_failed_requests_total", 'receiver="otlp_http"',
                                self.failed)


@pytest.fixture
def sender(home):
    with Daemon(home, STORE) as daemon:
        sender = Sender(daemon)
        yield sender
        sender.finish()


@pytest.fixture
def small_sender(home):
    """Its limits are small: 1 MiB on the wire, 2 MiB inflated."""
    with Daemon(home, STORE, http=", max_request_size: 2MiB, max_compressed_size: 1MiB") as daemon:
        sender = Sender(daemon)
        yield sender
        sender.finish()


def test_protobuf_that_is_cut_is_refused(sender):
    whole = request_of("cut").SerializeToString()
    for cut in range(1, len(whole)):
        status, headers, answer = sender.post(whole[:cut])
        assert status == 400, cut
        assert headers["Content-Type"] == PROTOBUF
        code, message = messages.rpc_status(answer, PROTOBUF)
        assert code == INVALID_ARGUMENT and message
        sender.failed += 1
    sender.post_good()


def test_random_bytes_never_hurt(sender):
    chance = random.Random(1)
    for size in (1, 2, 3, 7, 20, 100, 1000, 10_000) * 10:
        status, _, answer = sender.post(chance.randbytes(size))
        assert status in (200, 400)
        if status == 400:
            assert messages.rpc_status(answer, PROTOBUF)[0] == INVALID_ARGUMENT
            sender.failed += 1
    assert sender.failed > 0
    sender.post_good()


def test_invalid_json_is_refused_in_json(sender):
    whole = json.dumps(json_of("cut")).encode()
    for cut in range(1, len(whole)):
        status, headers, answer = sender.post(whole[:cut], JSON)
        assert (status, headers["Content-Type"]) == (400, JSON), cut
        assert messages.rpc_status(answer, JSON)[0] == INVALID_ARGUMENT
        sender.failed += 1
    for bad in (b"[]", b"null", b"1", b'"x"', b"{} {}", b'{"resourceLogs":{}}', b"\0",
                b'{"resourceLogs":[1]}', whole.replace(b'"1"', b'"x"'),
                whole.replace(b"a body", b"a \x1b body")):
        sender.refused(400, INVALID_ARGUMENT, bad, JSON)


def test_invalid_utf8_in_json_is_refused(sender):
    whole = json.dumps(json_of("cut")).encode()
    for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"):
        sender.refused(400, INVALID_ARGUMENT, whole.replace(b"a body", bad), JSON)


def test_invalid_utf8_in_protobuf_leaves_the_store_readable(sender):
    whole = request_of("odd").SerializeToString().replace(b"a body", b"a\xff\xfe\xc0\xaf ")
    status, _, answer = sender.post(whole)
    assert status in (200, 400), answer
    sender.failed += status == 400
    sender.good += ["odd"] if status == 200 else []
    sender.post_good()
    wait_kept(sender.daemon, sender.good)
    for line in store.lines(sender.daemon.state / "store"):
        json.loads(line.decode("utf-8"))


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_ids_of_a_wrong_length_never_lose_the_record(sender, encoding):
    """They are no ids; the record is worth keeping all the same, or is refused with words."""
    for trace, span in ((b"t" * 15, b"s" * 8), (b"t" * 16, b"s" * 9), (b"t" * 17, b""), (b"t", b"s")):
        test_id = f"{len(trace)}-{len(span)}"
        if encoding == "json":
            body = json.dumps(json_of(test_id, traceId=trace.hex(), spanId=span.hex())).encode()
            status, _, answer = sender.post(body, JSON)
        else:
            request = request_of(test_id)
            record = request.resource_logs[0].scope_logs[0].log_records[0]
            record.trace_id, record.span_id = trace, span
            status, _, answer = sender.post(request.SerializeToString())
        assert status in (200, 400), answer
        sender.failed += status == 400
        sender.good += [test_id] if status == 200 else []
        if status == 400:
            code, message = messages.rpc_status(answer, JSON if encoding == "json" else PROTOBUF)
            assert code == INVALID_ARGUMENT and "id" in message.lower()
    sender.post_good()


def test_a_record_with_too_many_attributes_does_not_cost_the_others(sender):
    request = request_of("first")
    bad = request_of("bad", attributes=100_000)
    request.resource_logs.extend(bad.resource_logs)
    request.resource_logs.extend(request_of("last").resource_logs)
    status, _, answer = sender.post(request.SerializeToString())
    assert status == 200
    response = messages.logs_response()
    response.ParseFromString(answer)
    assert response.partial_success.rejected_log_records == 1
    assert response.partial_success.error_message
    sender.good += ["first", "last"]
    sender.daemon.wait_metric("receiver_refused_records_total",
                              'receiver="otlp_http",reason="limit_exceeded"', 1)


def test_a_record_that_breaks_a_limit_in_json_does_not_cost_the_others(sender):
    document = json_of("first")
    many = [{"key": f"k{n}", "value": {"intValue": str(n)}} for n in range(100_000)]
    deep = {"stringValue": "x"}
    for _ in range(100):
        deep = {"arrayValue": {"values": [deep]}}
    document["resourceLogs"] += json_of("bad", attributes=many)["resourceLogs"]
    document["resourceLogs"] += json_of("bad", body=deep)["resourceLogs"]
    document["resourceLogs"] += json_of("last")["resourceLogs"]
    status, _, answer = sender.post(json.dumps(document).encode(), JSON)
    assert status == 200, answer
    partial = json.loads(answer)["partialSuccess"]
    assert int(partial["rejectedLogRecords"]) == 2
    assert partial["errorMessage"]
    sender.good += ["first", "last"]


def test_nesting_without_end_is_refused(sender):
    def nested(depth, inner=b"\x0a\x01x"):
        for _ in range(depth):
            inner = field(1, inner)  # ArrayValue.values
            inner = field(5, inner)  # AnyValue.array_value
        return inner

    body = field(1, field(2, field(2, field(5, nested(10_000)))))
    status, _, answer = sender.post(body)
    assert status == 200
    response = messages.logs_response()
    response.ParseFromString(answer)
    assert response.partial_success.rejected_log_records == 1
    value = b'{"arrayValue":{"values":[' * 10_000 + b"]}}" * 10_000
    body = json.dumps(json_of("deep")).encode().replace(b'{"stringValue": "a body"}', value)
    sender.refused(400, INVALID_ARGUMENT, body, JSON)
    sender.refused(400, INVALID_ARGUMENT, b"[" * 100_000, JSON)
    unknown = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    sender.refused(400, INVALID_ARGUMENT, unknown, JSON)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_small_body_that_inflates_without_end_is_refused(sender, encoding):
    bomb = compress(bytes(80 * MIB), encoding)
    assert len(bomb) < MIB
    for content_type in (PROTOBUF, JSON):
        message = sender.refused(413, RESOURCE_EXHAUSTED, bomb, content_type,
                                 headers={"Content-Encoding": encoding})
        assert str(64 * MIB) in message


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_damaged_compressed_body_is_refused(sender, encoding):
    whole = compress(request_of("x", body="b" * 5000).SerializeToString(), encoding)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for bad in (whole[:-1], whole[: len(whole) // 2], bytes(flipped), b"rubbish", b"",
                whole + b"rubbish"):
        sender.refused(400, INVALID_ARGUMENT, bad, headers={"Content-Encoding": encoding})


def test_a_body_over_the_limit_is_refused_before_it_is_read(small_sender):
    message = small_sender.refused(413, RESOURCE_EXHAUSTED, bytes(3 * MIB))
    assert str(2 * MIB) in message
    small_sender.refused(413, RESOURCE_EXHAUSTED, bytes(3 * MIB), JSON)


def test_a_body_over_the_limit_without_a_length_is_refused(small_sender):
    small_sender.refused(413, RESOURCE_EXHAUSTED, bytes(3 * MIB), chunked=True)
    small_sender.refused(413, RESOURCE_EXHAUSTED, bytes(3 * MIB), JSON, chunked=True)


def test_a_compressed_body_has_its_own_limit(small_sender):
    noise = random.Random(1).randbytes(3 * MIB // 2)
    for chunked in (False, True):
        message = small_sender.refused(413, RESOURCE_EXHAUSTED, compress(noise, "gzip"),
                                       headers={"Content-Encoding": "gzip"}, chunked=chunked)
        assert str(MIB) in message


def test_a_plain_body_may_have_what_a_compressed_one_may_inflate_to(small_sender):
    for name, more in (("plain", {}), ("chunked", {"chunked": True}), ("gzip", {"encoding": "gzip"})):
        body = request_of(name, body="b" * (3 * MIB // 2)).SerializeToString()
        status, _, answer = small_sender.post(body, **more)
        assert status == 200, answer
        small_sender.good.append(name)


def test_a_sender_without_end_is_cut_off(small_sender):
    """More is thrown away than was allowed, but not without bound."""
    with socket.create_connection(("127.0.0.1", small_sender.daemon.http_port), timeout=60) as s:
        s.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % MIB + bytes(MIB) + b"\r\n"
        with pytest.raises(OSError):
            for _ in range(200):
                s.sendall(chunk)
    small_sender.post_good()


def test_half_a_request_is_no_request(sender):
    body = request_of("half").SerializeToString()
    for part in (b"", b"POST", b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-"
                 b"protobuf\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:-1]):
        with socket.create_connection(("127.0.0.1", sender.daemon.http_port), timeout=60) as s:
            s.sendall(part)
        sender.post_good()


def test_unknown_kinds_of_content_are_named(sender):
    for content_type in ("text/plain", "application/grpc", "application/x-protobuffer", ""):
        status, headers, answer = sender.post(b"x", content_type)
        assert status == 415
        assert b"application/x-protobuf" in answer
        assert headers["Content-Type"].startswith("text/plain")
        sender.failed += 1
    body = request_of("parameter").SerializeToString()
    assert sender.post(body, "application/x-protobuf; charset=x")[0] == 200
    sender.good.append("parameter")
    message = sender.refused(400, INVALID_ARGUMENT, b"x", headers={"Content-Encoding": "br"})
    assert "br" in message
    sender.refused(400, INVALID_ARGUMENT, b"x", JSON, headers={"Content-Encoding": "br"})


def test_methods_and_paths_that_are_not_there(sender):
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        status, headers, _ = read_answer(sender.daemon.http_port, method, "/v1/logs")
        assert (status, headers["Allow"]) == (405, "POST")
        sender.failed += 1
    for path in ("/", "/v1/logs/", "/v1/log", "/../etc/passwd", "/v1/LOGS"):
        status, _, answer = sender.post(b"", path=path)
        assert status == 404
        assert b"/v1/logs" in answer
        sender.failed += 1
    sender.post_good()


def test_an_empty_request_is_a_request(sender):
    for body, content_type in ((b"", PROTOBUF), (b"{}", JSON), (b"", JSON),
                               (b'{"resourceLogs":[]}', JSON)):
        status, _, answer = sender.post(body, content_type)
        assert status == 200
        assert answer in (b"", b"{}", b'{"partialSuccess":{}}')
    for path in ("/v1/traces", "/v1/metrics"):
        assert sender.post(b"", path=path)[0] == 200
    sender.post_good()


HEAD = (b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/x-protobuf\r\n")


def raw(daemon, data):
    """The status that is answered to bytes that are hardly HTTP; None: closed without any."""
    with socket.create_connection(("127.0.0.1", daemon.http_port), timeout=60) as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass
        answer = connection.recv(65536)
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else None


@pytest.mark.parametrize("data, status", [
    (HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    (HEAD + b"Content-Length: -5\r\n\r\nabcdef", 400),
    (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nabcdef", 413),
    (HEAD + b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n", 413),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", 400),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc", 413),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (b"\r\n\r\nrubbish\r\n\r\n", None),
])
def test_what_is_hardly_http_is_answered_or_closed(sender, data, status):
    answered = raw(sender.daemon, data)
    assert answered == status or status is None and answered in (None, 400)
    sender.failed = sender.daemon.metric("receiver_failed_requests_total", 'receiver="otlp_http"')
    sender.post_good()


def test_memory_that_others_hold_is_answered_with_when_to_come_again(home):
    limits = "limits: { in_flight: 4MiB }\n"
    with Daemon(home, STORE, extra=limits, receivers="unix: { max_event_size: 4MiB }",
                http=", max_request_size: 4MiB, max_compressed_size: 4MiB",
                grpc=", max_request_size: 4MiB") as daemon:
        sender = Sender(daemon)
        body = request_of("large", body="b" * MIB).SerializeToString()

        def is_refused():
            status, headers, answer = sender.post(body)
            if status == 200:
                sender.good.append("large")
                return False
            assert (status, headers["Retry-After"]) == (503, "1")
            code, message = messages.rpc_status(answer, PROTOBUF)
            assert code == UNAVAILABLE and "memory" in message
            return True

        with socket.create_connection(("127.0.0.1", daemon.http_port), timeout=60) as holder:
            holder.sendall(HEAD + b"Content-Length: 4000000\r\n\r\n" + bytes(3_900_000))
            wait_until(lambda: is_all_read(holder), ARRIVAL_TIMEOUT_S, "the half request was read")
            assert is_refused()
            sender.post_good()
        wait_until(lambda: not is_refused(), ARRIVAL_TIMEOUT_S, "the memory is free again")
        wait_kept(daemon, sender.good)


def is_all_read(connection):
    """Nothing of what was sent waits in the kernel, on either side."""
    ports = [f":{connection.getsockname()[1]:04X}", f":{connection.getpeername()[1]:04X}"]
    with open("/proc/net/tcp", encoding="ascii") as table:
        ends = [row.split() for row in table.readlines()[1:]]
    queues = [end[4] for end in ends if end[1][8:] in ports and end[2][8:] in ports]
    assert len(queues) == 2
    return queues == ["00000000:00000000"] * 2
