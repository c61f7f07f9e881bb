/* SPDX-License-Identifier: Apache-2.0 */
/* intake_config.c -- see intake_config.h. */
#include "intake_config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "intake_presets.h"
#include "telltale/record_template.h"

static const char *const framings[] = {"preset",     "concat",        "ndjson",
                                       "json_array", "wrapped_array", NULL};
static const char *const large_policies[] = {"preset", "reject", "truncate", NULL};
static const char *const old_policies[] = {"preset", "reject", "send", NULL};
static const char *const compressions[] = {"preset", "none", "gzip", "zstd", NULL};

static const struct config_field hmac_fields[] = {
    {.key = "secret_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct intake_hmac_config, secret_file),
     .required = true,
     .help = "A file with the key. It is read again when it changes."},
    {.key = "header",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_hmac_config, header),
     .default_text = "X-Telltale-Signature",
     .help =
         "The header of the signature: HMAC-SHA256 of the body as it goes out, compressed if it "
         "is, in hexadecimal digits."},
    {.key = "prefix",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_hmac_config, prefix),
     .default_text = "sha256=",
     .help = "What stands before it."},
    {.key = NULL},
};

static const struct config_field oauth2_fields[] = {
    {.key = "token_url",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_oauth2_config, token_url),
     .required = true,
     .help = "Where tokens are given out, by client credentials."},
    {.key = "client_id",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_oauth2_config, client_id),
     .required = true,
     .help = "Who we are there."},
    {.key = "client_secret_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct intake_oauth2_config, client_secret_file),
     .required = true,
     .help = "A file with the secret. It is read for every token."},
    {.key = "scope",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_oauth2_config, scope),
     .help = "What the token is for."},
    {.key = "parameters",
     .type = CONFIG_TEXT_MAP,
     .offset = offsetof(struct intake_oauth2_config, parameters),
     .help = "Further ones of the request, `audience` or `resource`."},
    {.key = NULL},
};

static const struct config_field aws_fields[] = {
    {.key = "region",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_aws_config, region),
     .required = true,
     .help = "The region in the signature, `eu-central-1`."},
    {.key = "service",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_aws_config, service),
     .required = true,
     .help = "The service in the signature: `es`, `aoss`, `execute-api`."},
    {.key = "credentials_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct intake_aws_config, credentials_file),
     .help = "A file with lines `aws_access_key_id = ...`, `aws_secret_access_key = ...` and, "
             "perhaps, `aws_session_token = ...`; read for every request. Absent: the environment "
             "variables of those names, in capitals."},
    {.key = NULL},
};

static const struct config_field gcp_fields[] = {
    {.key = "key_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct intake_gcp_config, key_file),
     .required = true,
     .help = "The key of a service account, in JSON. It is read for every token."},
    {.key = "scope",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct intake_gcp_config, scope),
     .default_text = "https://www.googleapis.com/auth/cloud-platform",
     .help = "What the token is for."},
    {.key = NULL},
};

#define OPTION(member) .offset = offsetof(struct intake_config, member)

