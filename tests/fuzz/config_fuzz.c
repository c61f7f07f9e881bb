/* SPDX-License-Identifier: Apache-2.0 */
/* config_fuzz.c -- any bytes as a configuration file.  What loads must print, and what was
 * printed must load and print the same; demo/ has options of every kind. */
#include <stdlib.h>

#include "config/config.h"
#include "config/config_print.h"
#include "support/demo_exporter.h"

enum { OUTPUT_SIZE_MAX = 16 * 1024 * 1024 };

static const struct config_dirs dirs = {.run_dir = "/run/fuzz", .state_dir = "/state/fuzz"};

static const struct config *load(const uint8_t *data, size_t size)
{
    const struct config_source source = {
        .path = "fuzz.yaml",
        .text = slice_of(data, size),
        .dirs = &dirs,
        .exporters = demo_exporters,
        .exporter_count = DEMO_EXPORTER_COUNT,
    };
    const struct config *config = NULL;
    struct error err;
    struct buf report;

    buf_init(&report, OUTPUT_SIZE_MAX);
    enum status st = config_load(&source, &config, &report, &err);
    ASSERT((st == ST_OK) == (config != NULL));
    ASSERT((st == ST_INVALID) == (report.size > 0));
    buf_fini(&report);
    return config;
}

/* libfyaml 0.7 forgets a kilobyte after some syntax errors; ours are still found. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first;
    struct buf second;
    struct error err;

    const struct config *config = load(data, size);
    if (config == NULL)
        return 0;
    buf_init(&first, OUTPUT_SIZE_MAX);
    ASSERT(config_print(config, &first, &err) == ST_OK);
    config_destroy(config);

    config = load(first.data, first.size);
    if (config != NULL) { /* a text that begins with "${" stays one only when it was masked */
        buf_init(&second, OUTPUT_SIZE_MAX);
        ASSERT(config_print(config, &second, &err) == ST_OK);
        ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
        buf_fini(&second);
        config_destroy(config);
    }
    buf_fini(&first);
    return 0;
}
