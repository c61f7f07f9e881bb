/* SPDX-License-Identifier: Apache-2.0 */
/* fake_exporter.c -- see fake_exporter.h. */
#include "support/fake_exporter.h"

#include <stdio.h>
#include <time.h>

#include "util/clock.h"

enum { PATIENCE_S = 60 };

static void lock(struct fake_exporter *fake)
{
    ASSERT(pthread_mutex_lock(&fake->lock) == 0);
}

static void unlock(struct fake_exporter *fake)
{
    ASSERT(pthread_mutex_unlock(&fake->lock) == 0);
}

static struct timespec at(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static enum status fake_create(const void *config, const struct exporter_context *context,
                               void **ret_self, struct error *err)
{
    struct fake_exporter *fake = (struct fake_exporter *)config; /* the test's, not const */

    (void)context;
    lock(fake);
    bool fails = fake->open_count > 0 && fake->create_failures > 0;
    if (fails)
        fake->create_failures--;
    else
        fake->open_count++;
    if (fake->open_count > fake->open_most)
        fake->open_most = fake->open_count;
    if (fake->open_count == 1)
        fake->cancelled = false; /* a new life */
    (void)pthread_cond_broadcast(&fake->changed);
    unlock(fake);
    if (fails)
        return error_set(err, ST_IO, "the fake cannot be made");
    *ret_self = fake;
    return ST_OK;
}

static bool has_poison(const struct fake_exporter *fake, const struct batch *batch)
{
    for (size_t i = 0; i < batch->record_count; i++) {
        if (fake->poison[batch->records[i].sequence])
            return true;
    }
    return false;
}

static bool takes_one(uint8_t *left)
{
    bool is_left = *left > 0;

    *left = (uint8_t)(*left - is_left);
    return is_left;
}

static bool fails(struct fake_exporter *fake, const struct batch *batch)
{
    bool does = false;

    for (size_t i = 0; i < batch->record_count && !does; i++)
        does = takes_one(&fake->failures[batch->records[i].sequence]);
    return does;
}

static struct fake_answer decide(struct fake_exporter *fake, const struct batch *batch)
{
    if (fake->script_next < fake->script_count)
        return fake->script[fake->script_next++];
    if (fake->always_retry)
        return (struct fake_answer){.result = EXPORT_RETRY};
    if (fake->answers_each)
        return (struct fake_answer){.result = EXPORT_MIXED};
    if (fails(fake, batch))
        return (struct fake_answer){.result = EXPORT_RETRY};
    if (has_poison(fake, batch))
        return (struct fake_answer){.result = EXPORT_REJECTED};
    if (fake->count_max > 0 && batch->record_count > fake->count_max)
        return (struct fake_answer){.result = EXPORT_TOO_LARGE};
    return (struct fake_answer){.result = EXPORT_DONE};
}

static bool is_held(const struct fake_exporter *fake, uint64_t sequence)
{
    return fake->gate_closed || (fake->held[sequence / 64] >> (sequence % 64) & 1) != 0;
}

/* True: it was let go before the deadline. */
static bool pass_gate(struct fake_exporter *fake, uint64_t sequence, uint64_t deadline_ns)
{
    struct timespec until =
        at(fake->deaf ? clock_monotonic_ns() + PATIENCE_S * NS_PER_S : deadline_ns);
    int failed = 0;

    while (is_held(fake, sequence) && !fake->cancelled && failed == 0)
        failed = pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
    ASSERT(!fake->deaf || failed == 0);
    return !is_held(fake, sequence);
}

static enum item_outcome judge(struct fake_exporter *fake, const struct batch *batch, size_t index)
{
    uint64_t sequence = batch->records[index].sequence;

    if (fake->count_max > 0 && index >= fake->count_max)
        return ITEM_AGAIN;
    if (takes_one(&fake->failures[sequence]))
        return ITEM_RETRY;
    if (fake->poison[sequence])
        return ITEM_REJECTED;
    if (fake->oversized[sequence])
        return ITEM_TOO_LARGE;
    return takes_one(&fake->agains[sequence]) ? ITEM_AGAIN : ITEM_DONE;
}

static void note_delivered(struct fake_exporter *fake, const struct batch *batch, size_t index)
{
    uint64_t sequence = batch->records[index].sequence;

    ASSERT(batch->groups[batch->records[index].group_index].signal == batch_signal(batch));
    if (fake->delivered[sequence]++ == 0)
        fake->delivered_count++;
}

/* Says what becomes of each record, the last one first: the order is nobody's business. */
static void answer_each(struct fake_exporter *fake, const struct batch *batch,
                        struct export_report *report)
{
    char words[64];

    for (size_t i = batch->record_count; i-- > 0;) {
        uint64_t sequence = batch->records[i].sequence;
        if (takes_one(&fake->unsaid[sequence]))
            continue;
        enum item_outcome outcome = judge(fake, batch, i);
        snprintf(words, sizeof(words), "the fake refuses %u", (unsigned)sequence);
        report->tell(report, i, outcome, fake->wordless ? NULL : words);
        if (outcome == ITEM_DONE)
            note_delivered(fake, batch, i);
    }
}

/* What a batch must be. */
static void check(const struct batch *batch)
{
    ASSERT(batch->record_count > 0);
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct record *record = &batch->records[i];
        ASSERT(record->sequence < FAKE_SEQUENCE_MAX && record->group_index < batch->group_count);
        ASSERT(i == 0 || record->sequence > batch->records[i - 1].sequence);
    }
}

