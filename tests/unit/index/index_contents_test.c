/* SPDX-License-Identifier: Apache-2.0 */
/* index_contents_test.c -- sessions, kinds, outcomes, users and hosts of an index are those that a
 * reader of the records counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/lookup.h"
#include "store/store_record.h"
#include "support/made_index.h"
#include "support/store_corpus.h"

enum { LINES = 3000 };

static struct error err;

/* What the records of one session, or with one kind, say. */
struct counting {
    struct slice session; /* or: */
    struct slice kind;
    uint64_t records, denied, failed, first, last;
};

static enum status count_record(void *context, const struct store_record_view *view,
                                struct error *ignored)
{
    struct counting *counting = context;
    const struct record_view *record = view->record;

    (void)ignored;
    if (counting->session.size > 0
            ? !slice_equal(counting->session, lookup_text(record, "session.id"))
            : !slice_equal(counting->kind, lookup_text(record, "agent.event.kind")))
        return ST_OK;
    uint64_t time = lookup_time(record);
    struct slice outcome = lookup_text(record, "agent.outcome");
    counting->records++;
    counting->denied += slice_equal(outcome, SLICE("denied"));
    counting->failed += slice_equal(outcome, SLICE("failure"));
    if (counting->records == 1 || time < counting->first)
        counting->first = time;
    if (time > counting->last)
        counting->last = time;
    return ST_OK;
}

static void count_lines(const struct made_index *made, struct store_record *reader,
                        struct counting *counting)
{
    for (size_t i = 0; i < made->line_count; i++)
        assert_int_equal(
            store_record_read(reader, made_index_line(made, i), count_record, counting, &err),
            ST_OK);
}

static void check_sessions(const struct made_index *made, struct store_record *reader)
{
    size_t count = store_index_session_count(made->index);
    size_t sessions = 0;

    assert_true(store_index_has_all_sessions(made->index));
    for (size_t i = 0; i < count; i++) {
        struct store_index_session session;
        store_index_session(made->index, i, &session);
        if (session.is_conversation || session.record_count == 0 || sessions++ % 16 != 0)
            continue;
        struct counting counting = {.session = session.id};
        count_lines(made, reader, &counting);
        assert_int_equal(session.record_count, counting.records);
        assert_int_equal(session.denied_count, counting.denied);
        assert_int_equal(session.failure_count, counting.failed);
        assert_int_equal(session.first_unix_ns, counting.first);
        assert_int_equal(session.last_unix_ns, counting.last);
    }
    assert_in_range(sessions, 20, count);
}

static void check_kinds(const struct made_index *made, struct store_record *reader)
{
    size_t kinds = 0;

    assert_true(store_index_has_all_tallies(made->index));
    for (size_t i = 0; i < store_index_tally_count(made->index); i++) {
        struct store_index_tally tally;
        store_index_tally(made->index, i, &tally);
        if (tally.fact != INDEX_FACT_KIND || kinds++ % 4 != 0)
            continue;
        struct counting counting = {.kind = tally.text};
        count_lines(made, reader, &counting);
        assert_int_equal(tally.count, counting.records);
    }
    assert_in_range(kinds, 10, 40);
}

static void test_contents_are_what_the_records_say(void **state)
{
    (void)state;
    struct made_index made;
    struct store_record *reader;
    struct store_corpus *corpus = store_corpus_create(5);

    made_index_begin(&made);
    for (size_t i = 0; i < LINES; i++) {
        store_corpus_next(corpus, &made.text, NULL);
        made_index_take_line(&made, 100000);
    }
    made_index_end(&made);
    store_corpus_destroy(corpus);
    assert_int_equal(store_record_create(&reader, &err), ST_OK);
    check_sessions(&made, reader);
    check_kinds(&made, reader);
    store_record_destroy(reader);
    made_index_fini(&made);
}

static void add_session(struct made_index *made, unsigned number, const char *value)
{
    char line[1024];
    int size = snprintf(line, sizeof(line),
                        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[]},\"scopeLogs\":[{"
                        "\"scope\":{\"attributes\":[]},\"logRecords\":[{\"timeUnixNano\":\"%u\","
                        "\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"agent.outcome\","
                        "\"value\":{\"stringValue\":\"denied\"}}]}},\"attributes\":["
                        "{\"key\":\"session.id\",\"value\":{\"stringValue\":\"sender's\"}},"
                        "{\"key\":\"x\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":"
                        "\"agent.norm.agent.norm.session.id\",\"value\":{\"stringValue\":"
                        "\"hidden\"}}]}}},"
                        "{\"key\":\"agent.norm.session.id\",\"value\":{\"stringValue\":"
                        "\"%s-%u\"}},{\"key\":\"session.id\",\"value\":{\"stringValue\":\"again\""
                        "}}]}]}]}]}\n",
                        number + 1, value, number);
    assert_int_equal(buf_append(&made->text, line, (size_t)size, &err), ST_OK);
    made_index_take_line(made, 100000);
}

/* As lookup.h reads a record: the longest chain of agent.norm., and nothing within values. */
static void test_what_a_sender_hides_in_values_is_not_counted(void **state)
{
    (void)state;
    struct made_index made;
    size_t with_records = 0;

    made_index_begin(&made);
    add_session(&made, 0, "ours");
    made_index_end(&made);
    for (size_t i = 0; i < store_index_session_count(made.index); i++) {
        struct store_index_session session;
        store_index_session(made.index, i, &session);
        if (session.record_count == 0)
            continue;
        with_records++;
        assert_true(slice_equal(session.id, SLICE("ours-0")));
        assert_int_equal(session.denied_count, 0);
    }
    assert_int_equal(with_records, 1);
    made_index_fini(&made);
}

static void test_more_sessions_than_there_is_room_for_are_told(void **state)
{
    (void)state;
    enum { SESSIONS_MAX = 1 << 14 };
    struct made_index made;

    made_index_begin(&made);
    for (unsigned i = 0; i < SESSIONS_MAX + 10; i++)
        add_session(&made, i, "one");
    made_index_end(&made);
    assert_false(store_index_has_all_sessions(made.index));
    assert_int_equal(store_index_session_count(made.index), SESSIONS_MAX);
    made_index_fini(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_are_what_the_records_say),
        cmocka_unit_test(test_what_a_sender_hides_in_values_is_not_counted),
        cmocka_unit_test(test_more_sessions_than_there_is_room_for_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
