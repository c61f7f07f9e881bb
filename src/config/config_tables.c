/* SPDX-License-Identifier: Apache-2.0 */
/* config_tables.c -- one table a section, innermost first.  The help texts are the reference
 * page: a change here changes docs/CONFIGURATION.md, and a test sees to it. */
#include "config/config_tables.h"

#include "config/config.h"
#include "config/config_units.h"

static const struct config_field limits_fields[] = {
    {
        .key = "depth",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_limits, depth),
        .min = 8,
        .max = 64, /* OTLP_DEPTH_MAX: readers recurse */
        .default_text = "64",
        .help = "How deeply the values of an event may be nested.",
    },
    {
        .key = "attributes",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_limits, attributes),
        .min = 16,
        .max = 2048, /* readers of records take 4096, and normalization adds its own */
        .default_text = "1024",
        .help = "Attributes of one event.",
    },
    {
        .key = "key_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_limits, key_size),
        .min = 64,
        .max = 64 * KIB,
        .default_text = "1KiB",
        .help = "Length of the name of an attribute.",
    },
    {
        .key = "in_flight",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_limits, in_flight),
        .min = MIB,
        .max = 64 * GIB,
        .default_text = "64MiB",
        .help = "Memory for events that are received and not yet durable. When it is used up, "
                "the daemon stops reading from its senders until the disk has caught up.",
    },
    {
        .key = "shed",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_limits, shed),
        .default_text = "[]",
        .help = "Kinds of events, like `agent.resource`, that are refused first, when `in_flight` "
                "is used to three quarters or the journal holds nine tenths of its `max_size`: the "
                "rest of the room is kept for the others. Never shed, and refused here, are "
                "`agent.approval`, `agent.review`, `agent.network`, `agent.sandbox`, `agent.mode`, "
                "`agent.config`, `agent.hook`, `agent.pipeline`, `agent.integrity` and "
                "`agent.other`; nor is an event of any kind with a decision, or about something "
                "that was denied.",
    },
    {.key = NULL},
};

/* In the order of enum config_on_disk_full. */
static const char *const on_disk_full_choices[] = {"refuse", "drop_oldest_delivered",
                                                   "stop_agent_socket", NULL};

static const struct config_field journal_fields[] = {
    {
        .key = "dir",
        .type = CONFIG_PATH,
        .offset = offsetof(struct config_journal, dir),
        .default_text = "${state_dir}/journal",
        .help = "Where the journal is kept.",
    },
    {
        .key = "max_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_journal, max_size),
        .min = 2 * MIB,
        .max = 64 * TIB,
        .default_text = "2GiB",
        .help = "Size of all segments together. This is how far destinations can fall behind.",
    },
    {
        .key = "segment_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_journal, segment_size),
        .min = MIB,
        .max = 16 * GIB,
        .default_text = "64MiB",
        .help = "A segment is closed at this size. Space is freed by whole segments, so two of "
                "them must fit into `max_size`.",
    },
    {
        .key = "disk_reserve",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_journal, disk_reserve),
        .default_text = "0B",
        .help = "What the journal leaves free on its file system. 0 stands for 5 % of it, at most "
                "5 GiB.",
    },
    {
        .key = "max_delay",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_journal, max_delay),
        .min = 0,
        .max = SECOND,
        .default_text = "2ms",
        .help = "How long events may wait at most for others that are made durable together with "
                "them. They wait for as long as keeps the disk busy for a quarter of the time: it "
                "delays the acknowledgement under load and saves syncs.",
    },
    {
        .key = "on_disk_full",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_journal, on_disk_full),
        .choices = on_disk_full_choices,
        .default_text = "refuse",
        .help = "What happens when less than `disk_reserve` is free. `refuse`: new events are "
                "refused, with an error to their senders, and counted. `drop_oldest_delivered`: "
                "the oldest closed files of stores (exporters of type file) on that disk are "
                "deleted before their time, oldest first, as long as every other destination has "
                "all of their records; if that is not enough, events are refused. "
                "`stop_agent_socket`: the sockets of the receivers are closed until there is room "
                "again, so that agents that must not run unrecorded notice; this one also when "
                "the journal reaches `max_size` and nothing may be dropped.",
    },
    {.key = NULL},
};

static const struct config_field metrics_fields[] = {
    {
        .key = "listen",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_metrics, listen),
        .default_text = "[]",
        .help =
            "Addresses that serve `/metrics`, `/healthz` and `/status`, besides the control socket "
            "`${run_dir}/control.sock`, which always does. Commonly `127.0.0.1:9464`.",
    },
    {
        .key = "allow_remote_plaintext",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_metrics, allow_remote_plaintext),
        .default_text = "false",
        .help = "Allows addresses that other machines reach. Counters, the names of the "
                "destinations and their last errors can be read there, and no events.",
    },
    {.key = NULL},
};

/* In the order of enum log_level. */
static const char *const log_level_choices[] = {"debug", "info", "warn", "error", NULL};

static const struct config_field telemetry_fields[] = {
    {
        .key = "log_level",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_telemetry, log_level),
        .choices = log_level_choices,
        .default_text = "info",
        .help = "Less important lines of the daemon's own log are left out.",
    },
    {
        .key = "metrics",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_telemetry, metrics),
        .fields = metrics_fields,
        .help = "Counters in the Prometheus text format, and the state of health.",
    },
    {.key = NULL},
};

static const struct config_field shutdown_fields[] = {
    {
        .key = "drain_timeout",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_shutdown, drain_timeout),
        .min = 0,
        .max = HOUR,
        .default_text = "10s",
        .help = "How long the destinations get to take what is waiting when the daemon is "
                "stopped. The rest is sent after the next start.",
    },
    {.key = NULL},
};

const struct config_field config_root_fields[] = {
    {
        .key = "receivers",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, receivers),
        .fields = config_receivers_fields,
        .help = "Where events come from. Every receiver is on unless it is disabled.",
    },
    {
        .key = "limits",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, limits),
        .fields = limits_fields,
        .help = "What every receiver refuses.",
    },
    {
        .key = "journal",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, journal),
        .fields = journal_fields,
        .help = "The one log that receivers write and exporters read. An event is acknowledged "
                "when it is durable there.",
    },
    {
        .key = "exporters",
        .type = CONFIG_SECTION,
        .help = "Where events go to.",
    },
    {
        .key = "telemetry",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, telemetry),
        .fields = telemetry_fields,
        .help = "What the daemon says about itself.",
    },
    {
        .key = "shutdown",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, shutdown),
        .fields = shutdown_fields,
        .help = "How the daemon stops.",
    },
    {.key = NULL},
};
