/* SPDX-License-Identifier: Apache-2.0 */
/* http_config.c -- see include/telltale/http_config.h. */
#include "telltale/http_config.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "http/http_limits.h"
#include "http/http_target.h"

const char *const http_compressions_all[] = {"none", "gzip", "zstd", NULL};
const char *const http_compressions_gzip[] = {"none", "gzip", NULL};

static const char *const tls_versions[] = {"1.2", "1.3", NULL};

const struct config_field http_tls_fields[] = {
    {.key = "insecure",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct http_tls_config, insecure),
     .default_text = "false",
     .help = "Speak plain text to a host that is not this one."},
    {.key = "insecure_skip_verify",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct http_tls_config, insecure_skip_verify),
     .default_text = "false",
     .help = "Do not check the server's certificate: whoever is in between reads and answers "
             "everything. A warning is logged at every start."},
    {.key = "ca_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct http_tls_config, ca_file),
     .help = "Certificates (PEM) that the server's must descend from; the system's when absent."},
    {.key = "cert_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct http_tls_config, cert_file),
     .help = "Our own certificate chain (PEM), for servers that ask for one."},
    {.key = "key_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct http_tls_config, key_file),
     .help = "The private key (PEM) of cert_file."},
    {.key = "server_name_override",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct http_tls_config, server_name_override),
     .help = "The name that the server's certificate must bear, if it is not the endpoint's host. "
             "It is also what the server is called in the request."},
    {.key = "min_version",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct http_tls_config, min_version),
     .choices = tls_versions,
     .default_text = "1.2",
     .help = "The oldest TLS that is spoken."},
    {.key = NULL},
};

const struct config_field http_basic_auth_fields[] = {
    {.key = "user",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct http_basic_auth_config, user),
     .required = true,
     .help = "The user's name."},
    {.key = "password_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct http_basic_auth_config, password_file),
     .required = true,
     .help = "A file with the password. It is read again when it changes."},
    {.key = NULL},
};

/* --- Where to -------------------------------------------------------------------------------- */

static enum status check_target(const struct http_config *config, const char *url,
                                struct error *err)
{
    const struct http_tls_config *tls = &config->tls;
    struct http_target target;

    enum status st = http_target_parse(url, &target, err);
    if (st != ST_OK)
        return st;
    if (tls->insecure && target.is_https)
        return error_set(err, ST_INVALID, "tls.insecure contradicts https://");
    if (target.is_https)
        return ST_OK;
    if (!target.is_local && !tls->insecure) {
        return error_set(err, ST_INVALID,
                         "plain text to another host needs tls.insecure: true; '%s' is not on "
                         "this machine",
                         url);
    }
    if (tls->ca_file != NULL || tls->cert_file != NULL || tls->server_name_override != NULL ||
        tls->insecure_skip_verify) {
        return error_set(err, ST_INVALID,
                         "certificates and names have no use in plain text; say https://");
    }
    return ST_OK;
}

enum status http_config_check_url(const struct http_config *config, const char *key,
                                  const char *url, struct error *err)
{
    if (url == NULL || check_target(config, url, err) == ST_OK)
        return ST_OK;
    return error_context(err, "%s", key);
}

static bool is_host_text(const char *text)
{
    size_t size = strlen(text);

    return size > 0 && size < HTTP_HOST_MAX - 1 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
               size;
}

static enum status check_tls(const struct http_tls_config *tls, struct error *err)
{
    if ((tls->cert_file == NULL) != (tls->key_file == NULL))
        return error_set(err, ST_INVALID, "tls.cert_file and tls.key_file go together");
    if (tls->insecure_skip_verify && tls->ca_file != NULL)
        return error_set(err, ST_INVALID,
                         "tls.ca_file and tls.insecure_skip_verify exclude another");
    if (tls->server_name_override != NULL && !is_host_text(tls->server_name_override))
        return error_set(err, ST_INVALID, "tls.server_name_override is no name of a host");
    return ST_OK;
}

static enum status check_proxy(const char *url, struct error *err)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};

    if (url == NULL || strcmp(url, "none") == 0)
        return ST_OK;
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t size = strlen(schemes[i]);
        if (strncasecmp(url, schemes[i], size) == 0 && url[size] != 0)
            return ST_OK;
    }
    return error_set(err, ST_INVALID,
                     "proxy_url must be 'none' or begin with http://, https://, socks5:// or "
                     "socks5h://");
}