const struct config_field intake_fields[] = {
    HTTP_CONFIG_FIELDS(struct intake_config, http,
                       "http:// or https://, host:port and, if you like, a path; or unix:/path of "
                       "a socket."),
    {.key = "preset",
     .type = CONFIG_ENUM,
     OPTION(preset),
     .choices = intake_preset_names,
     .default_text = "webhook",
     .help = "Which destination it is. All options below that are absent, 0 or `preset` are as it "
             "wants them; docs/INTAKES.md has the table."},
    {.key = "method",
     .type = CONFIG_TEXT,
     OPTION(method),
     .default_text = "POST",
     .help = "Of the request: POST, PUT or PATCH."},
    {.key = "path", .type = CONFIG_TEXT, OPTION(path), .help = "Behind the path of the endpoint."},
    {.key = "secret_path",
     .type = CONFIG_TEXT,
     OPTION(secret_path),
     .secret = true,
     .help =
         "Behind that, where the address is the secret, as `${file:/path}`. It is never printed "
         "or logged."},
    {.key = "query", .type = CONFIG_TEXT, OPTION(query), .help = "Behind '?', escaped."},
    {.key = "content_type", .type = CONFIG_TEXT, OPTION(content_type), .help = "Of the body."},
    {.key = "record",
     .type = CONFIG_TEXT,
     OPTION(record),
     .help = "A record: JSON with slots, `{\"time\":{{time:unix_ms}},\"event\":{{shape:otel}}}`; "
             "docs/INTAKES.md lists them."},
    {.key = "framing",
     .type = CONFIG_ENUM,
     OPTION(framing),
     .choices = framings,
     .default_text = "preset",
     .help = "How records become a body."},
    {.key = "body_prefix",
     .type = CONFIG_TEXT,
     OPTION(body_prefix),
     .help = "What stands before the records of a wrapped_array: `{\"streams\":[`."},
    {.key = "body_suffix",
     .type = CONFIG_TEXT,
     OPTION(body_suffix),
     .help = "What stands behind them: `]}`."},
    {.key = "group_by",
     .type = CONFIG_TEXT,
     OPTION(group_by),
     .help = "A JSON object with slots. Records for which it is the same stand together, by their "
             "time, as Loki's streams: `{\"stream\":...,\"values\":[...]}`."},
    {.key = "max_groups",
     .type = CONFIG_INTEGER,
     OPTION(max_groups),
     .min = 1,
     .max = INTAKE_GROUPS_MAX,
     .default_text = "64",
     .help = "Different groups in a request."},
    {.key = "compression",
     .type = CONFIG_ENUM,
     OPTION(compression),
     .choices = compressions,
     .default_text = "preset",
     .help = "How requests are compressed."},
    {.key = "compression_level",
     .type = CONFIG_INTEGER,
     .offset =
         offsetof(struct intake_config, http) + offsetof(struct http_config, compression_level),
     .min = 1,
     .max = 12,
     .default_text = "1",
     .help = "From 1, the fastest, to 12, the smallest."},
    {.key = "max_body_size",
     .type = CONFIG_SIZE,
     OPTION(max_body_size),
     .max = UINT64_C(64) * 1024 * 1024,
     .default_text = "0",
     .help = "Of a request before compression."},
    {.key = "max_items",
     .type = CONFIG_INTEGER,
     OPTION(max_items),
     .max = 1000000,
     .default_text = "0",
     .help = "Records in a request."},
    {.key = "max_item_size",
     .type = CONFIG_SIZE,
     OPTION(max_item_size),
     .max = UINT64_C(64) * 1024 * 1024,
     .default_text = "0",
     .help = "Of a record as it stands in the body."},
    {.key = "on_large_item",
     .type = CONFIG_ENUM,
     OPTION(on_large_item),
     .choices = large_policies,
     .default_text = "preset",
     .help = "A larger one goes to the dead letters (reject), or its body is cut and marked "
             "(truncate) if that is enough."},
    {.key = "max_age",
     .type = CONFIG_DURATION,
     OPTION(max_age_ns),
     .default_text = "0",
     .help = "Records that are older are not taken there."},
    {.key = "on_old_item",
     .type = CONFIG_ENUM,
     OPTION(on_old_item),
     .choices = old_policies,
     .default_text = "preset",
     .help = "They go to the dead letters (reject, and preset), or are sent anyway (send)."},
    {.key = "success_statuses",
     .type = CONFIG_TEXT_LIST,
     OPTION(success),
     .help = "Statuses, `204` or `200-202`, that say that records were taken. When there are some, "
             "others below 300 are to be repaired. Absent: 200-299."},
    {.key = "retry_statuses",
     .type = CONFIG_TEXT_LIST,
     OPTION(retry),
     .help = "Statuses after which the same is sent again, beside 408, 425, 429 and 5xx."},
    {.key = "split_statuses",
     .type = CONFIG_TEXT_LIST,
     OPTION(split),
     .help = "Statuses that say that a request is too large, beside 413."},
    {.key = "reject_statuses",
     .type = CONFIG_TEXT_LIST,
     OPTION(reject),
     .help = "Statuses that say that a record will never be taken, beside 400, 409 and 422: it is "
             "found by halving the request, and goes to the dead letters."},
    {.key = "success_path",
     .type = CONFIG_TEXT,
     OPTION(success_path),
     .help = "A member of the answer, names with dots between, that says success too."},
    {.key = "success_value",
     .type = CONFIG_TEXT,
     OPTION(success_value),
     .help = "What it has then: `0`, `false`. Absent: it must not be there."},
    {.key = "hmac",
     .type = CONFIG_SECTION,
     OPTION(hmac),
     .fields = hmac_fields,
     .help = "A signature of the body in a header."},
    {.key = "oauth2",
     .type = CONFIG_SECTION,
     OPTION(oauth2),
     .fields = oauth2_fields,
     .help = "A token that is asked for and kept until it expires."},
    {.key = "aws",
     .type = CONFIG_SECTION,
     OPTION(aws),
     .fields = aws_fields,
     .help = "AWS Signature Version 4."},
    {.key = "gcp",
     .type = CONFIG_SECTION,
     OPTION(gcp),
     .fields = gcp_fields,
     .help = "A token for a service account of Google Cloud."},
    {.key = NULL},
};

