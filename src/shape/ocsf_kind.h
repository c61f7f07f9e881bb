/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_kind.h -- what a record is in OCSF: its class, its activity, and what was decided.
 *
 * Threads: pure functions and constant tables.
 */
#pragma once

#include "shape/record_reader.h"

enum ocsf_class {
    OCSF_CLASS_BASE,
    OCSF_CLASS_FILE,
    OCSF_CLASS_PROCESS,
    OCSF_CLASS_SCRIPT,
    OCSF_CLASS_FINDING,
    OCSF_CLASS_AUTHENTICATION,
    OCSF_CLASS_AUTHORIZE,
    OCSF_CLASS_NETWORK,
    OCSF_CLASS_HTTP,
    OCSF_CLASS_INVENTORY,
    OCSF_CLASS_LIFECYCLE,
    OCSF_CLASS_API,
    OCSF_CLASS_ERROR,
    OCSF_CLASS_COUNT
};

struct ocsf_class_row {
    uint16_t uid;
    const char *name;
    struct slice head;  /* `"class_uid":...,"category_name":"..."` */
    bool has_ai;        /* may have the attributes of profile ai_operation */
    bool has_ai_in_1_9; /* the same since 1.9 */
};
extern const struct ocsf_class_row ocsf_classes[OCSF_CLASS_COUNT];

struct ocsf_verdict {
    enum ocsf_class class;
    unsigned activity;
    bool has_control;     /* profile security_control */
    unsigned action;      /* action_id */
    unsigned disposition; /* disposition_id */
    unsigned risk;        /* risk_level_id; 0: none is said */
    unsigned status;      /* status_id */
    unsigned severity;    /* severity_id */
    unsigned role;        /* ai_role_id */
};

/* What the record is; one that says no kind is a base event. */
void ocsf_judge(const struct record_reader *reader, struct ocsf_verdict *ret);

/* The name that OCSF has for an activity of a class; NULL: none but Other. */
const char *ocsf_activity_name(enum ocsf_class class, unsigned activity);
const char *ocsf_action_name(unsigned action);
const char *ocsf_disposition_name(unsigned disposition);
const char *ocsf_risk_name(unsigned risk);
const char *ocsf_severity_name(unsigned severity);
const char *ocsf_status_name(enum ocsf_class class, unsigned status);

/* For the documentation: the row of a kind, in words. */
struct ocsf_kind_row {
    const char *classes, *activities;
};
extern const struct ocsf_kind_row ocsf_kind_rows[KIND_COUNT];
