/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_test.c -- what is gathered from a store proves itself, whichever records are asked for,
 * and the bundle that comes of it is right by its own programs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bundle/bundle.h"
#include "support/proved_store.h"
#include "telltale/merkle_proof.h"

enum { LINES_MAX = 64, COMMAND_SIZE = 2048, CHOICES = 200, EPOCH_MIDDLE = 3, EPOCH_LAST = 5 };

/* The lines whose number in the journal has its bit set; files without one are not to be read. */
struct choice {
    uint64_t sequences;
    size_t passed_by;
};

static bool has(const struct choice *choice, uint64_t sequence)
{
    assert_in_range(sequence, 0, LINES_MAX - 1);
    return (choice->sequences >> sequence & 1) != 0;
}

static enum status matches(void *context, struct slice line, bool *ret, struct error *err)
{
    struct store_place place;

    (void)err;
    assert_true(store_line_place(line, &place));
    *ret = has(context, place.sequence);
    return ST_OK;
}

static bool may_match(void *context, int dir_fd, const struct store_file_name *name)
{
    struct choice *choice = context;

    (void)dir_fd;
    for (uint64_t i = name->first_sequence; i <= name->last_sequence; i++) {
        if (has(choice, i))
            return true;
    }
    choice->passed_by++;
    return false;
}

static void gather(const struct proved_store *store, struct choice *choice, struct evidence *ret)
{
    char key[NOTE_VKEY_SIZE];
    const char *keys[] = {key};
    struct evidence_options options = {.store_dir = store->path,
                                       .keys = keys,
                                       .key_count = 1,
                                       .matches = matches,
                                       .may_match = may_match,
                                       .context = choice};
    struct error err;

    proved_store_first_key(store, key);
    evidence_init(ret);
    if (evidence_gather(ret, &options, &err) != ST_OK)
        fail_msg("%s", err.text);
}

/* Five files: compressed, with an erased line, deleted, plain, active; keys of several epochs. */
static void fill(struct proved_store *store)
{
    proved_store_init(store);
    proved_store_write(store, 5);
    proved_store_close(store);
    proved_store_compress(store, 2);
    proved_store_evolve(store);
    proved_store_write(store, 7);
    proved_store_checkpoint(store);
    proved_store_evolve(store);
    proved_store_write(store, 3);
    proved_store_close(store);
    proved_store_erase(store, 4);
    proved_store_write(store, 4);
    proved_store_close(store);
    proved_store_delete(store, store->last_base);
    proved_store_evolve(store);
    proved_store_write(store, 3);
    proved_store_close(store);
    proved_store_evolve(store);
    proved_store_write(store, 6);
    proved_store_checkpoint(store);
    proved_store_evolve(store);
    proved_store_write(store, 2);
}

/* The proved records stand in the tree that was signed. */
static void expect_proved(const struct evidence *evidence)
{
    uint64_t indices[LINES_MAX];
    struct hash leaves[LINES_MAX];
    struct hash nodes[LINES_MAX * 8];
    size_t count = 0;
    struct error err;

    for (size_t i = 0; i < evidence->count; i++) {
        const struct evidence_record *record = &evidence->records[i];
        if (record->why != NULL)
            continue;
        indices[count] = record->index;
        store_leaf_of_salted_line(&record->salt, record->sequence,
                                  slice_of(evidence->lines.data + record->start, record->size - 1),
                                  &leaves[count++]);
    }
    assert_int_equal(count, evidence->proved_count);
    assert_true(evidence->nodes.size <= sizeof(nodes));
    if (count == 0)
        return;
    if (evidence->nodes.size > 0)
        memcpy(nodes, evidence->nodes.data, evidence->nodes.size);
    if (merkle_check_set(indices, leaves, count, evidence->checkpoint.size, nodes,
                         evidence->nodes.size / sizeof(nodes[0]), &evidence->checkpoint.root,
                         &err) != ST_OK)
        fail_msg("%s", err.text);
}

