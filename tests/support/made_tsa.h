/* SPDX-License-Identifier: Apache-2.0 */
/* made_tsa.h -- a time stamp authority that says what the test wants, right or wrong.  What a right
 * one says is the business of the tests with `openssl ts`. */
#pragma once

#include <openssl/ts.h>

#include "support/test_certs.h"
#include "telltale/buf.h"

enum made_tsa_fault {
    MADE_RIGHT,
    MADE_OTHER_IMPRINT,
    MADE_SHA512,
    MADE_OTHER_NONCE,
    MADE_NO_NONCE,
    MADE_WRONG_SIGNATURE,
    MADE_WITHOUT_CERTIFICATE,
    MADE_LARGE, /* more than a token may be */
};

struct made_tsa {
    X509 *cert;
    EVP_PKEY *key;
    uint64_t unix_s;    /* what it takes for the time */
    const char *policy; /* under which it stamps whatever is asked */
    enum made_tsa_fault fault;
};

/* With the certificate `cert`, and the time now.  Failures abort the test. */
void made_tsa_init(struct made_tsa *tsa, const struct test_cert *cert);
void made_tsa_fini(struct made_tsa *tsa);

/* Appends a TimeStampResp that grants the request. */
void made_tsa_grant(const struct made_tsa *tsa, struct slice request, struct buf *out);

/* Appends one that does not: `bit` of the failure information, -1: none. */
void made_tsa_deny(int status, const char *words, int bit, struct buf *out);

/* Appends the token alone, for `imprint`, with no nonce. */
void made_tsa_stamp(const struct made_tsa *tsa, const uint8_t imprint[32], struct buf *out);
