/* SPDX-License-Identifier: Apache-2.0 */
/* shown_log.c -- see shown_log.h. */
#include "support/shown_log.h"

#include "telltale/clocks.h"
#include "telltale/encode.h"

enum { RECORD_SIZE_MAX = 128 << 10, PATIENCE_S = 20 };

void shown_log_init(struct shown_log *log)
{
    struct merkle_range nothing;
    struct error err;

    *log = (struct shown_log){.transport = "internal", .checkpoint = {.origin = "log.example"}};
    ASSERT(note_signer_make(SLICE("log.example"), &log->signer, &err) == ST_OK);
    buf_init(&log->note, NOTE_SIZE_MAX);
    merkle_range_init(&nothing, 0);
    tree_growth_start(&log->growth, &nothing);
}

void shown_log_fini(struct shown_log *log)
{
    buf_fini(&log->note);
}

void shown_log_grow(struct shown_log *log, unsigned leaves)
{
    const struct note_signer *const signers[] = {&log->signer};
    struct hash leaf;
    struct buf text;
    struct error err;

    for (unsigned i = 0; i < leaves; i++) {
        uint64_t index = tree_growth_size(&log->growth);
        merkle_leaf(slice_of(&index, sizeof(index)), &leaf);
        merkle_range_append_leaf(tree_growth_last(&log->growth), &leaf);
    }
    log->checkpoint.size = tree_growth_size(&log->growth);
    tree_growth_root(&log->growth, &log->checkpoint.root);
    buf_init(&text, 4096);
    buf_clear(&log->note);
    ASSERT(checkpoint_put(&log->checkpoint, &text, &err) == ST_OK);
    ASSERT(note_sign(buf_slice(&text), signers, 1, &log->note, &err) == ST_OK);
    buf_fini(&text);
}

static void put_text(struct buf *out, const char *key, struct slice value)
{
    struct error err;

    ASSERT(encode_attribute_text(slice_of_text(key), value, out, &err) == ST_OK);
}

static void put_checkpoint(const struct shown_log *log, const char *action, struct buf *out)
{
    put_text(out, "agent.event.kind", SLICE("agent.integrity"));
    put_text(out, "agent.transport", slice_of_text(log->transport));
    put_text(out, "agent.integrity.action", slice_of_text(action));
    put_text(out, "agent.integrity.note", buf_slice(&log->note));
}

static void send(struct shown_log *log, const struct exporter_ops *ops, void *exporter,
                 struct slice bytes, struct export_report *ret_report)
{
    static const struct record_group group = {.signal = SIGNAL_LOGS};
    const struct record record = {.sequence = ++log->sequence, .bytes = bytes};
    const struct batch batch = {
        .records = &record, .record_count = 1, .groups = &group, .group_count = 1};
    struct error err = {.text = ""};

    *ret_report = (struct export_report){.notice = NULL};
    ASSERT(ops->send(exporter, &batch, clock_monotonic_ns() + PATIENCE_S * NS_PER_S, ret_report,
                     &err) == EXPORT_DONE);
}

void shown_log_send(struct shown_log *log, const struct exporter_ops *ops, void *exporter,
                    struct export_report *ret_report)
{
    struct buf bytes, growth;
    struct error err;

    buf_init(&bytes, RECORD_SIZE_MAX);
    buf_init(&growth, RECORD_SIZE_MAX);
    ASSERT(tree_growth_put(&log->growth, &growth, &err) == ST_OK);
    put_checkpoint(log, "checkpoint", &bytes);
    if (!log->without_growth)
        put_text(&bytes, "agent.integrity.growth", buf_slice(&growth));
    send(log, ops, exporter, buf_slice(&bytes), ret_report);
    buf_fini(&bytes);
    buf_fini(&growth);
    tree_growth_step(&log->growth);
}

void shown_log_send_stamp(struct shown_log *log, const struct exporter_ops *ops, void *exporter,
                          struct slice token)
{
    struct export_report ignored;
    struct buf bytes;

    buf_init(&bytes, RECORD_SIZE_MAX);
    put_checkpoint(log, "timestamp", &bytes);
    put_text(&bytes, "agent.integrity.token", token);
    send(log, ops, exporter, buf_slice(&bytes), &ignored);
    buf_fini(&bytes);
}
