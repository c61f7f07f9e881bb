/* SPDX-License-Identifier: Apache-2.0 */
/* intake_sign.c -- see intake_sign.h.  Digests and keys are OpenSSL's. */
#include "intake_sign.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telltale/encode.h"

enum {
    KEY_MAX = 1024,          /* of a secret key */
    QUERY_PARTS_MAX = 64,    /* of a query that is signed */
    CANONICAL_MAX = 1 << 16, /* of what is signed: headers and the address */
};

static void put_hex(const uint8_t *bytes, char out[SIGN_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[SIGN_HEX_SIZE - 1] = 0;
}

static enum status hmac(struct slice key, struct slice data, uint8_t out[SHA256_DIGEST_LENGTH],
                        struct error *err)
{
    const void *key_bytes = key.size > 0 ? (const void *)key.data : "";
    const void *bytes = data.size > 0 ? (const void *)data.data : "";
    unsigned size = 0;

    if (HMAC(EVP_sha256(), key_bytes, (int)key.size, bytes, data.size, out, &size) == NULL)
        return error_set(err, ST_NO_MEMORY, "OpenSSL: HMAC");
    return ST_OK;
}

enum status sign_hmac_hex(struct slice key, struct slice data, char out[SIGN_HEX_SIZE],
                          struct error *err)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];

    enum status st = hmac(key, data, digest, err);
    if (st == ST_OK)
        put_hex(digest, out);
    return st;
}

enum status sign_sha256_hex(struct slice data, char out[SIGN_HEX_SIZE], struct error *err)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    const void *bytes = data.size > 0 ? (const void *)data.data : "";

    if (EVP_Digest(bytes, data.size, digest, NULL, EVP_sha256(), NULL) != 1)
        return error_set(err, ST_NO_MEMORY, "OpenSSL: SHA-256");
    put_hex(digest, out);
    return ST_OK;
}

enum status sign_put_escaped(struct buf *out, struct slice text, struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";

    enum status st = buf_reserve(out, 3 * text.size, err);
    for (size_t i = 0; i < text.size && st == ST_OK; i++) {
        uint8_t c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_append_reserved(out, plain ? (const void *)&c : escape, plain ? 1 : sizeof(escape));
    }
    return st;
}

/* --- AWS Signature Version 4 ----------------------------------------------------------------- */

static enum status put(struct buf *out, const char *fmt, struct error *err, ...)
    __attribute__((format(printf, 2, 4)));

static enum status put(struct buf *out, const char *fmt, struct error *err, ...)
{
    va_list arguments;
    char text[CANONICAL_MAX / 4];

    va_start(arguments, err);
    int size = vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof(text))
        return error_set(err, ST_LIMIT, "too long to be signed");
    return buf_append(out, text, (size_t)size, err);
}

/* By the name, which ends at '=', then by the value. */
static int compare_parts(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;

    while (*left != 0 && *left == *right) {
        left++;
        right++;
    }
    int l = *left == '=' ? 0 : (unsigned char)*left, r = *right == '=' ? 0 : (unsigned char)*right;
    return l - r;
}

/* A path as it is requested, escaped once more; S3 alone wants it as it is. */
static enum status put_path(struct buf *out, const struct sigv4_request *request, struct error *err)
{
    const char *path = request->path[0] != 0 ? request->path : "/";
    enum status st = ST_OK;

    if (strcmp(request->service, "s3") == 0)
        return buf_append(out, path, strlen(path), err);
    while (*path != 0 && st == ST_OK) {
        size_t size = strcspn(path, "/");
        st = sign_put_escaped(out, slice_of(path, size), err);
        path += size;
        if (st == ST_OK && *path == '/') {
            st = buf_append(out, "/", 1, err);
            path++;
        }
    }
    return st;
}

/* Parameters in the order of their names. */
static enum status put_query(struct buf *out, const char *query, struct error *err)
{
    char *parts[QUERY_PARTS_MAX];
    size_t count = 0;
    char *rest = NULL;
    enum status st = ST_OK;

    if (query == NULL)
        return ST_OK;
    char *copy = strdup(query);
    if (copy == NULL)
        return error_set(err, ST_NO_MEMORY, "a query");
    for (char *part = strtok_r(copy, "&", &rest); part != NULL; part = strtok_r(NULL, "&", &rest)) {
        if (count == QUERY_PARTS_MAX) {
            free(copy);
            return error_set(err, ST_LIMIT, "more than %d parameters to sign", QUERY_PARTS_MAX);
        }
        parts[count++] = part;
    }
    qsort(parts, count, sizeof(*parts), compare_parts);
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = put(out, "%s%s%s", err, i > 0 ? "&" : "", parts[i],
                 strchr(parts[i], '=') == NULL ? "=" : "");
    free(copy);
    return st;
}

static const char *names_of(const struct sigv4_request *request)
{
    bool has_token = request->session_token != NULL;

    if (request->sign_body_hash)
        return has_token ? "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
                         : "host;x-amz-content-sha256;x-amz-date";
    return has_token ? "host;x-amz-date;x-amz-security-token" : "host;x-amz-date";
}

