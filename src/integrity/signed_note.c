/* SPDX-License-Identifier: Apache-2.0 */
/* signed_note.c -- see include/telltale/signed_note.h.
 *
 * Stricter than it must be in one thing: base64 has one spelling, so that a note cannot be changed
 * in any byte without a reader that notices. */
#include "telltale/signed_note.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "integrity/note_text.h"
#include "integrity/strict_base64.h"

enum {
    KEY_ID_SIZE = 4,
    ED25519_SIZE = 64,
    TIME_SIZE = 8,
    COSIGNATURE_HEAD_MAX = 64, /* "cosignature/v1\ntime <digits>\n" */
};

static const struct slice dash = {(const uint8_t *)"\xe2\x80\x94 ", 4}; /* U+2014 and a space */

/* --- Signing -----------------------------------------------------------------------------------
 */

static enum status ed25519_sign(const struct note_signer *signer, struct slice text,
                                uint8_t out[ED25519_SIZE], struct error *err)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, signer->private_key,
                                                  NOTE_PRIVATE_KEY_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = ED25519_SIZE;
    bool good = pkey != NULL && context != NULL &&
                EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(context, out, &size, text.data, text.size) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return good && size == ED25519_SIZE ? ST_OK
                                        : error_set(err, ST_NO_MEMORY, "OpenSSL: a signature");
}

static enum status check_text(struct slice text, struct error *err)
{
    if (text.size == 0 || text.data[text.size - 1] != '\n' || !note_text_is_good(text))
        return error_set(err, ST_INVALID, "not the text of a note");
    return text.size <= NOTE_SIZE_MAX
               ? ST_OK
               : error_set(err, ST_LIMIT, "a note of more than %d bytes", NOTE_SIZE_MAX);
}

enum status note_sign_line(struct slice text, const struct note_signer *signer, struct buf *out,
                           struct error *err)
{
    uint8_t blob[KEY_ID_SIZE + ED25519_SIZE];
    const uint32_t id = signer->vkey.id;
    size_t name_size = strlen(signer->vkey.name);

    enum status st = check_text(text, err);
    if (st == ST_OK)
        st = ed25519_sign(signer, text, blob + KEY_ID_SIZE, err);
    if (st == ST_OK)
        st = buf_reserve(out, dash.size + name_size + 1 + base64_size(sizeof(blob)) + 1, err);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < KEY_ID_SIZE; i++)
        blob[i] = (uint8_t)(id >> (24 - 8 * i));
    buf_append_reserved(out, dash.data, dash.size);
    buf_append_reserved(out, signer->vkey.name, name_size);
    buf_append_reserved(out, " ", 1);
    base64_put(slice_of(blob, sizeof(blob)), (char *)out->data + out->size);
    out->size += base64_size(sizeof(blob));
    buf_append_reserved(out, "\n", 1);
    return ST_OK;
}

enum status note_sign(struct slice text, const struct note_signer *const *signers, size_t count,
                      struct buf *out, struct error *err)
{
    size_t start = out->size;

    ASSERT(count > 0 && count <= NOTE_SIGNATURES_MAX);
    enum status st = check_text(text, err);
    if (st == ST_OK)
        st = buf_append(out, text.data, text.size, err);
    if (st == ST_OK)
        st = buf_append(out, "\n", 1, err);
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = note_sign_line(text, signers[i], out, err);
    if (st != ST_OK)
        out->size = start;
    return st;
}

/* --- Reading -----------------------------------------------------------------------------------
 */

