/* SPDX-License-Identifier: Apache-2.0 */
/* stamp_set.c -- see stamp_set.h.
 *
 * A token is checked when it is found, and of a good one only what it says is kept; what it is over
 * is looked for at the end, among the hashes of all notes.  Other logs' notes count there too: a
 * stamp over one of them is nobody's concern here.
 */
#include "verify/stamp_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct stamped_note {
    struct hash hash;
    uint64_t size;
    struct stamp_place place;
    bool is_good;
};

struct stamp {
    struct timestamp_info info;
    struct stamp_place place;
    size_t authority;
    bool is_beside; /* a note */
};

/* Of one authority: the largest size, and the earliest stamp over it. */
struct stamped_most {
    const struct stamp *stamp; /* NULL: none */
    uint64_t size;
};

/* --- Making ----------------------------------------------------------------------------------- */

enum status stamp_set_init(struct stamp_set *set, const struct verify_options *options,
                           struct verify_report *report, struct error *err)
{
    enum status st = ST_OK;

    *set = (struct stamp_set){.options = options, .report = report};
    buf_init(&set->notes, (size_t)STAMPED_NOTES_MAX * sizeof(struct stamped_note));
    buf_init(&set->stamps, (size_t)STAMPS_MAX * sizeof(struct stamp));
    buf_init(&set->token, TIMESTAMP_TOKEN_MAX);
    if (options->stamp_ca_count > VERIFY_STAMP_CAS_MAX)
        return error_set(err, ST_LIMIT, "more than %d time stamp authorities",
                         VERIFY_STAMP_CAS_MAX);
    while (st == ST_OK && set->authority_count < options->stamp_ca_count) {
        st = timestamp_authority_read(options->stamp_cas[set->authority_count],
                                      &set->authorities[set->authority_count], err);
        set->authority_count += st == ST_OK;
    }
    return st;
}

void stamp_set_fini(struct stamp_set *set)
{
    for (size_t i = 0; i < set->authority_count; i++)
        timestamp_authority_destroy(set->authorities[i]);
    set->authority_count = 0;
    buf_fini(&set->notes);
    buf_fini(&set->stamps);
    buf_fini(&set->token);
}

/* --- Taking ----------------------------------------------------------------------------------- */

static void tell(struct stamp_set *set, struct stamp_place place, enum verify_answer answer,
                 const char *text)
{
    struct verify_finding finding;

    verify_finding_set(&finding, VERIFY_ATTESTED, answer,
                       place.copy > 0 ? set->options->copies[place.copy - 1] : NULL, "%s", text);
    finding.has_line = place.line > 0;
    finding.line = place.line;
    verify_report_add(set->report, &finding);
}

enum status stamp_set_add_note(struct stamp_set *set, struct slice note, bool is_good,
                               uint64_t size, struct stamp_place place, struct error *err)
{
    struct stamped_note item = {.size = size, .place = place, .is_good = is_good};

    if (set->authority_count == 0)
        return ST_OK;
    item.hash = hash_bytes(note);
    return buf_append(&set->notes, &item, sizeof(item), err);
}

/* Whether one of the authorities stands behind it; else, what is wrong is that of the one that
 * comes nearest to it. */
static enum timestamp_verdict judge(struct stamp_set *set, struct stamp *stamp, struct error *err)
{
    enum timestamp_verdict nearest = TIMESTAMP_UNKNOWN;
    struct error said;

    for (size_t i = 0; i < set->authority_count; i++) {
        enum timestamp_verdict verdict =
            timestamp_token_check(buf_slice(&set->token), set->authorities[i], &stamp->info, &said);
        stamp->authority = i;
        if (verdict == TIMESTAMP_GOOD || verdict == TIMESTAMP_NO_TOKEN)
            return verdict;
        if (i == 0 || verdict != TIMESTAMP_UNKNOWN) {
            nearest = verdict;
            *err = said;
        }
    }
    return nearest;
}

/* Whether it says of itself that it is a time stamp: the type of its content, in DER. */
static bool claims_to_be_one(struct slice token)
{
    static const uint8_t type[] = {0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                   0x0d, 0x01, 0x09, 0x10, 0x01, 0x04};

    return memmem(token.data, token.size, type, sizeof(type)) != NULL;
}

enum status stamp_set_add_token(struct stamp_set *set, struct slice text, struct stamp_place place,
                                struct error *err)
{
    struct stamp stamp = {.place = place};
    struct error why = {.text = ""};

