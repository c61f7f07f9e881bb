/* SPDX-License-Identifier: Apache-2.0 */
/* compression_test.c -- closed files as zstd, jq and a reader of seek tables see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include "support/file_store.h"
#include "telltale/store_file.h"
#include "util/le.h"

enum { FILE_SIZE_MAX = 64 << 20 };

static void send_and_compress(struct file_store *store, uint64_t last)
{
    file_store_set(store, "compression", 1);
    file_store_start(store);
    for (uint64_t i = 1; i <= last; i += 100)
        file_store_send(store, i, i + 99 < last ? i + 99 : last);
    file_store_set(store, "rotate.size", 1);
    file_store_compress_all(store);
}

static void test_zstd_and_jq_read_a_closed_file(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 1000;
    send_and_compress(&store, 1000);
    assert_int_equal(file_store_count(&store, "1000.jsonl.zst"), 1);
    assert_int_equal(file_store_run_number(&store, "zstd -dcq *.zst | jq -c . | wc -l"), 1000);
    assert_int_equal(file_store_run_number(&store,
                                           "zstd -dcq *.zst | jq -r '.resourceLogs[].scopeLogs[]."
                                           "logRecords[].attributes[] | select(.key == "
                                           "\"agent.journal.sequence\").value.intValue' | "
                                           "awk '$1 != NR {bad++} END {print bad + 0}'"),
                     0);
    file_store_run_number(&store, "zstd -tq *.zst");
    file_store_expect(&store, 1, 1000);
    file_store_fini(&store);
}

static void read_whole(const char *path, struct buf *out)
{
    struct error err;
    FILE *file = fopen(path, "rbe");

    assert_non_null(file);
    buf_init(out, FILE_SIZE_MAX);
    assert_int_equal(buf_reserve(out, FILE_SIZE_MAX, &err), ST_OK);
    out->size = fread(out->data, 1, FILE_SIZE_MAX, file);
    assert_int_equal(fclose(file), 0);
}

/* Decodes frame after frame, each by itself, as the seek table says; each is whole lines. */
static uint64_t count_lines_by_seek_table(struct slice file, uint32_t *ret_frames)
{
    const uint8_t *foot = file.data + file.size - 9;
    uint64_t lines = 0;
    uint64_t offset = 0;

    assert_int_equal(le32_get(foot + 5), 0x8F92EAB1);
    assert_int_equal(foot[4], 0);
    uint32_t frames = le32_get(foot);
    const uint8_t *table = foot - 8 * (size_t)frames - 8;
    assert_int_equal(le32_get(table), 0x184D2A5E);
    assert_int_equal(le32_get(table + 4), 8 * frames + 9);
    for (uint32_t i = 0; i < frames; i++) {
        uint32_t compressed_size = le32_get(table + 8 + 8 * (size_t)i);
        uint32_t size = le32_get(table + 12 + 8 * (size_t)i);
        uint8_t *plain = malloc(size);
        assert_non_null(plain);
        assert_int_equal(ZSTD_decompress(plain, size, file.data + offset, compressed_size), size);
        assert_int_equal(plain[size - 1], '\n');
        for (uint32_t at = 0; at < size; at++)
            lines += plain[at] == '\n';
        assert_memory_equal(plain, "{\"resourceLogs\":", 16);
        offset += compressed_size;
        free(plain);
    }
    assert_ptr_equal(file.data + offset, table);
    *ret_frames = frames;
    return lines;
}

static void test_frames_decode_by_themselves_at_line_ends(void **state)
{
    (void)state;
    struct file_store store;
    struct buf file;
    char path[256];
    uint32_t frames;

    file_store_init(&store);
    store.padding_bytes = 1000;
    send_and_compress(&store, 1000);
    file_store_path(&store, ".zst", path, sizeof(path));
    read_whole(path, &file);
    assert_int_equal(count_lines_by_seek_table(buf_slice(&file), &frames), 1000);
    assert_in_range(frames, 5, 20); /* 1.2 MB in frames of 128 KiB */
    buf_fini(&file);
    file_store_fini(&store);
}

static void test_a_line_longer_than_a_frame_gets_its_own(void **state)
{
    (void)state;
    struct file_store store;
    struct buf file;
    char path[256];
    uint32_t frames;

    file_store_init(&store);
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 10);
    store.padding_bytes = 3000000;
    file_store_send(&store, 11, 12);
    store.padding_bytes = 10;
    file_store_set(&store, "rotate.size", 1);
    file_store_send(&store, 13, 20);
    file_store_compress_all(&store);
    file_store_path(&store, ".zst", path, sizeof(path));
    read_whole(path, &file);
    assert_int_equal(count_lines_by_seek_table(buf_slice(&file), &frames), 20);
    assert_int_equal(frames, 3);
    file_store_expect(&store, 1, 20);
    buf_fini(&file);
    file_store_fini(&store);
}

/* While a large file is compressed, deliveries go on and each does a part of it. */
static void test_compression_is_done_between_batches(void **state)
{
    (void)state;
    struct file_store store;
    uint64_t next = 21;

    file_store_init(&store);
    store.padding_bytes = 200000;
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 19);
    file_store_set(&store, "rotate.size", 1);
    file_store_send(&store, 20, 20);
    file_store_set(&store, "rotate.size", UINT64_MAX);
    assert_int_equal(file_store_count(&store, ".tmp"), 1); /* begun, not finished */
    store.padding_bytes = 10;
    while (file_store_count(&store, ".tmp") == 1 && next < 100) {
        file_store_send(&store, next, next);
        next++;
    }
    assert_in_range(next, 22, 30); /* 4 MB, 1 MiB at a time */
    assert_int_equal(file_store_count(&store, "20.jsonl.zst"), 1);
    file_store_expect(&store, 1, next - 1);
    file_store_fini(&store);
}

static void test_a_compressed_file_keeps_the_time_of_its_last_line(void **state)
{
    (void)state;
    struct file_store store;
    struct stat info;
    char path[256];

    file_store_init(&store);
    file_store_set(&store, "rotate.size", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 9);
    file_store_stop(&store);
    file_store_run_number(&store, "touch -d @1700000000 *Z-*.jsonl");
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_compress_all(&store);
    file_store_path(&store, ".zst", path, sizeof(path));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mtim.tv_sec, 1700000000);
    file_store_fini(&store);
}

static void test_stopping_in_the_middle_leaves_no_temporary_file(void **state)
{
    (void)state;
    struct file_store store;

    file_store_init(&store);
    store.padding_bytes = 200000;
    file_store_set(&store, "compression", 1);
    file_store_start(&store);
    file_store_send(&store, 1, 19);
    store.padding_bytes = 10;
    file_store_set(&store, "rotate.size", 1);
    file_store_send(&store, 20, 20);
    assert_int_equal(file_store_count(&store, ".tmp"), 1);
    file_store_stop(&store);
    assert_int_equal(file_store_count(&store, ".tmp"), 0);
    file_store_start(&store);
    file_store_compress_all(&store);
    assert_int_equal(file_store_count(&store, ".zst"), 1);
    file_store_expect(&store, 1, 20);
    file_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zstd_and_jq_read_a_closed_file),
        cmocka_unit_test(test_frames_decode_by_themselves_at_line_ends),
        cmocka_unit_test(test_a_line_longer_than_a_frame_gets_its_own),
        cmocka_unit_test(test_compression_is_done_between_batches),
        cmocka_unit_test(test_a_compressed_file_keeps_the_time_of_its_last_line),
        cmocka_unit_test(test_stopping_in_the_middle_leaves_no_temporary_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