static bool parse_signature(struct slice line, struct note_signature *ret)
{
    uint8_t id[2 * 3]; /* of the first eight digits */
    size_t size;

    if (!slice_starts_with(line, dash))
        return false;
    struct slice rest = slice_from(line, dash.size);
    const uint8_t *space = rest.size > 0 ? memchr(rest.data, ' ', rest.size) : NULL;
    if (space == NULL || space == rest.data)
        return false;
    ret->name = slice_of(rest.data, (size_t)(space - rest.data));
    ret->base64 = slice_from(rest, ret->name.size + 1);
    ret->line = slice_of(line.data, line.size + 1);
    if (memchr(ret->name.data, '+', ret->name.size) != NULL || !base64_check(ret->base64, &size) ||
        size <= KEY_ID_SIZE + 1 || !base64_take(slice_of(ret->base64.data, 8), id, sizeof(id)))
        return false;
    ret->key_id =
        (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | (uint32_t)id[3];
    return true;
}

/* Where the signatures begin: behind the last empty line.  0: there is none. */
static size_t find_signatures(struct slice bytes)
{
    for (size_t at = bytes.size; at >= 2; at--) {
        if (bytes.data[at - 1] == '\n' && bytes.data[at - 2] == '\n')
            return at;
    }
    return 0;
}

enum status note_parse(struct slice bytes, struct note *ret, struct error *err)
{
    struct slice line;

    if (bytes.size > NOTE_SIZE_MAX)
        return error_set(err, ST_LIMIT, "a note of more than %d bytes", NOTE_SIZE_MAX);
    size_t start = find_signatures(bytes);
    if (start < 3 || !note_text_is_good(bytes))
        return error_set(err, ST_INVALID, "not a signed note");
    struct slice rest = slice_from(bytes, start);
    ret->text = slice_of(bytes.data, start - 1);
    ret->count = 0;
    while (note_text_take_line(&rest, &line)) {
        if (ret->count == NOTE_SIGNATURES_MAX)
            return error_set(err, ST_LIMIT, "a note with more than %d signatures",
                             NOTE_SIGNATURES_MAX);
        if (!parse_signature(line, &ret->signatures[ret->count]))
            return error_set(err, ST_INVALID, "a note with a signature line that is none");
        ret->count++;
    }
    if (ret->count == 0 || rest.size != 0)
        return error_set(err, ST_INVALID, "a note without a signature, or with half of one");
    return ST_OK;
}

/* --- Checking ----------------------------------------------------------------------------------
 */

/* False: it is not, or OpenSSL has no memory. */
static bool ed25519_is_good(const struct note_vkey *key, const uint8_t signature[ED25519_SIZE],
                            struct slice message)
{
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public_key, NOTE_PUBLIC_KEY_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = pkey != NULL && context != NULL &&
                EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestVerify(context, signature, ED25519_SIZE, message.data, message.size) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return good;
}

static bool cosignature_is_good(const struct note_vkey *key, const uint8_t *timed,
                                struct slice text, uint64_t *ret_unix_s)
{
    uint64_t unix_s = 0;
    struct buf message;
    struct error ignored;
    char head[COSIGNATURE_HEAD_MAX];

    for (size_t i = 0; i < TIME_SIZE; i++)
        unix_s = unix_s << 8 | timed[i];
    int size =
        snprintf(head, sizeof(head), "cosignature/v1\ntime %llu\n", (unsigned long long)unix_s);
    buf_init(&message, COSIGNATURE_HEAD_MAX + NOTE_SIZE_MAX);
    bool good = buf_append(&message, head, (size_t)size, &ignored) == ST_OK &&
                buf_append(&message, text.data, text.size, &ignored) == ST_OK &&
                ed25519_is_good(key, timed + TIME_SIZE, buf_slice(&message));
    buf_fini(&message);
    if (good)
        *ret_unix_s = unix_s;
    return good;
}

static bool is_good(const struct note *note, const struct note_signature *signature,
                    const struct note_vkey *key, uint64_t *ret_unix_s)
{
    uint8_t blob[KEY_ID_SIZE + TIME_SIZE + ED25519_SIZE];

    if (key->type == NOTE_KEY_COSIGNATURE)
        return base64_take(signature->base64, blob, sizeof(blob)) &&
               cosignature_is_good(key, blob + KEY_ID_SIZE, note->text, ret_unix_s);
    *ret_unix_s = 0;
    return base64_take(signature->base64, blob, KEY_ID_SIZE + ED25519_SIZE) &&
           ed25519_is_good(key, blob + KEY_ID_SIZE, note->text);
}

/* One signature that is wrong spoils the note, even beside a good one of the same key. */
enum status note_verify(const struct note *note, const struct note_vkey *key, uint64_t *ret_unix_s,
                        struct error *err)
{
    const struct slice name = slice_of_text(key->name);
    bool found = false;
    uint64_t unix_s, first_unix_s = 0;

    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *signature = &note->signatures[i];
        if (signature->key_id != key->id || !slice_equal(signature->name, name))
            continue;
        if (!is_good(note, signature, key, &unix_s))
            return error_set(err, ST_CORRUPT, "the signature of %s is wrong", key->name);
        if (!found)
            first_unix_s = unix_s;
        found = true;
    }
    if (!found)
        return error_set(err, ST_NOT_FOUND, "not signed by %s", key->name);
    if (ret_unix_s != NULL)
        *ret_unix_s = first_unix_s;
    return ST_OK;
}
