/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_exchange.c -- questions and answers of timestamp.h.
 *
 *     TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken OPTIONAL }
 *
 * The token is cut out of the answer as it came, so that what is kept is what was signed.
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "integrity/timestamp_token.h"
#include "telltale/peer_words.h"

enum {
    NO_WORD = -1,
    WORDS_SIZE = 160,
    STATUS_GRANTED = 0,
    STATUS_GRANTED_WITH_MODS = 1,
    STATUS_REJECTION = 2,
    STATUS_WAITING = 3,
    STATUS_REVOCATION_WARNING = 4,
    STATUS_REVOKED = 5,
    /* Numbers of troubles: */
    TROUBLE_ANSWER = 1,   /* it is none */
    TROUBLE_OTHER = 2,    /* it is for something else */
    TROUBLE_TOKEN = 10,   /* and the verdict */
    TROUBLE_STATUS = 30,  /* and the status */
    TROUBLE_FAILURE = 50, /* and the bit */
};

/* --- Asking ----------------------------------------------------------------------------------- */

enum status timestamp_query_make(const struct hash *imprint, const char *policy,
                                 struct timestamp_query *ret, struct error *err)
{
    *ret = (struct timestamp_query){.imprint = *imprint, .policy = policy};
    if (RAND_bytes(ret->nonce, sizeof(ret->nonce)) != 1)
        return error_set(err, ST_IO, "no random numbers for a nonce");
    return ST_OK;
}

static ASN1_OBJECT *read_policy(const char *policy)
{
    size_t size = strlen(policy);
    /* OpenSSL takes two dots for a 0. */
    bool is_dotted = size > 0 && size < TIMESTAMP_POLICY_SIZE &&
                     policy[strspn(policy, "0123456789.")] == 0 && policy[size - 1] != '.' &&
                     strstr(policy, "..") == NULL;
    ASN1_OBJECT *object = is_dotted ? OBJ_txt2obj(policy, 1) : NULL;

    ERR_clear_error();
    return object;
}

enum status timestamp_policy_check(const char *policy, struct error *err)
{
    ASN1_OBJECT *object = read_policy(policy);

    if (object == NULL)
        return error_set(err, ST_INVALID, "'%.40s' is no OID, as 1.2.3.4", policy);
    ASN1_OBJECT_free(object);
    return ST_OK;
}

static ASN1_INTEGER *make_nonce(const struct timestamp_query *query)
{
    BIGNUM *number = BN_bin2bn(query->nonce, sizeof(query->nonce), NULL);
    ASN1_INTEGER *nonce = number != NULL ? BN_to_ASN1_INTEGER(number, NULL) : NULL;

    BN_free(number);
    return nonce;
}

static bool set_imprint(TS_REQ *request, const struct timestamp_query *query)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t bytes[sizeof(query->imprint.bytes)];

    memcpy(bytes, query->imprint.bytes, sizeof(bytes));
    bool is_set = imprint != NULL && algorithm != NULL &&
                  X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
                  TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
                  TS_MSG_IMPRINT_set_msg(imprint, bytes, (int)sizeof(bytes)) == 1 &&
                  TS_REQ_set_msg_imprint(request, imprint) == 1;
    TS_MSG_IMPRINT_free(imprint); /* these were copied */
    X509_ALGOR_free(algorithm);
    return is_set;
}

static bool fill_request(TS_REQ *request, const struct timestamp_query *query)
{
    ASN1_INTEGER *nonce = make_nonce(query);

    bool is_filled = nonce != NULL && TS_REQ_set_version(request, 1) == 1 &&
                     set_imprint(request, query) && TS_REQ_set_nonce(request, nonce) == 1 &&
                     TS_REQ_set_cert_req(request, 1) == 1;
    ASN1_INTEGER_free(nonce);
    return is_filled;
}

static enum status put_request(TS_REQ *request, struct buf *out, struct error *err)
{
    uint8_t *der = NULL;

    int size = i2d_TS_REQ(request, &der);
    enum status st = size > 0 ? buf_append(out, der, (size_t)size, err)
                              : error_set(err, ST_NO_MEMORY, "write a request");
    OPENSSL_free(der);
    return st;
}

enum status timestamp_query_put(const struct timestamp_query *query, struct buf *out,
                                struct error *err)
{
    ASN1_OBJECT *policy = query->policy != NULL ? read_policy(query->policy) : NULL;
    TS_REQ *request = TS_REQ_new();
    enum status st = ST_OK;

