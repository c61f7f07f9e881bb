/* SPDX-License-Identifier: Apache-2.0 */
/* dialect.h -- what a dialect is: tables from a sender's words to the model's.
 *
 * To add one: write dialect_NAME.c with a `struct dialect`, put it into the list of
 * dialect_list.c, and add recordings of it to the tests.  docs/SCHEMA.md is written from the
 * tables.
 *
 * Threads: constant data and functions of the record given.
 */
#pragma once

#include "normalize/mapping.h"

enum rule_how {
    RULE_TEXT,          /* as it is; sentinels are not taken over */
    RULE_INT,           /* to int */
    RULE_INT_FROM_ZERO, /* to int, and counted from 1 where the sender counts from 0 */
    RULE_DOUBLE,        /* to double */
    RULE_SECONDS,       /* milliseconds to seconds, double */
    RULE_BOOL,          /* to bool */
    RULE_WORD,          /* through `words`; unlisted becomes "unknown" */
    RULE_WORD_OR_TEXT,  /* through `words`; unlisted stays as it is */
    RULE_KNOWN_WORD,    /* through `words`; unlisted is not taken over */
    RULE_LIST,          /* "a, b" to an array */
    RULE_CONTENT,       /* long text; only [REDACTED] and nothing are no value */
};

struct word_map {
    const char *from; /* any case; NULL ends the map */
    const char *to;
};

struct rule {
    uint8_t source; /* index into dialect.sources */
    enum rule_how how;
    enum schema_key target;
    const struct word_map *words; /* RULE_WORD, RULE_WORD_OR_TEXT, RULE_KNOWN_WORD */
};

struct dialect_event {
    const char *name; /* full name, as sent */
    enum event_kind kind;
    enum event_phase phase;
    enum outcome outcome;
    enum classification classification;
    const struct rule *rules;
    size_t rule_count;
    /* What no table can say; NULL when the rules are all.  May change what the engine writes
     * (m->outcome and so on). */
    void (*finish)(struct mapping *m);
    const char *note; /* what `finish` does, for docs/SCHEMA.md */
};

struct dialect {
    const char *name;            /* agent.dialect */
    const char *product;         /* agent.product; NULL: the sender says, or nobody knows */
    const char *scope_prefix;    /* of the scope's name; NULL: no such sign */
    const char *event_prefix;    /* of the attribute event.name or event_name; NULL: no such sign */
    bool prefix_in_body;         /* the body may begin with it as well */
    bool has_service_version;    /* the resource's service.version is that of the product */
    const char *const *services; /* values of service.name, ending with NULL; NULL: no such sign */
    /* Of the keys of attributes, ends with NULL; asked last, of records that nothing else tells.
     * NULL: no such sign. */
    const char *const *key_prefixes;

    /* What stands for the sender's `name` of an event, which may be empty; in the sender's bytes,
     * in m->scratch or constant.  NULL: the name is full. */
    struct slice (*full_name)(struct mapping *m, struct slice name);

    const char *const *sources; /* keys that rules and functions read */
    size_t source_count;

    const struct rule *rules; /* for every event, before the event's own */
    size_t rule_count;

    const struct dialect_event *events;
    size_t event_count;
    const struct dialect_event *otherwise; /* for names that are not among the events */

    /* Chooses another row where the name alone does not tell; NULL: the name tells.  For spans it
     * may choose none (NULL): nothing is derived. */
    const struct dialect_event *(*refine)(const struct mapping *m,
                                          const struct dialect_event *event);
    const struct dialect_event *const *refined; /* the rows that it may choose */
    size_t refined_count;

    void (*finish)(struct mapping *m); /* for every event, before the event's own; or NULL */
    const char *note;                  /* what that does, for docs/SCHEMA.md; or NULL */
    const char *chapter;               /* more text for docs/SCHEMA.md; or NULL */
};

extern const struct dialect dialect_claude;
extern const struct dialect dialect_codex;
extern const struct dialect dialect_gemini;
extern const struct dialect dialect_qwen;
extern const struct dialect dialect_copilot_chat;
extern const struct dialect dialect_copilot_cli;
extern const struct dialect dialect_cursor;
extern const struct dialect dialect_genai;
extern const struct dialect dialect_opencode;
extern const struct dialect dialect_native;
extern const struct dialect dialect_unknown;

/* Every dialect that is found by its scope, its event names, its service or its keys, in the order
 * of asking. */
extern const struct dialect *const dialect_list[];
extern const size_t dialect_count;

/* Tables for spans, where events[].name is that of the span and a name that is not there yields no
 * event unless `refine` chooses one; span_derive.h. */
extern const struct dialect *const span_dialect_list[];
extern const size_t span_dialect_count;

enum { DIALECT_SOURCES_MAX = 128 };

/* Applies rules to the record. */
void dialect_apply_rules(struct mapping *m, const struct rule *rules, size_t count);
