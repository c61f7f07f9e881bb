/* SPDX-License-Identifier: Apache-2.0 */
/* store_bench.c -- what the forensic store costs per record: writing (with compression beside it),
 * reading lines, and turning lines back into records.
 *
 * The records are those of the corpus, over and over, in batches of 500.  Usage: store_bench
 * [RECORDS], in $TMPDIR; give it a tmpfs to leave out the disk.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/store_reader.h"
#include "store/store_record.h"
#include "support/file_store.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_file;

enum { DEFAULT_RECORDS = 500000, CORPUS_MAX = 4096, BATCH = 500, GROUP_MAX = 256 };

static struct slice corpus[CORPUS_MAX];
static uint32_t corpus_groups[CORPUS_MAX];
static size_t corpus_count;
static struct record_group groups[GROUP_MAX];
static size_t group_count;

static struct slice copy_of(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    ASSERT(copy != NULL);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return slice_of(copy, bytes.size);
}

static enum status take_group(void *context, const struct record_group *group, struct error *err)
{
    (void)context;
    (void)err;
    ASSERT(group_count < GROUP_MAX);
    groups[group_count++] = (struct record_group){
        .resource_logs_fields = copy_of(group->resource_logs_fields),
        .scope_logs_fields = copy_of(group->scope_logs_fields),
    };
    return ST_OK;
}

static enum status take_record(void *context, struct slice record, struct error *err)
{
    (void)context;
    (void)err;
    if (corpus_count < CORPUS_MAX) {
        corpus_groups[corpus_count] = (uint32_t)(group_count - 1);
        corpus[corpus_count++] = copy_of(record);
    }
    return ST_OK;
}

static int take_file(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)ftw;
    const struct otlp_request_visitor visitor = {.on_group = take_group, .on_record = take_record};
    struct error err;

    if (type != FTW_F || strstr(path, "protobuf/") == NULL || strstr(path, "/logs/") == NULL)
        return 0;
    size_t size = (size_t)info->st_size;
    uint8_t *data = malloc(size + 1);
    FILE *file = fopen(path, "rbe");
    ASSERT(data != NULL && file != NULL && fread(data, 1, size, file) == size);
    (void)fclose(file); /* only read from */
    ASSERT(otlp_walk_request(slice_of(data, size), &visitor, &err) == ST_OK);
    free(data);
    return 0;
}

static uint64_t send_all(struct file_store *store, size_t total)
{
    static struct record records[BATCH];
    struct error err;
    uint64_t bytes = 0;

    for (size_t sent = 0; sent < total; sent += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            size_t index = (sent + i) % corpus_count;
            records[i] = (struct record){.sequence = sent + i + 1,
                                         .bytes = corpus[index],
                                         .group_index = corpus_groups[index]};
        }
        const struct batch batch = {.journal_id = {7},
                                    .records = records,
                                    .record_count = BATCH,
                                    .groups = groups,
                                    .group_count = group_count};
        struct export_report report = {0};
        ASSERT(exporter_file.send(store->exporter, &batch, UINT64_MAX, &report, &err) ==
               EXPORT_DONE);
        bytes += report.sent_bytes;
    }
    return bytes;
}

static enum status count_record(void *context, const struct store_record_view *view,
                                struct error *err)
{
    (void)err;
    *(uint64_t *)context += view->record->attribute_count;
    return ST_OK;
}

static void read_all(struct file_store *store, size_t total, struct store_record *records)
{
    struct store_reader *reader;
    struct store_line line;
    struct error err;
    uint64_t attributes = 0;
    uint64_t bytes = 0;
    size_t lines = 0;

    uint64_t start = clock_monotonic_ns();
    ASSERT(store_reader_open(store->path, NULL, &reader, &err) == ST_OK);
    while (store_reader_next(reader, &line, &err) == ST_OK) {
        lines++;
        bytes += line.text.size + 1;
        if (records != NULL)
            ASSERT(store_record_read(records, line.text, count_record, &attributes, &err) == ST_OK);
    }
    store_reader_close(reader);
    uint64_t took = clock_monotonic_ns() - start;
    ASSERT(lines == total);
    printf("%-24s %6.3f us a record, %7.1f MB/s\n", records != NULL ? "lines to records" : "lines",
           (double)took / 1e3 / (double)lines, (double)bytes * 1e3 / (double)took);
}

static uint64_t cpu_ns(void)
{
    struct timespec time;

    ASSERT(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* What the proofs add, by the clock of the processor: rounds in turns, the best of each counts. */
static void measure_proofs(struct file_store *store, size_t total)
{
    enum { ROUNDS = 3 };
    uint64_t best[2] = {UINT64_MAX, UINT64_MAX};

    file_store_prove(store);
    file_store_set(store, "compression", 0);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        file_store_set(store, "integrity.enabled", i % 2 == 1);
        file_store_start(store);
        uint64_t start = cpu_ns();
        (void)send_all(store, total);
        uint64_t took = cpu_ns() - start;
        best[i % 2] = took < best[i % 2] ? took : best[i % 2];
        file_store_stop(store);
        file_store_run_number(store, "rm -rf ./* ../integrity");
    }
    printf("%-24s %6.3f us of processor time a record, without %6.3f\n", "write with proofs",
           (double)best[1] / 1e3 / (double)total, (double)best[0] / 1e3 / (double)total);
    file_store_set(store, "integrity.enabled", 0);
}

int main(int argc, char **argv)
{
    size_t total = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_RECORDS;
    struct store_record *records;
    struct file_store store;
    struct error err;

    total -= total % BATCH;
    ASSERT(nftw(TEST_CORPUS_DIR, take_file, 16, FTW_PHYS) == 0 && corpus_count > 0);
    file_store_init(&store);
    file_store_set(&store, "rotate.size", UINT64_C(64) << 20);
    measure_proofs(&store, total);
    for (uint64_t compression = 0; compression < 2; compression++) {
        file_store_set(&store, "compression", compression);
        file_store_start(&store);
        uint64_t start = clock_monotonic_ns();
        uint64_t bytes = send_all(&store, total);
        uint64_t took = clock_monotonic_ns() - start;
        printf("write%-19s %6.3f us a record, %7.1f MB/s, %llu bytes a line\n",
               compression == 1 ? " and compress" : "", (double)took / 1e3 / (double)total,
               (double)bytes * 1e3 / (double)took, (unsigned long long)(bytes / total));
        read_all(&store, total, NULL);
        if (compression == 1) {
            file_store_compress_all(&store);
            printf("on disk %24.3f of the plain size\n",
                   (double)file_store_run_number(&store, "du -sb . | cut -f1") / (double)bytes);
            read_all(&store, total, NULL);
            ASSERT(store_record_create(&records, &err) == ST_OK);
            read_all(&store, total, records);
            store_record_destroy(records);
        }
        file_store_stop(&store);
        file_store_run_number(&store, "rm -f ./*");
    }
    file_store_fini(&store);
    return 0;
}
