/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_set.c -- see checkpoint_set.h.
 *
 * The file of checkpoints is read before that of the keys, and used after it: an epoch may begin
 * in between, and then a checkpoint of it is not in what was read. */
#include "verify/checkpoint_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/checkpoint_line.h"
#include "telltale/line_file.h"
#include "verify/cosigned_records.h"
#include "verify/note_finder.h"

enum { CHECKPOINT_NOTE_MAX = NOTE_SIZE_MAX, TORN_TRIES = 3, TORN_PAUSE_US = 20000 };

#define CERTIFICATE_START SLICE("telltale.dev/epoch/v1\n")

static enum status add_keys(struct checkpoint_set *set, const struct verify_options *options,
                            struct error *err)
{
    struct note_vkey key;
    enum status st = ST_OK;

    for (size_t i = 0; i < options->key_count && st == ST_OK; i++) {
        st = note_vkey_parse(slice_of_text(options->keys[i]), &key, err);
        if (st == ST_OK)
            st = key_chain_trust(set->chain, &key, err);
    }
    if (st == ST_OK && options->witness_count > COUNT_OF(set->witnesses))
        st = error_set(err, ST_LIMIT, "more than %zu witnesses", COUNT_OF(set->witnesses));
    for (size_t i = 0; i < options->witness_count && st == ST_OK; i++)
        st = note_vkey_parse(slice_of_text(options->witnesses[i]), &set->witnesses[i], err);
    return st;
}

enum status checkpoint_set_init(struct checkpoint_set *set, const struct verify_options *options,
                                struct verify_report *report, struct error *err)
{
    *set = (struct checkpoint_set){.report = report, .options = options};
    enum status st = stamp_set_init(&set->stamps, options, report, err);
    if (st == ST_OK)
        st = key_chain_create(NULL, &set->chain, err);
    return st == ST_OK ? add_keys(set, options, err) : st;
}

void checkpoint_set_fini(struct checkpoint_set *set)
{
    key_chain_destroy(set->chain);
    stamp_set_fini(&set->stamps);
    free(set->roots);
    free(set->sizes);
    *set = (struct checkpoint_set){.roots = NULL};
}

const char *checkpoint_set_file(const struct checkpoint_set *set, const struct signed_root *root)
{
    if (root->copy == COPY_ON_RECORD)
        return "cosignatures on record";
    return root->copy == 0 ? STORE_CHECKPOINTS_NAME : set->options->copies[root->copy - 1];
}

static void tell(struct checkpoint_set *set, const char *file, uint64_t line,
                 enum verify_answer answer, const char *text)
{
    struct verify_finding finding;

    verify_finding_set(&finding, VERIFY_ATTESTED, answer, file, "%s", text);
    finding.has_line = line > 0;
    finding.line = line;
    verify_report_add(set->report, &finding);
}

/* --- The files of the store ------------------------------------------------------------------ */

/* A checkpoint as it was read, to be judged when the keys are known. */
struct unjudged {
    uint64_t unix_ns;
    uint64_t line;
    size_t start, size; /* of the note */
};

struct reading {
    struct checkpoint_set *set;
    struct buf note;
    struct buf notes;    /* of all lines, one behind the other */
    struct buf unjudged; /* struct unjudged */
    uint16_t copy;
};

static enum status take_checkpoint_line(void *context, struct slice line, uint64_t number,
                                        struct error *err)
{
    struct reading *reading = context;
    struct unjudged item = {.line = number, .start = reading->notes.size};

    reading->set->lines = number;
    enum status st = checkpoint_line_read(line, &item.unix_ns, &reading->note, err);
    if (st == ST_INVALID) {
        tell(reading->set, STORE_CHECKPOINTS_NAME, number, VERIFY_NO, err->text);
        return ST_OK;
    }
    item.size = reading->note.size;
    if (st == ST_OK)
        st = buf_append(&reading->notes, reading->note.data, reading->note.size, err);
    if (st == ST_OK)
        st = buf_append(&reading->unjudged, &item, sizeof(item), err);
    return st;
}

static enum status take_key_line(void *context, struct slice line, uint64_t number,
                                 struct error *err)
{
    struct reading *reading = context;

