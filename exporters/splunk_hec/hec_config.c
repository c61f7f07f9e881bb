/* SPDX-License-Identifier: Apache-2.0 */
/* hec_config.c -- see hec_config.h.
 *
 * Indexed fields have names of their own.  The event has the same under other names, which Splunk
 * finds when it searches; one name for both would have each value twice, and fields.conf counts for
 * all that Splunk has. */
#include "hec_config.h"

#include <stdio.h>
#include <string.h>

#define MIB UINT64_C(1048576)
#define MS  UINT64_C(1000000)
#define S   (1000 * MS)

static const char *const shapes[] = {"cim", "otel", NULL};
static const char *const index_policies[] = {"hold", "dead_letter", NULL};
static const char *const ack_modes[] = {"auto", "on", "off", NULL};

const struct config_field hec_fields[] = {
    HTTP_CONFIG_FIELDS(struct hec_config, http,
                       "https://host:8088; a path may stand behind it, and /services/collector "
                       "behind that, or not."),
    HTTP_CONFIG_COMPRESSION_FIELDS(struct hec_config, http, http_compressions_gzip, "gzip"),
    {.key = "max_content_length",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct hec_config, http) + offsetof(struct http_config, max_body_size),
     .min = 4096,
     .max = 64 * MIB,
     .default_text = "2MiB",
     .help = "Bytes of one request, before compression. One event that is larger goes alone. "
             "Splunk Cloud refuses more than 5 MiB."},
    {.key = "max_event_size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct hec_config, max_event_size),
     .min = 4096,
     .max = 64 * MIB,
     .default_text = "5MiB",
     .help = "An event that is larger becomes a dead letter."},
    {.key = "source",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct hec_config, source),
     .default_text = "telltale",
     .help = "The `source` of all events."},
    {.key = "sourcetype",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct hec_config, sourcetype),
     .default_text = "telltale",
     .help = "How the `sourcetype` of events begins. The add-on in deploy/splunk knows the default "
             "only."},
    {.key = "sourcetype_per_kind",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct hec_config, sourcetype_per_kind),
     .default_text = "true",
     .help = "The kind of the event stands behind it, as in telltale:agent:tool."},
    {.key = "index",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct hec_config, index),
     .help = "The index of all events; the token must allow it. When absent, the token's."},
    {.key = "host",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct hec_config, host),
     .help = "The `host` of all events. When absent, the one that the event names, else this "
             "machine."},
    {.key = "shape",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct hec_config, shape),
     .choices = shapes,
     .default_text = "cim",
     .help = "What an event looks like. `cim`: fields of Splunk's Common Information Model and the "
             "attributes by their names. `otel`: as OpenTelemetry has it."},
    {.key = "fields",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct hec_config, fields),
     .default_text = "[kind, phase, outcome, decision, product, dialect, tool, service]",
     .help = "Indexed fields, at most 15, each called telltale_NAME there: kind, phase, outcome, "
             "decision, product, dialect, dialect_event, tool, service, severity, event, session, "
             "conversation, turn, user, user_id. They make searches fast and the index larger; "
             "those with many values cost most."},
    {.key = "on_incorrect_index",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct hec_config, on_incorrect_index),
     .choices = index_policies,
     .default_text = "hold",
     .help = "What happens when the token does not allow the index. `hold`: events are kept and "
             "sent again every minute until somebody has repaired it. `dead_letter`: they become "
             "dead letters."},
    {.key = "ack",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct hec_config, ack),
     .choices = ack_modes,
     .default_text = "auto",
     .help = "Indexer acknowledgement. `auto`: where the token has it, events count as delivered "
             "when Splunk has indexed and replicated them. `on`: nothing is sent with a token that "
             "has it not. `off`: events count as delivered when Splunk has received them."},
    {.key = "ack_timeout",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct hec_config, ack_timeout_ns),
     .min = 1 * S,
     .max = 3600 * S,
     .default_text = "5m",
     .help = "How long an acknowledgement may take, behind the `timeout` of the request. Then the "
             "events are sent again, and may be there twice."},
    {.key = "ack_poll_interval",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct hec_config, ack_poll_interval_ns),
     .min = 100 * MS,
     .max = 600 * S,
     .default_text = "10s",
     .help = "The longest pause between two questions for an acknowledgement. The first comes "
             "after 250ms, and the pauses double."},
    {.key = NULL},
};

