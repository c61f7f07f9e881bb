/* SPDX-License-Identifier: Apache-2.0 */
/* verify_bench.c -- how fast a store is verified: bytes of lines a second, of compressed files.
 *
 * Usage: verify_bench [MIB [CHECKPOINTS]].  A store of so many MiB of lines, by default 1024, in
 * files of 64 MiB, with so many checkpoints, by default 1000, is made below TMPDIR and verified
 * with one thread, with two, and with as many as there are processors, each from a warm cache. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/proved_store.h"
#include "support/store_corpus.h"
#include "util/clock.h"
#include "verify/verify.h"

enum { FILE_MIB = 64, FRAME_LINES = 64, BATCH_SIZE = 1 << 20, MIB = 1 << 20 };

static void make_store(struct proved_store *store, uint64_t mib, uint64_t checkpoints)
{
    struct store_corpus *corpus = store_corpus_create(1);
    struct buf lines;
    uint64_t batches = mib * MIB / BATCH_SIZE;
    uint64_t due = checkpoints > 0 ? batches / checkpoints : batches;

    buf_init(&lines, 2 * BATCH_SIZE);
    for (uint64_t i = 0; i < batches; i++) {
        buf_clear(&lines);
        while (lines.size < BATCH_SIZE)
            store_corpus_next(corpus, &lines, NULL);
        proved_store_append(store, buf_slice(&lines));
        for (uint64_t more = 0; due == 0 && more < checkpoints / batches; more++)
            proved_store_checkpoint(store);
        if (due > 0 && i % due == 0)
            proved_store_checkpoint(store);
        if (store->file_bytes >= (uint64_t)FILE_MIB * MIB - BATCH_SIZE) {
            proved_store_close(store);
            proved_store_compress(store, FRAME_LINES);
        }
    }
    proved_store_checkpoint(store);
    buf_fini(&lines);
    store_corpus_destroy(corpus);
}

static double cpu_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* cannot fail for this clock */
    return (double)now.tv_sec + (double)now.tv_nsec / (double)NS_PER_S;
}

static void verify(const struct proved_store *store, unsigned threads)
{
    char key[NOTE_VKEY_SIZE];
    const char *keys[] = {key};
    const struct verify_options options = {
        .store_dir = store->path, .keys = keys, .key_count = 1, .threads = threads};
    struct verify_report report;
    struct verify_summary summary;
    struct error err;

    proved_store_first_key(store, key);
    verify_report_init(&report);
    uint64_t start = clock_monotonic_ns();
    double cpu_start = cpu_seconds();
    if (verify_store(&options, &report, &summary, &err) != ST_OK)
        abort();
    double seconds = (double)(clock_monotonic_ns() - start) / (double)NS_PER_S;
    double cpu = cpu_seconds() - cpu_start;
    for (int i = 0; i < VERIFY_QUESTION_COUNT; i++) {
        if (verify_report_answer(&report, (enum verify_question)i) != VERIFY_YES)
            abort();
    }
    if (threads > 0)
        printf("%u threads: ", threads);
    else
        printf("all processors: ");
    printf("%.2f s, %.0f MB/s of lines, %.0f MB of them for a second of CPU, %.0f records/s, "
           "%llu checkpoints\n",
           seconds, (double)summary.bytes / 1e6 / seconds, (double)summary.bytes / 1e6 / cpu,
           (double)summary.lines / seconds, (unsigned long long)summary.checkpoints);
    verify_report_fini(&report);
}

int main(int argc, char **argv)
{
    uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : 1024;
    uint64_t checkpoints = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    struct proved_store store;

    proved_store_init(&store);
    make_store(&store, mib, checkpoints);
    verify(&store, 1);
    verify(&store, 1);
    verify(&store, 2);
    verify(&store, 0);
    proved_store_fini(&store);
    return 0;
}
