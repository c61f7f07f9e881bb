/* SPDX-License-Identifier: Apache-2.0 */
/* replay_test.c -- dead letters read back, and given to a destination that follows a script. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/letter.h"
#include "deliver/letter_file.h"
#include "deliver/replay.h"
#include "deliver/worker.h"
#include "support/fake_exporter.h"
#include "support/temp_dir.h"
#include "util/clock.h"

#define NAME     "fake.test"
#define EXPORTER "fake/test"

enum { PATH_SIZE = TEMP_DIR_PATH_MAX + 32, NUMBERS_MAX = 64 };

struct bench {
    struct temp_dir dir;
    struct dead_letter *letters;
    struct replay *replay;
    struct journal *journal;
    struct worker *worker;
    struct fake_exporter fake;
    uint64_t now_ns;
    struct error err;
};

static void open_letters(struct bench *bench)
{
    const struct dead_letter_settings settings = {.dir = bench->dir.path,
                                                  .name = NAME,
                                                  .exporter = EXPORTER,
                                                  .file_size = 1 << 20,
                                                  .total_size = 16 << 20};
    assert_int_equal(dead_letter_open(&settings, &bench->letters, &bench->err), ST_OK);
}

static int make_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    temp_dir_make(&bench->dir);
    fake_exporter_init(&bench->fake);
    open_letters(bench);
    *state = bench;
    return 0;
}

static void close_all(struct bench *bench)
{
    replay_close(bench->replay);
    bench->replay = NULL;
    dead_letter_close(bench->letters);
    bench->letters = NULL;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;

    worker_stop(bench->worker, 0);
    if (bench->journal != NULL)
        journal_close(bench->journal);
    close_all(bench);
    fake_exporter_fini(&bench->fake);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

/* --- Letters ---------------------------------------------------------------------------------- */

static const struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test"),
    .scope_logs_fields = SLICE("\x0a\x03\x0a\x01s"),
};

static void put_signal(struct bench *bench, enum signal signal, uint64_t sequence,
                       struct slice bytes)
{
    struct record_group own = group;
    const struct dead_letter_reason reason = {"rejected", "no \"way\"\n\xff", 3,
                                              UINT64_C(1790000000123456789)};
    const struct record record = {.sequence = sequence, .bytes = bytes};
    const struct batch batch = {.journal_id = {0xab, 0xcd},
                                .records = &record,
                                .record_count = 1,
                                .groups = &own,
                                .group_count = 1};

    own.signal = signal;
    assert_int_equal(dead_letter_put(bench->letters, &batch, 0, &reason, &bench->err), ST_OK);
    assert_int_equal(dead_letter_sync(bench->letters, &bench->err), ST_OK);
}

static void put(struct bench *bench, uint64_t sequence, struct slice bytes)
{
    put_signal(bench, SIGNAL_LOGS, sequence, bytes);
}

static void put_some(struct bench *bench, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        put(bench, i, SLICE("\x2a\x07\x0a\x05hello"));
}

/* Appends bytes to a file of the directory, as somebody else might. */
static void append_bytes(struct bench *bench, const char *name, const void *bytes, size_t size)
{
    int fd = openat(bench->dir.fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    (void)close(fd);
}

static void append_text(struct bench *bench, const char *name, const char *text)
{
    append_bytes(bench, name, text, strlen(text));
}

static bool exists(struct bench *bench, const char *name)
{
    return faccessat(bench->dir.fd, name, F_OK, 0) == 0;
}

/* The sequence numbers of all letters in all files, in their order, as "1 2 3". */
static const char *numbers(struct bench *bench)
{
    static char text[NUMBERS_MAX * 8];
    struct letter_file_list files;
    struct letter_lines lines;
    struct letter_texts texts;
    struct letter_line line;
    struct letter letter;
    size_t used = 0;

    text[0] = 0;
    letter_lines_init(&lines, &disk_io_system);
    letter_texts_init(&texts);
    assert_int_equal(letter_files_list(&disk_io_system, bench->dir.fd, NULL, &files, &bench->err),
                     ST_OK);
    for (size_t i = 0; i < files.count; i++) {
        assert_int_equal(letter_lines_open(&lines, bench->dir.fd, files.names[i], &bench->err),
                         ST_OK);
        while (letter_lines_next(&lines, &line, &bench->err) == ST_OK) {
            if (letter_read(line.text, &texts, &letter, &bench->err) == ST_OK)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u",
                                         used > 0 ? " " : "", (unsigned)letter.sequence);
        }
    }
    letter_files_free(&files);
    letter_texts_fini(&texts);
    letter_lines_fini(&lines);
    return text;
}

