/* SPDX-License-Identifier: Apache-2.0 */
/* store_lines_test.c -- the lines of .proof, manifest.jsonl and checkpoints.jsonl are read as they
 * were written, to the letter of docs/STORE_FORMAT.md; what is changed or does not belong is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/leaves.h"
#include "telltale/checkpoint_line.h"
#include "telltale/store_manifest.h"
#include "telltale/store_proof.h"
#include "telltale/tlog_proof.h"

enum { FILES = 12, FILE_LEAVES = 5 };

static const uint64_t now_ns = UINT64_C(1790000000123456789);

static struct error err;
static struct buf out;
static struct store_proof_line proof_line;

static int make_room(void **state)
{
    (void)state;
    buf_init(&out, 16 << 20);
    return 0;
}

static int give_room_back(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

static void fill(struct merkle_range *range, uint64_t first, uint64_t end)
{
    merkle_range_init(range, first);
    for (uint64_t i = first; i < end; i++) {
        struct hash leaf = leaf_made(i);
        merkle_range_append_leaf(range, &leaf);
    }
}

/* The lines of `text` are handed to `visit` one by one; the first failure is given back. */
static enum status each_line(struct slice text, enum status (*visit)(struct slice line))
{
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        assert_non_null(end);
        struct slice line = slice_of(text.data, (size_t)(end - text.data));
        enum status st = visit(line);
        if (st != ST_OK)
            return st;
        text = slice_from(text, line.size + 1);
    }
    return ST_OK;
}

/* --- .proof ------------------------------------------------------------------------------------
 */

static struct store_proof_reader reader;

static enum status read_proof(const char *text)
{
    return store_proof_read_line(&reader, slice_of_text(text), &proof_line, &err);
}

static enum status read_proof_line(struct slice line)
{
    return store_proof_read_line(&reader, line, &proof_line, &err);
}

static struct store_proof_head made_head(bool has_seed)
{
    struct store_proof_head head = {
        .origin = "example.com/telltale", .first_index = 70, .has_seed = has_seed};
    memset(head.journal_id, 0xab, sizeof(head.journal_id));
    memset(head.seed.bytes, 0x5a, sizeof(head.seed.bytes));
    return head;
}

static void test_proof_of_a_file_is_its_head_and_states(void **state)
{
    static struct store_proof_state first, second;
    struct store_proof_head head = made_head(true);
    (void)state;
    first.offset_bytes = 0;
    fill(&first.range, 70, 70);
    second.offset_bytes = 123456;
    fill(&second.range, 70, 101);
    buf_clear(&out);
    assert_int_equal(store_proof_put_head(&head, &out, &err), ST_OK);
    const char *text = "{\"format\":\"telltale-proof/1\",\"origin\":\"example.com/telltale\","
                       "\"first_index\":70,\"journal_id\":\"abababababababababababababababab\","
                       "\"seed\":\"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=\"}\n";
    assert_int_equal(out.size, strlen(text));
    assert_memory_equal(out.data, text, out.size);
    assert_int_equal(store_proof_put_state(&first, &out, &err), ST_OK);
    assert_int_equal(store_proof_put_state(&second, &out, &err), ST_OK);

    store_proof_reader_init(&reader);
    assert_int_equal(each_line(buf_slice(&out), read_proof_line), ST_OK);
    assert_int_equal(reader.lines, 3);
    assert_int_equal(proof_line.kind, STORE_PROOF_STATE);
    assert_int_equal(proof_line.state.offset_bytes, 123456);
    assert_int_equal(proof_line.state.range.first, 70);
    assert_int_equal(proof_line.state.range.end, 101);
    assert_memory_equal(proof_line.state.range.hashes, second.range.hashes,
                        second.range.count * sizeof(struct hash));

    store_proof_reader_init(&reader);
    assert_int_equal(
        store_proof_read_line(&reader, slice_of(text, strlen(text) - 1), &proof_line, &err), ST_OK);
    assert_int_equal(proof_line.kind, STORE_PROOF_HEAD);
    assert_true(proof_line.head.has_seed);
    assert_memory_equal(proof_line.head.seed.bytes, head.seed.bytes, STORE_SEED_SIZE);
    assert_string_equal(proof_line.head.origin, head.origin);
    assert_memory_equal(proof_line.head.journal_id, head.journal_id, JOURNAL_ID_SIZE);
}

