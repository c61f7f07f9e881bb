/* SPDX-License-Identifier: Apache-2.0 */
/* shape_doc.c -- see shape_doc.h.  What is true of all documents stands in the text below; fields
 * come from the tables. */
#include "shape/shape_doc.h"

#include "shape/cim_fields.h"
#include "shape/ecs_fields.h"
#include "shape/ecs_kind.h"
#include "util/doc_page.h"

static const char introduction[] =
    "# Shapes: a record as a JSON document\n"
    "\n"
    "<!-- Written from the tables in src/shape/ by the test shape.shape_doc; to write it anew, "
    "run\n"
    "     that test with UPDATE_GOLDEN=1. -->\n"
    "\n"
    "Destinations that index documents get a log record in one of these forms. A document is "
    "valid\n"
    "JSON on one line, whatever the record holds: keys stand once, texts are UTF-8 (other bytes\n"
    "become U+FFFD), times have nine digits, and the value at one path always has the same type.\n"
    "So no sender can make a document that an index refuses, and hide by it.\n"
    "\n"
    "## Where a value stands\n"
    "\n"
    "1. **An attribute of the model** (SCHEMA.md) is one whose key is of the schema, behind the\n"
    "   longest chain of `agent.norm.`, and whose value has the type of that key. What\n"
    "   `agent.norm.errors` lists below `agent.` is the sender's and believed by no shape, but "
    "for\n"
    "   keys that are always there; `agent.peer.*` counts only as the kernel's word.\n"
    "2. **All others are the sender's**, and stand under their keys in `attributes`. Agents use "
    "the\n"
    "   same key for a text and for a number, and `error` beside `error.message`; so this is one\n"
    "   field of the index, of type `flattened` (Elasticsearch) or `flat_object` (OpenSearch), "
    "and\n"
    "   never an object with fields of its own. The same holds for `resource.attributes` and\n"
    "   `scope.attributes`.\n"
    "3. **What cannot stand there is in `attribute_list`**, pairs of `key` and `value`, both "
    "texts:\n"
    "   keys with other characters than ASCII letters, digits and signs, with a quote or "
    "backslash,\n"
    "   longer than 1024 bytes, or with nothing before, behind or between dots; values over 8192\n"
    "   bytes, for Lucene refuses terms over 32766 bytes and the whole document with them, and\n"
    "   `flat_object` has no `ignore_above`; and of a key that stands twice all but the last. The\n"
    "   same list has fields of the record that are out of range: times beyond 2262 (`date_nanos`\n"
    "   ends there), a severity over 24, names over 8192 bytes.\n"
    "4. **Values as text** (ecs, cim): numbers as their digits, booleans as `true` and `false`,\n"
    "   bytes in base64, lists as JSON within the text, an empty value as an empty text. Versions\n"
    "   of OpenSearch refused or could not find fields behind nulls and lists of objects within a\n"
    "   `flat_object`, and before 2.12 behind keys with dots; plain texts they all take.\n"
    "5. **Values of their own type** (otel): a double has a point or an exponent; NaN and "
    "infinities\n"
    "   are texts; lists that nest deeper than 10, have more than 64 members in one object, or "
    "odd\n"
    "   or repeated keys within become JSON within a text.\n"
    "\n"
    "`@timestamp` (cim: `timestamp`) is the time of the event, else the observed time, else the\n"
    "time of receipt; the last is that of `log.record.uid`, in milliseconds.\n"
    "\n"
    "An index needs these types besides those below: `attributes`, `resource.attributes`,\n"
    "`scope.attributes` and `body.structured` `flattened` (with `ignore_above` 8191) or\n"
    "`flat_object`; `attribute_list.key` `keyword`; `attribute_list.value`, the same of\n"
    "`resource.attribute_list` and `scope.attribute_list`, `match_only_text`; `scope.name`,\n"
    "`scope.version`, `scope.schema_url`, `resource.schema_url` and `data_stream.*` `keyword`;\n"
    "`date_detection` off. `wildcard` needs OpenSearch 2.15; before, `keyword` with "
    "`ignore_above`.\n"
    "\n"
    "## otel\n"
    "\n"
    "The document of the OpenTelemetry Collector's Elasticsearch exporter in its mode `otel`.\n"
    "What differs: times as RFC 3339; lists as a body are always within `value`; a body that does\n"
    "not nest well is text; `trace_flags`; and `attribute_list`.\n"
    "\n"
    "| Field | Type | From |\n"
    "|---|---|---|\n"
    "| `@timestamp`, `observed_timestamp` | date_nanos | the times of the record |\n"
    "| `data_stream.type`, `.dataset`, `.namespace` | keyword | the configuration |\n"
    "| `severity_number` | long | 1 to 24 |\n"
    "| `severity_text`, `event_name`, `trace_id`, `span_id` | keyword | the record |\n"
    "| `trace_flags`, `dropped_attributes_count` | long | the record, if not 0 |\n"
    "| `body.text` | match_only_text | the body as text, when it is no list |\n"
    "| `body.structured` | flattened | a list of keys; other lists as its member `value` |\n"
    "| `attributes` | flattened | all attributes, the model's too |\n"
    "| `resource`, `scope` | object | `attributes`, `schema_url`; of the scope `name`, `version` "
    "|\n"
    "\n"
    "## ecs\n"
    "\n"
    "The Elastic Common Schema, version " ECS_VERSION
    ", as nested objects. ECS gives `agent.*` to\n"
    "the shipper of logs, so that ours stands below `ai_agent`; what is not ECS is below "
    "`ai_agent`\n"
    "too, but for `session.id`, `attributes`, `attribute_list`, `resource` and `scope`. A value "
    "of\n"
    "the model that its field cannot hold (a text over 8192 bytes in a `keyword`, a number over "
    "32\n"
    "bits in an `integer`) goes where the sender's own go. Attributes of the resource that have a\n"
    "field stand there alone.\n"
    "\n"
    "`event.action` is the kind without `agent.`, and the phase: `tool-end`. `event.outcome` is\n"
    "`failure` for what was denied, cancelled or timed out too; of an approval or a review it is\n"
    "`success` when there was a verdict, which is in `event.type`.\n"
    "\n";

