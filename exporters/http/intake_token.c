/* SPDX-License-Identifier: Apache-2.0 */
/* intake_token.c -- see intake_token.h.
 *
 * Whatever keeps us from a token is for somebody to repair, unless the server says that it is busy:
 * events wait meanwhile.  Its words are told but for the token itself. */
#include "intake_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake_sign.h"
#include "telltale/clocks.h"
#include "telltale/encode.h"
#include "telltale/json_probe.h"
#include "telltale/peer_words.h"
#include "telltale/secret_file.h"

#define SCHEME "Bearer "

enum {
    TOKEN_MAX = 12 * 1024, /* below what a header may have */
    TEXT_MAX = 64 * 1024,  /* of a request, an answer, a key file */
    LIFE_DEFAULT_S = 300,  /* when the server does not say */
    LIFE_MAX_S = 24 * 3600,
    MARGIN_S = 60, /* so long before its end a token is replaced */
    JWT_LIFE_S = 3600,
};

static const char google_token_url[] = "https://oauth2.googleapis.com/token";

enum status intake_token_init(struct intake_token *token, const struct intake_plan *plan,
                              struct error *err)
{
    const struct intake_config *config = plan->config;

    *token = (struct intake_token){.plan = plan, .http = plan->http};
    buf_init(&token->header, TOKEN_MAX + sizeof(SCHEME));
    buf_init(&token->request, TEXT_MAX);
    buf_init(&token->answer, TEXT_MAX);
    if (config->oauth2.token_url == NULL && config->gcp.key_file == NULL)
        return ST_OK;
    struct http_config *http = &token->http;
    http->endpoint = config->oauth2.token_url != NULL ? config->oauth2.token_url : google_token_url;
    http->headers = (struct config_text_map){.count = 0};
    http->headers_from_files = (struct config_text_map){.count = 0};
    http->tls.server_name_override = NULL;
    http->compression = HTTP_COMPRESSION_NONE;
    http->max_response_size = TEXT_MAX;
    const struct http_client_settings settings = {.config = http};
    return http_client_create(&settings, &token->client, err);
}

void intake_token_fini(struct intake_token *token)
{
    http_client_destroy(token->client);
    secret_wipe(&token->header);
    secret_wipe(&token->request);
    secret_wipe(&token->answer);
}

void intake_token_forget(struct intake_token *token)
{
    secret_wipe(&token->header);
}

void intake_token_cancel(struct intake_token *token)
{
    if (token->client != NULL)
        http_client_cancel(token->client);
}

/* --- The request ----------------------------------------------------------------------------- */

static enum status put_parameter(struct buf *out, const char *name, struct slice value,
                                 struct error *err)
{
    enum status st = out->size > 0 ? buf_append(out, "&", 1, err) : ST_OK;
    if (st == ST_OK)
        st = sign_put_escaped(out, slice_of_text(name), err);
    if (st == ST_OK)
        st = buf_append(out, "=", 1, err);
    return st != ST_OK ? st : sign_put_escaped(out, value, err);
}

/* What a file says, which must be something. */
static enum status read_secret(const char *path, struct buf *out, struct slice *ret,
                               struct error *err)
{
    enum status st = secret_file_read(path, out, err);
    if (st != ST_OK)
        return st;
    *ret = secret_trim(buf_slice(out));
    return ret->size > 0 ? ST_OK : error_set(err, ST_INVALID, "'%s' is empty", path);
}

static enum status put_client_credentials(struct intake_token *token, struct error *err)
{
    const struct intake_oauth2_config *config = &token->plan->config->oauth2;
    struct buf *out = &token->request;
    struct slice secret = SLICE_EMPTY;
    struct buf file;

    buf_init(&file, TOKEN_MAX);
    enum status st = read_secret(config->client_secret_file, &file, &secret, err);
    if (st == ST_OK)
        st = put_parameter(out, "grant_type", SLICE("client_credentials"), err);
    if (st == ST_OK)
        st = put_parameter(out, "client_id", slice_of_text(config->client_id), err);
    if (st == ST_OK)
        st = put_parameter(out, "client_secret", secret, err);
    if (st == ST_OK && config->scope != NULL)
        st = put_parameter(out, "scope", slice_of_text(config->scope), err);
    for (size_t i = 0; i < config->parameters.count && st == ST_OK; i++)
        st = put_parameter(out, config->parameters.pairs[i].key,
                           slice_of_text(config->parameters.pairs[i].value), err);
    secret_wipe(&file);
    return st;
}

