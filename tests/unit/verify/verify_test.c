/* SPDX-License-Identifier: Apache-2.0 */
/* verify_test.c -- what is done to a store, and what its verification says of it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/proved_store.h"
#include "telltale/checkpoint_line.h"
#include "verify/verify.h"

struct judged {
    struct verify_report report;
    struct verify_summary summary;
};

/* Verifies with the first key, and with what else `options` say. */
static void judge_with(const struct proved_store *store, struct verify_options options,
                       struct judged *ret)
{
    char key[NOTE_VKEY_SIZE];
    const char *keys[] = {key};
    struct error err;

    proved_store_first_key(store, key);
    options.store_dir = store->path;
    if (options.keys == NULL) {
        options.keys = keys;
        options.key_count = 1;
    }
    verify_report_init(&ret->report);
    enum status st = verify_store(&options, &ret->report, &ret->summary, &err);
    if (st != ST_OK)
        fail_msg("%s", err.text);
}

static void judge(const struct proved_store *store, struct judged *ret)
{
    judge_with(store, (struct verify_options){.threads = 2}, ret);
}

static void print_findings(const struct judged *judged)
{
    for (size_t i = 0; i < judged->report.count; i++) {
        const struct verify_finding *finding = &judged->report.findings[i];
        print_message(
            "%s: %s: %s:%llu+%llu leaf %llu: %s\n", verify_question_text(finding->question),
            verify_answer_text(finding->answer), finding->file, (unsigned long long)finding->line,
            (unsigned long long)finding->offset, (unsigned long long)finding->index, finding->text);
    }
}

static void expect_answers(const struct judged *judged, enum verify_answer unchanged,
                           enum verify_answer complete, enum verify_answer attested)
{
    const enum verify_answer expected[] = {unchanged, complete, attested};

    for (int i = 0; i < VERIFY_QUESTION_COUNT; i++) {
        enum verify_question question = (enum verify_question)i;
        enum verify_answer answer = verify_report_answer(&judged->report, question);
        if (answer == expected[i])
            continue;
        print_findings(judged);
        fail_msg("%s: %s, and not %s", verify_question_text(question), verify_answer_text(answer),
                 verify_answer_text(expected[i]));
    }
}

/* Some finding of this answer is about `file`; returns it. */
static const struct verify_finding *expect_finding(const struct judged *judged,
                                                   enum verify_question question,
                                                   enum verify_answer answer, const char *file,
                                                   const char *text)
{
    for (size_t i = 0; i < judged->report.count; i++) {
        const struct verify_finding *finding = &judged->report.findings[i];
        if (finding->question == question && finding->answer == answer &&
            strstr(finding->file, file) != NULL && strstr(finding->text, text) != NULL)
            return finding;
    }
    print_findings(judged);
    fail_msg("nothing says '%s' of '%s'", text, file);
    return NULL;
}

static void forget(struct judged *judged)
{
    verify_report_fini(&judged->report);
}

/* --- Stores that nobody touched --------------------------------------------------------------- */

static void test_an_untouched_store_is_unchanged_complete_and_attested(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES);
    assert_int_equal(judged.summary.lines, 15);
    assert_int_equal(judged.summary.leaves, 15);
    assert_int_equal(judged.summary.files, 3);
    assert_int_equal(judged.summary.uncovered_lines, 1);
    assert_int_equal(judged.summary.checkpoints, 4);
    assert_int_equal(judged.summary.matched, 4);
    assert_int_equal(judged.summary.epochs, 2);
    assert_int_equal(judged.summary.last_size, 14);
    forget(&judged);
    proved_store_fini(&store);
}

static void test_an_empty_store_says_that_nothing_can_be_verified(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_CANNOT, VERIFY_CANNOT);
    forget(&judged);
    proved_store_fini(&store);
}

static void test_without_a_key_nobody_attests_and_the_first_key_is_told(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;
    char key[NOTE_VKEY_SIZE];
    const char *none[1] = {NULL};

    proved_store_init(&store);
    proved_store_fill(&store);
    judge_with(&store, (struct verify_options){.threads = 1, .keys = none}, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_CANNOT);
    proved_store_first_key(&store, key);
    assert_string_equal(judged.summary.first_key, key);
    forget(&judged);
    proved_store_fini(&store);
}

