/* SPDX-License-Identifier: Apache-2.0 */
/* span_derive_fuzz.c -- any bytes as a span of each product.  What is derived must read back as a
 * record that has everything required, and a failure must leave nothing behind. */
#include "support/made_record.h"
#include "support/made_span.h"

enum { INPUT_MAX = 1 << 16 };

static const char *const scopes[] = {"codex_exec", "opencode", "other"};
static const char *const services[] = {"codex_exec", "opencode", "github-copilot"};

static void check(struct span_deriver *deriver, struct slice span, struct buf *out)
{
    struct error err;
    bool made = false;
    const struct span_input input = {.span = span,
                                     .transport = TRANSPORT_OTLP_GRPC,
                                     .sender_fields = made_peer(),
                                     .received_unix_nano = MADE_SPAN_END};
    buf_clear(out);
    enum status st = span_derive(deriver, &input, out, &made, &err);
    ASSERT((st == ST_OK && made) == (out->size > 0));
    if (out->size == 0)
        return;
    struct normalized *normalized = normalized_read(buf_slice(out), 0);
    ASSERT(normalized_value(normalized, "agent.event.kind") != NULL);
    ASSERT(normalized_value(normalized, "agent.outcome") != NULL);
    ASSERT(normalized_value(normalized, "agent.derived") != NULL);
    ASSERT(normalized_value(normalized, "log.record.uid") != NULL);
    ASSERT(normalized->whole.time_unix_nano != 0);
    ASSERT(!slice_equal(normalized_text(normalized, "agent.event.kind"), SLICE("agent.other")));
    normalized_destroy(normalized);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct normalizer *normalizer;
    static struct span_deriver *deriver;
    static struct buf out;
    struct error err;
    if (normalizer == NULL) {
        normalizer = made_normalizer();
        buf_init(&out, (size_t)1 << 24);
        ASSERT(span_deriver_create(normalizer, &otlp_limits_default, &deriver, &err) == ST_OK);
    }
    if (size > INPUT_MAX)
        return -1;
    const struct slice family[] = {slice_of(data, size), slice_of(data, size / 2)};
    span_deriver_set_family(deriver, family, COUNT_OF(family));
    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        ASSERT(made_span_set_group(deriver, scopes[i], services[i]) == ST_OK);
        check(deriver, slice_of(data, size), &out);
    }
    ASSERT(made_span_set_group(deriver, NULL, NULL) == ST_OK);
    check(deriver, slice_of(data, size), &out);
    const struct record_group group = {.resource_logs_fields = slice_of(data, size),
                                       .scope_logs_fields = slice_of(data, size)};
    (void)span_deriver_set_group(deriver, &group, &err); /* may refuse */
    return 0;
}
