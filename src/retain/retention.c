/* SPDX-License-Identifier: Apache-2.0 */
/* retention.c -- see telltale/retention.h.
 *
 * Age, and only age, is asked of each file by itself (retention_judge()).  Bounds of the whole
 * store come behind it: what is too old goes first anyway.
 *
 * A file that a hold covers a part of does not count against max_size and max_files: a hold on much
 * that is old would else let everything new go.
 *
 * Looking at a file means reading it, so it is put off until something in it may be due.
 */
#include "telltale/retention.h"

#include <string.h>

static const uint64_t ns_per_s = 1000000000;

static uint64_t later(uint64_t time, uint64_t by)
{
    return by > RETENTION_NEVER - time ? RETENTION_NEVER : time + by;
}

static uint64_t seconds(uint64_t unix_s)
{
    return unix_s > RETENTION_NEVER / ns_per_s ? RETENTION_NEVER : unix_s * ns_per_s;
}

static uint64_t earlier_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static const struct retention_rule *rule_of(const struct retention_config *config, size_t class)
{
    return (const struct retention_rule *)config->rules.items + class;
}

/* When a record of `class` is due. */
static uint64_t due_time(const struct retention_config *config, const struct retention_file *file,
                         size_t class, uint64_t arrived_unix_ns)
{
    if (class < config->rules.count)
        return later(arrived_unix_ns, rule_of(config, class)->keep_ns);
    if (config->max_age_ns == 0)
        return RETENTION_NEVER;
    return later(seconds(file->written_unix_s), config->max_age_ns);
}

bool retention_is_due(const struct retention_config *config, const struct retention_file *file,
                      size_t class, uint64_t arrived_unix_ns, uint64_t now_unix_ns)
{
    return now_unix_ns > due_time(config, file, class, arrived_unix_ns);
}

bool retention_may_yield(const struct retention_config *config, const struct retention_file *file,
                         uint64_t now_unix_ns)
{
    return config->min_age_ns == 0 ||
           now_unix_ns > later(seconds(file->written_unix_s), config->min_age_ns);
}

void retention_tally_add(struct retention_tally *tally, uint64_t arrived_unix_ns)
{
    if (tally->count == 0 || arrived_unix_ns < tally->first_unix_ns)
        tally->first_unix_ns = arrived_unix_ns;
    if (tally->count == 0 || arrived_unix_ns > tally->last_unix_ns)
        tally->last_unix_ns = arrived_unix_ns;
    tally->count++;
}

/* --- One file -------------------------------------------------------------------------------- */

/* What is known of a file that nobody has looked at is when it was written. */
static struct retention_step judge_unseen(const struct retention_config *config,
                                          const struct retention_file *file, bool has_holds,
                                          uint64_t now_unix_ns)
{
    size_t none = config->rules.count;
    struct retention_step step = {.classes = UINT64_C(1) << none};
    uint64_t due = due_time(config, file, none, 0);

    for (size_t i = 0; i < config->rules.count; i++)
        due = earlier_of(due, due_time(config, file, i, seconds(file->begun_unix_s)));
    step.when_unix_ns = due;
    if (now_unix_ns > due)
        step.action = has_holds || none > 0 ? RETENTION_LOOK : RETENTION_DELETE;
    return step;
}

static struct retention_step judge_seen(const struct retention_config *config,
                                        const struct retention_file *file, uint64_t now_unix_ns)
{
    const struct retention_survey *survey = file->survey;
    struct retention_step step = {.action = RETENTION_KEEP};
    uint64_t all_due = 0; /* when the last record is */
    uint64_t some_due = RETENTION_NEVER;
    uint64_t present = 0;

    for (size_t i = 0; i < retention_class_count(config); i++) {
        const struct retention_tally *tally = &survey->classes[i];
        if (tally->count == 0)
            continue;
        uint64_t first = due_time(config, file, i, tally->first_unix_ns);
        uint64_t last = due_time(config, file, i, tally->last_unix_ns);
        present |= UINT64_C(1) << i;
        all_due = last > all_due ? last : all_due;
        some_due = earlier_of(some_due, later(first, config->slack_ns));
        if (now_unix_ns > first)
            step.classes |= UINT64_C(1) << i;
    }
    if (survey->is_damaged)
        some_due = RETENTION_NEVER;
    if (present == 0 && survey->held == 0) /* no line of ours: as without rules */
        all_due = due_time(config, file, config->rules.count, 0);
    if (survey->held > 0)
        all_due = RETENTION_NEVER;
    step.when_unix_ns = earlier_of(all_due, some_due);
    if (now_unix_ns > all_due)
        step.action = RETENTION_DELETE;
    else if (now_unix_ns > some_due)
        step.action = RETENTION_ERASE;
    return step;
}

struct retention_step retention_judge(const struct retention_config *config,
                                      const struct retention_file *file, bool has_holds,
                                      uint64_t now_unix_ns)
{
    ASSERT(config->rules.count <= RETENTION_RULES_MAX);
    if (file->survey == NULL)
        return judge_unseen(config, file, has_holds, now_unix_ns);
    return judge_seen(config, file, now_unix_ns);
}