static void test_files_deleted_on_record_are_not_missing(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;
    char first[STORE_FILE_NAME_SIZE];

    proved_store_init(&store);
    proved_store_write(&store, 5);
    proved_store_checkpoint(&store);
    proved_store_write(&store, 2);
    proved_store_close(&store);
    memcpy(first, store.last_base, sizeof(first));
    proved_store_write(&store, 6);
    proved_store_close(&store);
    proved_store_compress(&store, 4);
    proved_store_delete(&store, first);
    proved_store_tell(&store, &store.deed);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES);
    assert_int_equal(judged.summary.deleted_files, 1);
    assert_int_equal(judged.summary.deleted_lines, 7);
    assert_int_equal(judged.summary.unmatched_sizes, 1); /* within the deleted file */
    assert_int_equal(judged.summary.matched, 2);
    forget(&judged);
    proved_store_fini(&store);
}

static void test_records_erased_on_record_leave_the_tree_whole(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    for (uint64_t line = 1; line <= 5; line++) {
        proved_store_init(&store);
        proved_store_write(&store, 2);
        proved_store_checkpoint(&store);
        proved_store_write(&store, 3);
        proved_store_close(&store);
        proved_store_erase(&store, line);
        proved_store_write(&store, 2);
        proved_store_tell(&store, &store.deed);
        proved_store_checkpoint(&store);
        judge(&store, &judged);
        expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES);
        assert_int_equal(judged.summary.erased_lines, 1);
        assert_int_equal(judged.summary.lines, 7);
        assert_int_equal(judged.summary.matched, 3);
        forget(&judged);
        proved_store_fini(&store);
    }
}

/* --- What somebody does ------------------------------------------------------------------------
 */

static void run_in(const struct proved_store *store, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void run_in(const struct proved_store *store, const char *fmt, ...)
{
    char command[1024];
    char whole[PROVED_STORE_PATH_SIZE + sizeof(command)];
    va_list list;

    va_start(list, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, list); /* short ones */
    va_end(list);
    snprintf(whole, sizeof(whole), "cd '%s' && %s", store->path, command);
    assert_int_equal(system(whole), 0);
}

static void test_a_removed_line_is_named(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "sed -i 2d %s.jsonl", store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_NO, VERIFY_YES, VERIFY_YES);
    expect_finding(&judged, VERIFY_UNCHANGED, VERIFY_NO, store.last_base, "lines are missing");
    forget(&judged);
    proved_store_fini(&store);
}

static void test_an_inserted_line_is_named(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "sed -i '3{p;s/event 1/event 7/}' %s.jsonl", store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_NO, VERIFY_YES, VERIFY_YES);
    expect_finding(&judged, VERIFY_UNCHANGED, VERIFY_NO, store.last_base, "");
    forget(&judged);
    proved_store_fini(&store);
}

static void test_a_removed_file_is_named_and_the_rest_is_verified(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "rm %s.jsonl", store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_NO, VERIFY_YES);
    expect_finding(&judged, VERIFY_COMPLETE, VERIFY_NO, store.last_base,
                   "missing, and no deletion is on record");
    assert_int_equal(judged.summary.matched, 4);
    forget(&judged);
    run_in(&store, "rm %s.*", store.last_base);
    run_in(&store, "grep -v %s manifest.jsonl > m; mv m manifest.jsonl", store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_NO, VERIFY_YES);
    const struct verify_finding *finding = expect_finding(
        &judged, VERIFY_COMPLETE, VERIFY_NO, "active.jsonl", "leaves 7 to 11 are missing");
    assert_int_equal(finding->index, 7);
    forget(&judged);
    proved_store_fini(&store);
}

