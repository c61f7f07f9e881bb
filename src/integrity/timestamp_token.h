/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_token.h -- a token of telltale/timestamp.h, taken apart.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <openssl/ts.h>

#include "telltale/timestamp.h"

struct timestamp_token {
    PKCS7 *token;      /* owned, and so is: */
    TS_TST_INFO *info; /* what it says */
};

/* On ST_OK to be freed.  *ret_info is all but the signer.  ST_INVALID: it is none. */
MUST_CHECK enum status timestamp_token_read(struct slice bytes, struct timestamp_token *ret,
                                            struct timestamp_info *ret_info, struct error *err);
void timestamp_token_free(struct timestamp_token *token);

/* timestamp_token_check() of what was read; sets the signer. */
enum timestamp_verdict timestamp_token_judge(const struct timestamp_token *token,
                                             struct timestamp_authority *authority,
                                             struct timestamp_info *info, struct error *err);
