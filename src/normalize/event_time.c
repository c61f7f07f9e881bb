/* SPDX-License-Identifier: Apache-2.0 */
/* event_time.c -- see event_time.h. */
#include "normalize/event_time.h"

#include "normalize/hook_fields.h"
#include "wire/protobuf.h"
#include "wire/rfc3339.h"

enum { FIELD_SIZE_MAX = 32 };

static void put_field(struct mapping *m, uint32_t number, uint64_t time)
{
    uint8_t field[FIELD_SIZE_MAX];
    const uint8_t *end = pb_put_fixed64(field, number, time);
    mapping_put_raw(m, slice_of(field, (size_t)(end - field)));
}

static struct event_time put_source(struct mapping *m, enum time_source source, uint64_t time)
{
    mapping_put_word(m, KEY_AGENT_TIME_SOURCE, source);
    return (struct event_time){source, time};
}

static struct event_time put_hook_time(struct mapping *m)
{
    const struct normalize_hook *hook = m->input->hook;
    uint64_t time = 0;
    enum time_source source = TIME_HOOK;
    struct slice stamp = hook_fields_timestamp(m);
    if (stamp.size > 0 && !rfc3339_read(stamp, &time))
        mapping_error(m, SLICE("timestamp"));
    if (time == 0) {
        source = hook->unix_nano != 0 ? TIME_RECORD : TIME_RECEIPT;
        time = hook->unix_nano != 0 ? hook->unix_nano : m->input->received_unix_nano;
    }
    put_field(m, RECORD_TIME_UNIX_NANO, time);
    put_field(m, RECORD_OBSERVED_TIME_UNIX_NANO, m->input->received_unix_nano);
    return put_source(m, source, time);
}

struct event_time event_time_put(struct mapping *m, struct slice stamp)
{
    if (m->input->hook != NULL)
        return put_hook_time(m);
    uint64_t received = m->input->received_unix_nano;
    uint64_t time = m->record.time_unix_nano;
    enum time_source source = TIME_RECORD;
    if (time == 0) {
        source = TIME_ATTRIBUTE;
        if (stamp.size > 0 && !rfc3339_read(stamp, &time))
            mapping_error(m, SLICE("event.timestamp"));
        if (time == 0) {
            source = m->record.observed_time_unix_nano != 0 ? TIME_OBSERVED : TIME_RECEIPT;
            time = source == TIME_OBSERVED ? m->record.observed_time_unix_nano : received;
        }
        put_field(m, RECORD_TIME_UNIX_NANO, time);
    }
    if (m->record.observed_time_unix_nano == 0)
        put_field(m, RECORD_OBSERVED_TIME_UNIX_NANO, received);
    return put_source(m, source, time);
}
