/* SPDX-License-Identifier: Apache-2.0 */
/* every_record.c -- see every_record.h. */
#include "support/every_record.h"

#include <stdio.h>

#include "support/documented.h"
#include "support/made_record.h"
#include "support/recorded.h"

enum { GROUP_SIZE_MAX = 1 << 16, VALUE_SIZE_MAX = 128 };

/* 2026-11-20T21:25:00Z */
static const uint64_t received_unix_nano = UINT64_C(1795209900000000000);

static struct error err;

static void must(enum status status)
{
    ASSERT(status == ST_OK);
}

/* Values whose form matters to those who read them. */
static const char *sample_text(unsigned key, char *room)
{
    switch (key) {
    case KEY_CLIENT_ADDRESS:
        return "10.20.30.40";
    case KEY_SERVER_ADDRESS:
        return "api.example.com";
    case KEY_AGENT_EXTENSION_ACTION:
        return "update";
    case KEY_AGENT_DECISION_OUTCOME:
        return "deny";
    default:
        if (schema_attributes[key].words != NULL)
            return schema_attributes[key].words[0];
        (void)snprintf(room, VALUE_SIZE_MAX, "some %s", schema_attributes[key].key);
        return room;
    }
}

static void put_sample(struct made_record *made, unsigned key)
{
    const char *name = schema_attributes[key].key;
    char room[VALUE_SIZE_MAX];

    switch (schema_attributes[key].type) {
    case VALUE_TEXT:
        made_text(made, name, sample_text(key, room));
        break;
    case VALUE_INT:
        made_int(made, name, 443);
        break;
    case VALUE_DOUBLE:
        made_double(made, name, 12.5);
        break;
    case VALUE_BOOL:
        made_bool(made, name, true);
        break;
    case VALUE_TEXTS:
        made_texts(made, name, "only");
        break;
    }
}

static void put_kind(struct made_record *made, const struct schema_kind *kind)
{
    bool done[SCHEMA_KEY_COUNT + 1] = {false};

    made_fixed64(made, RECORD_TIME_UNIX_NANO, UINT64_C(1795209899123456789));
    made_fixed64(made, RECORD_OBSERVED_TIME_UNIX_NANO, UINT64_C(1795209899200000000));
    made_text(made, "session.id", "0c2f7a52-6c1e-4f5e-9a51-5d0b8b1c7a10");
    made_text(made, "user.name", "ana");
    made_text(made, "team", "platform");
    made_double(made, "agent.duration_ms", 1500.25);
    done[KEY_SESSION_ID] = done[KEY_USER_NAME] = done[KEY_AGENT_DURATION_MS] = true;
    for (size_t i = 0; i < kind->required_count; i++) {
        if (!done[kind->required[i][0]])
            put_sample(made, kind->required[i][0]);
        done[kind->required[i][0]] = true;
    }
    for (const uint16_t *key = kind->optional; *key != SCHEMA_KEY_COUNT; key++) {
        if (!done[*key])
            put_sample(made, *key);
        done[*key] = true;
    }
}

/* A resource with keys that have a place in documents, one that has none and one that is odd. */
static struct record_group make_group(struct buf *resource_logs, struct buf *scope_logs)
{
    static const struct {
        const char *key, *value;
    } texts[] = {{"host.name", "build-7"},
                 {"host.arch", "arm64"},
                 {"os.type", "linux"},
                 {"service.name", "coder"},
                 {"service.version", "1.2.3"},
                 {"container.name", "agent"},
                 {"container.id", "0123456789ab"},
                 {"k8s.pod.name", "agent-0"},
                 {"team.name", "platform"},
                 {"a..b", "odd"}};
    struct buf inner;
    uint8_t header[PB_TAG_MAX + PB_VARINT_MAX];

    buf_init(&inner, GROUP_SIZE_MAX);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        must(pb_append_text(&inner, RESOURCE_ATTRIBUTES, slice_of_text(texts[i].key),
                            slice_of_text(texts[i].value), &err));
    uint8_t *end = pb_put_header(header, RESOURCE_LOGS_RESOURCE, inner.size);
    must(buf_append(resource_logs, header, (size_t)(end - header), &err));
    must(buf_append(resource_logs, inner.data, inner.size, &err));
    buf_clear(&inner);
    must(buf_reserve(&inner, VALUE_SIZE_MAX, &err));
    end = pb_put_bytes(inner.data, SCOPE_NAME, SLICE("some.scope"));
    end = pb_put_bytes(end, SCOPE_VERSION, SLICE("9.8"));
    inner.size = (size_t)(end - inner.data);
    end = pb_put_header(header, SCOPE_LOGS_SCOPE, inner.size);
    must(buf_append(scope_logs, header, (size_t)(end - header), &err));
    must(buf_append(scope_logs, inner.data, inner.size, &err));
    buf_fini(&inner);
    return (struct record_group){.resource_logs_fields = buf_slice(resource_logs),
                                 .scope_logs_fields = buf_slice(scope_logs),
                                 .signal = SIGNAL_LOGS};
}

/* What the receiver of the socket says of the sender. */
static void make_peer(struct buf *out)
{
    must(pb_append_text(out, RECORD_ATTRIBUTES, SLICE("agent.peer.attestation"), SLICE("kernel"),
                        &err));
    must(pb_append_int(out, RECORD_ATTRIBUTES, SLICE("agent.peer.pid"), 4711, &err));
    must(pb_append_int(out, RECORD_ATTRIBUTES, SLICE("agent.peer.uid"), 1000, &err));
    must(pb_append_text(out, RECORD_ATTRIBUTES, SLICE("agent.peer.executable.path"),
                        SLICE("/usr/bin/coder"), &err));
}

void every_kind_read(const struct recorded_session_reader *reader)
{
    struct normalizer *normalizer = made_normalizer();
    struct buf resource_logs, scope_logs, peer;

    buf_init(&resource_logs, GROUP_SIZE_MAX);
    buf_init(&scope_logs, GROUP_SIZE_MAX);
    buf_init(&peer, GROUP_SIZE_MAX);
    const struct record_group group = make_group(&resource_logs, &scope_logs);
    make_peer(&peer);
    made_set_scope(normalizer, NULL);
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        struct made_record made;
        made_init(&made);
        put_kind(&made, &schema_kinds[kind]);
        const struct normalize_input input = {.record = buf_slice(&made.bytes),
                                              .transport = TRANSPORT_UNIX_SOCKET,
                                              .native_kind = slice_of_text(schema_kinds[kind].name),
                                              .sender_fields = buf_slice(&peer),
                                              .received_unix_nano = received_unix_nano};
        struct normalized *record = normalized_make(normalizer, &input);
        reader->on_record(reader->context, &group, record);
        normalized_destroy(record);
        made_fini(&made);
    }
    buf_fini(&resource_logs);
    buf_fini(&scope_logs);
    buf_fini(&peer);
    normalizer_destroy(normalizer);
}

void every_record_read(const struct recorded_session_reader *reader)
{
    struct normalizer *normalizer = made_normalizer();

    for (size_t i = 0; recorded_log_requests[i] != NULL; i++)
        recorded_logs_read(normalizer, recorded_log_requests[i], reader);
    for (size_t i = 0; recorded_dialect_requests[i] != NULL; i++)
        recorded_logs_read(normalizer, recorded_dialect_requests[i], reader);
    for (size_t i = 0; documented_requests[i] != NULL; i++)
        documented_session_read(documented_requests[i], reader);
    normalizer_destroy(normalizer);
    every_kind_read(reader);
}