    reading->set->key_lines = number;
    enum status st = key_chain_read_line(reading->set->chain, line, number, err);
    if (st != ST_CORRUPT && st != ST_INVALID)
        return st;
    if (reading->set->breaks++ == 0) {
        reading->set->break_line = number;
        (void)snprintf(reading->set->break_text, sizeof(reading->set->break_text), "%s", err->text);
    }
    return ST_OK; /* what is behind it is trusted by who has a key from behind it */
}

static enum status pass_by(void *context, struct slice line, uint64_t number, struct error *err)
{
    (void)context;
    (void)line;
    (void)number;
    (void)err;
    return ST_OK;
}

/* A torn line may be one that is just being written. */
static bool stays_torn(int dir_fd, const char *name)
{
    bool is_torn = true;
    struct error err;

    for (int i = 0; i < TORN_TRIES && is_torn; i++) {
        (void)usleep(TORN_PAUSE_US); /* an early end does no harm */
        if (line_file_read(&disk_io_system, dir_fd, name, pass_by, NULL, &is_torn, &err) != ST_OK)
            return true;
    }
    return is_torn;
}

/* `lines` counts the lines as they are read. */
static enum status read_file(struct reading *reading, int dir_fd, const char *name,
                             line_file_visit *visit, const uint64_t *lines, bool *ret_is_there,
                             struct error *err)
{
    bool is_torn = false;

    enum status st = line_file_read(&disk_io_system, dir_fd, name, visit, reading, &is_torn, err);
    *ret_is_there = st != ST_NOT_FOUND;
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_LIMIT) {
        tell(reading->set, name, *lines + 1, VERIFY_NO, err->text);
        return ST_OK;
    }
    if (st == ST_OK && is_torn && stays_torn(dir_fd, name))
        tell(reading->set, name, *lines + 1, VERIFY_CANNOT,
             "ends within this line; after a crash the next start cuts it off");
    return st;
}

/* --- Judging --------------------------------------------------------------------------------- */

static enum status add_root(struct checkpoint_set *set, const struct signed_root *root,
                            struct error *err)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity > 0 ? 2 * set->capacity : 256;
        if (capacity > CHECKPOINTS_MAX)
            return error_set(err, ST_LIMIT, "more than %zu checkpoints", set->capacity);
        struct signed_root *roots = reallocarray(set->roots, capacity, sizeof(*roots));
        if (roots == NULL)
            return error_set(err, ST_NO_MEMORY, "keep %zu checkpoints", capacity);
        set->roots = roots;
        set->capacity = capacity;
    }
    set->roots[set->count++] = *root;
    return ST_OK;
}

/* Whether a witness that was asked for has cosigned more than was known before.  A wrong signature
 * is told, but of a record: an agent may have written that. */
static bool look_for_witnesses(struct checkpoint_set *set, struct slice bytes,
                               const struct checkpoint *checkpoint, const struct signed_root *root)
{
    struct error err;
    bool has_more = false;
    struct note *note = set->options->witness_count > 0 ? malloc(sizeof(*note)) : NULL;

    if (note == NULL || note_parse(bytes, note, &err) != ST_OK) {
        free(note);
        return false;
    }
    for (size_t i = 0; i < set->options->witness_count; i++) {
        enum status st = note_verify(note, &set->witnesses[i], NULL, &err);
        if (st == ST_CORRUPT && root->copy != COPY_ON_RECORD)
            tell(set, checkpoint_set_file(set, root), root->line, VERIFY_NO, err.text);
        if (st != ST_OK || (set->has_witnessed[i] && checkpoint->size <= set->witnessed[i]))
            continue;
        set->has_witnessed[i] = true;
        set->witnessed[i] = checkpoint->size;
        has_more = true;
    }
    free(note);
    return has_more;
}

/* Something is wrong with who signed a checkpoint. */
static void tell_verdict(struct checkpoint_set *set, const struct signed_root *root,
                         const struct key_judgement *judgement, const struct error *err)
{
    struct verify_finding finding;

    verify_finding_set(&finding, VERIFY_ATTESTED, VERIFY_NO, checkpoint_set_file(set, root),
                       "%s%s%s", key_verdict_words(judgement->verdict),
                       err->text[0] != 0 ? ": " : "", err->text);
    finding.has_line = true;
    finding.line = root->line;
    verify_report_add(set->report, &finding);
}

static enum status judge(struct checkpoint_set *set, struct slice note, struct signed_root *root,
                         struct error *err)
{
    struct key_judgement judgement = {.verdict = KEY_NOT_CHECKPOINT};
    struct checkpoint checkpoint = {.size = 0};
    bool is_copy = root->copy > 0;