/* A member of the key file as a C string. */
static enum status read_member(struct slice file, const char *name, struct buf *out,
                               struct error *err)
{
    struct slice value;

    if (json_probe(file, name, out, &value) != JSON_PROBE_FOUND || value.size == 0 ||
        value.data != out->data)
        return error_set(err, ST_INVALID, "the key file has no text '%s'", name);
    return buf_append(out, "", 1, err);
}

struct google_key {
    struct buf file, email, key_id, pem, token_url;
};

static enum status read_google_key(struct google_key *key, const char *path, struct error *err)
{
    enum status st = secret_file_read(path, &key->file, err);
    struct slice file = buf_slice(&key->file);

    if (st == ST_OK)
        st = read_member(file, "client_email", &key->email, err);
    if (st == ST_OK)
        st = read_member(file, "private_key_id", &key->key_id, err);
    if (st == ST_OK)
        st = read_member(file, "private_key", &key->pem, err);
    if (st == ST_OK)
        st = read_member(file, "token_uri", &key->token_url, err);
    return st;
}

static enum status put_claims(struct buf *out, const struct google_key *key, const char *scope,
                              struct error *err)
{
    uint64_t now_s = clock_unix_ns() / NS_PER_S;
    char times[96];

    enum status st = buf_append(out, "{\"iss\":", 7, err);
    if (st == ST_OK)
        st = encode_json_text(slice_of_text((const char *)key->email.data), out, err);
    if (st == ST_OK)
        st = buf_append(out, ",\"scope\":", 9, err);
    if (st == ST_OK)
        st = encode_json_text(slice_of_text(scope), out, err);
    if (st == ST_OK)
        st = buf_append(out, ",\"aud\":", 7, err);
    if (st == ST_OK)
        st = encode_json_text(slice_of_text((const char *)key->token_url.data), out, err);
    int size = snprintf(times, sizeof(times), ",\"iat\":%" PRIu64 ",\"exp\":%" PRIu64 "}", now_s,
                        now_s + JWT_LIFE_S);
    return st != ST_OK ? st : buf_append(out, times, (size_t)size, err);
}

/* *ret_url is in `key`. */
static enum status put_assertion(struct intake_token *token, struct google_key *key,
                                 struct error *err)
{
    const struct intake_gcp_config *config = &token->plan->config->gcp;
    struct buf claims, jwt;

    buf_init(&claims, TEXT_MAX);
    buf_init(&jwt, TEXT_MAX);
    enum status st = buf_reserve(&jwt, TEXT_MAX, err);
    if (st == ST_OK)
        st = read_google_key(key, config->key_file, err);
    if (st == ST_OK)
        st = http_config_check_url(&token->plan->http, "token_uri",
                                   (const char *)key->token_url.data, err);
    if (st == ST_OK)
        st = put_claims(&claims, key, config->scope, err);
    if (st == ST_OK)
        st = sign_put_jwt(&jwt, buf_slice(&claims), (const char *)key->key_id.data,
                          buf_slice(&key->pem), err);
    if (st == ST_OK)
        st = put_parameter(&token->request, "grant_type",
                           SLICE("urn:ietf:params:oauth:grant-type:jwt-bearer"), err);
    if (st == ST_OK)
        st = put_parameter(&token->request, "assertion", buf_slice(&jwt), err);
    secret_wipe(&claims);
    secret_wipe(&jwt);
    return st;
}

/* --- The answer ------------------------------------------------------------------------------ */

static enum status take_token(struct intake_token *token, struct slice answer, struct error *err)
{
    uint64_t life_s = LIFE_DEFAULT_S;
    struct slice value;
    char digits[24] = "";

