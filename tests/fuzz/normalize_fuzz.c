/* SPDX-License-Identifier: Apache-2.0 */
/* normalize_fuzz.c -- any bytes as a record of each transport, and of each dialect that only the
 * scope tells.  What is taken must read back as a record that has everything required, with the
 * sender's own attributes as they were and none of them believed in our place, and say to a daemon
 * behind this one what it is. */
#include "normalize/upstream.h"
#include "support/made_record.h"
#include "wire/believed.h"

enum { INPUT_MAX = 1 << 16 };

/* What is not in every record is read from what we wrote, which stands behind the sender's. */
static void check_belief(const struct normalized *normalized, size_t sender_count)
{
    const struct record_view *view = &normalized->whole;
    for (size_t key = 0; key < SCHEMA_KEY_COUNT; key++) {
        struct slice text = slice_of_text(schema_attributes[key].key);
        if (slice_starts_with(text, SLICE("agent.")) && !believed_is_always(text))
            ASSERT(believed_find(view, text) >= sender_count);
    }
}

static void check_upstream(struct normalizer *normalizer, const struct normalized *normalized,
                           enum transport transport)
{
    static struct upstream *upstream;
    struct normalized_kind last = normalizer_last(normalizer);
    struct upstream_record said;
    struct error err;

    if (upstream == NULL)
        ASSERT(upstream_create(&otlp_limits_default, &upstream, &err) == ST_OK);
    ASSERT(upstream_read(upstream, buf_slice(&normalized->bytes), &said, &err) == ST_OK);
    ASSERT(said.claim == UPSTREAM_NORMALIZED && said.kind.kind == last.kind);
    /* A native sender's decision counts here even if what it wrote of it is listed. */
    ASSERT(said.kind.is_decision || !last.is_decision || transport == TRANSPORT_UNIX_SOCKET);
    struct slice sent = slice_of(normalized->bytes.data, normalized->record_size);
    ASSERT(upstream_read(upstream, sent, &said, &err) == ST_OK);
}

static void check(struct normalizer *normalizer, struct slice record, enum transport transport)
{
    static struct attribute_view before_attributes[NORMALIZED_ATTRIBUTES_MAX];
    struct record_view before;
    struct error err;
    if (otlp_read_record(record, &otlp_limits_default, before_attributes, NORMALIZED_ATTRIBUTES_MAX,
                         &before, &err) != ST_OK)
        return;
    const struct normalize_input input = {.record = record,
                                          .transport = transport,
                                          .native_kind = SLICE("agent.command"),
                                          .sender_fields = made_peer(),
                                          .received_unix_nano = 1795209900000000000};
    struct normalized *normalized = normalized_make(normalizer, &input);
    for (size_t i = 0; i < before.attribute_count; i++)
        ASSERT(slice_equal(before.attributes[i].value.encoded,
                           normalized->whole.attributes[i].value.encoded));
    ASSERT(normalized_value(normalized, "agent.event.kind") != NULL);
    ASSERT(normalized_value(normalized, "agent.outcome") != NULL);
    ASSERT(normalized_value(normalized, "log.record.uid") != NULL);
    ASSERT(normalized->whole.time_unix_nano != 0);
    if (transport != TRANSPORT_UNIX_SOCKET)
        check_belief(normalized, before.attribute_count);
    check_upstream(normalizer, normalized, transport);
    normalized_destroy(normalized);
}

/* As a record of opencode, which is known by its scope alone. */
static void check_of_scope(struct normalizer *normalizer, struct slice record)
{
    const struct record_group none = {.scope_logs_fields = SLICE_EMPTY};
    const struct record_group opencode = {.scope_logs_fields = SLICE("\x0a\x0a\x0a\x08opencode")};
    struct error err;
    ASSERT(normalizer_set_group(normalizer, &opencode, &err) == ST_OK);
    check(normalizer, record, TRANSPORT_OTLP_HTTP_JSON);
    ASSERT(normalizer_set_group(normalizer, &none, &err) == ST_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const scopes[] = {NULL, "cursor.telemetry", "copilot-chat"};
    static struct normalizer *normalizer;
    if (normalizer == NULL)
        normalizer = made_normalizer();
    if (size > INPUT_MAX)
        return -1;
    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        made_set_scope(normalizer, scopes[i]);
        check(normalizer, slice_of(data, size), TRANSPORT_OTLP_GRPC);
    }
    check(normalizer, slice_of(data, size), TRANSPORT_UNIX_SOCKET);
    check_of_scope(normalizer, slice_of(data, size));
    return 0;
}