/* --- Reading ---------------------------------------------------------------------------------- */

struct reading {
    struct letter_lines lines;
    struct letter_line line;
    struct letter_texts texts;
    struct letter letter;
    struct letter_record record;
};

static void begin_reading(struct bench *bench, struct reading *reading)
{
    letter_lines_init(&reading->lines, &disk_io_system);
    letter_texts_init(&reading->texts);
    letter_record_init(&reading->record);
    assert_int_equal(letter_lines_open(&reading->lines, bench->dir.fd, NAME ".jsonl", &bench->err),
                     ST_OK);
}

static void end_reading(struct reading *reading)
{
    letter_lines_fini(&reading->lines);
    letter_texts_fini(&reading->texts);
    letter_record_fini(&reading->record);
}

/* The next line as a letter. */
static enum status read_one(struct bench *bench, struct reading *reading)
{
    enum status st = letter_lines_next(&reading->lines, &reading->line, &bench->err);
    if (st != ST_OK)
        return st;
    st = letter_read(reading->line.text, &reading->texts, &reading->letter, &bench->err);
    if (st != ST_OK)
        return st;
    return letter_record_read(&reading->record, &reading->letter, &bench->err);
}

static void assert_slice(struct slice got, struct slice wanted)
{
    assert_int_equal(got.size, wanted.size);
    if (wanted.size > 0)
        assert_memory_equal(got.data, wanted.data, wanted.size);
}

static void test_a_letter_is_read_as_it_was_written(void **state)
{
    static const uint8_t journal_id[JOURNAL_ID_SIZE] = {0xab, 0xcd};
    struct bench *bench = *state;
    struct reading reading;

    put(bench, 41, SLICE("\x2a\x07\x0a\x05hello"));
    begin_reading(bench, &reading);
    assert_int_equal(read_one(bench, &reading), ST_OK);
    const struct letter *letter = &reading.letter;
    assert_slice(letter->exporter, SLICE(EXPORTER));
    assert_slice(letter->reason, SLICE("rejected"));
    assert_slice(letter->message, SLICE("no \"way\"\n\xef\xbf\xbd"));
    assert_int_equal(letter->sequence, 41);
    assert_int_equal(letter->attempts, 3);
    assert_true(letter->unix_ns == UINT64_C(1790000000123456789));
    assert_memory_equal(letter->journal_id, journal_id, sizeof(journal_id));
    assert_slice(reading.record.record.bytes, SLICE("\x2a\x07\x0a\x05hello"));
    assert_slice(reading.record.group.resource_logs_fields, group.resource_logs_fields);
    assert_slice(reading.record.group.scope_logs_fields, group.scope_logs_fields);
    struct batch batch = letter_record_batch(&reading.record, letter);
    assert_int_equal(batch.record_count, 1);
    assert_int_equal(batch.records[0].sequence, 41);
    assert_memory_equal(batch.journal_id, journal_id, sizeof(journal_id));
    assert_int_equal(read_one(bench, &reading), ST_AGAIN);
    end_reading(&reading);
}