static enum export_result fake_send(void *self, const struct batch *batch, uint64_t deadline_ns,
                                    struct export_report *report, struct error *err)
{
    struct fake_exporter *fake = self;
    struct fake_answer answer = {.result = EXPORT_RETRY};

    check(batch);
    lock(fake);
    const struct fake_call begun = {.calls_before = fake->call_count, .others = fake->inside};
    fake->inside++;
    if (fake->inside > fake->inside_most)
        fake->inside_most = fake->inside;
    (void)pthread_cond_broadcast(&fake->changed);
    if (pass_gate(fake, batch->records[0].sequence, deadline_ns))
        answer = decide(fake, batch);
    ASSERT(fake->call_count < FAKE_CALLS_MAX);
    fake->calls[fake->call_count++] = (struct fake_call){
        .first_sequence = batch->records[0].sequence,
        .last_sequence = batch->records[batch->record_count - 1].sequence,
        .record_count = batch->record_count,
        .result = answer.result,
        .calls_before = begun.calls_before,
        .others = begun.others,
    };
    for (size_t i = 0; answer.result == EXPORT_DONE && i < batch->record_count; i++)
        note_delivered(fake, batch, i);
    if (answer.result == EXPORT_MIXED)
        answer_each(fake, batch, report);
    report->rejected_count = answer.rejected_count;
    report->retry_after_ms = answer.retry_after_ms;
    report->sent_bytes = batch->size_bytes;
    if (answer.result != EXPORT_DONE)
        (void)error_set(err, ST_IO, "the fake says \"%d\"", (int)answer.result);
    fake->inside--;
    (void)pthread_cond_broadcast(&fake->changed);
    unlock(fake);
    return answer.result;
}

static void fake_cancel(void *self)
{
    struct fake_exporter *fake = self;

    lock(fake);
    fake->cancelled = true;
    fake->cancel_count++;
    (void)pthread_cond_broadcast(&fake->changed);
    unlock(fake);
}

static void fake_destroy(void *self)
{
    struct fake_exporter *fake = self;

    lock(fake);
    fake->open_count--;
    (void)pthread_cond_broadcast(&fake->changed);
    unlock(fake);
}

static const struct config_field no_fields[] = {{.key = NULL}};

const struct exporter_ops fake_exporter_ops = {
    .name = "fake",
    .fields = no_fields,
    .config_size = sizeof(struct fake_exporter),
    .create = fake_create,
    .send = fake_send,
    .cancel = fake_cancel,
    .destroy = fake_destroy,
};