    err->text[0] = 0;
    key_chain_judge(set->chain, note, &checkpoint, &judgement, err);
    if (is_copy &&
        (judgement.verdict == KEY_OTHER_ORIGIN || judgement.verdict == KEY_NOT_CHECKPOINT)) {
        set->foreign++;
        return ST_OK;
    }
    if (is_copy)
        set->copies++;
    root->size = checkpoint.size;
    root->root = checkpoint.root;
    bool is_good = judgement.verdict == KEY_GOOD || judgement.verdict == KEY_NOT_TRUSTED;
    if (!is_good) {
        tell_verdict(set, root, &judgement, err);
        return ST_OK;
    }
    set->by_log_key += judgement.is_log_trusted;
    if (!judgement.is_log_signed) {
        tell(set, checkpoint_set_file(set, root), root->line, VERIFY_NO,
             "the log key that keys.jsonl names did not sign this checkpoint");
        return ST_OK;
    }
    if (judgement.is_anchored) {
        set->anchored++;
    } else {
        set->unanchored++;
        if (root->size > set->unanchored_size)
            set->unanchored_size = root->size;
    }
    root->has_good_seal = true;
    (void)look_for_witnesses(set, note, &checkpoint, root);
    return add_root(set, root, err);
}

static enum status judge_note(struct checkpoint_set *set, struct slice note,
                              struct signed_root *root, struct error *err)
{
    const struct stamp_place place = {.copy = root->copy, .line = root->line};

    enum status st = judge(set, note, root, err);
    return st == ST_OK
               ? stamp_set_add_note(&set->stamps, note, root->has_good_seal, root->size, place, err)
               : st;
}

static enum status judge_all(struct reading *reading, struct error *err)
{
    struct checkpoint_set *set = reading->set;
    size_t count = reading->unjudged.size / sizeof(struct unjudged);
    uint64_t largest = 0;

    for (size_t i = 0; i < count; i++) {
        struct unjudged item;
        memcpy(&item, reading->unjudged.data + i * sizeof(item), sizeof(item));
        struct signed_root root = {.unix_ns = item.unix_ns, .line = item.line};
        enum status st =
            judge_note(set, slice_of(reading->notes.data + item.start, item.size), &root, err);
        if (st != ST_OK)
            return st;
        if (!root.has_good_seal)
            continue;
        if (root.size < largest)
            tell(set, STORE_CHECKPOINTS_NAME, item.line, VERIFY_NO,
                 "the size goes back: an old checkpoint stands behind a newer one");
        else
            largest = root.size;
    }
    set->last_size = largest;
    return ST_OK;
}

/* --- Copies ---------------------------------------------------------------------------------- */

/* The beginning of an epoch, as it was told elsewhere, is that of this chain. */
static void compare_certificate(struct reading *reading, struct slice bytes, uint64_t line)
{
    struct checkpoint_set *set = reading->set;
    struct epoch_certificate certificate;
    struct error err;
    struct note *note = malloc(sizeof(*note));

    bool is_certificate = note != NULL && note_parse(bytes, note, &err) == ST_OK &&
                          epoch_certificate_parse(note->text, &certificate, &err) == ST_OK;
    free(note);
    if (!is_certificate || strcmp(certificate.origin, key_chain_origin(set->chain)) != 0) {
        set->foreign++;
        return;
    }
    set->copies++;
    for (size_t i = 0; i < key_chain_count(set->chain); i++) {
        struct epoch_certificate ours = key_chain_epoch(set->chain, i);
        if (ours.number == certificate.number && note_vkey_equal(&ours.vkey, &certificate.vkey) &&
            ours.first_size == certificate.first_size)
            return;
    }
    tell(set, set->options->copies[reading->copy - 1], line, VERIFY_NO,
         "this beginning of an epoch is not one of the store's chain of keys");
}

static enum status take_copy(void *context, struct slice note, uint64_t line, struct error *err)
{
    struct reading *reading = context;
    struct signed_root root = {.copy = reading->copy, .line = line};

    if (slice_starts_with(note, CERTIFICATE_START)) {
        compare_certificate(reading, note, line);
        return ST_OK;
    }
    return judge_note(reading->set, note, &root, err);
}

static enum status take_token(void *context, struct slice text, uint64_t line, struct error *err)
{
    struct reading *reading = context;
    const struct stamp_place place = {.copy = reading->copy, .line = line};

