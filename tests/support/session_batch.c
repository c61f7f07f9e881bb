/* SPDX-License-Identifier: Apache-2.0 */
/* session_batch.c -- see session_batch.h. */
#include "support/session_batch.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "support/otlp_oracle.h"

/* resource = { service.name: "s??" } with the group's number for the question marks. */
static struct slice make_resource(uint32_t number)
{
    static const char shape[] = "\x0a\x17\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03s00";
    size_t size = sizeof(shape) - 1;
    uint8_t *bytes = malloc(size);

    ASSERT(bytes != NULL);
    memcpy(bytes, shape, size);
    bytes[size - 2] = (uint8_t)('0' + number / 10);
    bytes[size - 1] = (uint8_t)('0' + number % 10);
    return slice_of(bytes, size);
}

struct session_batch *session_batch_make(size_t group_count)
{
    struct session_batch *batch = calloc(1, sizeof(*batch));

    ASSERT(batch != NULL && group_count <= SESSION_GROUPS_MAX);
    for (uint32_t i = 0; i < group_count; i++)
        batch->groups[i].resource_logs_fields = make_resource(i);
    batch->batch = (struct batch){.journal_id = {0xab, 0xcd},
                                  .records = batch->records,
                                  .groups = batch->groups,
                                  .group_count = group_count};
    return batch;
}

void session_batch_free(struct session_batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->batch.record_count; i++)
        made_fini(&batch->made[i]);
    for (size_t i = 0; i < batch->batch.group_count; i++)
        free((void *)(uintptr_t)batch->groups[i].resource_logs_fields.data);
    free(batch);
}

static void add_padding(struct made_record *made, size_t size)
{
    uint8_t *bytes = malloc(size);

    ASSERT(bytes != NULL);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)('a' + i % 26);
    made_bytes_text(made, "padding", slice_of(bytes, size));
    free(bytes);
}

void session_batch_add(struct session_batch *batch, const char *session, size_t padding,
                       uint32_t group)
{
    size_t n = batch->batch.record_count++;
    struct made_record *made = &batch->made[n];

    ASSERT(n < SESSION_BATCH_MAX && group < batch->batch.group_count);
    made_init(made);
    made_int(made, "n", (int64_t)n);
    if (padding > 0)
        add_padding(made, padding);
    if (session != NULL)
        made_text(made, "session.id", session);
    batch->records[n] =
        (struct record){.sequence = n + 1, .bytes = buf_slice(&made->bytes), .group_index = group};
    batch->batch.size_bytes += made->bytes.size;
}

static size_t read_protobuf(struct slice bytes, uint32_t *ret_numbers, size_t max)
{
    oracle_request *request = oracle_read_request(bytes);
    size_t count = 0;

    ASSERT(request != NULL);
    for (size_t r = 0; r < request->n_resource_logs; r++) {
        const oracle_resource_logs *resource = request->resource_logs[r];
        for (size_t s = 0; s < resource->n_scope_logs; s++) {
            const oracle_scope_logs *scope = resource->scope_logs[s];
            for (size_t l = 0; l < scope->n_log_records && count < max; l++) {
                const oracle_attribute *first = scope->log_records[l]->attributes[0];
                ASSERT(strcmp(first->key, "n") == 0);
                ret_numbers[count++] = (uint32_t)first->value->int_value;
            }
        }
    }
    oracle_free(request);
    return count;
}

static size_t read_json(struct slice bytes, uint32_t *ret_numbers, size_t max)
{
    cJSON *request = cJSON_ParseWithLength((const char *)bytes.data, bytes.size);
    const cJSON *resource;
    const cJSON *scope;
    const cJSON *record;
    size_t count = 0;

    ASSERT(request != NULL);
    cJSON_ArrayForEach(resource, cJSON_GetObjectItem(request, "resourceLogs"))
    {
        cJSON_ArrayForEach(scope, cJSON_GetObjectItem(resource, "scopeLogs"))
        {
            cJSON_ArrayForEach(record, cJSON_GetObjectItem(scope, "logRecords"))
            {
                const cJSON *first =
                    cJSON_GetArrayItem(cJSON_GetObjectItem(record, "attributes"), 0);
                const cJSON *number =
                    cJSON_GetObjectItem(cJSON_GetObjectItem(first, "value"), "intValue");
                ASSERT(cJSON_IsString(number) && count < max);
                ret_numbers[count++] = (uint32_t)strtoul(number->valuestring, NULL, 10);
            }
        }
    }
    cJSON_Delete(request);
    return count;
}

size_t session_batch_read(struct slice request, bool is_json, uint32_t *ret_numbers, size_t max)
{
    return is_json ? read_json(request, ret_numbers, max)
                   : read_protobuf(request, ret_numbers, max);
}
