/* SPDX-License-Identifier: Apache-2.0 */
/* retainer.c -- see retainer.h.
 *
 *     look at the holds ─► survey or erasure under way? ─yes─► a slice of it
 *                                  │ no, and a round is due
 *                                  ▼
 *                          retention_next() ─► DELETE: at once, and again
 *                                           ─► LOOK, ERASE: begun; a slice at each call
 *                                           ─► KEEP: the round is over
 *
 * What was found in a file stays with its entry, for as long as the holds are the same.
 */
#include "retainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file_exporter.h"
#include "retainer_internal.h"
#include "upkeep.h"

enum {
    ROUND_PERIOD_S = 60,
    STEP_COST = 128 << 10, /* what opening or deleting a file counts, in bytes of its lines */
    YIELD_BUDGET = 64 << 20,
};

static const uint64_t ns_per_s = 1000000000;

void retainer_init(struct retainer *retainer)
{
    *retainer = (struct retainer){.survey = NULL};
}

void retainer_abandon(struct retainer *retainer)
{
    file_survey_destroy(retainer->survey);
    erasure_destroy(retainer->erasure);
    retainer->survey = NULL;
    retainer->erasure = NULL;
}

void retainer_fini(struct retainer *retainer)
{
    retainer_abandon(retainer);
    record_classifier_destroy(retainer->classifier);
    hold_list_fini(&retainer->holds);
    retainer->classifier = NULL;
}

/* --- Facts ----------------------------------------------------------------------------------- */

static void describe(const struct store_entry *entry, struct retention_file *ret)
{
    *ret = (struct retention_file){
        .begun_unix_s = entry->name.begun_unix_s,
        .written_unix_s = entry->written_unix_s,
        .size_bytes = entry->size_bytes,
        .survey = entry->survey,
    };
}

static void read_file(void *files, size_t index, struct retention_file *ret)
{
    describe(&((const struct file_exporter *)files)->dir.entries[index], ret);
}

static enum status gather(const struct file_exporter *self, struct retention_state *ret,
                          struct error *err)
{
    const struct retention_config *config = &self->config->retention;
    const struct store_dir *dir = &self->dir;
    struct statvfs disk;

    *ret = (struct retention_state){
        .config = config,
        .files = (void *)self,
        .read_file = read_file,
        .count = dir->count,
        .total_size_bytes = dir->total_size_bytes,
        .active_size_bytes = self->active.size_bytes,
        .has_holds = hold_list_holds(&self->retainer.holds),
        .holds_all = self->retainer.holds.unreadable > 0,
    };
    if (config->min_free.bytes == 0 && config->min_free.percent == 0)
        return ST_OK;
    if (fstatvfs(dir->fd, &disk) < 0 || dir->io->free_bytes(dir->fd, &ret->disk_free_bytes) < 0)
        return error_set_errno(err, ST_IO, "look at the file system of '%s'", dir->path);
    ret->disk_size_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    return ST_OK;
}

static struct store_entry *find_entry(struct file_exporter *self,
                                      const struct store_file_name *name)
{
    for (size_t i = 0; i < self->dir.count; i++) {
        if (store_file_name_compare(&self->dir.entries[i].name, name) == 0)
            return &self->dir.entries[i];
    }
    return NULL;
}

static enum status keep_survey(struct store_entry *entry, const struct retention_survey *survey,
                               struct error *err)
{
    if (entry->survey == NULL)
        entry->survey = malloc(sizeof(*entry->survey));
    if (entry->survey == NULL)
        return error_set(err, ST_NO_MEMORY, "look at a file");
    *entry->survey = *survey;
    return ST_OK;
}

/* Made when a file has to be read: most stores have neither rules nor holds. */
static enum status need_classifier(struct file_exporter *self, struct error *err)
{
    struct retainer *retainer = &self->retainer;

    if (retainer->classifier != NULL)
        return ST_OK;
    return record_classifier_create(&self->config->retention, &retainer->holds,
                                    &retainer->classifier, err);
}

/* --- Looking --------------------------------------------------------------------------------- */

static enum status begin_survey(struct file_exporter *self, size_t index, uint64_t now_unix_ns,
                                struct error *err)
{
    const struct store_entry *entry = &self->dir.entries[index];
    struct retainer *retainer = &self->retainer;
    struct retention_file file;

    describe(entry, &file);
    retainer->subject = entry->name;
    enum status st = need_classifier(self, err);
    if (st != ST_OK)
        return st;
    return file_survey_begin(self->dir.fd, &entry->name, &file, &self->config->retention,
                             retainer->classifier, now_unix_ns, &retainer->survey, err);
}