static const char cim_text[] =
    "## cim\n"
    "\n"
    "The `event` of Splunk's HTTP Event Collector. Fields of Splunk's Common Information Model "
    "and\n"
    "attributes of the model stand at the top, these under their own names with their dots, which\n"
    "are the names that a search sees; the sender's own are in `attributes`, so that they cannot\n"
    "pass for a field of CIM or for `source` and `host`. Meant for a sourcetype with\n"
    "`KV_MODE = json` and `INDEXED_EXTRACTIONS` off. Splunk extracts fields from the first 5000\n"
    "characters by `spath` and the first 10240 by `KV_MODE`, at most 100 of them by default\n"
    "(limits.conf): so short values stand first, and texts from 512 bytes on behind them, then "
    "the\n"
    "body and the sender's own.\n"
    "\n"
    "`timestamp`, `observed_timestamp`, `event_name`, `severity_number`, `severity_text`,\n"
    "`trace_id`, `span_id`, `trace_flags`, `dropped_attributes_count` and `body`, always a text,\n"
    "are the record's.\n"
    "\n"
    "| Field of CIM | Data models | From |\n"
    "|---|---|---|\n";

static const char *describe_fact(enum ecs_fact fact)
{
    static const char *const texts[] = {
        [FACT_TIME] = "the time of the event",
        [FACT_OBSERVED] = "the observed time",
        [FACT_RECEIVED] = "the time of receipt",
        [FACT_KIND] = "the kind, see below",
        [FACT_CATEGORY] = "the kind, see below",
        [FACT_TYPE] = "the kind, see below",
        [FACT_ACTION] = "kind and phase",
        [FACT_OUTCOME] = "`agent.outcome`",
        [FACT_DATASET] = "the configuration",
        [FACT_LEVEL] = "the severity text, else the name of the number's range",
        [FACT_MESSAGE] = "the body, as text",
        [FACT_TRACE_ID] = "the trace id",
        [FACT_SPAN_ID] = "the span id",
        [FACT_EVENT_NAME] = "the event name",
        [FACT_FLAGS] = "the flags, if not 0",
        [FACT_DROPPED] = "the count of attributes that the sender dropped, if not 0",
        [FACT_SEVERITY_NUMBER] = "the severity number",
        [FACT_VERSION] = "the version of ECS, as above"};
    return texts[fact];
}

