/* SPDX-License-Identifier: Apache-2.0 */
/* retention_plan.c -- see retention_plan.h. */
#include "retain/retention_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/store_listing.h"
#include "telltale/file_survey.h"

enum { LOOK_BUDGET = 64 << 20 };

struct planning {
    struct retention_plan *plan;
    int dir_fd;
    struct record_classifier *classifier;
    void (*on_file)(const char *name);
    uint64_t at_unix_ns;
    size_t *staying; /* owned: indexes of the entries that are not deleted */
    size_t staying_count;
    uint64_t total_size_bytes;
};

static void read_file(void *files, size_t index, struct retention_file *ret)
{
    const struct planning *planning = files;
    const struct retention_plan_entry *entry = &planning->plan->entries[planning->staying[index]];

    *ret = (struct retention_file){
        .begun_unix_s = entry->parts.begun_unix_s,
        .written_unix_s = entry->written_unix_s,
        .size_bytes = entry->size_bytes,
        .survey = entry->was_seen ? &entry->survey : NULL,
    };
}

/* --- What is there --------------------------------------------------------------------------- */

static enum status add_entries(struct planning *planning, const struct store_listing *listing,
                               struct error *err)
{
    struct retention_plan *plan = planning->plan;
    struct stat info;

    plan->entries = calloc(listing->count + 1, sizeof(plan->entries[0]));
    planning->staying = calloc(listing->count + 1, sizeof(planning->staying[0]));
    if (plan->entries == NULL || planning->staying == NULL)
        return error_set(err, ST_NO_MEMORY, "list %zu files", listing->count);
    for (size_t i = 0; i < listing->count; i++) {
        struct retention_plan_entry *entry = &plan->entries[plan->count];
        bool has_other_form =
            i + 1 < listing->count &&
            store_file_name_compare(&listing->names[i], &listing->names[i + 1]) == 0;
        entry->parts = listing->names[i];
        store_file_name_format(&entry->parts, entry->name);
        if (has_other_form || fstatat(planning->dir_fd, entry->name, &info, 0) < 0)
            continue; /* compressed or gone since */
        entry->size_bytes = (uint64_t)info.st_size;
        entry->written_unix_s = info.st_mtim.tv_sec > 0 ? (uint64_t)info.st_mtim.tv_sec : 0;
        planning->staying[planning->staying_count++] = plan->count++;
        planning->total_size_bytes += entry->size_bytes;
    }
    return ST_OK;
}

static enum status list(struct planning *planning, struct error *err)
{
    struct retention_plan *plan = planning->plan;
    struct store_listing listing = {.names = NULL};
    struct statvfs disk;
    struct stat info;

    enum status st = store_listing_read(&listing, planning->dir_fd, NULL, err);
    if (st == ST_OK)
        st = add_entries(planning, &listing, err);
    store_listing_fini(&listing);
    if (st != ST_OK)
        return st;
    if (fstatat(planning->dir_fd, STORE_ACTIVE_NAME, &info, 0) == 0)
        plan->active_size_bytes = (uint64_t)info.st_size;
    if (fstatvfs(planning->dir_fd, &disk) < 0)
        return error_set_errno(err, ST_IO, "look at the file system");
    plan->disk_size_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    plan->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return ST_OK;
}

/* --- Looking --------------------------------------------------------------------------------- */

static enum status read_whole(struct planning *planning, struct retention_plan_entry *entry,
                              struct file_survey_result *ret, struct error *err)
{
    const struct retention_file file = {.begun_unix_s = entry->parts.begun_unix_s,
                                        .written_unix_s = entry->written_unix_s};
    struct file_survey *survey = NULL;

    enum status st =
        file_survey_begin(planning->dir_fd, &entry->parts, &file, planning->plan->config,
                          planning->classifier, planning->at_unix_ns, &survey, err);
    if (st != ST_OK)
        return st;
    do {
        size_t budget = LOOK_BUDGET;
        st = file_survey_step(survey, &budget, ret, err);
    } while (st == ST_AGAIN);
    file_survey_destroy(survey);
    return st;
}

/* Reads the file and notes what is in it, as it is or, with `is_after`, without what is due. */
static enum status look(struct planning *planning, struct retention_plan_entry *entry,
                        struct error *err)
{
    const uint64_t *counts = record_classifier_counts(planning->classifier);
    size_t hold_count = planning->plan->holds.count;
    struct file_survey_result found;

    if (planning->on_file != NULL)
        planning->on_file(entry->name);
    entry->held = calloc(hold_count + 1, sizeof(entry->held[0]));
    if (entry->held == NULL)
        return error_set(err, ST_NO_MEMORY, "look at '%s'", entry->name);
    for (size_t i = 0; i < hold_count; i++)
        entry->held[i] = counts[i];
    enum status st = read_whole(planning, entry, &found, err);
    if (st != ST_OK)
        return error_context(err, "'%s'", entry->name);
    for (size_t i = 0; i < hold_count; i++)
        entry->held[i] = counts[i] - entry->held[i];
    entry->was_seen = true;
    entry->survey = found.all;
    entry->due = found.due;
    return ST_OK;
}

