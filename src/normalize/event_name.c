/* SPDX-License-Identifier: Apache-2.0 */
/* event_name.c -- see event_name.h. */
#include "normalize/event_name.h"

#include "wire/protobuf.h"

enum { FIELD_ROOM = 32 }; /* for the tag and length of a field */

bool event_name_is_call_site(struct slice event_name)
{
    return slice_starts_with(event_name, SLICE("event ")) &&
           memchr(event_name.data, '/', event_name.size) != NULL;
}

static size_t put_hex(char *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        *out++ = digits[bytes.data[i] >> 4];
        *out++ = digits[bytes.data[i] & 15];
    }
    return 2 * bytes.size;
}

void event_name_put(struct mapping *m, struct slice name)
{
    struct slice present = m->record.event_name;
    mapping_put_text(m, KEY_AGENT_DIALECT_EVENT, name.size > 0 ? name : SLICE("unknown"));
    if (name.size == 0 || (present.size > 0 && !event_name_is_call_site(present)))
        return;
    if (present.size > 0)
        mapping_put_text(m, KEY_AGENT_ORIGINAL_EVENT_NAME, present);
    uint8_t field[EVENT_NAME_SIZE_MAX + FIELD_ROOM];
    const uint8_t *end = pb_put_bytes(field, RECORD_EVENT_NAME, name);
    mapping_put_raw(m, slice_of(field, (size_t)(end - field)));
}

void event_name_put_derived(struct mapping *m, struct slice name)
{
    enum {
        PREFIX_SIZE = 5,
        FROM_SIZE = PREFIX_SIZE + 2 * TRACE_ID_SIZE + 1 + 2 * SPAN_ID_SIZE + 1
    };
    const struct span_view *span = m->span->span;
    char event[PREFIX_SIZE + EVENT_NAME_SIZE_MAX] = "span:", from[FROM_SIZE] = "span:";
    if (name.size > 0)
        memcpy(event + PREFIX_SIZE, name.data, name.size);
    mapping_put_text(m, KEY_AGENT_DIALECT_EVENT, slice_of(event, PREFIX_SIZE + name.size));

    size_t size = PREFIX_SIZE;
    size += put_hex(from + size, span->trace_id);
    from[size++] = '/';
    size += put_hex(from + size, span->span_id);
    mapping_put_bool(m, KEY_AGENT_DERIVED, true);
    mapping_put_text(m, KEY_AGENT_DERIVED_FROM, slice_of(from, size));
    if (span->start_time_unix_nano != 0 && span->end_time_unix_nano >= span->start_time_unix_nano)
        mapping_put_double(m, KEY_AGENT_DURATION_MS,
                           (double)(span->end_time_unix_nano - span->start_time_unix_nano) / 1e6);
    uint8_t field[FIELD_ROOM + EVENT_NAME_SIZE_MAX];
    const uint8_t *end =
        pb_put_bytes(field, RECORD_EVENT_NAME, slice_of_text(schema_kinds[m->kind].name));
    mapping_put_raw(m, slice_of(field, (size_t)(end - field)));
}
