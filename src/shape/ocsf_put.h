/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_put.h -- objects within objects that stand only where something is said in them, and the
 * memory of which attributes of the model have found a place.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "shape/ocsf_fields.h"
#include "shape/shape_put.h"

enum {
    OCSF_DEPTH_MAX = 5, /* objects around a field */
    OCSF_SEEN_MAX = 24, /* observables of a document; more are not listed */
};

struct ocsf_frame {
    struct slice name; /* `,"name":` */
    struct slice fixed;
    bool is_list, is_open;
};

/* A value that stands in the document, for `observables`. */
struct ocsf_seen {
    struct slice names[OCSF_DEPTH_MAX + 1]; /* of the objects around it and its own */
    unsigned name_count;
    unsigned type;
    struct slice text; /* empty: it is the number */
    int64_t number;
};

struct ocsf_put {
    struct json_put *json;
    const struct record_reader *reader;
    struct ocsf_frame frames[OCSF_DEPTH_MAX];
    unsigned depth;
    uint64_t placed[READER_WORDS]; /* keys whose value stands in the document */
    struct ocsf_seen seen[OCSF_SEEN_MAX];
    size_t seen_count;
};

/* Not all of it is worth clearing for each record. */
void ocsf_put_init(struct ocsf_put *put, struct json_put *json, const struct record_reader *reader);

/* An object, or a list of one, which is opened by what is put into it. */
void ocsf_begin(struct ocsf_put *put, struct slice name);
void ocsf_begin_list(struct ocsf_put *put, struct slice name);
/* The same of a table, with its fixed members. */
void ocsf_begin_object(struct ocsf_put *put, struct slice name, const struct ocsf_object *object);
/* Opens it even if nothing is put into it. */
void ocsf_open(struct ocsf_put *put);
void ocsf_end(struct ocsf_put *put);

/* Nothing is written for an empty text or word. */
void ocsf_put_text(struct ocsf_put *put, struct slice name, struct slice text);
void ocsf_put_seen(struct ocsf_put *put, struct slice name, struct slice text,
                   enum ocsf_observable type);
void ocsf_put_word(struct ocsf_put *put, struct slice name, const char *word);
void ocsf_put_uint(struct ocsf_put *put, struct slice name, uint64_t value);

/* The fields of a table, into the object that is open now. */
void ocsf_put_fields(struct ocsf_put *put, const struct ocsf_object *object);
/* The object itself, if it is said. */
void ocsf_put_object(struct ocsf_put *put, struct slice name, const struct ocsf_object *object);

/* `,"observables":[...]` */
void ocsf_put_observables(struct ocsf_put *put);

/* Whether a value of the record fits the field. */
bool ocsf_fits(const struct ocsf_put *put, const struct ocsf_field *field);

static inline void ocsf_place(struct ocsf_put *put, unsigned key)
{
    put->placed[key / 64] |= UINT64_C(1) << key % 64;
}

/* What the record says at a key whose type is text, which finds its place by it. */
static inline struct slice ocsf_take(struct ocsf_put *put, unsigned key)
{
    struct slice text = reader_text(put->reader, key);
    if (text.size > 0)
        ocsf_place(put, key);
    return text;
}
