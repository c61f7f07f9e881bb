/* SPDX-License-Identifier: Apache-2.0 */
/* store_search_test.c -- whatever is asked, the answer is the same with indexes, without them, and
 * with damaged ones; only how much is read differs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "query/filter_plan.h"
#include "query/session_list.h"
#include "store/store_reader.h"
#include "store/store_record.h"
#include "support/file_store.h"
#include "support/filter_made.h"
#include "support/store_corpus.h"
#include "telltale/store_file.h"
#include "util/clock.h"

enum { FILES = 2, FILE_LINES = 600, TEXT_MAX = 64 << 20, UID_SIZE = 36 };

static struct file_store store;
static char session[CORPUS_ID_SIZE + 1];
static char uid[UID_SIZE + 1];
static char canary[CORPUS_CANARY_SIZE];

static void note_ids(const struct store_corpus_line *said, struct slice line)
{
    const struct slice before = SLICE("\"log.record.uid\",\"value\":{\"stringValue\":\"");

    if (said->sequence != FILE_LINES + 7)
        return;
    memcpy(session, said->session, sizeof(session));
    const uint8_t *found = memmem(line.data, line.size, before.data, before.size);
    assert_non_null(found);
    memcpy(uid, found + before.size, UID_SIZE);
}

static void write_plain_file(struct store_corpus *corpus, uint64_t first, struct buf *text)
{
    struct store_file_name name = {.first_sequence = first,
                                   .last_sequence = first + FILE_LINES - 1};
    char name_text[STORE_FILE_NAME_SIZE], path[sizeof(store.path) + STORE_FILE_NAME_SIZE];
    struct store_corpus_line said;

    buf_clear(text);
    for (size_t i = 0; i < FILE_LINES; i++) {
        size_t start = text->size;
        store_corpus_next(corpus, text, &said);
        note_ids(&said, slice_of(text->data + start, text->size - start));
        if (i == 0)
            name.begun_unix_s = said.unix_ns / NS_PER_S;
    }
    store_file_name_format(&name, name_text);
    snprintf(path, sizeof(path), "%s/%s", store.path, name_text);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(text->data, 1, text->size, file), text->size);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    struct store_corpus *corpus = store_corpus_create(7);
    struct buf text;

    buf_init(&text, TEXT_MAX);
    file_store_init(&store);
    file_store_set(&store, "compression", 1);
    file_store_set(&store, "index", 1);
    assert_int_equal(mkdir(store.path, 0700), 0);
    for (uint64_t i = 0; i < FILES; i++)
        write_plain_file(corpus, i * FILE_LINES + 1, &text);
    file_store_start(&store);
    file_store_compress_all(&store);
    file_store_stop(&store);
    (void)file_store_run_number(&store, "mkdir ../kept && cp *.idx ../kept/");
    store_corpus_canary(CORPUS_CANARY_EVERY, canary);
    store_corpus_destroy(corpus);
    buf_fini(&text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    file_store_fini(&store);
    return 0;
}

static void with_indexes(void)
{
    (void)file_store_run_number(&store, "cp ../kept/*.idx .");
    assert_int_equal(file_store_count(&store, ".idx"), FILES);
}

static void without_indexes(void)
{
    (void)file_store_run_number(&store, "rm -f ./*.idx");
}

/* --- Asking ---------------------------------------------------------------------------------- */

struct answer {
    uint64_t lines, records; /* that were given, and that match */
    uint64_t hash;           /* of the places and line numbers of those, in their order */
    uint64_t skipped_bytes;
};

struct asked {
    const struct query_filter *filter;
    uint64_t matches;
};

static enum status on_record(void *context, const struct store_record_view *view, struct error *err)
{
    struct asked *asked = context;
    const struct field_record seen = {.group = view->group, .view = view->record};

    (void)err;
    asked->matches += query_filter_matches(asked->filter, view->bytes, &seen);
    return ST_OK;
}

static void add_line(struct answer *answer, const struct store_line *line)
{
    struct store_place place;

    assert_true(store_line_place(line->text, &place));
    answer->records++;
    answer->hash = (answer->hash ^ place.sequence) * UINT64_C(0x100000001b3);
    answer->hash = (answer->hash ^ line->number) * UINT64_C(0x100000001b3);
}

static struct answer ask(const char *const *options)
{
    struct store_reader_options reading = {.thread_count = 4};
    struct answer answer = {.hash = 1};
    struct store_progress progress;
    struct filter_made made;
    struct store_reader *reader;
    struct store_record *record;
    struct store_plan *plan;
    struct store_line line;
    struct error err;