/* The head of its proof is written before its first line. */
static void test_a_file_that_has_begun_and_no_line_is_good(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_write(&store, 3);
    proved_store_close(&store);
    proved_store_write(&store, 1);
    run_in(&store, ": >active.jsonl; head -1 active.proof > p; mv p active.proof");
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES);
    assert_int_equal(judged.summary.leaves, 3);
    forget(&judged);
    proved_store_fini(&store);
}

static void test_a_cut_end_is_named(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "sed -i '2,$d' active.jsonl; head -1 active.proof > p; mv p active.proof");
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_NO, VERIFY_YES);
    expect_finding(&judged, VERIFY_COMPLETE, VERIFY_NO, "checkpoints.jsonl",
                   "the end of the store was cut off");
    forget(&judged);
    proved_store_fini(&store);
}

static void test_swapped_files_are_named(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;
    char first[STORE_FILE_NAME_SIZE];

    proved_store_init(&store);
    proved_store_write(&store, 4);
    proved_store_close(&store);
    memcpy(first, store.last_base, sizeof(first));
    proved_store_write(&store, 4);
    proved_store_close(&store);
    run_in(&store, "mv %s.jsonl x; mv %s.jsonl %s.jsonl; mv x %s.jsonl", first, store.last_base,
           first, store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_NO, VERIFY_YES, VERIFY_YES);
    expect_finding(&judged, VERIFY_UNCHANGED, VERIFY_NO, first, "");
    expect_finding(&judged, VERIFY_UNCHANGED, VERIFY_NO, store.last_base, "");
    forget(&judged);
    run_in(&store, "mv %s.proof x; mv %s.proof %s.proof; mv x %s.proof", first, store.last_base,
           first, store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_NO, VERIFY_NO, VERIFY_YES);
    expect_finding(&judged, VERIFY_COMPLETE, VERIFY_NO, first, "missing before this file");
    forget(&judged);
    proved_store_fini(&store);
}

static void test_an_old_checkpoint_replayed_is_named(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "head -1 checkpoints.jsonl > c; cat c >> checkpoints.jsonl; rm c");
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_NO);
    const struct verify_finding *finding =
        expect_finding(&judged, VERIFY_ATTESTED, VERIFY_NO, "checkpoints.jsonl", "goes back");
    assert_int_equal(finding->line, 5);
    forget(&judged);
    proved_store_fini(&store);
}

static void test_missing_checkpoints_and_keys_are_named(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "mv keys.jsonl ../k; sed -i '2,$d' checkpoints.jsonl");
    run_in(&store, "cp ../k keys.jsonl");
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_NO);
    expect_finding(&judged, VERIFY_ATTESTED, VERIFY_NO, "checkpoints.jsonl", "are missing");
    forget(&judged);
    run_in(&store, "rm checkpoints.jsonl");
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_NO);
    expect_finding(&judged, VERIFY_ATTESTED, VERIFY_NO, "checkpoints.jsonl", "has no checkpoint");
    forget(&judged);
    run_in(&store, "rm manifest.jsonl");
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_NO, VERIFY_NO);
    forget(&judged);
    proved_store_fini(&store);
}

/* Reads a private key of the ring, as somebody does who has broken in. */
static void steal_key(const struct proved_store *store, const char *name, struct note_signer *ret)
{
    char text[1024] = "";
    struct error err;

    int fd = openat(store->key_dir_fd, name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, text, sizeof(text) - 1);
    assert_true(got > 0);
    (void)close(fd); /* only read from */
    char *key = strstr(text, "PRIVATE+KEY+");
    assert_non_null(key);
    size_t size = strcspn(key, "\" \n");
    if (note_signer_parse(slice_of(key, size), ret, &err) != ST_OK)
        fail_msg("%s", err.text);
}

