/* SPDX-License-Identifier: Apache-2.0 */
/* search_bench.c -- a store of any size to ask questions of, and what closing its files costs.
 *
 * The lines are those of support/store_corpus.h, in closed files that the exporter compresses and
 * indexes.  Usage: search_bench [MIB [DIR]]; without DIR the store is deleted at the end.  The last
 * line of the output is a JSON object with things to ask for, for tests/bench/compare_search.py.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file_store.h"
#include "support/store_corpus.h"
#include "telltale/store_file.h"
#include "util/clock.h"

enum {
    DEFAULT_MIB = 256,
    FILE_MIB = 128,
    SESSIONS_MAX = 1 << 16,
    SHOWN = 20, /* sessions and needles to ask for */
    SESSION_LEAST = 900,
    SESSION_MOST = 1100,
    BUFFER_MAX = 512 << 20,
    UID_SIZE = 36,
    SAMPLE_EVERY = 9973,
};

struct session {
    char id[CORPUS_ID_SIZE + 1];
    unsigned count;
};

struct made {
    struct store_corpus *corpus;
    struct buf text;
    uint64_t lines, bytes;
    struct session *sessions; /* by a hash of their ids */
    char uids[SHOWN][UID_SIZE + 1];
    uint64_t canaries[SHOWN];
    size_t uid_count, canary_count;
};

static uint64_t cpu_ns(void)
{
    struct rusage usage;

    ASSERT(getrusage(RUSAGE_SELF, &usage) == 0);
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * NS_PER_S +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

static void count_session(struct made *made, const char *id)
{
    uint64_t hash = 0;

    for (const char *at = id; *at != 0; at++)
        hash = hash * 31 + (uint8_t)*at;
    for (size_t tries = 0; tries < SESSIONS_MAX; tries++) {
        struct session *session = &made->sessions[(hash + tries) % SESSIONS_MAX];
        if (session->id[0] == 0)
            memcpy(session->id, id, sizeof(session->id));
        if (strcmp(session->id, id) == 0) {
            session->count++;
            return;
        }
    }
}

static void note_line(struct made *made, const struct store_corpus_line *said, struct slice line)
{
    const struct slice before = SLICE("log.record.uid\",\"value\":{\"stringValue\":\"");

    count_session(made, said->session);
    if (said->has_canary)
        made->canaries[made->canary_count++ % SHOWN] = said->sequence;
    if (said->sequence % SAMPLE_EVERY != 0)
        return;
    const uint8_t *found = memmem(line.data, line.size, before.data, before.size);
    if (found != NULL)
        memcpy(made->uids[made->uid_count++ % SHOWN], found + before.size, UID_SIZE);
}

/* Writes one closed file, plain. */
static void write_file(struct made *made, const char *dir)
{
    struct store_file_name name = {.first_sequence = made->lines + 1};
    char text[STORE_FILE_NAME_SIZE], path[4096];
    struct store_corpus_line said;

    buf_clear(&made->text);
    while (made->text.size < (size_t)FILE_MIB << 20) {
        size_t start = made->text.size;
        store_corpus_next(made->corpus, &made->text, &said);
        if (name.begun_unix_s == 0)
            name.begun_unix_s = said.unix_ns / NS_PER_S;
        note_line(made, &said, slice_of(made->text.data + start, made->text.size - start));
        made->lines++;
    }
    name.last_sequence = made->lines;
    made->bytes += made->text.size;
    store_file_name_format(&name, text);
    snprintf(path, sizeof(path), "%s/%s", dir, text);
    FILE *file = fopen(path, "wbe");
    ASSERT(file != NULL && fwrite(made->text.data, 1, made->text.size, file) == made->text.size);
    ASSERT(fclose(file) == 0);
}

static void print_made(const struct made *made)
{
    size_t shown = 0;

    printf("{\"lines\":%llu,\"bytes\":%llu,\"sessions\":[", (unsigned long long)made->lines,
           (unsigned long long)made->bytes);
    for (size_t i = 0; i < SESSIONS_MAX && shown < SHOWN; i++) {
        const struct session *session = &made->sessions[i];
        if (session->count >= SESSION_LEAST && session->count <= SESSION_MOST)
            printf("%s\"%s\"", shown++ > 0 ? "," : "", session->id);
    }
    printf("],\"uids\":[");
    for (size_t i = 0; i < SHOWN && i < made->uid_count; i++)
        printf("%s\"%s\"", i > 0 ? "," : "", made->uids[i]);
    printf("],\"words\":[");
    for (size_t i = 0; i < SHOWN && i < made->canary_count; i++) {
        char canary[CORPUS_CANARY_SIZE];
        store_corpus_canary(made->canaries[i], canary);
        printf("%s\"%s\"", i > 0 ? "," : "", canary);
    }
    printf("]}\n");
}

/* What the exporter does with the file of lines that was closed. */
static void close_files(struct file_store *store, const struct made *made, uint64_t *cpu)
{
    uint64_t start = cpu_ns();

    (void)made;
    file_store_start(store);
    file_store_compress_all(store);
    file_store_stop(store);
    *cpu += cpu_ns() - start;
}

int main(int argc, char **argv)
{
    uint64_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_MIB;
    struct made made = {.corpus = store_corpus_create(1)};
    struct file_store store;
    uint64_t cpu = 0;

    buf_init(&made.text, BUFFER_MAX);
    made.sessions = calloc(SESSIONS_MAX, sizeof(*made.sessions));
    ASSERT(made.sessions != NULL);
    file_store_init(&store);
    file_store_set(&store, "compression", 1);
    file_store_set(&store, "index", 1);
    if (argc > 2)
        file_store_set_dir(&store, argv[2]);
    ASSERT(mkdir(store.path, 0700) == 0 || argc > 2);
    while (made.bytes < mib << 20) {
        write_file(&made, store.path);
        close_files(&store, &made, &cpu);
    }
    printf("close                    %6.3f us a record to compress and index it, %.1f MB/s\n",
           (double)cpu / 1e3 / (double)made.lines, (double)made.bytes * 1e3 / (double)cpu);
    print_made(&made);
    store_corpus_destroy(made.corpus);
    buf_fini(&made.text);
    free(made.sessions);
    file_store_fini(&store);
    return 0;
}
