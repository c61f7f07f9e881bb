/* SPDX-License-Identifier: Apache-2.0 */
/* file_store.c -- see file_store.h. */
#include "support/file_store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/store_file.h"
#include "util/clock.h"
#include "wire/otlp.h"

extern const struct exporter_ops exporter_file;

enum { RECORD_COUNT_MAX = 4096, BATCH_SIZE_MAX = 64 << 20, OUTPUT_SIZE_MAX = 256 << 20 };

static void *option_address(struct file_store *store, const char *option)
{
    const struct config_field *field = exporter_file.fields;
    char *section = store->config;

    for (;;) {
        size_t size = strcspn(option, ".");
        while (field->key != NULL &&
               (strlen(field->key) != size || strncmp(field->key, option, size) != 0))
            field++;
        ASSERT(field->key != NULL);
        section += field->offset;
        if (option[size] == 0)
            return section;
        option += size + 1;
        field = field->fields;
    }
}

void file_store_set(struct file_store *store, const char *option, uint64_t value)
{
    void *address = option_address(store, option);
    if (strcmp(option, "compression") == 0)
        *(int *)address = (int)value;
    else if (strcmp(option, "index") == 0 || strcmp(option, "integrity.enabled") == 0)
        *(bool *)address = value != 0;
    else
        *(uint64_t *)address = value;
}

void file_store_set_rules(struct file_store *store, const struct retention_rule *rules,
                          size_t count)
{
    struct config_section_map *map = option_address(store, "retention.rules");
    *map = (struct config_section_map){rules, count};
}

void file_store_let_odd_go(struct file_store *store)
{
    static const char *const kinds[] = {"agent.prompt"};
    static const struct retention_rule rule = {
        .name = "odd", .kinds = {kinds, 1}, .keep_ns = NS_PER_S};

    store->odd_go = true;
    file_store_set_rules(store, &rule, 1);
}

void file_store_set_dir(struct file_store *store, const char *dir)
{
    snprintf(store->path, sizeof(store->path), "%s", dir);
    *(const char **)option_address(store, "dir") = store->path;
}

void file_store_set_root(struct file_store *store, const char *root)
{
    char path[sizeof(store->path)];

    snprintf(path, sizeof(path), "%s/store", root);
    file_store_set_dir(store, path);
    store->state_dir = root;
}

void file_store_prove(struct file_store *store)
{
    file_store_set(store, "integrity.enabled", 1);
    file_store_set(store, "integrity.checkpoint_interval", 10 * NS_PER_S);
    file_store_set(store, "integrity.heartbeat", 60 * NS_PER_S);
    file_store_set(store, "integrity.epoch", 3600 * NS_PER_S);
}

void file_store_init(struct file_store *store)
{
    *store = (struct file_store){.journal_id = 0x1a, .padding_bytes = 100};
    temp_dir_make(&store->dir);
    snprintf(store->path, sizeof(store->path), "%s/store", store->dir.path);
    store->config = calloc(1, exporter_file.config_size);
    ASSERT(store->config != NULL);
    file_store_set(store, "rotate.size", UINT64_MAX);
    file_store_set(store, "rotate.age", UINT64_MAX);
    file_store_set(store, "compression_level", 3);
}

void file_store_fini(struct file_store *store)
{
    file_store_stop(store);
    free(store->config);
    temp_dir_remove(&store->dir);
}

enum status file_store_try_start(struct file_store *store)
{
    const struct exporter_context context = {
        .name = "file/test",
        .state_dir = store->state_dir != NULL ? store->state_dir : store->dir.path,
        .first_new_sequence = store->first_new_sequence,
        .io = store->io,
        .notes = store->notes,
        .read_clock = store->read_clock};
    ASSERT(store->exporter == NULL);
    return exporter_file.create(store->config, &context, &store->exporter, &store->err);
}

void file_store_start(struct file_store *store)
{
    if (file_store_try_start(store) != ST_OK) {
        fprintf(stderr, "start: %s\n", store->err.text);
        ASSERT(false);
    }
}

void file_store_stop(struct file_store *store)
{
    exporter_file.destroy(store->exporter);
    store->exporter = NULL;
}

