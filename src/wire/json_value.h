/* SPDX-License-Identifier: Apache-2.0 */
/* json_value.h -- plain JSON into AnyValues and attributes.
 *
 * Objects among attributes are flattened with dots; within arrays, and in a value that is no
 * attribute, they are lists of key and value.  Numbers without fraction and exponent that fit are
 * ints, others doubles.  null is no attribute and no member; within an array it is an empty value,
 * so that the others keep their places.  An empty object among attributes is an attribute with an
 * empty list, so that it is seen.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "wire/json_scan.h"
#include "wire/nest.h"
#include "wire/otlp.h"

/* Where fields go: a message, perhaps the first of several in its buffer. */
struct json_target {
    struct nest nest;
    uint32_t number;  /* of its field for attributes, below 16 */
    size_t start;     /* of the message in the buffer */
    size_t size_max;  /* of the message */
    size_t room_end;  /* up to here nothing needs to be asked, JSON_TEXT_SLACK included */
    const char *name; /* for messages: "record" */
};

/* Bytes of the keys around an attribute, whatever the limit for keys says. */
enum { JSON_PATH_MAX = 4096 };

struct json_values {
    struct json_scan scan;
    const struct otlp_limits *limits; /* borrowed */
    struct error *err;                /* borrowed; where failures go */
    uint32_t depth_max;
    uint32_t attribute_count;
    uint32_t path_depth; /* objects around the attribute that is being read */
    size_t path_size;
    uint8_t path[JSON_PATH_MAX + JSON_TEXT_SLACK]; /* their keys, with a dot behind each */
};

/* `text`, `limits` and `err` are borrowed. */
void json_values_init(struct json_values *values, struct slice text,
                      const struct otlp_limits *limits, struct error *err);

/* The message begins at the end of `out`, which is borrowed. */
void json_target_init(struct json_target *target, struct buf *out, uint32_t number, size_t size_max,
                      const char *name);
void json_target_fini(struct json_target *target);

/* All is written: brings the message into its final form. */
MUST_CHECK enum status json_target_finish(struct json_target *target, struct error *err);

/* Makes room for `size` bytes and JSON_TEXT_SLACK.  ST_LIMIT: the message or its buffer. */
MUST_CHECK enum status json_target_reserve(struct json_target *target, size_t size,
                                           struct error *err);

static inline uint8_t *json_target_at(const struct json_target *target)
{
    return target->nest.out->data + target->nest.out->size;
}

static inline void json_target_set_end(struct json_target *target, const uint8_t *end)
{
    target->nest.out->size = (size_t)(end - target->nest.out->data);
}

/* Each reads the value where the scanner stands. ST_INVALID: it is not JSON; ST_LIMIT names the
 * limit; the message says the byte. */

/* As field `number`, an AnyValue. */
MUST_CHECK enum status json_append_value(struct json_values *values, struct json_target *target,
                                         uint32_t number);

/* As the attribute `key`; an object as many. */
MUST_CHECK enum status json_append_attribute(struct json_values *values, struct json_target *target,
                                             const struct json_text *key);

/* An object whose members are attributes. */
MUST_CHECK enum status json_append_attributes(struct json_values *values,
                                              struct json_target *target);

/* Counts one more attribute with this key against the limits. */
MUST_CHECK enum status json_count_attribute(struct json_values *values,
                                            const struct json_text *key);

/* --- Failures: "byte N: 'key' REASON", N being where the scanner stands --- */

enum status json_values_fail(struct json_values *values, enum status status, const char *reason);
enum status json_key_fail(struct json_values *values, enum status status,
                          const struct json_text *key, const char *reason);
enum status json_key_over_limit(struct json_values *values, const struct json_text *key,
                                const char *what, size_t limit);
