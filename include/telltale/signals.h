/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h -- the names of signals in a configuration.
 *
 * Threads: pure functions.
 */
#pragma once

#include <string.h>

#include "telltale/batch.h"
#include "telltale/config_field.h"
#include "telltale/error.h"

static inline const char *signal_name(enum signal signal)
{
    return signal == SIGNAL_TRACES ? "traces" : signal == SIGNAL_METRICS ? "metrics" : "logs";
}

/* The set that a list names; 0: *ret_bad, which may be NULL, is a name that is no signal's,
 * or NULL when the list is empty. */
static inline unsigned signals_named(const struct config_text_list *list, const char **ret_bad)
{
    unsigned signals = 0;
    const char *bad = NULL;

    for (size_t i = 0; i < list->count && bad == NULL; i++) {
        unsigned found = 0;
        for (unsigned signal = 0; signal < SIGNAL_COUNT; signal++) {
            if (strcmp(list->items[i], signal_name((enum signal)signal)) == 0)
                found = 1U << signal;
        }
        signals |= found;
        if (found == 0)
            bad = list->items[i];
    }
    if (ret_bad != NULL)
        *ret_bad = bad;
    return bad == NULL ? signals : 0;
}

/* ST_INVALID: the list of the option `key` names something else, or nothing. */
MUST_CHECK static inline enum status
signals_check(const char *key, const struct config_text_list *list, struct error *err)
{
    const char *bad = NULL;

    if (signals_named(list, &bad) != 0)
        return ST_OK;
    if (bad == NULL)
        return error_set(err, ST_INVALID, "%s: the list is empty", key);
    return error_set(err, ST_INVALID, "%s: '%s' is not one of logs, traces and metrics", key, bad);
}
