/* SPDX-License-Identifier: Apache-2.0 */
/* retention_year_test.c -- a store for more than a year, by a clock that the test turns: each night
 * exactly those records are there that rules and holds leave, and what went is on record.
 *
 * The test has a model of its own: every record with its time, what it is, and the file it went to.
 * Each night the model is asked of each file, record by record, what is due. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_reader.h"
#include "support/file_store.h"
#include "support/made_record.h"
#include "support/proofs_found.h"
#include "telltale/hold.h"
#include "telltale/store_file.h"
#include "util/clock.h"
#include "wire/otlp.h"

#define HOUR_NS (UINT64_C(3600) * NS_PER_S)
#define DAY_NS  (24 * HOUR_NS)
#define BEGIN   (UINT64_C(20000) * DAY_NS)

enum {
    DAYS = 420,
    RECORDS_A_DAY = 6,
    RECORDS_MAX = DAYS * RECORDS_A_DAY + 1,
    MAX_AGE_DAYS = 180,
    ROTATE_HOURS = 12,
    TICKS_A_NIGHT = 80,
    RESTART_EVERY = 60,
    SESSION_DAYS = 5, /* how long one lasts */
    HOLDS = 3,
};

/* --- The world -------------------------------------------------------------------------------- */

enum what { PROMPT, TOOL, DENIED, RESPONSE, COMMAND, SESSION_END };

static const struct {
    const char *kind, *outcome;
} whats[] = {
    [PROMPT] = {"agent.prompt", "success"},   [TOOL] = {"agent.tool", "success"},
    [DENIED] = {"agent.approval", "denied"},  [RESPONSE] = {"agent.response", "success"},
    [COMMAND] = {"agent.command", "failure"}, [SESSION_END] = {"agent.session", "success"},
};

static const char *const secret_kinds[] = {"agent.prompt", "agent.response"};
static const char *const denied[] = {"denied"};
static const char *const short_sessions[] = {"session-number-0007", "session-number-0030"};

/* The first that fits counts: a denied approval of a short session goes with that. */
static const struct retention_rule rules[] = {
    {.name = "short", .sessions = {short_sessions, 2}, .keep_ns = 10 * DAY_NS},
    {.name = "secret", .kinds = {secret_kinds, 2}, .keep_ns = 30 * DAY_NS},
    {.name = "denied", .outcomes = {denied, 1}, .keep_ns = 300 * DAY_NS},
};

static const uint64_t keep_days[] = {10, 30, 300};

struct model_record {
    enum what what;
    unsigned session;
    uint64_t arrived_unix_ns;
    size_t file;
    bool is_there;
    bool was_told; /* that it is gone */
};

struct model_hold {
    unsigned from_day, to_day; /* in force from that night on; until before that one */
    bool is_in_force;
    struct hold hold;
};

struct world {
    struct file_store store;
    struct model_record records[RECORDS_MAX]; /* by sequence number, from 1 */
    uint64_t count;
    size_t file; /* that the next one goes to */
    uint64_t file_begun_unix_ns;
    bool file_has_lines;
    uint64_t slack_ns;
    struct model_hold holds[HOLDS];
    unsigned hold_notes, release_notes;
    uint64_t erased, deleted_files;
};

static uint64_t clock_ns;

static uint64_t read_clock(void)
{
    return clock_ns;
}

static unsigned session_of(unsigned day)
{
    return day / SESSION_DAYS;
}

/* --- The model -------------------------------------------------------------------------------- */

static uint64_t last_of_file(const struct world *world, size_t file)
{
    uint64_t last = 0;

    for (uint64_t i = 1; i <= world->count; i++) {
        if (world->records[i].file == file)
            last = world->records[i].arrived_unix_ns;
    }
    return last;
}

static uint64_t due_time(const struct world *world, const struct model_record *record)
{
    if (record->session == 7 || record->session == 30)
        return record->arrived_unix_ns + keep_days[0] * DAY_NS;
    if (record->what == PROMPT || record->what == RESPONSE)
        return record->arrived_unix_ns + keep_days[1] * DAY_NS;
    if (record->what == DENIED)
        return record->arrived_unix_ns + keep_days[2] * DAY_NS;
    return last_of_file(world, record->file) + MAX_AGE_DAYS * DAY_NS;
}

static bool is_held(const struct world *world, const struct model_record *record)
{
    bool held = false;

    if (world->holds[0].is_in_force)
        held = held || record->session == 12;
    if (world->holds[1].is_in_force)
        held = held || (record->arrived_unix_ns >= BEGIN + 100 * DAY_NS &&
                        record->arrived_unix_ns < BEGIN + 103 * DAY_NS);
    if (world->holds[2].is_in_force)
        held = held || (record->what == COMMAND && record->session >= 20 && record->session < 25);
    return held;
}

