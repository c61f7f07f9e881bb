/* SPDX-License-Identifier: Apache-2.0 */
/* deeds.c -- see deeds.h.
 *
 * The mark moves only when nothing that the manifest has is untold: an erasure, or a deletion, may
 * wait for the disk while others are done.  Whether the manifest has the mark's line at all is not
 * certain: another log may have begun.  Then it counts as if there was none.
 *
 * An erasure whose line was written by a write that failed, and that no disk would take back, is in
 * the manifest and was not done.  So a file that is not as the manifest's last word on it says is
 * no reason to tell that it was rewritten.
 */
#include "deeds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MARK_NAME "recorded"

enum {
    UNTOLD_MAX = 4096, /* what is beyond is not told */
    MARK_SIZE = HASH_BASE64_SIZE + 1,
    BODY_SIZE = 256,
};

void deeds_init(struct deeds *deeds, const struct store_dir *dir, const struct store_proofs *proofs,
                const struct exporter_context *context)
{
    *deeds = (struct deeds){.dir = dir,
                            .proofs = proofs,
                            .notes = context->notes,
                            .exporter = context->name,
                            .mark_dir_fd = -1};
}

/* --- The mark --------------------------------------------------------------------------------- */

/* ST_NOT_FOUND: there is none, or one that cannot be understood. */
static enum status read_mark(const struct deeds *deeds, struct hash *ret, struct error *err)
{
    const struct disk_io *io = deeds->dir->io;
    char text[MARK_SIZE];
    size_t size;

    int fd = io->open_at(deeds->mark_dir_fd, MARK_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", MARK_NAME);
    enum status st = disk_read(io, fd, text, sizeof(text), 0, &size, err);
    (void)close(fd); /* only read from */
    if (st != ST_OK)
        return error_context(err, "read '%s'", MARK_NAME);
    if (size != MARK_SIZE || !hash_parse_base64(slice_of(text, HASH_BASE64_SIZE), ret))
        return error_set(err, ST_NOT_FOUND, "'%s' holds no mark", MARK_NAME);
    return ST_OK;
}

static enum status write_mark(const struct deeds *deeds, const struct hash *mark, struct error *err)
{
    char text[MARK_SIZE];

    hash_format_base64(mark, text);
    text[HASH_BASE64_SIZE] = '\n';
    return disk_publish(deeds->dir->io, deeds->mark_dir_fd, MARK_NAME, text, sizeof(text), err);
}

/* All that the manifest has by now is told. */
static void expect_durable(struct deeds *deeds)
{
    if (deeds->mark_dir_fd < 0 || deeds->open_count > 0 || deeds->is_behind)
        return;
    deeds->is_waiting = true;
    deeds->told = deeds->proofs->chain.value;
    deeds->taken = exporter_notes_taken(&deeds->notes);
}

void deeds_tick(struct deeds *deeds)
{
    struct error ignored;

    if (deeds->is_waiting && exporter_notes_are_durable(&deeds->notes, deeds->taken) &&
        write_mark(deeds, &deeds->told, &ignored) == ST_OK)
        deeds->is_waiting = false;
}

/* --- Telling ---------------------------------------------------------------------------------- */

/* `body`: NULL: what the daemon makes of it. */
static void tell(struct deeds *deeds, const struct deed *deed, const char *body)
{
    char line[HASH_BASE64_SIZE + 1] = "";
    const struct exporter_note note = {
        .action = deed->action,
        .origin = deeds->proofs->is_on ? deeds->proofs->origin : NULL,
        .reason = deed->reason,
        .rule = deed->rule,
        .file = deed->file,
        .first = deed->first,
        .last = deed->last,
        .count = deed->count,
        .bytes = deed->bytes,
        .manifest = line,
        .body = body,
    };

    if (deed->line != NULL)
        hash_format_base64(deed->line, line);
    if (!exporter_tell(&deeds->notes, deeds->exporter, &note) && deed->line != NULL)
        deeds->is_behind = true;
}

void deeds_expect(struct deeds *deeds)
{
    deeds->open_count++;
}

void deeds_tell(struct deeds *deeds, const struct deed *deed)
{
    tell(deeds, deed, NULL);
    if (deed->line == NULL)
        return;
    ASSERT(deeds->open_count > 0);
    deeds->open_count--;
    expect_durable(deeds);
}

/* --- What a process before did not tell ------------------------------------------------------- */

struct untold {
    bool is_deletion;
    bool is_settled; /* the manifest tells of more that was done with the file */
    struct hash line;
    uint64_t count, size_bytes;
    char base[STORE_FILE_NAME_SIZE];
    char reason[MANIFEST_REASON_SIZE];
    char rule[MANIFEST_RULE_SIZE];
};

struct deeds_reading {
    struct hash mark;
    bool is_behind_mark;
    struct manifest_chain chain;
    struct manifest_fact fact; /* large */
    struct untold *items;      /* owned */
    size_t count, capacity;
};

static enum status add_untold(struct deeds_reading *reading, struct error *err)
{
    const struct manifest_fact *fact = &reading->fact;