/* --- Doing as if ----------------------------------------------------------------------------- */

static void drop(struct planning *planning, size_t index)
{
    struct retention_plan_entry *entry = &planning->plan->entries[planning->staying[index]];

    planning->total_size_bytes -= entry->size_bytes;
    planning->plan->disk_free_bytes += entry->size_bytes;
    planning->staying_count--;
    memmove(planning->staying + index, planning->staying + index + 1,
            (planning->staying_count - index) * sizeof(planning->staying[0]));
}

static enum status erase(struct planning *planning, struct retention_plan_entry *entry,
                         struct error *err)
{
    struct file_survey_result found;

    enum status st = read_whole(planning, entry, &found, err);
    if (st != ST_OK)
        return error_context(err, "'%s'", entry->name);
    entry->survey = found.rest;
    return ST_OK;
}

static enum status take_step(struct planning *planning, const struct retention_step *step,
                             struct error *err)
{
    struct retention_plan_entry *entry = &planning->plan->entries[planning->staying[step->index]];

    if (step->action == RETENTION_LOOK)
        return look(planning, entry, err);
    entry->step = *step;
    if (step->action == RETENTION_ERASE)
        return erase(planning, entry, err);
    drop(planning, step->index);
    return ST_OK;
}

static enum status play(struct planning *planning, struct error *err)
{
    struct retention_plan *plan = planning->plan;
    enum status st = ST_OK;

    while (st == ST_OK) {
        const struct retention_state state = {
            .config = plan->config,
            .files = planning,
            .read_file = read_file,
            .count = planning->staying_count,
            .total_size_bytes = planning->total_size_bytes,
            .active_size_bytes = plan->active_size_bytes,
            .disk_size_bytes = plan->disk_size_bytes,
            .disk_free_bytes = plan->disk_free_bytes,
            .has_holds = hold_list_holds(&plan->holds),
            .holds_all = plan->holds.unreadable > 0,
        };
        struct retention_step step = retention_next(&state, planning->at_unix_ns, &plan->is_stuck);
        if (step.action == RETENTION_KEEP) {
            plan->stuck = step.cause;
            return ST_OK;
        }
        st = take_step(planning, &step, err);
    }
    return st;
}

/* Says of each file that stays what comes next, and by whom it is held. */
static enum status look_ahead(struct planning *planning, struct error *err)
{
    struct retention_plan *plan = planning->plan;
    bool has_holds = hold_list_holds(&plan->holds);
    struct retention_file file;

    for (size_t i = 0; i < planning->staying_count; i++) {
        struct retention_plan_entry *entry = &plan->entries[planning->staying[i]];
        enum status st = has_holds && !entry->was_seen ? look(planning, entry, err) : ST_OK;
        if (st != ST_OK)
            return st;
        read_file(planning, i, &file);
        struct retention_step now =
            retention_judge(plan->config, &file, has_holds, planning->at_unix_ns);
        entry->then = now;
        if (now.when_unix_ns != RETENTION_NEVER)
            entry->then = retention_judge(plan->config, &file, has_holds, now.when_unix_ns + 1);
        entry->then.when_unix_ns = now.when_unix_ns;
    }
    return ST_OK;
}

enum status retention_plan_make(const char *path, const struct retention_config *config,
                                uint64_t at_unix_ns, void (*on_file)(const char *name),
                                struct retention_plan *ret, struct error *err)
{
    struct planning planning = {.plan = ret, .on_file = on_file, .at_unix_ns = at_unix_ns};

    *ret = (struct retention_plan){.config = config};
    planning.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (planning.dir_fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open the store '%s'",
                               path);
    enum status st = list(&planning, err);
    if (st == ST_OK)
        st = hold_list_read(&ret->holds, planning.dir_fd, false, err);
    if (st == ST_OK)
        st = record_classifier_create(config, &ret->holds, &planning.classifier, err);
    if (st == ST_OK)
        st = play(&planning, err);
    if (st == ST_OK)
        st = look_ahead(&planning, err);
    record_classifier_destroy(planning.classifier);
    free(planning.staying);
    (void)close(planning.dir_fd); /* a directory */
    if (st == ST_OK)
        return ST_OK;
    retention_plan_fini(ret);
    return error_context(err, "store '%s'", path);
}

void retention_plan_fini(struct retention_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->entries[i].held);
    free(plan->entries);
    hold_list_fini(&plan->holds);
    *plan = (struct retention_plan){.config = NULL};
}
