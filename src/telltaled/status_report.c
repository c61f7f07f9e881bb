/* SPDX-License-Identifier: Apache-2.0 */
/* status_report.c -- see status_report.h.  The text is made by the main thread, twice a second,
 * and handed out as it is, so that asking for it never waits for a worker. */
#include "telltaled/status_report.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/loss_ledger.h"
#include "metrics/metrics.h"
#include "util/clock.h"

enum { METRIC_KEY_MAX = 512 };

/* The main thread updates the report twice a second; when it has not for this long, it hangs. */
#define UPDATE_OVERDUE_NS (30 * NS_PER_S)

struct status_report {
    struct journal *journal;    /* borrowed */
    struct loss_ledger *ledger; /* borrowed */
    uint64_t start_unix_ns;
    pthread_mutex_t lock;
    /* shared, under lock */
    char *text;          /* owned; as cJSON made it */
    uint64_t updated_ns; /* monotonic */
    /* main thread */
    struct loss_totals losses; /* for copies */
    struct metric *loss_incidents, *loss_records;
    struct metric *journal_size, *journal_committed, *journal_oldest;
};

static const char *state_name(enum worker_state state)
{
    switch (state) {
    case WORKER_IDLE:
        return "idle";
    case WORKER_SENDING:
        return "sending";
    case WORKER_WAITING_TO_RETRY:
        return "waiting_to_retry";
    case WORKER_FAILED:
        return "failed";
    }
    return "unknown";
}

/* cJSON keeps numbers as doubles; ours are exact to 2^53, which takes centuries to reach. */
static void add_number(cJSON *object, const char *name, uint64_t value)
{
    (void)cJSON_AddNumberToObject(object, name, (double)value);
}

static void add_time(cJSON *object, const char *name, uint64_t unix_ns)
{
    uint64_t unix_ms = unix_ns / NS_PER_MS; /* in seconds with three decimals */
    (void)cJSON_AddNumberToObject(object, name, (double)unix_ms / 1000);
}

static void add_exporter(cJSON *list, const struct worker *worker, uint64_t committed)
{
    struct worker_status status;
    cJSON *object = cJSON_CreateObject();

    worker_read_status((struct worker *)worker, &status);
    uint64_t lag = committed > status.next_sequence ? committed - status.next_sequence : 0;
    (void)cJSON_AddStringToObject(object, "name", worker_name(worker));
    (void)cJSON_AddStringToObject(object, "state", state_name(status.state));
    add_number(object, "next_sequence", status.next_sequence);
    add_number(object, "lag_records", lag);
    add_number(object, "delivered_records", status.delivered_records);
    add_number(object, "rejected_records", status.rejected_records);
    add_number(object, "put_aside_records", status.put_aside_records);
    add_number(object, "dead_letter_records", status.dead_letter_records);
    add_number(object, "replayed_records", status.replayed_records);
    add_number(object, "missing_records", status.missing_records);
    add_number(object, "dropped_records", status.skipped_records);
    add_number(object, "passed_records", status.passed_records);
    add_number(object, "filtered_records", status.filtered_records);
    add_number(object, "retries", status.retries);
    if (status.last_error[0] != 0) {
        (void)cJSON_AddStringToObject(object, "last_error", status.last_error);
        add_time(object, "last_error_time", status.last_error_unix_ns);
    }
    (void)cJSON_AddItemToArray(list, object);
}

static void add_metric(void *context, const char *name, const char *labels, uint64_t value)
{
    char key[METRIC_KEY_MAX];
    bool is_labelled = labels[0] != 0;

    snprintf(key, sizeof(key), "%s%s%s%s", name, is_labelled ? "{" : "", labels,
             is_labelled ? "}" : "");
    add_number(context, key, value);
}

static void add_journal(cJSON *root, const struct journal *journal)
{
    cJSON *object = cJSON_AddObjectToObject(root, "journal");
    const uint8_t *id = journal_id(journal);
    char text[2 * JOURNAL_ID_SIZE + 1];

    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    (void)cJSON_AddStringToObject(object, "id", text);
    add_number(object, "committed_sequence", journal_committed(journal));
    add_number(object, "oldest_sequence", journal_oldest(journal));
    add_number(object, "size_bytes", journal_size(journal));
}