    buf_clear(&set->token);
    enum status st = timestamp_token_take_text(text, &set->token, err);
    if (st == ST_INVALID || st == ST_LIMIT)
        return ST_OK; /* a text that begins like one */
    if (st != ST_OK)
        return st;
    enum timestamp_verdict verdict = judge(set, &stamp, &why);
    if (verdict == TIMESTAMP_NO_TOKEN && !claims_to_be_one(buf_slice(&set->token)))
        return ST_OK; /* a certificate, for example */
    if (verdict == TIMESTAMP_GOOD)
        return buf_append(&set->stamps, &stamp, sizeof(stamp), err);
    if (verdict == TIMESTAMP_NO_TOKEN)
        (void)error_set(&why, ST_CORRUPT, "the time stamp is damaged");
    tell(set, place, verdict == TIMESTAMP_UNKNOWN ? VERIFY_CANNOT : VERIFY_NO, why.text);
    return ST_OK;
}

/* --- What they are over ----------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
    const struct stamp_place *x = &((const struct stamped_note *)a)->place;
    const struct stamp_place *y = &((const struct stamped_note *)b)->place;

    if (x->copy != y->copy)
        return (int)x->copy - (int)y->copy;
    return (x->line > y->line) - (x->line < y->line);
}

static void sort_notes(struct stamp_set *set, int (*compare)(const void *a, const void *b))
{
    if (set->notes.size > 0)
        qsort(set->notes.data, set->notes.size / sizeof(struct stamped_note),
              sizeof(struct stamped_note), compare);
}

static const void *look_up(const struct stamp_set *set, const struct stamped_note *key,
                           int (*compare)(const void *a, const void *b))
{
    size_t count = set->notes.size / sizeof(*key);

    return count > 0 ? bsearch(key, set->notes.data, count, sizeof(*key), compare) : NULL;
}

static int compare_hashes(const void *a, const void *b)
{
    const struct stamped_note *x = a;
    const struct stamped_note *y = b;

    return memcmp(x->hash.bytes, y->hash.bytes, sizeof(x->hash.bytes));
}

/* NULL: none is known.  Of notes with the same bytes one that is good, if any is. */
static const struct stamped_note *find_note(const struct stamp_set *set, const struct hash *hash)
{
    const struct stamped_note *notes = (const struct stamped_note *)set->notes.data;
    const struct stamped_note key = {.hash = *hash};
    const struct stamped_note *at = look_up(set, &key, compare_hashes);

    if (at == NULL || at->is_good)
        return at;
    while (at > notes && hash_equal(&at[-1].hash, hash))
        at--;
    const struct stamped_note *end = notes + set->notes.size / sizeof(*notes);
    for (const struct stamped_note *next = at; next < end && hash_equal(&next->hash, hash);
         next++) {
        if (next->is_good)
            return next;
    }
    return at;
}

static void take_stamp(struct stamp_set *set, const struct stamp *stamp, struct stamped_most *most)
{
    const struct stamped_note *note = find_note(set, &stamp->info.imprint);

    if (note == NULL) {
        tell(set, stamp->place, stamp->is_beside ? VERIFY_NO : VERIFY_CANNOT,
             stamp->is_beside ? "the time stamp is over another note than the one beside it"
                              : "the note that the time stamp is over is not here");
        return;
    }
    if (!note->is_good) /* what is wrong with it was said, or it is of another log */
        return;
    if (most->stamp == NULL || note->size > most->size ||
        (note->size == most->size && stamp->info.unix_s < most->stamp->info.unix_s))
        *most = (struct stamped_most){stamp, note->size};
}

static void say_most(struct stamp_set *set, size_t authority, const struct stamped_most *most)
{
    const char *file = set->options->stamp_cas[authority];
    char text[40] = "";
    struct tm parts;

    if (most->stamp == NULL) {
        verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_CANNOT, file,
                          "no checkpoint has a time stamp of this authority");
        return;
    }
    time_t seconds = (time_t)most->stamp->info.unix_s;
    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts); /* fits */
    verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_YES, file,
                      "stamped up to size %" PRIu64 ", which was there at %s, says %s", most->size,
                      text, most->stamp->info.signer);
}

/* While the notes are by place. */
static void look_beside(struct stamp_set *set, struct stamp *stamp)
{
    const struct stamped_note key = {.place = stamp->place};

    stamp->is_beside = look_up(set, &key, compare_places) != NULL;
}

void stamp_set_conclude(struct stamp_set *set)
{
    struct stamp *stamps = (struct stamp *)set->stamps.data;
    struct stamped_most most[VERIFY_STAMP_CAS_MAX] = {{.size = 0}};
    size_t count = set->stamps.size / sizeof(*stamps);

    sort_notes(set, compare_places);
    for (size_t i = 0; i < count; i++)
        look_beside(set, &stamps[i]);
    sort_notes(set, compare_hashes);
    for (size_t i = 0; i < count; i++)
        take_stamp(set, &stamps[i], &most[stamps[i].authority]);
    for (size_t i = 0; i < set->authority_count; i++)
        say_most(set, i, &most[i]);
}
