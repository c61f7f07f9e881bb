/* SPDX-License-Identifier: Apache-2.0 */
/* made_record.c -- see made_record.h. */
#include "support/made_record.h"

enum { RECORD_MAX = 1 << 26, SMALL_MAX = 4096 };

static void must(enum status status)
{
    ASSERT(status == ST_OK);
}

static struct error err;

void made_init(struct made_record *made)
{
    buf_init(&made->bytes, RECORD_MAX);
}

void made_fini(struct made_record *made)
{
    buf_fini(&made->bytes);
}

void made_bytes_text(struct made_record *made, const char *key, struct slice value)
{
    must(pb_append_text(&made->bytes, RECORD_ATTRIBUTES, slice_of_text(key), value, &err));
}

void made_text(struct made_record *made, const char *key, const char *value)
{
    made_bytes_text(made, key, slice_of_text(value));
}

void made_int(struct made_record *made, const char *key, int64_t value)
{
    must(pb_append_int(&made->bytes, RECORD_ATTRIBUTES, slice_of_text(key), value, &err));
}

void made_double(struct made_record *made, const char *key, double value)
{
    must(pb_append_double(&made->bytes, RECORD_ATTRIBUTES, slice_of_text(key), value, &err));
}

void made_bool(struct made_record *made, const char *key, bool value)
{
    must(pb_append_bool(&made->bytes, RECORD_ATTRIBUTES, slice_of_text(key), value, &err));
}

void made_texts(struct made_record *made, const char *key, const char *only)
{
    const struct slice text = slice_of_text(only);
    must(pb_append_texts(&made->bytes, RECORD_ATTRIBUTES, slice_of_text(key), &text, 1, &err));
}

void made_nothing(struct made_record *made, const char *key)
{
    must(pb_append_any(&made->bytes, RECORD_ATTRIBUTES, slice_of_text(key), SLICE_EMPTY, &err));
}

static void append(struct made_record *made, const uint8_t *field, const uint8_t *end)
{
    must(buf_append(&made->bytes, field, (size_t)(end - field), &err));
}

void made_fixed64(struct made_record *made, uint32_t number, uint64_t value)
{
    uint8_t field[PB_TAG_MAX + 8];
    append(made, field, pb_put_fixed64(field, number, value));
}

void made_uint(struct made_record *made, uint32_t number, uint64_t value)
{
    uint8_t field[PB_TAG_MAX + PB_VARINT_MAX];
    append(made, field, pb_put_uint(field, number, value));
}

void made_field(struct made_record *made, uint32_t number, struct slice bytes)
{
    uint8_t header[PB_TAG_MAX + PB_VARINT_MAX];
    append(made, header, pb_put_header(header, number, bytes.size));
    must(buf_append(&made->bytes, bytes.data, bytes.size, &err));
}

struct slice made_peer(void)
{
    static struct buf fields;
    if (fields.size == 0) {
        buf_init(&fields, SMALL_MAX);
        must(pb_append_int(&fields, RECORD_ATTRIBUTES, SLICE("agent.peer.uid"), 1000, &err));
        must(pb_append_int(&fields, RECORD_ATTRIBUTES, SLICE("agent.peer.pid"), 4711, &err));
    }
    return buf_slice(&fields);
}

struct normalizer *made_normalizer(void)
{
    struct normalizer *normalizer = NULL;
    must(normalizer_create(&otlp_limits_default, &normalizer, &err));
    return normalizer;
}

void made_set_scope(struct normalizer *normalizer, const char *scope)
{
    uint8_t name[SMALL_MAX], fields[SMALL_MAX];
    struct record_group group = {.request_fields = SLICE_EMPTY};
    if (scope != NULL) {
        const uint8_t *end = pb_put_bytes(name, SCOPE_NAME, slice_of_text(scope));
        const uint8_t *fields_end =
            pb_put_bytes(fields, SCOPE_LOGS_SCOPE, slice_of(name, (size_t)(end - name)));
        group.scope_logs_fields = slice_of(fields, (size_t)(fields_end - fields));
    }
    must(normalizer_set_group(normalizer, &group, &err));
}

struct normalized *made_normalize_otlp(const struct made_record *made,
                                       struct normalizer *normalizer, const char *scope)
{
    made_set_scope(normalizer, scope);
    const struct normalize_input input = {.record = buf_slice(&made->bytes),
                                          .transport = TRANSPORT_OTLP_HTTP_JSON,
                                          .sender_fields = made_peer(),
                                          .received_unix_nano = 1795209900000000000};
    return normalized_make(normalizer, &input);
}

struct normalized *made_normalize_native(const struct made_record *made,
                                         struct normalizer *normalizer, const char *kind)
{
    made_set_scope(normalizer, NULL);
    const struct normalize_input input = {.record = buf_slice(&made->bytes),
                                          .transport = TRANSPORT_UNIX_SOCKET,
                                          .native_kind = slice_of_text(kind),
                                          .sender_fields = made_peer(),
                                          .received_unix_nano = 1795209900000000000};
    return normalized_make(normalizer, &input);
}