/* --- Settling -------------------------------------------------------------------------------- */

static const char *text_or(const char *own, const char *preset)
{
    return own != NULL ? own : preset;
}

static uint64_t number_or(uint64_t own, uint64_t preset)
{
    return own != 0 ? own : preset;
}

static struct slice slice_or_empty(const char *text)
{
    return text != NULL ? slice_of_text(text) : SLICE_EMPTY;
}

static void settle_framing(struct intake_plan *plan, const struct intake_preset *preset)
{
    const struct intake_config *config = plan->config;
    int framing = config->framing != FRAMING_PRESET ? config->framing : (int)preset->framing;

    plan->between = SLICE(",");
    switch (framing) {
    case FRAMING_CONCAT:
        plan->between = SLICE_EMPTY;
        break;
    case FRAMING_NDJSON:
        plan->between = SLICE_EMPTY;
        plan->behind = SLICE("\n");
        break;
    case FRAMING_JSON_ARRAY:
        plan->prefix = SLICE("[");
        plan->suffix = SLICE("]");
        break;
    default:
        plan->prefix = slice_or_empty(text_or(config->body_prefix, preset->body_prefix));
        plan->suffix = slice_or_empty(text_or(config->body_suffix, preset->body_suffix));
        break;
    }
}

static void settle(struct intake_plan *plan, const struct intake_preset *preset)
{
    const struct intake_config *config = plan->config;
    int large =
        config->on_large_item != LARGE_PRESET ? config->on_large_item : (int)preset->on_large_item;
    int compression =
        config->compression != COMPRESSION_PRESET ? config->compression : (int)preset->compression;

    plan->http = config->http;
    plan->http.compression = compression - COMPRESSION_NONE + HTTP_COMPRESSION_NONE;
    plan->method = text_or(config->method, "POST");
    plan->query = text_or(config->query, preset->query);
    plan->content_type = text_or(config->content_type, preset->content_type);
    plan->record = text_or(config->record, preset->record);
    plan->group_by = text_or(config->group_by, preset->group_by);
    plan->max_groups = config->max_groups;
    plan->max_body_size = number_or(config->max_body_size, preset->max_body_size);
    plan->max_items = number_or(config->max_items, preset->max_items);
    plan->max_item_size = number_or(config->max_item_size, preset->max_item_size);
    plan->truncate = large == LARGE_TRUNCATE;
    plan->max_age_ns =
        config->on_old_item == OLD_SEND ? 0 : number_or(config->max_age_ns, preset->max_age_ns);
    plan->success_path = config->success_path;
    plan->success_value = config->success_value;
    settle_framing(plan, preset);
}

/* --- Statuses -------------------------------------------------------------------------------- */

static bool read_status(const char **at, int *ret)
{
    enum { DIGITS = 3 };
    *ret = 0;
    for (int i = 0; i < DIGITS; i++, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        *ret = *ret * 10 + (**at - '0');
    }
    return *ret >= 100 && *ret <= 599;
}

static enum status add_statuses(struct intake_plan *plan, const char *key,
                                const struct config_text_list *list, enum http_verdict verdict,
                                struct error *err)
{
    if (list->count > INTAKE_STATUSES_MAX)
        return error_set(err, ST_LIMIT, "%s: %zu statuses, limit %d", key, list->count,
                         INTAKE_STATUSES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        struct http_rule rule = {.verdict = verdict};
        const char *at = list->items[i];
        bool good = read_status(&at, &rule.first);
        rule.last = rule.first;
        if (good && *at == '-') {
            at++;
            good = read_status(&at, &rule.last) && rule.last >= rule.first;
        }
        if (!good || *at != 0)
            return error_set(err, ST_INVALID, "%s: '%.32s' is no status like 204 or 200-202", key,
                             list->items[i]);
        plan->rules[plan->rule_count++] = rule;
    }
    return ST_OK;
}

