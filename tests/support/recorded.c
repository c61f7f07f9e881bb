/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.c -- see recorded.h. */
#include "support/recorded.h"

#include <stdio.h>

const char *const recorded_log_requests[] = {
    "codex-0.169.0/grpc/exfil/logs/001.bin",
    "codex-0.169.0/grpc/approvals-appserver/logs/002.bin",
    "codex-0.169.0/grpc/netproxy/logs/002.bin",
    "codex-0.169.0/http-protobuf/exfil/logs/001.bin",
    "codex-0.169.0/http-protobuf/approvals-appserver/logs/001.bin",
    "codex-0.169.0/http-protobuf/approvals-appserver/logs/002.bin",
    "codex-0.169.0/http-protobuf/netproxy/logs/001.bin",
    "codex-0.169.0/http-protobuf/netproxy/logs/002.bin",
    "qwen-code-0.15.10/grpc/mcpfail/logs/001.bin",
    "qwen-code-0.15.10/grpc/refactor/logs/001.bin",
    NULL,
};

void recorded_read(const char *name, struct buf *out)
{
    enum { FRAME_PREFIX_SIZE = 5, CHUNK = 4096 };
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", TEST_CORPUS_DIR, name); /* the open tells */
    FILE *file = fopen(path, "rb");
    ASSERT(file != NULL);
    if (strstr(name, "/grpc/") != NULL)
        ASSERT(fseek(file, FRAME_PREFIX_SIZE, SEEK_SET) == 0);
    struct error err;
    size_t size;
    do {
        ASSERT(buf_reserve(out, CHUNK, &err) == ST_OK);
        size = fread(out->data + out->size, 1, CHUNK, file);
        out->size += size;
    } while (size > 0);
    (void)fclose(file); /* only read */
}
