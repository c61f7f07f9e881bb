/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c -- see daemon.h.
 *
 * SIGHUP reads the configuration again.  Exporters and the log level follow it at once: the
 * workers are stopped and started anew, each from its durable cursor.  A worker whose destination
 * hangs may take a while to end; that is looked for by a timer, and receivers go on.  What was
 * opened at start (sockets, journal, limits) follows at the next start, and the log says so.  A
 * configuration with a mistake changes nothing.
 */
#include "telltaled/daemon.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config/config.h"
#include "deliver/exporter_list.h"
#include "deliver/loss_ledger.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "telltale/disk_dirs.h"
#include "telltaled/destinations.h"
#include "telltaled/intake.h"
#include "telltaled/journal_watch.h"
#include "telltaled/loss_notes.h"
#include "telltaled/pipeline_notes.h"
#include "telltaled/room_keeper.h"
#include "telltaled/status_report.h"
#include "telltaled/store_notes.h"
#include "util/clock.h"
#include "util/log.h"

#define HOUSEKEEPING_INTERVAL_NS (NS_PER_S / 2)
/* A reload lets the workers finish what they are sending, not what is waiting. */
#define RELOAD_GRACE_NS (2 * NS_PER_S)
#define RELOAD_LOOK_NS  (10 * NS_PER_MS) /* how often it is seen whether they have */

/* The default reserve is a twentieth of the file system, but no more than this. */
#define DISK_RESERVE_MAX (UINT64_C(5) << 30)

#define GATE_RETRY_NS NS_PER_S

enum { CONFIG_REPORT_MAX = 256 * 1024, DISK_RESERVE_SHARE = 20 };

struct daemon {
    struct daemon_options options;
    const struct config *config;
    const struct config *start_config; /* what the sockets and the journal were opened with */
    const struct config *next_config;  /* of a reload under way; NULL: there is none */
    struct loop *loop;
    struct loop_timer housekeeping, reload;
    struct loop_message room; /* the journal is short of it, or there may be more */
    bool is_stopping;
    struct journal *journal;
    struct pipeline_notes *notes;
    struct store_notes *store_notes;
    struct loss_ledger *ledger;
    struct room_keeper room_keeper;
    uint64_t closed_unix_ns;     /* when the sockets were closed by policy */
    uint64_t gate_not_before_ns; /* monotonic: when opening them may be tried again */
    struct destinations *destinations;
    struct intake *intake;
    struct status_report *status_report;
    struct journal_watch journal_watch;
};

/* --- Configuration ----------------------------------------------------------------------- */

static enum status load_config(const struct daemon_options *options, const struct config **ret,
                               struct error *err)
{
    struct config_source source = {.path = options->config_path, .dirs = &options->dirs};
    struct buf report;

    source.exporters = exporter_list(&source.exporter_count);
    buf_init(&report, CONFIG_REPORT_MAX);
    enum status st = config_load(&source, ret, &report, err);
    if (report.size > 0) {
        ssize_t written = write(STDERR_FILENO, report.data, report.size);
        (void)written; /* the error itself is logged too */
    }
    buf_fini(&report);
    return st;
}

/* --- Directories ------------------------------------------------------------------------- */

/* A directory below /tmp may have been made by somebody else, to catch what is said to us. */
static enum status check_is_ours(const char *path, struct error *err)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return error_set_errno(err, ST_IO, "look at '%.150s'", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0022) != 0) {
        return error_set(err, ST_INVALID,
                         "'%.100s' is not a directory that only this user may write: remove it, or "
                         "choose another with --run-dir",
                         path);
    }
    return ST_OK;
}

static enum status make_directories(const struct config_dirs *dirs, struct error *err)
{
    enum status st = disk_make_dirs(&disk_io_system, dirs->state_dir, err);
    if (st != ST_OK)
        return error_context(err, "prepare the state directory (--state-dir)");
    st = disk_make_dirs(&disk_io_system, dirs->run_dir, err);
    if (st == ST_OK && dirs->run_dir_shared_parent)
        st = check_is_ours(dirs->run_dir, err);
    if (st == ST_OK && geteuid() == 0)
        (void)chmod(dirs->run_dir, 0755); /* agents of other users must reach the sockets in it */
    return st == ST_OK ? ST_OK : error_context(err, "prepare the run directory (--run-dir)");
}

/* --- Journal ----------------------------------------------------------------------------- */

