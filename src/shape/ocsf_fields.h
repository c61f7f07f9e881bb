/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_fields.h -- which attribute of the Open Cybersecurity Schema Framework says what of the
 * model, object by object.
 *
 * Tables and nothing else: shape_ocsf.c writes by them and shape_doc.c tells of them.  Names, types
 * and numbers are those of OCSF 1.8.0.
 *
 * Threads: constant tables, read by all.
 */
#pragma once

#include "shape/record_reader.h"

/* Which values fit; another one goes to `unmapped`. */
enum ocsf_type {
    OCSF_TEXT,
    OCSF_EMAIL,
    OCSF_IP,     /* a text that is an IP address */
    OCSF_HOST,   /* a text that is none */
    OCSF_METHOD, /* one of HTTP's */
    OCSF_INT,    /* 32 bits */
    OCSF_PID,    /* the same, above 0 */
    OCSF_PORT,   /* 0 to 65535 */
    OCSF_LONG,   /* 64 bits */
    OCSF_MS,     /* a double, as whole milliseconds */
    OCSF_DIGITS, /* an integer, as text */
    OCSF_OBJECT, /* fields of its own */
};

/* What a field gives to `observables`: its type_id; 0: nothing. */
enum ocsf_observable {
    OBSERVABLE_NONE = 0,
    OBSERVABLE_HOSTNAME = 1,
    OBSERVABLE_IP = 2,
    OBSERVABLE_USER_NAME = 4,
    OBSERVABLE_EMAIL = 5,
    OBSERVABLE_URL = 6,
    OBSERVABLE_HASH = 8,
    OBSERVABLE_PROCESS_NAME = 9,
    OBSERVABLE_COMMAND_LINE = 13,
    OBSERVABLE_PID = 15,
    OBSERVABLE_FILE_PATH = 45,
};

struct ocsf_object;

struct ocsf_field {
    struct slice name; /* `,"name":` */
    uint8_t type;      /* enum ocsf_type */
    uint8_t observable;
    uint16_t key;                     /* enum schema_key, but of an object */
    const struct ocsf_object *object; /* of an object */
};

/* An object; it is left out when none of its fields is said, unless the code wants it. */
struct ocsf_object {
    const char *path; /* for the documentation */
    const struct ocsf_field *fields;
    size_t count;
    struct slice fixed; /* members that always stand first, `"type_id":1` */
    bool is_list;       /* it is the one of a list */
    bool needs_first;   /* nothing of it stands without its first field */
};

extern const struct ocsf_object ocsf_base; /* of each document */
extern const struct ocsf_object ocsf_metadata;
extern const struct ocsf_object ocsf_user;
extern const struct ocsf_object ocsf_session;
extern const struct ocsf_object ocsf_peer; /* actor.process, as the kernel says */
extern const struct ocsf_object ocsf_process;
extern const struct ocsf_object ocsf_process_class; /* of Process Activity itself */
extern const struct ocsf_object ocsf_file;
extern const struct ocsf_object ocsf_finding_info;
extern const struct ocsf_object ocsf_destination;
extern const struct ocsf_object ocsf_source;
extern const struct ocsf_object ocsf_connection;
extern const struct ocsf_object ocsf_network_class; /* of Network and HTTP Activity themselves */
extern const struct ocsf_object ocsf_http_request;
extern const struct ocsf_object ocsf_http_response;
extern const struct ocsf_object ocsf_mcp_url; /* of Network Activity */
extern const struct ocsf_object ocsf_product_app;
extern const struct ocsf_object ocsf_extension_app;
extern const struct ocsf_object ocsf_subagent_app;
extern const struct ocsf_object ocsf_api;
extern const struct ocsf_object ocsf_policy;
extern const struct ocsf_object ocsf_message_tokens;
extern const struct ocsf_object ocsf_message_texts; /* 1.9 */
extern const struct ocsf_object ocsf_ai_agent;      /* 1.9 */

/* All of them, for the documentation; ends with NULL. */
extern const struct ocsf_object *const ocsf_objects[];
