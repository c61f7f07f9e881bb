/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c -- see metrics.h.  A fixed table under a mutex; only registering and showing take
 * it.  The entries never move, so that a counter's address is good for ever. */
#include "metrics/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { METRIC_LABELS_MAX = 200 };

struct entry {
    struct metric metric;
    enum metric_type type;
    const char *name; /* literal */
    const char *help; /* literal */
    char labels[METRIC_LABELS_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* shared, under lock */
static struct entry entries[METRICS_MAX];
static size_t entry_count;
/* shared, atomic */
static struct metric overflow;

static struct entry *find(const char *name, const char *labels)
{
    for (size_t i = 0; i < entry_count; i++) {
        if (strcmp(entries[i].name, name) == 0 && strcmp(entries[i].labels, labels) == 0)
            return &entries[i];
    }
    return NULL;
}

struct metric *metric_register(enum metric_type type, const char *name, const char *help,
                               const char *labels)
{
    struct metric *result = &overflow;

    if (strlen(labels) >= METRIC_LABELS_MAX)
        return result;
    (void)pthread_mutex_lock(&lock); /* fails only if we hold it */
    struct entry *entry = find(name, labels);
    if (entry == NULL && entry_count < METRICS_MAX) {
        entry = &entries[entry_count++];
        entry->type = type;
        entry->name = name;
        entry->help = help;
        snprintf(entry->labels, sizeof(entry->labels), "%s", labels);
    }
    if (entry != NULL)
        result = &entry->metric;
    (void)pthread_mutex_unlock(&lock);
    return result;
}

static enum status write_line(struct buf *out, const char *line, struct error *err)
{
    return buf_append(out, line, strlen(line), err);
}

static enum status write_value(struct buf *out, const struct entry *entry, struct error *err)
{
    char line[512];
    bool labelled = entry->labels[0] != 0;

    snprintf(line, sizeof(line), "%s%s%s%s %" PRIu64 "\n", entry->name, labelled ? "{" : "",
             entry->labels, labelled ? "}" : "", metric_get(&entry->metric));
    return write_line(out, line, err);
}

static bool is_first_of_its_name(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(entries[i].name, entries[index].name) == 0)
            return false;
    }
    return true;
}

/* All metrics of one name must stand together, below one HELP and one TYPE. */
static enum status write_family(struct buf *out, size_t first, struct error *err)
{
    const struct entry *head = &entries[first];
    char line[512];

    snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s\n", head->name, head->help, head->name,
             head->type == METRIC_COUNTER ? "counter" : "gauge");
    enum status st = write_line(out, line, err);
    for (size_t i = first; i < entry_count && st == ST_OK; i++) {
        if (strcmp(entries[i].name, head->name) == 0)
            st = write_value(out, &entries[i], err);
    }
    return st;
}

enum status metrics_write(struct buf *out, struct error *err)
{
    enum status st = ST_OK;

    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < entry_count && st == ST_OK; i++) {
        if (is_first_of_its_name(i))
            st = write_family(out, i, err);
    }
    (void)pthread_mutex_unlock(&lock);
    return st;
}

void metrics_each(void (*visit)(void *context, const char *name, const char *labels,
                                uint64_t value),
                  void *context)
{
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < entry_count; i++)
        visit(context, entries[i].name, entries[i].labels, metric_get(&entries[i].metric));
    (void)pthread_mutex_unlock(&lock);
}
