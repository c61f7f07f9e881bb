/* SPDX-License-Identifier: Apache-2.0 */
/* header_list.h -- the headers of one request, in the form that libcurl takes, without a copy of
 * what is known for long.
 *
 * Threads: one owner.
 */
#pragma once

#include <curl/curl.h>

#include "http/http_limits.h"
#include "http/http_secrets.h"
#include "telltale/http_client.h"

enum { HEADER_NODES_MAX = HTTP_HEADERS_MAX + HTTP_SECRETS_MAX + HTTP_OWN_HEADERS_MAX };

struct header_list {
    struct curl_slist nodes[HEADER_NODES_MAX];
    size_t count;
    struct buf fixed; /* the configuration's headers, C strings one after the other */
    struct buf own;   /* the same, of the present request */
};

/* ST_NO_MEMORY.  Ended by header_list_fini() in any case. */
MUST_CHECK enum status header_list_init(struct header_list *list,
                                        const struct config_text_map *headers, struct error *err);
void header_list_fini(struct header_list *list);

/* The headers for `request`, borrowed until the next call.  `encoding`: see http_pack_encoding().
 * `ask_first`: the body is to be sent when the server has said that it wants it.  ST_LIMIT,
 * ST_NO_MEMORY. */
MUST_CHECK enum status header_list_make(struct header_list *list,
                                        const struct http_secrets *secrets,
                                        const struct http_request *request, const char *encoding,
                                        bool ask_first, struct curl_slist **ret, struct error *err);
