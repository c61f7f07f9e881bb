/* SPDX-License-Identifier: Apache-2.0 */
/* hec_events.h -- the records of a batch as a body for /services/collector/event:
 *
 *     {"time":1700000000.123456789,"host":"...","source":"...","sourcetype":"telltale:agent:tool",
 *      "index":"...","fields":{"telltale_kind":"agent.tool",...},"event":{...}}
 *
 * one object a line.  Splunk counts them from 0; what number an event has need not be the place of
 * its record in the batch, because records that cannot be sent have no event.
 *
 * Threads: one owner.
 */
#pragma once

#include "hec_config.h"
#include "telltale/exporter.h"

enum {
    HEC_KIND_MAX = 64,        /* bytes of a kind that a sourcetype can have */
    HEC_FIELD_VALUE_MAX = 256 /* of an indexed field; longer ones stand in the event alone */
};

struct hec_events {
    const struct hec_config *config;                        /* borrowed */
    const struct hec_indexed_field *fields[HEC_FIELDS_MAX]; /* as many as are configured */
    struct slice field_names[HEC_FIELDS_MAX];               /* `,"name":`, in field_text */
    struct shaper *shaper;                                  /* owned */
    struct buf body;                                        /* owned */
    uint32_t *records;     /* owned: of each event, the index of its record */
    size_t capacity;       /* of that list */
    size_t count;          /* of events in the body */
    size_t end;            /* records below it have an event, or were told of */
    size_t told_count;     /* of these */
    struct buf own_host;   /* owned; JSON texts: of this machine, */
    struct buf host;       /* owned; and of the last record that named one; */
    struct buf host_raw;   /* owned; as it named it */
    struct buf constant;   /* owned; what is the same for all events */
    struct buf sourcetype; /* owned; the beginning of it, without its closing quote */
    struct buf field_text; /* owned */
};

/* On failure, too, hec_events_fini() may be called.  ST_NO_MEMORY. */
MUST_CHECK enum status hec_events_init(struct hec_events *events, const struct hec_config *config,
                                       struct error *err);
void hec_events_fini(struct hec_events *events);

/* Writes the body: as many records as fit into max_content_length, one at least.  Of a record that
 * can never be sent the report is told.  ST_NO_MEMORY. */
MUST_CHECK enum status hec_events_fill(struct hec_events *events, const struct batch *batch,
                                       struct export_report *report, struct error *err);
