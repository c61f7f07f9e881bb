/* SPDX-License-Identifier: Apache-2.0 */
/* destinations.c -- see destinations.h.
 *
 * A destination that is taken out of the configuration leaves its cursor file behind; it no
 * longer holds anything back, and goes on from there (or from the oldest record that is still
 * kept) when it comes again.
 */
#include "telltaled/destinations.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/cursor.h"
#include "normalize/schema_content.h"
#include "telltale/disk_dirs.h"
#include "util/clock.h"
#include "util/log.h"

/* Nearer destinations are better served by one lane: it is our processor that they wait for. */
#define HELPER_WAIT_NS (10 * NS_PER_MS)
#define HELPER_IDLE_NS (5 * NS_PER_S)

/* A destination whose cursor has moved so lately will move it again. */
#define MOVING_NS NS_PER_S

struct destinations {
    struct journal *journal; /* borrowed */
    size_t count;
    struct worker *workers[CONFIG_EXPORTERS_MAX];
    bool may_drop[CONFIG_EXPORTERS_MAX]; /* exporters.TYPE.on_journal_full, of each */
    uint64_t seen[CONFIG_EXPORTERS_MAX]; /* the durable cursor of each, as it was retired by */
    uint64_t
        moved_ns[CONFIG_EXPORTERS_MAX]; /* monotonic: when it was seen to have moved; 0: never */
    struct destinations_hooks hooks;
};

static enum status make_directory(char *out, size_t out_size, const char *parent, const char *name,
                                  struct error *err)
{
    int size = snprintf(out, out_size, "%s/%s", parent, name);
    if (size < 0 || (size_t)size >= out_size)
        return error_set(err, ST_LIMIT, "the path '%.100s...' is too long", parent);
    return disk_make_dir(&disk_io_system, out, err);
}

static bool is_cursor_name(const char *name)
{
    size_t size = strlen(name);

    return name[0] != '.' && (size < 4 || strcmp(name + size - 4, ".new") != 0);
}

uint64_t destinations_largest_cursor(const char *state_dir)
{
    char path[PATH_MAX];
    uint64_t largest = 0;
    struct dirent *entry;

    snprintf(path, sizeof(path), "%s/cursors", state_dir);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0; /* a first start */
    while ((entry = readdir(dir)) != NULL) {
        struct cursor *cursor = NULL;
        struct error ignored;
        if (!is_cursor_name(entry->d_name) ||
            cursor_open(NULL, dirfd(dir), entry->d_name, &cursor, &ignored) != ST_OK)
            continue;
        if (cursor_next(cursor) > largest)
            largest = cursor_next(cursor);
        cursor_close(cursor);
    }
    (void)closedir(dir);
    return largest;
}

static struct record_filter filter_of(const struct config_filter *filter)
{
    return (struct record_filter){
        .kinds = filter->kinds,
        .exclude_kinds = filter->exclude_kinds,
        .outcomes = filter->outcomes,
        .severity_min = config_filter_severity(filter),
    };
}

static enum status start_one(struct destinations *destinations, const struct config *config,
                             const struct config_exporter *exporter, const char *cursor_dir,
                             const char *dead_letter_dir, struct error *err)
{
    const struct exporter_ops *ops = exporter->ops;
    uint64_t confirm_ns = ops->confirm_ns != NULL ? ops->confirm_ns(exporter->config) : 0;
    struct worker_settings settings = {
        .name = exporter->name,
        .cursor_dir = cursor_dir,
        .dead_letter_dir = dead_letter_dir,
        .ops = exporter->ops,
        .config = exporter->config,
        .state_dir = config->dirs.state_dir,
        .filter = filter_of(&exporter->delivery.filter),
        .is_content = exporter->delivery.content == CONFIG_CONTENT_OMIT ? content_is_at : NULL,
        .batch_size_max = exporter->delivery.batch.max_size,
        .batch_count_max = exporter->delivery.batch.max_count,
        .lanes_max = exporter->delivery.requests_in_flight_max,
        .helper_wait_ns = HELPER_WAIT_NS,
        .helper_idle_ns = HELPER_IDLE_NS,
        .batch_delay_ns = exporter->delivery.batch.max_delay,
        .timeout_ns = exporter->delivery.timeout + confirm_ns,
        .retry_initial_ns = exporter->delivery.retry.initial,
        .retry_max_ns = exporter->delivery.retry.max,
        .dead_letter_size_max = exporter->delivery.dead_letters.max_size,
        .dead_letters_drop_oldest = exporter->delivery.dead_letters.on_full == CONFIG_DROP_OLDEST,
        .ledger = destinations->hooks.ledger,
        .context = destinations->hooks.context,
        .on_room = destinations->hooks.on_room,
        .notes = destinations->hooks.notes,
    };
    struct worker *worker = NULL;
    const char *caution = ops->caution != NULL ? ops->caution(exporter->config) : NULL;

    if (caution != NULL)
        log_warn("export.caution", "exporter=%s what=\"%s\"", exporter->name, caution);
    enum status st = worker_start(&settings, destinations->journal, &worker, err);
    if (st != ST_OK)
        return st; /* the error names the exporter */
    destinations->may_drop[destinations->count] =
        exporter->delivery.on_journal_full == CONFIG_DROP_OLDEST;
    destinations->workers[destinations->count++] = worker;
    return ST_OK;
}