static void test_letters_of_spans_and_metrics_come_back_as_what_they_were(void **state)
{
    static const struct {
        enum signal signal;
        struct slice bytes;
    } records[] = {
        {SIGNAL_TRACES, SLICE("\x12\x08"
                              "12345678\x2a\x04"
                              "chat\x30\x03\x4a\x07\x0a\x01k\x12\x02\x18\x05\x7a\x02\x18\x02")},
        {SIGNAL_METRICS, SLICE("\x0a\x01m\x3a\x0f\x0a\x09\x31\x07\0\0\0\0\0\0\0\x10\x02\x18\x01")},
        {SIGNAL_TRACES, SLICE("\xff\xff broken")}, /* has no JSON form */
        {SIGNAL_LOGS, SLICE("\x2a\x07\x0a\x05hello")},
    };
    struct bench *bench = *state;
    struct reading reading;

    for (size_t i = 0; i < COUNT_OF(records); i++)
        put_signal(bench, records[i].signal, i + 1, records[i].bytes);
    begin_reading(bench, &reading);
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        assert_int_equal(read_one(bench, &reading), ST_OK);
        assert_int_equal(reading.letter.signal, records[i].signal);
        assert_slice(reading.record.record.bytes, records[i].bytes);
        struct batch batch = letter_record_batch(&reading.record, &reading.letter);
        assert_int_equal(batch_signal(&batch), records[i].signal);
        if (reading.letter.otlp.size > 0)
            assert_slice(reading.record.group.scope_logs_fields, group.scope_logs_fields);
    }
    end_reading(&reading);
}

static void test_a_letter_in_base64_gives_its_bytes(void **state)
{
    struct bench *bench = *state;
    struct reading reading;

    put(bench, 1, SLICE("\xff\xff broken\0 bytes"));
    put(bench, 2, SLICE_EMPTY);
    begin_reading(bench, &reading);
    assert_int_equal(read_one(bench, &reading), ST_OK);
    assert_slice(reading.record.record.bytes, SLICE("\xff\xff broken\0 bytes"));
    assert_int_equal(reading.record.group.resource_logs_fields.size, 0);
    assert_int_equal(read_one(bench, &reading), ST_OK);
    assert_int_equal(reading.record.record.bytes.size, 0);
    end_reading(&reading);
}

static void test_a_torn_last_line_is_no_letter(void **state)
{
    struct bench *bench = *state;

    put_some(bench, 1, 2);
    append_text(bench, NAME ".jsonl", "{\"time\":\"2026-");
    assert_string_equal(numbers(bench), "1 2");
}

#define HEAD                                                                                       \
    "{\"time\":\"2026-11-20T22:23:31Z\",\"exporter\":\"e\",\"reason\":\"r\",\"message\":\"\","     \
    "\"attempts\":1,\"journal\":\"00000000000000000000000000000000\","

static void test_lines_that_are_no_letters_are_told_apart(void **state)
{
    static const char *const lines[] = {
        "",
        "{}",
        "[1]",
        "nonsense",
        HEAD "\"sequence\":1}",                                    /* no record */
        HEAD "\"sequence\":1,\"otlp\":{},\"record_base64\":\"\"}", /* two */
        HEAD "\"sequence\":-1,\"record_base64\":\"\"}",
        HEAD "\"sequence\":1.5,\"record_base64\":\"\"}",
        HEAD "\"sequence\":99999999999999999999,\"record_base64\":\"\"}",
        HEAD "\"sequence\":1,\"record_base64\":7}",
        HEAD "\"sequence\":1,\"otlp\":[]}",
        HEAD "\"sequence\":1,\"time\":\"soon\",\"record_base64\":\"\"}",
        HEAD "\"sequence\":1,\"journal\":\"0\",\"record_base64\":\"\"}",
        HEAD "\"sequence\":1,\"record_base64\":\"\"} behind",
        HEAD "\"record_base64\":\"\"}",
    };
    struct bench *bench = *state;
    struct letter_texts texts;
    struct letter letter;

    letter_texts_init(&texts);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(letter_read(slice_of_text(lines[i]), &texts, &letter, &bench->err),
                         ST_INVALID);
    }
    const char *good = HEAD "\"unknown\":[{}], \"sequence\" : 7, \"record_base64\":\"\"}";
    assert_int_equal(letter_read(slice_of_text(good), &texts, &letter, &bench->err), ST_OK);
    assert_int_equal(letter.sequence, 7);
    good = "{\"time\":\"2026-11-20T22:23:31Z\",\"exporter\":\"e\",\"reason\":\"r\",\"sequence\":8,"
           "\"journal\":\"00000000000000000000000000000000\",\"record_base64\":\"\"}";
    assert_int_equal(letter_read(slice_of_text(good), &texts, &letter, &bench->err), ST_OK);
    assert_slice(letter.message, SLICE("")); /* the least that makes a letter */
    letter_texts_fini(&texts);
}

