/* SPDX-License-Identifier: Apache-2.0 */
/* integrity_vectors.c -- our side of test_integrity.py: trees, notes and proofs for tools of
 * others, and what they made, read by us.
 *
 * Usage: integrity_vectors make DIR | check DIR
 *
 * The leaves of all trees are the decimal texts of their indices.  A line of vectors.txt is a word,
 * two numbers, and hashes in base64. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/key_ring.h"
#include "telltale/line_file.h"
#include "telltale/merkle_proof.h"
#include "telltale/tlog_proof.h"

enum { LEAVES = 130, FILES_MAX = 8, FILE_MAX = 64 << 10, TEXT_MAX = 16 << 20 };

static struct error err;
static int dir_fd;

static void need(enum status st, const char *what)
{
    if (st == ST_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, err.text);
    exit(1);
}

static struct hash leaf_of(uint64_t index)
{
    char text[32];
    struct hash leaf;
    int size = snprintf(text, sizeof(text), "%" PRIu64, index);
    merkle_leaf(slice_of(text, (size_t)size), &leaf);
    return leaf;
}

static void fill(struct merkle_range *range, uint64_t first, uint64_t end)
{
    merkle_range_init(range, first);
    for (uint64_t i = first; i < end; i++) {
        struct hash leaf = leaf_of(i);
        merkle_range_append_leaf(range, &leaf);
    }
}

static struct hash root_of(uint64_t size)
{
    static struct merkle_range range;
    struct hash root;
    fill(&range, 0, size);
    merkle_range_root(&range, &root);
    return root;
}

static struct slice read_file(const char *name)
{
    static uint8_t files[FILES_MAX][FILE_MAX];
    static size_t count;
    ASSERT(count < FILES_MAX);
    uint8_t *bytes = files[count++];
    size_t size = 0;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    need(fd >= 0 ? ST_OK : error_set_errno(&err, ST_IO, "open"), name);
    need(disk_read(&disk_io_system, fd, bytes, FILE_MAX, 0, &size, &err), name);
    (void)close(fd);
    return slice_of(bytes, size);
}

static void write_file(const char *name, struct slice bytes)
{
    need(disk_publish(&disk_io_system, dir_fd, name, bytes.data, bytes.size, &err), name);
}

/* --- Making ------------------------------------------------------------------------------------
 */

static struct buf lines;

static void put_vector(const char *word, uint64_t a, uint64_t b, const struct hash *hashes,
                       size_t count)
{
    char text[128];
    int size = snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64, word, a, b);
    need(buf_append(&lines, text, (size_t)size, &err), word);
    for (size_t i = 0; i < count; i++) {
        text[0] = ' ';
        hash_format_base64(&hashes[i], text + 1);
        need(buf_append(&lines, text, 1 + HASH_BASE64_SIZE, &err), word);
    }
    need(buf_append(&lines, "\n", 1, &err), word);
}

static struct merkle_forest *make_forest(void)
{
    struct merkle_forest *forest;
    need(merkle_forest_create(MERKLE_FOREST_NODES_MAX, &forest, &err), "forest");
    for (uint64_t i = 0; i < LEAVES; i++) {
        struct hash leaf = leaf_of(i);
        need(merkle_forest_append_leaf(forest, &leaf, &err), "leaf");
    }
    return forest;
}

static void make_vectors(const struct merkle_forest *forest)
{
    static struct merkle_path path;
    static struct merkle_range range;
    for (uint64_t b = 0; b <= LEAVES; b++) {
        struct hash root = root_of(b);
        put_vector("root", 0, b, &root, 1);
        for (uint64_t a = 0; a < b; a += 1 + b / 20) {
            need(merkle_prove_inclusion(forest, a, b, &path, &err), "inclusion");
            put_vector("inclusion", a, b, path.hashes, path.count);
            need(merkle_prove_consistency(forest, a, b, &path, &err), "consistency");
            put_vector("consistency", a, b, path.hashes, path.count);
            fill(&range, a, b);
            put_vector("range", a, b, range.hashes, range.count);
        }
    }
    write_file("vectors.txt", buf_slice(&lines));
}