static enum status survey_some(struct file_exporter *self, size_t *budget, struct error *err)
{
    struct retainer *retainer = &self->retainer;
    struct file_survey_result found;

    enum status st = file_survey_step(retainer->survey, budget, &found, err);
    if (st == ST_AGAIN)
        return st;
    struct store_entry *entry = find_entry(self, &retainer->subject);
    if (st == ST_OK && entry != NULL)
        st = keep_survey(entry, &found.all, err);
    retainer_abandon(retainer);
    return st;
}

/* --- Erasing --------------------------------------------------------------------------------- */

/* "max_age" is one of our words; the others are names of the operator's. */
static void put_reason(const struct file_exporter *self, const struct retention_step *step,
                       char reason[RETAINER_RULE_SIZE], char rule[RETAINER_RULE_SIZE])
{
    static const char prefix[] = "rules.";
    const struct retention_config *config = &self->config->retention;
    struct error ignored; /* then the text is cut */
    struct buf text;

    buf_init(&text, (size_t)64 * RETAINER_RULE_SIZE);
    (void)(retention_put_reason(config, step, &text, &ignored) == ST_OK);
    if (slice_starts_with(buf_slice(&text), SLICE(prefix))) {
        struct slice names = slice_from(buf_slice(&text), sizeof(prefix) - 1);
        snprintf(reason, RETAINER_RULE_SIZE, "retention.rules");
        snprintf(rule, RETAINER_RULE_SIZE, "%.*s", SLICE_ARG(names));
    } else {
        snprintf(reason, RETAINER_RULE_SIZE, "retention.%.*s", SLICE_ARG(buf_slice(&text)));
        rule[0] = 0;
    }
    buf_fini(&text);
}

static enum status begin_erasure(struct file_exporter *self, const struct retention_step *step,
                                 uint64_t now_unix_ns, struct error *err)
{
    const struct store_entry *entry = &self->dir.entries[step->index];
    struct retainer *retainer = &self->retainer;

    upkeep_abandon_job_of(self, &entry->name);
    retainer->step = *step;
    enum status st = need_classifier(self, err);
    if (st != ST_OK)
        return st;
    const struct erasure_order order = {
        .config = &self->config->retention,
        .classifier = retainer->classifier,
        .now_unix_ns = now_unix_ns,
        .level = (int)self->config->compression_level,
    };
    return erasure_begin(&self->dir, &self->proofs, entry, &order, &retainer->erasure, err);
}

/* From here on nobody takes it back. */
static void keep_committed(struct file_exporter *self, const struct store_entry *entry,
                           const struct erasure_result *result, const char *reason,
                           const char *rule)
{
    struct committed_erasure *committed = &self->retainer.committed;
    const struct erasure *erasure = self->retainer.erasure;
    const struct hash *line = erasure_line(erasure);

    *committed = (struct committed_erasure){.is_open = true,
                                            .name = *erasure_name(erasure),
                                            .result = *result,
                                            .size_before = entry->size_bytes,
                                            .has_line = line != NULL};
    snprintf(committed->reason, sizeof(committed->reason), "%s", reason);
    snprintf(committed->rule, sizeof(committed->rule), "%s", rule);
    if (line == NULL)
        return;
    committed->line = *line;
    deeds_expect(&self->deeds);
}

/* It is done: now, and once, it is told. */
static void tell_erasure(struct file_exporter *self, uint64_t now_unix_ns)
{
    struct committed_erasure *committed = &self->retainer.committed;
    const struct erasure_result *result = &committed->result;
    struct store_entry *entry = find_entry(self, &committed->name);
    char name[STORE_FILE_NAME_SIZE];
    struct deed deed = {.action = "erasure",
                        .file = name,
                        .reason = committed->reason,
                        .rule = committed->rule,
                        .first = result->first_sequence,
                        .last = result->last_sequence,
                        .count = result->erased,
                        .line = committed->has_line ? &committed->line : NULL};

    if (!committed->is_open)
        return;
    committed->is_open = false;
    store_file_name_format(&committed->name, name);
    if (entry != NULL) {
        deed.bytes = committed->size_before > result->size_bytes
                         ? committed->size_before - result->size_bytes
                         : 0;
        self->dir.total_size_bytes -= entry->size_bytes;
        self->dir.total_size_bytes += result->size_bytes;
        entry->size_bytes = result->size_bytes;
    }
    store_dir_note(&self->dir, now_unix_ns, "erased %llu records of %s, %llu to %llu: %s%s%s",
                   (unsigned long long)result->erased, name,
                   (unsigned long long)result->first_sequence,
                   (unsigned long long)result->last_sequence, committed->reason,
                   committed->rule[0] != 0 ? " " : "", committed->rule);
    deeds_tell(&self->deeds, &deed);
}