static void test_proof_of_an_erased_file_is_its_salts_and_hashes(void **state)
{
    static struct store_salt salts[STORE_PROOF_RUN_MAX];
    static struct merkle_range erased;
    struct store_proof_head head = made_head(false);
    (void)state;
    for (size_t i = 0; i < STORE_PROOF_RUN_MAX; i++)
        memset(salts[i].bytes, (int)i, STORE_SALT_SIZE);
    fill(&erased, 70 + STORE_PROOF_RUN_MAX, 70 + STORE_PROOF_RUN_MAX + 9);
    buf_clear(&out);
    assert_int_equal(store_proof_put_head(&head, &out, &err), ST_OK);
    assert_int_equal(store_proof_put_kept(salts, STORE_PROOF_RUN_MAX, &out, &err), ST_OK);
    size_t third = out.size;
    assert_int_equal(store_proof_put_erased(&erased, &out, &err), ST_OK);
    store_proof_reader_init(&reader);
    assert_int_equal(each_line(slice_of(out.data, third), read_proof_line), ST_OK);
    assert_int_equal(proof_line.kind, STORE_PROOF_KEPT);
    assert_int_equal(proof_line.kept.count, STORE_PROOF_RUN_MAX);
    assert_memory_equal(proof_line.kept.salts, salts, sizeof(salts));
    assert_int_equal(each_line(slice_from(buf_slice(&out), third), read_proof_line), ST_OK);
    assert_int_equal(proof_line.kind, STORE_PROOF_ERASED);
    assert_int_equal(proof_line.erased.end, erased.end);
    assert_memory_equal(proof_line.erased.hashes, erased.hashes,
                        erased.count * sizeof(struct hash));
    assert_int_equal(reader.next_index, erased.end);
}

#define HEAD                                                                                       \
    "{\"format\":\"telltale-proof/1\",\"origin\":\"o\",\"first_index\":0,"                         \
    "\"journal_id\":\"abababababababababababababababab\""
#define SEED ",\"seed\":\"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=\"}"
#define HASH "\"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\""

static void test_proof_lines_that_do_not_belong_are_refused(void **state)
{
    (void)state;
    store_proof_reader_init(&reader);
    assert_int_equal(read_proof("{\"offset\":0,\"records\":0,\"range\":[]}"), ST_INVALID);
    assert_int_equal(read_proof("{}"), ST_INVALID);
    assert_int_equal(read_proof(""), ST_INVALID);
    assert_int_equal(read_proof(HEAD ",\"more\":1}"), ST_INVALID);
    assert_int_equal(read_proof(HEAD ",\"origin\":\"o\"}"), ST_INVALID);
    assert_int_equal(read_proof(HEAD "} x"), ST_INVALID);
    assert_int_equal(read_proof(HEAD SEED), ST_OK);
    assert_int_equal(read_proof(HEAD SEED), ST_INVALID);
    assert_int_equal(read_proof("{\"offset\":9,\"records\":1,\"range\":[" HASH "]}"), ST_OK);
    assert_int_equal(read_proof("{\"offset\":9,\"records\":0,\"range\":[]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"offset\":8,\"records\":1,\"range\":[" HASH "]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"offset\":9,\"records\":3,\"range\":[" HASH "]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"offset\":-0,\"records\":1,\"range\":[" HASH "]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"offset\":9.0,\"records\":1,\"range\":[" HASH "]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"offset\":9,\"records\":9223372036854775807,\"range\":[]}"),
                     ST_INVALID);
    assert_int_equal(read_proof("{\"erased\":1,\"range\":[" HASH "]}"), ST_INVALID);
    assert_int_equal(reader.lines, 2);

    store_proof_reader_init(&reader);
    assert_int_equal(read_proof(HEAD "}"), ST_OK);
    assert_int_equal(read_proof("{\"offset\":0,\"records\":0,\"range\":[]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"salts\":[]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"erased\":0,\"range\":[]}"), ST_INVALID);
    assert_int_equal(read_proof("{\"erased\":2,\"range\":[" HASH "]}"), ST_OK);
    assert_int_equal(read_proof("{\"salts\":[\"WlpaWlpaWlpaWlpaWlpaWg==\"]}"), ST_OK);
    assert_int_equal(read_proof("{\"salts\":[\"WlpaWlpaWlpaWlpaWlpaWh==\"]}"), ST_INVALID);
    assert_int_equal(reader.next_index, 3);
}

/* --- manifest.jsonl ----------------------------------------------------------------------------
 */

static struct manifest_chain chain;
static struct manifest_fact fact;