static void test_whatever_is_asked_for_is_proved(void **state)
{
    (void)state;
    struct proved_store store;
    struct evidence evidence;
    size_t passed_by = 0, proved = 0;

    srandom(7);
    fill(&store);
    for (int i = 0; i < CHOICES; i++) {
        struct choice choice = {.sequences = (uint64_t)random() << 31 ^ (uint64_t)random()};
        for (int thinner = i % 4; thinner > 0; thinner--)
            choice.sequences &= (uint64_t)random() << 31 ^ (uint64_t)random();
        gather(&store, &choice, &evidence);
        assert_string_equal(evidence.why, "");
        assert_false(evidence.is_unsettled);
        assert_int_equal(evidence.deleted_files, 1);
        assert_int_equal(evidence.deleted_lines, 4);
        assert_int_equal(evidence.erased_lines, 1);
        expect_proved(&evidence);
        proved += evidence.proved_count;
        passed_by += choice.passed_by;
        evidence_fini(&evidence);
    }
    assert_in_range(passed_by, 1, CHOICES * 4);
    assert_in_range(proved, CHOICES, CHOICES * LINES_MAX);
    proved_store_fini(&store);
}

static void test_all_lines_that_are_there_are_given_once(void **state)
{
    (void)state;
    struct proved_store store;
    struct evidence evidence;
    struct choice choice = {.sequences = UINT64_MAX};

    fill(&store);
    gather(&store, &choice, &evidence);
    assert_int_equal(evidence.count, 5 + 9 + 3 + 8);
    assert_int_equal(evidence.proved_count, 5 + 9 + 3 + 6);
    for (size_t i = 1; i < evidence.count; i++)
        assert_true(evidence.records[i].sequence > evidence.records[i - 1].sequence);
    assert_non_null(strstr(evidence.records[evidence.count - 1].why, "no checkpoint"));
    evidence_fini(&evidence);
    proved_store_fini(&store);
}

static void test_a_file_that_was_changed_proves_nothing_and_the_others_do(void **state)
{
    (void)state;
    struct proved_store store;
    struct evidence evidence;
    struct choice choice = {.sequences = UINT64_MAX};
    char path[PROVED_STORE_PATH_SIZE];
    struct stat info;

    fill(&store);
    (void)snprintf(path, sizeof(path), "%s/%s.jsonl", store.path, store.last_base);
    assert_int_equal(stat(path, &info), 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "?", 1, 20), 1);
    (void)close(fd);
    gather(&store, &choice, &evidence);
    assert_true(evidence.is_unsettled);
    assert_int_equal(evidence.damaged_files, 1);
    assert_int_equal(evidence.count, 5 + 9 + 3 + 8);
    assert_int_equal(evidence.proved_count, 5 + 9 + 6);
    expect_proved(&evidence);
    evidence_fini(&evidence);
    proved_store_fini(&store);
}

/* --- The bundle ------------------------------------------------------------------------------ */

static int run(const char *format, ...) PRINTF_LIKE(1, 2);