static enum status put_canonical(struct buf *out, const struct sigv4_request *request,
                                 struct error *err)
{
    enum status st = put(out, "%s\n", err, request->method);
    if (st == ST_OK)
        st = put_path(out, request, err);
    if (st == ST_OK)
        st = buf_append(out, "\n", 1, err);
    if (st == ST_OK)
        st = put_query(out, request->query, err);
    if (st == ST_OK)
        st = put(out, "\nhost:%s\n", err, request->host);
    if (st == ST_OK && request->sign_body_hash)
        st = put(out, "x-amz-content-sha256:%s\n", err, request->body_hash);
    if (st == ST_OK)
        st = put(out, "x-amz-date:%s\n", err, request->time);
    if (st == ST_OK && request->session_token != NULL)
        st = put(out, "x-amz-security-token:%s\n", err, request->session_token);
    return st != ST_OK ? st : put(out, "\n%s\n%s", err, names_of(request), request->body_hash);
}

/* The key of the day, region and service. */
static enum status derive_key(const struct sigv4_request *request, uint8_t *key, struct error *err)
{
    const struct slice steps[] = {slice_of(request->time, 8), slice_of_text(request->region),
                                  slice_of_text(request->service), SLICE("aws4_request")};
    uint8_t first[KEY_MAX + 4] = "AWS4";

    if (request->secret_key.size > KEY_MAX)
        return error_set(err, ST_LIMIT, "the secret key is longer than %d bytes", KEY_MAX);
    memcpy(first + 4, request->secret_key.data, request->secret_key.size);
    enum status st = hmac(slice_of(first, request->secret_key.size + 4), steps[0], key, err);
    OPENSSL_cleanse(first, sizeof(first));
    for (size_t i = 1; i < COUNT_OF(steps) && st == ST_OK; i++) {
        uint8_t next[SHA256_DIGEST_LENGTH];
        st = hmac(slice_of(key, sizeof(next)), steps[i], next, err);
        memcpy(key, next, sizeof(next));
    }
    return st;
}

enum status sigv4_authorization(const struct sigv4_request *request, struct buf *out,
                                struct error *err)
{
    uint8_t key[SHA256_DIGEST_LENGTH];
    char hash[SIGN_HEX_SIZE], signature[SIGN_HEX_SIZE], scope[256];
    struct buf text;

    buf_clear(out);
    buf_init(&text, CANONICAL_MAX);
    (void)snprintf(scope, sizeof(scope), "%.8s/%s/%s/aws4_request", request->time, request->region,
                   request->service);
    enum status st = put_canonical(&text, request, err);
    if (st == ST_OK)
        st = sign_sha256_hex(buf_slice(&text), hash, err);
    buf_clear(&text);
    if (st == ST_OK)
        st = put(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", err, request->time, scope, hash);
    if (st == ST_OK)
        st = derive_key(request, key, err);
    if (st == ST_OK)
        st = sign_hmac_hex(slice_of(key, sizeof(key)), buf_slice(&text), signature, err);
    OPENSSL_cleanse(key, sizeof(key));
    buf_fini(&text);
    if (st != ST_OK)
        return st;
    st = put(out, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", err,
             request->key_id, scope, names_of(request), signature);
    return st != ST_OK ? st : buf_append(out, "", 1, err);
}

/* --- JWT ------------------------------------------------------------------------------------- */

enum status sign_put_base64url(struct buf *out, struct slice bytes, struct error *err)
{
    enum { GROUP = 3, DIGITS = 4 };
    size_t room = (bytes.size + GROUP - 1) / GROUP * DIGITS + 1;

    enum status st = buf_reserve(out, room, err);
    if (st != ST_OK)
        return st;
    uint8_t *start = out->data + out->size;
    int size = EVP_EncodeBlock(start, bytes.data, (int)bytes.size);
    while (size > 0 && start[size - 1] == '=')
        size--;
    for (int i = 0; i < size; i++) {
        if (start[i] == '+')
            start[i] = '-';
        else if (start[i] == '/')
            start[i] = '_';
    }
    out->size += (size_t)size;
    return ST_OK;
}

static enum status put_signature(struct buf *out, size_t start, EVP_PKEY *key, struct error *err)
{
    uint8_t signature[1024];
    size_t size = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context != NULL && EVP_PKEY_get_size(key) <= (int)sizeof(signature) &&
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, signature, &size, out->data + start, out->size - start) == 1;

    EVP_MD_CTX_free(context);
    if (!good)
        return error_set(err, ST_INVALID, "the private key cannot sign");
    enum status st = buf_append(out, ".", 1, err);
    return st != ST_OK ? st : sign_put_base64url(out, slice_of(signature, size), err);
}

enum status sign_put_jwt(struct buf *out, struct slice claims, const char *key_id,
                         struct slice private_key, struct error *err)
{
    struct buf head;
    size_t start = out->size;

    BIO *pem = BIO_new_mem_buf(private_key.data, (int)private_key.size);
    EVP_PKEY *key = pem != NULL ? PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL) : NULL;
    BIO_free(pem);
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        EVP_PKEY_free(key);
        return error_set(err, ST_INVALID, "the private key is no RSA key in PEM");
    }
    buf_init(&head, CANONICAL_MAX);
    enum status st = put(&head, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":", err);
    if (st == ST_OK)
        st = encode_json_text(slice_of_text(key_id), &head, err);
    if (st == ST_OK)
        st = buf_append(&head, "}", 1, err);
    if (st == ST_OK)
        st = sign_put_base64url(out, buf_slice(&head), err);
    if (st == ST_OK)
        st = buf_append(out, ".", 1, err);
    if (st == ST_OK)
        st = sign_put_base64url(out, claims, err);
    if (st == ST_OK)
        st = put_signature(out, start, key, err);
    buf_fini(&head);
    EVP_PKEY_free(key);
    return st;
}
