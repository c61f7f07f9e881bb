/* SPDX-License-Identifier: Apache-2.0 */
/* export_record.c -- see export_record.h. */
#include "telltale/export_record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "telltale/client.h"
#include "util/clock.h"
#include "util/fd.h"
#include "wire/json_put.h"

enum {
    EVENT_SIZE_MAX = 256 << 10,
    CHUNK_SIZE = 64 << 10,
    TIMEOUT_S = 10,
};

enum status export_hash_file(const char *path, struct hash *ret, struct error *err)
{
    static uint8_t chunk[CHUNK_SIZE];
    struct hasher hasher;
    size_t got = 0;
    enum status st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", path);
    hasher_start(&hasher);
    do {
        st = fd_read_up_to(fd, chunk, sizeof(chunk), &got, err);
        if (st == ST_OK)
            hasher_add(&hasher, slice_of(chunk, got));
    } while (st == ST_OK && got > 0);
    hasher_finish(&hasher, ret);
    (void)close(fd); /* only read from */
    return st == ST_OK ? ST_OK : error_context(err, "read '%s'", path);
}

static void put_text(struct json_put *json, struct slice key, const char *text)
{
    if (text == NULL || text[0] == 0)
        return;
    json_put(json, key);
    json_put_text(json, slice_of_text(text));
}

static void put_number(struct json_put *json, struct slice key, uint64_t number)
{
    json_put(json, key);
    json_put_uint(json, number);
}

static void put_attributes(struct json_put *json, const char *file, const struct hash *sha256,
                           const struct evidence *evidence, const struct custody *custody)
{
    bool has_checkpoint = evidence->checkpoint.size > 0;

    put_text(json, SLICE("\"agent.integrity.action\":"), "export");
    put_text(json, SLICE(",\"agent.integrity.file\":"), file);
    json_put(json, SLICE(",\"agent.integrity.sha256\":"));
    json_put_hex(json, slice_of(sha256->bytes, HASH_SIZE));
    put_number(json, SLICE(",\"agent.integrity.count\":"), evidence->count);
    if (has_checkpoint) {
        put_text(json, SLICE(",\"agent.integrity.origin\":"), evidence->checkpoint.origin);
        put_number(json, SLICE(",\"agent.integrity.size\":"), evidence->checkpoint.size);
    }
    put_text(json, SLICE(",\"agent.integrity.actor\":"),
             custody->by != NULL ? custody->by : custody->user);
    put_text(json, SLICE(",\"agent.integrity.reason\":"), custody->reason);
    put_text(json, SLICE(",\"agent.integrity.case\":"), custody->case_id);
    put_text(json, SLICE(",\"agent.integrity.version\":"), custody->version);
    json_put(json, SLICE(",\"agent.integrity.time\":"));
    json_put_time(json, custody->unix_ns);
    json_put(json, SLICE(",\"agent.integrity.question\":["));
    for (size_t i = 0; i < custody->question_count; i++) {
        json_put(json, i > 0 ? SLICE(",") : SLICE(""));
        json_put_text(json, slice_of_text(custody->question[i]));
    }
    json_put(json, SLICE("]"));
}

static enum status put_event(const char *path, const struct evidence *evidence,
                             const struct custody *custody, struct buf *out, struct error *err)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    struct json_put json;
    struct hash sha256;
    char body[ARCHIVE_NAME_MAX + 128];

    enum status st = export_hash_file(path, &sha256, err);
    if (st != ST_OK)
        return st;
    (void)snprintf(body, sizeof(body), "%zu records were exported: %s", evidence->count,
                   file); /* fits: the name was checked */
    json_start(&json, out, err);
    put_text(&json, SLICE("{\"kind\":\"agent.integrity\",\"body\":"), body);
    json_put(&json, SLICE(",\"attributes\":{"));
    put_attributes(&json, file, &sha256, evidence, custody);
    json_put(&json, SLICE("}}"));
    return json_finish(&json);
}

enum status export_record_send(const char *socket_path, const char *path,
                               const struct evidence *evidence, const struct custody *custody,
                               struct error *err)
{
    uint64_t deadline_ns = clock_monotonic_ns() + TIMEOUT_S * NS_PER_S;
    struct telltale_client *client = NULL;
    struct buf event;

    buf_init(&event, EVENT_SIZE_MAX);
    enum status st = put_event(path, evidence, custody, &event, err);
    if (st == ST_OK)
        st = telltale_client_open(socket_path, deadline_ns, &client, err);
    if (st == ST_OK)
        st = telltale_client_send(client, (const char *)event.data, event.size, deadline_ns, err);
    if (st == ST_OK)
        st = telltale_client_wait(client, deadline_ns, err);
    telltale_client_close(client);
    buf_fini(&event);
    return st;
}