/* --- Headers --------------------------------------------------------------------------------- */

/* RFC 9110 calls it a token. */
static bool is_header_name(const char *name)
{
    size_t size = 0;

    for (; name[size] != 0; size++) {
        unsigned char c = (unsigned char)name[size];
        if (c >= 0x80 || (!isalnum(c) && strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return size > 0 && size < HTTP_HEADER_NAME_MAX;
}

static bool is_header_value(const char *value)
{
    size_t size = 0;

    for (; value[size] != 0; size++) {
        if ((unsigned char)value[size] < ' ' || (unsigned char)value[size] >= 0x7f)
            return false;
    }
    return size < HTTP_HEADER_VALUE_MAX;
}

/* What the client says itself. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"connection",
                                        "content-encoding",
                                        "content-length",
                                        "content-type",
                                        "cookie",
                                        "expect",
                                        "host",
                                        "keep-alive",
                                        "te",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcasecmp(name, names[i]) == 0)
            return true;
    }
    return strncasecmp(name, "proxy-", 6) == 0;
}

/* Each says who is to be authorized; `*count` of them have. */
static enum status check_header(const char *key, const struct config_text_pair *pair,
                                unsigned *authorizations, struct error *err)
{
    if (!is_header_name(pair->key) || is_reserved(pair->key))
        return error_set(err, ST_INVALID, "%s: '%s' cannot be set", key, pair->key);
    *authorizations += strcasecmp(pair->key, "authorization") == 0;
    return ST_OK;
}

static enum status check_maps(const struct http_config *config, unsigned *authorizations,
                              struct error *err)
{
    const struct config_text_map *fixed = &config->headers;
    const struct config_text_map *files = &config->headers_from_files;

    if (fixed->count > HTTP_HEADERS_MAX || files->count > HTTP_HEADERS_MAX) {
        return error_set(err, ST_LIMIT, "headers: %zu and %zu of them, limit %d", fixed->count,
                         files->count, HTTP_HEADERS_MAX);
    }
    for (size_t i = 0; i < fixed->count; i++) {
        enum status st = check_header("headers", &fixed->pairs[i], authorizations, err);
        if (st != ST_OK)
            return st;
        if (!is_header_value(fixed->pairs[i].value))
            return error_set(err, ST_INVALID, "headers: the value of '%s' is not ASCII text",
                             fixed->pairs[i].key);
    }
    for (size_t i = 0; i < files->count; i++) {
        enum status st = check_header("headers_from_files", &files->pairs[i], authorizations, err);
        if (st != ST_OK)
            return st;
        if (files->pairs[i].value[0] != '/')
            return error_set(err, ST_INVALID,
                             "headers_from_files: the path of '%s' is not absolute",
                             files->pairs[i].key);
    }
    return ST_OK;
}

static enum status check_headers(const struct http_config *config, struct error *err)
{
    const struct http_basic_auth_config *basic = &config->basic_auth;
    unsigned authorizations = (config->token_file != NULL) + (basic->user != NULL);

    if ((basic->user == NULL) != (basic->password_file == NULL))
        return error_set(err, ST_INVALID,
                         "basic_auth.user and basic_auth.password_file go together");
    if (basic->user != NULL && (strchr(basic->user, ':') != NULL || !is_header_value(basic->user)))
        return error_set(err, ST_INVALID, "basic_auth.user must be ASCII text without a ':'");
    enum status st = check_maps(config, &authorizations, err);
    if (st == ST_OK && authorizations > 1) {
        return error_set(err, ST_INVALID,
                         "token_file, basic_auth and a header 'authorization' exclude another");
    }
    return st;
}

enum status http_config_check(const struct http_config *config, struct error *err)
{
    enum status st = http_config_check_url(config, "endpoint", config->endpoint, err);
    if (st == ST_OK)
        st = check_tls(&config->tls, err);
    if (st == ST_OK)
        st = check_proxy(config->proxy_url, err);
    if (st == ST_OK)
        st = check_headers(config, err);
    return st;
}

const char *http_config_caution(const struct http_config *config)
{
    if (config->tls.insecure_skip_verify)
        return "tls.insecure_skip_verify: the server's certificate is not checked; whoever is in "
               "between reads everything";
    return NULL;
}
