/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_token.c -- tokens of timestamp.h: a CMS SignedData whose content is a TSTInfo.
 *
 * The chain of certificates is judged here before OpenSSL's own TS_RESP_verify_token() does it
 * again, since that one does not say which of several things was wrong.
 */
#include "integrity/timestamp_token.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "integrity/strict_base64.h"
#include "telltale/peer_words.h"

enum {
    AUTHORITY_CERTS_MAX = 256,
    CHAIN_DEPTH_MAX = 8, /* certificates between the signer's and a believed one */
};

#define TIME_MAX_S INT64_C(253402300799) /* the last of the year 9999 */

struct timestamp_authority {
    X509_STORE *store;
};

/* --- Authorities ------------------------------------------------------------------------------ */

static enum status add_certificates(X509_STORE *store, FILE *file, struct error *err)
{
    size_t count = 0;

    for (;;) {
        X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
        if (cert == NULL)
            break;
        int added = count < AUTHORITY_CERTS_MAX ? X509_STORE_add_cert(store, cert) : -1;
        X509_free(cert);
        if (added < 0)
            return error_set(err, ST_LIMIT, "more than %d certificates", AUTHORITY_CERTS_MAX);
        if (added == 0)
            return error_set(err, ST_NO_MEMORY, "keep a certificate");
        count++;
    }
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (count == 0 || !is_end)
        return error_set(err, ST_INVALID, "%s certificate in PEM",
                         count == 0 ? "there is no" : "there is a damaged");
    return ST_OK;
}

static enum status make_store(FILE *file, struct timestamp_authority *authority, struct error *err)
{
    authority->store = X509_STORE_new();
    if (authority->store == NULL)
        return error_set(err, ST_NO_MEMORY, "read certificates");
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(authority->store);
    X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
    /* Who names a certificate believes it, be it self-signed or not. */
    if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
        return error_set(err, ST_NO_MEMORY, "read certificates");
    return add_certificates(authority->store, file, err);
}

enum status timestamp_authority_read(const char *path, struct timestamp_authority **ret,
                                     struct error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%.100s'", path);
    struct timestamp_authority *authority = calloc(1, sizeof(*authority));
    enum status st = authority != NULL ? make_store(file, authority, err)
                                       : error_set(err, ST_NO_MEMORY, "read certificates");
    (void)fclose(file); /* only read from */
    if (st != ST_OK) {
        timestamp_authority_destroy(authority);
        return error_context(err, "'%.100s'", path);
    }
    *ret = authority;
    return ST_OK;
}

void timestamp_authority_destroy(struct timestamp_authority *authority)
{
    if (authority == NULL)
        return;
    X509_STORE_free(authority->store);
    free(authority);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool read_time(const ASN1_GENERALIZEDTIME *time, uint64_t *ret)
{
    struct tm parts;

    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
        return false;
    time_t seconds = timegm(&parts);
    *ret = (uint64_t)seconds;
    return seconds > 0 && seconds <= TIME_MAX_S;
}

static bool read_imprint(TS_MSG_IMPRINT *imprint, struct hash *ret)
{
    X509_ALGOR *algorithm = imprint != NULL ? TS_MSG_IMPRINT_get_algo(imprint) : NULL;
    ASN1_OCTET_STRING *message = imprint != NULL ? TS_MSG_IMPRINT_get_msg(imprint) : NULL;
    const ASN1_OBJECT *object = NULL;

    if (algorithm == NULL || message == NULL ||
        ASN1_STRING_length(message) != (int)sizeof(ret->bytes))
        return false;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2nid(object) != NID_sha256)
        return false;
    memcpy(ret->bytes, ASN1_STRING_get0_data(message), sizeof(ret->bytes));
    return true;
}

static bool read_info(TS_TST_INFO *info, struct timestamp_info *ret)
{
    ASN1_OBJECT *policy = TS_TST_INFO_get_policy_id(info);
    int size = policy != NULL ? OBJ_obj2txt(ret->policy, sizeof(ret->policy), policy, 1) : 0;

    return TS_TST_INFO_get_version(info) == 1 && size > 0 && (size_t)size < sizeof(ret->policy) &&
           read_imprint(TS_TST_INFO_get_msg_imprint(info), &ret->imprint) &&
           read_time(TS_TST_INFO_get_time(info), &ret->unix_s);
}

