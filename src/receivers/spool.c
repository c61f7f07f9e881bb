/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c -- see spool.h.
 *
 * One batch is on its way at a time; the names of its files are remembered, and removed when it has
 * landed.  The position in the directory is kept from turn to turn, so that names which cannot be
 * removed keep nobody from his turn.
 *
 * Files are read on the loop's thread: they were written a moment ago, and a turn reads little.
 *
 * A daemon that has just been woken (SIGSTOP, a suspended machine) has events in its sockets whose
 * senders have given up and spooled them too.  Those come first: after a gap the spool waits for
 * the next time, and then knows them by their ids. */
#include "receivers/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "receivers/native_intake.h"
#include "receivers/refusal_recorder.h"
#include "receivers/sender.h"
#include "telltale/disk_dirs.h"
#include "util/clock.h"

enum { ID_SIZE = 32, FILE_NAME_SIZE = ID_SIZE + 6, BATCH_ROOM = 4 << 20, FIELDS_MAX = 512 };

#define PERIOD_NS   NS_PER_S
#define GAP_NS      (3 * NS_PER_S)   /* between two turns: the daemon was not running */
#define MORE_NS     (5 * NS_PER_MS)  /* there is more to look at */
#define DRAFT_AGE_S 3600             /* its writer is gone */
#define OWNER       (UINT32_MAX - 1) /* of ids: no connection */

enum rejection { REJECT_KIND, REJECT_SIZE, REJECT_CONTENT, REJECT_COUNT };

struct spool {
    struct spool_settings settings;
    int dir_fd;
    DIR *listing; /* NULL: the next turn begins at the front */
    struct native_intake *intake;
    struct append_batch *batch; /* NULL: the journal has it */
    struct buf line, fields;
    char names[SPOOL_FILES_PER_TURN][FILE_NAME_SIZE + 1]; /* of the files in the batch */
    size_t name_count;
    uint64_t batch_number;
    uint64_t last_turn_ns; /* monotonic */
    struct loop_timer timer;
    struct loop_message landed;
    struct metric *taken, *rejected[REJECT_COUNT];
    struct refusal_recorder refusals;
    bool carries_refusals; /* the batch that is on its way */
    /* journal thread, until `landed` is posted */
    struct append_batch *done_batch;
    enum status done_status;
};

/* --- Files --------------------------------------------------------------------------------- */

static bool is_event_name(const char *name)
{
    for (int i = 0; i < ID_SIZE; i++) {
        bool is_hex = (name[i] >= '0' && name[i] <= '9') || (name[i] >= 'a' && name[i] <= 'f');
        if (!is_hex)
            return false;
    }
    return strcmp(name + ID_SIZE, ".event") == 0;
}

static void reject(struct spool *spool, const char *name, enum rejection why)
{
    bool is_gone = unlinkat(spool->dir_fd, name, 0) == 0 ||
                   (errno == EISDIR && unlinkat(spool->dir_fd, name, AT_REMOVEDIR) == 0);
    if (!is_gone) /* a directory with something in it stays, and is passed over each time */
        return;
    metric_add(spool->rejected[why], 1);
    refusal_log_add(&spool->refusals.log, why == REJECT_SIZE ? REFUSAL_TOO_LARGE : REFUSAL_INVALID,
                    1, clock_unix_ns());
}

/* Its writer is gone; a time in the future is nobody's either. */
static bool is_old(const struct stat *facts)
{
    int64_t now_s = (int64_t)(clock_unix_ns() / NS_PER_S);
    return facts->st_mtime + DRAFT_AGE_S < now_s || facts->st_mtime > now_s + DRAFT_AGE_S;
}

/* What is no event, or cannot be read: the writer's draft, until it is old; anything else has no
 * business here. */