static void make_notes(const struct merkle_forest *forest)
{
    static struct merkle_path path;
    struct key_ring *ring;
    enum key_ring_found found;
    struct buf note, proof;
    char vkey[NOTE_VKEY_SIZE];
    const uint8_t entry[STORE_ENTRY_SIZE] = {1};
    struct hash root = root_of(LEAVES);

    buf_init(&note, TEXT_MAX);
    buf_init(&proof, TEXT_MAX);
    need(key_ring_open(NULL, dir_fd, dir_fd, "example.com/telltale", 0, 1, &ring, &found, &err),
         "keys");
    need(key_ring_evolve(ring, LEAVES / 2, 2, &err), "evolve");
    need(key_ring_sign(ring, LEAVES, &root, &note, &err), "sign");
    write_file("checkpoint", buf_slice(&note));
    note_vkey_format(key_ring_log_key(ring), vkey);
    write_file("log.vkey", slice_of_text(vkey));
    note_vkey_format(&key_ring_epoch(ring)->vkey, vkey);
    write_file("epoch.vkey", slice_of_text(vkey));
    need(merkle_prove_inclusion(forest, 101, LEAVES, &path, &err), "inclusion");
    need(tlog_proof_put(101, entry, &path, buf_slice(&note), &proof, &err), "proof");
    write_file("record.tlog-proof", buf_slice(&proof));
    key_ring_close(ring);
    buf_fini(&note);
    buf_fini(&proof);
}

/* --- Checking ----------------------------------------------------------------------------------
 */

static void check_vector(char *line)
{
    static struct merkle_path path;
    static struct merkle_range range;
    char *rest = NULL;
    const char *word = strtok_r(line, " ", &rest);
    uint64_t a = strtoull(strtok_r(NULL, " ", &rest), NULL, 10);
    uint64_t b = strtoull(strtok_r(NULL, " ", &rest), NULL, 10);
    struct hash leaf = leaf_of(a), root = root_of(b), old_root = root_of(a < b ? a : b);

    path.count = 0;
    for (const char *text = strtok_r(NULL, " ", &rest); text != NULL;
         text = strtok_r(NULL, " ", &rest)) {
        ASSERT(path.count < MERKLE_PATH_MAX &&
               hash_parse_base64(slice_of_text(text), &path.hashes[path.count]));
        path.count++;
    }
    if (strcmp(word, "root") == 0) {
        ASSERT(path.count == 1 && hash_equal(&path.hashes[0], &root));
    } else if (strcmp(word, "inclusion") == 0) {
        need(merkle_check_inclusion(&leaf, a, b, &path, &root, &err), word);
    } else if (strcmp(word, "consistency") == 0) {
        need(merkle_check_consistency(a, &old_root, b, &root, &path, &err), word);
    } else {
        fill(&range, a, b);
        ASSERT(range.count == path.count &&
               memcmp(range.hashes, path.hashes, path.count * sizeof(struct hash)) == 0);
    }
}

static enum status visit_vector(void *context, struct slice line, uint64_t number,
                                struct error *error)
{
    char text[LINE_FILE_LINE_MAX / 4];
    (void)context;
    (void)number;
    (void)error;
    ASSERT(line.size < sizeof(text));
    memcpy(text, line.data, line.size);
    text[line.size] = 0;
    check_vector(text);
    return ST_OK;
}

static void check_notes(void)
{
    static struct note note;
    static struct tlog_proof proof;
    struct note_vkey key;
    struct note_signer signer;
    struct checkpoint checkpoint;
    uint64_t unix_s = 0;
    struct hash root = root_of(LEAVES), leaf;

    struct slice bytes = read_file("checkpoint");
    need(note_parse(bytes, &note, &err), "note");
    need(note_vkey_parse(read_file("log.vkey"), &key, &err), "log.vkey");
    need(note_verify(&note, &key, NULL, &err), "log");
    need(note_signer_parse(read_file("log.key"), &signer, &err), "log.key");
    ASSERT(note_vkey_equal(&signer.vkey, &key));
    need(note_vkey_parse(read_file("witness.vkey"), &key, &err), "witness.vkey");
    need(note_verify(&note, &key, &unix_s, &err), "witness");
    ASSERT(unix_s > 1700000000);
    need(checkpoint_parse(note.text, &checkpoint, &err), "checkpoint");
    ASSERT(checkpoint.size == LEAVES && hash_equal(&checkpoint.root, &root));
    need(tlog_proof_parse(read_file("record.tlog-proof"), &proof, &err), "proof");
    ASSERT(slice_equal(proof.checkpoint_note, bytes) && !proof.has_entry);
    leaf = leaf_of(proof.index);
    need(merkle_check_inclusion(&leaf, proof.index, LEAVES, &proof.path, &root, &err), "record");
}

int main(int argc, char **argv)
{
    bool torn;

    if (argc != 3)
        return 2;
    dir_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(dir_fd >= 0 ? ST_OK : error_set_errno(&err, ST_IO, "open"), argv[2]);
    if (strcmp(argv[1], "make") == 0) {
        struct merkle_forest *forest = make_forest();
        buf_init(&lines, TEXT_MAX);
        make_vectors(forest);
        make_notes(forest);
        merkle_forest_destroy(forest);
        buf_fini(&lines);
    } else {
        need(line_file_read(NULL, dir_fd, "vectors.txt", visit_vector, NULL, &torn, &err),
             "vectors");
        check_notes();
    }
    return 0;
}
