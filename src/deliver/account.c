/* SPDX-License-Identifier: Apache-2.0 */
/* account.c -- see account.h. */
#include "deliver/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/log.h"

#define SAY_AGAIN_NS (60 * NS_PER_S)

static struct metric *counter(const char *name, const char *help, const char *labels)
{
    return metric_register(METRIC_COUNTER, name, help, labels);
}

static void register_metrics(struct account_metrics *metrics, const char *name)
{
    char labels[ACCOUNT_NAME_MAX + 16];

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", name);
    metrics->sent_records = counter("telltale_exporter_sent_records_total",
                                    "Records that the destination has confirmed.", labels);
    metrics->sent_bytes = counter("telltale_exporter_sent_bytes_total",
                                  "Bytes of requests, as they went over the wire.", labels);
    metrics->batches = counter("telltale_exporter_batches_total",
                               "Requests that the destination has accepted.", labels);
    metrics->retries = counter("telltale_exporter_retries_total",
                               "Attempts that failed and were to be made again.", labels);
    metrics->rejected_records =
        counter("telltale_exporter_rejected_records_total",
                "Records that were refused inside an accepted request.", labels);
    metrics->put_aside_records =
        counter("telltale_exporter_put_aside_records_total",
                "Records that the destination has confirmed, but keeps elsewhere because it could "
                "not take them as they should be.",
                labels);
    metrics->dead_letter_records = counter("telltale_exporter_dead_letter_records_total",
                                           "Records that went to the dead letters.", labels);
    metrics->replayed_records =
        counter("telltale_exporter_replayed_records_total",
                "Dead letters that were sent again and have an outcome.", labels);
    metrics->missing_records =
        counter("telltale_exporter_missing_records_total",
                "Records that damage or retirement took before they were delivered.", labels);
    metrics->skipped_records = counter("telltale_exporter_dropped_records_total",
                                       "Records that were given up before they were delivered, "
                                       "because of the journal's bound.",
                                       labels);
    metrics->passed_records =
        counter("telltale_exporter_passed_records_total",
                "Records of signals that the destination does not take.", labels);
    metrics->filtered_records =
        counter("telltale_exporter_filtered_records_total",
                "Records that the destination's filter holds back.", labels);
    metrics->upkeep_failures =
        counter("telltale_exporter_upkeep_failures_total",
                "What the exporter does beside sending, and failed: the upkeep of a store, a "
                "witness or a time authority that was asked.",
                labels);
    metrics->cursor_sequence =
        metric_register(METRIC_GAUGE, "telltale_exporter_cursor_sequence",
                        "The next record after a crash: all below have an outcome.", labels);
    metrics->lag_records = metric_register(METRIC_GAUGE, "telltale_exporter_lag_records",
                                           "Durable records that have no outcome yet.", labels);
}

enum status account_init(struct account *account, const char *name, struct error *err)
{
    *account = (struct account){.failing = false};
    if (strlen(name) >= sizeof(account->name)) {
        return error_set(err, ST_LIMIT, "exporter name '%s' is longer than %zu bytes", name,
                         sizeof(account->name) - 1);
    }
    snprintf(account->name, sizeof(account->name), "%s", name);
    register_metrics(&account->metrics, name);
    (void)pthread_mutex_init(&account->lock, NULL); /* cannot fail with default attributes */
    return ST_OK;
}

void account_fini(struct account *account)
{
    (void)pthread_mutex_destroy(&account->lock); /* nobody holds it */
}

static struct worker_status *lock_status(struct account *account)
{
    (void)pthread_mutex_lock(&account->lock); /* fails only if we hold it */
    return &account->status;
}

static void unlock_status(struct account *account)
{
    (void)pthread_mutex_unlock(&account->lock); /* fails only if we do not hold it */
}

void account_change_state(struct account *account, enum worker_state from, enum worker_state to)
{
    static const enum worker_state worst_first[] = {WORKER_FAILED, WORKER_WAITING_TO_RETRY,
                                                    WORKER_SENDING};
    struct worker_status *status = lock_status(account);

    if (from != WORKER_IDLE)
        account->lanes[from]--;
    if (to != WORKER_IDLE)
        account->lanes[to]++;
    status->state = WORKER_IDLE;
    for (size_t i = 0; i < COUNT_OF(worst_first) && status->state == WORKER_IDLE; i++) {
        if (account->lanes[worst_first[i]] > 0)
            status->state = worst_first[i];
    }
    unlock_status(account);
}

void account_set_position(struct account *account, uint64_t durable, uint64_t next,
                          uint64_t committed)
{
    metric_set(account->metrics.cursor_sequence, durable);
    metric_set(account->metrics.lag_records, committed > next ? committed - next : 0);
    lock_status(account)->next_sequence = durable;
    unlock_status(account);
}

/* The lock is held. */
static void remember_error(struct worker_status *status, const char *text)
{
    snprintf(status->last_error, sizeof(status->last_error), "%s", text);
    status->last_error_unix_ns = clock_unix_ns();
}

