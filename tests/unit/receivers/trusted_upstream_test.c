/* SPDX-License-Identifier: Apache-2.0 */
/* trusted_upstream_test.c -- records that come through two daemons: what the first has normalized
 * passes the second as it is, if the second trusts it; and what the first has told is not told
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "receivers/otlp_intake.h"
#include "support/check_normalized.h"
#include "support/documented.h"
#include "support/made_record.h"
#include "support/recorded.h"
#include "support/taken.h"
#include "telltale/encode.h"
#include "util/clock.h"

enum { REQUEST_MAX = 1 << 26 };

static const uint64_t now_unix_ns = UINT64_C(1795209900000000000);

/* A daemon's intake, and what it took last. */
struct hop {
    struct otlp_intake *intake;
    struct append_batch *batch;
    struct otlp_intake_result result;
};

static struct {
    struct hop first, trusting, distrusting;
    struct buf request, forwarded;
} fixture;

static void open_hop(struct hop *hop)
{
    struct error err;

    assert_int_equal(otlp_intake_create(&otlp_limits_default, &hop->intake, &err), ST_OK);
    assert_int_equal(append_batch_create(REQUEST_MAX, &hop->batch, &err), ST_OK);
}

static void close_hop(struct hop *hop)
{
    otlp_intake_destroy(hop->intake);
    append_batch_destroy(hop->batch);
}