static enum status settle_rules(struct intake_plan *plan, struct error *err)
{
    static const struct http_rule others = {200, 299, HTTP_VERDICT_REPAIR,
                                            "a status that success_statuses does not have"};
    const struct intake_config *config = plan->config;

    enum status st =
        add_statuses(plan, "success_statuses", &config->success, HTTP_VERDICT_DONE, err);
    if (st == ST_OK)
        st = add_statuses(plan, "retry_statuses", &config->retry, HTTP_VERDICT_RETRY, err);
    if (st == ST_OK)
        st = add_statuses(plan, "split_statuses", &config->split, HTTP_VERDICT_SPLIT, err);
    if (st == ST_OK)
        st = add_statuses(plan, "reject_statuses", &config->reject, HTTP_VERDICT_REJECTED, err);
    if (st == ST_OK && config->success.count > 0)
        plan->rules[plan->rule_count++] = others;
    return st;
}

/* --- Checks ---------------------------------------------------------------------------------- */

static enum status check_template(const char *key, const char *text, bool object, struct error *err)
{
    if (text == NULL)
        return ST_OK;
    if (object && text[strspn(text, " \t\r\n")] != '{')
        return error_set(err, ST_INVALID, "%s: column 1: must be an object", key);
    enum status st = record_template_check(slice_of_text(text), err);
    return st == ST_OK ? ST_OK : error_context(err, "%s", key);
}

/* What stands around the records must be JSON once they are there. */
static enum status check_wrapping(const struct intake_plan *plan, struct error *err)
{
    char text[4096];

    if (plan->prefix.size == 0 && plan->suffix.size == 0)
        return plan->between.size == 0
                   ? ST_OK
                   : error_set(err, ST_INVALID,
                               "a wrapped_array needs body_prefix and body_suffix");
    int size = snprintf(text, sizeof(text), "%.*s0,0%.*s", SLICE_ARG(plan->prefix),
                        SLICE_ARG(plan->suffix));
    if (size < 0 || (size_t)size >= sizeof(text))
        return error_set(err, ST_LIMIT, "body_prefix and body_suffix are too long");
    if (strstr(text, "{{") != NULL)
        return error_set(err, ST_INVALID, "body_prefix and body_suffix have no slots");
    enum status st = record_template_check(slice_of_text(text), err);
    return st == ST_OK ? ST_OK : error_context(err, "body_prefix and body_suffix");
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, text) == 0)
            return true;
    }
    return false;
}

static bool has_authorization(const struct http_config *http)
{
    bool found = http->token_file != NULL || http->basic_auth.user != NULL;

    for (size_t i = 0; i < http->headers.count; i++)
        found = found || strcasecmp(http->headers.pairs[i].key, "authorization") == 0;
    for (size_t i = 0; i < http->headers_from_files.count; i++)
        found = found || strcasecmp(http->headers_from_files.pairs[i].key, "authorization") == 0;
    return found;
}

/* Of letters, digits and hyphens: what a header or a scope of a signature can bear. */
static bool is_plain_name(const char *text)
{
    enum { NAME_MAX_SIZE = 100 };
    size_t size = strlen(text);

    return size > 0 && size <= NAME_MAX_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == size;
}

/* Of at most `size_max` bytes between `first` and '~'. */
static bool is_ascii(const char *text, char first, size_t size_max)
{
    size_t size = 0;

    while (text[size] >= first && text[size] < 0x7f)
        size++;
    return text[size] == 0 && size <= size_max;
}

/* What stands in the head of a request as it is. */
static enum status check_head(const struct intake_plan *plan, struct error *err)
{
    enum { TYPE_MAX_SIZE = 200, QUERY_MAX_SIZE = 2048 };

    if (plan->content_type != NULL &&
        (plan->content_type[0] == 0 || !is_ascii(plan->content_type, ' ', TYPE_MAX_SIZE)))
        return error_set(err, ST_INVALID, "content_type is not ASCII text");
    if (plan->query != NULL &&
        (!is_ascii(plan->query, '!', QUERY_MAX_SIZE) || strchr(plan->query, '#') != NULL))
        return error_set(err, ST_INVALID, "query must be escaped, without '#'");
    return ST_OK;
}

