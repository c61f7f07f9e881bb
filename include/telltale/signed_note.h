/* SPDX-License-Identifier: Apache-2.0 */
/* signed_note.h -- texts with signatures under them: C2SP signed-note, as Go's sumdb/note.
 * Implemented in src/integrity/.
 *
 *     <text, whose last line ends with '\n'>
 *     <empty line>
 *     — <name> <base64 of: key id, 4 bytes; signature>
 *
 * Threads: one owner at a time; the functions keep nothing.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum {
    NOTE_SIZE_MAX = 128 << 10, /* of a whole note */
    NOTE_SIGNATURES_MAX = 64,  /* under one text */
    NOTE_NAME_SIZE = 256,      /* of a key's name, with NUL */
    NOTE_PUBLIC_KEY_SIZE = 32, /* Ed25519 */
    NOTE_PRIVATE_KEY_SIZE = 32,
    NOTE_VKEY_SIZE = NOTE_NAME_SIZE + 1 + 8 + 1 + 44, /* text of a verifier key, with NUL */
    NOTE_SKEY_SIZE = 12 + NOTE_VKEY_SIZE,             /* "PRIVATE+KEY+" and the same */
};

enum note_key_type {
    NOTE_KEY_ED25519 = 0x01,     /* over the text */
    NOTE_KEY_COSIGNATURE = 0x04, /* cosignature/v1: over a time and the text */
};

/* A verifier key: who signs, and the public key.  A value; owns nothing. */
struct note_vkey {
    char name[NOTE_NAME_SIZE]; /* UTF-8 without white space, controls and '+' */
    enum note_key_type type;
    uint32_t id; /* first 4 bytes of SHA-256(name '\n' type key), big-endian */
    uint8_t public_key[NOTE_PUBLIC_KEY_SIZE];
};

/* Who can sign.  To be wiped. */
struct note_signer {
    struct note_vkey vkey;
    uint8_t private_key[NOTE_PRIVATE_KEY_SIZE]; /* the seed of RFC 8032 */
};

/* Whether `name` may be that of a key. */
bool note_name_is_good(struct slice name);

/* --- Keys --------------------------------------------------------------------------------------
 */

/* Fills in name, type and id.  ST_INVALID: the name. */
MUST_CHECK enum status note_vkey_make(struct slice name, enum note_key_type type,
                                      const uint8_t public_key[NOTE_PUBLIC_KEY_SIZE],
                                      struct note_vkey *ret, struct error *err);

/* "name+hash+base64", NUL-terminated, and back.  ST_INVALID: it is none; a type that is not in enum
 * note_key_type is one of those. */
void note_vkey_format(const struct note_vkey *key, char out[NOTE_VKEY_SIZE]);
MUST_CHECK enum status note_vkey_parse(struct slice text, struct note_vkey *ret, struct error *err);
bool note_vkey_equal(const struct note_vkey *a, const struct note_vkey *b);

/* A new key of type NOTE_KEY_ED25519.  ST_INVALID: the name; ST_IO: no random numbers. */
MUST_CHECK enum status note_signer_make(struct slice name, struct note_signer *ret,
                                        struct error *err);

/* "PRIVATE+KEY+name+hash+base64", NUL-terminated, and back. */
void note_signer_format(const struct note_signer *signer, char out[NOTE_SKEY_SIZE]);
MUST_CHECK enum status note_signer_parse(struct slice text, struct note_signer *ret,
                                         struct error *err);
void note_signer_wipe(struct note_signer *signer);

/* --- Notes -------------------------------------------------------------------------------------
 */

/* Appends to `out` the note: `text`, which ends with '\n', and a signature line of each signer.
 * ST_INVALID: it may not be the text of a note; ST_LIMIT; ST_NO_MEMORY.  On failure `out` is as it
 * was. */
MUST_CHECK enum status note_sign(struct slice text, const struct note_signer *const *signers,
                                 size_t count, struct buf *out, struct error *err);

/* One more signature line, for a note that was made by others: "— name base64\n". */
MUST_CHECK enum status note_sign_line(struct slice text, const struct note_signer *signer,
                                      struct buf *out, struct error *err);

struct note_signature {
    struct slice name;
    uint32_t key_id;
    struct slice line;   /* whole, with its '\n' */
    struct slice base64; /* of key id and signature */
};

/* Slices borrow from what was parsed. */
struct note {
    struct slice text; /* with its last '\n' */
    size_t count;
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/* ST_INVALID: it is no note, by the letter; ST_LIMIT: too large, or too many signatures.  Says
 * nothing of whether a signature is good. */
MUST_CHECK enum status note_parse(struct slice bytes, struct note *ret, struct error *err);

/* Whether the key signed it.  ST_NOT_FOUND: no signature of this name and id.  ST_CORRUPT: one that
 * is wrong.  `ret_unix_s`: the time in a cosignature, 0 for other keys; may be NULL. */
MUST_CHECK enum status note_verify(const struct note *note, const struct note_vkey *key,
                                   uint64_t *ret_unix_s, struct error *err);
