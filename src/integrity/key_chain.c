/* SPDX-License-Identifier: Apache-2.0 */
/* key_chain.c -- see include/telltale/key_chain.h.
 *
 * A certificate that the key before did not sign begins a new part of the chain: after a loss of
 * keys, or under somebody else's hand, which nobody can tell from here.  The caller hears of it.
 * What stands in a new part is trusted only if a key that was given is in it, at or before the
 * epoch in question. */
#include "telltale/key_chain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "integrity/epoch_certificate.h"
#include "integrity/note_text.h"

struct epoch {
    uint64_t number;
    uint64_t first_size;
    uint64_t unix_s;
    uint8_t public_key[NOTE_PUBLIC_KEY_SIZE];
    bool is_anchored; /* a given key leads here */
    bool is_first_part;
};

struct key_chain {
    char origin[NOTE_NAME_SIZE]; /* "": not known yet */
    struct note_vkey trusted[KEY_CHAIN_TRUST_MAX];
    size_t trusted_count;
    bool trusts_epochs; /* one of those is an epoch's */
    struct note_vkey log_key;
    bool has_log_key;
    struct epoch *epochs; /* owned; numbers go up */
    size_t count, capacity;
    struct buf note; /* scratch */
};

const char *key_verdict_words(enum key_verdict verdict)
{
    switch (verdict) {
    case KEY_GOOD:
        return "signed by the key of its epoch";
    case KEY_NOT_CHECKPOINT:
        return "not a signed checkpoint";
    case KEY_OTHER_ORIGIN:
        return "of another log";
    case KEY_NO_EPOCH_SIGNATURE:
        return "not signed by the key of any epoch";
    case KEY_UNKNOWN_EPOCH:
        return "signed by the key of an epoch that is not in the chain";
    case KEY_WRONG_SIGNATURE:
        return "a signature is wrong";
    case KEY_BEFORE_EPOCH:
        return "signed by a key that was made later";
    case KEY_AFTER_EPOCH:
        return "signed by a key that was destroyed before";
    case KEY_NOT_TRUSTED:
        return "no trusted key leads to its epoch";
    }
    return "";
}

enum status key_chain_create(const char *origin, struct key_chain **ret, struct error *err)
{
    if (origin != NULL && !note_name_is_good(slice_of_text(origin)))
        return error_set(err, ST_INVALID, "not an origin for keys");
    struct key_chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL)
        return error_set(err, ST_NO_MEMORY, "a chain of keys");
    buf_init(&chain->note, NOTE_SIZE_MAX);
    if (origin != NULL)
        memcpy(chain->origin, origin, strlen(origin) + 1); /* a good name fits */
    *ret = chain;
    return ST_OK;
}

void key_chain_destroy(struct key_chain *chain)
{
    if (chain == NULL)
        return;
    free(chain->epochs);
    buf_fini(&chain->note);
    free(chain);
}

enum status key_chain_trust(struct key_chain *chain, const struct note_vkey *key, struct error *err)
{
    if (chain->trusted_count == KEY_CHAIN_TRUST_MAX)
        return error_set(err, ST_LIMIT, "more than %d trusted keys", KEY_CHAIN_TRUST_MAX);
    chain->trusted[chain->trusted_count++] = *key;
    if (strstr(key->name, "/epoch/") != NULL)
        chain->trusts_epochs = true;
    return ST_OK;
}

static bool is_trusted(const struct key_chain *chain, const struct note_vkey *key)
{
    for (size_t i = 0; i < chain->trusted_count; i++) {
        if (note_vkey_equal(&chain->trusted[i], key))
            return true;
    }
    return false;
}

/* The name was good when the epoch was added. */
static struct note_vkey vkey_of(const struct key_chain *chain, const struct epoch *epoch)
{
    struct note_vkey vkey;
    char name[NOTE_NAME_SIZE];
    struct error ignored;

    enum status st = epoch_key_name(chain->origin, epoch->number, name, &ignored);
    if (st == ST_OK)
        st = note_vkey_make(slice_of_text(name), NOTE_KEY_ED25519, epoch->public_key, &vkey,
                            &ignored);
    ASSERT(st == ST_OK);
    return vkey;
}

/* --- Reading -----------------------------------------------------------------------------------
 */

