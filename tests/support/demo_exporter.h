/* SPDX-License-Identifier: Apache-2.0 */
/* demo_exporter.h -- exporter types that have options of every kind and send nothing. */
#pragma once

#include "telltale/exporter.h"

struct demo_config {
    const char *endpoint;
    const char *token;
    int compression;
    uint64_t level;
    uint64_t age; /* ns */
    struct config_text_map headers;
    struct {
        const char *ca;
        bool verify;
    } tls;
};

struct demo_file_config {
    const char *dir;
};

extern const struct exporter_ops demo_exporter;       /* "demo" */
extern const struct exporter_ops demo_file_exporter;  /* "file" */
extern const struct exporter_ops demo_queue_exporter; /* "queue": in order unless told otherwise */

enum { DEMO_EXPORTER_COUNT = 3 };
extern const struct exporter_ops *const demo_exporters[DEMO_EXPORTER_COUNT];
