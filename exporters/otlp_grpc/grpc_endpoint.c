/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_endpoint.c -- see grpc_endpoint.h.
 *
 * gRPC would take nearly any text as a target and only fail when it connects; a mistake in the
 * configuration has to be found before anything is opened, so the text is taken apart here.
 */
#include "grpc_endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "telltale/slice.h"

enum {
    HOST_MAX = 255,          /* a DNS name */
    UNIX_PATH_MAX_SIZE = 108 /* sun_path, its NUL included */
};

static const char default_port[] = "4317";

static bool take_prefix(const char **text, const char *prefix)
{
    size_t size = strlen(prefix);

    if (strncasecmp(*text, prefix, size) != 0)
        return false;
    *text += size;
    return true;
}

static enum status parse_unix(const char *path, struct grpc_endpoint *ret, struct error *err)
{
    if (strncmp(path, "//", 2) == 0)
        path += 2;
    if (path[0] != '/')
        return error_set(err, ST_INVALID, "the path behind 'unix:' is not absolute");
    if (strlen(path) >= UNIX_PATH_MAX_SIZE) {
        return error_set(err, ST_INVALID, "the socket's path is longer than %d bytes",
                         UNIX_PATH_MAX_SIZE - 1);
    }
    ret->is_unix = true;
    ret->is_local = true;
    snprintf(ret->target, sizeof(ret->target), "unix:%s", path);
    return ST_OK;
}

static bool is_host_byte(char c, bool bracketed)
{
    bool common = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '.' || c == '-' || c == '_';
    return common || (bracketed && (c == ':' || c == '%'));
}

/* Splits `text` into host and port; an IPv6 address loses its brackets. */
static enum status split_host(const char *text, struct slice *ret_host, const char **ret_port,
                              struct error *err)
{
    bool bracketed = text[0] == '[';
    const char *host = text + (bracketed ? 1 : 0);
    size_t size = 0;

    while (is_host_byte(host[size], bracketed))
        size++;
    const char *behind = host + size;
    if (bracketed && *behind++ != ']')
        return error_set(err, ST_INVALID, "no ']' behind the address");
    if (size == 0 || size > HOST_MAX)
        return error_set(err, ST_INVALID, "no host name, or one longer than %d bytes", HOST_MAX);
    *ret_host = slice_of(host, size);
    *ret_port = behind;
    return ST_OK;
}

static enum status parse_port(const char *text, const char **ret, struct error *err)
{
    if (*text == 0) {
        *ret = default_port;
        return ST_OK;
    }
    if (*text == '/')
        return error_set(err, ST_INVALID, "OTLP/gRPC takes no path, found '%s'", text);
    if (*text != ':')
        return error_set(err, ST_INVALID, "unexpected '%s' behind the host", text);

    const char *digits = text + 1;
    size_t size = strspn(digits, "0123456789");
    unsigned value = 0;
    for (size_t i = 0; i < size && value <= UINT16_MAX; i++)
        value = value * 10 + (unsigned)(digits[i] - '0');
    if (digits[size] == '/' && size > 0)
        return error_set(err, ST_INVALID, "OTLP/gRPC takes no path, found '%s'", digits + size);
    if (digits[size] != 0 || value == 0 || value > UINT16_MAX)
        return error_set(err, ST_INVALID, "'%s' is no port between 1 and 65535", digits);
    *ret = digits;
    return ST_OK;
}

static bool is_loopback(struct slice host)
{
    char text[HOST_MAX + 1];
    struct in_addr v4;
    struct in6_addr v6;

    memcpy(text, host.data, host.size);
    text[host.size] = 0;
    if (strcasecmp(text, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static enum status parse_host(const char *text, struct grpc_endpoint *ret, struct error *err)
{
    struct slice host = SLICE_EMPTY;
    const char *behind = NULL;
    const char *port = NULL;

    enum status st = split_host(text, &host, &behind, err);
    if (st == ST_OK)
        st = parse_port(behind, &port, err);
    if (st != ST_OK)
        return st;

    bool bracketed = text[0] == '[';
    ret->is_local = is_loopback(host);
    snprintf(ret->target, sizeof(ret->target), "dns:///%s%.*s%s:%s", bracketed ? "[" : "",
             SLICE_ARG(host), bracketed ? "]" : "", port);
    return ST_OK;
}

enum status grpc_endpoint_parse(const char *text, struct grpc_endpoint *ret, struct error *err)
{
    struct grpc_endpoint endpoint = {.scheme = GRPC_SCHEME_NONE};
    const char *rest = text;
    enum status st;

    if (take_prefix(&rest, "unix:")) {
        st = parse_unix(rest, &endpoint, err);
    } else {
        if (take_prefix(&rest, "https://"))
            endpoint.scheme = GRPC_SCHEME_HTTPS;
        else if (take_prefix(&rest, "http://"))
            endpoint.scheme = GRPC_SCHEME_HTTP;
        st = parse_host(rest, &endpoint, err);
    }
    if (st != ST_OK)
        return error_context(err, "endpoint '%s'", text);
    *ret = endpoint;
    return ST_OK;
}