/* Appends a line to checkpoints.jsonl for a tree of his own. */
static void forge_checkpoint(const struct proved_store *store, const struct merkle_range *tree)
{
    struct note_signer log_key;
    struct note_signer epoch_key;
    const struct note_signer *signers[] = {&log_key, &epoch_key};
    struct checkpoint checkpoint = {.size = tree->end};
    struct buf text, note, line;
    struct error err;

    steal_key(store, "log.key", &log_key);
    steal_key(store, "epoch.key", &epoch_key);
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", log_key.vkey.name);
    merkle_range_root(tree, &checkpoint.root);
    buf_init(&text, NOTE_SIZE_MAX);
    buf_init(&note, NOTE_SIZE_MAX);
    buf_init(&line, NOTE_SIZE_MAX);
    assert_int_equal(checkpoint_put(&checkpoint, &text, &err), ST_OK);
    assert_int_equal(note_sign(buf_slice(&text), signers, 2, &note, &err), ST_OK);
    assert_int_equal(checkpoint_line_put(1, buf_slice(&note), &line, &err), ST_OK);
    int fd = openat(store->dir_fd, "checkpoints.jsonl", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, line.data, line.size), line.size);
    (void)close(fd); /* a test's file */
    buf_fini(&text);
    buf_fini(&note);
    buf_fini(&line);
}

/* Who breaks in has the key of today: what he signs for sizes of yesterday does not count. */
static void test_todays_key_signs_nothing_of_yesterday(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_write(&store, 3);
    struct merkle_range yesterday = store.tree;
    proved_store_write(&store, 3);
    proved_store_evolve(&store);
    run_in(&store, "touch checkpoints.jsonl");
    forge_checkpoint(&store, &yesterday);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_NO);
    const struct verify_finding *finding =
        expect_finding(&judged, VERIFY_ATTESTED, VERIFY_NO, "checkpoints.jsonl", "epoch");
    assert_int_equal(finding->line, 1);
    forget(&judged);
    run_in(&store, ": > checkpoints.jsonl");
    forge_checkpoint(&store, &store.tree); /* from here on he may sign what he likes */
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES);
    forget(&judged);
    proved_store_fini(&store);
}

/* He changes a line and makes proof and manifest anew, which no key protects. */
static void test_a_change_with_a_new_proof_does_not_have_the_signed_root(void **state)
{
    (void)state;
    struct proved_store store;
    struct proved_store other;
    struct judged judged;

    proved_store_init(&store);
    proved_store_init(&other);
    proved_store_write(&store, 3);
    proved_store_checkpoint(&store);
    proved_store_write(&store, 3);
    proved_store_close(&store);
    proved_store_write(&other, 6);
    proved_store_close(&other);
    run_in(&store,
           "rm *.jsonl.* %s.* manifest.jsonl 2> /dev/null; "
           "cp ../../$(basename %s)/store/2* ../../$(basename %s)/store/manifest.jsonl .",
           store.last_base, other.dir.path, other.dir.path);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_NO, VERIFY_YES, VERIFY_YES);
    const struct verify_finding *finding =
        expect_finding(&judged, VERIFY_UNCHANGED, VERIFY_NO, other.last_base, "root at size 3");
    assert_int_equal(finding->index, 0);
    forget(&judged);
    proved_store_fini(&other);
    proved_store_fini(&store);
}

static void test_a_file_without_a_proof_is_never_fine(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "rm %s.proof", store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_NO, VERIFY_YES, VERIFY_YES);
    expect_finding(&judged, VERIFY_UNCHANGED, VERIFY_NO, store.last_base, "nothing proves");
    forget(&judged);
    proved_store_fini(&store);
}

static void test_a_file_put_in_between_is_never_fine(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "cp %s.jsonl 20300101T000000Z-00000000000000000008-00000000000000000012.jsonl",
           store.last_base);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_CANNOT, VERIFY_CANNOT, VERIFY_YES);
    expect_finding(&judged, VERIFY_COMPLETE, VERIFY_CANNOT, "20300101T000000Z", "not in the tree");
    forget(&judged);
    proved_store_fini(&store);
}

