/* SPDX-License-Identifier: Apache-2.0 */
/* erasure_recovery.c -- what a start makes of an erasure that was not finished; erasure.c has the
 * order of the steps.
 *
 * The manifest's last word on a file decides.  If it says that the file was rewritten, and into
 * just what stands there as <name>.next, or as <name> already, the rest is done; else nothing was
 * erased yet, and what has .next behind its name goes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "erasure.h"

enum { LEFTOVERS_MAX = 64, CHUNK_SIZE = 16 << 10 };

/* A file for which something stands there with .next behind its name. */
struct leftover {
    char base[STORE_FILE_NAME_SIZE];
    char data_name[STORE_FILE_NAME_SIZE]; /* without .next; empty: only a proof has it */
    bool has_proof;
    bool was_rewritten; /* the manifest says so last, and what the file then is */
    uint64_t size_bytes;
    struct hash sha256;
};

struct leftovers {
    size_t count;
    struct leftover items[LEFTOVERS_MAX];
};

/* --- What is there ---------------------------------------------------------------------------- */

static struct leftover *find_leftover(struct leftovers *all, const char *base)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->items[i].base, base) == 0)
            return &all->items[i];
    }
    if (all->count == LEFTOVERS_MAX || strlen(base) >= STORE_FILE_NAME_SIZE)
        return NULL;
    struct leftover *item = &all->items[all->count++];
    memcpy(item->base, base, strlen(base) + 1);
    return item;
}

/* Cuts `suffix` off; false: it does not end so. */
static bool cut_suffix(char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t suffix_size = strlen(suffix);

    if (size < suffix_size || strcmp(text + size - suffix_size, suffix) != 0)
        return false;
    text[size - suffix_size] = 0;
    return true;
}

static void take_name(struct leftovers *all, const char *name)
{
    char text[ERASURE_NAME_SIZE];
    char base[STORE_FILE_NAME_SIZE];
    struct store_file_name parts;
    struct leftover *item = NULL;

    if (strlen(name) >= sizeof(text))
        return;
    memcpy(text, name, strlen(name) + 1);
    if (!cut_suffix(text, ERASURE_NEXT_SUFFIX))
        return;
    if (store_file_name_parse(text, &parts)) {
        store_base_format(&parts, base);
        item = find_leftover(all, base);
        if (item != NULL)
            memcpy(item->data_name, text, strlen(text) + 1);
    } else if (cut_suffix(text, STORE_PROOF_SUFFIX)) {
        item = find_leftover(all, text);
        if (item != NULL)
            item->has_proof = true;
    }
}

