/* SPDX-License-Identifier: Apache-2.0 */
/* intake_auth.c -- see intake_auth.h.
 *
 * Signatures are made when the body is as it goes out; the headers point to where they will be. */
#include "intake_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "telltale/secret_file.h"

enum { SECRET_MAX = 8192 };

/* --- Making it ------------------------------------------------------------------------------- */

/* What AWS signs as the host and the path: those of the endpoint, as they are requested. */
static enum status split_endpoint(struct intake_auth *auth, struct error *err)
{
    const char *endpoint = auth->plan->http.endpoint;
    bool is_https = strncmp(endpoint, "https://", 8) == 0;
    const char *host = strstr(endpoint, "://");
    const char *default_port = is_https ? ":443" : ":80";

    host = host != NULL ? host + 3 : endpoint;
    size_t size = strcspn(host, "/?");
    if (size >= sizeof(auth->host) || strlen(host) >= INTAKE_PATH_MAX)
        return error_set(err, ST_INVALID, "the endpoint is too long to be signed");
    const char *path = host + size;
    size_t path_size = strcspn(path, "?");
    while (path_size > 0 && path[path_size - 1] == '/')
        path_size--;
    (void)snprintf(auth->path, sizeof(auth->path), "%.*s%s", (int)path_size, path,
                   auth->plan->path);
    memcpy(auth->host, host, size);
    auth->host[size] = 0;
    char *port = strrchr(auth->host, ':');
    if (port != NULL && strcmp(port, default_port) == 0)
        *port = 0;
    if (strchr(path, '?') != NULL)
        return error_set(err, ST_INVALID, "aws: the query belongs into the option query");
    return ST_OK;
}

static void add_header(struct intake_auth *auth, const char *name, const char *value)
{
    auth->headers[auth->header_count++] = (struct http_header){name, value};
}

enum status intake_auth_init(struct intake_auth *auth, const struct intake_plan *plan,
                             struct error *err)
{
    *auth = (struct intake_auth){.plan = plan};
    buf_init(&auth->secret, SECRET_MAX);
    buf_init(&auth->key_id, SECRET_MAX);
    buf_init(&auth->session, SECRET_MAX);
    buf_init(&auth->authorization, SECRET_MAX);
    enum status st = plan->config->aws.region != NULL ? split_endpoint(auth, err) : ST_OK;
    if (st != ST_OK)
        return st;
    return intake_token_init(&auth->token, plan, err);
}

void intake_auth_fini(struct intake_auth *auth)
{
    intake_token_fini(&auth->token);
    secret_wipe(&auth->secret);
    secret_wipe(&auth->key_id);
    secret_wipe(&auth->session);
    secret_wipe(&auth->authorization);
}

void intake_auth_cancel(struct intake_auth *auth)
{
    intake_token_cancel(&auth->token);
}

/* --- HMAC ------------------------------------------------------------------------------------ */

static enum status sign_hmac(struct intake_auth *auth, struct slice body, struct error *err)
{
    const struct intake_hmac_config *config = &auth->plan->config->hmac;
    char hex[SIGN_HEX_SIZE];

    buf_clear(&auth->secret);
    enum status st = secret_file_read(config->secret_file, &auth->secret, err);
    if (st != ST_OK)
        return st;
    struct slice key = secret_trim(buf_slice(&auth->secret));
    if (key.size == 0)
        return error_set(err, ST_INVALID, "'%s' is empty", config->secret_file);
    st = sign_hmac_hex(key, body, hex, err);
    if (st != ST_OK)
        return st;
    (void)snprintf(auth->signature, sizeof(auth->signature), "%s%s",
                   config->prefix != NULL ? config->prefix : "", hex);
    return ST_OK;
}

/* --- AWS ------------------------------------------------------------------------------------- */

struct aws_name {
    const char *in_file, *in_environment;
    size_t offset; /* of the buf */
};

static const struct aws_name aws_names[] = {
    {"aws_access_key_id", "AWS_ACCESS_KEY_ID", offsetof(struct intake_auth, key_id)},
    {"aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", offsetof(struct intake_auth, secret)},
    {"aws_session_token", "AWS_SESSION_TOKEN", offsetof(struct intake_auth, session)},
};

static enum status keep_text(struct buf *out, struct slice text, struct error *err)
{
    secret_wipe(out);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
            return error_set(err, ST_INVALID, "AWS credentials have bytes that no header may have");
    }
    enum status st = buf_reserve(out, text.size + 1, err);
    if (st != ST_OK)
        return st;
    buf_append_reserved(out, text.data, text.size);
    buf_append_reserved(out, "", 1);
    return ST_OK;
}

static struct buf *place_of(struct intake_auth *auth, const struct aws_name *name)
{
    return (struct buf *)(void *)((char *)auth + name->offset);
}