/* --- The store ------------------------------------------------------------------------------- */

uint64_t retention_room_bytes(const struct config_room *room, uint64_t disk_size_bytes)
{
    return room->percent > 0 ? disk_size_bytes / 100 * room->percent : room->bytes;
}

/* What of the store counts against its bounds. */
struct load {
    uint64_t size_bytes;
    uint64_t count;
};

static struct load load_of(const struct retention_state *state)
{
    struct load load = {state->total_size_bytes + state->active_size_bytes, state->count};
    struct retention_file file;

    for (size_t i = 0; state->has_holds && i < state->count; i++) {
        state->read_file(state->files, i, &file);
        if (file.survey == NULL || file.survey->held == 0)
            continue;
        load.size_bytes -= file.size_bytes;
        load.count--;
    }
    return load;
}

static bool is_over(const struct retention_state *state, enum retention_cause *ret)
{
    const struct retention_config *config = state->config;
    uint64_t room = retention_room_bytes(&config->min_free, state->disk_size_bytes);
    bool is_short = state->disk_size_bytes > 0 && state->disk_free_bytes < room;

    if (config->max_files == 0 && config->max_size_bytes == 0 && !is_short)
        return false;
    struct load load = load_of(state);
    if (config->max_files > 0 && load.count > config->max_files)
        *ret = RETENTION_BY_COUNT;
    else if (config->max_size_bytes > 0 && load.size_bytes > config->max_size_bytes)
        *ret = RETENTION_BY_SIZE;
    else if (is_short)
        *ret = RETENTION_BY_FREE;
    else
        return false;
    return true;
}

/* The oldest file that may go, or has to be looked at before anybody can tell. */
static bool find_yielding(const struct retention_state *state, uint64_t now_unix_ns,
                          struct retention_step *step)
{
    struct retention_file file;

    for (size_t i = 0; i < state->count; i++) {
        state->read_file(state->files, i, &file);
        if (!retention_may_yield(state->config, &file, now_unix_ns) ||
            (file.survey != NULL && file.survey->held > 0))
            continue;
        step->index = i;
        step->action = state->has_holds && file.survey == NULL ? RETENTION_LOOK : RETENTION_DELETE;
        return true;
    }
    return false;
}

struct retention_step retention_next(const struct retention_state *state, uint64_t now_unix_ns,
                                     bool *ret_is_stuck)
{
    struct retention_step first = {.action = RETENTION_KEEP, .when_unix_ns = RETENTION_NEVER};
    struct retention_step over = {.action = RETENTION_KEEP};
    struct retention_file file;

    *ret_is_stuck = false;
    for (size_t i = 0; !state->holds_all && i < state->count; i++) {
        state->read_file(state->files, i, &file);
        struct retention_step step =
            retention_judge(state->config, &file, state->has_holds, now_unix_ns);
        step.index = i;
        if (step.action == RETENTION_DELETE)
            return step;
        if (first.action == RETENTION_KEEP && step.action != RETENTION_KEEP)
            first = step;
        else if (first.action == RETENTION_KEEP)
            first.when_unix_ns = earlier_of(first.when_unix_ns, step.when_unix_ns);
    }
    if (!is_over(state, &over.cause))
        return first;
    if (!state->holds_all && find_yielding(state, now_unix_ns, &over))
        return over;
    *ret_is_stuck = true;
    if (first.action == RETENTION_KEEP)
        first.cause = over.cause;
    return first;
}

/* --- In words -------------------------------------------------------------------------------- */

static enum status put_classes(const struct retention_config *config, uint64_t classes,
                               struct buf *out, struct error *err)
{
    enum status st = ST_OK;
    bool is_first = true;

    for (size_t i = 0; st == ST_OK && i < retention_class_count(config); i++) {
        const char *name = i < config->rules.count ? rule_of(config, i)->name : "max_age";
        if ((classes >> i & 1) == 0)
            continue;
        const char *before = i < config->rules.count ? ",rules." : ",";
        before += is_first;
        is_first = false;
        st = buf_append(out, before, strlen(before), err);
        if (st == ST_OK)
            st = buf_append(out, name, strlen(name), err);
    }
    return st;
}

enum status retention_put_reason(const struct retention_config *config,
                                 const struct retention_step *step, struct buf *out,
                                 struct error *err)
{
    static const char *const names[] = {
        [RETENTION_BY_AGE] = "max_age",
        [RETENTION_BY_SIZE] = "max_size",
        [RETENTION_BY_COUNT] = "max_files",
        [RETENTION_BY_FREE] = "min_free",
    };

    if (step->cause == RETENTION_BY_AGE && step->classes != 0)
        return put_classes(config, step->classes, out, err);
    return buf_append(out, names[step->cause], strlen(names[step->cause]), err);
}
