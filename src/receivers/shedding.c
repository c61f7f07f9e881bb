/* SPDX-License-Identifier: Apache-2.0 */
/* shedding.c -- see shedding.h. */
#include "receivers/shedding.h"

#include <stdio.h>
#include <string.h>

/* They tell what was asked, decided, blocked or lost, or nobody knows what they tell. */
static const enum event_kind never_shed[] = {
    KIND_APPROVAL, KIND_REVIEW, KIND_NETWORK,  KIND_SANDBOX,   KIND_MODE,
    KIND_CONFIG,   KIND_HOOK,   KIND_PIPELINE, KIND_INTEGRITY, KIND_OTHER};

static bool find_kind(const char *name, enum event_kind *ret)
{
    for (enum event_kind kind = 0; kind < KIND_COUNT; kind++) {
        if (strcmp(schema_kinds[kind].name, name) == 0) {
            *ret = kind;
            return true;
        }
    }
    return false;
}

static bool is_never_shed(enum event_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(never_shed); i++) {
        if (never_shed[i] == kind)
            return true;
    }
    return false;
}

static enum status add_kind(struct shedding *shedding, const char *name, struct error *err)
{
    char labels[64];
    enum event_kind kind;

    if (!find_kind(name, &kind))
        return error_set(err, ST_INVALID, "'%.64s' is no kind of events", name);
    if (is_never_shed(kind))
        return error_set(err, ST_INVALID, "'%s' is never shed", name);
    shedding->kinds |= UINT32_C(1) << kind;
    snprintf(labels, sizeof(labels), "kind=\"%s\"", name);
    shedding->shed[kind] = metric_register(
        METRIC_COUNTER, "telltale_receiver_shed_records_total",
        "Records that were refused because room was short and their kind may be shed.", labels);
    return ST_OK;
}

enum status shedding_init(struct shedding *shedding, const struct shedding_settings *settings,
                          struct error *err)
{
    enum status st = ST_OK;

    *shedding = (struct shedding){
        .admission = settings->admission,
        .journal = settings->journal,
        .journal_size_max = settings->journal_size_max,
    };
    for (size_t i = 0; i < settings->kind_count && st == ST_OK; i++)
        st = add_kind(shedding, settings->kinds[i], err);
    return st;
}

bool shedding_is_short(uint64_t memory_used, uint64_t memory_limit, uint64_t journal_size,
                       uint64_t journal_size_max)
{
    return memory_used >= memory_limit / 4 * 3 || journal_size >= journal_size_max / 10 * 9;
}

void shedding_update(struct shedding *shedding)
{
    if (shedding->kinds == 0)
        return;
    uint64_t held = journal_drops_for_room(shedding->journal) ? 0 : journal_size(shedding->journal);
    bool is_short = shedding_is_short(admission_used(shedding->admission),
                                      shedding->admission->limit, held, shedding->journal_size_max);
    atomic_store_explicit(&shedding->is_short, is_short, memory_order_relaxed);
}
