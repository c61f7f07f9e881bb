/* SPDX-License-Identifier: Apache-2.0 */
/* shape_doc.c -- see shape_doc.h.  What is true of all documents stands in the text below; fields
 * come from the tables. */
#include "shape/shape_doc.h"

#include "shape/cim_fields.h"
#include "shape/ecs_fields.h"
#include "shape/ecs_kind.h"
#include "shape/ocsf_fields.h"
#include "shape/ocsf_kind.h"
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
    "   keys that are always there; if it lists `agent.*`, that is all below `agent.` that stands\n"
    "   before our `log.record.uid`. `agent.peer.*` counts only as the kernel's word.\n"
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
    "4. **Values as text** (ecs, cim, ocsf): numbers as their digits, booleans as `true` and "
    "`false`,\n"
    "   bytes in base64, lists as JSON within the text, an empty value as an empty text. Versions\n"
    "   of OpenSearch refused or could not find fields behind nulls and lists of objects within a\n"
    "   `flat_object`, and before 2.12 behind keys with dots; plain texts they all take.\n"
    "5. **Values of their own type** (otel): a double has a point or an exponent; NaN and "
    "infinities\n"
    "   are texts; lists that nest deeper than 10, have more than 64 members in one object, or "
    "odd\n"
    "   or repeated keys within become JSON within a text.\n"
    "\n"
    "`@timestamp` (cim: `timestamp`, ocsf: `time`) is the time of the event, else the observed\n"
    "time, else the time of receipt; the last is that of `log.record.uid`, in milliseconds.\n"
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

static const char ocsf_text[] =
    "\n"
    "## ocsf, ocsf-1.9\n"
    "\n"
    "The Open Cybersecurity Schema Framework, version 1.8.0, or as `ocsf-1.9` 1.9.0-dev, which "
    "adds\n"
    "`ai_agent`, `message_context.prompt_text` and `.response_text`, and has the profile\n"
    "`ai_operation` in all classes but 0, 2004 and 5001. A record is one event of one class; a\n"
    "class whose required objects nobody told of is not chosen. What OCSF requires within them "
    "and\n"
    "nobody said is `unknown`, the number 0, or, of `script.script_content`, empty.\n"
    "\n"
    "`unmapped` has all that has no place or does not fit it: attributes of the model under their\n"
    "own names with their dots and of their own types, the fields of the record, and "
    "`attributes`,\n"
    "`attribute_list`, `resource` and `scope` as above. Numbers of OCSF are those of 32 bits "
    "where\n"
    "it says `integer_t`, ports end at 65535, and an address is an `ip` or a `hostname`.\n"
    "\n"
    "| Kind | `class_uid` | `activity_id` |\n"
    "|---|---|---|\n";

