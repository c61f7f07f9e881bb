# SPDX-License-Identifier: Apache-2.0
"""Just enough HTTP/2 to be a bad gRPC client: frames as one likes, and none that one does not."""

import socket
import struct

DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
MESSAGE_PART = 16384  # what a frame may have


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(text):
    """Below 127 bytes, and not compressed."""
    return bytes([len(text)]) + text.encode()


def headers(path=LOGS):
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"),
              ("content-type", "application/grpc"), ("te", "trailers")]
    return b"".join(b"\0" + literal(name) + literal(value) for name, value in fields)


class Http2:
    """One connection."""

    def __init__(self, address, timeout_s=30):
        """`address`: (host, port) or the path of a socket."""
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout_s)
        self.socket.connect(address if isinstance(address, tuple) else str(address))

    def hello(self):
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
        return self

    def begin(self, stream=1, path=LOGS):
        self.socket.sendall(frame(HEADERS, END_HEADERS, stream, headers(path)))

    def message(self, stream, claimed, sent=b"", end=False):
        """The head of a message of `claimed` bytes, and some of them."""
        self.socket.sendall(frame(DATA, END_STREAM if end else 0, stream,
                                  b"\0" + struct.pack(">I", claimed) + sent))

    def read_frame(self):
        """(kind, flags, stream, payload); None when the daemon has closed."""
        head = self.read(9)
        if head is None:
            return None
        size = struct.unpack(">I", b"\0" + head[:3])[0]
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self.read(size)

    def read(self, size):
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except ConnectionError:
                return None
            if not more:
                return None
            data += more
        return data

    def send_all_that_goes(self, stream, size):
        """Sends DATA within the windows that the daemon gives, up to `size` bytes or until it has
        closed; gives back how many bytes went."""
        head = 5  # message() has sent it already
        window = {0: 65535 - head, stream: 65535 - head}
        sent = 0
        part = bytes(MESSAGE_PART)
        while sent < size:
            room = min(window[0], window[stream], MESSAGE_PART, size - sent)
            if room > 0:
                try:
                    self.socket.sendall(frame(DATA, 0, stream, part[:room]))
                except OSError:
                    return sent
                window[0] -= room
                window[stream] -= room
                sent += room
                continue
            got = self.read_frame()
            if got is None or got[0] in (3, 7):  # RST_STREAM, GOAWAY
                return sent
            kind, flags, where, payload = got
            if kind == WINDOW_UPDATE and where in window:
                window[where] += struct.unpack(">I", payload)[0]
            elif kind == SETTINGS and not flags & ACK:
                for key, value in struct.iter_unpack(">HI", payload):
                    if key == 4:
                        window[stream] += value - 65535
            elif kind == HEADERS and where == stream:
                return sent  # its answer
            elif kind == PING and not flags & ACK:
                self.socket.sendall(frame(PING, ACK, 0, payload))
        return sent

    def wait_closed(self):
        while self.read_frame() is not None:
            pass

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
