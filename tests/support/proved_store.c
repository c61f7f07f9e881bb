/* SPDX-License-Identifier: Apache-2.0 */
/* proved_store.c -- see proved_store.h. */
#include "support/proved_store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "exporters/file/seek_table.h"
#include "telltale/checkpoint_line.h"
#include "telltale/line_file.h"
#include "telltale/store_proof.h"
#include "util/clock.h"

#define ORIGIN  "test.example/telltale"
#define ID_TEXT "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"

enum { FILE_SIZE_MAX = 96 << 20, START_UNIX_S = 1795000000, LEVEL = 3 };

/* --- Files ----------------------------------------------------------------------------------- */

static void expect_ok(enum status st, const struct error *err)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "proved_store: %s\n", err->text);
    abort();
}

static void append_line(const struct proved_store *store, const char *name, struct slice line)
{
    struct line_file file = {.fd = -1};
    struct error err;

    expect_ok(line_file_open(&file, &disk_io_system, store->dir_fd, name, NULL, &err), &err);
    expect_ok(line_file_append(&file, line, &err), &err);
    line_file_close(&file);
}

static void append_bytes(const struct proved_store *store, const char *name, struct slice bytes)
{
    int fd = openat(store->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    ASSERT(fd >= 0);
    ssize_t written = write(fd, bytes.data, bytes.size);
    ASSERT(written == (ssize_t)bytes.size);
    (void)close(fd); /* a test's file */
}

static void read_whole(const struct proved_store *store, const char *name, struct buf *out)
{
    struct error err;
    ssize_t got;

    int fd = openat(store->dir_fd, name, O_RDONLY | O_CLOEXEC);
    ASSERT(fd >= 0);
    buf_init(out, FILE_SIZE_MAX);
    expect_ok(buf_reserve(out, FILE_SIZE_MAX, &err), &err);
    while ((got = read(fd, out->data + out->size, FILE_SIZE_MAX - out->size)) > 0)
        out->size += (size_t)got;
    ASSERT(got == 0);
    (void)close(fd); /* only read from */
}

static void rename_in(const struct proved_store *store, const char *from, const char *to)
{
    int result = renameat(store->dir_fd, from, store->dir_fd, to);
    ASSERT(result == 0);
}

static void add_suffix(const char *base, const char *suffix, char out[STORE_FILE_NAME_SIZE + 16])
{
    snprintf(out, STORE_FILE_NAME_SIZE + 16, "%s%s", base, suffix);
}

static void record(struct proved_store *store, struct manifest_fact *fact)
{
    struct buf line;
    struct error err;

    buf_init(&line, LINE_FILE_LINE_MAX);
    fact->unix_ns = store->unix_s++ * NS_PER_S;
    expect_ok(manifest_put(fact, &store->chain, &line, &err), &err);
    append_line(store, STORE_MANIFEST_NAME, buf_slice(&line));
    buf_fini(&line);
    if (fact->kind != MANIFEST_DELETED && fact->kind != MANIFEST_REWRITTEN)
        return;
    store->deed = (struct proved_deed){
        .action = fact->kind == MANIFEST_DELETED ? "deletion" : "erasure",
        .transport = "internal",
        .origin = ORIGIN,
        .names_line = true,
        .line = store->chain.value,
    };
    memcpy(store->deed.base, fact->base, sizeof(store->deed.base));
}

/* --- Beginning and end ----------------------------------------------------------------------- */

void proved_store_init(struct proved_store *store)
{
    char keys[PROVED_STORE_PATH_SIZE];
    enum key_ring_found found;
    struct error err;

    *store = (struct proved_store){.next_sequence = 1, .unix_s = START_UNIX_S};
    temp_dir_make(&store->dir);
    snprintf(store->path, sizeof(store->path), "%s/store", store->dir.path);
    snprintf(keys, sizeof(keys), "%s/keys", store->dir.path);
    int made = mkdir(store->path, 0700) == 0 && mkdir(keys, 0700) == 0;
    ASSERT(made);
    store->dir_fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    store->key_dir_fd = open(keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT(store->dir_fd >= 0 && store->key_dir_fd >= 0);
    merkle_range_init(&store->tree, 0);
    expect_ok(key_ring_open(&disk_io_system, store->key_dir_fd, store->dir_fd, ORIGIN, 0,
                            store->unix_s++, &store->ring, &found, &err),
              &err);
}

void proved_store_fini(struct proved_store *store)
{
    key_ring_close(store->ring);
    (void)close(store->dir_fd); /* directories */
    (void)close(store->key_dir_fd);
    temp_dir_remove(&store->dir);
}

static enum status take_key_line(void *context, struct slice line, uint64_t number,
                                 struct error *err)
{
    return key_chain_read_line(context, line, number, err);
}

static struct key_chain *read_chain(const struct proved_store *store)
{
    struct key_chain *chain;
    struct error err;

    expect_ok(key_chain_create(NULL, &chain, &err), &err);
    expect_ok(line_file_read(&disk_io_system, store->dir_fd, STORE_KEYS_NAME, take_key_line, chain,
                             NULL, &err),
              &err);
    return chain;
}

void proved_store_first_key(const struct proved_store *store, char out[NOTE_VKEY_SIZE])
{
    struct key_chain *chain = read_chain(store);
    struct epoch_certificate first = key_chain_epoch(chain, 0);

    note_vkey_format(&first.vkey, out);
    key_chain_destroy(chain);
}

void proved_store_log_key(const struct proved_store *store, char out[NOTE_VKEY_SIZE])
{
    struct key_chain *chain = read_chain(store);

    note_vkey_format(key_chain_log_key(chain), out);
    key_chain_destroy(chain);
}

/* --- Lines ----------------------------------------------------------------------------------- */

/* Where the `lines`-th newline ends, or the last one. */
static size_t end_of_lines(struct slice text, size_t lines)
{
    size_t end = 0;

    while (lines-- > 0 && end < text.size) {
        const uint8_t *newline = memchr(text.data + end, '\n', text.size - end);
        ASSERT(newline != NULL);
        end = (size_t)(newline - text.data) + 1;
    }
    return end;
}

static void begin_file(struct proved_store *store, const struct store_place *first)
{
    struct store_proof_head head = {.origin = ORIGIN, .has_seed = true};
    struct buf line;
    struct error err;

    buf_init(&line, LINE_FILE_LINE_MAX);
    expect_ok(store_seed_make(&store->seed, &err), &err);
    head.first_index = store->tree.end;
    head.seed = store->seed;
    memcpy(head.journal_id, first->journal_id, sizeof(head.journal_id));
    memcpy(store->journal_id, first->journal_id, sizeof(store->journal_id));
    expect_ok(store_proof_put_head(&head, &line, &err), &err);
    append_line(store, STORE_PROOF_ACTIVE_NAME, buf_slice(&line));
    buf_fini(&line);
    merkle_range_init(&store->file_range, store->tree.end);
    store->file_begun_s = store->unix_s++;
    store->file_first_sequence = first->sequence;
    store->file_bytes = 0;
    store->has_file = true;
}

static void put_state(struct proved_store *store)
{
    struct store_proof_state state = {.offset_bytes = store->file_bytes,
                                      .range = store->file_range};
    struct buf line;
    struct error err;

    buf_init(&line, LINE_FILE_LINE_MAX);
    expect_ok(store_proof_put_state(&state, &line, &err), &err);
    append_line(store, STORE_PROOF_ACTIVE_NAME, buf_slice(&line));
    buf_fini(&line);
}

void proved_store_begin(struct proved_store *store)
{
    append_bytes(store, STORE_ACTIVE_NAME, SLICE_EMPTY);
}

void proved_store_append(struct proved_store *store, struct slice lines)
{
    struct store_place place;
    struct hash leaf;

    for (struct slice rest = lines; rest.size > 0;) {
        struct slice line = slice_of(rest.data, end_of_lines(rest, 1) - 1);
        bool has_place = store_line_place(line, &place);
        ASSERT(has_place);
        if (!store->has_file)
            begin_file(store, &place);
        store_leaf_of_line(&store->seed, store->tree.end, place.sequence, line, &leaf);
        merkle_range_append_leaf(&store->tree, &leaf);
        merkle_range_append_leaf(&store->file_range, &leaf);
        store->next_sequence = place.sequence + 1;
        rest = slice_from(rest, line.size + 1);
    }
    append_bytes(store, STORE_ACTIVE_NAME, lines);
    store->file_bytes += lines.size;
    put_state(store);
}

void proved_store_write(struct proved_store *store, size_t count)
{
    struct buf lines;
    char line[1024];
    struct error err;

    buf_init(&lines, FILE_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        int size = snprintf(
            line, sizeof(line),
            "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":"
            "\"event %" PRIu64 "\"},\"attributes\":[{\"key\":\"agent.journal.id\",\"value\":"
            "{\"stringValue\":\"" ID_TEXT "\"}},{\"key\":\"agent.journal.sequence\",\"value\":"
            "{\"intValue\":\"%" PRIu64 "\"}}]}]}]}]}\n",
            store->next_sequence + i, store->next_sequence + i);
        expect_ok(buf_append(&lines, line, (size_t)size, &err), &err);
    }
    proved_store_append(store, buf_slice(&lines));
    buf_fini(&lines);
}

static int put_attribute(char *out, size_t size, const char *key, const char *value)
{
    return snprintf(out, size, "{\"key\":\"%s\",\"value\":{\"stringValue\":\"%s\"}},", key, value);
}

void proved_store_tell(struct proved_store *store, const struct proved_deed *deed)
{
    char line_text[HASH_BASE64_SIZE + 1] = "";
    char file[STORE_FILE_NAME_SIZE + 16];
    char line[4096];
    int size;

    hash_format_base64(&deed->line, line_text);
    add_suffix(deed->base, ".jsonl", file);
    const char *const attributes[][2] = {
        {"agent.event.kind", "agent.integrity"},  {"agent.transport", deed->transport},
        {"agent.integrity.action", deed->action}, {"agent.integrity.origin", deed->origin},
        {"agent.integrity.file", file},           {"agent.integrity.manifest", line_text},
    };
    size = snprintf(line, sizeof(line),
                    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{"
                    "\"attributes\":[");
    for (size_t i = 0; i < COUNT_OF(attributes) - !deed->names_line; i++)
        size += put_attribute(line + size, sizeof(line) - (size_t)size, attributes[i][0],
                              attributes[i][1]);
    size += snprintf(line + size, sizeof(line) - (size_t)size,
                     "{\"key\":\"agent.journal.id\",\"value\":{\"stringValue\":\"" ID_TEXT "\"}},"
                     "{\"key\":\"agent.journal.sequence\",\"value\":{\"intValue\":\"%" PRIu64
                     "\"}}]}]}]}]}\n",
                     store->next_sequence);
    ASSERT(size > 0 && (size_t)size < sizeof(line));
    proved_store_append(store, slice_of(line, (size_t)size));
}

void proved_store_skip(struct proved_store *store, uint64_t count)
{
    store->next_sequence += count;
}

/* --- Checkpoints ------------------------------------------------------------------------------ */

void proved_store_sign(struct proved_store *store, struct buf *out)
{
    struct hash root;
    struct error err;

    merkle_range_root(&store->tree, &root);
    expect_ok(key_ring_sign(store->ring, store->tree.end, &root, out, &err), &err);
}

void proved_store_checkpoint(struct proved_store *store)
{
    struct buf note;
    struct buf line;
    struct error err;

    buf_init(&note, NOTE_SIZE_MAX);
    buf_init(&line, LINE_FILE_LINE_MAX);
    proved_store_sign(store, &note);
    expect_ok(checkpoint_line_put(store->unix_s++ * NS_PER_S, buf_slice(&note), &line, &err), &err);
    append_line(store, STORE_CHECKPOINTS_NAME, buf_slice(&line));
    buf_fini(&note);
    buf_fini(&line);
}

void proved_store_evolve(struct proved_store *store)
{
    struct error err;

    expect_ok(key_ring_evolve(store->ring, store->tree.end, store->unix_s++, &err), &err);
}

/* --- Closed files ----------------------------------------------------------------------------- */

void proved_store_close(struct proved_store *store)
{
    struct store_file_name name = {.begun_unix_s = store->file_begun_s,
                                   .first_sequence = store->file_first_sequence,
                                   .last_sequence = store->next_sequence - 1};
    struct manifest_fact fact = {
        .kind = MANIFEST_CLOSED, .size_bytes = store->file_bytes, .range = store->file_range};
    char plain[STORE_FILE_NAME_SIZE];
    char proof[STORE_FILE_NAME_SIZE + 16];
    struct buf bytes;

    ASSERT(store->has_file);
    store_file_name_format(&name, plain);
    snprintf(store->last_base, sizeof(store->last_base), "%.*s",
             (int)(strlen(plain) - strlen(".jsonl")), plain);
    rename_in(store, STORE_ACTIVE_NAME, plain);
    add_suffix(store->last_base, STORE_PROOF_SUFFIX, proof);
    rename_in(store, STORE_PROOF_ACTIVE_NAME, proof);
    read_whole(store, plain, &bytes);
    fact.sha256 = hash_bytes(buf_slice(&bytes));
    buf_fini(&bytes);
    snprintf(fact.base, sizeof(fact.base), "%s", store->last_base);
    memcpy(fact.journal_id, store->journal_id, sizeof(fact.journal_id));
    record(store, &fact);
    store->has_file = false;
    proved_store_checkpoint(store);
}

void proved_store_compress(struct proved_store *store, size_t lines)
{
    struct manifest_fact fact = {.kind = MANIFEST_COMPRESSED};
    char name[STORE_FILE_NAME_SIZE + 16];
    char compressed[STORE_FILE_NAME_SIZE + 16];
    struct buf plain;
    struct buf out;
    struct buf table;
    struct error err;

    add_suffix(store->last_base, ".jsonl", name);
    read_whole(store, name, &plain);
    buf_init(&out, FILE_SIZE_MAX);
    buf_init(&table, FILE_SIZE_MAX);
    for (struct slice rest = buf_slice(&plain); rest.size > 0;) {
        size_t end = end_of_lines(rest, lines);
        expect_ok(buf_reserve(&out, ZSTD_compressBound(end), &err), &err);
        size_t size = ZSTD_compress(out.data + out.size, buf_room(&out), rest.data, end, LEVEL);
        ASSERT(!ZSTD_isError(size));
        expect_ok(seek_table_add(&table, size, end, &err), &err);
        out.size += size;
        rest = slice_from(rest, end);
    }
    expect_ok(seek_table_finish(&table, &err), &err);
    expect_ok(buf_append(&out, table.data, table.size, &err), &err);
    snprintf(fact.base, sizeof(fact.base), "%s", store->last_base);
    fact.size_bytes = out.size;
    fact.sha256 = hash_bytes(buf_slice(&out));
    record(store, &fact);
    append_bytes(store, "new.tmp", buf_slice(&out));
    add_suffix(store->last_base, ".jsonl.zst", compressed);
    rename_in(store, "new.tmp", compressed);
    int unlinked = unlinkat(store->dir_fd, name, 0);
    ASSERT(unlinked == 0);
    buf_fini(&plain);
    buf_fini(&out);
    buf_fini(&table);
}

static void unlink_suffix(const struct proved_store *store, const char *base, const char *suffix)
{
    char name[STORE_FILE_NAME_SIZE + 16];

    add_suffix(base, suffix, name);
    (void)unlinkat(store->dir_fd, name, 0); /* it has one form or the other */
}

void proved_store_delete(struct proved_store *store, const char *base)
{
    struct manifest_fact fact = {.kind = MANIFEST_DELETED, .reason = "max_age"};

    snprintf(fact.base, sizeof(fact.base), "%s", base);
    record(store, &fact);
    unlink_suffix(store, base, ".jsonl");
    unlink_suffix(store, base, ".jsonl.zst");
    unlink_suffix(store, base, STORE_PROOF_SUFFIX);
}

/* --- Erasure ---------------------------------------------------------------------------------- */

struct proof_head_reading {
    struct store_proof_reader reader;
    struct store_proof_line *line;
    struct store_proof_head head;
};

static enum status take_head(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct proof_head_reading *reading = context;

    if (number > 1)
        return ST_OK;
    enum status st = store_proof_read_line(&reading->reader, line, reading->line, err);
    reading->head = reading->line->head;
    return st;
}

/* The proof of the file without line `erased`, and the bytes that stay. */
static void rewrite(const struct store_proof_head *head, struct slice text, uint64_t erased,
                    struct buf *lines, struct buf *proof)
{
    struct store_proof_head new_head = *head;
    struct merkle_range range;
    struct store_salt salt;
    struct store_place place;
    struct hash leaf;
    struct error err;
    uint64_t index = head->first_index;

    new_head.has_seed = false;
    memset(&new_head.seed, 0, sizeof(new_head.seed));
    expect_ok(store_proof_put_head(&new_head, proof, &err), &err);
    for (uint64_t number = 1; text.size > 0; number++, index++) {
        size_t end = end_of_lines(text, 1);
        struct slice line = slice_of(text.data, end - 1);
        store_salt_derive(&head->seed, index, &salt);
        if (number != erased) {
            expect_ok(store_proof_put_kept(&salt, 1, proof, &err), &err);
            expect_ok(buf_append(lines, text.data, end, &err), &err);
        } else {
            ASSERT(store_line_place(line, &place));
            store_leaf_of_salted_line(&salt, place.sequence, line, &leaf);
            merkle_range_init(&range, index);
            merkle_range_append_leaf(&range, &leaf);
            expect_ok(store_proof_put_erased(&range, proof, &err), &err);
        }
        text = slice_from(text, end);
    }
}

void proved_store_erase(struct proved_store *store, uint64_t line)
{
    struct manifest_fact fact = {
        .kind = MANIFEST_REWRITTEN, .record_count = 1, .reason = "erasure"};
    struct proof_head_reading reading = {.line = malloc(sizeof(*reading.line))};
    char name[STORE_FILE_NAME_SIZE + 16];
    char proof_name[STORE_FILE_NAME_SIZE + 16];
    struct buf text;
    struct buf lines;
    struct buf proof;
    struct error err;

    ASSERT(reading.line != NULL);
    store_proof_reader_init(&reading.reader);
    add_suffix(store->last_base, ".jsonl", name);
    add_suffix(store->last_base, STORE_PROOF_SUFFIX, proof_name);
    expect_ok(
        line_file_read(&disk_io_system, store->dir_fd, proof_name, take_head, &reading, NULL, &err),
        &err);
    read_whole(store, name, &text);
    buf_init(&lines, FILE_SIZE_MAX);
    buf_init(&proof, FILE_SIZE_MAX);
    rewrite(&reading.head, buf_slice(&text), line, &lines, &proof);
    unlink_suffix(store, store->last_base, ".jsonl");
    unlink_suffix(store, store->last_base, STORE_PROOF_SUFFIX);
    append_bytes(store, name, buf_slice(&lines));
    append_bytes(store, proof_name, buf_slice(&proof));
    snprintf(fact.base, sizeof(fact.base), "%s", store->last_base);
    fact.size_bytes = lines.size;
    fact.sha256 = hash_bytes(buf_slice(&lines));
    record(store, &fact);
    buf_fini(&text);
    buf_fini(&lines);
    buf_fini(&proof);
    free(reading.line);
}

/* --- One with everything --------------------------------------------------------------------- */

void proved_store_fill(struct proved_store *store)
{
    proved_store_write(store, 3);
    proved_store_checkpoint(store);
    proved_store_write(store, 4);
    proved_store_close(store);
    proved_store_compress(store, 3);
    proved_store_evolve(store);
    proved_store_write(store, 5);
    proved_store_close(store);
    proved_store_write(store, 2);
    proved_store_checkpoint(store);
    proved_store_write(store, 1);
}
