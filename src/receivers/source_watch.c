/* SPDX-License-Identifier: Apache-2.0 */
/* source_watch.c -- see source_watch.h.
 *
 * A table of fixed size; what is compared for each batch stands by itself, so that a look through
 * it touches little memory.  /proc is read without the lock: what was found there counts only if
 * the place still holds the same source and it has not spoken meanwhile. */
#include "receivers/source_watch.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/metrics.h"

enum { NO_PLACE = -1 };

enum source_state { SPEAKS, SILENT, RESUMED };

struct source {
    enum source_state state;
    uint64_t last_ns, last_unix_ns; /* when it spoke last */
    uint64_t from_unix_ns;          /* when it spoke last before the silence */
    struct normalized_source said;
    char executable[PEER_EXECUTABLE_MAX];
};

struct source_watch {
    uint64_t silent_after_ns;
    struct metric *watched, *silent, *refused;
    size_t next_look; /* main thread */
    pthread_mutex_t lock;
    /* shared, under lock */
    struct source_id ids[SOURCES_MAX]; /* pid 0: the place is free */
    struct source sources[SOURCES_MAX];
    size_t count;        /* places up to here have been used */
    unsigned int claims; /* that may still be looked at before the next sweep */
};

enum status source_watch_create(uint64_t silent_after_ns, struct source_watch **ret,
                                struct error *err)
{
    struct source_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return error_set(err, ST_NO_MEMORY, "watch the agents");
    watch->silent_after_ns = silent_after_ns;
    watch->claims = SOURCE_CLAIMS_PER_SWEEP;
    (void)pthread_mutex_init(&watch->lock, NULL); /* cannot fail with default attributes */
    watch->watched = metric_register(METRIC_GAUGE, "telltale_sources",
                                     "Processes of agents that are watched for silence.", "");
    watch->silent = metric_register(METRIC_COUNTER, "telltale_sources_silent_total",
                                    "Times that an agent was alive and silent for too long.", "");
    watch->refused =
        metric_register(METRIC_COUNTER, "telltale_sources_unwatched_total",
                        "Times that a process was not watched, for want of a place.", "");
    *ret = watch;
    return ST_OK;
}

void source_watch_destroy(struct source_watch *watch)
{
    if (watch == NULL)
        return;
    (void)pthread_mutex_destroy(&watch->lock); /* nobody holds it */
    free(watch);
}

static void lock(struct source_watch *watch)
{
    (void)pthread_mutex_lock(&watch->lock); /* fails only if we hold it */
}

static void unlock(struct source_watch *watch)
{
    (void)pthread_mutex_unlock(&watch->lock); /* fails only if we do not hold it */
}

/* --- Places, under lock ------------------------------------------------------------------------
 */

static bool is_same(const struct source_id *a, const struct source_id *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->start_ticks == b->start_ticks;
}

static int find(const struct source_watch *watch, const struct source_id *id)
{
    for (size_t i = 0; i < watch->count; i++) {
        const struct source_id *known = &watch->ids[i];
        if (known->pid == id->pid && known->uid == id->uid &&
            (id->start_ticks == 0 || known->start_ticks == id->start_ticks))
            return (int)i;
    }
    return NO_PLACE;
}

static int find_free(const struct source_watch *watch, uid_t uid)
{
    size_t of_user = 0;
    int place = NO_PLACE;

    for (size_t i = watch->count; i > 0; i--) {
        if (watch->ids[i - 1].pid == 0)
            place = (int)i - 1;
        else
            of_user += watch->ids[i - 1].uid == uid;
    }
    if (of_user >= SOURCES_PER_UID_MAX)
        return NO_PLACE;
    return place == NO_PLACE && watch->count < SOURCES_MAX ? (int)watch->count : place;
}

static void forget(struct source_watch *watch, size_t place)
{
    watch->ids[place].pid = 0;
    metric_set(watch->watched, metric_get(watch->watched) - 1);
}

static void keep(char *to, const char *said, size_t size)
{
    if (said[0] != 0)
        memcpy(to, said, size);
}