    filter_made_init(&made, options);
    assert_int_equal(filter_plan_create(&made.filter, &plan, &err), ST_OK);
    reading.plan = plan;
    assert_int_equal(store_record_create(&record, &err), ST_OK);
    assert_int_equal(store_reader_open(store.path, &reading, &reader, &err), ST_OK);
    while (store_reader_next(reader, &line, &err) == ST_OK) {
        struct asked asked = {.filter = &made.filter};
        answer.lines++;
        assert_int_equal(store_record_read(record, line.text, on_record, &asked, &err), ST_OK);
        if (asked.matches > 0)
            add_line(&answer, &line);
    }
    store_reader_progress(reader, &progress);
    assert_int_equal(progress.done_bytes, progress.total_bytes);
    answer.skipped_bytes = progress.skipped_bytes;
    store_reader_close(reader);
    store_record_destroy(record);
    store_plan_destroy(plan);
    filter_made_fini(&made);
    return answer;
}

static void expect_same(const char *const *options, struct answer expected)
{
    struct answer answer = ask(options);

    if (answer.records != expected.records || answer.hash != expected.hash)
        fail_msg("%s %s: %llu records, not %llu, or others", options[0], options[1],
                 (unsigned long long)answer.records, (unsigned long long)expected.records);
}

static void test_answers_are_the_same_with_and_without_indexes(void **state)
{
    (void)state;
    const char *const more[][3] = {
        {"session", session, NULL}, {"session", session + 28, NULL},
        {"text", session, NULL},    {"text", canary, NULL},
        {"word", canary, NULL},     {"text", uid, NULL},
        {"text", uid + 9, NULL},    {"grep", uid, NULL},
        {"word", "curl", NULL},     {"word", "https", NULL},
        {"word", "_", NULL},        {"grep", canary, NULL},
    };
    struct answer expected[100], found[COUNT_OF(more)];

    assert_true(filter_made_table_count <= COUNT_OF(expected));
    without_indexes();
    for (size_t i = 0; i < filter_made_table_count; i++) {
        expected[i] = ask(filter_made_table[i].options);
        assert_int_equal(expected[i].skipped_bytes, 0);
    }
    for (size_t i = 0; i < COUNT_OF(more); i++)
        found[i] = ask(more[i]);
    with_indexes();
    for (size_t i = 0; i < filter_made_table_count; i++)
        expect_same(filter_made_table[i].options, expected[i]);
    for (size_t i = 0; i < COUNT_OF(more); i++)
        expect_same(more[i], found[i]);
}

static void test_little_is_read_for_what_an_index_knows(void **state)
{
    (void)state;
    struct {
        const char *options[5];
        uint64_t records_min;
    } questions[] = {
        {{"where", NULL}, 1},
        {{"session", "no-such-session"}, 0},
        {{"tool", "no such tool"}, 0},
        {{"word", "nosuchword"}, 0},
        {{"text", "a nosuchword here"}, 0},
        {{"kind", "nosuchkind"}, 0},
        {{"user", "user1"}, 0},
        {{"since", "2027-01-01"}, 0},
        {{"until", "2026-09-21T14:13:21Z"}, 1},
    };
    char condition[64];

    with_indexes();
    snprintf(condition, sizeof(condition), "log.record.uid=%s", uid);
    questions[0].options[1] = condition;
    uint64_t size = file_store_run_number(&store, "cat ./*.zst | wc -c");
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        struct answer answer = ask(questions[i].options);
        assert_true(answer.records >= questions[i].records_min);
        if (answer.skipped_bytes < size / 2)
            fail_msg("%s %s: only %llu of %llu bytes are passed over", questions[i].options[0],
                     questions[i].options[1], (unsigned long long)answer.skipped_bytes,
                     (unsigned long long)size);
    }
}

/* A byte of each index is another one, at several places: the answers stay. */
static void test_a_damaged_index_changes_no_answer(void **state)
{
    (void)state;
    static const char *const options[] = {"tool", "exec_command", NULL};
    const char *const by_session[] = {"session", session, NULL};

    without_indexes();
    struct answer expected = ask(options), of_session = ask(by_session);
    assert_true(expected.records > 0 && of_session.records > 0);
    for (int at = 0; at < 16; at++) {
        char command[256];
        with_indexes();
        snprintf(command, sizeof(command),
                 "for f in *.idx; do s=$(stat -c %%s $f); printf '\\377' | dd of=$f bs=1 "
                 "seek=$((s * %d / 16)) conv=notrunc status=none; done",
                 at);
        (void)file_store_run_number(&store, command);
        expect_same(options, expected);
        expect_same(by_session, of_session);
        without_indexes();
    }
    with_indexes();
    (void)file_store_run_number(&store, "for f in *.idx; do truncate -s 1000 $f; done");
    expect_same(options, expected);
    without_indexes();
    with_indexes();
    (void)file_store_run_number(&store, "set -- *.idx; mv $1 x; mv $2 $1; mv x $2");
    expect_same(options, expected); /* each is that of another file */
    without_indexes();
}

struct read {
    size_t lines, problems;
    uint64_t hash; /* of what was read, in its order */
};

