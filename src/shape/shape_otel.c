/* SPDX-License-Identifier: Apache-2.0 */
/* shape_otel.c -- the document of the Elasticsearch exporter of the OpenTelemetry Collector in its
 * mode `otel`: the record as it is, values with their own types.  What differs from it is said in
 * docs/SHAPES.md. */
#include "shape/shaper.h"

/* A text for what has one; else an object, so that the type at each path is always the same. */
static void put_body(struct shape_out *out, const struct any_view *body)
{
    struct json_put *json = &out->json;
    bool is_array = body->type == ANY_TYPE_ARRAY;

    if (body->type == ANY_TYPE_NONE)
        return;
    shape_put_name(json, SLICE(",\"body\":"));
    if ((body->type == ANY_TYPE_KVLIST || is_array) && shape_nests_well(body)) {
        json_put(json, is_array ? SLICE("{\"structured\":{\"value\":") : SLICE("{\"structured\":"));
        shape_put_value(out, body);
        json_put(json, is_array ? SLICE("}}") : SLICE("}"));
        return;
    }
    json_put(json, SLICE("{\"text\":"));
    shape_put_as_text(out, body);
    json_put(json, SLICE("}"));
}

void shape_put_otel(struct shaper *shaper, struct shape_out *out)
{
    const struct record_reader *reader = &shaper->reader;
    const struct record_view *view = &reader->view;
    struct json_put *json = &out->json;
    struct shape_pairs pairs;

    json_put(json, SLICE("\"@timestamp\":"));
    json_put_time(json, reader->facts.time_unix_ns);
    shape_put_time_member(json, SHAPE_NAME("observed_timestamp"), view->observed_time_unix_nano);
    json_put(json, buf_slice(&shaper->stream_text));
    if (reader->facts.severity_number != 0)
        shape_put_uint_member(json, SHAPE_NAME("severity_number"), reader->facts.severity_number);
    shape_put_text_member(json, SHAPE_NAME("severity_text"), shape_short(view->severity_text));
    shape_put_text_member(json, SHAPE_NAME("event_name"), shape_short(view->event_name));
    shape_put_hex_member(json, SHAPE_NAME("trace_id"), view->trace_id);
    shape_put_hex_member(json, SHAPE_NAME("span_id"), view->span_id);
    if (view->flags != 0)
        shape_put_uint_member(json, SHAPE_NAME("trace_flags"), view->flags);
    if (view->dropped_attributes_count != 0)
        shape_put_uint_member(json, SHAPE_NAME("dropped_attributes_count"),
                              view->dropped_attributes_count);
    put_body(out, &view->body);
    shape_put_container(out, SHAPE_NAME("attributes"), &reader->record, NULL, NULL, false);
    shape_find_pairs(view, &pairs);
    shape_put_list(out, SHAPE_NAME("attribute_list"), &reader->record, NULL, NULL, pairs.pairs,
                   pairs.count);
    json_put(json, slice_from(buf_slice(&shaper->group_text), 1));
}
