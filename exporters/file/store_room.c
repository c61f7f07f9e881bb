/* SPDX-License-Identifier: Apache-2.0 */
/* store_room.c -- see store_room.h. */
#include "store_room.h"

#include <sys/stat.h>

static const uint64_t ns_per_s = 1000000000;

/* ST_NOT_FOUND: it has to stay, and so have those behind it. */
static enum status check_journal(struct file_exporter *self, size_t index,
                                 const struct exporter_room *room, struct error *err)
{
    const struct store_entry *entry = &self->dir.entries[index];
    struct store_place place;

    if (entry->name.last_sequence >= room->delivered_below)
        return error_set(err, ST_NOT_FOUND, "another destination still needs the oldest file");
    enum status st = store_dir_read_last_line(&self->dir, entry, &self->text, err);
    if (st != ST_OK)
        return st;
    if (!store_line_place(buf_slice(&self->text), &place) ||
        memcmp(place.journal_id, room->journal_id, JOURNAL_ID_SIZE) != 0)
        return error_set(err, ST_NOT_FOUND, "the oldest file is of another journal");
    return ST_OK;
}

static enum status delete_file(struct file_exporter *self, size_t index,
                               const struct exporter_room *room, uint64_t now_unix_ns,
                               struct error *err)
{
    const struct store_entry entry = self->dir.entries[index];
    char text[STORE_FILE_NAME_SIZE];
    struct exporter_deletion deletion = {
        .name = text,
        .first_sequence = entry.name.first_sequence,
        .last_sequence = entry.name.last_sequence,
        .size_bytes = entry.size_bytes,
        .first_unix_ns = entry.name.begun_unix_s * ns_per_s,
        .last_unix_ns = entry.written_unix_s * ns_per_s,
    };

    store_file_name_format(&entry.name, text);
    memcpy(deletion.journal_id, room->journal_id, JOURNAL_ID_SIZE);
    enum status st = room->before_deletion(room->context, &deletion, err);
    if (st != ST_OK)
        return st;
    return retainer_delete(self, index, "journal.on_disk_full", "", now_unix_ns, err);
}

enum status store_room_make(struct file_exporter *self, const struct exporter_room *room,
                            uint64_t now_unix_ns, uint64_t *ret_freed, struct error *err)
{
    const struct store_dir *dir = &self->dir;
    enum status st = ST_OK;
    struct stat info;

    *ret_freed = 0;
    if (dir->io->fstat(dir->fd, &info) < 0)
        return error_set_errno(err, ST_IO, "look at '%s'", dir->path);
    if ((uint64_t)info.st_dev != room->device)
        return ST_OK;
    for (size_t i = 0; st == ST_OK && i < dir->count && *ret_freed < room->wanted_bytes;) {
        uint64_t size_bytes = dir->entries[i].size_bytes;
        st = check_journal(self, i, room, err);
        if (st != ST_OK)
            break;
        st = retainer_may_yield(self, i, now_unix_ns, err);
        if (st == ST_NOT_FOUND) { /* held, or too young */
            st = ST_OK;
            i++;
            continue;
        }
        if (st == ST_OK)
            st = delete_file(self, i, room, now_unix_ns, err);
        if (st == ST_OK)
            *ret_freed += size_bytes;
    }
    return st == ST_NOT_FOUND || st == ST_AGAIN ? ST_OK : st;
}