static enum status read_manifest_line(struct slice line)
{
    return manifest_read_line(line, &chain, &fact, &err);
}

static struct manifest_fact made_fact(enum manifest_kind kind, unsigned file)
{
    static struct manifest_fact made;
    made =
        (struct manifest_fact){.kind = kind, .unix_ns = now_ns + file, .size_bytes = 1000 + file};
    (void)snprintf(made.base, sizeof(made.base), "20261121T1200%02uZ-%020u-%020u", file,
                   file * FILE_LEAVES + 1, (file + 1) * FILE_LEAVES);
    fill(&made.range, (uint64_t)file * FILE_LEAVES, (uint64_t)(file + 1) * FILE_LEAVES);
    made.sha256 = leaf_made(1000 + file);
    memset(made.journal_id, 0xcd, sizeof(made.journal_id));
    strcpy(made.reason, "max_age");
    strcpy(made.rule, "keep 90 days");
    made.file_count = 1;
    strcpy(made.last_base, made.base);
    return made;
}

static void put_fact(enum manifest_kind kind, unsigned file)
{
    struct manifest_fact made = made_fact(kind, file);
    assert_int_equal(manifest_put(&made, &chain, &out, &err), ST_OK);
}

static void begin_manifest(void)
{
    buf_clear(&out);
    chain = (struct manifest_chain){.lines = 0};
}

static void test_facts_of_every_kind_are_read_as_written(void **state)
{
    (void)state;
    begin_manifest();
    for (unsigned kind = MANIFEST_CLOSED; kind <= MANIFEST_COMPACTED; kind++) {
        struct manifest_chain before = chain, after;
        size_t start = out.size;
        put_fact((enum manifest_kind)kind, kind);
        after = chain;
        chain = before;
        assert_int_equal(each_line(slice_from(buf_slice(&out), start), read_manifest_line), ST_OK);
        assert_memory_equal(&chain, &after, sizeof(chain));
        assert_int_equal(fact.kind, kind);
        assert_int_equal(fact.unix_ns, now_ns + kind);
        struct manifest_fact made = made_fact((enum manifest_kind)kind, kind);
        if (kind <= MANIFEST_DELETED || kind == MANIFEST_GONE)
            assert_string_equal(fact.base, made.base);
        if (kind <= MANIFEST_REWRITTEN)
            assert_memory_equal(fact.sha256.bytes, made.sha256.bytes, HASH_SIZE);
        if (kind == MANIFEST_CLOSED || kind == MANIFEST_GONE) {
            assert_int_equal(fact.range.end, made.range.end);
            assert_memory_equal(fact.range.hashes, made.range.hashes,
                                made.range.count * sizeof(struct hash));
        }
        if (kind >= MANIFEST_REWRITTEN && kind <= MANIFEST_RELEASED)
            assert_string_equal(fact.rule, "keep 90 days");
    }
}

/* The value of the second line, computed as the document says. */
static void test_chain_value_is_that_of_the_document(void **state)
{
    struct hash before, expected;
    char text[HASH_BASE64_SIZE + 1] = {0};
    (void)state;
    begin_manifest();
    put_fact(MANIFEST_HELD, 1);
    before = chain.value;
    size_t start = out.size;
    put_fact(MANIFEST_DELETED, 2);
    struct slice line = slice_from(buf_slice(&out), start);
    const char *end = strstr((const char *)line.data, ",\"chain\":\"");
    assert_non_null(end);
    const struct slice parts[] = {slice_of(before.bytes, HASH_SIZE),
                                  slice_of(line.data, (size_t)((const uint8_t *)end - line.data))};
    hash_parts(parts, 2, &expected);
    hash_format_base64(&expected, text);
    assert_memory_equal(end + 10, text, HASH_BASE64_SIZE);
    assert_memory_equal(end + 10 + HASH_BASE64_SIZE, "\"}\n", 3);
}

static void test_changed_or_missing_line_breaks_the_chain(void **state)
{
    static uint8_t copy[16384];
    (void)state;
    begin_manifest();
    for (unsigned i = 0; i < 3; i++)
        put_fact(MANIFEST_DELETED, i);
    size_t size = out.size, line_size = size / 3;
    assert_true(size < sizeof(copy) && size % 3 == 0);
    for (size_t i = 0; i < size; i++) {
        memcpy(copy, out.data, size);
        copy[i] ^= 1;
        if (copy[i] == '\n' || out.data[i] == '\n')
            continue;
        chain = (struct manifest_chain){.lines = 0};
        assert_int_not_equal(each_line(slice_of(copy, size), read_manifest_line), ST_OK);
    }
    memmove(copy, out.data, size);
    chain = (struct manifest_chain){.lines = 0};
    assert_int_equal(each_line(slice_of(copy + line_size, line_size), read_manifest_line),
                     ST_CORRUPT);
    /* What follows is read on from the value that stands there. */
    assert_int_equal(each_line(slice_of(copy + 2 * line_size, line_size), read_manifest_line),
                     ST_OK);
}