/* "name = value"; other lines are passed over. */
static enum status take_line(struct intake_auth *auth, struct slice line, struct error *err)
{
    const uint8_t *equals = line.size > 0 ? memchr(line.data, '=', line.size) : NULL;

    if (equals == NULL)
        return ST_OK;
    struct slice name = secret_trim(slice_of(line.data, (size_t)(equals - line.data)));
    struct slice value = secret_trim(slice_from(line, (size_t)(equals - line.data) + 1));
    for (size_t i = 0; i < COUNT_OF(aws_names); i++) {
        if (slice_equal(name, slice_of_text(aws_names[i].in_file)))
            return keep_text(place_of(auth, &aws_names[i]), value, err);
    }
    return ST_OK;
}

static enum status read_aws_file(struct intake_auth *auth, const char *path, struct error *err)
{
    struct buf file;

    buf_init(&file, SECRET_MAX);
    enum status st = secret_file_read(path, &file, err);
    struct slice rest = buf_slice(&file);
    while (st == ST_OK && rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
        st = take_line(auth, slice_of(rest.data, size), err);
        rest = slice_from(rest, size + 1);
    }
    secret_wipe(&file);
    return st;
}

static enum status read_aws_keys(struct intake_auth *auth, struct error *err)
{
    const char *path = auth->plan->config->aws.credentials_file;
    enum status st = ST_OK;

    for (size_t i = 0; i < COUNT_OF(aws_names); i++)
        buf_clear(place_of(auth, &aws_names[i]));
    if (path != NULL)
        st = read_aws_file(auth, path, err);
    for (size_t i = 0; i < COUNT_OF(aws_names) && path == NULL && st == ST_OK; i++) {
        const char *value = getenv(aws_names[i].in_environment);
        if (value != NULL)
            st = keep_text(place_of(auth, &aws_names[i]), slice_of_text(value), err);
    }
    if (st == ST_OK && (auth->key_id.size <= 1 || auth->secret.size <= 1))
        st = error_set(err, ST_INVALID, "no AWS credentials in %s",
                       path != NULL ? path : "the environment");
    return st;
}

static enum status sign_aws(struct intake_auth *auth, struct slice body, struct error *err)
{
    const struct intake_aws_config *config = &auth->plan->config->aws;
    time_t now = time(NULL);
    struct tm utc;

    enum status st = read_aws_keys(auth, err);
    if (st == ST_OK)
        st = sign_sha256_hex(body, auth->body_hash, err);
    if (st != ST_OK)
        return st;
    (void)strftime(auth->time, sizeof(auth->time), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    const struct sigv4_request request = {
        .method = auth->plan->method,
        .host = auth->host,
        .path = auth->path,
        .query = auth->plan->query,
        .region = config->region,
        .service = config->service,
        .key_id = (const char *)auth->key_id.data,
        .secret_key = slice_of(auth->secret.data, auth->secret.size - 1),
        .session_token = auth->session.size > 1 ? (const char *)auth->session.data : NULL,
        .time = auth->time,
        .body_hash = auth->body_hash,
        .sign_body_hash = true,
    };
    st = sigv4_authorization(&request, &auth->authorization, err);
    if (st != ST_OK)
        return st;
    add_header(auth, "Authorization", (const char *)auth->authorization.data);
    add_header(auth, "X-Amz-Date", auth->time);
    add_header(auth, "X-Amz-Content-Sha256", auth->body_hash);
    if (request.session_token != NULL)
        add_header(auth, "X-Amz-Security-Token", request.session_token);
    return ST_OK;
}

/* --- A request ------------------------------------------------------------------------------- */

static enum status sign(void *context, struct slice body, struct http_request *request,
                        struct error *err)
{
    struct intake_auth *auth = context;
    const struct intake_config *config = auth->plan->config;
    enum status st = ST_OK;

    auth->header_count = 0;
    if (auth->token.header.size > 0)
        add_header(auth, "Authorization", (const char *)auth->token.header.data);
    if (config->hmac.secret_file != NULL) {
        st = sign_hmac(auth, body, err);
        add_header(auth, config->hmac.header, auth->signature);
    }
    if (st == ST_OK && config->aws.region != NULL)
        st = sign_aws(auth, body, err);
    request->headers = auth->headers;
    request->header_count = auth->header_count;
    return st;
}

enum export_result intake_auth_prepare(struct intake_auth *auth, uint64_t deadline_ns,
                                       struct http_request *request, struct export_report *report,
                                       struct error *err)
{
    request->sign = sign;
    request->sign_context = auth;
    return intake_token_get(&auth->token, deadline_ns, report, err);
}

bool intake_auth_renew(struct intake_auth *auth)
{
    if (auth->token.client == NULL)
        return false;
    intake_token_forget(&auth->token);
    return true;
}
