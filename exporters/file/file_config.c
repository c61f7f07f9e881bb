/* SPDX-License-Identifier: Apache-2.0 */
/* file_config.c -- see file_config.h. */
#include "file_config.h"

#include <stddef.h>

static const struct config_field rotate_fields[] = {
    {.key = "size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct rotate_config, size_bytes),
     .min = UINT64_C(64) << 10,
     .max = UINT64_C(64) << 30,
     .default_text = "256MiB",
     .help = "A file is closed when it has this many bytes, before compression."},
    {.key = "age",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct rotate_config, age_ns),
     .min = UINT64_C(1000000000),
     .default_text = "1h",
     .help = "A file is closed when its first line is this old; one that holds only what the store "
             "says of itself, when it is 24 times as old."},
    {.key = NULL},
};

static const struct config_field integrity_fields[] = {
    {.key = "enabled",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct integrity_config, enabled),
     .default_text = "true",
     .help = "Makes what proves the store: a tree over all lines, signed checkpoints of it, and a "
             "manifest of the files."},
    {.key = "checkpoint_interval",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct integrity_config, checkpoint_interval_ns),
     .min = UINT64_C(1000000000),
     .max = UINT64_C(86400000000000),
     .default_text = "10s",
     .help = "While records come, so often a checkpoint is signed and sent to every destination: "
             "what is older cannot be changed unnoticed."},
    {.key = "heartbeat",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct integrity_config, heartbeat_ns),
     .min = UINT64_C(1000000000),
     .max = UINT64_C(86400000000000),
     .default_text = "60s",
     .help = "While none come, so often one is signed all the same, so that silence is noticed."},
    {.key = "epoch",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct integrity_config, epoch_ns),
     .min = UINT64_C(60000000000),
     .max = UINT64_C(31536000000000000),
     .default_text = "1h",
     .help = "So often the key that signs is replaced and destroyed."},
    {.key = "witness",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct integrity_config, witness),
     .default_text = "false",
     .help = "The records of checkpoints also say how the tree grew, some kilobytes each: what an "
             "exporter of type `witness` needs."},
    {.key = "origin",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct integrity_config, origin),
     .help =
         "Name of the log, without white space and '+', when the store is begun; later it stays "
         "what it was. Default: made of the host's name and a random number."},
    {.key = NULL},
};

static const char *const compression_choices[] = {
    [COMPRESSION_NONE] = "none", [COMPRESSION_ZSTD] = "zstd", NULL};

const struct config_field file_config_fields[] = {
    {.key = "dir",
     .type = CONFIG_PATH,
     .offset = offsetof(struct file_config, dir),
     .help = "Directory of the store, made with mode 0700 when it is not there. Default: 'store' "
             "in the state directory. Each exporter needs its own."},
    {.key = "compression",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct file_config, compression),
     .default_text = "zstd",
     .choices = compression_choices,
     .help = "What closed files are compressed with: zstd, in the seekable format, or none."},
    {.key = "compression_level",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct file_config, compression_level),
     .min = 1,
     .max = 19,
     .default_text = "3",
     .help = "Level of the compression."},
    {.key = "index",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct file_config, index),
     .default_text = "true",
     .help = "Compressed files get an index beside them, which lets questions read only parts of "
             "them."},
    {.key = "rotate",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct file_config, rotate),
     .fields = rotate_fields,
     .help = "When the file that is appended to is closed and a new one begun."},
    {.key = "retention",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct file_config, retention),
     .fields = retention_fields,
     .help =
         "What of the closed files is deleted, and when. From the top, who wins: a legal hold "
         "(`telltale hold`); `min_age`; `max_size`, `max_files`, `min_free` and a full disk, for "
         "which whole files go, oldest first; the first rule that a record matches; `max_age`. "
         "`telltale retention plan` shows what would go. Each deletion is written down in "
         "store.log."},
    {.key = "integrity",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct file_config, integrity),
     .fields = integrity_fields,
     .help = "How the store can be proved (docs/INTEGRITY.md)."},
    {.key = NULL},
};