static void test_a_letter_holds_one_record(void **state)
{
    static const char *const records[] = {
        "\"otlp\":{}}",
        "\"otlp\":{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{},{}]}]}]}}",
        "\"otlp\":{\"resourceLogs\":7}}",
        "\"record_base64\":\"!\"}",
    };
    struct bench *bench = *state;
    struct letter_texts texts;
    struct letter_record record;
    struct letter letter;

    letter_texts_init(&texts);
    letter_record_init(&record);
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        char line[512];
        snprintf(line, sizeof(line), "%s\"sequence\":1,%s", HEAD, records[i]);
        assert_int_equal(letter_read(slice_of_text(line), &texts, &letter, &bench->err), ST_OK);
        assert_int_not_equal(letter_record_read(&record, &letter, &bench->err), ST_OK);
    }
    letter_record_fini(&record);
    letter_texts_fini(&texts);
}

static void test_a_huge_line_is_passed_over_in_bounded_memory(void **state)
{
    enum { CHUNK = 1 << 20, CHUNKS = LETTER_LINE_MAX / CHUNK + 3 };
    struct bench *bench = *state;
    struct reading reading;

    put_some(bench, 1, 1);
    char *chunk = malloc(CHUNK);
    memset(chunk, ' ', CHUNK);
    for (size_t i = 0; i < CHUNKS; i++)
        append_bytes(bench, NAME ".jsonl", chunk, CHUNK);
    free(chunk);
    append_text(bench, NAME ".jsonl", "\n" HEAD "\"sequence\":3,\"record_base64\":\"\"}\n");

    begin_reading(bench, &reading);
    assert_int_equal(read_one(bench, &reading), ST_OK);
    uint64_t end = reading.line.end;
    assert_int_equal(read_one(bench, &reading), ST_LIMIT);
    assert_int_equal(read_one(bench, &reading), ST_OK);
    assert_int_equal(reading.letter.sequence, 3);
    assert_true(reading.line.start == end + (uint64_t)CHUNK * CHUNKS + 1);
    assert_int_equal(read_one(bench, &reading), ST_AGAIN);
    assert_true(reading.lines.window.capacity <= (size_t)LETTER_LINE_MAX * 2);
    end_reading(&reading);
}

/* --- The replay itself ------------------------------------------------------------------------ */

static void open_replay(struct bench *bench)
{
    const struct replay_settings settings = {
        .dir = bench->dir.path, .name = NAME, .exporter = EXPORTER, .letters = bench->letters};
    assert_int_equal(replay_open(&settings, &bench->replay, &bench->err), ST_OK);
}

static void ask(struct bench *bench, const uint64_t *sequences, size_t count)
{
    assert_int_equal(replay_ask(NULL, bench->dir.path, NAME, sequences, count, &bench->err), ST_OK);
}