static int set_up(void **state)
{
    (void)state;
    open_hop(&fixture.first);
    open_hop(&fixture.trusting);
    open_hop(&fixture.distrusting);
    buf_init(&fixture.request, REQUEST_MAX);
    buf_init(&fixture.forwarded, REQUEST_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_hop(&fixture.first);
    close_hop(&fixture.trusting);
    close_hop(&fixture.distrusting);
    buf_fini(&fixture.request);
    buf_fini(&fixture.forwarded);
    return 0;
}

static struct source_id ourselves(void)
{
    struct peer peer;
    struct error err;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(peer_of_unix_socket(ends[0], &peer, &err), ST_OK);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return source_id_of_peer(&peer);
}

static void take_with(struct hop *hop, const struct buf *request, enum signal signal,
                      bool is_trusted, struct source_watch *sources)
{
    const struct source_id source = ourselves();
    const struct otlp_intake_input input = {.signal = signal,
                                            .request = buf_slice(request),
                                            .sender_fields = made_peer(),
                                            .transport = TRANSPORT_OTLP_GRPC,
                                            .now_unix_ns = now_unix_ns,
                                            .sources = sources,
                                            .source = &source,
                                            .is_trusted = is_trusted};
    struct error err;

    append_batch_reset(hop->batch);
    assert_int_equal(otlp_intake_add(hop->intake, &input, hop->batch, &hop->result, &err), ST_OK);
}

static void take(struct hop *hop, const struct buf *request, bool is_trusted)
{
    take_with(hop, request, SIGNAL_LOGS, is_trusted, NULL);
}

/* What a hop sends on, as a request. */
static void forward(const struct hop *hop, struct buf *out)
{
    size_t count = append_batch_count(hop->batch);
    struct record *records = calloc(count, sizeof(*records));
    struct record_group *groups = calloc(count, sizeof(*groups));
    const struct batch batch = {
        .records = records, .record_count = count, .groups = groups, .group_count = count};
    struct error err;

    assert_true(count > 0 && records != NULL && groups != NULL);
    for (size_t i = 0; i < count; i++) {
        records[i] = (struct record){
            .sequence = i + 1, .bytes = taken_bytes(hop->batch, i), .group_index = (uint32_t)i};
        groups[i] = taken_group(hop->batch, i);
    }
    buf_clear(out);
    assert_int_equal(encode_otlp_request(&batch, out, &err), ST_OK);
    free(records);
    free(groups);
}

/* A request of one record. */
static void make_request(const struct made_record *made, struct buf *out)
{
    const struct record record = {.sequence = 1, .bytes = buf_slice(&made->bytes)};
    const struct record_group group = {.signal = SIGNAL_LOGS};
    const struct batch batch = {
        .records = &record, .record_count = 1, .groups = &group, .group_count = 1};
    struct error err;

    buf_clear(out);
    assert_int_equal(encode_otlp_request(&batch, out, &err), ST_OK);
}

/* --- All that was recorded ------------------------------------------------------------------- */

static void assert_same_group(size_t index)
{
    struct record_group a = taken_group(fixture.first.batch, index);
    struct record_group b = taken_group(fixture.trusting.batch, index);

    assert_true(slice_equal(a.request_fields, b.request_fields));
    assert_true(slice_equal(a.resource_logs_fields, b.resource_logs_fields));
    assert_true(slice_equal(a.scope_logs_fields, b.scope_logs_fields));
}

static void check_two_hops(const char *name)
{
    take(&fixture.first, &fixture.request, false);
    size_t count = append_batch_count(fixture.first.batch);
    if (count == 0)
        fail_msg("%s holds no record", name);
    assert_int_equal(fixture.first.result.passed, 0);
    forward(&fixture.first, &fixture.forwarded);

    take(&fixture.trusting, &fixture.forwarded, true);
    take(&fixture.distrusting, &fixture.forwarded, false);
    assert_int_equal(append_batch_count(fixture.trusting.batch), count);
    assert_int_equal(fixture.trusting.result.passed, count);
    assert_int_equal(fixture.trusting.result.accepted, count);
    assert_true(append_batch_count(fixture.distrusting.batch) >= count); /* notes behind */
    for (size_t i = 0; i < count; i++) {
        struct slice once = taken_bytes(fixture.first.batch, i);
        struct slice distrusted = taken_bytes(fixture.distrusting.batch, i);
        if (!slice_equal(taken_bytes(fixture.trusting.batch, i), once))
            fail_msg("%s: record %zu was changed", name, i);
        assert_same_group(i);
        if (!slice_starts_with(distrusted, once) || distrusted.size == once.size)
            fail_msg("%s: of record %zu a distrusted hop changed something", name, i);
    }
}

static void check_file(const char *name)
{
    buf_clear(&fixture.request);
    recorded_read_protobuf(name, &fixture.request);
    check_two_hops(name);
}

static void test_what_was_recorded_passes_a_trusting_hop_byte_for_byte(void **state)
{
    glob_t found;

    (void)state;
    assert_int_equal(glob(TEST_CORPUS_DIR "/*/*/*/logs/*", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 50);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_file(found.gl_pathv[i] + sizeof(TEST_CORPUS_DIR));
    globfree(&found);
    for (size_t i = 0; recorded_dialect_requests[i] != NULL; i++)
        check_file(recorded_dialect_requests[i]);
    for (size_t i = 0; documented_requests[i] != NULL; i++) {
        buf_clear(&fixture.request);
        documented_read(documented_requests[i], &fixture.request);
        check_two_hops(documented_requests[i]);
    }
}

/* --- What is normalized there too ---------------------------------------------------------------
 */

static void test_what_nobody_normalized_is_normalized_whoever_sent_it(void **state)
{
    (void)state;
    recorded_read("codex-0.169.0/grpc/exfil/logs/001.bin", &fixture.request);
    take(&fixture.first, &fixture.request, false);
    take(&fixture.trusting, &fixture.request, true);
    assert_int_equal(fixture.trusting.result.passed, 0);
    assert_int_equal(fixture.trusting.result.accepted, fixture.first.result.accepted);
    for (size_t i = 0; i < append_batch_count(fixture.first.batch); i++)
        assert_int_equal(taken_bytes(fixture.trusting.batch, i).size,
                         taken_bytes(fixture.first.batch, i).size);
}

static uint64_t passed_of(const struct made_record *made, bool is_trusted)
{
    make_request(made, &fixture.request);
    take(&fixture.trusting, &fixture.request, is_trusted);
    assert_int_equal(fixture.trusting.result.accepted, 1);
    return fixture.trusting.result.passed;
}

static void test_only_a_version_that_is_known_counts_and_only_of_a_trusted_sender(void **state)
{
    static const struct {
        const char *version;
        uint64_t passed;
    } cases[] = {{"1.0", 1}, {"1.7", 1}, {"2.0", 0}, {"10.0", 0}, {"1", 0}, {"", 0}};
    struct made_record made;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        made_init(&made);
        made_text(&made, "agent.schema.version", cases[i].version);
        assert_int_equal(passed_of(&made, true), cases[i].passed);
        assert_int_equal(passed_of(&made, false), 0);
        made_fini(&made);
    }
    made_init(&made);
    made_int(&made, "agent.schema.version", 1);
    assert_int_equal(passed_of(&made, true), 0);
    made_fini(&made);
}

/* --- What the first has told ------------------------------------------------------------------ */

static void test_a_gap_is_told_once(void **state)
{
    static const int exports[] = {1, 2, 3, 4, 7}; /* 5 and 6 never come */
    uint64_t notes = 0, of_trusting = 0, of_distrusting = 0;
    char name[96];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(exports); i++) {
        snprintf(name, sizeof(name), "codex-0.169.0/http-protobuf/longrun/logs/%03d.bin",
                 exports[i]);
        buf_clear(&fixture.request);
        recorded_read(name, &fixture.request);
        take(&fixture.first, &fixture.request, false);
        forward(&fixture.first, &fixture.forwarded);
        take(&fixture.trusting, &fixture.forwarded, true);
        take(&fixture.distrusting, &fixture.forwarded, false);
        assert_int_equal(append_batch_count(fixture.trusting.batch),
                         append_batch_count(fixture.first.batch));
        notes += fixture.first.result.notes;
        of_trusting += fixture.trusting.result.notes;
        of_distrusting += fixture.distrusting.result.notes;
    }
    assert_int_equal(notes, 1);
    assert_int_equal(of_trusting, 0);
    assert_int_equal(of_distrusting, 1);
}

