/* SPDX-License-Identifier: Apache-2.0 */
/* key_ring_test.c -- keys evolve, the old ones are gone, and whatever call fails and whenever power
 * goes, the log goes on signing, and every signature is one that the chain accepts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/fault_points.h"
#include "support/leaves.h"
#include "support/temp_dir.h"
#include "telltale/key_ring.h"
#include "telltale/line_file.h"

enum {
    NOTES_MAX = 64,
    POINTS_MIN = 20,
    SYNC_POINTS_MIN = 5,
    ORIGINAL_SIZE = 10,
    EPOCHS = 3,
};

static const char origin[] = "example.com/log";
static struct error err;
static struct temp_dir dir;
static struct key_ring *ring;
static enum key_ring_found found;
static uint64_t tree_size; /* grows with every checkpoint, as that of a log does */

/* What was signed. */
static struct buf notes[NOTES_MAX];
static size_t note_count;

static enum status open_ring(const struct disk_io *io)
{
    return key_ring_open(io, dir.fd, dir.fd, origin, tree_size, 1700000000, &ring, &found, &err);
}

static void close_ring(void)
{
    key_ring_close(ring);
    ring = NULL;
}

static enum status sign(void)
{
    struct hash root = leaf_made(tree_size);
    assert_true(note_count < NOTES_MAX);
    struct buf *note = &notes[note_count];
    buf_init(note, NOTE_SIZE_MAX);
    enum status st = key_ring_sign(ring, tree_size, &root, note, &err);
    if (st == ST_OK)
        note_count++;
    tree_size++;
    return st;
}

static void begin(void)
{
    temp_dir_make(&dir);
    note_count = 0;
    tree_size = ORIGINAL_SIZE;
}

static void end(void)
{
    close_ring();
    for (size_t i = 0; i < NOTES_MAX; i++)
        buf_fini(&notes[i]);
    temp_dir_remove(&dir);
}