/* The sequence number of the next letter, which stays unsettled; 0: there is none. */
static uint64_t next(struct bench *bench)
{
    struct batch batch;

    bench->now_ns += 60 * NS_PER_S;
    assert_true(replay_is_due(bench->replay, bench->now_ns));
    assert_int_equal(replay_next(bench->replay, bench->now_ns, &batch, &bench->err), ST_OK);
    assert_true(batch.record_count <= 1);
    return batch.record_count == 1 ? batch.records[0].sequence : 0;
}

static void expect(struct bench *bench, uint64_t sequence)
{
    assert_int_equal(next(bench), sequence);
    replay_settle(bench->replay);
}

static void test_without_a_request_nothing_is_sent_or_changed(void **state)
{
    struct bench *bench = *state;

    put_some(bench, 1, 2);
    open_replay(bench);
    assert_int_equal(next(bench), 0);
    assert_false(replay_is_due(bench->replay, bench->now_ns));
    assert_true(exists(bench, NAME ".jsonl"));
    assert_false(exists(bench, NAME ".1.jsonl"));
}

static void test_all_letters_of_all_files_are_given_once(void **state)
{
    struct bench *bench = *state;

    put_some(bench, 1, 2);
    assert_int_equal(dead_letter_set_aside(bench->letters, &bench->err), ST_OK);
    put_some(bench, 3, 4);
    ask(bench, NULL, 0);
    open_replay(bench);
    for (uint64_t i = 1; i <= 4; i++)
        expect(bench, i);
    assert_int_equal(next(bench), 0);
    assert_false(replay_is_asked(bench->dir.path, NAME));
    assert_string_equal(numbers(bench), "");
    assert_false(exists(bench, NAME ".1.jsonl"));
    put_some(bench, 5, 5);
    assert_int_equal(next(bench), 0); /* that was not asked for */
    assert_string_equal(numbers(bench), "5");
}

