/* SPDX-License-Identifier: Apache-2.0 */
/* integrity_bench.c -- what the tree costs per line: salt, commitment, leaf and compact range; and
 * what signing and checking a checkpoint cost.
 *
 * Usage: integrity_bench [LINES]. */
#include <stdio.h>
#include <stdlib.h>

#include "telltale/checkpoint.h"
#include "telltale/merkle_range.h"
#include "telltale/store_leaf.h"
#include "util/clock.h"

enum { DEFAULT_LINES = 1000000, LINE_MAX = 3072, NOTES = 2000 };

static uint8_t line[LINE_MAX];

static void hash_lines(size_t count, size_t line_size)
{
    struct store_seed seed = {{1}};
    static struct merkle_range range;
    struct hash leaf, root;

    merkle_range_init(&range, 0);
    uint64_t start = clock_monotonic_ns();
    for (size_t i = 0; i < count; i++) {
        line[i % line_size]++;
        store_leaf_of_line(&seed, i, i + 1, slice_of(line, line_size), &leaf);
        merkle_range_append_leaf(&range, &leaf);
    }
    double ns = (double)(clock_monotonic_ns() - start);
    merkle_range_root(&range, &root);
    printf("lines of %4zu bytes: %5.0f ns each, %4.0f MB/s (root %02x)\n", line_size,
           ns / (double)count, (double)(count * line_size) * 1000 / ns, root.bytes[0]);
}

static void sign_notes(void)
{
    struct checkpoint checkpoint = {.origin = "example.com/telltale", .size = 1};
    struct note_signer log, epoch;
    const struct note_signer *const signers[] = {&log, &epoch};
    static struct note note;
    struct buf text, out;
    struct error err;

    buf_init(&text, NOTE_SIZE_MAX);
    buf_init(&out, NOTE_SIZE_MAX);
    ASSERT(note_signer_make(SLICE("example.com/telltale"), &log, &err) == ST_OK &&
           note_signer_make(SLICE("example.com/telltale/epoch/1"), &epoch, &err) == ST_OK &&
           checkpoint_put(&checkpoint, &text, &err) == ST_OK);
    uint64_t start = clock_monotonic_ns();
    for (size_t i = 0; i < NOTES; i++) {
        buf_clear(&out);
        ASSERT(note_sign(buf_slice(&text), signers, 2, &out, &err) == ST_OK);
    }
    uint64_t middle = clock_monotonic_ns();
    for (size_t i = 0; i < NOTES; i++)
        ASSERT(note_parse(buf_slice(&out), &note, &err) == ST_OK &&
               note_verify(&note, &log.vkey, NULL, &err) == ST_OK &&
               note_verify(&note, &epoch.vkey, NULL, &err) == ST_OK);
    uint64_t end = clock_monotonic_ns();
    printf("checkpoint: signed twice %.0f us, checked twice %.0f us\n",
           (double)(middle - start) / NOTES / 1000, (double)(end - middle) / NOTES / 1000);
    buf_fini(&text);
    buf_fini(&out);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_LINES;

    hash_lines(count, 500);
    hash_lines(count, 1500);
    hash_lines(count, 3000);
    sign_notes();
    return 0;
}