static struct read read_with(unsigned thread_count)
{
    static const char *const options[] = {"text", "a", NULL};
    struct store_reader_options reading = {.thread_count = thread_count};
    struct read read = {.hash = 1};
    struct filter_made made;
    struct store_reader *reader;
    struct store_plan *plan;
    struct store_line line;
    struct error err;
    enum status st;

    filter_made_init(&made, options);
    assert_int_equal(filter_plan_create(&made.filter, &plan, &err), ST_OK);
    reading.plan = plan;
    assert_int_equal(store_reader_open(store.path, &reading, &reader, &err), ST_OK);
    while ((st = store_reader_next(reader, &line, &err)) != ST_AGAIN) {
        assert_true(st == ST_OK || st == ST_CORRUPT);
        read.lines += st == ST_OK;
        read.problems += st != ST_OK;
        struct slice told = st == ST_OK ? line.text : slice_of_text(err.text);
        for (size_t i = 0; i < told.size; i++)
            read.hash = (read.hash ^ told.data[i]) * UINT64_C(0x100000001b3);
    }
    store_reader_close(reader);
    store_plan_destroy(plan);
    filter_made_fini(&made);
    return read;
}

static void test_damaged_frames_are_told_whoever_reads_them(void **state)
{
    (void)state;
    with_indexes();
    (void)file_store_run_number(
        &store, "mkdir kept && cp *.zst kept/ && for f in *.zst; do s=$(stat -c %s $f); for k in "
                "2 3 7; do printf zzzz | dd of=$f bs=1 seek=$((s * k / 10)) conv=notrunc "
                "status=none; done; done");
    struct read alone = read_with(1), together = read_with(4);
    (void)file_store_run_number(&store, "mv kept/*.zst . && rmdir kept");
    assert_int_equal(alone.problems, 3 * FILES);
    assert_true(alone.lines > FILES * FILE_LINES / 2);
    assert_int_equal(together.problems, alone.problems);
    assert_int_equal(together.lines, alone.lines);
    assert_int_equal(together.hash, alone.hash);
}

/* --- Sessions -------------------------------------------------------------------------------- */

static enum status list_record(void *context, const struct store_record_view *view,
                               struct error *err)
{
    const struct field_record seen = {.group = view->group, .view = view->record};

    return session_list_add(context, &seen, err);
}

static enum status list_index(void *context, const struct store_index *index, struct error *err)
{
    return session_list_add_index(context, index, err);
}

/* As JSON; *ret_lines: how many lines were read for it. */
static void list_sessions(struct buf *out, uint64_t *ret_lines)
{
    const struct query_filter everything = {.since_unix_ns = 0};
    struct page page = {.out = out, .status = ST_OK};
    struct session_list *list;
    struct store_reader *reader;
    struct store_record *record;
    struct store_plan *plan;
    struct store_line line;
    uint64_t left_out;
    struct error err;

    *ret_lines = 0;
    assert_int_equal(session_list_create(&list, &err), ST_OK);
    assert_int_equal(filter_plan_create(&everything, &plan, &err), ST_OK);
    assert_int_equal(store_record_create(&record, &err), ST_OK);
    const struct store_reader_options options = {
        .plan = plan, .on_index = list_index, .context = list};
    assert_int_equal(store_reader_open(store.path, &options, &reader, &err), ST_OK);
    while (store_reader_next(reader, &line, &err) == ST_OK) {
        ++*ret_lines;
        assert_int_equal(store_record_read(record, line.text, list_record, list, &err), ST_OK);
    }
    size_t count = session_list_finish(list, &left_out);
    assert_int_equal(left_out, 0);
    assert_int_equal(session_list_write(list, count, SESSION_JSON, &page, &err), ST_OK);
    store_reader_close(reader);
    store_record_destroy(record);
    store_plan_destroy(plan);
    session_list_destroy(list);
}

static void test_sessions_are_the_same_from_indexes_and_from_records(void **state)
{
    (void)state;
    struct buf read, told;
    uint64_t lines;

    buf_init(&read, TEXT_MAX);
    buf_init(&told, TEXT_MAX);
    without_indexes();
    list_sessions(&read, &lines);
    assert_int_equal(lines, FILES * FILE_LINES);
    with_indexes();
    list_sessions(&told, &lines);
    assert_int_equal(lines, 0);
    assert_true(read.size > 1000);
    assert_true(slice_equal(buf_slice(&read), buf_slice(&told)));
    buf_fini(&read);
    buf_fini(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_the_same_with_and_without_indexes),
        cmocka_unit_test(test_little_is_read_for_what_an_index_knows),
        cmocka_unit_test(test_a_damaged_index_changes_no_answer),
        cmocka_unit_test(test_damaged_frames_are_told_whoever_reads_them),
        cmocka_unit_test(test_sessions_are_the_same_from_indexes_and_from_records),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