static void clean(struct spool *spool, const char *name)
{
    struct stat facts;
    if (fstatat(spool->dir_fd, name, &facts, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    bool may_become_event = S_ISREG(facts.st_mode) && (name[0] == '.' || is_event_name(name));
    if (!may_become_event || is_old(&facts))
        reject(spool, name, REJECT_KIND);
}

/* Reads the file into spool->line without its newline; false: it is not to be taken, now or ever,
 * and was removed if never. */
static bool read_file(struct spool *spool, const char *name, struct stat *facts)
{
    struct error ignored;
    int fd = openat(spool->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ELOOP || errno == ENXIO || errno == ENODEV || errno == EACCES)
            clean(spool, name);
        return false;
    }
    bool is_good = false;
    size_t got = 0;
    size_t size_max = spool->settings.limits.record_size_max;
    buf_clear(&spool->line);
    if (fstat(fd, facts) < 0)
        goto out;
    /* A second name may be anywhere, and the owner need not know of this one. */
    if (!S_ISREG(facts->st_mode) || facts->st_nlink != 1) {
        reject(spool, name, REJECT_KIND);
        goto out;
    }
    if (facts->st_size <= 1 || (uint64_t)facts->st_size > size_max + 1) {
        reject(spool, name, REJECT_SIZE);
        goto out;
    }
    if (buf_reserve(&spool->line, (size_t)facts->st_size, &ignored) != ST_OK ||
        disk_read(&disk_io_system, fd, spool->line.data, (size_t)facts->st_size, 0, &got,
                  &ignored) != ST_OK)
        goto out; /* perhaps the next time */
    spool->line.size = got;
    is_good = true;
out:
    (void)close(fd); /* only read */
    return is_good;
}

/* One line and nothing behind it. */
static bool cut_newline(struct buf *line)
{
    if (line->size > 0 && line->data[line->size - 1] == '\n')
        line->size--;
    return line->size > 0 && memchr(line->data, '\n', line->size) == NULL;
}

static void take_file(struct spool *spool, const char *name)
{
    struct event_id_owner owner = {OWNER, 0, spool->batch_number};
    struct stat facts;
    struct error err;
    if (!read_file(spool, name, &facts))
        return;
    if (!cut_newline(&spool->line)) {
        reject(spool, name, REJECT_CONTENT);
        return;
    }
    buf_clear(&spool->fields);
    if (sender_append_owner(facts.st_uid, facts.st_gid, &spool->fields, &err) != ST_OK)
        return;
    native_intake_set_ids(spool->intake, spool->settings.ids, facts.st_uid);
    enum status st = native_intake_add(spool->intake, buf_slice(&spool->line),
                                       buf_slice(&spool->fields), clock_unix_ns(), &err);
    if (st == ST_INVALID || st == ST_LIMIT || st == ST_CORRUPT) {
        reject(spool, name, REJECT_CONTENT);
        return;
    }
    if (st != ST_OK)
        return; /* shed, or no memory: later */
    if (native_intake_is_duplicate(spool->intake)) {
        (void)unlinkat(spool->dir_fd, name, 0); /* it is durable; the next turn sees it again */
        return;
    }
    native_intake_remember(spool->intake, &owner);
    memcpy(spool->names[spool->name_count++], name, FILE_NAME_SIZE + 1);
}

/* --- Turns ----------------------------------------------------------------------------------- */

/* journal thread */
static void on_done(void *context, struct append_batch *batch, enum status status,
                    const struct error *err)
{
    struct spool *spool = context;
    (void)err;
    spool->done_batch = batch;
    spool->done_status = status;
    loop_post(spool->settings.loop, &spool->landed);
}

static void look_again(struct spool *spool, uint64_t after_ns)
{
    loop_timer_set(spool->settings.loop, &spool->timer, clock_monotonic_ns() + after_ns);
}

static void land_refusals(struct spool *spool, enum status status)
{
    if (spool->carries_refusals)
        refusal_log_landed(&spool->refusals.log, status);
    spool->carries_refusals = false;
}

/* What the journal does not take stays where it is. */
static void give_up(struct spool *spool, enum status status)
{
    land_refusals(spool, status);
    event_ids_land(spool->settings.ids, OWNER, 0, spool->batch_number, spool->batch_number, false);
    append_batch_reset(spool->batch);
    spool->name_count = 0;
    look_again(spool, PERIOD_NS);
}

static void on_landed(void *context)
{
    struct spool *spool = context;
    bool durable = spool->done_status == ST_OK;
    spool->batch = spool->done_batch;
    if (!durable) {
        give_up(spool, spool->done_status);
        return;
    }
    land_refusals(spool, ST_OK);
    event_ids_land(spool->settings.ids, OWNER, 0, spool->batch_number, spool->batch_number, true);
    for (size_t i = 0; i < spool->name_count; i++)
        (void)unlinkat(spool->dir_fd, spool->names[i], 0); /* known by its id, if it stays */
    metric_add(spool->taken, spool->name_count);
    spool->name_count = 0;
    append_batch_reset(spool->batch);
    look_again(spool, MORE_NS);
}

static void submit(struct spool *spool)
{
    struct error err;
    enum status st = journal_submit(spool->settings.journal, &spool->batch, on_done, spool, &err);
    if (st != ST_OK)
        give_up(spool, st);
}

/* The next name; NULL at the end. */
static const char *next_name(struct spool *spool)
{
    if (spool->listing == NULL) {
        int fd = openat(spool->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        spool->listing = fd >= 0 ? fdopendir(fd) : NULL;
        if (spool->listing == NULL) {
            if (fd >= 0)
                (void)close(fd); /* only read */
            return NULL;
        }
    }
    const struct dirent *entry = readdir(spool->listing);
    if (entry != NULL)
        return entry->d_name;
    (void)closedir(spool->listing); /* only read */
    spool->listing = NULL;
    return NULL;
}

static void look(struct spool *spool)
{
    size_t bytes = 0;
    const char *name = "";
    spool->batch_number++;
    native_intake_use_batch(spool->intake, spool->batch);
    for (int i = 0; i < SPOOL_NAMES_PER_TURN && spool->name_count < SPOOL_FILES_PER_TURN &&
                    bytes < SPOOL_BYTES_PER_TURN && native_intake_has_room(spool->intake);
         i++) {
        name = next_name(spool);
        if (name == NULL)
            break;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        spool->line.size = 0;
        if (is_event_name(name))
            take_file(spool, name);
        else
            clean(spool, name);
        bytes += spool->line.size;
    }
    buf_trim(&spool->line, SPOOL_BYTES_PER_TURN);
    uint64_t now_ns = clock_monotonic_ns();
    if (refusal_recorder_is_due(&spool->refusals, now_ns))
        spool->carries_refusals = refusal_recorder_add(&spool->refusals, spool->batch, now_ns);
    if (spool->name_count > 0 || spool->carries_refusals)
        submit(spool);
    else
        look_again(spool, name == NULL ? PERIOD_NS : MORE_NS);
}

static void on_time(void *context)
{
    struct spool *spool = context;
    uint64_t now_ns = clock_monotonic_ns();
    bool was_away = now_ns > spool->last_turn_ns + GAP_NS;
    spool->last_turn_ns = now_ns;
    if (was_away)
        look_again(spool, PERIOD_NS);
    else
        look(spool);
}

/* --- Starting and stopping ---------------------------------------------------------------------
 */

static enum status open_dir(struct spool *spool, const struct spool_settings *settings,
                            struct error *err)
{
    struct stat facts;
    enum status st = disk_make_dir(&disk_io_system, settings->dir, err);
    if (st != ST_OK)
        return st;
    spool->dir_fd = open(settings->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (spool->dir_fd < 0 || fstat(spool->dir_fd, &facts) < 0)
        return error_set_errno(err, ST_IO, "open it");
    if (facts.st_uid != geteuid())
        return error_set(err, ST_IO, "it is not ours");
    /* Not being able to share it is no reason not to start. */
    mode_t mode = settings->mode;
    if (settings->group != (gid_t)-1 && settings->group != facts.st_gid &&
        fchown(spool->dir_fd, (uid_t)-1, settings->group) < 0)
        mode &= ~(mode_t)0070;
    if ((facts.st_mode & 07777) != mode && fchmod(spool->dir_fd, mode) < 0)
        return error_set_errno(err, ST_IO, "set its mode");
    return ST_OK;
}

static void destroy(struct spool *spool)
{
    loop_timer_cancel(spool->settings.loop, &spool->timer);
    loop_message_cancel(spool->settings.loop, &spool->landed);
    if (spool->listing != NULL)
        (void)closedir(spool->listing); /* only read */
    if (spool->dir_fd >= 0)
        (void)close(spool->dir_fd); /* nothing is written through it */
    append_batch_destroy(spool->batch);
    native_intake_destroy(spool->intake);
    refusal_recorder_fini(&spool->refusals);
    buf_fini(&spool->line);
    buf_fini(&spool->fields);
    free(spool);
}

static void register_metrics(struct spool *spool)
{
    static const char *const reasons[REJECT_COUNT] = {[REJECT_KIND] = "reason=\"kind\"",
                                                      [REJECT_SIZE] = "reason=\"size\"",
                                                      [REJECT_CONTENT] = "reason=\"content\""};
    spool->taken = metric_register(METRIC_COUNTER, "telltale_spool_events_total",
                                   "Events that were taken from the spool.", "");
    for (int i = 0; i < REJECT_COUNT; i++) {
        spool->rejected[i] = metric_register(
            METRIC_COUNTER, "telltale_spool_rejected_files_total",
            "Files in the spool that were no events, and were removed.", reasons[i]);
    }
}

enum status spool_start(const struct spool_settings *settings, struct spool **ret,
                        struct error *err)
{
    struct spool *spool = calloc(1, sizeof(*spool));
    size_t event_max = settings->limits.record_size_max;
    if (spool == NULL)
        return error_set(err, ST_NO_MEMORY, "watch the spool");
    spool->settings = *settings;
    spool->dir_fd = -1;
    spool->timer = (struct loop_timer){.on_time = on_time, .context = spool};
    spool->landed = (struct loop_message){.on_message = on_landed, .context = spool};
    buf_init(&spool->line, event_max + 1);
    buf_init(&spool->fields, FIELDS_MAX);
    register_metrics(spool);
    enum status st = open_dir(spool, settings, err);
    if (st == ST_OK)
        st = native_intake_create(&settings->limits, &spool->intake, err);
    if (st == ST_OK)
        st = refusal_recorder_init(&spool->refusals, &settings->limits, err);
    if (st == ST_OK)
        st = append_batch_create(2 * event_max + BATCH_ROOM, &spool->batch, err);
    if (st != ST_OK) {
        (void)error_context(err, "the spool '%.100s'", settings->dir);
        destroy(spool);
        return st;
    }
    spool->settings.dir = NULL; /* borrowed during the start */
    native_intake_set_shedding(spool->intake, settings->shedding);
    spool->last_turn_ns = clock_monotonic_ns();
    look_again(spool, 0);
    *ret = spool;
    return ST_OK;
}

void spool_stop(struct spool *spool)
{
    struct error ignored;
    if (spool == NULL)
        return;
    while (spool->batch == NULL)
        (void)!loop_run_once(spool->settings.loop, clock_monotonic_ns() + 10 * NS_PER_MS, &ignored);
    destroy(spool);
}