static uint64_t disk_reserve(const struct config *config)
{
    struct statvfs disk;

    if (config->journal.disk_reserve != 0 || statvfs(config->dirs.state_dir, &disk) < 0)
        return config->journal.disk_reserve;
    uint64_t share = (uint64_t)disk.f_blocks * disk.f_frsize / DISK_RESERVE_SHARE;
    return share < DISK_RESERVE_MAX ? share : DISK_RESERVE_MAX;
}

/* Any thread. */
static void ask_for_room(void *context)
{
    struct daemon *daemon = context;

    loop_post(daemon->loop, &daemon->room);
}

static enum status open_journal(struct daemon *daemon, struct error *err)
{
    const struct config *config = daemon->config;
    struct journal_recovery found;
    struct journal_settings settings = {
        .dir = config->journal.dir,
        .size_max = config->journal.max_size,
        .segment_size = config->journal.segment_size,
        .disk_reserve = disk_reserve(config),
        .group_delay_ns = config->journal.max_delay,
        .pending_bytes_max = config->limits.in_flight,
        .sequence_floor = destinations_largest_cursor(config->dirs.state_dir),
        .on_pressure = ask_for_room,
        .context = daemon,
    };

    enum status st = journal_open(&settings, &daemon->journal, &found, err);
    if (st != ST_OK)
        return error_context(err, "open the journal");
    bool is_damaged = found.torn_bytes + found.quarantined_ranges + found.missing_records > 0;
    log_event(is_damaged ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "journal.open",
              "dir=%s segments=%" PRIu64 " torn_bytes=%" PRIu64 " quarantined_ranges=%" PRIu64
              " quarantined_bytes=%" PRIu64 " missing_records=%" PRIu64,
              LOG_TEXT(settings.dir), found.segments, found.torn_bytes, found.quarantined_ranges,
              found.quarantined_bytes, found.missing_records);
    return ST_OK;
}

/* --- Signals and timers ------------------------------------------------------------------ */

static bool opens_the_same(const struct config *a, const struct config *b)
{
    return intake_opens_the_same(a, b) && strcmp(a->journal.dir, b->journal.dir) == 0 &&
           a->journal.max_size == b->journal.max_size &&
           a->journal.segment_size == b->journal.segment_size &&
           a->journal.disk_reserve == b->journal.disk_reserve &&
           a->journal.max_delay == b->journal.max_delay &&
           a->journal.on_disk_full == b->journal.on_disk_full;
}

static void use_config(struct daemon *daemon, const struct config *config)
{
    if (daemon->config != daemon->start_config)
        config_destroy(daemon->config);
    daemon->config = config;
    log_set_level((enum log_level)config->telemetry.log_level);
}

static enum status start_destinations(struct daemon *daemon, const struct config *config,
                                      struct error *err)
{
    const struct destinations_hooks hooks = {
        .ledger = daemon->ledger,
        .context = daemon,
        .on_room = ask_for_room,
        .notes = {daemon->store_notes, store_notes_tell, store_notes_count},
    };

    return destinations_start(config, daemon->journal, &hooks, &daemon->destinations, err);
}

static void finish_reload(struct daemon *daemon)
{
    const struct config *config = daemon->next_config;
    struct error err;

    daemon->next_config = NULL;
    destinations_stop(daemon->destinations, clock_monotonic_ns());
    daemon->destinations = NULL;
    if (start_destinations(daemon, config, &err) == ST_OK) {
        use_config(daemon, config);
        log_info("config.reloaded", "exporters=%zu", config->exporter_count);
        return;
    }
    log_error("config.reload_failed", "error=%s next=\"the exporters of before are started\"",
              LOG_TEXT(err.text));
    config_destroy(config);
    if (start_destinations(daemon, daemon->config, &err) != ST_OK) {
        log_error("exporters.stopped", "error=%s next=\"events are kept until a reload succeeds\"",
                  LOG_TEXT(err.text));
    }
}

static void on_reload_due(void *context)
{
    struct daemon *daemon = context;

    if (daemon->destinations == NULL || destinations_have_ended(daemon->destinations))
        finish_reload(daemon);
    else
        loop_timer_set(daemon->loop, &daemon->reload, clock_monotonic_ns() + RELOAD_LOOK_NS);
}