static void test_chosen_letters_leave_the_others_and_what_is_no_letter(void **state)
{
    static const uint64_t chosen[] = {4, 2, 77};
    struct bench *bench = *state;

    put_some(bench, 1, 3);
    append_text(bench, NAME ".jsonl", "not a letter\n");
    put_some(bench, 4, 5);
    append_text(bench, NAME ".jsonl", "{\"torn");
    ask(bench, chosen, COUNT_OF(chosen));
    close_all(bench);
    open_letters(bench);
    open_replay(bench);
    expect(bench, 2);
    expect(bench, 4);
    assert_int_equal(next(bench), 0);
    assert_string_equal(numbers(bench), "1 3 5");
    char text[4096] = "";
    int fd = openat(bench->dir.fd, NAME ".1.jsonl", O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    (void)close(fd);
    assert_non_null(strstr(text, "\nnot a letter\n"));
    assert_non_null(strstr(text, "\n{\"torn\n"));
    assert_false(exists(bench, NAME ".1.jsonl.new"));
}

static void test_a_crash_in_the_middle_repeats_the_file_and_loses_nothing(void **state)
{
    struct bench *bench = *state;

    put_some(bench, 1, 3);
    ask(bench, NULL, 0);
    open_replay(bench);
    expect(bench, 1);
    assert_int_equal(next(bench), 2); /* under way */
    close_all(bench);                 /* without saving */
    assert_string_equal(numbers(bench), "1 2 3");
    assert_true(replay_is_asked(bench->dir.path, NAME));
    open_letters(bench);
    open_replay(bench);
    for (uint64_t i = 1; i <= 3; i++)
        expect(bench, i);
    assert_int_equal(next(bench), 0);
    assert_string_equal(numbers(bench), "");
}

static void test_a_stop_in_the_middle_keeps_what_is_settled(void **state)
{
    struct bench *bench = *state;

    put_some(bench, 1, 3);
    ask(bench, NULL, 0);
    open_replay(bench);
    expect(bench, 1);
    assert_int_equal(next(bench), 2); /* under way */
    assert_int_equal(replay_save(bench->replay, &bench->err), ST_OK);
    close_all(bench);
    assert_string_equal(numbers(bench), "2 3");
    open_letters(bench);
    open_replay(bench);
    expect(bench, 2);
    expect(bench, 3);
    assert_int_equal(next(bench), 0);
    assert_string_equal(numbers(bench), "");
}

static void test_a_letter_that_is_refused_again_is_kept_and_not_given_twice(void **state)
{
    struct bench *bench = *state;

    put_some(bench, 1, 2);
    ask(bench, NULL, 0);
    open_replay(bench);
    assert_int_equal(next(bench), 1);
    put_some(bench, 1, 1); /* what the worker does */
    replay_settle(bench->replay);
    expect(bench, 2);
    assert_int_equal(next(bench), 0);
    assert_string_equal(numbers(bench), "1");
}

static void test_a_file_of_somebody_else_is_left_as_it_is(void **state)
{
    struct bench *bench = *state;

    append_text(bench, NAME ".1.jsonl", HEAD "\"sequence\":9,\"record_base64\":\"\"}\n");
    ask(bench, NULL, 0);
    open_replay(bench);
    assert_int_equal(next(bench), 0);
    assert_string_equal(numbers(bench), "9");
    assert_false(replay_is_asked(bench->dir.path, NAME));
}

static void test_one_request_at_a_time(void **state)
{
    struct bench *bench = *state;

    ask(bench, NULL, 0);
    assert_int_equal(replay_ask(NULL, bench->dir.path, NAME, NULL, 0, &bench->err), ST_AGAIN);
    open_replay(bench);
    assert_int_equal(next(bench), 0);
    ask(bench, NULL, 0);
}

static void test_a_request_that_makes_no_sense_is_put_aside(void **state)
{
    static const char *const requests[] = {"1\ntwo\n", "-1\n", "99999999999999999999\n", "\n"};
    struct bench *bench = *state;
    struct batch batch;

    put_some(bench, 1, 1);
    open_replay(bench);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        append_text(bench, NAME ".replay", requests[i]);
        bench->now_ns += 60 * NS_PER_S;
        assert_int_equal(replay_next(bench->replay, bench->now_ns, &batch, &bench->err),
                         ST_INVALID);
        assert_int_equal(batch.record_count, 0);
        assert_false(exists(bench, NAME ".replay"));
        assert_true(exists(bench, NAME ".replay.bad"));
    }
    assert_string_equal(numbers(bench), "1");
    ask(bench, NULL, 0);
    expect(bench, 1);
}

/* --- A worker --------------------------------------------------------------------------------- */

static void start_worker(struct bench *bench)
{
    const struct worker_settings settings = {
        .name = EXPORTER,
        .cursor_dir = bench->dir.path,
        .dead_letter_dir = bench->dir.path,
        .ops = &fake_exporter_ops,
        .config = &bench->fake,
        .state_dir = bench->dir.path,
        .batch_size_max = 1 << 20,
        .batch_count_max = 8,
        .lanes_max = 4,
        .timeout_ns = 60 * NS_PER_S,
        .retry_initial_ns = NS_PER_MS,
        .retry_max_ns = 4 * NS_PER_MS,
    };
    char dir[PATH_SIZE];

    close_all(bench);
    snprintf(dir, sizeof(dir), "%s/journal", bench->dir.path);
    const struct journal_settings journal = {
        .dir = dir, .size_max = 64 << 20, .segment_size = 1 << 20, .pending_bytes_max = 16 << 20};
    struct journal_recovery recovery;
    if (bench->journal == NULL)
        assert_int_equal(journal_open(&journal, &bench->journal, &recovery, &bench->err), ST_OK);
    assert_int_equal(worker_start(&settings, bench->journal, &bench->worker, &bench->err), ST_OK);
}

static void stop_worker(struct bench *bench)
{
    worker_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    bench->worker = NULL;
}