static enum status add_epoch(struct key_chain *chain, const struct epoch_certificate *certificate,
                             bool follows, struct error *err)
{
    if (chain->count == KEY_CHAIN_EPOCHS_MAX)
        return error_set(err, ST_LIMIT, "more than %d epochs", KEY_CHAIN_EPOCHS_MAX);
    if (chain->count == chain->capacity) {
        size_t capacity = chain->capacity == 0 ? 16 : 2 * chain->capacity;
        struct epoch *grown = reallocarray(chain->epochs, capacity, sizeof(*grown));
        if (grown == NULL)
            return error_set(err, ST_NO_MEMORY, "%zu epochs", capacity);
        chain->epochs = grown;
        chain->capacity = capacity;
    }
    const struct epoch *before = chain->count > 0 ? &chain->epochs[chain->count - 1] : NULL;
    struct epoch epoch = {
        .number = certificate->number,
        .first_size = certificate->first_size,
        .unix_s = certificate->unix_s,
        .is_anchored = is_trusted(chain, &certificate->vkey) || (follows && before->is_anchored),
        .is_first_part = before == NULL || (follows && before->is_first_part),
    };
    memcpy(epoch.public_key, certificate->vkey.public_key, NOTE_PUBLIC_KEY_SIZE);
    chain->epochs[chain->count++] = epoch;
    return ST_OK;
}

/* How the certificate stands to the epoch before. */
static enum status check_link(const struct key_chain *chain, const struct note *note,
                              const struct epoch_certificate *certificate, struct error *err)
{
    const struct epoch *before = &chain->epochs[chain->count - 1];
    const struct note_vkey vkey = vkey_of(chain, before);

    if (certificate->number != before->number + 1)
        return error_set(err, ST_CORRUPT, "epoch %" PRIu64 " follows epoch %" PRIu64,
                         certificate->number, before->number);
    enum status st = note_verify(note, &vkey, NULL, err);
    if (st != ST_OK)
        return error_set(err, ST_CORRUPT,
                         "epoch %" PRIu64
                         " begins anew: the key of the epoch before did not sign it",
                         certificate->number);
    if (certificate->first_size < before->first_size)
        return error_set(err, ST_CORRUPT,
                         "epoch %" PRIu64 " begins at %" PRIu64
                         " records, the one before at %" PRIu64,
                         certificate->number, certificate->first_size, before->first_size);
    return ST_OK;
}

static enum status take_epoch(struct key_chain *chain, const struct epoch_certificate *certificate,
                              struct error *err)
{
    struct note note;
    enum status link = ST_OK;
    struct error link_err;

    enum status st = note_parse(buf_slice(&chain->note), &note, err);
    if (st != ST_OK)
        return st;
    if (chain->origin[0] == 0)
        memcpy(chain->origin, certificate->origin, sizeof(chain->origin));
    if (strcmp(chain->origin, certificate->origin) != 0)
        return error_set(err, ST_CORRUPT, "the certificate of an epoch of another log");
    /* Who wrote it had the new key. */
    if (note_verify(&note, &certificate->vkey, NULL, err) != ST_OK)
        return error_set(err, ST_CORRUPT,
                         "the key of epoch %" PRIu64 " did not sign its certificate",
                         certificate->number);
    if (chain->count > 0) {
        if (certificate->number <= chain->epochs[chain->count - 1].number)
            return error_set(err, ST_CORRUPT, "epoch %" PRIu64 " stands there again",
                             certificate->number);
        link = check_link(chain, &note, certificate, &link_err);
    }
    st = add_epoch(chain, certificate, chain->count > 0 && link == ST_OK, err);
    if (st == ST_OK && link != ST_OK)
        *err = link_err;
    return st != ST_OK ? st : link;
}

enum status key_chain_read_line(void *chain_pointer, struct slice line, uint64_t number,
                                struct error *err)
{
    struct key_chain *chain = chain_pointer;
    struct key_line read;

    (void)number;
    enum status st = key_line_read(line, &chain->note, &read, err);
    if (st != ST_OK)
        return st;
    if (read.is_epoch)
        return take_epoch(chain, &read.epoch, err);
    chain->log_key = read.log_key;
    chain->has_log_key = true;
    return ST_OK;
}

size_t key_chain_count(const struct key_chain *chain)
{
    return chain->count;
}

struct epoch_certificate key_chain_epoch(const struct key_chain *chain, size_t position)
{
    struct epoch_certificate ret = {.number = 0};

    ASSERT(position < chain->count);
    const struct epoch *epoch = &chain->epochs[position];
    memcpy(ret.origin, chain->origin, sizeof(ret.origin));
    ret.number = epoch->number;
    ret.vkey = vkey_of(chain, epoch);
    ret.first_size = epoch->first_size;
    ret.unix_s = epoch->unix_s;
    return ret;
}

const struct note_vkey *key_chain_log_key(const struct key_chain *chain)
{
    return chain->has_log_key ? &chain->log_key : NULL;
}

const char *key_chain_origin(const struct key_chain *chain)
{
    return chain->origin;
}

/* --- Judging -----------------------------------------------------------------------------------
 */

/* Whether `name` is that of an epoch's key of this log, and which. */
static bool epoch_of_name(const struct key_chain *chain, struct slice name, uint64_t *ret)
{
    static const struct slice middle = {(const uint8_t *)"/epoch/", 7};
    const struct slice origin = slice_of_text(chain->origin);

    if (!slice_starts_with(name, origin))
        return false;
    struct slice rest = slice_from(name, origin.size);
    return slice_starts_with(rest, middle) && note_text_number(slice_from(rest, middle.size), ret);
}

