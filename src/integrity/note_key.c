/* SPDX-License-Identifier: Apache-2.0 */
/* note_key.c -- the keys of include/telltale/signed_note.h, as texts: those of Go's sumdb/note. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "integrity/strict_base64.h"
#include "telltale/hash.h"
#include "telltale/signed_note.h"
#include "util/utf8.h"

enum {
    ID_HEX_SIZE = 8,
    TYPED_KEY_SIZE = 1 + NOTE_PUBLIC_KEY_SIZE,
    TYPED_KEY_BASE64_SIZE = 44,
};

_Static_assert((int)NOTE_PUBLIC_KEY_SIZE == (int)NOTE_PRIVATE_KEY_SIZE, "one format for both");

static const struct slice private_prefix = {(const uint8_t *)"PRIVATE+KEY+", 12};

/* What Unicode calls white space, beyond the controls. */
static bool is_space(uint32_t code_point)
{
    return code_point == 0x20 || code_point == 0x85 || code_point == 0xa0 || code_point == 0x1680 ||
           (code_point >= 0x2000 && code_point <= 0x200a) || code_point == 0x2028 ||
           code_point == 0x2029 || code_point == 0x202f || code_point == 0x205f ||
           code_point == 0x3000;
}

bool note_name_is_good(struct slice name)
{
    if (name.size == 0 || name.size >= NOTE_NAME_SIZE)
        return false;
    const uint8_t *end = name.data + name.size;
    for (const uint8_t *at = name.data; at < end;) {
        size_t size = utf8_size(at, end);
        if (size == 0 || *at == '+')
            return false;
        uint32_t code_point = utf8_code_point(at, size);
        if (utf8_acts(code_point) || is_space(code_point))
            return false;
        at += size;
    }
    return true;
}

static uint32_t key_id(struct slice name, enum note_key_type type, const uint8_t *public_key)
{
    const uint8_t between[] = {'\n', (uint8_t)type};
    const struct slice parts[] = {name, slice_of(between, sizeof(between)),
                                  slice_of(public_key, NOTE_PUBLIC_KEY_SIZE)};
    struct hash hash;

    hash_parts(parts, COUNT_OF(parts), &hash);
    const uint8_t *b = hash.bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

enum status note_vkey_make(struct slice name, enum note_key_type type,
                           const uint8_t public_key[NOTE_PUBLIC_KEY_SIZE], struct note_vkey *ret,
                           struct error *err)
{
    if (!note_name_is_good(name))
        return error_set(err, ST_INVALID,
                         "not a name for a key: empty, too long, or with spaces or +");
    *ret = (struct note_vkey){.type = type, .id = key_id(name, type, public_key)};
    memcpy(ret->name, name.data, name.size);
    memcpy(ret->public_key, public_key, NOTE_PUBLIC_KEY_SIZE);
    return ST_OK;
}

bool note_vkey_equal(const struct note_vkey *a, const struct note_vkey *b)
{
    return a->type == b->type && strcmp(a->name, b->name) == 0 &&
           memcmp(a->public_key, b->public_key, NOTE_PUBLIC_KEY_SIZE) == 0;
}

/* "name+hash+base64 of type and key", NUL-terminated. */
static void put_key(const struct note_vkey *key, const uint8_t *bytes, char *out, size_t out_size)
{
    uint8_t typed[TYPED_KEY_SIZE] = {(uint8_t)key->type};
    char base64[TYPED_KEY_BASE64_SIZE];

    memcpy(typed + 1, bytes, NOTE_PUBLIC_KEY_SIZE);
    base64_put(slice_of(typed, sizeof(typed)), base64);
    (void)snprintf(out, out_size, "%s+%08x+%.*s", key->name, key->id, TYPED_KEY_BASE64_SIZE,
                   base64);
    OPENSSL_cleanse(typed, sizeof(typed));
    OPENSSL_cleanse(base64, sizeof(base64));
}

void note_vkey_format(const struct note_vkey *key, char out[NOTE_VKEY_SIZE])
{
    put_key(key, key->public_key, out, NOTE_VKEY_SIZE);
}

/* Takes such a text apart; whether the hash is that of the key, is for the caller to see. */
static bool take_key(struct slice text, struct slice *ret_name, uint32_t *ret_id,
                     uint8_t ret_typed[TYPED_KEY_SIZE])
{
    const uint8_t *plus = text.size > 0 ? memchr(text.data, '+', text.size) : NULL;
    uint32_t id = 0;

    if (plus == NULL)
        return false;
    *ret_name = slice_of(text.data, (size_t)(plus - text.data));
    struct slice rest = slice_from(text, ret_name->size + 1);
    if (rest.size != ID_HEX_SIZE + 1 + TYPED_KEY_BASE64_SIZE || rest.data[ID_HEX_SIZE] != '+')
        return false;
    for (size_t i = 0; i < ID_HEX_SIZE; i++) {
        const uint8_t byte = rest.data[i];
        bool is_letter = byte >= 'a' && byte <= 'f';
        if (!is_letter && (byte < '0' || byte > '9'))
            return false;
        id = id << 4 | (uint32_t)(is_letter ? byte - 'a' + 10 : byte - '0');
    }
    *ret_id = id;
    return base64_take(slice_from(rest, ID_HEX_SIZE + 1), ret_typed, TYPED_KEY_SIZE);
}

enum status note_vkey_parse(struct slice text, struct note_vkey *ret, struct error *err)
{
    uint8_t typed[TYPED_KEY_SIZE];
    struct slice name;
    struct note_vkey key;
    uint32_t id;

    if (!take_key(text, &name, &id, typed))
        return error_set(err, ST_INVALID, "not a verifier key: name+hash+base64");
    if (typed[0] != NOTE_KEY_ED25519 && typed[0] != NOTE_KEY_COSIGNATURE)
        return error_set(err, ST_INVALID, "a verifier key of type %u, which is unknown", typed[0]);
    enum status st = note_vkey_make(name, typed[0], typed + 1, &key, err);
    if (st != ST_OK)
        return st;
    if (key.id != id)
        return error_set(err, ST_INVALID, "the hash in a verifier key is not that of its key");
    *ret = key;
    return ST_OK;
}

/* --- Private keys ------------------------------------------------------------------------------
 */

static enum status signer_of(struct slice name, const uint8_t *private_key, struct note_signer *ret,
                             struct error *err)
{
    uint8_t public_key[NOTE_PUBLIC_KEY_SIZE];
    size_t size = sizeof(public_key);
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, NOTE_PRIVATE_KEY_SIZE);
    bool good = pkey != NULL && EVP_PKEY_get_raw_public_key(pkey, public_key, &size) == 1 &&
                size == sizeof(public_key);

    EVP_PKEY_free(pkey);
    if (!good)
        return error_set(err, ST_NO_MEMORY, "OpenSSL: an Ed25519 key");
    enum status st = note_vkey_make(name, NOTE_KEY_ED25519, public_key, &ret->vkey, err);
    if (st == ST_OK)
        memcpy(ret->private_key, private_key, NOTE_PRIVATE_KEY_SIZE);
    return st;
}