    if (reading->count == UNTOLD_MAX)
        return ST_OK;
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity > 0 ? 2 * reading->capacity : 16;
        struct untold *items = reallocarray(reading->items, capacity, sizeof(*items));
        if (items == NULL)
            return error_set(err, ST_NO_MEMORY, "list what is not on record");
        reading->items = items;
        reading->capacity = capacity;
    }
    struct untold *item = &reading->items[reading->count++];
    *item = (struct untold){.is_deletion = fact->kind == MANIFEST_DELETED,
                            .line = reading->chain.value,
                            .count = fact->record_count,
                            .size_bytes = fact->size_bytes};
    memcpy(item->base, fact->base, sizeof(item->base));
    memcpy(item->reason, fact->reason, sizeof(item->reason));
    memcpy(item->rule, fact->rule, sizeof(item->rule));
    return ST_OK;
}

/* Whether the chain holds is for others to say. */
static enum status visit_fact(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct deeds_reading *reading = context;
    const struct manifest_fact *fact = &reading->fact;

    (void)number;
    enum status st = manifest_read_line(line, &reading->chain, &reading->fact, err);
    if (st != ST_OK && st != ST_CORRUPT)
        return st == ST_INVALID ? ST_OK : st;
    if (!reading->is_behind_mark) {
        reading->is_behind_mark = hash_equal(&reading->chain.value, &reading->mark);
        return ST_OK;
    }
    bool is_deed = fact->kind == MANIFEST_DELETED || fact->kind == MANIFEST_REWRITTEN;
    for (size_t i = 0; i < reading->count && (is_deed || fact->kind == MANIFEST_COMPRESSED); i++)
        reading->items[i].is_settled |= strcmp(reading->items[i].base, fact->base) == 0;
    return is_deed ? add_untold(reading, err) : ST_OK;
}

/* The file is as its line says, or the manifest tells of more that was done with it. */
static bool was_done(const struct deeds *deeds, const struct untold *item)
{
    static const char *const suffixes[] = {".jsonl", ".jsonl.zst"};
    char name[STORE_FILE_NAME_SIZE + 16];
    struct stat info;

    if (item->is_deletion || item->is_settled)
        return true;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", item->base, suffixes[i]);
        if (deeds->dir->io->stat_at(deeds->dir->fd, name, &info) == 0 &&
            (uint64_t)info.st_size == item->size_bytes)
            return true;
    }
    return false;
}

static void tell_untold(struct deeds *deeds, const struct untold *item, uint64_t now_unix_ns)
{
    const char *action = item->is_deletion ? "deletion" : "erasure";
    struct deed deed = {.action = action,
                        .reason = item->reason,
                        .rule = item->rule,
                        .count = item->count,
                        .line = &item->line};
    char file[STORE_FILE_NAME_SIZE + 8];
    char body[BODY_SIZE];
    struct store_file_name name;

    snprintf(file, sizeof(file), "%s.jsonl", item->base);
    if (!store_file_name_parse(file, &name) || !was_done(deeds, item))
        return;
    deed.file = file;
    if (item->is_deletion) {
        deed.first = name.first_sequence;
        deed.last = name.last_sequence;
    }
    snprintf(body, sizeof(body), "%s: %s, %s: found in the manifest at the start", deeds->exporter,
             action, file);
    store_dir_note(deeds->dir, now_unix_ns, "%s of %s is put on record, found at the start", action,
                   file);
    tell(deeds, &deed, body);
}

static enum status read_untold(struct deeds *deeds, struct deeds_reading *reading,
                               struct error *err)
{
    static const struct hash none;

    reading->is_behind_mark = hash_equal(&reading->mark, &none);
    enum status st = line_file_read(deeds->dir->io, deeds->dir->fd, STORE_MANIFEST_NAME, visit_fact,
                                    reading, NULL, err);
    if (st == ST_LIMIT || st == ST_NOT_FOUND)
        st = ST_OK; /* others tell of that */
    if (st == ST_OK && !reading->is_behind_mark)
        reading->count = 0;
    return st;
}

enum status deeds_open(struct deeds *deeds, int mark_dir_fd, uint64_t now_unix_ns,
                       struct error *err)
{
    struct deeds_reading *reading = calloc(1, sizeof(*reading));

    if (reading == NULL)
        return error_set(err, ST_NO_MEMORY, "look for what is not on record");
    deeds->mark_dir_fd = mark_dir_fd;
    enum status st = read_mark(deeds, &reading->mark, err);
    bool has_mark = st == ST_OK;
    if (has_mark)
        st = read_untold(deeds, reading, err);
    has_mark = has_mark && reading->is_behind_mark;
    if (st == ST_NOT_FOUND)
        st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < reading->count; i++)
        tell_untold(deeds, &reading->items[i], now_unix_ns);
    if (st == ST_OK && (!has_mark || reading->count > 0))
        expect_durable(deeds);
    deeds_tick(deeds); /* a full disk keeps no store from starting: it is repeated */
    free(reading->items);
    free(reading);
    return st == ST_OK ? ST_OK : error_context(err, "deeds on record");
}
