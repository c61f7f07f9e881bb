/* SPDX-License-Identifier: Apache-2.0 */
/* config_trial.c -- see config_trial.h.  What goes wrong is told in the name that the program was
 * called by, which is `telltale` when that calls it. */
#include "telltaled/config_trial.h"

#include <errno.h>
#include <stdio.h>

#include "config/config.h"
#include "config/config_print.h"
#include "deliver/exporter_list.h"

enum { OUTPUT_SIZE_MAX = 16 * 1024 * 1024 };

static bool print_effective(const struct config *config, struct buf *out)
{
    struct error err;

    buf_clear(out);
    if (config_print(config, out, &err) != ST_OK) {
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, err.text);
        return false;
    }
    if (fwrite(out->data, 1, out->size, stdout) != out->size || fflush(stdout) != 0) {
        fprintf(stderr, "%s: stdout: %m\n", program_invocation_short_name);
        return false;
    }
    return true;
}

bool config_trial(const char *path, const struct config_dirs *dirs, bool print)
{
    const struct config *config;
    struct config_source source = {.path = path, .dirs = dirs};
    struct error err;
    struct buf out;
    bool result = true;

    source.exporters = exporter_list(&source.exporter_count);
    buf_init(&out, OUTPUT_SIZE_MAX);
    if (config_load(&source, &config, &out, &err) == ST_OK) {
        result = !print || print_effective(config, &out);
        config_destroy(config);
    } else {
        fprintf(stderr, "%.*s%s: %s\n", SLICE_ARG(buf_slice(&out)), program_invocation_short_name,
                err.text);
        result = false;
    }
    buf_fini(&out);
    return result;
}
