# SPDX-License-Identifier: Apache-2.0
"""Protobuf by hand, for messages that a library would not write."""


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, payload):
    """A field of bytes, of text or of a message."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload
