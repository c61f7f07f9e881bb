/* SPDX-License-Identifier: Apache-2.0 */
/* native_batch.c -- see native_batch.h. */
#include "support/native_batch.h"

#include <stdlib.h>

#include "support/agent_events.h"
#include "support/made_record.h"
#include "wire/native_json.h"

#define EVENT_UNIX_NS 1795000000123466789

enum { BYTES_MAX = 1 << 28, RECORD_MAX = 1 << 20 };

static void add_event(struct native_batch *self, struct normalizer *normalizer, struct slice line)
{
    static struct native_scratch scratch;
    struct native_event event;
    struct error err;
    struct buf text;

    buf_init(&text, RECORD_MAX);
    enum status st =
        native_json_read(line, EVENT_UNIX_NS, &otlp_limits_default, &scratch, &text, &event, &err);
    ASSERT(st == ST_OK);
    const struct normalize_input input = {.record = buf_slice(&text),
                                          .transport = TRANSPORT_UNIX_SOCKET,
                                          .native_kind = event.kind,
                                          .sender_fields = made_peer(),
                                          .received_unix_nano = EVENT_UNIX_NS};
    struct normalized *normalized = normalized_make(normalizer, &input);
    struct record *record = &self->records[self->batch.record_count++];
    record->sequence = self->batch.record_count;
    record->bytes.size = normalized->bytes.size;
    st = buf_append(&self->bytes, normalized->bytes.data, normalized->bytes.size, &err);
    ASSERT(st == ST_OK);
    self->sent_bytes += line.size;
    normalized_destroy(normalized);
    buf_fini(&text);
}

void native_batch_init(struct native_batch *self, size_t count)
{
    struct normalizer *normalizer = made_normalizer();
    struct agent_events events;

    *self = (struct native_batch){.records = calloc(count, sizeof(*self->records))};
    ASSERT(self->records != NULL);
    buf_init(&self->bytes, BYTES_MAX);
    made_set_scope(normalizer, NULL);
    agent_events_make(&events, count);
    for (size_t i = 0; i < count; i++)
        add_event(self, normalizer, agent_events_line(&events, i));
    agent_events_free(&events);
    normalizer_destroy(normalizer);
    for (size_t i = 0, at = 0; i < count; i++) { /* now the bytes stay where they are */
        self->records[i].bytes.data = self->bytes.data + at;
        at += self->records[i].bytes.size;
    }
    self->batch.records = self->records;
    self->batch.groups = &self->group;
    self->batch.group_count = 1;
    self->batch.size_bytes = self->bytes.size;
}

void native_batch_fini(struct native_batch *self)
{
    buf_fini(&self->bytes);
    free(self->records);
}
