/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.h -- time stamps of RFC 3161: asking an authority that something existed, reading what
 * it answers, and checking a token of it.  Implemented in src/integrity/ with OpenSSL.
 *
 * What is stamped is a SHA-256.  Everything that comes from an authority is taken for a
 * stranger's: it is read within limits, and counts only when it is checked.
 *
 * Threads: an authority belongs to one thread at a time; the rest are pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/hash.h"

enum {
    TIMESTAMP_TOKEN_MAX = 16 << 10,                  /* bytes of a token; a longer one is refused */
    TIMESTAMP_REPLY_MAX = TIMESTAMP_TOKEN_MAX + 512, /* and of an answer, with its status */
    TIMESTAMP_NONCE_SIZE = 8,
    TIMESTAMP_POLICY_SIZE = 128, /* text of an OID, with NUL */
    TIMESTAMP_SIGNER_SIZE = 128, /* name of who signed, with NUL */
};

struct timestamp_query {
    struct hash imprint;
    uint8_t nonce[TIMESTAMP_NONCE_SIZE];
    const char *policy; /* OID, as "1.2.3.4"; borrowed; NULL: the authority's own */
};

/* A query with a new nonce.  ST_IO: no random numbers. */
MUST_CHECK enum status timestamp_query_make(const struct hash *imprint, const char *policy,
                                            struct timestamp_query *ret, struct error *err);

/* Appends a TimeStampReq in DER, which asks for the certificates too.  ST_INVALID: the policy. */
MUST_CHECK enum status timestamp_query_put(const struct timestamp_query *query, struct buf *out,
                                           struct error *err);

/* ST_INVALID: it is no OID in digits and dots. */
MUST_CHECK enum status timestamp_policy_check(const char *policy, struct error *err);

/* --- Tokens ----------------------------------------------------------------------------------- */

/* Who is believed: the certificates of a file. */
struct timestamp_authority;

/* Reads PEM.  ST_NOT_FOUND, ST_IO: the file; ST_INVALID: there is no certificate in it;
 * ST_NO_MEMORY. */
MUST_CHECK enum status timestamp_authority_read(const char *path, struct timestamp_authority **ret,
                                                struct error *err);
void timestamp_authority_destroy(struct timestamp_authority *authority); /* accepts NULL */

/* What a token says. */
struct timestamp_info {
    struct hash imprint;
    uint64_t unix_s; /* the time; whole seconds, rounded down */
    char policy[TIMESTAMP_POLICY_SIZE];
    char signer[TIMESTAMP_SIGNER_SIZE]; /* of its certificate, fit for a log line; "" if unnamed */
};

/* The first of these that fails. */
enum timestamp_verdict {
    TIMESTAMP_GOOD,
    TIMESTAMP_NO_TOKEN,    /* it cannot be read, or says nothing of a SHA-256 */
    TIMESTAMP_NO_SIGNER,   /* it has not one signer with its certificate */
    TIMESTAMP_UNKNOWN,     /* the authority leads to no certificate that is believed */
    TIMESTAMP_NOT_FOR_IT,  /* its certificate is not one for time stamps */
    TIMESTAMP_NOT_IN_TIME, /* a certificate was not yet, or not any more, valid at the time */
    TIMESTAMP_UNTRUSTED,   /* something else is wrong with its certificates */
    TIMESTAMP_NOT_SIGNED,  /* the signature is wrong */
};

/* Checks a token in DER.  Certificates are judged as of the time in the token; whether one was
 * revoked is not asked.  `authority` NULL: any signer with a certificate for time stamps will do.
 * *ret is zeroed first, and set as far as the token could be read.  `err` is set for every verdict
 * but TIMESTAMP_GOOD. */
enum timestamp_verdict timestamp_token_check(struct slice token,
                                             struct timestamp_authority *authority,
                                             struct timestamp_info *ret, struct error *err);

/* Appends the token in base64, and decodes it.  ST_INVALID: it is not base64 in its one spelling;
 * ST_LIMIT: it is longer than a token. */
MUST_CHECK enum status timestamp_token_put_text(struct slice token, struct buf *out,
                                                struct error *err);
MUST_CHECK enum status timestamp_token_take_text(struct slice text, struct buf *out,
                                                 struct error *err);

/* --- Answers ---------------------------------------------------------------------------------- */

enum timestamp_word {
    TIMESTAMP_GRANTED, /* reply.token, which is good and what was asked for */
    TIMESTAMP_LATER,   /* it may work the next time */
    TIMESTAMP_REFUSED, /* somebody has to look: reply.trouble */
};

struct timestamp_reply {
    struct slice token; /* DER; borrowed from the answer */
    struct timestamp_info info;
    int trouble; /* a number that tells refusals apart, from 1 */
};

/* Reads a TimeStampResp in DER.  `authority` as above.  `err` is set for every word but
 * TIMESTAMP_GRANTED, with words on what to do. */
enum timestamp_word timestamp_reply_read(struct slice answer, const struct timestamp_query *query,
                                         struct timestamp_authority *authority,
                                         struct timestamp_reply *ret, struct error *err);
