/* SPDX-License-Identifier: Apache-2.0 */
/* key_chain.h -- which keys may have signed which checkpoints (docs/INTEGRITY.md, "Keys that
 * evolve"): reads keys.jsonl and judges checkpoints.  Implemented in src/integrity/.
 *
 * A link of the chain is a certificate: a note of the text below, signed by the key of the epoch
 * before and by the new key; the first is signed by itself alone.
 *
 *     telltale.dev/epoch/v1
 *     <origin>
 *     <number of the new epoch, from 1>
 *     <verifier key of the new epoch>
 *     <size of the tree when it begins>
 *     <Unix seconds>
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/checkpoint.h"
#include "telltale/signed_note.h"

#define STORE_KEYS_NAME "keys.jsonl"

enum {
    KEY_CHAIN_EPOCHS_MAX = 1 << 20, /* hours of a century; 64 MiB */
    KEY_CHAIN_TRUST_MAX = 64,       /* keys that a verifier is given */
};

struct epoch_certificate {
    char origin[NOTE_NAME_SIZE];
    uint64_t number;
    struct note_vkey vkey; /* its name is "<origin>/epoch/<number>" */
    uint64_t first_size;
    uint64_t unix_s;
};

/* Appends the text of the certificate, to be signed. */
MUST_CHECK enum status epoch_certificate_put(const struct epoch_certificate *certificate,
                                             struct buf *out, struct error *err);
/* ST_INVALID: it is none, or its key has another name. */
MUST_CHECK enum status epoch_certificate_parse(struct slice text, struct epoch_certificate *ret,
                                               struct error *err);
/* Writes "<origin>/epoch/<number>".  ST_INVALID: too long. */
MUST_CHECK enum status epoch_key_name(const char *origin, uint64_t number, char out[NOTE_NAME_SIZE],
                                      struct error *err);

/* --- The lines of keys.jsonl -------------------------------------------------------------------
 */

/* Each with its '\n'. */
MUST_CHECK enum status key_line_put_log(const struct note_vkey *vkey, uint64_t unix_s,
                                        struct buf *out, struct error *err);
MUST_CHECK enum status key_line_put_epoch(struct slice certificate_note, struct buf *out,
                                          struct error *err);

/* --- The chain ---------------------------------------------------------------------------------
 */

/* Where a chain or a signature fails; key_verdict_words() says it. */
enum key_verdict {
    KEY_GOOD,
    KEY_NOT_CHECKPOINT,     /* not a note, or its text is no checkpoint */
    KEY_OTHER_ORIGIN,       /* of another log */
    KEY_NO_EPOCH_SIGNATURE, /* no signature of any epoch's key: a seal is missing */
    KEY_UNKNOWN_EPOCH,      /* only of an epoch that the chain does not have */
    KEY_WRONG_SIGNATURE,    /* of the epoch's key, or of the log's, and not over this text */
    KEY_BEFORE_EPOCH,       /* size below that at which the epoch began: the key is too new */
    KEY_AFTER_EPOCH,        /* size beyond that at which the next began: the key was destroyed */
    KEY_NOT_TRUSTED,        /* good, but no key that is trusted leads to this epoch */
};

const char *key_verdict_words(enum key_verdict verdict);

struct key_judgement {
    enum key_verdict verdict;
    uint64_t epoch;      /* whose key signed; 0: none is known */
    bool is_log_signed;  /* the log key that the chain names signed as well */
    bool is_log_trusted; /* and it is one of those that were given */
    bool is_anchored;    /* a key that was given leads to the epoch; false when none was given */
};

struct key_chain;

/* For the log `origin`; NULL: of the first certificate.  On ST_OK the caller owns *ret. */
MUST_CHECK enum status key_chain_create(const char *origin, struct key_chain **ret,
                                        struct error *err);
void key_chain_destroy(struct key_chain *chain); /* accepts NULL */

/* A key that the verifier knows from elsewhere: of the log or of an epoch.  Before the first line.
 * With an epoch's key, that epoch and those behind it are trusted, and none before: a later key
 * vouches for no earlier one.  Without any epoch's key the first part of the chain need only agree
 * with itself.  ST_LIMIT. */
MUST_CHECK enum status key_chain_trust(struct key_chain *chain, const struct note_vkey *key,
                                       struct error *err);

/* The next line of keys.jsonl, without '\n'; `chain` is a struct key_chain, so that it fits
 * line_file_visit.  ST_CORRUPT: a line that breaks the chain, with the reason: a gap in the
 * numbers, a size that goes back, a certificate that the key before did not sign.  Reading may go
 * on: what follows is another part of the chain, which is trusted only if a given key is in it.
 * ST_INVALID: not a line of such a file, and nothing was taken; ST_LIMIT. */
MUST_CHECK enum status key_chain_read_line(void *chain, struct slice line, uint64_t number,
                                           struct error *err);

/* How many epochs there are, of what number the first is, and the n-th (from 0). */
size_t key_chain_count(const struct key_chain *chain);
struct epoch_certificate key_chain_epoch(const struct key_chain *chain, size_t position);
/* The last log key; NULL: the file names none.  Borrowed. */
const struct note_vkey *key_chain_log_key(const struct key_chain *chain);
/* "" while it is not known. Borrowed. */
const char *key_chain_origin(const struct key_chain *chain);

/* Judges a checkpoint, a whole note.  `ret` is filled in unless the verdict is KEY_NOT_CHECKPOINT;
 * `err` has the reason when it is not KEY_GOOD. */
void key_chain_judge(const struct key_chain *chain, struct slice checkpoint_note,
                     struct checkpoint *ret, struct key_judgement *ret_judgement,
                     struct error *err);