static void hear(struct source *source, const struct normalized_source *said, uint64_t now_ns,
                 uint64_t now_unix_ns)
{
    if (source->state == SILENT) {
        source->state = RESUMED;
        source->from_unix_ns = source->last_unix_ns;
    }
    source->last_ns = now_ns;
    source->last_unix_ns = now_unix_ns;
    keep(source->said.product, said->product, sizeof(said->product));
    keep(source->said.session, said->session, sizeof(said->session));
}

/* --- Noting ------------------------------------------------------------------------------------
 */

struct source_id source_id_of_peer(const struct peer *peer)
{
    struct source_id id = {.pid = 0, .uid = (uid_t)-1};

    if (peer->attestation == PEER_UNKNOWN)
        return id;
    id.uid = peer->uid;
    if (peer->attestation == PEER_BY_KERNEL && peer->process.start_ticks != 0) {
        id.pid = peer->pid;
        id.start_ticks = peer->process.start_ticks;
    } else if (peer->attestation == PEER_BY_KERNEL) {
        id.uid = (uid_t)-1; /* the kernel's word is better than the sender's */
    }
    return id;
}

/* What /proc says of the process now.  False: it is not there, or not this user's. */
static bool learn(struct source_id *id, char executable[PEER_EXECUTABLE_MAX])
{
    struct peer_process process;
    struct stat owner;

    int directory = peer_process_open(id->pid);
    if (directory < 0)
        return false;
    bool is_it = fstat(directory, &owner) == 0 && peer_process_read(directory, &process);
    (void)close(directory); /* only read */
    if (!is_it || (id->start_ticks == 0 && owner.st_uid != id->uid) ||
        (id->start_ticks != 0 && process.start_ticks != id->start_ticks))
        return false;
    id->start_ticks = process.start_ticks;
    memcpy(executable, process.executable, PEER_EXECUTABLE_MAX);
    return true;
}

/* True: it is known, or not to be known. */
static bool hear_known(struct source_watch *watch, const struct source_id *id,
                       const struct normalized_source *said, uint64_t now_ns, uint64_t now_unix_ns)
{
    lock(watch);
    int place = find(watch, id);
    bool is_over = place != NO_PLACE;
    if (is_over) {
        hear(&watch->sources[place], said, now_ns, now_unix_ns);
    } else {
        is_over =
            find_free(watch, id->uid) == NO_PLACE || (id->start_ticks == 0 && watch->claims == 0);
        if (is_over)
            metric_add(watch->refused, 1);
        else if (id->start_ticks == 0)
            watch->claims--;
    }
    unlock(watch);
    return is_over;
}

static void hear_new(struct source_watch *watch, const struct source_id *id,
                     const struct normalized_source *said,
                     const char executable[PEER_EXECUTABLE_MAX], uint64_t now_ns,
                     uint64_t now_unix_ns)
{
    lock(watch);
    int place = find(watch, id);
    if (place == NO_PLACE) {
        place = find_free(watch, id->uid);
        if (place == NO_PLACE) {
            metric_add(watch->refused, 1);
            unlock(watch);
            return;
        }
        watch->ids[place] = *id;
        watch->sources[place] = (struct source){.state = SPEAKS};
        memcpy(watch->sources[place].executable, executable, PEER_EXECUTABLE_MAX);
        if ((size_t)place == watch->count)
            watch->count++;
        metric_add(watch->watched, 1);
    }
    hear(&watch->sources[place], said, now_ns, now_unix_ns);
    unlock(watch);
}

void source_watch_note(struct source_watch *watch, const struct source_id *id,
                       const struct normalized_source *said, uint64_t now_ns, uint64_t now_unix_ns)
{
    char executable[PEER_EXECUTABLE_MAX];
    struct source_id of = *id;

    if (said->is_hook)
        return;
    if (of.pid == 0 && of.uid != (uid_t)-1)
        of.pid = said->claimed_pid;
    if (of.pid <= 0 || hear_known(watch, &of, said, now_ns, now_unix_ns))
        return;
    if (learn(&of, executable))
        hear_new(watch, &of, said, executable, now_ns, now_unix_ns);
}

/* --- Telling -----------------------------------------------------------------------------------
 */