    return stamp_set_add_token(&reading->set->stamps, text, place, err);
}

static enum status read_copies(struct reading *reading, struct error *err)
{
    struct checkpoint_set *set = reading->set;
    struct note_finder finder;
    enum status st = ST_OK;

    note_finder_init(&finder, take_copy, reading);
    if (set->options->stamp_ca_count > 0)
        finder.on_token = take_token;
    for (size_t i = 0; i < set->options->copy_count && st == ST_OK; i++) {
        uint64_t before = set->copies;
        reading->copy = (uint16_t)(i + 1);
        st = note_finder_file(&finder, set->options->copies[i], err);
        if (st == ST_OK && set->copies == before)
            tell(set, set->options->copies[i], 0, VERIFY_CANNOT,
                 "there is no checkpoint of this log in it");
    }
    if (st == ST_OK && finder.lines_passed_over > 0)
        verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_CANNOT, NULL,
                          "%" PRIu64 " lines of the copies are too long and were passed over",
                          finder.lines_passed_over);
    note_finder_fini(&finder);
    return st;
}

/* A note of a record counts when all signatures are right; else it is as if it were not there.
 * Whoever repeats those of others adds nothing. */
static enum status take_record(void *context, struct slice note, uint64_t line, struct error *err)
{
    struct reading *reading = context;
    struct checkpoint_set *set = reading->set;
    struct key_judgement judgement = {.verdict = KEY_NOT_CHECKPOINT};
    struct checkpoint checkpoint = {.size = 0};
    struct signed_root root = {.copy = COPY_ON_RECORD, .line = line, .has_good_seal = true};

    key_chain_judge(set->chain, note, &checkpoint, &judgement, err);
    bool is_good = judgement.verdict == KEY_GOOD || judgement.verdict == KEY_NOT_TRUSTED;
    if (!is_good || !judgement.is_log_signed || !look_for_witnesses(set, note, &checkpoint, &root))
        return ST_OK;
    root.size = checkpoint.size;
    root.root = checkpoint.root;
    return add_root(set, &root, err);
}

/* --- All of them ----------------------------------------------------------------------------- */

static int compare_roots(const void *a, const void *b)
{
    const struct signed_root *x = a;
    const struct signed_root *y = b;

    if (x->size != y->size)
        return x->size > y->size ? 1 : -1;
    if (x->copy != y->copy)
        return (int)x->copy - (int)y->copy;
    return (x->line > y->line) - (x->line < y->line);
}

/* Sorts, looks for two roots of one size, and lists the sizes. */
static enum status arrange(struct checkpoint_set *set, struct error *err)
{
    if (set->count == 0)
        return ST_OK;
    qsort(set->roots, set->count, sizeof(set->roots[0]), compare_roots);
    set->sizes = calloc(set->count, sizeof(set->sizes[0]));
    if (set->sizes == NULL)
        return error_set(err, ST_NO_MEMORY, "list the sizes of %zu checkpoints", set->count);
    for (size_t i = 0; i < set->count; i++) {
        const struct signed_root *root = &set->roots[i];
        if (i == 0 || root[-1].size != root->size) {
            set->sizes[set->size_count++] = root->size;
            continue;
        }
        if (!hash_equal(&root[-1].root, &root->root))
            tell(set, checkpoint_set_file(set, root), root->line, VERIFY_NO,
                 "another root was signed for the same size: somebody was shown another log");
    }
    return ST_OK;
}

static enum status read_all(struct reading *reading, int dir_fd, struct error *err)
{
    struct checkpoint_set *set = reading->set;

    enum status st = read_file(reading, dir_fd, STORE_CHECKPOINTS_NAME, take_checkpoint_line,
                               &set->lines, &set->has_checkpoints, err);
    if (st == ST_OK)
        st = read_file(reading, dir_fd, STORE_KEYS_NAME, take_key_line, &set->key_lines,
                       &set->has_keys, err);
    size_t epochs = key_chain_count(set->chain);
    if (epochs > 0) {
        set->first_epoch_size = key_chain_epoch(set->chain, 0).first_size;
        set->last_epoch_size = key_chain_epoch(set->chain, epochs - 1).first_size;
    }
    if (st == ST_OK)
        st = judge_all(reading, err);
    if (st == ST_OK)
        st = read_copies(reading, err);
    set->is_on_record = set->options->witness_count > 0 && set->options->copy_count == 0;
    if (st == ST_OK && set->is_on_record)
        st = cosigned_records_read(set->options, take_record, reading, err);
    return st == ST_OK ? arrange(set, err) : st;
}