    if (query->policy != NULL && policy == NULL)
        st = error_set(err, ST_INVALID, "the policy is no OID");
    else if (request == NULL || !fill_request(request, query) ||
             (policy != NULL && TS_REQ_set_policy_id(request, policy) != 1))
        st = error_set(err, ST_NO_MEMORY, "write a request");
    else
        st = put_request(request, out, err);
    TS_REQ_free(request);
    ASN1_OBJECT_free(policy);
    ERR_clear_error();
    return st;
}

/* --- The status ------------------------------------------------------------------------------- */

struct failure {
    int bit;
    enum timestamp_word word;
    const char *words;
};

static const struct failure failures[] = {
    {TS_INFO_BAD_ALG, TIMESTAMP_REFUSED, "it does not stamp a SHA-256: choose another authority"},
    {TS_INFO_BAD_REQUEST, TIMESTAMP_REFUSED, "it takes no such request: choose another authority"},
    {TS_INFO_BAD_DATA_FORMAT, TIMESTAMP_REFUSED,
     "it does not understand the request: is it an authority of RFC 3161, and nothing in between?"},
    {TS_INFO_TIME_NOT_AVAILABLE, TIMESTAMP_LATER, "it does not know the time now"},
    {TS_INFO_UNACCEPTED_POLICY, TIMESTAMP_REFUSED,
     "it does not stamp under this policy: set 'policy' to one of its own, or leave it out"},
    {TS_INFO_UNACCEPTED_EXTENSION, TIMESTAMP_REFUSED,
     "it speaks of an extension, and none was asked for: choose another authority"},
    {TS_INFO_ADD_INFO_NOT_AVAILABLE, TIMESTAMP_REFUSED,
     "it speaks of additional information, and none was asked for: choose another authority"},
    {TS_INFO_SYSTEM_FAILURE, TIMESTAMP_LATER, "it has a failure of its own"},
};

static const char *status_words(long status)
{
    switch (status) {
    case STATUS_REJECTION:
        return "it refuses, and does not say why";
    case STATUS_WAITING:
        return "the time stamp is not ready, and there is no way to fetch it later";
    case STATUS_REVOCATION_WARNING:
        return "its certificate is about to be revoked: ask who runs it";
    case STATUS_REVOKED:
        return "its certificate was revoked: ask who runs it";
    default:
        return "it says a status that there is none of";
    }
}

static void copy_words(const TS_STATUS_INFO *info, char out[WORDS_SIZE])
{
    const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(info);

    out[0] = 0;
    if (texts == NULL || sk_ASN1_UTF8STRING_num(texts) < 1)
        return;
    const ASN1_UTF8STRING *text = sk_ASN1_UTF8STRING_value(texts, 0);
    peer_words_copy(out, WORDS_SIZE,
                    slice_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)));
}

static enum timestamp_word say_status(const TS_STATUS_INFO *info, long status,
                                      const struct failure *failure, struct error *err)
{
    char words[WORDS_SIZE];
    enum timestamp_word word = status == STATUS_WAITING ? TIMESTAMP_LATER : TIMESTAMP_REFUSED;

    copy_words(info, words);
    (void)error_set(err, ST_IO, "the time stamp authority answered status %ld: %s%s%s", status,
                    failure != NULL ? failure->words : status_words(status),
                    words[0] != 0 ? ": " : "", words);
    return failure != NULL ? failure->word : word;
}

/* The word, when there is to be no token; else NO_WORD. */
static int judge_status(const TS_STATUS_INFO *info, struct timestamp_reply *ret, struct error *err)
{
    const ASN1_INTEGER *number = TS_STATUS_INFO_get0_status(info);
    const ASN1_BIT_STRING *bits = TS_STATUS_INFO_get0_failure_info(info);
    int64_t status;

    if (number == NULL || ASN1_INTEGER_get_int64(&status, number) != 1 || status < 0 ||
        status > STATUS_REVOKED)
        status = STATUS_REVOKED + 1;
    if (status == STATUS_GRANTED || status == STATUS_GRANTED_WITH_MODS)
        return NO_WORD;
    ret->trouble = TROUBLE_STATUS + (int)status;
    for (size_t i = 0; i < COUNT_OF(failures) && status == STATUS_REJECTION; i++) {
        if (bits == NULL || ASN1_BIT_STRING_get_bit(bits, failures[i].bit) != 1)
            continue;
        ret->trouble = TROUBLE_FAILURE + failures[i].bit;
        return (int)say_status(info, (long)status, &failures[i], err);
    }
    return (int)say_status(info, (long)status, NULL, err);
}

/* --- The token -------------------------------------------------------------------------------- */

static enum timestamp_word refuse(struct timestamp_reply *ret, int trouble, const char *why,
                                  struct error *err)
{
    ret->trouble = trouble;
    (void)error_set(err, ST_INVALID, "the answer of the time stamp authority is %s", why);
    return TIMESTAMP_REFUSED;
}