static enum status list(const struct store_dir *dir, struct leftovers *all, struct error *err)
{
    int fd = dir->io->open_at(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *item;

    if (stream == NULL) {
        enum status st = error_set_errno(err, ST_IO, "list");
        if (fd >= 0)
            (void)close(fd); /* only read from */
        return st;
    }
    while ((item = readdir(stream)) != NULL)
        take_name(all, item->d_name);
    (void)closedir(stream); /* only read from */
    return ST_OK;
}

/* Whether the chain of the manifest holds is for others to say. */
static enum status visit_fact(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct manifest_chain ignored = {.lines = 0};
    struct leftovers *all = context;
    struct manifest_fact fact;

    (void)number;
    enum status st = manifest_read_line(line, &ignored, &fact, err);
    for (size_t i = 0; (st == ST_OK || st == ST_CORRUPT) && i < all->count; i++) {
        struct leftover *item = &all->items[i];
        if (strcmp(item->base, fact.base) != 0)
            continue;
        item->was_rewritten = fact.kind == MANIFEST_REWRITTEN;
        item->size_bytes = fact.size_bytes;
        item->sha256 = fact.sha256;
    }
    return ST_OK;
}

/* --- Forward or back -------------------------------------------------------------------------- */

/* Whether the file is the one that the manifest tells of.  One that cannot be read now is not told
 * from another: the caller must not take anything away for that. */
static enum status compare(const struct store_dir *dir, const char *name,
                           const struct leftover *item, bool *ret_is_same, struct error *err)
{
    uint8_t chunk[CHUNK_SIZE];
    struct hasher hasher;
    struct hash sha256;
    enum status st = ST_OK;
    uint64_t at = 0;
    size_t got = 1;

    *ret_is_same = false;
    if (!item->was_rewritten)
        return ST_OK;
    int fd = dir->io->open_at(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return errno == ENOENT ? ST_OK : error_set_errno(err, ST_IO, "open '%s'", name);
    hasher_start(&hasher);
    while (st == ST_OK && got > 0) {
        st = disk_read(dir->io, fd, chunk, sizeof(chunk), at, &got, err);
        if (st != ST_OK)
            break;
        hasher_add(&hasher, slice_of(chunk, got));
        at += got;
    }
    (void)close(fd); /* only read from */
    hasher_finish(&hasher, &sha256);
    if (st != ST_OK)
        return error_context(err, "read '%s'", name);
    *ret_is_same = at == item->size_bytes && hash_equal(&sha256, &item->sha256);
    return ST_OK;
}

static struct store_entry *find_entry(struct store_dir *dir, const char *base)
{
    char text[STORE_FILE_NAME_SIZE];

    for (size_t i = 0; i < dir->count; i++) {
        store_base_format(&dir->entries[i].name, text);
        if (strcmp(text, base) == 0)
            return &dir->entries[i];
    }
    return NULL;
}

/* *ret_is_new: the file is the one that the manifest tells of. */
static enum status finish_data(struct store_dir *dir, const struct leftover *item,
                               struct store_entry *entry, bool *ret_is_new, struct error *err)
{
    char next_name[ERASURE_NAME_SIZE];
    char name[STORE_FILE_NAME_SIZE];

    store_file_name_format(&entry->name, name);
    bool is_next = false;
    enum status st = compare(dir, name, item, ret_is_new, err);
    if (st != ST_OK || item->data_name[0] == 0)
        return st;
    snprintf(next_name, sizeof(next_name), "%s" ERASURE_NEXT_SUFFIX, item->data_name);
    if (!*ret_is_new && strcmp(name, item->data_name) == 0)
        st = compare(dir, next_name, item, &is_next, err);
    if (st != ST_OK)
        return st;
    if (!is_next) {
        (void)dir->io->unlink_at(dir->fd, next_name); /* the next start tries again */
        return ST_OK;
    }
    erasure_drop_index(dir, &entry->name);
    st = erasure_replace(dir, next_name, name, err);
    if (st != ST_OK)
        return st;
    dir->total_size_bytes -= entry->size_bytes;
    dir->total_size_bytes += item->size_bytes;
    entry->size_bytes = item->size_bytes;
    *ret_is_new = true;
    return ST_OK;
}

static enum status finish_one(struct store_dir *dir, const struct leftover *item,
                              uint64_t now_unix_ns, struct error *err)
{
    char next_name[ERASURE_NAME_SIZE];
    char name[ERASURE_NAME_SIZE];
    bool is_new = false;

    struct store_entry *entry = find_entry(dir, item->base);
    enum status st = ST_OK;
    if (entry != NULL) {
        st = finish_data(dir, item, entry, &is_new, err);
    } else if (item->data_name[0] != 0) {
        snprintf(next_name, sizeof(next_name), "%s" ERASURE_NEXT_SUFFIX, item->data_name);
        (void)dir->io->unlink_at(dir->fd, next_name); /* the next start tries again */
    }
    if (st != ST_OK || !item->has_proof)
        return st;
    snprintf(next_name, sizeof(next_name), "%s" STORE_PROOF_SUFFIX ERASURE_NEXT_SUFFIX, item->base);
    snprintf(name, sizeof(name), "%s" STORE_PROOF_SUFFIX, item->base);
    if (!is_new) {
        (void)dir->io->unlink_at(dir->fd, next_name); /* the next start tries again */
        return ST_OK;
    }
    store_dir_note(dir, now_unix_ns, "finished an erasure in %s", item->base);
    return erasure_replace_proof(dir, next_name, name, err);
}

enum status erasure_recover(struct store_dir *dir, bool has_proofs, uint64_t now_unix_ns,
                            struct error *err)
{
    struct leftovers *all = calloc(1, sizeof(*all));
    if (all == NULL)
        return error_set(err, ST_NO_MEMORY, "look for erasures");
    enum status st = list(dir, all, err);
    if (st == ST_OK && all->count > 0 && has_proofs)
        st = line_file_read(dir->io, dir->fd, STORE_MANIFEST_NAME, visit_fact, all, NULL, err);
    if (st == ST_NOT_FOUND)
        st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < all->count; i++)
        st = finish_one(dir, &all->items[i], now_unix_ns, err);
    free(all);
    return st == ST_OK ? ST_OK : error_context(err, "finish an erasure in '%s'", dir->path);
}