static struct source_report report_of(const struct source_watch *watch, size_t place)
{
    const struct source *source = &watch->sources[place];
    struct source_report report = {
        .pid = watch->ids[place].pid,
        .said = source->said,
        .has_resumed = source->state == RESUMED,
        .from_ns = source->from_unix_ns,
        .to_ns = source->last_unix_ns,
    };

    memcpy(report.executable, source->executable, sizeof(report.executable));
    return report;
}

/* One that speaks again.  False: there is none. */
static bool take_resumed(struct source_watch *watch, struct source_report *ret)
{
    bool found = false;

    lock(watch);
    for (size_t i = 0; i < watch->count && !found; i++) {
        found = watch->ids[i].pid != 0 && watch->sources[i].state == RESUMED;
        if (found) {
            *ret = report_of(watch, i);
            watch->sources[i].state = SPEAKS;
        }
    }
    unlock(watch);
    return found;
}

static bool is_due(const struct source_watch *watch, size_t place, uint64_t now_ns)
{
    const struct source *source = &watch->sources[place];

    return watch->ids[place].pid != 0 && source->state == SPEAKS && now_ns > source->last_ns &&
           now_ns - source->last_ns >= watch->silent_after_ns;
}

static int find_due(struct source_watch *watch, uint64_t now_ns, struct source_id *ret)
{
    int place = NO_PLACE;

    lock(watch);
    for (size_t i = 0; i < watch->count && place == NO_PLACE; i++) {
        if (is_due(watch, i, now_ns)) {
            place = (int)i;
            *ret = watch->ids[i];
        }
    }
    unlock(watch);
    return place;
}

/* True: it is silent, and to be told. */
static bool judge(struct source_watch *watch, size_t place, const struct source_id *id,
                  uint64_t now_ns, uint64_t now_unix_ns, struct source_report *ret)
{
    bool is_there = peer_process_is_there(id->pid, id->start_ticks);
    bool is_silent = false;

    lock(watch);
    if (is_same(&watch->ids[place], id) && !is_there) {
        forget(watch, place);
    } else if (is_same(&watch->ids[place], id) && is_due(watch, place, now_ns)) {
        is_silent = true;
        watch->sources[place].state = SILENT;
        *ret = report_of(watch, place);
        ret->from_ns = watch->sources[place].last_unix_ns;
        ret->to_ns = now_unix_ns;
        metric_add(watch->silent, 1);
    }
    unlock(watch);
    return is_silent;
}

/* Makes room: who has ended is forgotten. */
static void look_in_turn(struct source_watch *watch)
{
    for (unsigned int looks = 0; looks < SOURCE_LOOKS_PER_SWEEP; looks++) {
        lock(watch);
        size_t count = watch->count;
        size_t place = watch->next_look < count ? watch->next_look : 0;
        struct source_id id = watch->ids[place];
        unlock(watch);
        if (looks >= count)
            return;
        watch->next_look = place + 1;
        if (id.pid == 0 || peer_process_is_there(id.pid, id.start_ticks))
            continue;
        lock(watch);
        if (is_same(&watch->ids[place], &id) && watch->sources[place].state != RESUMED)
            forget(watch, place);
        unlock(watch);
    }
}

void source_watch_sweep(struct source_watch *watch, uint64_t now_ns, uint64_t now_unix_ns,
                        void (*tell)(void *context, const struct source_report *report),
                        void *context)
{
    struct source_report report;
    struct source_id id;
    unsigned int told = 0;
    int place;

    lock(watch);
    watch->claims = SOURCE_CLAIMS_PER_SWEEP;
    unlock(watch);
    for (; told < SOURCE_TELLS_PER_SWEEP && take_resumed(watch, &report); told++)
        tell(context, &report);
    for (; told < SOURCE_TELLS_PER_SWEEP && (place = find_due(watch, now_ns, &id)) != NO_PLACE;
         told++) {
        if (judge(watch, (size_t)place, &id, now_ns, now_unix_ns, &report))
            tell(context, &report);
    }
    look_in_turn(watch);
}

void source_watch_restart(struct source_watch *watch, uint64_t now_ns)
{
    lock(watch);
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->ids[i].pid != 0 && watch->sources[i].state == SPEAKS)
            watch->sources[i].last_ns = now_ns;
    }
    unlock(watch);
}