void fake_exporter_init(struct fake_exporter *fake)
{
    pthread_condattr_t attributes;

    *fake = (struct fake_exporter){.call_count = 0};
    ASSERT(pthread_mutex_init(&fake->lock, NULL) == 0);
    ASSERT(pthread_condattr_init(&attributes) == 0);
    ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(&fake->changed, &attributes) == 0);
    ASSERT(pthread_condattr_destroy(&attributes) == 0);
}

void fake_exporter_fini(struct fake_exporter *fake)
{
    ASSERT(fake->open_count == 0);
    (void)pthread_cond_destroy(&fake->changed);
    (void)pthread_mutex_destroy(&fake->lock);
}

void fake_exporter_script(struct fake_exporter *fake, const struct fake_answer *answers,
                          size_t count)
{
    ASSERT(count <= FAKE_SCRIPT_MAX);
    lock(fake);
    for (size_t i = 0; i < count; i++)
        fake->script[i] = answers[i];
    fake->script_count = count;
    fake->script_next = 0;
    unlock(fake);
}

void fake_exporter_always_retry(struct fake_exporter *fake, bool on)
{
    lock(fake);
    fake->always_retry = on;
    unlock(fake);
}

static void set_gate(struct fake_exporter *fake, bool closed)
{
    lock(fake);
    fake->gate_closed = closed;
    (void)pthread_cond_broadcast(&fake->changed);
    unlock(fake);
}

void fake_exporter_close_gate(struct fake_exporter *fake)
{
    set_gate(fake, true);
}

void fake_exporter_open_gate(struct fake_exporter *fake)
{
    set_gate(fake, false);
}

static void set_held(struct fake_exporter *fake, uint64_t sequence, bool held)
{
    uint64_t bit = UINT64_C(1) << (sequence % 64);

    ASSERT(sequence < FAKE_SEQUENCE_MAX);
    lock(fake);
    if (held)
        fake->held[sequence / 64] |= bit;
    else
        fake->held[sequence / 64] &= ~bit;
    (void)pthread_cond_broadcast(&fake->changed);
    unlock(fake);
}

void fake_exporter_hold(struct fake_exporter *fake, uint64_t first_sequence)
{
    set_held(fake, first_sequence, true);
}

void fake_exporter_let_go(struct fake_exporter *fake, uint64_t first_sequence)
{
    set_held(fake, first_sequence, false);
}

void fake_exporter_ignore_deadlines(struct fake_exporter *fake)
{
    lock(fake);
    fake->deaf = true;
    unlock(fake);
}

/* Called with the lock held. */
static void wait_change(struct fake_exporter *fake, const struct timespec *until)
{
    ASSERT(pthread_cond_timedwait(&fake->changed, &fake->lock, until) == 0);
}

void fake_exporter_wait_calls(struct fake_exporter *fake, size_t count)
{
    struct timespec until = at(clock_monotonic_ns() + PATIENCE_S * NS_PER_S);

    lock(fake);
    while (fake->call_count < count)
        wait_change(fake, &until);
    unlock(fake);
}

void fake_exporter_wait_delivered(struct fake_exporter *fake, size_t count)
{
    struct timespec until = at(clock_monotonic_ns() + PATIENCE_S * NS_PER_S);

    lock(fake);
    while (fake->delivered_count < count)
        wait_change(fake, &until);
    unlock(fake);
}

void fake_exporter_wait_inside_count(struct fake_exporter *fake, size_t count)
{
    struct timespec until = at(clock_monotonic_ns() + PATIENCE_S * NS_PER_S);

    lock(fake);
    while (fake->inside < count)
        wait_change(fake, &until);
    unlock(fake);
}

void fake_exporter_wait_inside(struct fake_exporter *fake)
{
    fake_exporter_wait_inside_count(fake, 1);
}

void fake_exporter_wait_open_count(struct fake_exporter *fake, int count)
{
    struct timespec until = at(clock_monotonic_ns() + PATIENCE_S * NS_PER_S);

    lock(fake);
    while (fake->open_count > count)
        wait_change(fake, &until);
    unlock(fake);
}

size_t fake_exporter_call_count(struct fake_exporter *fake)
{
    lock(fake);
    size_t count = fake->call_count;
    unlock(fake);
    return count;
}