/* NULL: it is not in the chain. */
static const struct epoch *find_epoch(const struct key_chain *chain, uint64_t number)
{
    size_t low = 0, high = chain->count;

    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (chain->epochs[at].number < number)
            low = at + 1;
        else
            high = at;
    }
    bool found = low < chain->count && chain->epochs[low].number == number;
    return found ? &chain->epochs[low] : NULL;
}

static enum key_verdict judge_size(const struct key_chain *chain, const struct epoch *epoch,
                                   uint64_t size, struct error *err)
{
    const struct epoch *next = epoch + 1;

    if (size < epoch->first_size) {
        error_record(err, ST_CORRUPT,
                     "epoch %" PRIu64 " began at %" PRIu64 " records, not at %" PRIu64,
                     epoch->number, epoch->first_size, size);
        return KEY_BEFORE_EPOCH;
    }
    if (next < chain->epochs + chain->count && size > next->first_size) {
        error_record(err, ST_CORRUPT,
                     "epoch %" PRIu64 " was over at %" PRIu64 " records, before %" PRIu64,
                     epoch->number, next->first_size, size);
        return KEY_AFTER_EPOCH;
    }
    if (!epoch->is_anchored && (chain->trusts_epochs || !epoch->is_first_part)) {
        error_record(err, ST_CORRUPT, "no trusted key leads to epoch %" PRIu64, epoch->number);
        return KEY_NOT_TRUSTED;
    }
    return KEY_GOOD;
}

/* The first of the note's signatures that an epoch's key made decides; a wrong one spoils all. */
static enum key_verdict judge_epoch(const struct key_chain *chain, const struct note *note,
                                    uint64_t size, struct key_judgement *judgement,
                                    struct error *err)
{
    const struct epoch *found = NULL;
    bool is_unknown = false;
    uint64_t number;

    for (size_t i = 0; i < note->count; i++) {
        if (!epoch_of_name(chain, note->signatures[i].name, &number))
            continue;
        const struct epoch *epoch = find_epoch(chain, number);
        enum status st = ST_NOT_FOUND;
        if (epoch != NULL) {
            const struct note_vkey vkey = vkey_of(chain, epoch);
            st = note_verify(note, &vkey, NULL, err);
        }
        if (st == ST_CORRUPT)
            return KEY_WRONG_SIGNATURE;
        if (st == ST_OK && found == NULL)
            found = epoch;
        is_unknown = is_unknown || st == ST_NOT_FOUND;
    }
    if (found != NULL) {
        judgement->epoch = found->number;
        judgement->is_anchored = found->is_anchored;
        return judge_size(chain, found, size, err);
    }
    error_record(err, ST_NOT_FOUND, "no signature of the key of a known epoch");
    return is_unknown ? KEY_UNKNOWN_EPOCH : KEY_NO_EPOCH_SIGNATURE;
}

/* The log's key as the file names it, and those that the verifier was given under that name. */
static enum status judge_log(const struct key_chain *chain, const struct note *note,
                             struct key_judgement *judgement, struct error *err)
{
    struct error absent;

    for (size_t i = 0; i <= chain->trusted_count; i++) {
        bool is_given = i < chain->trusted_count;
        const struct note_vkey *key = is_given ? &chain->trusted[i] : &chain->log_key;
        if ((!is_given && !chain->has_log_key) || strcmp(key->name, chain->origin) != 0)
            continue;
        enum status st = note_verify(note, key, NULL, &absent);
        if (st == ST_CORRUPT) {
            *err = absent;
            return st;
        }
        judgement->is_log_signed = judgement->is_log_signed || st == ST_OK;
        judgement->is_log_trusted = judgement->is_log_trusted || (st == ST_OK && is_given);
    }
    return ST_OK;
}

void key_chain_judge(const struct key_chain *chain, struct slice checkpoint_note,
                     struct checkpoint *ret, struct key_judgement *ret_judgement, struct error *err)
{
    struct key_judgement judgement = {.verdict = KEY_GOOD};
    struct note note;

    if (note_parse(checkpoint_note, &note, err) != ST_OK ||
        checkpoint_parse(note.text, ret, err) != ST_OK) {
        judgement.verdict = KEY_NOT_CHECKPOINT;
    } else if (strcmp(ret->origin, chain->origin) != 0) {
        error_record(err, ST_CORRUPT, "a checkpoint of another log");
        judgement.verdict = KEY_OTHER_ORIGIN;
    } else if (judge_log(chain, &note, &judgement, err) != ST_OK) {
        judgement.verdict = KEY_WRONG_SIGNATURE;
    } else {
        judgement.verdict = judge_epoch(chain, &note, ret->size, &judgement, err);
    }
    *ret_judgement = judgement;
}