static int run(const char *format, ...)
{
    char command[COMMAND_SIZE];
    va_list args;

    va_start(args, format);
    assert_in_range(vsnprintf(command, sizeof(command), format, args), 1, sizeof(command) - 1);
    va_end(args);
    int status = system(command); /* of words of ours */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_bundle(const char *path, const struct evidence *evidence)
{
    const char *const question[] = {"--session", "a\x1b[31m"};
    struct custody custody = {.host = "host", .question = question, .question_count = 2};
    struct hash manifest;
    struct error err;

    if (bundle_write(path, evidence, &custody, &manifest, &err) != ST_OK)
        fail_msg("%s", err.text);
}

/* The key of an epoch, as keys.jsonl has it. */
static void key_of(const struct proved_store *store, int epoch, char *out, size_t size)
{
    char command[COMMAND_SIZE];

    (void)snprintf(command, sizeof(command), "grep -o '[^\\]*/epoch/%d+[^\\]*' %s/keys.jsonl",
                   epoch, store->path);
    FILE *stream = popen(command, "r");
    assert_non_null(fgets(out, (int)size, stream));
    (void)pclose(stream);
    out[strcspn(out, "\n")] = 0;
    if (out[0] == 'n') /* of the "\n" before it */
        memmove(out, out + 1, strlen(out));
}

static void expect_answers(const char *dir, const char *key, int answer)
{
    assert_int_equal(run("sh %s/case/verify.sh '%s' > %s/said 2>&1", dir, key, dir), answer);
    assert_int_equal(run("python3 %s/case/verify.py '%s' > %s/said 2>&1", dir, key, dir), answer);
}

static void test_the_chain_of_keys_is_followed_from_the_given_one(void **state)
{
    (void)state;
    struct proved_store store;
    struct evidence evidence;
    struct choice choice = {.sequences = UINT64_C(0x2468ace02468)};
    char path[PROVED_STORE_PATH_SIZE];
    char key[NOTE_VKEY_SIZE];

    fill(&store);
    gather(&store, &choice, &evidence);
    (void)snprintf(path, sizeof(path), "%s/case.tar.zst", store.dir.path);
    write_bundle(path, &evidence);
    assert_int_equal(run("cd %s && zstd -dcq case.tar.zst | tar -x", store.dir.path), 0);
    for (int epoch = 1; epoch <= EPOCH_LAST + 1; epoch++) {
        key_of(&store, epoch, key, sizeof(key));
        /* The last epoch began behind the checkpoint: its key vouches for nothing before. */
        expect_answers(store.dir.path, key, epoch <= EPOCH_LAST ? 0 : 1);
    }
    /* A chain from which an epoch is missing leads nowhere. */
    assert_int_equal(run("cd %s/case && sed -i '/epoch.%d+/d' keys.jsonl && "
                         "sha256sum [!m]*.* > manifest-sha256.txt",
                         store.dir.path, EPOCH_MIDDLE),
                     0);
    key_of(&store, 1, key, sizeof(key));
    expect_answers(store.dir.path, key, 1);
    key_of(&store, EPOCH_MIDDLE + 1, key, sizeof(key));
    expect_answers(store.dir.path, key, 0);
    evidence_fini(&evidence);
    proved_store_fini(&store);
}

static void test_the_same_evidence_gives_the_same_bytes(void **state)
{
    (void)state;
    struct proved_store store;
    struct evidence evidence;
    struct choice choice = {.sequences = UINT64_MAX};
    char path[PROVED_STORE_PATH_SIZE];

    fill(&store);
    gather(&store, &choice, &evidence);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%d", store.dir.path, i);
        assert_int_equal(mkdir(path, 0700), 0);
        (void)snprintf(path, sizeof(path), "%s/%d/case.tar.zst", store.dir.path, i);
        write_bundle(path, &evidence);
    }
    assert_int_equal(run("cd %s && cmp 0/case.tar.zst 1/case.tar.zst", store.dir.path), 0);
    evidence_fini(&evidence);
    proved_store_fini(&store);
}

static void test_a_bundle_has_a_harmless_name(void **state)
{
    (void)state;
    char name[ARCHIVE_NAME_MAX + 1];

    assert_true(bundle_name("/some where/Case_7-b.2.tar.zst", name));
    assert_string_equal(name, "Case_7-b.2");
    static const char *const bad[] = {"case.tar",      ".tar.zst",   "/.tar.zst",
                                      ".x.tar.zst",    "-x.tar.zst", "a b.tar.zst",
                                      "a\x1b.tar.zst", "a/",         ""};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(bundle_name(bad[i], name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_is_asked_for_is_proved),
        cmocka_unit_test(test_all_lines_that_are_there_are_given_once),
        cmocka_unit_test(test_a_file_that_was_changed_proves_nothing_and_the_others_do),
        cmocka_unit_test(test_the_chain_of_keys_is_followed_from_the_given_one),
        cmocka_unit_test(test_the_same_evidence_gives_the_same_bytes),
        cmocka_unit_test(test_a_bundle_has_a_harmless_name),
    };

    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