enum status timestamp_token_read(struct slice bytes, struct timestamp_token *ret,
                                 struct timestamp_info *ret_info, struct error *err)
{
    const uint8_t *at = bytes.data;

    *ret = (struct timestamp_token){.token = NULL};
    *ret_info = (struct timestamp_info){.unix_s = 0};
    if (bytes.size > TIMESTAMP_TOKEN_MAX)
        return error_set(err, ST_INVALID, "a token of more than %d bytes", TIMESTAMP_TOKEN_MAX);
    ret->token = d2i_PKCS7(NULL, &at, (long)bytes.size);
    bool is_whole = ret->token != NULL && at == bytes.data + bytes.size;
    if (is_whole && PKCS7_type_is_signed(ret->token) && ret->token->d.sign != NULL)
        ret->info = PKCS7_to_TS_TST_INFO(ret->token);
    bool is_good = ret->info != NULL && read_info(ret->info, ret_info);
    ERR_clear_error();
    if (is_good)
        return ST_OK;
    timestamp_token_free(ret);
    return error_set(err, ST_INVALID, "it is no time stamp over a SHA-256");
}

void timestamp_token_free(struct timestamp_token *token)
{
    PKCS7_free(token->token);
    TS_TST_INFO_free(token->info);
    *token = (struct timestamp_token){.token = NULL};
}

/* --- Checking --------------------------------------------------------------------------------- */

/* The certificate of the only signer; borrowed from the token. */
static X509 *find_signer(PKCS7 *token)
{
    X509 *signer = NULL;
    STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(token);

    if (infos == NULL || sk_PKCS7_SIGNER_INFO_num(infos) != 1)
        return NULL;
    STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
    if (signers != NULL && sk_X509_num(signers) == 1)
        signer = sk_X509_value(signers, 0);
    sk_X509_free(signers);
    return signer;
}

static void name_signer(X509 *signer, char out[TIMESTAMP_SIGNER_SIZE])
{
    static const int preferred[] = {NID_commonName, NID_organizationalUnitName,
                                    NID_organizationName};
    X509_NAME *name = X509_get_subject_name(signer);

    for (size_t i = 0; i < COUNT_OF(preferred); i++) {
        int at = X509_NAME_get_index_by_NID(name, preferred[i], -1);
        uint8_t *text = NULL;
        if (at < 0)
            continue;
        int size =
            ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        if (size > 0)
            peer_words_copy(out, TIMESTAMP_SIGNER_SIZE, slice_of(text, (size_t)size));
        OPENSSL_free(text);
        if (out[0] != 0)
            return;
    }
}

static enum timestamp_verdict refuse(enum timestamp_verdict verdict, const char *why,
                                     struct error *err)
{
    static const char *const words[] = {
        [TIMESTAMP_NO_SIGNER] = "the time stamp has not one signer with its certificate",
        [TIMESTAMP_UNKNOWN] = "the time stamp is of an authority that is not the one to believe",
        [TIMESTAMP_NOT_FOR_IT] = "the certificate of the time stamp is not one for time stamps",
        [TIMESTAMP_NOT_IN_TIME] = "a certificate of the time stamp was not valid at its time",
        [TIMESTAMP_UNTRUSTED] = "the certificates of the time stamp are not good",
        [TIMESTAMP_NOT_SIGNED] = "the signature of the time stamp is wrong",
    };

    (void)error_set(err, ST_CORRUPT, "%s%s%s", words[verdict], why != NULL ? ": " : "",
                    why != NULL ? why : "");
    return verdict;
}

static enum timestamp_verdict verdict_of(int error, int depth)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: /* a believed one has the name, and another key */
        return TIMESTAMP_UNKNOWN;
    case X509_V_ERR_INVALID_PURPOSE:
        return depth == 0 ? TIMESTAMP_NOT_FOR_IT : TIMESTAMP_UNTRUSTED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TIMESTAMP_NOT_IN_TIME;
    default:
        return TIMESTAMP_UNTRUSTED;
    }
}