static void test_a_worker_sends_letters_until_they_are_taken(void **state)
{
    static const struct fake_answer answers[] = {
        {.result = EXPORT_RETRY}, {.result = EXPORT_DONE}, {.result = EXPORT_RETRY}};
    struct bench *bench = *state;

    put_some(bench, 1, 3);
    ask(bench, NULL, 0);
    fake_exporter_script(&bench->fake, answers, COUNT_OF(answers));
    start_worker(bench);
    fake_exporter_wait_delivered(&bench->fake, 3);
    stop_worker(bench);
    for (size_t i = 1; i <= 3; i++)
        assert_int_equal(bench->fake.delivered[i], 1);
    assert_string_equal(numbers(bench), "");
}

static void test_a_worker_makes_new_letters_of_what_is_refused_again(void **state)
{
    struct bench *bench = *state;
    struct worker_status status;

    put_some(bench, 1, 4);
    ask(bench, NULL, 0);
    bench->fake.poison[2] = true;
    start_worker(bench);
    fake_exporter_wait_delivered(&bench->fake, 3);
    worker_read_status(bench->worker, &status);
    assert_int_equal(status.dead_letter_records, 1);
    stop_worker(bench);
    assert_int_equal(bench->fake.call_count, 4); /* each alone, the poison too */
    assert_int_equal(bench->fake.delivered[2], 0);
    assert_string_equal(numbers(bench), "2");
}

static void test_a_worker_that_stops_in_the_middle_goes_on_where_it_was(void **state)
{
    static const struct fake_answer answers[] = {{.result = EXPORT_DONE}};
    struct bench *bench = *state;

    put_some(bench, 1, 3);
    ask(bench, NULL, 0);
    fake_exporter_script(&bench->fake, answers, COUNT_OF(answers));
    fake_exporter_always_retry(&bench->fake, true);
    start_worker(bench);
    fake_exporter_wait_calls(&bench->fake, 3);
    stop_worker(bench);
    assert_string_equal(numbers(bench), "2 3");
    fake_exporter_always_retry(&bench->fake, false);
    start_worker(bench);
    fake_exporter_wait_delivered(&bench->fake, 3);
    stop_worker(bench);
    for (size_t i = 1; i <= 3; i++)
        assert_int_equal(bench->fake.delivered[i], 1);
    assert_string_equal(numbers(bench), "");
}

#define REPLAY_TEST(test) cmocka_unit_test_setup_teardown(test, make_bench, drop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPLAY_TEST(test_a_letter_is_read_as_it_was_written),
        REPLAY_TEST(test_letters_of_spans_and_metrics_come_back_as_what_they_were),
        REPLAY_TEST(test_a_letter_in_base64_gives_its_bytes),
        REPLAY_TEST(test_a_torn_last_line_is_no_letter),
        REPLAY_TEST(test_lines_that_are_no_letters_are_told_apart),
        REPLAY_TEST(test_a_letter_holds_one_record),
        REPLAY_TEST(test_a_huge_line_is_passed_over_in_bounded_memory),
        REPLAY_TEST(test_without_a_request_nothing_is_sent_or_changed),
        REPLAY_TEST(test_all_letters_of_all_files_are_given_once),
        REPLAY_TEST(test_chosen_letters_leave_the_others_and_what_is_no_letter),
        REPLAY_TEST(test_a_crash_in_the_middle_repeats_the_file_and_loses_nothing),
        REPLAY_TEST(test_a_stop_in_the_middle_keeps_what_is_settled),
        REPLAY_TEST(test_a_letter_that_is_refused_again_is_kept_and_not_given_twice),
        REPLAY_TEST(test_a_file_of_somebody_else_is_left_as_it_is),
        REPLAY_TEST(test_one_request_at_a_time),
        REPLAY_TEST(test_a_request_that_makes_no_sense_is_put_aside),
        REPLAY_TEST(test_a_worker_sends_letters_until_they_are_taken),
        REPLAY_TEST(test_a_worker_makes_new_letters_of_what_is_refused_again),
        REPLAY_TEST(test_a_worker_that_stops_in_the_middle_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