    if (json_probe(answer, "expires_in", &token->answer, &value) == JSON_PROBE_FOUND &&
        value.size < sizeof(digits)) {
        memcpy(digits, value.data, value.size);
        life_s = strtoull(digits, NULL, 10);
    }
    life_s = life_s > LIFE_MAX_S ? LIFE_MAX_S : life_s;
    if (json_probe(answer, "access_token", &token->answer, &value) != JSON_PROBE_FOUND ||
        value.size == 0 || value.size > TOKEN_MAX)
        return error_set(err, ST_IO, "the token server's answer has no access_token");
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] <= ' ' || value.data[i] >= 0x7f)
            return error_set(err, ST_IO, "the token server's access_token is no token");
    }
    enum status st = buf_reserve(&token->header, strlen(SCHEME) + value.size + 1, err);
    if (st != ST_OK)
        return st;
    buf_append_reserved(&token->header, SCHEME, strlen(SCHEME));
    buf_append_reserved(&token->header, value.data, value.size);
    buf_append_reserved(&token->header, "", 1);
    uint64_t margin_s = life_s / 2 > MARGIN_S ? MARGIN_S : life_s / 2;
    token->expires_ns = clock_monotonic_ns() + (life_s - margin_s) * NS_PER_S;
    return ST_OK;
}

/* What OAuth says of a refusal. */
static struct slice refusal_words(struct intake_token *token, const struct http_response *response)
{
    struct slice words;

    if (json_probe(response->body, "error_description", &token->answer, &words) ==
            JSON_PROBE_FOUND ||
        json_probe(response->body, "error", &token->answer, &words) == JSON_PROBE_FOUND)
        return words;
    return SLICE_EMPTY;
}

static enum export_result judge(struct intake_token *token, enum http_transport transport,
                                const struct http_response *response, struct export_report *report,
                                struct error *err)
{
    struct http_outcome_input input = {.transport = transport, .response = response};

    if (transport != HTTP_ANSWERED) {
        (void)http_outcome(&input, report, err);
        return EXPORT_RETRY;
    }
    input.words = refusal_words(token, response);
    enum http_verdict verdict = http_outcome_judge(&input);
    if (verdict == HTTP_VERDICT_DONE) {
        if (take_token(token, response->body, err) == ST_OK)
            return EXPORT_DONE;
        secret_wipe(&token->header);
        report->retry_after_ms = HTTP_RETRY_REPAIR_MS;
        return EXPORT_RETRY;
    }
    if (verdict != HTTP_VERDICT_RETRY)
        verdict = HTTP_VERDICT_REPAIR;
    (void)http_outcome_as(
        verdict, verdict == HTTP_VERDICT_REPAIR ? "check the credentials for tokens" : NULL, &input,
        report, err);
    return EXPORT_RETRY;
}

static enum export_result request_token(struct intake_token *token, const char *url,
                                        uint64_t deadline_ns, struct export_report *report,
                                        struct error *err)
{
    const struct http_request request = {
        .url = url,
        .content_type = "application/x-www-form-urlencoded",
        .body = buf_slice(&token->request),
    };
    struct http_response response;

    enum http_transport transport =
        http_client_send(token->client, &request, deadline_ns, &response, err);
    enum export_result result = judge(token, transport, &response, report, err);
    secret_wipe(&token->answer);
    return result;
}

static enum export_result renew(struct intake_token *token, uint64_t deadline_ns,
                                struct export_report *report, struct error *err)
{
    struct google_key key;
    struct buf *const parts[] = {&key.file, &key.email, &key.key_id, &key.pem, &key.token_url};
    bool google = token->plan->config->gcp.key_file != NULL;
    enum export_result result = EXPORT_RETRY;

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        buf_init(parts[i], TEXT_MAX);
    /* All of it at once: a buffer that grows leaves copies of what it had. */
    enum status st = buf_reserve(&token->request, TEXT_MAX, err);
    if (st == ST_OK)
        st = google ? put_assertion(token, &key, err) : put_client_credentials(token, err);
    if (st == ST_OK)
        result = request_token(token, google ? (const char *)key.token_url.data : NULL, deadline_ns,
                               report, err);
    else if (st != ST_NO_MEMORY)
        report->retry_after_ms = HTTP_RETRY_REPAIR_MS;
    secret_wipe(&token->request);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        secret_wipe(parts[i]);
    return result;
}

enum export_result intake_token_get(struct intake_token *token, uint64_t deadline_ns,
                                    struct export_report *report, struct error *err)
{
    if (token->client == NULL ||
        (token->header.size > 0 && clock_monotonic_ns() < token->expires_ns))
        return EXPORT_DONE;
    secret_wipe(&token->header);
    enum export_result result = renew(token, deadline_ns, report, err);
    if (result != EXPORT_DONE)
        (void)error_context(err, "get a token");
    return result;
}