/* A LogRecord whose body says its number and pads it with text that is like no other's. */
static void append_record(struct buf *out, uint64_t sequence, size_t padding_bytes, bool is_prompt)
{
    struct buf body;
    struct buf value;
    struct error err;
    uint64_t state = sequence * UINT64_C(0x9e3779b97f4a7c15) + 1;

    buf_init(&body, SIZE_MAX);
    buf_init(&value, SIZE_MAX);
    ASSERT(buf_reserve(&body, padding_bytes + 64, &err) == ST_OK);
    body.size = (size_t)snprintf((char *)body.data, 64, "event %llu \"quoted\"\n",
                                 (unsigned long long)sequence);
    for (size_t i = 0; i < padding_bytes; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        body.data[body.size++] = (uint8_t)('a' + (state >> 60));
    }
    ASSERT(buf_reserve(&value, body.size + 32, &err) == ST_OK);
    value.size = (size_t)(pb_put_bytes(value.data, ANY_STRING, buf_slice(&body)) - value.data);
    ASSERT(buf_reserve(out, value.size + 64, &err) == ST_OK);
    uint8_t *end = out->data + out->size;
    end = pb_put_fixed64(end, RECORD_TIME_UNIX_NANO, UINT64_C(1790000000000000000) + sequence);
    end = pb_put_bytes(end, RECORD_BODY, buf_slice(&value));
    out->size = (size_t)(end - out->data);
    if (is_prompt)
        ASSERT(pb_append_text(out, RECORD_ATTRIBUTES, SLICE("agent.event.kind"),
                              SLICE("agent.prompt"), &err) == ST_OK);
    buf_fini(&body);
    buf_fini(&value);
}

static enum export_result send_batch(struct file_store *store, const struct record *records,
                                     size_t count)
{
    const struct record_group group = {.request_fields = SLICE_EMPTY};
    struct batch batch = {
        .records = records, .record_count = count, .groups = &group, .group_count = 1};

    memset(batch.journal_id, store->journal_id, sizeof(batch.journal_id));
    store->report = (struct export_report){0};
    return exporter_file.send(store->exporter, &batch, UINT64_MAX, &store->report, &store->err);
}

enum export_result file_store_try(struct file_store *store, uint64_t first, uint64_t last)
{
    static struct record records[RECORD_COUNT_MAX];
    size_t ends[RECORD_COUNT_MAX];
    size_t count = (size_t)(last - first + 1);
    struct buf bytes;

    ASSERT(count <= RECORD_COUNT_MAX);
    buf_init(&bytes, BATCH_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        append_record(&bytes, first + i, store->padding_bytes,
                      store->odd_go && (first + i) % 2 == 1);
        ends[i] = bytes.size;
    }
    for (size_t i = 0; i < count; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        records[i] = (struct record){.sequence = first + i,
                                     .bytes = slice_of(bytes.data + start, ends[i] - start)};
    }
    enum export_result result = send_batch(store, records, count);
    buf_fini(&bytes);
    return result;
}

void file_store_send(struct file_store *store, uint64_t first, uint64_t last)
{
    if (file_store_try(store, first, last) != EXPORT_DONE) {
        fprintf(stderr, "send: %s\n", store->err.text);
        ASSERT(false);
    }
}

enum export_result file_store_try_record(struct file_store *store, uint64_t sequence,
                                         struct slice bytes)
{
    const struct record record = {.sequence = sequence, .bytes = bytes};
    return send_batch(store, &record, 1);
}

enum status file_store_try_tick(struct file_store *store, uint64_t seconds)
{
    uint64_t now = store->read_clock != NULL ? store->read_clock() : clock_unix_ns();
    return exporter_file.tick(store->exporter, now + seconds * NS_PER_S, &store->err);
}

