/* SPDX-License-Identifier: Apache-2.0 */
/* store_index_bench.c -- what the index of a closed file costs to make and to keep, and how much of
 * the file is left to read for an answer.
 *
 * Usage: store_index_bench [MIB [FRAME_KIB [LEVEL]]].  Files of 256 MiB in memory; no disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <zstd.h>

#include "support/store_corpus.h"
#include "telltale/store_index.h"
#include "telltale/store_index_builder.h"

enum {
    DEFAULT_MIB = 256,
    FILE_MIB = 256,
    DEFAULT_FRAME_KIB = 128,
    DEFAULT_LEVEL = 3,
    ASKED_MAX = 1024,
    ABSENT_WORDS = 200,
};

struct totals {
    uint64_t lines, bytes, compressed, index;
    uint64_t build_ns, compress_ns, longest_ns; /* the longest call of the builder */
    uint64_t frames;
    uint64_t asked[4], frames_found[4], missed[4];
};

static struct error err;
static struct store_corpus_line asked[ASKED_MAX];
static size_t asked_frame[ASKED_MAX];
static size_t asked_count;

/* Of this thread, so that others on the machine do not count. */
static uint64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t timed(uint64_t start, struct totals *totals)
{
    uint64_t took = cpu_ns() - start;
    totals->build_ns += took;
    if (took > totals->longest_ns)
        totals->longest_ns = took;
    return took;
}

static void end_frame(struct store_index_builder *builder, ZSTD_CCtx *context, int level,
                      const struct buf *frame, struct buf *packed, struct totals *totals)
{
    ASSERT(buf_reserve(packed, ZSTD_compressBound(frame->size), &err) == ST_OK);
    uint64_t start = cpu_ns();
    size_t size =
        ZSTD_compressCCtx(context, packed->data, packed->capacity, frame->data, frame->size, level);
    totals->compress_ns += cpu_ns() - start;
    ASSERT(!ZSTD_isError(size));
    start = cpu_ns();
    ASSERT(store_index_builder_add(builder, buf_slice(frame), &err) == ST_OK);
    ASSERT(store_index_builder_end_frame(builder, size, &err) == ST_OK);
    timed(start, totals);
    totals->compressed += size + 8;
    totals->bytes += frame->size;
    totals->frames++;
}

static void ask(const struct store_index *index, struct totals *totals)
{
    static const char *const names[] = {"session", "user", "rare word", "absent word"};
    struct frame_set set;

    ASSERT(frame_set_init(&set, store_index_frame_count(index), &err) == ST_OK);
    for (size_t i = 0; i < asked_count; i++) {
        char canary[CORPUS_CANARY_SIZE];
        store_corpus_canary(asked[i].sequence, canary);
        for (size_t what = 0; what < COUNT_OF(names) - 1; what++) {
            frame_set_clear(&set);
            if (what == 0)
                store_index_find_id(index, slice_of_text(asked[i].session), &set);
            else if (what == 1)
                store_index_find_id(index, slice_of_text(asked[i].user), &set);
            else
                store_index_find_text(index, slice_of_text(canary), true, true, &set);
            totals->asked[what]++;
            totals->frames_found[what] += frame_set_size(&set);
            totals->missed[what] += what == 2 && !frame_set_has(&set, asked_frame[i]);
        }
    }
    for (unsigned i = 0; i < ABSENT_WORDS; i++) {
        char word[32];
        snprintf(word, sizeof(word), "nowhere_%u", i * 7919);
        frame_set_clear(&set);
        store_index_find_text(index, slice_of_text(word), true, true, &set);
        totals->asked[3]++;
        totals->frames_found[3] += frame_set_size(&set);
    }
    frame_set_fini(&set);
}

static void make_file(struct store_corpus *corpus, uint64_t size, size_t frame_size, int level,
                      struct totals *totals)
{
    struct store_index_builder *builder;
    struct store_index *index;
    struct store_corpus_line line;
    struct buf frame, packed;
    struct slice bytes;
    uint64_t end = totals->bytes + size;
    size_t frames = 0;

    ZSTD_CCtx *context = ZSTD_createCCtx();
    ASSERT(context != NULL && store_index_builder_create(&builder, &err) == ST_OK);
    buf_init(&frame, 64 << 20);
    buf_init(&packed, 64 << 20);
    asked_count = 0;
    while (totals->bytes < end) {
        store_corpus_next(corpus, &frame, &line);
        totals->lines++;
        if (line.has_canary && asked_count < ASKED_MAX) {
            asked[asked_count] = line;
            asked_frame[asked_count++] = frames;
        }
        if (frame.size < frame_size)
            continue;
        end_frame(builder, context, level, &frame, &packed, totals);
        buf_clear(&frame);
        frames++;
    }
    const struct store_index_file file = {.size_bytes = totals->compressed};
    uint64_t start = cpu_ns();
    ASSERT(store_index_builder_finish(builder, &file, &bytes, &err) == ST_OK);
    timed(start, totals);
    totals->index += bytes.size;
    ASSERT(store_index_read(bytes, &index, &err) == ST_OK);
    ask(index, totals);
    printf("sessions %zu%s, texts %zu\n", store_index_session_count(index),
           store_index_has_all_sessions(index) ? "" : " and more", store_index_tally_count(index));
    store_index_close(index);
    store_index_builder_destroy(builder);
    buf_fini(&frame);
    buf_fini(&packed);
    ZSTD_freeCCtx(context);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"a session", "a user", "a rare word", "an absent word"};
    uint64_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_MIB;
    size_t frame_size = (argc > 2 ? strtoul(argv[2], NULL, 10) : DEFAULT_FRAME_KIB) << 10;
    int level = argc > 3 ? atoi(argv[3]) : DEFAULT_LEVEL;
    struct totals totals = {0};

    struct store_corpus *corpus = store_corpus_create(1);
    for (uint64_t done = 0; done < mib; done += FILE_MIB)
        make_file(corpus, (mib - done < FILE_MIB ? mib - done : FILE_MIB) << 20, frame_size, level,
                  &totals);
    store_corpus_destroy(corpus);
    printf("%llu lines of %llu bytes; compressed to %.3f; index %.4f of that, %.1f bytes a line\n",
           (unsigned long long)totals.lines, (unsigned long long)(totals.bytes / totals.lines),
           (double)totals.compressed / (double)totals.bytes,
           (double)totals.index / (double)totals.compressed,
           (double)totals.index / (double)totals.lines);
    printf("index %.3f us a line, %.0f MB/s, longest call %.1f ms; zstd %.3f us a line\n",
           (double)totals.build_ns / 1e3 / (double)totals.lines,
           (double)totals.bytes * 1e3 / (double)totals.build_ns, (double)totals.longest_ns / 1e6,
           (double)totals.compress_ns / 1e3 / (double)totals.lines);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        printf("%-15s %.5f of the frames, %llu missed\n", names[i],
               (double)totals.frames_found[i] / (double)totals.asked[i] /
                   ((double)totals.frames * FILE_MIB / (double)(mib > FILE_MIB ? mib : FILE_MIB)),
               (unsigned long long)totals.missed[i]);
    return 0;
}
