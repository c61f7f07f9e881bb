/* SPDX-License-Identifier: Apache-2.0 */
/* header_list.c -- see header_list.h.  libcurl copies the lines into its request and keeps none of
 * them, so they may lie where they are. */
#include "http/header_list.h"

#include <stdio.h>
#include <string.h>

enum {
    FIXED_MAX = HTTP_HEADERS_MAX * (HTTP_HEADER_NAME_MAX + HTTP_HEADER_VALUE_MAX),
    OWN_MAX = HTTP_OWN_HEADERS_MAX * (HTTP_HEADER_NAME_MAX + HTTP_HEADER_VALUE_MAX),
    AROUND = 3, /* ": " and NUL */
};

/* "Name: value"; libcurl sends "Name;" as a header without a value. */
static enum status append_line(struct buf *out, const char *name, const char *value,
                               struct error *err)
{
    const char *between = value[0] == 0 ? ";" : ": ";

    enum status st = secret_reserve(out, strlen(name) + strlen(value) + AROUND, err);
    if (st != ST_OK)
        return st;
    buf_append_reserved(out, name, strlen(name));
    buf_append_reserved(out, between, strlen(between));
    buf_append_reserved(out, value, strlen(value) + 1);
    return ST_OK;
}

enum status header_list_init(struct header_list *list, const struct config_text_map *headers,
                             struct error *err)
{
    list->count = 0;
    buf_init(&list->fixed, FIXED_MAX);
    buf_init(&list->own, OWN_MAX);
    for (size_t i = 0; i < headers->count; i++) {
        enum status st =
            append_line(&list->fixed, headers->pairs[i].key, headers->pairs[i].value, err);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

void header_list_fini(struct header_list *list)
{
    secret_wipe(&list->fixed);
    secret_wipe(&list->own);
}

static void add_node(struct header_list *list, char *line)
{
    ASSERT(list->count < HEADER_NODES_MAX);
    list->nodes[list->count++] = (struct curl_slist){.data = line};
}

static void add_lines(struct header_list *list, const struct buf *lines)
{
    for (size_t at = 0; at < lines->size;) {
        char *line = (char *)lines->data + at;
        add_node(list, line);
        at += strlen(line) + 1;
    }
}

static enum status make_own(struct buf *own, const struct http_request *request,
                            const char *encoding, bool ask_first, struct error *err)
{
    enum status st = ST_OK;

    buf_clear(own);
    if (request->content_type != NULL)
        st = append_line(own, "Content-Type", request->content_type, err);
    if (st == ST_OK && encoding != NULL && request->body.size > 0)
        st = append_line(own, "Content-Encoding", encoding, err);
    if (st == ST_OK) /* "Expect:" keeps libcurl from asking */
        st = ask_first ? append_line(own, "Expect", "100-continue", err)
                       : buf_append(own, "Expect:", sizeof("Expect:"), err);
    for (size_t i = 0; st == ST_OK && i < request->header_count; i++)
        st = append_line(own, request->headers[i].name, request->headers[i].value, err);
    return st;
}

enum status header_list_make(struct header_list *list, const struct http_secrets *secrets,
                             const struct http_request *request, const char *encoding,
                             bool ask_first, struct curl_slist **ret, struct error *err)
{
    enum { CLIENTS_OWN = 3 };

    if (request->header_count > HTTP_OWN_HEADERS_MAX - CLIENTS_OWN)
        return error_set(err, ST_LIMIT, "%zu headers in a request, limit %d", request->header_count,
                         HTTP_OWN_HEADERS_MAX - CLIENTS_OWN);
    enum status st = make_own(&list->own, request, encoding, ask_first, err);
    if (st != ST_OK)
        return st;
    list->count = 0;
    add_lines(list, &list->fixed);
    for (size_t i = 0; i < secrets->count; i++)
        add_node(list, (char *)secrets->items[i].line.data);
    add_lines(list, &list->own);
    for (size_t i = 0; i + 1 < list->count; i++)
        list->nodes[i].next = &list->nodes[i + 1];
    *ret = list->nodes; /* "Expect" at least is there */
    return ST_OK;
}