static void put_ecs_source(struct doc_page *page, const struct ecs_field *field)
{
    static const char *const notes[] = {[FROM_MODEL] = "",
                                        [FROM_MS] = ", in nanoseconds",
                                        [FROM_IP] = ", if it is an IP address",
                                        [FROM_DOMAIN] = ", if it is no IP address",
                                        [FROM_RESOURCE] = " of the resource, else of the record",
                                        [FROM_EITHER] = ", else the same of the resource",
                                        [FROM_RECORD] = ""};
    if (field->source == FROM_RECORD)
        doc_put(page, "%s", describe_fact((enum ecs_fact)field->key));
    else
        doc_put(page, "`%s`%s", reader_key_name(field->key), notes[field->source]);
}

static void put_ecs(struct doc_page *page)
{
    static struct ecs_field fields[ECS_FIELDS_MAX];
    static char paths[ECS_FIELDS_MAX][ECS_PATH_MAX];
    size_t count = ecs_all_fields(fields, paths);

    doc_put_text(page, "| Kind | `event.category` | `event.type` |\n|---|---|---|\n");
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        doc_put(page, "| `%s` | %s | %s |\n", schema_kinds[kind].name,
                ecs_kind_rows[kind].categories, ecs_kind_rows[kind].types);
    doc_put_text(page, "\n| Field | Type | From |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        bool is_stored = fields[i].type == ECS_STORED;
        doc_put(page, "| `%s` | %s%s | ", fields[i].path,
                ecs_type_name((enum ecs_type)fields[i].type),
                is_stored                        ? ", not indexed"
                : fields[i].type == ECS_KEYWORDS ? "[]"
                                                 : "");
        put_ecs_source(page, &fields[i]);
        doc_put_text(page, " |\n");
    }
    doc_put_text(page, "\n");
}

static void put_cim_models(struct doc_page *page, unsigned models)
{
    const char *between = "";

    if (models == (1U << CIM_MODEL_COUNT) - 1) {
        doc_put_text(page, "all");
        return;
    }
    for (unsigned model = 0; model < CIM_MODEL_COUNT; model++) {
        if ((models & 1U << model) == 0)
            continue;
        doc_put(page, "%s%s", between, cim_model_names[model]);
        between = ", ";
    }
}

static void put_cim(struct doc_page *page)
{
    doc_put_text(page, cim_text);
    for (size_t i = 0; i < CIM_FACT_COUNT; i++) {
        doc_put(page, "| `%s` | ", cim_concluded[i].name);
        put_cim_models(page, cim_concluded[i].models);
        doc_put(page, " | %s |\n", cim_concluded[i].meaning);
    }
    for (size_t i = 0; i < cim_field_count; i++) {
        doc_put(page, "| `%s` | ", cim_fields[i].name);
        put_cim_models(page, cim_fields[i].models);
        doc_put(page, " | `%s` |\n", schema_attributes[cim_fields[i].key].key);
    }
}

enum status shape_write_markdown(struct buf *out, struct error *err)
{
    struct doc_page page = {.out = out, .err = err};
    doc_put_text(&page, introduction);
    put_ecs(&page);
    put_cim(&page);
    return page.status;
}
