/* SPDX-License-Identifier: Apache-2.0 */
/* intake_config.h -- the options of the HTTP exporter, and what becomes of them.
 *
 * An option that is absent has the value of the preset (intake_presets.h), so a number that is 0,
 * a text that is NULL and a choice `preset` say nothing.  A plan has all of them settled.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/http_config.h"
#include "telltale/http_outcome.h"

enum intake_framing {
    FRAMING_PRESET,
    FRAMING_CONCAT,     /* one record behind the other */
    FRAMING_NDJSON,     /* a line feed behind each */
    FRAMING_JSON_ARRAY, /* [ , ] */
    FRAMING_WRAPPED,    /* body_prefix , body_suffix */
};

enum intake_large { LARGE_PRESET, LARGE_REJECT, LARGE_TRUNCATE };
enum intake_old { OLD_PRESET, OLD_REJECT, OLD_SEND };
enum intake_compression {
    COMPRESSION_PRESET,
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD
};

struct intake_hmac_config {
    const char *secret_file;
    const char *header;
    const char *prefix;
};

struct intake_oauth2_config {
    const char *token_url;
    const char *client_id;
    const char *client_secret_file;
    const char *scope;
    struct config_text_map parameters;
};

struct intake_aws_config {
    const char *region;
    const char *service;
    const char *credentials_file;
};

struct intake_gcp_config {
    const char *key_file;
    const char *scope;
};

struct intake_config {
    struct http_config http;
    int preset;
    const char *method;
    const char *path;
    const char *secret_path;
    const char *query;
    const char *content_type;
    const char *record;
    int framing;
    const char *body_prefix;
    const char *body_suffix;
    const char *group_by;
    uint64_t max_groups;
    int compression;
    uint64_t max_body_size;
    uint64_t max_items;
    uint64_t max_item_size;
    int on_large_item;
    uint64_t max_age_ns;
    int on_old_item;
    struct config_text_list success, retry, split, reject;
    const char *success_path;
    const char *success_value;
    struct intake_hmac_config hmac;
    struct intake_oauth2_config oauth2;
    struct intake_aws_config aws;
    struct intake_gcp_config gcp;
};

extern const struct config_field intake_fields[];

enum {
    INTAKE_STATUSES_MAX = 32, /* in each list of statuses */
    INTAKE_RULES_MAX = 4 * INTAKE_STATUSES_MAX + 1,
    INTAKE_PATH_MAX = 2048, /* path and secret_path together */
    INTAKE_GROUPS_MAX = 1024,
};

/* Everything settled.  Texts are borrowed from the configuration and the presets. */
struct intake_plan {
    const struct intake_config *config;
    struct http_config http; /* with the preset's compression */
    const char *method, *query, *content_type, *record, *group_by;
    struct slice prefix, between, suffix; /* of a body */
    struct slice behind;                  /* each item */
    size_t max_groups;
    uint64_t max_body_size, max_items, max_item_size; /* 0: no limit of that kind */
    bool truncate;
    uint64_t max_age_ns; /* 0: none */
    struct http_rule rules[INTAKE_RULES_MAX];
    size_t rule_count;
    const char *success_path, *success_value; /* NULL: the status says it all; absent */
    char path[INTAKE_PATH_MAX];
};

/* Checks everything, and settles it.  ST_INVALID, ST_LIMIT, ST_NO_MEMORY. */
MUST_CHECK enum status intake_plan_make(const struct intake_config *config, struct intake_plan *ret,
                                        struct error *err);