static void test_stores_from_before_there_were_proofs_are_not_covered(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_write(&store, 4);
    proved_store_close(&store);
    run_in(&store, "rm *.proof manifest.jsonl checkpoints.jsonl keys.jsonl");
    run_in(&store, "cp ../keys/../store/*.jsonl active.jsonl");
    struct verify_options options = {.store_dir = store.path};
    struct error err;
    verify_report_init(&judged.report);
    assert_int_equal(verify_store(&options, &judged.report, &judged.summary, &err), ST_OK);
    expect_answers(&judged, VERIFY_CANNOT, VERIFY_CANNOT, VERIFY_CANNOT);
    assert_int_equal(judged.summary.old_lines, 8);
    forget(&judged);
    proved_store_fini(&store);
}

/* --- Copies ---------------------------------------------------------------------------------- */

/* Puts the checkpoint of the store as it stands into a file beside it, in some form. */
static void keep_copy(struct proved_store *store, const char *form, char *path, size_t size)
{
    struct buf note;

    snprintf(path, size, "%s/copy", store->dir.path);
    buf_init(&note, NOTE_SIZE_MAX);
    proved_store_sign(store, &note);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    if (strcmp(form, "note") == 0) {
        assert_int_equal(fwrite(note.data, 1, note.size, file), note.size);
    } else {
        fputs("{\"agent.integrity\":{\"note\":\"", file);
        for (size_t i = 0; i < note.size; i++) {
            if (note.data[i] == '\n')
                fputs("\\n", file);
            else
                fputc(note.data[i], file);
        }
        fputs("\"}}\n", file);
    }
    assert_int_equal(fclose(file), 0);
    buf_fini(&note);
}

static void test_a_copy_of_the_same_log_agrees(void **state)
{
    (void)state;
    static const char *const forms[] = {"note", "json"};
    struct proved_store store;
    struct judged judged;
    char path[PROVED_STORE_PATH_SIZE];
    const char *copies[] = {path};

    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        proved_store_init(&store);
        proved_store_fill(&store);
        keep_copy(&store, forms[i], path, sizeof(path));
        proved_store_write(&store, 3);
        judge_with(&store, (struct verify_options){.threads = 2, .copies = copies, .copy_count = 1},
                   &judged);
        expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES);
        assert_int_equal(judged.summary.copies, 1);
        assert_int_equal(judged.summary.matched, 5);
        forget(&judged);
        proved_store_fini(&store);
    }
}

static void test_a_copy_finds_an_end_that_was_cut_off_with_its_checkpoints(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;
    char path[PROVED_STORE_PATH_SIZE];
    const char *copies[] = {path};

    proved_store_init(&store);
    proved_store_fill(&store);
    proved_store_checkpoint(&store);
    keep_copy(&store, "note", path, sizeof(path));
    run_in(&store, "sed -i '$d' active.jsonl; sed -i '$d' active.proof; "
                   "sed -i '$d' checkpoints.jsonl");
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES); /* nothing here can tell */
    forget(&judged);
    judge_with(&store, (struct verify_options){.threads = 2, .copies = copies, .copy_count = 1},
               &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_NO, VERIFY_NO);
    expect_finding(&judged, VERIFY_COMPLETE, VERIFY_NO, "copy", "cut off");
    forget(&judged);
    proved_store_fini(&store);
}

/* The keys of today are his: he writes the newest records again and signs them. */
static void test_a_copy_finds_a_rewritten_end(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;
    char path[PROVED_STORE_PATH_SIZE];
    const char *copies[] = {path};

    proved_store_init(&store);
    proved_store_write(&store, 4);
    proved_store_close(&store);
    struct proved_store before = store;
    proved_store_write(&store, 2);
    keep_copy(&store, "note", path, sizeof(path));
    run_in(&store, "rm active.*");
    store.tree = before.tree;
    store.has_file = false;
    proved_store_skip(&store, 1);
    proved_store_write(&store, 2);
    proved_store_checkpoint(&store);
    judge(&store, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_YES); /* nothing here can tell */
    forget(&judged);
    judge_with(&store, (struct verify_options){.threads = 2, .copies = copies, .copy_count = 1},
               &judged);
    assert_int_equal(verify_report_answer(&judged.report, VERIFY_ATTESTED), VERIFY_NO);
    expect_finding(&judged, VERIFY_ATTESTED, VERIFY_NO, "copy", "");
    forget(&judged);
    proved_store_fini(&store);
}