static void test_nothing_is_derived_from_spans_of_an_upstream(void **state)
{
    (void)state;
    recorded_read("codex-0.169.0/http-json/approvals-tui/spans.bin", &fixture.request);
    take_with(&fixture.first, &fixture.request, SIGNAL_TRACES, false, NULL);
    take_with(&fixture.trusting, &fixture.request, SIGNAL_TRACES, true, NULL);
    assert_true(fixture.first.result.derived > 0);
    assert_int_equal(fixture.trusting.result.derived, 0);
    assert_int_equal(fixture.trusting.result.accepted, fixture.first.result.accepted);
}

static void count_silent(void *context, const struct source_report *report)
{
    (void)report;
    ++*(int *)context;
}

static void test_an_upstream_is_no_agent_that_could_fall_silent(void **state)
{
    uint64_t later_ns = clock_monotonic_ns() + 3600 * NS_PER_S;
    struct source_watch *sources;
    struct error err;
    int silent = 0;

    (void)state;
    assert_int_equal(source_watch_create(NS_PER_S, &sources, &err), ST_OK);
    recorded_read("codex-0.169.0/grpc/exfil/logs/001.bin", &fixture.request);
    take_with(&fixture.trusting, &fixture.request, SIGNAL_LOGS, true, sources);
    source_watch_sweep(sources, later_ns, now_unix_ns, count_silent, &silent);
    assert_int_equal(silent, 0);
    take_with(&fixture.first, &fixture.request, SIGNAL_LOGS, false, sources);
    source_watch_sweep(sources, later_ns, now_unix_ns, count_silent, &silent);
    assert_int_equal(silent, 1);
    source_watch_destroy(sources);
}

/* --- What it is told by ------------------------------------------------------------------------
 */