enum status destinations_start(const struct config *config, struct journal *journal,
                               const struct destinations_hooks *hooks, struct destinations **ret,
                               struct error *err)
{
    char cursor_dir[PATH_MAX];
    char dead_letter_dir[PATH_MAX];

    enum status st =
        make_directory(cursor_dir, sizeof(cursor_dir), config->dirs.state_dir, "cursors", err);
    if (st == ST_OK) {
        st = make_directory(dead_letter_dir, sizeof(dead_letter_dir), config->dirs.state_dir,
                            "dead-letters", err);
    }
    if (st != ST_OK)
        return st;
    struct destinations *destinations = calloc(1, sizeof(*destinations));
    if (destinations == NULL)
        return error_set(err, ST_NO_MEMORY, "start the exporters");
    destinations->journal = journal;
    destinations->hooks = *hooks;
    for (size_t i = 0; i < config->exporter_count && st == ST_OK; i++) {
        st = start_one(destinations, config, &config->exporters[i], cursor_dir, dead_letter_dir,
                       err);
    }
    if (st != ST_OK) {
        destinations_stop(destinations, clock_monotonic_ns());
        return st;
    }
    *ret = destinations;
    return ST_OK;
}

void destinations_ask_to_stop(struct destinations *destinations, uint64_t deadline_ns)
{
    for (size_t i = 0; i < destinations->count; i++)
        worker_ask_to_stop(destinations->workers[i], deadline_ns);
}

bool destinations_have_ended(const struct destinations *destinations)
{
    for (size_t i = 0; i < destinations->count; i++) {
        if (!worker_has_ended(destinations->workers[i]))
            return false;
    }
    return true;
}

void destinations_stop(struct destinations *destinations, uint64_t deadline_ns)
{
    if (destinations == NULL)
        return;
    /* All are asked first, so that the slowest decides how long it takes and not the sum. */
    destinations_ask_to_stop(destinations, deadline_ns);
    for (size_t i = 0; i < destinations->count; i++)
        worker_stop(destinations->workers[i], deadline_ns);
    free(destinations);
}

/* What every worker has, that of index `but` left aside; UINT64_MAX: there is no other. */
static uint64_t smallest_cursor(const struct destinations *destinations, size_t but)
{
    uint64_t smallest = UINT64_MAX;

    for (size_t i = 0; i < destinations->count; i++) {
        uint64_t durable = worker_durable_sequence(destinations->workers[i]);
        if (i != but && durable < smallest)
            smallest = durable;
    }
    return smallest;
}

static void watch_cursors(struct destinations *destinations, uint64_t now_ns)
{
    for (size_t i = 0; i < destinations->count; i++) {
        uint64_t durable = worker_durable_sequence(destinations->workers[i]);
        if (destinations->seen[i] != 0 && durable > destinations->seen[i])
            destinations->moved_ns[i] = now_ns;
        destinations->seen[i] = durable;
    }
}

void destinations_retire(struct destinations *destinations)
{
    watch_cursors(destinations, clock_monotonic_ns());
    if (destinations->count > 0)
        journal_retire(destinations->journal, smallest_cursor(destinations, SIZE_MAX));
}

bool destinations_may_drop(const struct destinations *destinations, uint64_t sequence)
{
    for (size_t i = 0; i < destinations->count; i++) {
        if (!destinations->may_drop[i] &&
            worker_durable_sequence(destinations->workers[i]) < sequence)
            return false;
    }
    return destinations->count > 0;
}

bool destinations_make_room(const struct destinations *destinations, uint64_t sequence,
                            uint64_t now_ns)
{
    for (size_t i = 0; i < destinations->count; i++) {
        bool moves =
            destinations->moved_ns[i] != 0 && now_ns - destinations->moved_ns[i] < MOVING_NS;
        if (!destinations->may_drop[i] && !moves &&
            worker_durable_sequence(destinations->workers[i]) < sequence)
            return false;
    }
    return destinations->count > 0;
}

void destinations_drop(struct destinations *destinations, uint64_t sequence)
{
    for (size_t i = 0; i < destinations->count; i++) {
        if (destinations->may_drop[i] &&
            worker_durable_sequence(destinations->workers[i]) < sequence)
            worker_skip_to(destinations->workers[i], sequence);
    }
}

void destinations_ask_for_room(struct destinations *destinations, uint64_t wanted_bytes)
{
    for (size_t i = 0; i < destinations->count; i++) {
        const struct worker_room room = {
            .wanted_bytes = wanted_bytes,
            .device = journal_device(destinations->journal),
            .delivered_below = smallest_cursor(destinations, i),
        };
        worker_ask_for_room(destinations->workers[i], &room);
    }
}

size_t destinations_count(const struct destinations *destinations)
{
    return destinations->count;
}

struct worker *destinations_worker(const struct destinations *destinations, size_t index)
{
    ASSERT(index < destinations->count);
    return destinations->workers[index];
}