enum status note_signer_make(struct slice name, struct note_signer *ret, struct error *err)
{
    uint8_t private_key[NOTE_PRIVATE_KEY_SIZE];
    size_t size = sizeof(private_key);
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bool good = pkey != NULL && EVP_PKEY_get_raw_private_key(pkey, private_key, &size) == 1 &&
                size == sizeof(private_key);

    EVP_PKEY_free(pkey);
    enum status st = good ? signer_of(name, private_key, ret, err)
                          : error_set(err, ST_IO, "OpenSSL: a new Ed25519 key");
    OPENSSL_cleanse(private_key, sizeof(private_key));
    return st;
}

void note_signer_format(const struct note_signer *signer, char out[NOTE_SKEY_SIZE])
{
    memcpy(out, private_prefix.data, private_prefix.size);
    put_key(&signer->vkey, signer->private_key, out + private_prefix.size, NOTE_VKEY_SIZE);
}

enum status note_signer_parse(struct slice text, struct note_signer *ret, struct error *err)
{
    uint8_t typed[TYPED_KEY_SIZE];
    struct note_signer signer;
    struct slice name;
    uint32_t id;

    if (!slice_starts_with(text, private_prefix) ||
        !take_key(slice_from(text, private_prefix.size), &name, &id, typed) ||
        typed[0] != NOTE_KEY_ED25519) {
        OPENSSL_cleanse(typed, sizeof(typed));
        return error_set(err, ST_INVALID, "not a private key: PRIVATE+KEY+name+hash+base64");
    }
    enum status st = signer_of(name, typed + 1, &signer, err);
    OPENSSL_cleanse(typed, sizeof(typed));
    if (st == ST_OK && signer.vkey.id != id)
        st = error_set(err, ST_INVALID, "the hash in a private key is not that of its key");
    if (st == ST_OK)
        *ret = signer;
    OPENSSL_cleanse(&signer, sizeof(signer));
    return st;
}

void note_signer_wipe(struct note_signer *signer)
{
    OPENSSL_cleanse(signer, sizeof(*signer));
}