static bool has_nonce(const struct timestamp_token *token, const struct timestamp_query *query)
{
    const ASN1_INTEGER *said = TS_TST_INFO_get_nonce(token->info);
    ASN1_INTEGER *asked = make_nonce(query);

    bool is_same = said != NULL && asked != NULL && ASN1_INTEGER_cmp(said, asked) == 0;
    ASN1_INTEGER_free(asked);
    return is_same;
}

static bool has_policy(const struct timestamp_token *token, const struct timestamp_query *query)
{
    ASN1_OBJECT *asked = query->policy != NULL ? read_policy(query->policy) : NULL;

    bool is_same = query->policy == NULL ||
                   (asked != NULL && OBJ_cmp(asked, TS_TST_INFO_get_policy_id(token->info)) == 0);
    ASN1_OBJECT_free(asked);
    return is_same;
}

static enum timestamp_word judge_token(const struct timestamp_token *token,
                                       const struct timestamp_query *query,
                                       struct timestamp_authority *authority,
                                       struct timestamp_reply *ret, struct error *err)
{
    if (!hash_equal(&ret->info.imprint, &query->imprint))
        return refuse(ret, TROUBLE_OTHER, "a time stamp over something else", err);
    if (!has_nonce(token, query))
        return refuse(ret, TROUBLE_OTHER, "an old one: it has not the nonce of the request", err);
    if (!has_policy(token, query))
        return refuse(ret, TROUBLE_OTHER, "under another policy than the one asked for", err);
    enum timestamp_verdict verdict = timestamp_token_judge(token, authority, &ret->info, err);
    if (verdict == TIMESTAMP_GOOD)
        return TIMESTAMP_GRANTED;
    ret->trouble = TROUBLE_TOKEN + (int)verdict;
    (void)error_context(err, "answer of the time stamp authority");
    return TIMESTAMP_REFUSED;
}

static enum timestamp_word take_token(struct slice bytes, const struct timestamp_query *query,
                                      struct timestamp_authority *authority,
                                      struct timestamp_reply *ret, struct error *err)
{
    struct timestamp_token token;

    if (bytes.size == 0)
        return refuse(ret, TROUBLE_ANSWER, "without a time stamp, though it grants one", err);
    if (timestamp_token_read(bytes, &token, &ret->info, err) != ST_OK) {
        ret->trouble = TROUBLE_TOKEN;
        (void)error_context(err, "answer of the time stamp authority");
        return TIMESTAMP_REFUSED;
    }
    enum timestamp_word word = judge_token(&token, query, authority, ret, err);
    timestamp_token_free(&token);
    if (word == TIMESTAMP_GRANTED)
        ret->token = bytes;
    return word;
}

/* Of a SEQUENCE in DER, which `bytes` begins with: what is in it, and all of it. */
static bool take_sequence(struct slice bytes, struct slice *ret_inside, struct slice *ret_whole)
{
    const uint8_t *at = bytes.data;
    int tag, class;
    long size;

    int flags = ASN1_get_object(&at, &size, &tag, &class, (long)bytes.size);
    ERR_clear_error();
    if ((flags & 0x80) != 0 || (flags & 1) != 0 || tag != V_ASN1_SEQUENCE ||
        class != V_ASN1_UNIVERSAL)
        return false;
    *ret_inside = slice_of(at, (size_t)size);
    *ret_whole = slice_of(bytes.data, (size_t)(at - bytes.data) + (size_t)size);
    return true;
}

enum timestamp_word timestamp_reply_read(struct slice answer, const struct timestamp_query *query,
                                         struct timestamp_authority *authority,
                                         struct timestamp_reply *ret, struct error *err)
{
    struct slice inside, whole, status_inside, status;

    *ret = (struct timestamp_reply){.trouble = 0};
    if (answer.size > TIMESTAMP_REPLY_MAX)
        return refuse(ret, TROUBLE_ANSWER, "too long", err);
    if (answer.size == 0 || !take_sequence(answer, &inside, &whole) || whole.size != answer.size ||
        inside.size == 0 || !take_sequence(inside, &status_inside, &status))
        return refuse(ret, TROUBLE_ANSWER, "not one of RFC 3161, or cut off", err);
    const uint8_t *at = status.data;
    TS_STATUS_INFO *info = d2i_TS_STATUS_INFO(NULL, &at, (long)status.size);
    ERR_clear_error();
    if (info == NULL)
        return refuse(ret, TROUBLE_ANSWER, "without a status that can be read", err);
    int word = judge_status(info, ret, err);
    TS_STATUS_INFO_free(info);
    return word != NO_WORD
               ? (enum timestamp_word)word
               : take_token(slice_from(inside, status.size), query, authority, ret, err);
}
