/* SPDX-License-Identifier: Apache-2.0 */
/* journal_watch.c -- see journal_watch.h.  The journal says no to one batch after another and does
 * not log; the receivers count their records.  An outage begins when the count grows, and is over
 * when it does not and something was committed since. */
#include "telltaled/journal_watch.h"

#include <inttypes.h>
#include <string.h>

#include "metrics/metrics.h"
#include "util/clock.h"
#include "util/log.h"

#define SHED_LOG_NS (60 * NS_PER_S)

static void add_refused(void *context, const char *name, const char *labels, uint64_t value)
{
    uint64_t *sum = context;

    if (strcmp(name, "telltale_receiver_refused_records_total") != 0)
        return;
    if (strstr(labels, "reason=\"journal_full\"") != NULL ||
        strstr(labels, "reason=\"internal\"") != NULL)
        *sum += value;
}

static void add_shed(void *context, const char *name, const char *labels, uint64_t value)
{
    uint64_t *sum = context;

    (void)labels;
    if (strcmp(name, "telltale_receiver_shed_records_total") == 0)
        *sum += value;
}

static void look_at_shed(struct journal_watch *watch)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t shed = 0;

    metrics_each(add_shed, &shed);
    if (shed == watch->shed || now_ns < watch->next_shed_ns)
        return;
    log_warn("receivers.shed",
             "records=%" PRIu64 " why=\"room is short and limits.shed names their kinds\" "
             "next=\"telltale_receiver_shed_records_total counts them by kind\"",
             shed - watch->shed);
    watch->shed = shed;
    watch->next_shed_ns = now_ns + SHED_LOG_NS;
}

void journal_watch_look(struct journal_watch *watch, const struct journal *journal)
{
    uint64_t committed = journal_committed(journal);
    uint64_t refused = 0;

    look_at_shed(watch);
    metrics_each(add_refused, &refused);
    if (refused > watch->refused) {
        if (!watch->is_refusing) {
            watch->refused_before = watch->refused;
            log_error("journal.refuses",
                      "records=%" PRIu64 " size_bytes=%" PRIu64
                      " why=\"it or its disk is full, or the disk failed: telltale status, df\" "
                      "next=\"events are refused until there is room\"",
                      refused - watch->refused, journal_size(journal));
        }
        watch->is_refusing = true;
        watch->committed = committed;
    } else if (watch->is_refusing && committed > watch->committed) {
        watch->is_refusing = false;
        log_warn("journal.accepts_again", "refused_records=%" PRIu64,
                 refused - watch->refused_before);
    }
    watch->refused = refused;
}