enum status checkpoint_set_read(struct checkpoint_set *set, int dir_fd, struct error *err)
{
    struct reading reading = {.set = set};

    buf_init(&reading.note, CHECKPOINT_NOTE_MAX);
    buf_init(&reading.notes, (size_t)1 << 30);
    buf_init(&reading.unjudged, (size_t)CHECKPOINTS_MAX * sizeof(struct unjudged));
    enum status st = read_all(&reading, dir_fd, err);
    buf_fini(&reading.note);
    buf_fini(&reading.notes);
    buf_fini(&reading.unjudged);
    return st;
}

/* --- What is to be said of all ---------------------------------------------------------------- */

static void conclude_trust(struct checkpoint_set *set)
{
    if (set->options->key_count == 0) {
        verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_CANNOT, NULL,
                          "no key was given to trust: compare the first key below with what the "
                          "system log or a SIEM got when the log began, and give it with --key");
        return;
    }
    if (set->anchored == 0 && set->by_log_key > 0)
        verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_CANNOT, NULL,
                          "the key that was given is the log's own, which names the log to "
                          "witnesses and is never destroyed: who has it can sign the past anew; "
                          "give the key of an epoch");
    else if (set->anchored == 0)
        verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_NO, STORE_KEYS_NAME,
                          "no key that was given leads to a key that signed a checkpoint");
    else if (set->unanchored > 0)
        verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_CANNOT, NULL,
                          "no key that was given leads to the epochs of %" PRIu64
                          " checkpoints, up to size %" PRIu64,
                          set->unanchored, set->unanchored_size);
}

/* A private key may have been lost, and a new chain begun: then who knows a key of each part can
 * trust them all. */
static void conclude_breaks(struct checkpoint_set *set)
{
    bool is_bridged = set->options->key_count > 1 && set->anchored > 0 && set->unanchored == 0;

    if (set->breaks == 0)
        return;
    tell(set, STORE_KEYS_NAME, set->break_line, is_bridged ? VERIFY_YES : VERIFY_NO,
         set->break_text);
    if (set->breaks > 1)
        verify_report_say(set->report, VERIFY_ATTESTED, is_bridged ? VERIFY_YES : VERIFY_NO,
                          STORE_KEYS_NAME, "the chain breaks %" PRIu64 " times", set->breaks);
}

static void conclude_witnesses(struct checkpoint_set *set)
{
    for (size_t i = 0; i < set->options->witness_count; i++) {
        if (!set->has_witnessed[i])
            verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_CANNOT, NULL,
                              "no checkpoint has the cosignature of %s", set->witnesses[i].name);
        else
            verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_YES, NULL,
                              "%s has cosigned up to size %" PRIu64 "%s", set->witnesses[i].name,
                              set->witnessed[i],
                              set->is_on_record ? ", as the store's own records have it" : "");
    }
}

void checkpoint_set_conclude(struct checkpoint_set *set, bool has_tree, bool has_closed)
{
    bool has_any = set->count > 0 || set->has_checkpoints || set->has_keys;

    if (!has_tree && !has_any) {
        tell(set, NULL, 0, VERIFY_CANNOT,
             "there are no proofs: the store is from before there were any, or they are gone");
        return;
    }
    if (!set->has_keys && set->lines == 0 && !has_closed)
        tell(set, STORE_KEYS_NAME, 0, VERIFY_CANNOT,
             "is missing: the log has only begun, or its beginning was taken away");
    else if (!set->has_keys)
        tell(set, STORE_KEYS_NAME, 0, VERIFY_NO, "is missing");
    if (set->lines == 0)
        tell(set, STORE_CHECKPOINTS_NAME, 0, has_closed ? VERIFY_NO : VERIFY_CANNOT,
             has_closed ? "has no checkpoint, and each file that was closed has one"
                        : "there is no checkpoint yet");
    if (set->foreign > 0)
        verify_report_say(set->report, VERIFY_ATTESTED, VERIFY_YES, NULL,
                          "%" PRIu64 " notes of the copies are of other logs", set->foreign);
    if (set->count > 0)
        conclude_trust(set);
    conclude_breaks(set);
    conclude_witnesses(set);
    stamp_set_conclude(&set->stamps);
}
