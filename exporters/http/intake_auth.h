/* SPDX-License-Identifier: Apache-2.0 */
/* intake_auth.h -- the headers of a request that sign it, or bear a token.
 *
 * Threads: one owner, intake_auth_cancel() excepted.
 */
#pragma once

#include "intake_sign.h"
#include "intake_token.h"

enum { INTAKE_AUTH_HEADERS_MAX = 5, INTAKE_SIGNATURE_MAX = 256 };

struct intake_auth {
    const struct intake_plan *plan; /* borrowed */
    struct intake_token token;
    struct buf secret, key_id, session; /* of the present request */
    struct buf authorization;           /* of AWS */
    char signature[INTAKE_SIGNATURE_MAX];
    char body_hash[SIGN_HEX_SIZE];
    char time[SIGN_TIME_SIZE];
    char host[300], path[2 * INTAKE_PATH_MAX];
    struct http_header headers[INTAKE_AUTH_HEADERS_MAX]; /* their values change with sign() */
    size_t header_count;
};

/* ST_NO_MEMORY, ST_INVALID.  Ended by intake_auth_fini() in any case. */
MUST_CHECK enum status intake_auth_init(struct intake_auth *auth, const struct intake_plan *plan,
                                        struct error *err);
void intake_auth_fini(struct intake_auth *auth);

/* Makes ready for a request, whose `headers`, `sign` and `sign_context` it fills.  EXPORT_RETRY:
 * `report` and `err` say when and why. */
MUST_CHECK enum export_result intake_auth_prepare(struct intake_auth *auth, uint64_t deadline_ns,
                                                  struct http_request *request,
                                                  struct export_report *report, struct error *err);

/* Whether a request that was answered with 401 may be made again with a new token. */
bool intake_auth_renew(struct intake_auth *auth);

void intake_auth_cancel(struct intake_auth *auth);