static const char ocsf_concluded[] =
    "\n"
    "What is concluded:\n"
    "\n"
    "| Attribute | From |\n"
    "|---|---|\n"
    "| `time` | the time of the event, in milliseconds; `metadata.original_time` has nine digits "
    "|\n"
    "| `severity_id` | `agent.severity`: 1 below 13, 3 below 17, 4 below 21, 5 |\n"
    "| `status_id` | `agent.outcome`: 1 `success`, 0 `pending` and `unknown`, 2 all others; of "
    "2004 "
    "1 New |\n"
    "| `status_detail` | `agent.outcome`; of `agent.pipeline` `agent.pipeline.reason` |\n"
    "| `message` | the body, as text, else `agent.error.message` |\n"
    "| `metadata.correlation_uid` | `agent.turn.id`, else `gen_ai.tool.call.id` |\n"
    "| `metadata.profiles` | `host`; `security_control` and `ai_operation` where they are used |\n"
    "| `actor.app_name`, `app.name`, `message_context.application.name`, `ai_agent.name` | "
    "`agent.product`, or `service.name` where that is `other` or `unknown` |\n"
    "| `actor.app_uid`, `ai_agent.uid` | `service.instance.id` of the resource |\n"
    "| `actor.process` | `process.*` where `process.pid` is said and the class is not 1007, else "
    "who connected, unless a hook did |\n"
    "| `user.name` | `user.name`, else `user.email` |\n"
    "| `device`, `src_endpoint` | the host of the agent; `client.address` where it is said |\n"
    "| `action_id`, `disposition_id` | `agent.decision.outcome`: allow 1 and 1, 8 by a person; "
    "modify 4; deny 2 and 2, 25 by a person; abort, timeout 2 and 2; ask, defer 0 and 17; "
    "`agent.sandbox.outcome`; where only `agent.outcome` is `denied` 2 and 2 |\n"
    "| `risk_level_id` | `agent.review.risk_level`: 1 to 4 |\n"
    "| `process.uid` | `gen_ai.tool.call.id`, else, without a pid, `log.record.uid` |\n"
    "| `file.name` | `file.name`, else the end of `file.path` |\n"
    "| `file_result` | of a renamed file what `file` is else; `file` is then "
    "`agent.file.path_previous` |\n"
    "| `finding_info.uid` | `agent.review.id`, else `log.record.uid` |\n"
    "| `evidences` | the command, the file and the server that a review was about |\n"
    "| `api.operation` | the operation of the model, the tool, the MCP method or what was done to "
    "the context; else the kind |\n"
    "| `api.service.name` | `agent.mcp.server.name`, else `gen_ai.provider.name` |\n"
    "| `resources`, `privileges` | the tool that an approval was asked for |\n"
    "| `ai_model` | `gen_ai.response.model`, else `gen_ai.request.model`; `gen_ai.provider.name` "
    "|\n"
    "| `observables` | what is marked below, and `user.name` and `device.hostname` |\n"
    "\n"
    "What is copied:\n"
    "\n"
    "| Attribute | From | Observable |\n"
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

/* `,"name":` without its signs. */
static void put_ocsf_name(struct doc_page *page, struct slice name)
{
    enum { HEAD = 2, TAIL = 2 };
    doc_put(page, "%.*s", (int)name.size - HEAD - TAIL, (const char *)name.data + HEAD);
}

static void put_ocsf_field(struct doc_page *page, const char *path, const char *inner,
                           const struct ocsf_field *field)
{
    doc_put(page, "| `%s%s%s%s", path, path[0] != '\0' ? "." : "", inner,
            inner[0] != '\0' ? "." : "");
    put_ocsf_name(page, field->name);
    doc_put(page, "` | `%s` | ", schema_attributes[field->key].key);
    if (field->observable != OBSERVABLE_NONE)
        doc_put(page, "%u ", field->observable);
    doc_put_text(page, "|\n");
}

static void put_ocsf_object(struct doc_page *page, const struct ocsf_object *object)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct ocsf_field *field = &object->fields[i];
        const struct ocsf_object *inner = field->object;
        if (inner == NULL)
            put_ocsf_field(page, object->path, "", field);
        for (size_t at = 0; inner != NULL && at < inner->count; at++)
            put_ocsf_field(page, object->path, inner->path, &inner->fields[at]);
    }
}

static void put_ocsf(struct doc_page *page)
{
    doc_put_text(page, ocsf_text);
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        doc_put(page, "| `%s` | %s | %s |\n", schema_kinds[kind].name, ocsf_kind_rows[kind].classes,
                ocsf_kind_rows[kind].activities);
    doc_put_text(page, ocsf_concluded);
    for (size_t i = 0; ocsf_objects[i] != NULL; i++)
        put_ocsf_object(page, ocsf_objects[i]);
}

enum status shape_write_markdown(struct buf *out, struct error *err)
{
    struct doc_page page = {.out = out, .err = err};
    doc_put_text(&page, introduction);
    put_ecs(&page);
    put_cim(&page);
    put_ocsf(&page);
    return page.status;
}