static void send_through(const struct made_record *made)
{
    make_request(made, &fixture.request);
    take(&fixture.first, &fixture.request, false);
    forward(&fixture.first, &fixture.forwarded);
    take(&fixture.trusting, &fixture.forwarded, true);
}

static void make_denial(struct made_record *made)
{
    made_init(made);
    made_text(made, "event.name", "codex.tool_decision");
    made_text(made, "decision", "denied");
}

static void test_room_is_made_by_the_kinds_that_records_say(void **state)
{
    struct shedding shedding = {.kinds = UINT32_C(1) << KIND_TOOL};
    struct made_record made;

    (void)state;
    atomic_store(&shedding.is_short, true);
    shedding.shed[KIND_TOOL] = metric_register(METRIC_COUNTER, "telltale_test_shed", "", "");
    otlp_intake_set_shedding(fixture.trusting.intake, &shedding);

    made_init(&made);
    made_text(&made, "event.name", "codex.tool_result");
    made_text(&made, "success", "true");
    send_through(&made);
    assert_int_equal(fixture.trusting.result.shed[KIND_TOOL], 1);
    assert_int_equal(fixture.trusting.result.accepted, 0);
    assert_int_equal(fixture.trusting.result.passed, 0);
    made_fini(&made);

    /* Its sender would like to see it go. */
    make_denial(&made);
    made_text(&made, "agent.event.kind", "agent.tool");
    made_text(&made, "agent.norm.agent.event.kind", "agent.tool");
    made_text(&made, "agent.outcome", "success");
    send_through(&made);
    assert_int_equal(fixture.trusting.result.passed, 1);
    made_fini(&made);
}

static void test_a_request_that_comes_again_is_told_by_the_ids_of_its_records(void **state)
{
    struct made_record made;

    (void)state;
    make_denial(&made); /* without a time */
    send_through(&made);
    assert_false(otlp_intake_tells_copies(&fixture.first.result));
    assert_true(otlp_intake_tells_copies(&fixture.trusting.result));
    made_fini(&made);
}

/* --- Senders that speak the model themselves ---------------------------------------------------
 */

static struct normalized *taken_by(const struct hop *hop, const struct made_record *made)
{
    return normalized_read(taken_bytes(hop->batch, 0), made->bytes.size);
}

static void make_native(struct made_record *made, const char *kind)
{
    made_init(made);
    made_fixed64(made, RECORD_TIME_UNIX_NANO, now_unix_ns);
    made_text(made, "agent.dialect", "native");
    made_text(made, "agent.event.kind", kind);
    made_text(made, "file.path", "/etc/passwd");
    made_text(made, "agent.outcome", "denied");
    made_text(made, "agent.product", "codex");
}

static void test_a_native_sender_is_believed_if_it_is_trusted(void **state)
{
    struct made_record made;

    (void)state;
    make_native(&made, "agent.file");
    made_text(&made, "agent.file.operation", "read");
    make_request(&made, &fixture.request);
    take(&fixture.trusting, &fixture.request, true);
    take(&fixture.distrusting, &fixture.request, false);
    assert_int_equal(fixture.trusting.result.passed, 0);

    struct normalized *trusted = taken_by(&fixture.trusting, &made);
    assert_null(normalized_value(trusted, "agent.norm.errors"));
    check_text(trusted, "agent.event.kind", "agent.file");
    check_text(trusted, "agent.dialect", "native");
    check_text(trusted, "agent.outcome", "denied");
    check_text(trusted, "agent.product", "codex");
    check_text(trusted, "agent.classification", "exact");
    check_text(trusted, "agent.transport", "otlp_grpc");
    assert_int_equal(normalized_value(trusted, "agent.peer.uid")->integer, 1000);
    normalized_destroy(trusted);

    struct normalized *distrusted = taken_by(&fixture.distrusting, &made);
    check_text(distrusted, "agent.event.kind", "agent.other");
    check_text(distrusted, "agent.dialect", "unknown");
    check_text(distrusted, "agent.outcome", "unknown");
    assert_true(normalized_lists_error(distrusted, "agent.event.kind"));
    normalized_destroy(distrusted);
    made_fini(&made);
}

