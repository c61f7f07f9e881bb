/* SPDX-License-Identifier: Apache-2.0 */
/* template_program.h -- a template that was read: literal text and what to write behind it.
 *
 * Threads: pure functions; a program is constant once it is compiled.
 */
#pragma once

#include "telltale/record_template.h"

enum slot_type {
    SLOT_NONE, /* literal text only */
    SLOT_TEXT, /* a slice of the facts */
    SLOT_HEX,
    SLOT_NUMBER, /* a uint32_t of the facts; 0: missing */
    SLOT_SEVERITY,
    SLOT_SEQUENCE,
    SLOT_TIME, /* a uint64_t of the facts; 0: missing */
    SLOT_BODY,
    SLOT_ATTRS,
    SLOT_ATTR,
    SLOT_SHAPE,
};

enum slot_form {
    FORM_VALUE,
    FORM_STR,
    FORM_B64,
    FORM_NESTED, /* SLOT_ATTRS */
};

enum slot_missing { MISSING_NULL, MISSING_EMPTY, MISSING_OMIT };

enum time_form {
    TIME_RFC3339_NANO,
    TIME_UNIX_S,
    TIME_UNIX_MS,
    TIME_UNIX_US,
    TIME_UNIX_NS,
    TIME_UNIX_DEC9,
    TIME_UNIX_MS_STR,
    TIME_UNIX_NS_STR,
    TIME_FORM_COUNT
};

struct slot {
    enum slot_type type;
    enum slot_form form;
    enum slot_missing missing;
    enum time_form time_form;
    bool in_string;
    size_t offset;    /* TEXT, HEX, NUMBER, TIME: in struct record_facts */
    unsigned shape;   /* SHAPE: enum shape */
    struct slice key; /* ATTR: in the program's source */
};

/* Literal text, then a slot.  `comma`: a comma comes first unless an object or array has just been
 * opened, because a member before it may have been left out. */
struct template_step {
    struct slice text; /* in the program's text */
    bool comma;
    struct slot slot;
};

struct template_program {
    uint8_t *source; /* owned: the template */
    uint8_t *text;   /* owned: its literals */
    size_t text_size;
    struct template_step *steps; /* owned */
    size_t count;
    unsigned shapes; /* a bit for each that it has slots for */
};

/* Ended by template_program_fini() in any case. */
MUST_CHECK enum status template_program_compile(struct slice text, struct template_program *ret,
                                                struct error *err);
void template_program_fini(struct template_program *program);