/* The root over all ranges of a manifest, kept and gone. */
static struct merkle_range total;
static unsigned line_counts[MANIFEST_COMPACTED + 1];

static enum status add_up(struct slice line)
{
    enum status st = read_manifest_line(line);
    if (st != ST_OK)
        return st;
    line_counts[fact.kind]++;
    if (fact.kind == MANIFEST_CLOSED || fact.kind == MANIFEST_GONE)
        return merkle_range_append(&total, &fact.range, &err);
    return ST_OK;
}

static void add_up_all(struct slice text)
{
    memset(line_counts, 0, sizeof(line_counts));
    merkle_range_init(&total, 0);
    chain = (struct manifest_chain){.lines = 0};
    assert_int_equal(each_line(text, add_up), ST_OK);
}

static struct manifest_compactor *compactor;

static enum status look(struct slice line)
{
    return manifest_compact_look(compactor, line, 0, &err);
}

static enum status rewrite(struct slice line)
{
    return manifest_compact_write(compactor, line, 0, &err);
}

/* Compacts `text` into `out`. */
static void compact(struct slice text)
{
    struct slice made;
    struct manifest_chain new_chain;
    assert_int_equal(manifest_compact_create(now_ns, &compactor, &err), ST_OK);
    assert_int_equal(each_line(text, look), ST_OK);
    assert_true(manifest_compact_is_worth(compactor, 1));
    assert_false(manifest_compact_is_worth(compactor, 1000));
    assert_int_equal(each_line(text, rewrite), ST_OK);
    assert_int_equal(manifest_compact_finish(compactor, &made, &new_chain, &err), ST_OK);
    uint8_t *copy = malloc(made.size);
    assert_non_null(copy);
    memcpy(copy, made.data, made.size);
    buf_clear(&out);
    assert_int_equal(buf_append(&out, copy, made.size, &err), ST_OK);
    add_up_all(slice_of(copy, made.size));
    assert_memory_equal(chain.value.bytes, new_chain.value.bytes, HASH_SIZE);
    free(copy);
    manifest_compact_destroy(compactor);
}

static void check_total(void)
{
    struct hash root, expected = leaves_hash(0, (uint64_t)FILES * FILE_LEAVES);
    assert_int_equal(total.end, FILES * FILE_LEAVES);
    merkle_range_root(&total, &root);
    assert_memory_equal(root.bytes, expected.bytes, HASH_SIZE);
}

static void test_compacted_manifest_says_the_same_of_what_is_there(void **state)
{
    (void)state;
    begin_manifest();
    for (unsigned i = 0; i < FILES; i++) {
        put_fact(MANIFEST_CLOSED, i);
        if (i > 0)
            put_fact(MANIFEST_COMPRESSED, i - 1);
        if (i > 7)
            put_fact(MANIFEST_DELETED, i - 8); /* 0 to 3 */
    }
    put_fact(MANIFEST_DELETED, 6);
    put_fact(MANIFEST_HELD, 1);
    compact(buf_slice(&out));
    check_total();
    assert_int_equal(line_counts[MANIFEST_COMPACTED], 1);
    assert_int_equal(line_counts[MANIFEST_GONE], 2);
    assert_int_equal(line_counts[MANIFEST_CLOSED], FILES - 5);
    assert_int_equal(line_counts[MANIFEST_COMPRESSED], FILES - 1 - 5);
    assert_int_equal(line_counts[MANIFEST_DELETED], 0);
    assert_int_equal(line_counts[MANIFEST_HELD], 1);

    /* Again, with more deleted, and the hold released: the runs become one. */
    put_fact(MANIFEST_DELETED, 4);
    put_fact(MANIFEST_DELETED, 5);
    put_fact(MANIFEST_RELEASED, 1);
    compact(buf_slice(&out));
    check_total();
    assert_int_equal(line_counts[MANIFEST_GONE], 1);
    assert_int_equal(line_counts[MANIFEST_CLOSED], FILES - 7);
    assert_int_equal(line_counts[MANIFEST_HELD] + line_counts[MANIFEST_RELEASED], 0);
}