static void reload(struct daemon *daemon)
{
    const struct config *config = NULL;
    struct error err;

    if (load_config(&daemon->options, &config, &err) != ST_OK) {
        log_error("config.reload_failed", "error=%s next=\"everything goes on as before\"",
                  LOG_TEXT(err.text));
        return;
    }
    if (!opens_the_same(daemon->start_config, config)) {
        log_warn("config.needs_restart",
                 "what=\"changes of receivers, journal, limits and metrics take effect at the next "
                 "start\"");
    }
    log_info("config.reloading", "exporters=%zu", config->exporter_count);
    config_destroy(daemon->next_config); /* the newest counts */
    daemon->next_config = config;
    if (daemon->destinations != NULL)
        destinations_ask_to_stop(daemon->destinations, clock_monotonic_ns() + RELOAD_GRACE_NS);
    on_reload_due(daemon);
}

static void on_signal(void *context, int number)
{
    struct daemon *daemon = context;

    if (number == SIGHUP) {
        reload(daemon);
        return;
    }
    log_info("daemon.stopping", "signal=%s", sigabbrev_np(number));
    daemon->is_stopping = true;
    loop_stop(daemon->loop);
}

/* Sockets are closed and opened between two runs of the loop: see daemon_run(). */
static void look_for_room(void *context)
{
    struct daemon *daemon = context;

    room_keeper_look(&daemon->room_keeper, daemon->destinations, clock_monotonic_ns());
    if (daemon->intake != NULL &&
        room_keeper_wants_closed(&daemon->room_keeper) == intake_is_open(daemon->intake))
        loop_stop(daemon->loop);
}

static void on_housekeeping(void *context)
{
    struct daemon *daemon = context;

    journal_watch_look(&daemon->journal_watch, daemon->journal);
    look_for_room(daemon);
    if (daemon->intake != NULL)
        intake_look_for_silence(daemon->intake, daemon->notes);
    pipeline_notes_flush(daemon->notes, clock_monotonic_ns(), false);
    store_notes_flush(daemon->store_notes, clock_monotonic_ns(), false);
    status_report_update(daemon->status_report, daemon->destinations,
                         daemon->intake != NULL && intake_is_open(daemon->intake));
    loop_timer_set(daemon->loop, &daemon->housekeeping,
                   clock_monotonic_ns() + HOUSEKEEPING_INTERVAL_NS);
}

static enum status watch_signals(struct daemon *daemon, struct error *err)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    return loop_watch_signals(daemon->loop, &signals, on_signal, daemon, err);
}

/* --- Life ---------------------------------------------------------------------------------- */

static enum status open_books(struct daemon *daemon, struct error *err)
{
    const struct loss_ledger_settings settings = {.dir = daemon->config->dirs.state_dir};

    room_keeper_init(&daemon->room_keeper, daemon->journal,
                     (enum config_on_disk_full)daemon->config->journal.on_disk_full);
    enum status st = pipeline_notes_create(daemon->journal, &daemon->notes, err);
    if (st == ST_OK)
        st = store_notes_create(daemon->journal, daemon->notes, &daemon->store_notes, err);
    if (st == ST_OK)
        st = loss_ledger_open(&settings, &daemon->ledger, err);
    if (st == ST_OK)
        loss_ledger_listen(daemon->ledger, loss_notes_take, daemon->notes);
    return st;
}

static enum status start_parts(struct daemon *daemon, struct error *err)
{
    enum status st = make_directories(&daemon->config->dirs, err);
    if (st == ST_OK)
        st = loop_create(&daemon->loop, err);
    if (st == ST_OK)
        st = watch_signals(daemon, err); /* before any thread is made, so that all block them */
    if (st == ST_OK)
        st = open_journal(daemon, err);
    if (st == ST_OK) {
        st = open_books(daemon, err);
    }
    if (st == ST_OK)
        st = start_destinations(daemon, daemon->config, err);
    if (st == ST_OK)
        st = status_report_create(daemon->journal, daemon->ledger, &daemon->status_report, err);
    if (st == ST_OK) {
        st = intake_start(daemon->config, daemon->loop, daemon->journal, daemon->status_report,
                          &daemon->intake, err);
    }
    return st;
}

