# SPDX-License-Identifier: Apache-2.0
"""Posts bodies as an OTLP/HTTP client does."""

import gzip
import http.client
import subprocess


def compress(body, encoding):
    if encoding == "gzip":
        return gzip.compress(body)
    if encoding == "zstd":
        return subprocess.run(["zstd", "-qc"], input=body, capture_output=True, check=True).stdout
    return body


def post(port, path, body, content_type, encoding=None, headers=None, chunked=False):
    """Gives back (status, headers, body).  `body` is compressed here by `encoding`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = {"Content-Type": content_type, **(headers or {})}
    if encoding:
        body = compress(body, encoding)
        sent["Content-Encoding"] = encoding
    try:
        if chunked:
            parts = [body[i : i + 1000] for i in range(0, len(body), 1000)]
            connection.request("POST", path, iter(parts), sent, encode_chunked=True)
        else:
            connection.request("POST", path, body, sent)
    except BrokenPipeError:
        pass  # the answer came before the body was read; it is still to be read
    answer = connection.getresponse()
    result = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return result


def read_answer(port, method, path):
    """A request without a body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    result = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return result