/* What the loss ledger has, from its first day. */
static void add_losses(cJSON *root, struct status_report *report)
{
    struct loss_totals *losses = &report->losses;
    uint64_t incidents = 0;
    uint64_t records = 0;

    loss_ledger_sums(report->ledger, losses);
    cJSON *object = cJSON_AddObjectToObject(root, "losses");
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < losses->count; i++) {
        const struct loss_total *total = &losses->items[i];
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(item, "destination", total->destination);
        (void)cJSON_AddStringToObject(item, "reason", loss_reason_text(total->reason));
        add_number(item, "incidents", total->incidents);
        add_number(item, "records", total->records);
        add_number(item, "bytes", total->bytes);
        (void)cJSON_AddItemToArray(list, item);
        incidents += total->incidents;
        records += total->records;
    }
    add_number(object, "incidents", incidents);
    add_number(object, "records", records);
    (void)cJSON_AddItemToObject(object, "of", list);
    metric_set(report->loss_incidents, incidents);
    metric_set(report->loss_records, records);
}

static char *write_report(struct status_report *report, const struct destinations *destinations,
                          bool receivers_are_open)
{
    uint64_t committed = journal_committed(report->journal);
    cJSON *root = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(root, "version", TELLTALE_VERSION);
    add_number(root, "pid", (uint64_t)getpid());
    add_time(root, "start_time", report->start_unix_ns);
    add_time(root, "report_time", clock_unix_ns());
    add_journal(root, report->journal);
    (void)cJSON_AddBoolToObject(root, "receivers_open", receivers_are_open);
    add_losses(root, report);
    cJSON *exporters = cJSON_AddArrayToObject(root, "exporters");
    for (size_t i = 0; destinations != NULL && i < destinations_count(destinations); i++)
        add_exporter(exporters, destinations_worker(destinations, i), committed);
    metrics_each(add_metric, cJSON_AddObjectToObject(root, "metrics"));
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}

enum status status_report_create(struct journal *journal, struct loss_ledger *ledger,
                                 struct status_report **ret, struct error *err)
{
    struct status_report *report = calloc(1, sizeof(*report));
    if (report == NULL)
        return error_set(err, ST_NO_MEMORY, "make the status report");
    report->journal = journal;
    report->ledger = ledger;
    report->loss_incidents =
        metric_register(METRIC_GAUGE, "telltale_loss_ledger_incidents",
                        "Incidents in the loss ledger, since it was begun.", "");
    report->loss_records = metric_register(METRIC_GAUGE, "telltale_loss_ledger_records",
                                           "Records that they concern.", "");
    report->start_unix_ns = clock_unix_ns();
    report->updated_ns = clock_monotonic_ns();
    report->journal_size = metric_register(METRIC_GAUGE, "telltale_journal_size_bytes",
                                           "Bytes of the journal on disk.", "");
    report->journal_committed =
        metric_register(METRIC_GAUGE, "telltale_journal_committed_sequence",
                        "Records with a smaller sequence number are durable.", "");
    report->journal_oldest =
        metric_register(METRIC_GAUGE, "telltale_journal_oldest_sequence",
                        "The smallest sequence number that the journal still has.", "");
    (void)pthread_mutex_init(&report->lock, NULL); /* cannot fail with default attributes */
    *ret = report;
    return ST_OK;
}

void status_report_destroy(struct status_report *report)
{
    if (report == NULL)
        return;
    free(report->text);
    (void)pthread_mutex_destroy(&report->lock);
    free(report);
}

void status_report_update(struct status_report *report, const struct destinations *destinations,
                          bool receivers_are_open)
{
    metric_set(report->journal_size, journal_size(report->journal));
    metric_set(report->journal_committed, journal_committed(report->journal));
    metric_set(report->journal_oldest, journal_oldest(report->journal));
    char *text = write_report(report, destinations, receivers_are_open);
    if (text == NULL)
        return;
    (void)pthread_mutex_lock(&report->lock);
    char *previous = report->text;
    report->text = text;
    report->updated_ns = clock_monotonic_ns();
    (void)pthread_mutex_unlock(&report->lock);
    free(previous);
}

enum status status_report_copy(struct status_report *report, struct buf *out, struct error *err)
{
    (void)pthread_mutex_lock(&report->lock);
    enum status st = report->text == NULL
                         ? error_set(err, ST_AGAIN, "the daemon is starting")
                         : buf_append(out, report->text, strlen(report->text), err);
    (void)pthread_mutex_unlock(&report->lock);
    return st;
}

bool status_report_is_healthy(struct status_report *report, char *why, size_t why_size)
{
    struct error err;

    (void)pthread_mutex_lock(&report->lock);
    uint64_t age_ns = clock_monotonic_ns() - report->updated_ns;
    (void)pthread_mutex_unlock(&report->lock);
    if (age_ns >= UPDATE_OVERDUE_NS) {
        snprintf(why, why_size, "the main thread has not turned for %" PRIu64 " s",
                 age_ns / NS_PER_S);
        return false;
    }
    if (journal_check_health(report->journal, &err) == ST_OK)
        return true;
    snprintf(why, why_size, "the journal takes no records: %s", err.text);
    return false;
}
