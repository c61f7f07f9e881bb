/* SPDX-License-Identifier: Apache-2.0 */
/* http_outcome.c -- see include/telltale/http_outcome.h, which has the table. */
#include "telltale/http_outcome.h"

#include <stdio.h>
#include <string.h>

#include "telltale/peer_words.h"

#define CHECK_TOKEN    "check the credentials and what they may do"
#define CHECK_ENDPOINT "check the endpoint"
#define CHECK_FORMAT   "check that the endpoint takes this format and this compression"

/* Behind the rules of the exporter; the first that fits counts, and the last one always does. */
static const struct http_rule common[] = {
    {200, 299, HTTP_VERDICT_DONE, NULL},
    {0, 199, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {300, 399, HTTP_VERDICT_REPAIR, "it redirects, which is not followed: set that endpoint"},
    {401, 401, HTTP_VERDICT_REPAIR, CHECK_TOKEN},
    {402, 402, HTTP_VERDICT_REPAIR, "the destination wants to be paid"},
    {403, 403, HTTP_VERDICT_REPAIR, CHECK_TOKEN},
    {404, 405, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {406, 406, HTTP_VERDICT_REPAIR, CHECK_FORMAT},
    {407, 407, HTTP_VERDICT_REPAIR, "the proxy asks for a user and a password: proxy_url"},
    {408, 408, HTTP_VERDICT_RETRY, NULL},
    {410, 410, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {411, 412, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {413, 413, HTTP_VERDICT_SPLIT, NULL},
    {414, 414, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {415, 415, HTTP_VERDICT_REPAIR, CHECK_FORMAT},
    {417, 417, HTTP_VERDICT_RETRY, NULL},
    {421, 421, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {425, 425, HTTP_VERDICT_RETRY, NULL},
    {426, 426, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {428, 428, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {429, 429, HTTP_VERDICT_RETRY, NULL},
    {431, 431, HTTP_VERDICT_REPAIR, "its limit for headers is below what is sent: headers"},
    {451, 451, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {400, 499, HTTP_VERDICT_REJECTED, NULL},
    {501, 501, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {505, 506, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {508, 508, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
    {510, 511, HTTP_VERDICT_REPAIR, "something in between asks for a login"},
    {500, 599, HTTP_VERDICT_RETRY, NULL},
    {0, 999, HTTP_VERDICT_REPAIR, CHECK_ENDPOINT},
};

/* How servers word that a request is over their limit. */
static const char *const size_words[] = {
    "too large",         "too big",          "larger than max",     "exceeds maximum size",
    "exceeds the limit", "entity too large", "exceeds the maximum", "maximum allowed size",
};

/* How servers word that it is TLS they speak there. */
static const char *const tls_words[] = {
    "HTTP request to an HTTPS server",
    "HTTP request was sent to HTTPS port",
};

static const struct http_rule use_https = {400, 400, HTTP_VERDICT_REPAIR,
                                           "the server speaks TLS there: say https://"};
static const struct http_rule web_page = {
    0, 999, HTTP_VERDICT_REPAIR,
    "a web page answered, which is no word of the destination: check "
    "the endpoint, and proxies in between"};
static const struct http_rule oversize = {400, 400, HTTP_VERDICT_SPLIT, NULL};

static bool contains(struct slice text, const char *word)
{
    size_t size = strlen(word);

    for (size_t at = 0; at + size <= text.size; at++) {
        if (strncasecmp((const char *)text.data + at, word, size) == 0)
            return true;
    }
    return false;
}

static bool contains_any(struct slice text, const char *const *words, size_t count)
{
    enum { LOOK_AT_MAX = 4096 }; /* words stand at the beginning */

    if (text.size > LOOK_AT_MAX)
        text.size = LOOK_AT_MAX;
    for (size_t i = 0; i < count; i++) {
        if (contains(text, words[i]))
            return true;
    }
    return false;
}

bool http_outcome_says_too_large(struct slice words)
{
    return contains_any(words, size_words, COUNT_OF(size_words));
}

static const struct http_rule *find_in(const struct http_rule *rules, size_t count, int status)
{
    for (size_t i = 0; i < count; i++) {
        if (status >= rules[i].first && status <= rules[i].last)
            return &rules[i];
    }
    return NULL;
}

/* The destination's words as far as they are text. */
static struct slice words_of(const struct http_outcome_input *input)
{
    return input->words.size > 0 ? input->words : input->response->body;
}

static bool is_web_page(const struct http_outcome_input *input)
{
    const char *type = input->response->type;

    return !input->web_page_is_answer &&
           (strcmp(type, "text/html") == 0 || strcmp(type, "application/xhtml+xml") == 0);
}

static const struct http_rule *find_rule(const struct http_outcome_input *input)
{
    int status = input->response->status;
    const struct http_rule *rule = find_in(input->rules, input->rule_count, status);

    if (rule == NULL)
        rule = find_in(common, COUNT_OF(common), status);
    if (rule == NULL)
        rule = &common[COUNT_OF(common) - 1];
    if (rule->verdict != HTTP_VERDICT_DONE && rule->verdict != HTTP_VERDICT_REJECTED)
        return rule;
    if (rule->verdict == HTTP_VERDICT_REJECTED &&
        contains_any(words_of(input), tls_words, COUNT_OF(tls_words)))
        return &use_https;
    if (is_web_page(input))
        return &web_page;
    if (status == 400 && rule->verdict == HTTP_VERDICT_REJECTED &&
        http_outcome_says_too_large(words_of(input)))
        return &oversize;
    return rule;
}

enum http_verdict http_outcome_judge(const struct http_outcome_input *input)
{
    return find_rule(input)->verdict;
}

static void set_reason(enum status st, const char *hint, const struct http_outcome_input *input,
                       const struct export_report *report, struct error *err)
{
    const struct http_response *response = input->response;
    bool redirects = response->status >= 300 && response->status < 400;

    (void)error_set(err, st, "HTTP %d%s%s%s%s%s%s", response->status, hint != NULL ? ", " : "",
                    hint != NULL ? hint : "", redirects && response->location[0] != 0 ? " " : "",
                    redirects ? response->location : "", report->message[0] != 0 ? ": " : "",
                    report->message);
}

enum export_result http_outcome_as(enum http_verdict verdict, const char *hint,
                                   const struct http_outcome_input *input,
                                   struct export_report *report, struct error *err)
{
    const struct http_response *response = input->response;

    report->sent_bytes = response->sent_bytes;
    peer_words_copy(report->message, sizeof(report->message),
                    is_web_page(input) ? input->words : words_of(input));
    switch (verdict) {
    case HTTP_VERDICT_DONE:
        return EXPORT_DONE;
    case HTTP_VERDICT_SPLIT:
        set_reason(ST_LIMIT, hint, input, report, err);
        return EXPORT_TOO_LARGE;
    case HTTP_VERDICT_REJECTED:
        set_reason(ST_INVALID, hint, input, report, err);
        return EXPORT_REJECTED;
    case HTTP_VERDICT_RETRY:
        report->retry_after_ms = response->retry_after_ms;
        break;
    case HTTP_VERDICT_REPAIR:
        report->retry_after_ms = response->retry_after_ms > HTTP_RETRY_REPAIR_MS
                                     ? response->retry_after_ms
                                     : HTTP_RETRY_REPAIR_MS;
        break;
    }
    set_reason(ST_IO, hint, input, report, err);
    return EXPORT_RETRY;
}

enum export_result http_outcome(const struct http_outcome_input *input,
                                struct export_report *report, struct error *err)
{
    if (input->transport == HTTP_ANSWERED) {
        const struct http_rule *rule = find_rule(input);
        return http_outcome_as(rule->verdict, rule->hint, input, report, err);
    }
    report->sent_bytes = input->response->sent_bytes;
    if (input->transport == HTTP_UNREADY)
        report->retry_after_ms = HTTP_RETRY_REPAIR_MS;
    return EXPORT_RETRY;
}

enum export_result http_outcome_unsent(enum status st)
{
    switch (st) {
    case ST_CORRUPT:
        return EXPORT_REJECTED;
    case ST_LIMIT:
        return EXPORT_TOO_LARGE;
    default:
        return EXPORT_RETRY;
    }
}