static enum status commit_erasure(struct file_exporter *self, struct store_entry *entry,
                                  const struct erasure_result *result, uint64_t now_unix_ns,
                                  struct error *err)
{
    struct retainer *retainer = &self->retainer;
    char reason[RETAINER_RULE_SIZE];
    char rule[RETAINER_RULE_SIZE];
    int lock;

    enum status st = retainer_lock_holds(self, &lock, err);
    if (st != ST_OK)
        return st;
    put_reason(self, &retainer->step, reason, rule);
    upkeep_abandon_job_of(self, &entry->name);
    store_dir_drop_index(&self->dir, entry); /* it is of the lines before */
    self->unindexed_left = true;
    st = erasure_commit(retainer->erasure, reason, rule, err);
    if (lock >= 0)
        (void)close(lock); /* a directory */
    if (st == ST_OK || erasure_is_committed(retainer->erasure))
        keep_committed(self, entry, result, reason, rule);
    if (st != ST_OK) {
        /* What the manifest does not have for good, nobody is to finish. */
        retainer->is_unfinished = erasure_is_committed(retainer->erasure);
        return st;
    }
    tell_erasure(self, now_unix_ns);
    return keep_survey(entry, &result->rest, err);
}

static enum status erase_some(struct file_exporter *self, uint64_t now_unix_ns, size_t *budget,
                              struct error *err)
{
    struct retainer *retainer = &self->retainer;
    struct erasure_result result;

    enum status st = erasure_step(retainer->erasure, budget, &result, err);
    if (st == ST_AGAIN)
        return st;
    struct store_entry *entry = find_entry(self, erasure_name(retainer->erasure));
    if (st == ST_OK && entry != NULL && result.erased > 0 && result.rest_count > 0)
        st = commit_erasure(self, entry, &result, now_unix_ns, err);
    else if (st == ST_OK && entry != NULL && result.rest_count == 0)
        store_entry_forget(entry); /* the next look finds that it may go whole */
    else if (entry != NULL && entry->survey != NULL &&
             (st == ST_OK || st == ST_CORRUPT || st == ST_LIMIT))
        entry->survey->is_damaged = true; /* not to be tried for ever */
    retainer_abandon(retainer);
    if (st == ST_AGAIN) /* a hold has come: from the start */
        return ST_OK;
    return st == ST_OK ? ST_OK : error_context(err, "erase");
}

/* --- Deleting -------------------------------------------------------------------------------- */

enum status retainer_delete(struct file_exporter *self, size_t index, const char *reason,
                            const char *rule, uint64_t now_unix_ns, struct error *err)
{
    struct retainer *retainer = &self->retainer;
    const struct store_file_name name = self->dir.entries[index].name;
    int lock;

    enum status st = retainer_lock_holds(self, &lock, err);
    if (st != ST_OK)
        return st;
    if ((retainer->survey != NULL && store_file_name_compare(&retainer->subject, &name) == 0) ||
        (retainer->erasure != NULL &&
         store_file_name_compare(erasure_name(retainer->erasure), &name) == 0))
        retainer_abandon(retainer);
    st = upkeep_delete(self, index, reason, rule, now_unix_ns, err);
    if (lock >= 0)
        (void)close(lock); /* a directory */
    return st;
}

static enum status delete_by(struct file_exporter *self, const struct retention_step *step,
                             uint64_t now_unix_ns, struct error *err)
{
    char reason[RETAINER_RULE_SIZE];
    char rule[RETAINER_RULE_SIZE];

    put_reason(self, step, reason, rule);
    return retainer_delete(self, step->index, reason, rule, now_unix_ns, err);
}

enum status retainer_may_yield(struct file_exporter *self, size_t index, uint64_t now_unix_ns,
                               struct error *err)
{
    struct retention_file file;
    enum status st = retainer_look_at_holds(self, now_unix_ns, err);
    if (st != ST_OK)
        return st;
    const struct store_entry *entry = &self->dir.entries[index];
    describe(entry, &file);
    if (self->retainer.holds.unreadable > 0 ||
        !retention_may_yield(&self->config->retention, &file, now_unix_ns))
        return error_set(err, ST_NOT_FOUND, "it is held, or younger than min_age");
    if (hold_list_holds(&self->retainer.holds) && entry->survey == NULL) {
        retainer_abandon(&self->retainer);
        st = begin_survey(self, index, now_unix_ns, err);
        for (bool more = st == ST_OK; more;) {
            size_t budget = YIELD_BUDGET;
            st = survey_some(self, &budget, err);
            more = st == ST_AGAIN;
        }
        if (st != ST_OK)
            return st;
    }
    if (entry->survey != NULL && entry->survey->held > 0)
        return error_set(err, ST_NOT_FOUND, "it is held");
    return ST_OK;
}

