# SPDX-License-Identifier: Apache-2.0
"""A sender of OTLP/gRPC: Google's own client, and bytes as they are."""

import grpc

SERVICE = "/opentelemetry.proto.collector.{}.v1.{}/Export"
LOGS = SERVICE.format("logs", "LogsService")
TRACES = SERVICE.format("trace", "TraceService")
METRICS = SERVICE.format("metrics", "MetricsService")
TIMEOUT_S = 30
# Each test is to see the daemon's own answer, and a connection of its own.
OPTIONS = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1),
           ("grpc.max_send_message_length", -1)]
GZIP, DEFLATE = grpc.Compression.Gzip, grpc.Compression.Deflate


class GrpcClient:
    """One channel: `target` is "127.0.0.1:4317", or the path of a socket."""

    def __init__(self, target, credentials=None):
        target = str(target)
        if target.startswith("/"):
            target = f"unix:{target}"
        if credentials is None:
            self.channel = grpc.insecure_channel(target, options=OPTIONS)
        else:
            self.channel = grpc.secure_channel(
                target, credentials, options=[*OPTIONS, ("grpc.ssl_target_name_override", "localhost")])

    def begin(self, body, method=LOGS, compression=None, timeout=TIMEOUT_S):
        """A call under way: result() gives the response's bytes."""
        return self.channel.unary_unary(method).future(body, timeout=timeout,
                                                       compression=compression)

    def export(self, body, method=LOGS, compression=None):
        return self.begin(body, method, compression).result()

    def refused(self, body, method=LOGS, compression=None):
        """(code, message, grpc-status-details-bin) of a call that must fail."""
        call = self.begin(body, method, compression)
        try:
            answer = call.result()
        except grpc.RpcError:
            details = dict(call.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
            return call.code().name, call.details(), details
        raise AssertionError(f"not refused, but answered with {answer!r}")

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
