/* SPDX-License-Identifier: Apache-2.0 */
/* config_delivery_tables.c -- the options that every destination has: see config_tables.c. */
#include "config/config.h"
#include "config/config_tables.h"
#include "config/config_units.h"

/* In the order of enum config_content. */
static const char *const content_choices[] = {"keep", "omit", NULL};

/* In the order of enum config_on_full. */
static const char *const on_full_choices[] = {"hold", "drop_oldest", NULL};

#define BATCH(member)                                                                              \
    (offsetof(struct config_delivery, batch.member) - offsetof(struct config_delivery, batch))
#define RETRY(member)                                                                              \
    (offsetof(struct config_delivery, retry.member) - offsetof(struct config_delivery, retry))

static const struct config_field batch_fields[] = {
    {
        .key = "max_size",
        .type = CONFIG_SIZE,
        .offset = BATCH(max_size),
        .min = KIB,
        .max = 64 * MIB,
        .default_text = "1MiB",
        .help = "Bytes of one request, before compression. One event that is larger goes alone.",
    },
    {
        .key = "max_count",
        .type = CONFIG_INTEGER,
        .offset = BATCH(max_count),
        .min = 1,
        .max = 65536,
        .default_text = "8192",
        .help = "Events of one request.",
    },
    {
        .key = "max_delay",
        .type = CONFIG_DURATION,
        .offset = BATCH(max_delay),
        .min = 0,
        .max = HOUR,
        .default_text = "200ms",
        .help = "How long an event may wait for others to fill its request.",
    },
    {.key = NULL},
};

static const struct config_field retry_fields[] = {
    {
        .key = "initial",
        .type = CONFIG_DURATION,
        .offset = RETRY(initial),
        .min = MS,
        .max = HOUR,
        .default_text = "500ms",
        .help = "The first pause after a failure. It doubles with every further one and is cut "
                "by a random part.",
    },
    {
        .key = "max",
        .type = CONFIG_DURATION,
        .offset = RETRY(max),
        .min = MS,
        .max = 24 * HOUR,
        .default_text = "30s",
        .help = "The longest pause. There is no last attempt.",
    },
    {.key = NULL},
};

#define LETTERS(member)                                                                            \
    (offsetof(struct config_delivery, dead_letters.member) -                                       \
     offsetof(struct config_delivery, dead_letters))

static const struct config_field dead_letters_fields[] = {
    {
        .key = "max_size",
        .type = CONFIG_SIZE,
        .offset = LETTERS(max_size),
        .min = MIB,
        .max = 64 * TIB,
        .default_text = "1GiB",
        .help = "Size of all files of this destination together.",
    },
    {
        .key = "on_full",
        .type = CONFIG_ENUM,
        .offset = LETTERS(on_full),
        .choices = on_full_choices,
        .default_text = "hold",
        .help = "What happens then. `hold`: delivery stops at the next such record until somebody "
                "has made room. `drop_oldest`: the oldest file is deleted, and the loss ledger "
                "says what was in it.",
    },
    {.key = NULL},
};

const struct config_field config_delivery_fields[] = {
    {
        .key = "batch",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, batch),
        .fields = batch_fields,
        .help = "How events are gathered into requests.",
    },
    {
        .key = "timeout",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_delivery, timeout),
        .min = 10 * MS,
        .max = HOUR,
        .default_text = "10s",
        .help = "How long one request may take, its answer included. Then it counts as failed "
                "and comes again. `elastic` has 90s unless this says otherwise.",
    },
    {
        .key = "requests_in_flight_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_delivery, requests_in_flight_max),
        .min = 1,
        .max = 64,
        .default_text = "4",
        .help = "How many requests may be under way at one time when much is waiting. Events may "
                "come out of order then, and after a crash up to twice as many requests again. "
                "With 1 they come in order. The exporter `file` writes in order and always has 1; "
                "`kafka` has 1 unless this says otherwise.",
    },
    {
        .key = "retry",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, retry),
        .fields = retry_fields,
        .help = "Pauses after failures.",
    },
    {
        .key = "filter",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, filter),
        .fields = config_filter_fields,
        .help = "Which log records the destination is to have: those that agree with all of this. "
                "The others pass it by and are counted. Spans and metrics are not filtered.",
    },
    {
        .key = "content",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_delivery, content),
        .choices = content_choices,
        .default_text = "keep",
        .help = "`omit`: the destination is not sent what was said, done and answered: prompts, "
                "responses, arguments and results of tools, command lines, bodies of log records, "
                "texts of errors. `agent.content.omitted` says what was left out and how large it "
                "was; all else goes. docs/SCHEMA.md, \"Content\", says what counts.",
    },
    {
        .key = "on_journal_full",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_delivery, on_journal_full),
        .choices = on_full_choices,
        .default_text = "hold",
        .help = "What happens when the journal is about to reach `journal.max_size` because this "
                "destination is behind. `hold`: it keeps its backlog, and new events are refused. "
                "`drop_oldest`: it gives up its oldest records, a segment of the journal at a "
                "time, as few as it takes; what it never got is written to the loss ledger first "
                "(`telltale losses`).",
    },
    {
        .key = "dead_letters",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, dead_letters),
        .fields = dead_letters_fields,
        .help = "The files of records that the destination will never take.",
    },
    {.key = NULL},
};
