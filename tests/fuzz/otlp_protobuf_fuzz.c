/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_protobuf_fuzz.c -- any bytes as a request: we and protobuf-c must agree.
 *
 * Permitted differences, and no others:
 * - we pass groups on as unknown fields, protobuf-c refuses them;
 * - we refuse field number 0, tags and lengths over five bytes and integers over 64 bits, which
 *   protobuf-c takes when they are in fields that it does not know or can be written shorter;
 * - we refuse a value behind an array or list that it replaces, and a second value of one
 *   attribute or body;
 * - we refuse trace and span ids of another size than the published one;
 * - we refuse a bool that is not written as a varint, which protobuf-c does not look at;
 * - we have limits.
 */
#include <cjson/cJSON.h>

#include "support/collected.h"
#include "support/otlp_oracle.h"
#include "telltale/encode.h"

enum {
    BIG = 1 << 26,
    ATTRIBUTES_MAX = 1024,
    SIZE_MAX_ORACLE = 8192, /* protobuf-c recurses as deep as a message nests */
};

/* An integer over 64 bits, which we refuse and protobuf-c cuts off, ends ten bytes of a varint with
 * more than a single bit.  What only looks like one is let pass too. */
static bool may_overflow(struct slice request)
{
    size_t continued = 0;
    for (size_t i = 0; i < request.size; i++) {
        if (continued >= PB_VARINT_MAX - 1 && request.data[i] > 1)
            return true;
        continued = request.data[i] >= 0x80 ? continued + 1 : 0;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *field_message(const ProtobufCMessageDescriptor *message,
                                                       uint32_t number)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(message, number);
    return field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

typedef bool field_test(const struct pb_field *field, const ProtobufCMessageDescriptor *message);

/* Whether the message, or one within it, has a field that is so. */
static bool has_field(struct slice bytes, const ProtobufCMessageDescriptor *message,
                      field_test *is_so)
{
    struct pb_walk walk = pb_walk_start(bytes);
    struct pb_field field;
    while (pb_next(&walk, &field) == PB_FIELD) {
        const ProtobufCMessageDescriptor *inner = field_message(message, field.number);
        if (is_so(&field, message) ||
            (inner != NULL && field.type == WIRE_BYTES && has_field(field.bytes, inner, is_so)))
            return true;
    }
    return false;
}

static bool is_group(const struct pb_field *field, const ProtobufCMessageDescriptor *message)
{
    (void)message;
    return field->type == WIRE_GROUP_START;
}

static bool is_odd_bool(const struct pb_field *field, const ProtobufCMessageDescriptor *message)
{
    const ProtobufCFieldDescriptor *known =
        protobuf_c_message_descriptor_get_field(message, field->number);
    return known != NULL && known->type == PROTOBUF_C_TYPE_BOOL && field->type != WIRE_VARINT;
}

/* Whether the message, or one within it, holds fields that protobuf-c does not know. */
static bool has_unknown(const ProtobufCMessage *message)
{
    bool found = message->n_unknown_fields > 0;
    for (unsigned i = 0; !found && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *base = (const char *)message;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = *(const size_t *)(base + field->quantifier_offset);
            ProtobufCMessage *const *inner =
                *(ProtobufCMessage *const *const *)(base + field->offset);
            for (size_t j = 0; !found && j < count; j++)
                found = has_unknown(inner[j]);
            continue;
        }
        bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (is_oneof && *(const uint32_t *)(base + field->quantifier_offset) != field->id)
            continue;
        const ProtobufCMessage *inner = *(ProtobufCMessage *const *)(base + field->offset);
        found = inner != NULL && has_unknown(inner);
    }
    return found;
}

static bool has_odd_id(const oracle_request *request)
{
    for (size_t i = 0; i < request->n_resource_logs; i++) {
        const oracle_resource_logs *resource_logs = request->resource_logs[i];
        for (size_t j = 0; j < resource_logs->n_scope_logs; j++) {
            const oracle_scope_logs *scope_logs = resource_logs->scope_logs[j];
            for (size_t k = 0; k < scope_logs->n_log_records; k++) {
                size_t trace = scope_logs->log_records[k]->trace_id.len;
                size_t span = scope_logs->log_records[k]->span_id.len;
                if ((trace != 0 && trace != TRACE_ID_SIZE) || (span != 0 && span != SPAN_ID_SIZE))
                    return true;
            }
        }
    }
    return false;
}

/* Reads every record; ST_OK: all of them are good, and so is their JSON. */
static enum status check_records(const struct collected *collected)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct error err;
    struct record_view view;
    struct buf line;
    buf_init(&line, BIG);
    enum status st = ST_OK;
    for (size_t i = 0; i < collected->record_count && st == ST_OK; i++) {
        const struct record *record = &collected->records[i];
        st = otlp_read_record(record->bytes, &otlp_limits_default, attributes, ATTRIBUTES_MAX,
                              &view, &err);
        buf_clear(&line);
        enum status line_st = encode_otlp_json_line(&collected->groups[record->group_index],
                                                    record->bytes, SLICE_EMPTY, &line, &err);
        ASSERT(st != ST_OK || line_st == ST_OK);
        if (line_st != ST_OK)
            continue;
        ASSERT(memchr(line.data, '\n', line.size) == line.data + line.size - 1);
        const char *end = NULL;
        cJSON *json = cJSON_ParseWithLengthOpts((const char *)line.data, line.size, &end, false);
        ASSERT(json != NULL && end == (const char *)line.data + line.size - 1);
        cJSON_Delete(json);
        oracle_record *oracle = st == ST_OK ? oracle_read_record(record->bytes) : NULL;
        ASSERT(oracle == NULL || oracle_same_record(&view, oracle));
        oracle_free(oracle);
    }
    buf_fini(&line);
    return st;
}

/* What we encode from the parts says what the whole said. */
static void check_encoding(const struct collected *collected, const oracle_request *original)
{
    struct error err;
    struct buf out, before, after;
    buf_init(&out, BIG);
    buf_init(&before, BIG);
    buf_init(&after, BIG);
    struct batch batch = collected_batch(collected);
    ASSERT(encode_otlp_request(&batch, &out, &err) == ST_OK);
    ASSERT(out.size == encode_otlp_request_size(&batch));
    oracle_request *encoded = oracle_read_request(buf_slice(&out));
    ASSERT(encoded != NULL);
    oracle_flatten(original, &before);
    oracle_flatten(encoded, &after);
    ASSERT(slice_equal(buf_slice(&before), buf_slice(&after)));
    oracle_free(encoded);
    buf_fini(&out);
    buf_fini(&before);
    buf_fini(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SIZE_MAX_ORACLE)
        return -1; /* not worth keeping */
    struct error err;
    struct collected collected;
    struct slice request = slice_of(data, size);
    const ProtobufCMessageDescriptor *message =
        &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor;
    enum status st = collected_read(&collected, request, &err);
    if (st == ST_OK)
        st = check_records(&collected);
    oracle_request *oracle = oracle_read_request(request);
    if (st == ST_OK && oracle != NULL)
        check_encoding(&collected, oracle);
    if (st == ST_OK && oracle == NULL)
        ASSERT(has_field(request, message, is_group));
    if (st == ST_CORRUPT && oracle != NULL)
        ASSERT(has_unknown(&oracle->base) || has_odd_id(oracle) || may_overflow(request) ||
               has_field(request, message, is_odd_bool) ||
               protobuf_c_message_get_packed_size(&oracle->base) < size);
    oracle_free(oracle);
    collected_fini(&collected);
    return 0;
}
