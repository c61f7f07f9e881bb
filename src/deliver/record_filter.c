/* SPDX-License-Identifier: Apache-2.0 */
/* record_filter.c -- see record_filter.h.  The lists are short, and a word of another length is
 * told from its size, so they are searched from end to end. */
#include "deliver/record_filter.h"

#include "deliver/record_scan.h"

bool record_filter_is_open(const struct record_filter *filter)
{
    return filter->kinds.count == 0 && filter->exclude_kinds.count == 0 &&
           filter->outcomes.count == 0 && filter->severity_min <= 1;
}

static bool has_word(const struct config_text_list *list, struct slice word)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_equal(slice_of_text(list->items[i]), word))
            return true;
    }
    return false;
}

static bool is_of_kinds(const struct config_text_list *kinds, const struct record_scan *scan)
{
    if (kinds->count == 0 || has_word(kinds, scan->kind))
        return true;
    for (size_t i = 0; scan->facets.size > 0 && i < kinds->count; i++) {
        if (record_scan_has_facet(scan, slice_of_text(kinds->items[i])))
            return true;
    }
    return false;
}

bool record_filter_passes(const struct record_filter *filter, enum signal signal,
                          struct slice record)
{
    struct record_scan scan;

    if (signal != SIGNAL_LOGS || record_filter_is_open(filter))
        return true;
    record_scan_read(record, &scan);
    if (has_word(&filter->exclude_kinds, scan.kind))
        return false;
    if (slice_equal(scan.kind, SLICE("agent.pipeline")) ||
        slice_equal(scan.kind, SLICE("agent.integrity")))
        return true;
    return is_of_kinds(&filter->kinds, &scan) &&
           (filter->outcomes.count == 0 || has_word(&filter->outcomes, scan.outcome)) &&
           (scan.severity == 0 || scan.severity >= filter->severity_min);
}