static void test_a_wrong_key_is_never_fine(void **state)
{
    (void)state;
    struct proved_store store;
    struct proved_store other;
    struct judged judged;
    char key[NOTE_VKEY_SIZE];
    const char *keys[] = {key};

    proved_store_init(&store);
    proved_store_fill(&store);
    proved_store_init(&other);
    proved_store_first_key(&other, key);
    judge_with(&store, (struct verify_options){.keys = keys, .key_count = 1}, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_NO);
    expect_finding(&judged, VERIFY_ATTESTED, VERIFY_NO, "keys.jsonl", "no key that was given");
    forget(&judged);
    proved_store_fini(&other);
    proved_store_fini(&store);
}

static void test_a_name_of_an_erasure_excuses_no_change(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;

    proved_store_init(&store);
    proved_store_fill(&store);
    run_in(&store, "f=$(ls 2*.jsonl* | grep -v proof | head -n 1); : >${f%%%%.*}.proof.next; "
                   "printf X | dd of=$f bs=1 seek=40 conv=notrunc status=none");
    judge(&store, &judged);
    assert_int_equal(verify_report_answer(&judged.report, VERIFY_UNCHANGED), VERIFY_NO);
    forget(&judged);
    proved_store_fini(&store);
}

static void test_the_logs_own_key_attests_nothing_and_raises_no_alarm(void **state)
{
    (void)state;
    struct proved_store store;
    struct judged judged;
    char key[NOTE_VKEY_SIZE];
    const char *keys[] = {key};

    proved_store_init(&store);
    proved_store_fill(&store);
    proved_store_log_key(&store, key);
    judge_with(&store, (struct verify_options){.keys = keys, .key_count = 1}, &judged);
    expect_answers(&judged, VERIFY_YES, VERIFY_YES, VERIFY_CANNOT);
    expect_finding(&judged, VERIFY_ATTESTED, VERIFY_CANNOT, "", "give the key of an epoch");
    forget(&judged);
    proved_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_untouched_store_is_unchanged_complete_and_attested),
        cmocka_unit_test(test_an_empty_store_says_that_nothing_can_be_verified),
        cmocka_unit_test(test_without_a_key_nobody_attests_and_the_first_key_is_told),
        cmocka_unit_test(test_files_deleted_on_record_are_not_missing),
        cmocka_unit_test(test_records_erased_on_record_leave_the_tree_whole),
        cmocka_unit_test(test_a_removed_line_is_named),
        cmocka_unit_test(test_an_inserted_line_is_named),
        cmocka_unit_test(test_a_removed_file_is_named_and_the_rest_is_verified),
        cmocka_unit_test(test_a_cut_end_is_named),
        cmocka_unit_test(test_swapped_files_are_named),
        cmocka_unit_test(test_an_old_checkpoint_replayed_is_named),
        cmocka_unit_test(test_missing_checkpoints_and_keys_are_named),
        cmocka_unit_test(test_todays_key_signs_nothing_of_yesterday),
        cmocka_unit_test(test_a_change_with_a_new_proof_does_not_have_the_signed_root),
        cmocka_unit_test(test_a_file_without_a_proof_is_never_fine),
        cmocka_unit_test(test_a_file_put_in_between_is_never_fine),
        cmocka_unit_test(test_stores_from_before_there_were_proofs_are_not_covered),
        cmocka_unit_test(test_a_file_that_has_begun_and_no_line_is_good),
        cmocka_unit_test(test_a_copy_of_the_same_log_agrees),
        cmocka_unit_test(test_a_copy_finds_an_end_that_was_cut_off_with_its_checkpoints),
        cmocka_unit_test(test_a_copy_finds_a_rewritten_end),
        cmocka_unit_test(test_a_wrong_key_is_never_fine),
        cmocka_unit_test(test_a_name_of_an_erasure_excuses_no_change),
        cmocka_unit_test(test_the_logs_own_key_attests_nothing_and_raises_no_alarm),
    };

    temp_dir_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
