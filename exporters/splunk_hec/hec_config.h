/* SPDX-License-Identifier: Apache-2.0 */
/* hec_config.h -- the options of the Splunk exporter and what they may be.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/http_config.h"
#include "telltale/record_facts.h"
#include "telltale/shape.h"

enum { HEC_FIELDS_MAX = 15, HEC_URL_MAX = 2048 };

enum hec_ack_mode { HEC_ACK_AUTO, HEC_ACK_ON, HEC_ACK_OFF };

struct hec_config {
    struct http_config http; /* max_body_size is called max_content_length here */
    const char *source;
    const char *sourcetype;
    bool sourcetype_per_kind;
    const char *index; /* NULL: the token's */
    const char *host;  /* NULL: the record's */
    int shape;         /* cim, otel */
    struct config_text_list fields;
    uint64_t max_event_size; /* bytes */
    int on_incorrect_index;  /* enum hec_index_policy */
    int ack;                 /* enum hec_ack_mode */
    uint64_t ack_timeout_ns;
    uint64_t ack_poll_interval_ns;
};

enum hec_index_policy { HEC_INDEX_HOLD, HEC_INDEX_DEAD_LETTER };

extern const struct config_field hec_fields[];

/* An indexed field: what it is called in Splunk, and which fact of a record it has. */
struct hec_indexed_field {
    const char *name;       /* in the option `fields` */
    const char *field_name; /* in Splunk */
    size_t offset;          /* of a slice in struct record_facts */
};
extern const struct hec_indexed_field hec_indexed_fields[];
extern const size_t hec_indexed_field_count;

/* The one that the option calls `name`; NULL: none. */
const struct hec_indexed_field *hec_config_field(const char *name);

enum shape hec_config_shape(const struct hec_config *config);

/* Checks what the table cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status hec_config_check(const struct hec_config *config, struct error *err);

/* Where the collector is: the endpoint up to "/services/collector", if that stands at its end.
 * False: the endpoint as it is. */
bool hec_config_base(const struct hec_config *config, char out[HEC_URL_MAX]);