static enum timestamp_verdict check_chain(const struct timestamp_authority *authority, PKCS7 *token,
                                          X509 *signer, struct error *err)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    enum timestamp_verdict verdict = TIMESTAMP_UNTRUSTED;

    if (context == NULL ||
        X509_STORE_CTX_init(context, authority->store, signer, token->d.sign->cert) != 1 ||
        X509_STORE_CTX_set_purpose(context, X509_PURPOSE_TIMESTAMP_SIGN) != 1) {
        (void)refuse(verdict, "no memory", err);
    } else if (X509_verify_cert(context) == 1) {
        verdict = TIMESTAMP_GOOD;
    } else {
        int error = X509_STORE_CTX_get_error(context);
        verdict = refuse(verdict_of(error, X509_STORE_CTX_get_error_depth(context)),
                         X509_verify_cert_error_string(error), err);
    }
    X509_STORE_CTX_free(context);
    return verdict;
}

/* With the certificates, and which of them the signer meant. */
static bool is_signed_under(const struct timestamp_authority *authority, PKCS7 *token)
{
    TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();

    if (context == NULL || X509_STORE_up_ref(authority->store) != 1) {
        TS_VERIFY_CTX_free(context);
        return false;
    }
    (void)TS_VERIFY_CTX_set_store(context, authority->store); /* now it has one reference */
    (void)TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_SIGNATURE);
    bool is_signed = TS_RESP_verify_token(context, token) == 1;
    TS_VERIFY_CTX_free(context);
    return is_signed;
}

static enum timestamp_verdict check_signer(struct timestamp_authority *authority,
                                           const struct timestamp_token *token,
                                           struct timestamp_info *info, struct error *err)
{
    X509 *signer = find_signer(token->token);
    bool is_signed;

    if (signer == NULL)
        return refuse(TIMESTAMP_NO_SIGNER, NULL, err);
    name_signer(signer, info->signer);
    if (authority == NULL) {
        if (X509_check_purpose(signer, X509_PURPOSE_TIMESTAMP_SIGN, 0) != 1)
            return refuse(TIMESTAMP_NOT_FOR_IT, NULL, err);
        is_signed = PKCS7_verify(token->token, NULL, NULL, NULL, NULL, PKCS7_NOVERIFY) == 1;
    } else {
        /* As of the time in the token, for both that look at the chain. */
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(authority->store), (time_t)info->unix_s);
        enum timestamp_verdict verdict = check_chain(authority, token->token, signer, err);
        if (verdict != TIMESTAMP_GOOD)
            return verdict;
        is_signed = is_signed_under(authority, token->token);
    }
    return is_signed ? TIMESTAMP_GOOD : refuse(TIMESTAMP_NOT_SIGNED, NULL, err);
}

enum timestamp_verdict timestamp_token_judge(const struct timestamp_token *token,
                                             struct timestamp_authority *authority,
                                             struct timestamp_info *info, struct error *err)
{
    enum timestamp_verdict verdict = check_signer(authority, token, info, err);

    ERR_clear_error();
    return verdict;
}

enum timestamp_verdict timestamp_token_check(struct slice bytes,
                                             struct timestamp_authority *authority,
                                             struct timestamp_info *ret, struct error *err)
{
    struct timestamp_token token;

    if (timestamp_token_read(bytes, &token, ret, err) != ST_OK)
        return TIMESTAMP_NO_TOKEN;
    enum timestamp_verdict verdict = timestamp_token_judge(&token, authority, ret, err);
    timestamp_token_free(&token);
    return verdict;
}

/* --- As text ---------------------------------------------------------------------------------- */

enum status timestamp_token_put_text(struct slice token, struct buf *out, struct error *err)
{
    size_t size = base64_size(token.size);

    enum status st = buf_reserve(out, size, err);
    if (st != ST_OK || size == 0)
        return st;
    base64_put(token, (char *)out->data + out->size);
    out->size += size;
    return ST_OK;
}

enum status timestamp_token_take_text(struct slice text, struct buf *out, struct error *err)
{
    size_t size;

    if (!base64_check(text, &size))
        return error_set(err, ST_INVALID, "it is not base64");
    if (size > TIMESTAMP_TOKEN_MAX)
        return error_set(err, ST_LIMIT, "a token of more than %d bytes", TIMESTAMP_TOKEN_MAX);
    enum status st = buf_reserve(out, size, err);
    if (st != ST_OK || size == 0)
        return st;
    bool is_taken = base64_take(text, out->data + out->size, size);
    ASSERT(is_taken); /* it was checked */
    out->size += size;
    return ST_OK;
}