static void test_a_native_sender_that_is_trusted_cannot_say_all(void **state)
{
    struct made_record made;

    (void)state;
    make_native(&made, "agent.file"); /* it lacks the operation */
    made_int(&made, "agent.peer.uid", 0);
    made_text(&made, "agent.transport", "internal");
    make_request(&made, &fixture.request);
    take(&fixture.trusting, &fixture.request, true);
    struct normalized *normalized = taken_by(&fixture.trusting, &made);
    check_text(normalized, "agent.event.kind", "agent.other");
    check_text(normalized, "agent.transport", "otlp_grpc");
    assert_true(normalized_lists_error(normalized, "agent.file.operation"));
    assert_true(normalized_lists_error(normalized, "agent.peer.uid"));
    assert_int_equal(normalized_value(normalized, "agent.peer.uid")->integer, 1000);
    normalized_destroy(normalized);
    made_fini(&made);

    make_native(&made, "agent.file");
    made_text(&made, "agent.schema.version", "2.0"); /* normalized, in a way that is not known */
    make_request(&made, &fixture.request);
    take(&fixture.trusting, &fixture.request, true);
    normalized = taken_by(&fixture.trusting, &made);
    check_text(normalized, "agent.dialect", "unknown");
    normalized_destroy(normalized);
    made_fini(&made);
}

/* --- Limits -------------------------------------------------------------------------------------
 */

static void test_what_the_first_just_took_the_second_takes_too(void **state)
{
    struct made_record made;
    char key[16];

    (void)state;
    make_denial(&made);
    for (uint32_t i = 2; i < otlp_limits_default.attribute_count_max; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        made_int(&made, key, i);
    }
    send_through(&made);
    assert_int_equal(fixture.trusting.result.passed, 1);
    take(&fixture.distrusting, &fixture.forwarded, false);
    assert_int_equal(fixture.distrusting.result.rejected, 1);
    made_fini(&made);

    make_denial(&made);
    uint8_t *large = calloc(1, otlp_limits_default.record_size_max - 128);
    assert_non_null(large);
    made_field(&made, 1999, slice_of(large, otlp_limits_default.record_size_max - 128));
    send_through(&made);
    assert_int_equal(fixture.trusting.result.passed, 1);
    free(large);
    made_fini(&made);
}

static void test_what_is_broken_is_refused_of_an_upstream_too(void **state)
{
    struct made_record made;

    (void)state;
    made_init(&made);
    made_text(&made, "agent.schema.version", "1.0");
    made_field(&made, RECORD_TRACE_ID, SLICE("short"));
    make_request(&made, &fixture.request);
    take(&fixture.trusting, &fixture.request, true);
    assert_int_equal(fixture.trusting.result.rejected, 1);
    assert_int_equal(fixture.trusting.result.passed, 0);
    made_fini(&made);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_recorded_passes_a_trusting_hop_byte_for_byte),
        TEST(test_what_nobody_normalized_is_normalized_whoever_sent_it),
        TEST(test_only_a_version_that_is_known_counts_and_only_of_a_trusted_sender),
        TEST(test_a_gap_is_told_once),
        TEST(test_nothing_is_derived_from_spans_of_an_upstream),
        TEST(test_an_upstream_is_no_agent_that_could_fall_silent),
        TEST(test_room_is_made_by_the_kinds_that_records_say),
        TEST(test_a_request_that_comes_again_is_told_by_the_ids_of_its_records),
        TEST(test_a_native_sender_is_believed_if_it_is_trusted),
        TEST(test_a_native_sender_that_is_trusted_cannot_say_all),
        TEST(test_what_the_first_just_took_the_second_takes_too),
        TEST(test_what_is_broken_is_refused_of_an_upstream_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