/* What a night does to one closed file. */
static void age_file(struct world *world, size_t file, uint64_t now)
{
    bool has_others = false;
    bool is_late = false;

    for (uint64_t i = 1; i <= world->count; i++) {
        struct model_record *record = &world->records[i];
        if (record->file != file || !record->is_there)
            continue;
        uint64_t due = due_time(world, record);
        has_others = has_others || is_held(world, record) || now <= due;
        is_late = is_late || (!is_held(world, record) && now > due + world->slack_ns);
    }
    for (uint64_t i = 1; i <= world->count; i++) {
        struct model_record *record = &world->records[i];
        if (record->file == file && !is_held(world, record) && now > due_time(world, record) &&
            (!has_others || is_late))
            record->is_there = false;
    }
}

/* --- What the exporter tells ------------------------------------------------------------------ */

static bool on_note(void *context, const char *exporter, const struct exporter_note *note)
{
    struct world *world = context;

    assert_string_equal(exporter, "file/test");
    if (strcmp(note->action, "hold") == 0)
        world->hold_notes++;
    if (strcmp(note->action, "release") == 0)
        world->release_notes++;
    bool is_erasure = strcmp(note->action, "erasure") == 0;
    if (!is_erasure && strcmp(note->action, "deletion") != 0)
        return true;
    assert_true(note->first > 0 && note->last >= note->first && note->last <= world->count);
    assert_true(strncmp(note->reason, "retention.", 10) == 0);
    assert_non_null(strstr(note->file, ".jsonl"));
    world->erased += is_erasure ? note->count : 0;
    world->deleted_files += !is_erasure;
    for (uint64_t i = note->first; i <= note->last; i++)
        world->records[i].was_told = true;
    return true;
}

/* --- A day ------------------------------------------------------------------------------------ */

static void put_record(struct made_record *made, const struct model_record *record)
{
    char uid[40];
    char session[32];
    uint64_t ms = record->arrived_unix_ns / NS_PER_MS;

    snprintf(uid, sizeof(uid), "%08llx-%04llx-7000-8000-000000000001",
             (unsigned long long)(ms >> 16), (unsigned long long)(ms & 0xffff));
    snprintf(session, sizeof(session), "session-number-%04u", record->session);
    /* An agent that says what it did was long ago gains nothing. */
    made_fixed64(made, RECORD_TIME_UNIX_NANO, 1000);
    made_text(made, "session.id", session);
    made_text(made, "log.record.uid", uid);
    made_text(made, "agent.event.kind", whats[record->what].kind);
    made_text(made, "agent.outcome", whats[record->what].outcome);
}

/* The exporter closes a file after the record that finds it too old. */
static void close_file_when_old(struct world *world)
{
    if (!world->file_has_lines || clock_ns - world->file_begun_unix_ns < ROTATE_HOURS * HOUR_NS)
        return;
    world->file++;
    world->file_has_lines = false;
}

static void send_record(struct world *world, unsigned day, enum what what)
{
    struct made_record made;
    struct model_record *record = &world->records[++world->count];

    *record = (struct model_record){.what = what,
                                    .session = session_of(day),
                                    .arrived_unix_ns = clock_ns,
                                    .file = world->file,
                                    .is_there = true};
    made_init(&made);
    put_record(&made, record);
    if (!world->file_has_lines)
        world->file_begun_unix_ns = clock_ns;
    world->file_has_lines = true;
    assert_int_equal(file_store_try_record(&world->store, world->count, buf_slice(&made.bytes)),
                     EXPORT_DONE);
    close_file_when_old(world);
    made_fini(&made);
}

static void change_holds(struct world *world, unsigned day)
{
    struct error err;
    int fd = openat(AT_FDCWD, world->store.path, O_RDONLY | O_DIRECTORY);

    assert_true(fd >= 0);
    for (size_t i = 0; i < HOLDS; i++) {
        struct model_hold *hold = &world->holds[i];
        if (hold->from_day == day)
            assert_int_equal(hold_add(fd, &hold->hold, &err), ST_OK);
        if (hold->to_day == day)
            assert_int_equal(
                hold_release(fd, hold->hold.id, "bob", "inquiry is over", clock_ns, &err), ST_OK);
        hold->is_in_force = day >= hold->from_day && day < hold->to_day;
    }
    close(fd);
}

static void compare(struct world *world, unsigned day)
{
    static bool found[RECORDS_MAX];
    struct store_reader *reader;
    struct store_line line;
    struct store_place place;
    struct error err;
    enum status st;

    memset(found, 0, sizeof(found));
    assert_int_equal(store_reader_open(world->store.path, NULL, &reader, &err), ST_OK);
    while ((st = store_reader_next(reader, &line, &err)) == ST_OK) {
        assert_true(store_line_place(line.text, &place));
        assert_true(place.sequence > 0 && place.sequence <= world->count);
        assert_false(found[place.sequence]);
        found[place.sequence] = true;
    }
    assert_int_equal(st, ST_AGAIN);
    store_reader_close(reader);
    for (uint64_t i = 1; i <= world->count; i++) {
        const struct model_record *record = &world->records[i];
        if (found[i] != record->is_there)
            fail_msg("day %u: record %u of day %u, %s, session %u, file %u is %s", day, (unsigned)i,
                     (unsigned)((record->arrived_unix_ns - BEGIN) / DAY_NS),
                     whats[record->what].kind, record->session, (unsigned)record->file,
                     found[i] ? "still there" : "gone");
        if (!found[i] && !record->was_told)
            fail_msg("day %u: nobody said that record %u went", day, (unsigned)i);
    }
}

