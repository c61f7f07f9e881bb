/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.c -- see recorded.h. */
#include "support/recorded.h"

#include <stdio.h>

#include "wire/compress.h"
#include "wire/otlp_json.h"

const char *const recorded_log_requests[] = {
    "codex-0.169.0/grpc/exfil/logs/001.bin",
    "codex-0.169.0/grpc/approvals-appserver/logs/002.bin",
    "codex-0.169.0/grpc/netproxy/logs/002.bin",
    "codex-0.169.0/http-protobuf/exfil/logs/001.bin",
    "codex-0.169.0/http-protobuf/approvals-appserver/logs/001.bin",
    "codex-0.169.0/http-protobuf/approvals-appserver/logs/002.bin",
    "codex-0.169.0/http-protobuf/netproxy/logs/001.bin",
    "codex-0.169.0/http-protobuf/netproxy/logs/002.bin",
    "gemini-cli-0.61.0/grpc/approvals-acp/logs/001.bin",
    "gemini-cli-0.61.0/grpc/approvals-acp/logs/002.bin",
    "gemini-cli-0.61.0/grpc/exfil-yolo/logs/001.bin",
    "gemini-cli-0.61.0/grpc/mcpfail/logs/001.bin",
    "gemini-cli-0.61.0/grpc/mcpfail/logs/002.bin",
    "qwen-code-0.15.10/grpc/mcpfail/logs/001.bin",
    "qwen-code-0.15.10/grpc/refactor/logs/001.bin",
    NULL,
};

const char *const recorded_dialect_requests[] = {
    "opencode-1.18.33/http-json/refactor/logs/001.json",
    "opencode-1.18.33/http-json/refactor/logs/004.json",
    "opencode-1.18.33/http-json/exfil-denied/logs/002.json",
    "opencode-1.18.33/http-json/mcpfail/logs/002.json",
    "opencode-1.18.33/http-json/refused/logs/002.json",
    "codex-0.169.0/http-json/approvals-tui/logs/003.json",
    "documented/genai-python-sdk-1.45.2/logs/001.bin",
    NULL,
};

static void read_file(const char *name, struct buf *out)
{
    enum { CHUNK = 4096 };
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", TEST_CORPUS_DIR, name); /* the open tells */
    FILE *file = fopen(path, "rb");
    ASSERT(file != NULL);
    struct error err;
    size_t size;
    do {
        ASSERT(buf_reserve(out, CHUNK, &err) == ST_OK);
        size = fread(out->data + out->size, 1, CHUNK, file);
        out->size += size;
    } while (size > 0);
    (void)fclose(file); /* only read */
}

void recorded_read(const char *name, struct buf *out)
{
    enum { FRAME_PREFIX_SIZE = 5 }; /* one byte: compressed; four: the length */
    struct error err;
    struct buf file;
    buf_init(&file, (size_t)1 << 26);
    read_file(name, &file);
    struct slice body = buf_slice(&file);
    enum content_encoding encoding = ENCODING_NONE;
    if (strstr(name, "/grpc/") != NULL) {
        ASSERT(body.size >= FRAME_PREFIX_SIZE);
        encoding = body.data[0] == 1 ? ENCODING_GZIP : ENCODING_NONE;
        body = slice_from(body, FRAME_PREFIX_SIZE);
    }
    ASSERT(content_decode(encoding, body, out, &err) == ST_OK);
    buf_fini(&file);
}

void recorded_read_protobuf(const char *name, struct buf *out)
{
    struct slice suffix = SLICE(".json"), text = slice_of_text(name);
    if (!slice_equal(slice_from(text, text.size - suffix.size), suffix)) {
        recorded_read(name, out);
        return;
    }
    struct error err;
    struct buf json;
    buf_init(&json, (size_t)1 << 26);
    recorded_read(name, &json);
    ASSERT(otlp_json_read_request(buf_slice(&json), &otlp_limits_default, out, &err) == ST_OK);
    buf_fini(&json);
}
