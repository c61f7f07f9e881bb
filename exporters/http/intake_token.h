/* SPDX-License-Identifier: Apache-2.0 */
/* intake_token.h -- a token of OAuth 2: by client credentials, or for a service account of Google.
 *
 * It is asked for when it is needed, kept until shortly before it expires, and asked for anew when
 * the destination does not want it any more.
 *
 * Threads: one owner, intake_token_cancel() excepted.
 */
#pragma once

#include "intake_config.h"
#include "telltale/buf.h"
#include "telltale/http_client.h"

struct intake_token {
    const struct intake_plan *plan; /* borrowed */
    struct http_config http;        /* of the request for a token */
    struct http_client *client;     /* owned; NULL: no tokens are configured */
    struct buf header;              /* "Bearer ...", NUL-terminated; empty: there is none */
    struct buf request, answer;     /* secret too */
    uint64_t expires_ns;            /* monotonic */
};

/* ST_NO_MEMORY.  Ended by intake_token_fini() in any case. */
MUST_CHECK enum status intake_token_init(struct intake_token *token, const struct intake_plan *plan,
                                         struct error *err);
void intake_token_fini(struct intake_token *token);

/* Sees that there is a token.  EXPORT_RETRY: `report` and `err` say when and why. */
MUST_CHECK enum export_result intake_token_get(struct intake_token *token, uint64_t deadline_ns,
                                               struct export_report *report, struct error *err);

/* The present one is not wanted any more. */
void intake_token_forget(struct intake_token *token);

void intake_token_cancel(struct intake_token *token);