/* --- Rounds ---------------------------------------------------------------------------------- */

/* Said when it begins and when it is over. */
static void note_stuck(struct file_exporter *self, bool is_stuck, const struct retention_step *step,
                       uint64_t now_unix_ns)
{
    struct retainer *retainer = &self->retainer;
    char reason[RETAINER_RULE_SIZE];
    char rule[RETAINER_RULE_SIZE];

    if (is_stuck == retainer->is_stuck)
        return;
    retainer->is_stuck = is_stuck;
    put_reason(self, step, reason, rule);
    if (is_stuck)
        store_dir_note(&self->dir, now_unix_ns,
                       "%s asks for room, and nothing may go: all is held or younger than "
                       "retention.min_age; when the disk is full, journal.on_disk_full decides",
                       reason);
    else
        store_dir_note(&self->dir, now_unix_ns, "retention has the room again that it asks for");
}

/* Begins the next thing, or does it.  ST_NOT_FOUND: there is nothing to do. */
static enum status take_step(struct file_exporter *self, uint64_t now_unix_ns, struct error *err)
{
    struct retention_state state;
    bool is_stuck;

    enum status st = gather(self, &state, err);
    if (st != ST_OK)
        return st;
    struct retention_step step = retention_next(&state, now_unix_ns, &is_stuck);
    /* Until the newest file has its proof under its name it stays as it is. */
    if (self->proofs.closing.is_due && step.action != RETENTION_KEEP &&
        step.index + 1 == self->dir.count)
        return ST_NOT_FOUND;
    switch (step.action) {
    case RETENTION_DELETE:
        return delete_by(self, &step, now_unix_ns, err);
    case RETENTION_LOOK:
        return begin_survey(self, step.index, now_unix_ns, err);
    case RETENTION_ERASE:
        return begin_erasure(self, &step, now_unix_ns, err);
    default:
        note_stuck(self, is_stuck, &step, now_unix_ns);
        return ST_NOT_FOUND;
    }
}

/* As a start would: the manifest's last word decides. */
static enum status finish_failed(struct file_exporter *self, uint64_t now_unix_ns,
                                 struct error *err)
{
    if (!self->retainer.is_unfinished)
        return ST_OK;
    retainer_abandon(&self->retainer);
    for (size_t i = 0; i < self->dir.count; i++)
        store_entry_forget(&self->dir.entries[i]);
    enum status st = erasure_recover(&self->dir, true, now_unix_ns, err);
    if (st == ST_OK)
        st = store_dir_sync(&self->dir, err);
    if (st != ST_OK)
        return st;
    self->retainer.is_unfinished = false;
    tell_erasure(self, now_unix_ns);
    return ST_OK;
}

static enum status go_on(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                         struct error *err)
{
    struct retainer *retainer = &self->retainer;
    enum status st = ST_OK;

    while (st == ST_OK && budget > 0) {
        if (retainer->survey != NULL)
            st = survey_some(self, &budget, err);
        else if (retainer->erasure != NULL)
            st = erase_some(self, now_unix_ns, &budget, err);
        if (st == ST_OK)
            st = take_step(self, now_unix_ns, err);
        budget -= budget < STEP_COST ? budget : STEP_COST;
    }
    if (st == ST_NOT_FOUND)
        retainer->not_before_ns = now_unix_ns + ROUND_PERIOD_S * ns_per_s;
    return st == ST_NOT_FOUND || st == ST_AGAIN ? ST_OK : st;
}

enum status retainer_do(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                        struct error *err)
{
    struct retainer *retainer = &self->retainer;
    bool is_busy = retainer->survey != NULL || retainer->erasure != NULL;

    if (!is_busy && now_unix_ns < retainer->not_before_ns)
        return ST_OK;
    enum status st = finish_failed(self, now_unix_ns, err);
    if (st == ST_OK)
        st = retainer_look_at_holds(self, now_unix_ns, err);
    if (st == ST_OK)
        st = go_on(self, now_unix_ns, budget, err);
    if (st == ST_OK)
        return ST_OK;
    retainer_abandon(retainer);
    retainer->not_before_ns = now_unix_ns + ROUND_PERIOD_S * ns_per_s;
    return error_context(err, "retention");
}