static void test_broken_manifest_is_not_compacted(void **state)
{
    (void)state;
    begin_manifest();
    put_fact(MANIFEST_CLOSED, 0);
    put_fact(MANIFEST_DELETED, 0);
    const uint8_t *second = memchr(out.data, '\n', out.size);
    assert_int_equal(manifest_compact_create(now_ns, &compactor, &err), ST_OK);
    assert_int_equal(look(slice_of(second + 1, (size_t)(out.data + out.size - second - 2))),
                     ST_CORRUPT);
    manifest_compact_destroy(compactor);
}

/* --- Others ------------------------------------------------------------------------------------
 */

static void test_checkpoint_line_is_read_as_written(void **state)
{
    static const char note[] = "o\n1\nx\n\n\xe2\x80\x94 o AAAAAAAA\n";
    uint64_t unix_ns;
    struct buf text;
    (void)state;
    buf_init(&text, 1024);
    buf_clear(&out);
    assert_int_equal(checkpoint_line_put(now_ns, slice_of_text(note), &out, &err), ST_OK);
    assert_memory_equal(out.data, "{\"time\":\"2026-09-21T", 20);
    struct slice line = slice_of(out.data, out.size - 1);
    assert_int_equal(checkpoint_line_read(line, &unix_ns, &text, &err), ST_OK);
    assert_int_equal(unix_ns, now_ns);
    assert_true(slice_equal(buf_slice(&text), slice_of_text(note)));
    assert_int_equal(
        checkpoint_line_read(SLICE("{\"time\":\"2026-09-21T00:00:00Z\"}"), &unix_ns, &text, &err),
        ST_INVALID);
    buf_fini(&text);
}

static void test_tlog_proof_is_read_as_written(void **state)
{
    static struct merkle_path path;
    static struct tlog_proof proof;
    struct hash commitment = leaf_made(1);
    uint8_t entry[STORE_ENTRY_SIZE];
    (void)state;
    leaves_path(11, 29, &path);
    store_entry_put(77, &commitment, entry);
    for (int with_entry = 0; with_entry < 2; with_entry++) {
        buf_clear(&out);
        assert_int_equal(tlog_proof_put(11, with_entry != 0 ? entry : NULL, &path,
                                        SLICE("checkpoint\n"), &out, &err),
                         ST_OK);
        assert_int_equal(tlog_proof_parse(buf_slice(&out), &proof, &err), ST_OK);
        assert_int_equal(proof.index, 11);
        assert_int_equal(proof.has_entry, with_entry);
        assert_int_equal(proof.path.count, path.count);
        assert_memory_equal(proof.path.hashes, path.hashes, path.count * sizeof(struct hash));
        assert_true(slice_equal(proof.checkpoint_note, SLICE("checkpoint\n")));
    }
    assert_memory_equal(proof.entry, entry, STORE_ENTRY_SIZE);
    assert_int_equal(
        tlog_proof_parse(SLICE("c2sp.org/tlog-proof@v1\nindex 01\n\nx\n"), &proof, &err),
        ST_INVALID);
    assert_int_equal(tlog_proof_parse(SLICE("c2sp.org/tlog-proof@v1\nindex 1\n"), &proof, &err),
                     ST_INVALID);
    assert_int_equal(
        tlog_proof_parse(SLICE("c2sp.org/tlog-proof@v1\nextra x\nindex 1\n\nx\n"), &proof, &err),
        ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof_of_a_file_is_its_head_and_states),
        cmocka_unit_test(test_proof_of_an_erased_file_is_its_salts_and_hashes),
        cmocka_unit_test(test_proof_lines_that_do_not_belong_are_refused),
        cmocka_unit_test(test_facts_of_every_kind_are_read_as_written),
        cmocka_unit_test(test_chain_value_is_that_of_the_document),
        cmocka_unit_test(test_changed_or_missing_line_breaks_the_chain),
        cmocka_unit_test(test_compacted_manifest_says_the_same_of_what_is_there),
        cmocka_unit_test(test_broken_manifest_is_not_compacted),
        cmocka_unit_test(test_checkpoint_line_is_read_as_written),
        cmocka_unit_test(test_tlog_proof_is_read_as_written),
    };
    return cmocka_run_group_tests(tests, make_room, give_room_back);
}