static void read_file(const char *name, char out[8192])
{
    memset(out, 0, 8192);
    int fd = openat(dir.fd, name, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        assert_true(read(fd, out, 8191) >= 0);
    if (fd >= 0)
        (void)close(fd);
}

/* --- The chain ---------------------------------------------------------------------------------
 */

/* Reads keys.jsonl under the given anchor; NULL: none. */
static struct key_chain *read_chain(const struct note_vkey *anchor, enum status expected)
{
    struct key_chain *chain;
    bool torn;
    assert_int_equal(key_chain_create(origin, &chain, &err), ST_OK);
    if (anchor != NULL)
        assert_int_equal(key_chain_trust(chain, anchor, &err), ST_OK);
    enum status st =
        line_file_read(NULL, dir.fd, STORE_KEYS_NAME, key_chain_read_line, chain, &torn, &err);
    if (st != expected)
        fail_msg("keys.jsonl: %s", err.text);
    return chain;
}

static enum key_verdict judge(const struct key_chain *chain, struct slice note,
                              struct key_judgement *ret)
{
    static struct key_judgement judgement;
    struct checkpoint checkpoint;
    key_chain_judge(chain, note, &checkpoint, &judgement, &err);
    if (ret != NULL)
        *ret = judgement;
    return judgement.verdict;
}

static void check_all_notes(const struct note_vkey *anchor)
{
    struct key_chain *chain = read_chain(anchor, ST_OK);
    for (size_t i = 0; i < note_count; i++) {
        struct key_judgement judgement;
        enum key_verdict verdict = judge(chain, buf_slice(&notes[i]), &judgement);
        if (verdict != KEY_GOOD)
            fail_msg("note %zu: %s: %s", i, key_verdict_words(verdict), err.text);
        assert_true(judgement.is_log_signed);
        assert_int_equal(judgement.is_anchored, anchor != NULL);
    }
    key_chain_destroy(chain);
}

/* --- Without faults ----------------------------------------------------------------------------
 */

static void test_keys_evolve_and_old_ones_are_gone(void **state)
{
    char old[8192], present[8192];
    struct stat info;
    (void)state;
    begin();
    assert_int_equal(open_ring(NULL), ST_OK);
    assert_int_equal(found, KEY_RING_NEW);
    struct note_vkey first = key_ring_epoch(ring)->vkey;
    assert_string_equal(first.name, "example.com/log/epoch/1");
    for (unsigned i = 0; i < EPOCHS; i++) {
        assert_int_equal(sign(), ST_OK);
        read_file("epoch.key", old);
        assert_int_equal(key_ring_evolve(ring, tree_size, 1700000000 + i, &err), ST_OK);
        read_file("epoch.key", present);
        assert_int_equal(strncmp(old, "PRIVATE+KEY+example.com/log/epoch/", 34), 0);
        assert_int_not_equal(strcmp(old, present), 0);
        assert_int_equal(key_ring_epoch(ring)->number, i + 2);
        assert_int_equal(faccessat(dir.fd, "epoch.key.next", F_OK, 0), -1);
        close_ring();
        assert_int_equal(open_ring(NULL), ST_OK);
        assert_int_equal(found, KEY_RING_WHOLE);
        assert_int_equal(key_ring_epoch(ring)->number, i + 2);
    }
    assert_int_equal(sign(), ST_OK);
    assert_int_equal(fstatat(dir.fd, "epoch.key", &info, 0), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(fstatat(dir.fd, "log.key", &info, 0), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(key_ring_evolve(ring, 0, 1700000000, &err), ST_INVALID);
    check_all_notes(NULL);
    check_all_notes(&first);
    end();
}

/* The blocks of the replaced file are overwritten, not only let go: a second name sees them. */
static void test_replaced_key_is_overwritten_in_place(void **state)
{
    char text[8192];
    (void)state;
    begin();
    assert_int_equal(open_ring(NULL), ST_OK);
    assert_int_equal(linkat(dir.fd, "epoch.key", dir.fd, "kept", 0), 0);
    assert_int_equal(key_ring_evolve(ring, tree_size, 1700000000, &err), ST_OK);
    read_file("kept", text);
    assert_int_equal(text[0], 0);
    for (size_t i = 0; i < sizeof(text); i++)
        assert_int_equal(text[i], 0);
    assert_int_equal(unlinkat(dir.fd, "kept", 0), 0);
    end();
}

static void test_lost_key_begins_a_new_part_that_a_verifier_sees(void **state)
{
    (void)state;
    begin();
    assert_int_equal(open_ring(NULL), ST_OK);
    struct note_vkey first = key_ring_epoch(ring)->vkey;
    assert_int_equal(sign(), ST_OK);
    close_ring();
    assert_int_equal(unlinkat(dir.fd, "epoch.key", 0), 0);
    assert_int_equal(open_ring(NULL), ST_OK);
    assert_int_equal(found, KEY_RING_LOST);
    assert_int_equal(key_ring_epoch(ring)->number, 2);
    struct note_vkey second = key_ring_epoch(ring)->vkey;
    assert_int_equal(sign(), ST_OK);

    const struct note_vkey *anchors[] = {NULL, &first, &second};
    for (size_t i = 0; i < COUNT_OF(anchors); i++) {
        struct key_chain *chain;
        bool torn;
        assert_int_equal(key_chain_create(NULL, &chain, &err), ST_OK);
        if (anchors[i] != NULL)
            assert_int_equal(key_chain_trust(chain, anchors[i], &err), ST_OK);
        assert_int_equal(
            line_file_read(NULL, dir.fd, STORE_KEYS_NAME, key_chain_read_line, chain, &torn, &err),
            ST_CORRUPT);
        assert_string_equal(key_chain_origin(chain), origin);
        assert_int_equal(key_chain_count(chain), 2);
        assert_int_equal(judge(chain, buf_slice(&notes[0]), NULL),
                         i < 2 ? KEY_GOOD : KEY_NOT_TRUSTED);
        assert_int_equal(judge(chain, buf_slice(&notes[1]), NULL),
                         i == 2 ? KEY_GOOD : KEY_NOT_TRUSTED);
        key_chain_destroy(chain);
    }
    end();
}

static void test_keys_of_another_log_are_refused(void **state)
{
    (void)state;
    begin();
    assert_int_equal(open_ring(NULL), ST_OK);
    close_ring();
    assert_int_equal(
        key_ring_open(NULL, dir.fd, dir.fd, "example.com/other", 0, 0, &ring, &found, &err),
        ST_INVALID);
    assert_int_equal(key_ring_open(NULL, dir.fd, dir.fd, "two words", 0, 0, &ring, &found, &err),
                     ST_INVALID);
    end();
}

/* keys.jsonl is restored as far as it can be: the present key's certificate. */
static void test_missing_keys_file_is_made_again(void **state)
{
    (void)state;
    begin();
    assert_int_equal(open_ring(NULL), ST_OK);
    assert_int_equal(key_ring_evolve(ring, tree_size, 1700000000, &err), ST_OK);
    close_ring();
    assert_int_equal(unlinkat(dir.fd, STORE_KEYS_NAME, 0), 0);
    assert_int_equal(open_ring(NULL), ST_OK);
    assert_int_equal(found, KEY_RING_WHOLE);
    assert_int_equal(sign(), ST_OK);
    check_all_notes(NULL);
    end();
}

/* --- Judgements --------------------------------------------------------------------------------
 */

static void sign_as(struct buf *out, uint64_t size, const struct note_signer *const *signers,
                    size_t count, const char *of)
{
    struct checkpoint checkpoint = {.size = size, .root = leaf_made(size)};
    struct buf text;
    strcpy(checkpoint.origin, of);
    buf_init(&text, 4096);
    buf_clear(out);
    assert_int_equal(checkpoint_put(&checkpoint, &text, &err), ST_OK);
    assert_int_equal(note_sign(buf_slice(&text), signers, count, out, &err), ST_OK);
    buf_fini(&text);
}

static void keep_key(struct note_signer *ret)
{
    char text[8192];
    read_file("epoch.key", text);
    const char *newline = strchr(text, '\n');
    assert_non_null(newline);
    assert_int_equal(note_signer_parse(slice_of(text, (size_t)(newline - text)), ret, &err), ST_OK);
}

static void test_every_wrong_signature_has_its_verdict(void **state)
{
    struct note_signer first, second, stranger, log;
    struct buf note;
    char text[8192];
    (void)state;
    begin();
    buf_init(&note, NOTE_SIZE_MAX);
    assert_int_equal(open_ring(NULL), ST_OK); /* epoch 1 from 10, 2 from 20, 3 from 30 */
    keep_key(&first);
    assert_int_equal(key_ring_evolve(ring, 20, 1700000000, &err), ST_OK);
    keep_key(&second);
    struct note_vkey second_vkey = key_ring_epoch(ring)->vkey;
    assert_int_equal(key_ring_evolve(ring, 30, 1700000000, &err), ST_OK);
    read_file("log.key", text);
    assert_int_equal(note_signer_parse(slice_of(text, strlen(text) - 1), &log, &err), ST_OK);
    assert_int_equal(note_signer_make(SLICE("example.com/log/epoch/4"), &stranger, &err), ST_OK);
    struct key_chain *chain = read_chain(NULL, ST_OK);
    struct key_chain *from_second = read_chain(&second_vkey, ST_OK);

    const struct note_signer *as_first[] = {&log, &first}, *as_second[] = {&log, &second},
                             *as_stranger[] = {&log, &stranger};
    const struct {
        const struct note_signer *const *signers;
        size_t count;
        uint64_t size;
        enum key_verdict verdict, from_second;
    } cases[] = {
        {as_first, 2, 10, KEY_GOOD, KEY_NOT_TRUSTED},
        {as_first, 2, 20, KEY_GOOD, KEY_NOT_TRUSTED},
        {as_first, 2, 9, KEY_BEFORE_EPOCH, KEY_BEFORE_EPOCH},
        {as_first, 2, 21, KEY_AFTER_EPOCH, KEY_AFTER_EPOCH},
        {as_second, 2, 19, KEY_BEFORE_EPOCH, KEY_BEFORE_EPOCH}, /* a later key, an older tree */
        {as_second, 2, 30, KEY_GOOD, KEY_GOOD},
        {as_second, 2, 31, KEY_AFTER_EPOCH, KEY_AFTER_EPOCH},
        {as_first, 1, 15, KEY_NO_EPOCH_SIGNATURE, KEY_NO_EPOCH_SIGNATURE},
        {as_stranger, 2, 35, KEY_UNKNOWN_EPOCH, KEY_UNKNOWN_EPOCH},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        sign_as(&note, cases[i].size, cases[i].signers, cases[i].count, origin);
        assert_int_equal(judge(chain, buf_slice(&note), NULL), cases[i].verdict);
        assert_int_equal(judge(from_second, buf_slice(&note), NULL), cases[i].from_second);
    }
    sign_as(&note, 15, as_first, 2, "example.com/other");
    assert_int_equal(judge(chain, buf_slice(&note), NULL), KEY_OTHER_ORIGIN);
    sign_as(&note, 15, as_first, 2, origin);
    note.data[16] = '2'; /* the size: 25 */
    assert_int_equal(judge(chain, buf_slice(&note), NULL), KEY_WRONG_SIGNATURE);
    assert_int_equal(judge(chain, SLICE("nothing"), NULL), KEY_NOT_CHECKPOINT);

    key_chain_destroy(chain);
    key_chain_destroy(from_second);
    buf_fini(&note);
    end();
}

/* --- With faults -------------------------------------------------------------------------------
 */

/* A log of two epochs before; then a start, checkpoints, and an epoch more, twice. */
static void work(void)
{
    if (open_ring(&faulty_disk_io) != ST_OK)
        return;
    for (unsigned i = 0; i < 2; i++) {
        (void)(sign() == ST_OK); /* may fail while keys.jsonl cannot be written */
        if (key_ring_evolve(ring, tree_size, 1700000000, &err) != ST_OK)
            (void)(key_ring_wipe(ring, &err) == ST_OK); /* tried again, as the recorder does */
        (void)(sign() == ST_OK);
        (void)(sign() == ST_OK); /* larger than the size at which the new key would have begun */
    }
}

static bool run_ring(void *context, const struct fault_point *point)
{
    struct note_vkey first;
    uint64_t number;
    (void)context;
    begin();
    faulty_disk_reset(dir.fd);
    assert_int_equal(open_ring(&faulty_disk_io), ST_OK);
    first = key_ring_epoch(ring)->vkey;
    assert_int_equal(key_ring_evolve(ring, tree_size, 1700000000, &err), ST_OK);
    assert_int_equal(sign(), ST_OK);
    close_ring();

    fault_point_arm(point);
    work();
    close_ring();
    bool was_hit = fault_point_end(point);

    if (open_ring(&faulty_disk_io) != ST_OK)
        fail_msg("%s at call %u: %s", point->plan->name, point->at, err.text);
    if (found != KEY_RING_WHOLE && found != KEY_RING_FINISHED)
        fail_msg("%s at call %u: keys were lost", point->plan->name, point->at);
    assert_false(key_ring_has_old_key(ring));
    assert_int_equal(sign(), ST_OK);
    number = key_ring_epoch(ring)->number;
    assert_in_range(number, 2, 4);
    assert_int_equal(key_ring_evolve(ring, tree_size, 1700000000, &err), ST_OK);
    assert_int_equal(key_ring_epoch(ring)->number, number + 1);
    assert_int_equal(sign(), ST_OK);
    check_all_notes(&first);
    assert_int_equal(faccessat(dir.fd, "epoch.key.next", F_OK, 0), -1);
    faulty_disk_reset(dir.fd);
    end();
    return was_hit;
}

static void test_no_key_is_lost_whatever_call_fails(void **state)
{
    (void)state;
    temp_dir_prefer_memory();
    fault_points_try_all("keys", run_ring, NULL, POINTS_MIN, SYNC_POINTS_MIN);
}

/* The same for the first start of all: nothing was promised yet, but it must come to something. */
static bool run_first_start(void *context, const struct fault_point *point)
{
    (void)context;
    begin();
    faulty_disk_reset(dir.fd);
    fault_point_arm(point);
    if (open_ring(&faulty_disk_io) == ST_OK)
        (void)(sign() == ST_OK);
    close_ring();
    bool was_hit = fault_point_end(point);
    if (open_ring(&faulty_disk_io) != ST_OK)
        fail_msg("%s at call %u: %s", point->plan->name, point->at, err.text);
    if (note_count > 0)
        assert_int_not_equal(found, KEY_RING_LOST);
    assert_int_equal(sign(), ST_OK);
    check_all_notes(NULL);
    faulty_disk_reset(dir.fd);
    end();
    return was_hit;
}

static void test_first_start_succeeds_at_last_whatever_call_fails(void **state)
{
    (void)state;
    fault_points_try_all("first keys", run_first_start, NULL, 15, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_evolve_and_old_ones_are_gone),
        cmocka_unit_test(test_replaced_key_is_overwritten_in_place),
        cmocka_unit_test(test_lost_key_begins_a_new_part_that_a_verifier_sees),
        cmocka_unit_test(test_keys_of_another_log_are_refused),
        cmocka_unit_test(test_missing_keys_file_is_made_again),
        cmocka_unit_test(test_every_wrong_signature_has_its_verdict),
        cmocka_unit_test(test_no_key_is_lost_whatever_call_fails),
        cmocka_unit_test(test_first_start_succeeds_at_last_whatever_call_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