static void night(struct world *world, unsigned day)
{
    clock_ns = BEGIN + day * DAY_NS + 23 * HOUR_NS;
    change_holds(world, day);
    for (int i = 0; i < TICKS_A_NIGHT; i++)
        file_store_tick(&world->store, 0);
    close_file_when_old(world);
    for (size_t file = 0; file < world->file; file++)
        age_file(world, file, clock_ns);
    compare(world, day);
    if (day % RESTART_EVERY == RESTART_EVERY - 1 && !world->file_has_lines) {
        file_store_stop(&world->store);
        file_store_start(&world->store);
    }
}

static void prepare(struct world *world)
{
    struct hold hold = {.made_unix_ns = BEGIN, .by = "alice", .reason = "inquiry"};

    world->holds[0] = (struct model_hold){.from_day = 62, .to_day = 280, .hold = hold};
    world->holds[1] = (struct model_hold){.from_day = 110, .to_day = 330, .hold = hold};
    world->holds[2] = (struct model_hold){.from_day = 130, .to_day = 1000, .hold = hold};
    for (size_t i = 0; i < HOLDS; i++)
        snprintf(world->holds[i].hold.id, HOLD_ID_SIZE, "case-%u", (unsigned)i);
    world->holds[0].hold.question.session = "session-number-0012";
    world->holds[1].hold.question.from_unix_ns = BEGIN + 100 * DAY_NS;
    world->holds[1].hold.question.to_unix_ns = BEGIN + 103 * DAY_NS;
    world->holds[2].hold.question.kinds = "command";
    world->holds[2].hold.question.grep = "session-number-002[0-4]";

    file_store_init(&world->store);
    world->store.read_clock = read_clock;
    world->store.notes = (struct exporter_notes){.context = world, .tell = on_note};
    file_store_set(&world->store, "rotate.age", ROTATE_HOURS * HOUR_NS);
    file_store_set(&world->store, "retention.max_age", MAX_AGE_DAYS * DAY_NS);
    file_store_set(&world->store, "retention.slack", world->slack_ns);
    file_store_set_rules(&world->store, rules, COUNT_OF(rules));
}

static void live(struct world *world)
{
    for (unsigned day = 0; day < DAYS; day++) {
        for (unsigned i = 0; i < RECORDS_A_DAY; i++) {
            clock_ns = BEGIN + day * DAY_NS + i * 4 * HOUR_NS;
            if (day == 0 && i == 0)
                file_store_start(&world->store);
            send_record(world, day, (enum what)i);
        }
        night(world, day);
    }
}

static void check_proofs(const struct world *world)
{
    struct proofs_found found;

    proofs_found_read(world->store.path, &found);
    if (found.trouble[0] != 0)
        fail_msg("%s", found.trouble);
    assert_int_equal(found.tree_size, world->count);
    assert_int_equal(found.uncovered, 0);
    assert_true(found.rewritten > 100 && found.erased > 100);
    assert_int_equal(found.deleted, world->deleted_files);
}

static void check_year(bool is_compressed, bool is_proved, uint64_t slack_ns)
{
    struct world *world = calloc(1, sizeof(*world));
    uint64_t left = 0;

    assert_non_null(world);
    world->slack_ns = slack_ns;
    prepare(world);
    file_store_set(&world->store, "compression", is_compressed);
    if (is_proved) {
        file_store_set(&world->store, "integrity.enabled", 1);
        file_store_set(&world->store, "integrity.checkpoint_interval", DAY_NS);
        file_store_set(&world->store, "integrity.heartbeat", DAY_NS);
        file_store_set(&world->store, "integrity.epoch", 30 * DAY_NS);
    }
    live(world);
    if (is_proved)
        check_proofs(world);
    for (uint64_t i = 1; i <= world->count; i++)
        left += world->records[i].is_there;
    print_message("%u records in %u files; %u left, %u erased, %u files deleted\n",
                  (unsigned)world->count, (unsigned)world->file + 1, (unsigned)left,
                  (unsigned)world->erased, (unsigned)world->deleted_files);
    assert_true(world->erased > 500 && world->deleted_files > 20);
    assert_int_equal(world->hold_notes, HOLDS);
    assert_int_equal(world->release_notes, HOLDS - 1);
    file_store_fini(&world->store);
    free(world);
}

static void test_a_year_of_compressed_files(void **state)
{
    (void)state;
    check_year(true, false, DAY_NS);
}

static void test_a_year_of_plain_files_without_slack(void **state)
{
    (void)state;
    check_year(false, false, 0);
}

static void test_a_year_can_be_proved(void **state)
{
    (void)state;
    check_year(true, true, DAY_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_year_of_compressed_files),
        cmocka_unit_test(test_a_year_of_plain_files_without_slack),
        cmocka_unit_test(test_a_year_can_be_proved),
    };
    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
