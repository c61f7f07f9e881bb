/* SPDX-License-Identifier: Apache-2.0 */
/* http_target.c -- see http_target.h.
 *
 * libcurl takes the address apart, so that what is checked is what it will connect to. */
#include "http/http_target.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static enum status parse_unix(const char *path, struct http_target *ret, struct error *err)
{
    if (strncmp(path, "//", 2) == 0)
        path += 2;
    if (path[0] != '/')
        return error_set(err, ST_INVALID, "the path behind 'unix:' is not absolute");
    if (strlen(path) >= sizeof(ret->unix_path)) {
        return error_set(err, ST_INVALID, "the socket's path is longer than %zu bytes",
                         sizeof(ret->unix_path) - 1);
    }
    ret->is_local = true;
    snprintf(ret->unix_path, sizeof(ret->unix_path), "%s", path);
    snprintf(ret->host, sizeof(ret->host), "localhost");
    return ST_OK;
}

static bool is_loopback(const char *host)
{
    char bare[HTTP_HOST_MAX];
    struct in_addr v4;
    struct in6_addr v6;
    size_t size = strlen(host);

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (size < 3 || host[0] != '[')
        return false;
    snprintf(bare, sizeof(bare), "%.*s", (int)(size - 2), host + 1);
    return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Copies a part of the address; "" when there is none. */
static enum status get_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t out_size,
                            struct error *err)
{
    char *text = NULL;

    out[0] = 0;
    CURLUcode code = curl_url_get(url, part, &text, flags);
    if (code == CURLUE_OUT_OF_MEMORY)
        return error_set(err, ST_NO_MEMORY, "read an address");
    if (code != CURLUE_OK)
        return ST_OK; /* there is no such part */
    int size = snprintf(out, out_size, "%s", text);
    curl_free(text);
    if ((size_t)size >= out_size)
        return error_set(err, ST_INVALID, "a part of it is longer than %zu bytes", out_size - 1);
    return ST_OK;
}

/* What has no use in an endpoint and may do harm. */
static enum status refuse_extras(CURLU *url, struct error *err)
{
    char text[HTTP_URL_MAX];

    enum status st = get_part(url, CURLUPART_USER, 0, text, sizeof(text), err);
    if (st == ST_OK && text[0] != 0)
        return error_set(err, ST_INVALID, "no user and password here: basic_auth is for them");
    if (st == ST_OK)
        st = get_part(url, CURLUPART_FRAGMENT, 0, text, sizeof(text), err);
    if (st == ST_OK && text[0] != 0)
        return error_set(err, ST_INVALID, "'#%s' has no use here", text);
    return st;
}

static enum status read_parts(CURLU *url, struct http_target *ret, struct error *err)
{
    enum status st = get_part(url, CURLUPART_HOST, 0, ret->host, sizeof(ret->host), err);
    if (st == ST_OK)
        st = get_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, ret->port, sizeof(ret->port), err);
    if (st == ST_OK)
        st = get_part(url, CURLUPART_PATH, 0, ret->path, sizeof(ret->path), err);
    if (st == ST_OK)
        st = get_part(url, CURLUPART_QUERY, 0, ret->query, sizeof(ret->query), err);
    if (st != ST_OK)
        return st;
    size_t size = strlen(ret->path);
    if (size > 0 && ret->path[size - 1] == '/')
        ret->path[size - 1] = 0;
    ret->is_local = is_loopback(ret->host);
    return ST_OK;
}

static enum status parse_url(const char *text, struct http_target *ret, struct error *err)
{
    if (strncasecmp(text, "https://", 8) == 0)
        ret->is_https = true;
    else if (strncasecmp(text, "http://", 7) != 0)
        return error_set(err, ST_INVALID, "must begin with https://, http:// or unix:/");

    CURLU *url = curl_url();
    if (url == NULL)
        return error_set(err, ST_NO_MEMORY, "read an address");
    enum status st;
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS);
    if (code == CURLUE_OUT_OF_MEMORY)
        st = error_set(err, ST_NO_MEMORY, "read an address");
    else if (code != CURLUE_OK)
        st = error_set(err, ST_INVALID, "%s", curl_url_strerror(code));
    else
        st = refuse_extras(url, err);
    if (st == ST_OK)
        st = read_parts(url, ret, err);
    curl_url_cleanup(url);
    return st;
}

static bool has_strange_bytes(const char *text)
{
    for (; *text != 0; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return true;
    }
    return false;
}

enum status http_target_parse(const char *text, struct http_target *ret, struct error *err)
{
    enum status st;

    *ret = (struct http_target){.is_https = false};
    if (strlen(text) >= HTTP_URL_MAX)
        return error_set(err, ST_INVALID, "longer than %d bytes", HTTP_URL_MAX - 1);
    if (has_strange_bytes(text))
        st = error_set(err, ST_INVALID, "only visible ASCII may stand in an address");
    else if (strncasecmp(text, "unix:", 5) == 0)
        st = parse_unix(text + 5, ret, err);
    else
        st = parse_url(text, ret, err);
    if (st != ST_OK)
        return error_context(err, "'%s'", text);
    return ST_OK;
}

enum status http_target_put_url(const struct http_target *target, const char *host,
                                const char *path, const char *query, struct buf *out,
                                struct error *err)
{
    char text[HTTP_URL_MAX];
    bool has_query = query != NULL && query[0] != 0;

    if (path == NULL || path[0] == 0)
        path = target->path[0] == 0 ? "/" : "";
    int size =
        snprintf(text, sizeof(text), "%s://%s%s%s%s%s%s%s%s%s", target->is_https ? "https" : "http",
                 host != NULL ? host : target->host, target->port[0] != 0 ? ":" : "", target->port,
                 target->path, path, target->query[0] != 0 || has_query ? "?" : "", target->query,
                 target->query[0] != 0 && has_query ? "&" : "", has_query ? query : "");
    if (size < 0 || size >= HTTP_URL_MAX)
        return error_set(err, ST_LIMIT, "an address of %d bytes, limit %d", size, HTTP_URL_MAX - 1);
    return buf_append(out, text, (size_t)size + 1, err);
}