void account_delivered(struct account *account, uint64_t records, uint64_t wire_bytes, bool partly)
{
    metric_add(account->metrics.sent_records, records);
    metric_add(account->metrics.sent_bytes, wire_bytes);
    metric_add(account->metrics.batches, 1);
    struct worker_status *status = lock_status(account);
    uint64_t attempts = account->failing && !partly ? account->attempts : 0;
    status->delivered_records += records;
    if (!partly) {
        account->failing = false;
        account->attempts = 0;
    }
    if (!partly && records > 0)
        status->last_error[0] = 0;
    unlock_status(account);
    if (attempts > 0) {
        log_info("export.recovered", "exporter=%s after_attempts=%" PRIu64, account->name,
                 attempts);
    }
}

void account_retry(struct account *account, const struct error *err, uint64_t delay_ns)
{
    uint64_t now_ns = clock_monotonic_ns();

    metric_add(account->metrics.retries, 1);
    struct worker_status *status = lock_status(account);
    uint64_t attempts = ++account->attempts;
    bool is_due = !account->failing || now_ns - account->failure_said_ns >= SAY_AGAIN_NS;
    if (is_due)
        account->failure_said_ns = now_ns;
    account->failing = true;
    status->retries++;
    remember_error(status, err->text);
    unlock_status(account);
    if (is_due) {
        log_warn("export.retry", "exporter=%s attempt=%" PRIu64 " again_in_ms=%" PRIu64 " error=%s",
                 account->name, attempts, delay_ns / NS_PER_MS, LOG_TEXT(err->text));
    }
}

void account_notice(struct account *account, const char *notice)
{
    (void)lock_status(account);
    bool is_new = account->notice != notice;
    account->notice = notice;
    unlock_status(account);
    if (is_new)
        log_warn("export.notice", "exporter=%s what=%s", account->name, LOG_TEXT(notice));
}

/* Refusals come in crowds: one line for the first, one a minute for the rest. */
static void say_refusal(struct account *account, struct account_crowd *crowd, const char *event,
                        uint64_t records, const char *words)
{
    uint64_t now_ns = clock_monotonic_ns();

    (void)lock_status(account);
    crowd->since += records;
    uint64_t refused = crowd->since;
    bool is_due = crowd->said_ns == 0 || now_ns - crowd->said_ns >= SAY_AGAIN_NS;
    if (is_due)
        *crowd = (struct account_crowd){.said_ns = now_ns};
    unlock_status(account);
    if (is_due) {
        log_error(event, "exporter=%s records=%" PRIu64 " error=%s", account->name, refused,
                  LOG_TEXT(words));
    }
}

void account_refused_within(struct account *account, uint64_t records, const char *words)
{
    metric_add(account->metrics.rejected_records, records);
    say_refusal(account, &account->refused, "export.refused", records, words);
    struct worker_status *status = lock_status(account);
    remember_error(status, words[0] != 0 ? words : "records refused without a reason");
    status->rejected_records += records;
    unlock_status(account);
}

void account_put_aside(struct account *account, uint64_t records, const char *words)
{
    metric_add(account->metrics.put_aside_records, records);
    say_refusal(account, &account->put_aside, "export.put_aside", records, words);
    struct worker_status *status = lock_status(account);
    remember_error(status, words);
    status->put_aside_records += records;
    unlock_status(account);
}

void account_dead(struct account *account, const char *reason, const char *words)
{
    metric_add(account->metrics.dead_letter_records, 1);
    say_refusal(account, &account->refused, "export.dead_letter", 1,
                words[0] != 0 ? words : reason);
    struct worker_status *status = lock_status(account);
    remember_error(status, words[0] != 0 ? words : reason);
    status->dead_letter_records++;
    unlock_status(account);
}

void account_replayed(struct account *account)
{
    metric_add(account->metrics.replayed_records, 1);
    lock_status(account)->replayed_records++;
    unlock_status(account);
}

void account_missing(struct account *account, uint64_t records)
{
    metric_add(account->metrics.missing_records, records);
    log_error("export.missing", "exporter=%s records=%" PRIu64, account->name, records);
    lock_status(account)->missing_records += records;
    unlock_status(account);
}

void account_skipped(struct account *account, uint64_t records)
{
    metric_add(account->metrics.skipped_records, records);
    lock_status(account)->skipped_records += records;
    unlock_status(account);
}

void account_passed(struct account *account, uint64_t records)
{
    metric_add(account->metrics.passed_records, records);
    lock_status(account)->passed_records += records;
    unlock_status(account);
}

void account_filtered(struct account *account, uint64_t records)
{
    metric_add(account->metrics.filtered_records, records);
    lock_status(account)->filtered_records += records;
    unlock_status(account);
}

void account_note_error(struct account *account, const char *event, const struct error *err)
{
    log_error(event, "exporter=%s error=%s", account->name, LOG_TEXT(err->text));
    remember_error(lock_status(account), err->text);
    unlock_status(account);
}

void account_upkeep_failed(struct account *account, const struct error *err)
{
    metric_add(account->metrics.upkeep_failures, 1);
    account_note_error(account, "export.tick", err);
}

void account_read(struct account *account, struct worker_status *ret)
{
    *ret = *lock_status(account);
    unlock_status(account);
}
