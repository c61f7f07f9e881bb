/* SPDX-License-Identifier: Apache-2.0 */
/* url_facet.c -- see url_facet.h.  A model wrote the URL: what is not of the form yields less,
 * never something else. */
#include "normalize/url_facet.h"

#include "normalize/coerce.h"

/* Browsers take a backslash for a slash. */
static bool ends_authority(uint8_t c)
{
    return c == '/' || c == '?' || c == '#' || c == '\\';
}

static size_t authority_size(struct slice rest)
{
    size_t size = 0;
    while (size < rest.size && !ends_authority(rest.data[size]))
        size++;
    return size;
}

static void put_port(struct mapping *m, struct slice text)
{
    struct any_view value = {.type = ANY_TYPE_STRING, .bytes = text};
    int64_t port = 0;
    if (coerce_int(&value, &port) && port > 0 && port <= 65535)
        mapping_put_int(m, KEY_SERVER_PORT, port);
}

static void put_host(struct mapping *m, struct slice authority)
{
    const uint8_t *at = memrchr(authority.data, '@', authority.size);
    struct slice host =
        at != NULL ? slice_from(authority, (size_t)(at - authority.data) + 1) : authority;
    if (host.size == 0)
        return;
    const uint8_t *bracket = host.data[0] == '[' ? memchr(host.data, ']', host.size) : NULL;
    size_t host_end = bracket != NULL ? (size_t)(bracket - host.data) : 0;
    const uint8_t *colon = memrchr(host.data + host_end, ':', host.size - host_end);
    size_t size = colon != NULL ? (size_t)(colon - host.data) : host.size;
    struct slice name =
        bracket != NULL ? slice_of(host.data + 1, host_end - 1) : slice_of(host.data, size);
    if (name.size == 0)
        return;
    mapping_put_text(m, KEY_URL_DOMAIN, name);
    mapping_put_text(m, KEY_SERVER_ADDRESS, name);
    if (colon != NULL)
        put_port(m, slice_from(host, size + 1));
}

void url_facet_put(struct mapping *m, struct slice url)
{
    mapping_put_text(m, KEY_URL_FULL, url);
    const uint8_t *mark = url.size > 0 ? memmem(url.data, url.size, "://", 3) : NULL;
    if (mark == NULL || mark == url.data)
        return;
    size_t scheme_size = (size_t)(mark - url.data);
    struct slice rest = slice_from(url, scheme_size + 3);
    struct slice authority = slice_of(rest.data, authority_size(rest));
    mapping_put_text(m, KEY_URL_SCHEME, slice_of(url.data, scheme_size));
    if (authority.size > 0)
        put_host(m, authority);
}