static enum status check_signatures(const struct intake_config *config, struct error *err)
{
    enum { PREFIX_MAX_SIZE = 100 };
    const struct intake_hmac_config *hmac = &config->hmac;

    if (hmac->secret_file != NULL && (hmac->header == NULL || !is_plain_name(hmac->header)))
        return error_set(err, ST_INVALID, "hmac.header is no name of a header");
    if (hmac->secret_file != NULL && hmac->prefix != NULL &&
        !is_ascii(hmac->prefix, ' ', PREFIX_MAX_SIZE))
        return error_set(err, ST_INVALID, "hmac.prefix is not ASCII text of at most 100 bytes");
    if (config->aws.region != NULL && !is_plain_name(config->aws.region))
        return error_set(err, ST_INVALID, "aws.region is no name of a region");
    if (config->aws.region != NULL &&
        (config->aws.service == NULL || !is_plain_name(config->aws.service)))
        return error_set(err, ST_INVALID, "aws.service is no name of a service");
    return ST_OK;
}

static enum status check_auth(const struct intake_config *config, struct error *err)
{
    unsigned count = has_authorization(&config->http) + (config->oauth2.token_url != NULL) +
                     (config->aws.region != NULL) + (config->gcp.key_file != NULL);

    if (count > 1)
        return error_set(err, ST_INVALID,
                         "token_file, basic_auth, a header 'authorization', oauth2, aws and gcp "
                         "exclude another");
    if (config->aws.region != NULL && strncmp(config->http.endpoint, "unix:", 5) == 0)
        return error_set(err, ST_INVALID, "aws: a Unix socket has no host to sign");
    return http_config_check_url(&config->http, "oauth2.token_url", config->oauth2.token_url, err);
}

static enum status check_path(struct intake_plan *plan, const char *preset_path, struct error *err)
{
    const char *path = text_or(plan->config->path, preset_path);
    const char *secret = plan->config->secret_path;
    size_t size = 0;

    if ((path != NULL && path[0] != '/' && path[0] != 0) || (secret != NULL && secret[0] != '/'))
        return error_set(err, ST_INVALID, "path and secret_path must begin with '/'");
    if ((path != NULL ? strlen(path) : 0) + (secret != NULL ? strlen(secret) : 0) >=
        sizeof(plan->path))
        return error_set(err, ST_LIMIT, "path and secret_path are too long");
    size = (size_t)snprintf(plan->path, sizeof(plan->path), "%s%s", path != NULL ? path : "",
                            secret != NULL ? secret : "");
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)plan->path[i];
        if (c <= ' ' || c >= 0x7f || c == '?' || c == '#')
            return error_set(err, ST_INVALID, "path and secret_path must be escaped, without '?'");
    }
    return ST_OK;
}

enum status intake_plan_make(const struct intake_config *config, struct intake_plan *ret,
                             struct error *err)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", NULL};
    const struct intake_preset *preset = &intake_presets[config->preset];

    *ret = (struct intake_plan){.config = config};
    settle(ret, preset);
    enum status st = http_config_check(&ret->http, err);
    if (st == ST_OK)
        st = check_path(ret, preset->path, err);
    if (st == ST_OK)
        st = check_head(ret, err);
    if (st == ST_OK)
        st = check_auth(config, err);
    if (st == ST_OK)
        st = check_signatures(config, err);
    if (st == ST_OK)
        st = check_template("record", ret->record, false, err);
    if (st == ST_OK)
        st = check_template("group_by", ret->group_by, true, err);
    if (st == ST_OK)
        st = check_wrapping(ret, err);
    if (st == ST_OK)
        st = settle_rules(ret, err);
    if (st == ST_OK && !is_one_of(ret->method, methods))
        st = error_set(err, ST_INVALID, "method: POST, PUT or PATCH");
    if (st == ST_OK && ret->success_value != NULL && ret->success_path == NULL)
        st = error_set(err, ST_INVALID, "success_value needs success_path");
    if (st == ST_OK && ret->group_by != NULL && ret->between.size == 0)
        st = error_set(err, ST_INVALID, "group_by needs the framing json_array or wrapped_array");
    return st;
}