void file_store_tick(struct file_store *store, uint64_t seconds)
{
    if (file_store_try_tick(store, seconds) != ST_OK) {
        fprintf(stderr, "tick: %s\n", store->err.text);
        ASSERT(false);
    }
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t suffix_size = strlen(suffix);
    return size >= suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

void file_store_list(const struct file_store *store, struct file_store_names *ret)
{
    DIR *stream = opendir(store->path);
    struct dirent *item;

    ASSERT(stream != NULL);
    ret->count = 0;
    while ((item = readdir(stream)) != NULL) {
        if (item->d_name[0] == '.')
            continue;
        ASSERT(ret->count < FILE_STORE_NAMES_MAX);
        size_t size = strnlen(item->d_name, FILE_STORE_NAME_SIZE);
        ASSERT(size < FILE_STORE_NAME_SIZE);
        memcpy(ret->names[ret->count++], item->d_name, size + 1);
    }
    (void)closedir(stream); /* only read from */
    qsort(ret->names, ret->count, sizeof(ret->names[0]), compare_names);
}

size_t file_store_count(const struct file_store *store, const char *suffix)
{
    struct file_store_names list;
    size_t count = 0;

    file_store_list(store, &list);
    for (size_t i = 0; i < list.count; i++)
        count += ends_with(list.names[i], suffix);
    return count;
}

void file_store_path(const struct file_store *store, const char *suffix, char *out, size_t size)
{
    struct file_store_names list;
    size_t found = 0;

    file_store_list(store, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (!ends_with(list.names[i], suffix))
            continue;
        found++;
        int used = snprintf(out, size, "%s/%s", store->path, list.names[i]);
        ASSERT(used > 0 && (size_t)used < size);
    }
    ASSERT(found == 1);
}

static size_t count_plain(const struct file_store *store)
{
    struct file_store_names list;
    struct store_file_name name;
    size_t count = 0;

    file_store_list(store, &list);
    for (size_t i = 0; i < list.count; i++)
        count += store_file_name_parse(list.names[i], &name) && !name.compressed;
    return count;
}

void file_store_compress_all(struct file_store *store)
{
    enum { TICKS_MAX = 1000 };

    for (int i = 0; i < TICKS_MAX; i++) {
        file_store_tick(store, 0);
        if (count_plain(store) == 0 && file_store_count(store, ".tmp") == 0)
            return;
    }
    ASSERT(false);
}

void file_store_run(const struct file_store *store, const char *command, struct buf *out)
{
    char text[1024];
    struct error err;

    int used = snprintf(text, sizeof(text), "cd '%s' && { %s; }", store->path, command);
    ASSERT(used > 0 && (size_t)used < sizeof(text));
    FILE *stream = popen(text, "re");
    ASSERT(stream != NULL);
    buf_clear(out);
    for (;;) {
        ASSERT(buf_reserve(out, 64 << 10, &err) == ST_OK);
        size_t got = fread(out->data + out->size, 1, 64 << 10, stream);
        if (got == 0)
            break;
        out->size += got;
    }
    ASSERT(pclose(stream) == 0);
}

uint64_t file_store_run_number(const struct file_store *store, const char *command)
{
    struct buf out;

    buf_init(&out, OUTPUT_SIZE_MAX);
    file_store_run(store, command, &out);
    ASSERT(out.size < out.capacity);
    out.data[out.size] = 0;
    uint64_t value = strtoull((const char *)out.data, NULL, 10);
    buf_fini(&out);
    return value;
}

void file_store_expect(const struct file_store *store, uint64_t first, uint64_t last)
{
    struct buf out;
    uint64_t expected = first;

    buf_init(&out, OUTPUT_SIZE_MAX);
    file_store_run(store,
                   "for f in $(ls *Z-*-*.jsonl *Z-*-*.jsonl.zst 2>/dev/null) active.jsonl; do "
                   "case $f in *.zst) zstd -dcq $f || exit 1;; *) cat $f;; esac; done",
                   &out);
    struct slice rest = buf_slice(&out);
    while (rest.size > 0) {
        struct store_place place;
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        ASSERT(end != NULL); /* a torn line */
        size_t size = (size_t)(end - rest.data) + 1;
        ASSERT(store_line_place(slice_of(rest.data, size), &place));
        if (place.sequence != expected) {
            fprintf(stderr, "record %llu where %llu should be\n",
                    (unsigned long long)place.sequence, (unsigned long long)expected);
            ASSERT(false);
        }
        ASSERT(place.journal_id[0] == store->journal_id);
        expected++;
        rest = slice_from(rest, size);
    }
    if (expected != last + 1)
        fprintf(stderr, "the store ends before record %llu\n", (unsigned long long)expected);
    ASSERT(expected == last + 1);
    buf_fini(&out);
}