enum status daemon_start(const struct daemon_options *options, struct daemon **ret,
                         struct error *err)
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    if (daemon == NULL)
        return error_set(err, ST_NO_MEMORY, "start");
    daemon->options = *options;
    daemon->room = (struct loop_message){.on_message = look_for_room, .context = daemon};
    enum status st = load_config(options, &daemon->config, err);
    if (st == ST_OK) {
        daemon->start_config = daemon->config;
        log_set_level((enum log_level)daemon->config->telemetry.log_level);
        st = start_parts(daemon, err);
    }
    if (st != ST_OK) {
        daemon_stop(daemon);
        return st;
    }
    daemon->reload = (struct loop_timer){.on_time = on_reload_due, .context = daemon};
    daemon->housekeeping = (struct loop_timer){.on_time = on_housekeeping, .context = daemon};
    on_housekeeping(daemon);
    log_info("daemon.started", "version=%s pid=%d state_dir=%s", TELLTALE_VERSION, (int)getpid(),
             LOG_TEXT(daemon->config->dirs.state_dir));
    *ret = daemon;
    return ST_OK;
}

static void close_gate(struct daemon *daemon)
{
    const struct journal_watch *watch = &daemon->journal_watch;
    struct pipeline_note note = {.code = "sockets_closed", .reason = "overflow"};

    /* The journal could take no record of what it refused, and now its receiver goes. */
    note.count = watch->is_refusing ? watch->refused - watch->refused_before : 0;
    note.from_ns = note.to_ns = daemon->closed_unix_ns = clock_unix_ns();
    log_error("receivers.closed", "why=\"the journal or its disk is full: telltale status, df\" "
                                  "next=\"they are opened again when there is room\"");
    intake_close_receivers(daemon->intake);
    pipeline_notes_add(daemon->notes, &note);
}

static void open_gate(struct daemon *daemon)
{
    struct pipeline_note note = {.code = "sockets_opened", .reason = "overflow"};
    uint64_t now_ns = clock_monotonic_ns();
    struct error err;

    if (now_ns < daemon->gate_not_before_ns)
        return;
    daemon->gate_not_before_ns = now_ns + GATE_RETRY_NS;
    if (intake_open_receivers(daemon->intake, &err) != ST_OK) {
        log_error("receivers.not_opened", "error=%s next=\"tried again\"", LOG_TEXT(err.text));
        return;
    }
    note.from_ns = daemon->closed_unix_ns;
    note.to_ns = clock_unix_ns();
    log_warn("receivers.opened", "closed_for_s=%" PRIu64, (note.to_ns - note.from_ns) / NS_PER_S);
    pipeline_notes_add(daemon->notes, &note);
}

static void work_gate(struct daemon *daemon)
{
    bool wants_closed = room_keeper_wants_closed(&daemon->room_keeper);

    if (wants_closed && intake_is_open(daemon->intake))
        close_gate(daemon);
    else if (!wants_closed && !intake_is_open(daemon->intake))
        open_gate(daemon);
}

enum status daemon_run(struct daemon *daemon, struct error *err)
{
    enum status st = ST_OK;

    while (st == ST_OK && !daemon->is_stopping) {
        st = loop_run(daemon->loop, err);
        if (st == ST_OK && !daemon->is_stopping)
            work_gate(daemon);
    }
    return st;
}

static void stop_timers(struct daemon *daemon)
{
    loop_message_cancel(daemon->loop, &daemon->room);
    loop_timer_cancel(daemon->loop, &daemon->housekeeping);
    loop_timer_cancel(daemon->loop, &daemon->reload);
}

void daemon_stop(struct daemon *daemon)
{
    if (daemon == NULL)
        return;
    intake_stop(daemon->intake);
    if (daemon->notes != NULL)
        pipeline_notes_flush(daemon->notes, clock_monotonic_ns(), true);
    if (daemon->destinations != NULL) {
        destinations_stop(daemon->destinations,
                          clock_monotonic_ns() + daemon->config->shutdown.drain_timeout);
    }
    if (daemon->store_notes != NULL) /* the last word of each store is for the next start */
        store_notes_flush(daemon->store_notes, clock_monotonic_ns(), true);
    journal_close(daemon->journal);
    if (daemon->loop != NULL)
        stop_timers(daemon); /* nobody posts any more */
    loss_ledger_close(daemon->ledger);
    store_notes_destroy(daemon->store_notes);
    pipeline_notes_destroy(daemon->notes);
    status_report_destroy(daemon->status_report);
    loop_destroy(daemon->loop);
    config_destroy(daemon->next_config);
    if (daemon->start_config != daemon->config)
        config_destroy(daemon->start_config);
    config_destroy(daemon->config);
    free(daemon);
}
