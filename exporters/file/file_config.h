/* SPDX-License-Identifier: Apache-2.0 */
/* file_config.h -- the options of a store, and the table that reads them.
 *
 * Threads: constant once it is read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/config_field.h"
#include "telltale/retention.h"

enum compression { COMPRESSION_NONE, COMPRESSION_ZSTD };

struct rotate_config {
    uint64_t size_bytes;
    uint64_t age_ns;
};

struct integrity_config {
    bool enabled;
    const char *origin; /* NULL: made by us */
    uint64_t checkpoint_interval_ns;
    uint64_t heartbeat_ns;
    uint64_t epoch_ns;
    bool witness; /* checkpoints say how the tree grew */
};

struct file_config {
    const char *dir;
    int compression;
    uint64_t compression_level;
    bool index;
    struct rotate_config rotate;
    struct retention_config retention;
    struct integrity_config integrity;
};

extern const struct config_field file_config_fields[]; /* of a struct file_config */