#define INDEXED(name, member)                                                                      \
    {                                                                                              \
        name, "telltale_" name, offsetof(struct record_facts, member)                              \
    }

const struct hec_indexed_field hec_indexed_fields[] = {
    INDEXED("kind", kind),
    INDEXED("phase", phase),
    INDEXED("outcome", outcome),
    INDEXED("decision", decision),
    INDEXED("product", product),
    INDEXED("dialect", dialect),
    INDEXED("dialect_event", dialect_event),
    INDEXED("tool", tool_name),
    INDEXED("service", service_name),
    INDEXED("severity", severity_text),
    INDEXED("event", event_name),
    INDEXED("session", session_id),
    INDEXED("conversation", conversation_id),
    INDEXED("turn", turn_id),
    INDEXED("user", user_name),
    INDEXED("user_id", user_id),
};
const size_t hec_indexed_field_count = COUNT_OF(hec_indexed_fields);

const struct hec_indexed_field *hec_config_field(const char *name)
{
    for (size_t i = 0; i < hec_indexed_field_count; i++) {
        if (strcmp(hec_indexed_fields[i].name, name) == 0)
            return &hec_indexed_fields[i];
    }
    return NULL;
}

enum shape hec_config_shape(const struct hec_config *config)
{
    enum shape shape = SHAPE_COUNT;

    bool known = shape_named(shapes[config->shape], &shape);
    ASSERT(known);
    return shape;
}

static enum status check_fields(const struct config_text_list *list, struct error *err)
{
    if (list->count > HEC_FIELDS_MAX)
        return error_set(err, ST_LIMIT, "fields: %zu of them, limit %d", list->count,
                         HEC_FIELDS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (hec_config_field(list->items[i]) == NULL)
            return error_set(err, ST_INVALID, "fields: '%s' is not one that can be indexed",
                             list->items[i]);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(list->items[i], list->items[k]) == 0)
                return error_set(err, ST_INVALID, "fields: '%s' stands there twice",
                                 list->items[i]);
        }
    }
    return ST_OK;
}

static enum status check_name(const char *key, const char *name, struct error *err)
{
    enum { NAME_MAX_SIZE = 255 };

    if (name != NULL && name[0] == 0)
        return error_set(err, ST_INVALID, "%s: it is empty", key);
    if (name != NULL && strlen(name) > NAME_MAX_SIZE)
        return error_set(err, ST_LIMIT, "%s: longer than %d bytes", key, NAME_MAX_SIZE);
    return ST_OK;
}

enum status hec_config_check(const struct hec_config *config, struct error *err)
{
    enum status st = http_config_check(&config->http, err);
    if (st == ST_OK)
        st = check_name("source", config->source, err);
    if (st == ST_OK)
        st = check_name("sourcetype", config->sourcetype, err);
    if (st == ST_OK)
        st = check_name("index", config->index, err);
    if (st == ST_OK)
        st = check_name("host", config->host, err);
    if (st == ST_OK)
        st = check_fields(&config->fields, err);
    if (st == ST_OK && config->ack_poll_interval_ns > config->ack_timeout_ns)
        st = error_set(err, ST_INVALID, "ack_poll_interval: it is longer than ack_timeout");
    return st;
}

bool hec_config_base(const struct hec_config *config, char out[HEC_URL_MAX])
{
    static const char *const ends[] = {
        "/services/collector",
        "/services/collector/",
        "/services/collector/event",
        "/services/collector/event/1.0",
    };
    const char *endpoint = config->http.endpoint;
    size_t size = strlen(endpoint);

    if (size >= HEC_URL_MAX || strncmp(endpoint, "unix:", 5) == 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        size_t end = strlen(ends[i]);
        if (size < end || strcmp(endpoint + size - end, ends[i]) != 0)
            continue;
        snprintf(out, HEC_URL_MAX, "%.*s", (int)(size - end), endpoint);
        return true;
    }
    return false;
}
