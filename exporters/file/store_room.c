/* SPDX-License-Identifier: Apache-2.0 */
/* store_room.c -- see store_room.h. */
#include "store_room.h"

#include <sys/stat.h>

#include "upkeep.h"

static const uint64_t ns_per_s = 1000000000;

/* ST_NOT_FOUND: it has to stay. */
static enum status look_at_oldest(const struct store_dir *dir, const struct exporter_room *room,
                                  struct buf *line, struct error *err)
{
    const struct store_entry *oldest = &dir->entries[0];
    struct store_place place;

    if (oldest->name.last_sequence >= room->delivered_below)
        return error_set(err, ST_NOT_FOUND, "another destination still needs the oldest file");
    enum status st = store_dir_read_last_line(dir, oldest, line, err);
    if (st != ST_OK)
        return st;
    if (!store_line_place(buf_slice(line), &place) ||
        memcmp(place.journal_id, room->journal_id, JOURNAL_ID_SIZE) != 0)
        return error_set(err, ST_NOT_FOUND, "the oldest file is of another journal");
    return ST_OK;
}

static enum status delete_oldest(struct file_exporter *self, const struct exporter_room *room,
                                 uint64_t now_unix_ns, struct error *err)
{
    const struct store_entry oldest = self->dir.entries[0];
    char text[STORE_FILE_NAME_SIZE];
    struct exporter_deletion deletion = {
        .name = text,
        .first_sequence = oldest.name.first_sequence,
        .last_sequence = oldest.name.last_sequence,
        .size_bytes = oldest.size_bytes,
        .first_unix_ns = oldest.name.begun_unix_s * ns_per_s,
        .last_unix_ns = oldest.written_unix_s * ns_per_s,
    };

    store_file_name_format(&oldest.name, text);
    memcpy(deletion.journal_id, room->journal_id, JOURNAL_ID_SIZE);
    enum status st = room->before_deletion(room->context, &deletion, err);
    if (st == ST_OK)
        st = upkeep_delete(self, 0, "journal.on_disk_full", now_unix_ns, err);
    return st;
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
    while (st == ST_OK && dir->count > 0 && *ret_freed < room->wanted_bytes) {
        uint64_t size_bytes = dir->entries[0].size_bytes;
        st = look_at_oldest(dir, room, &self->text, err);
        if (st == ST_OK)
            st = delete_oldest(self, room, now_unix_ns, err);
        if (st == ST_OK)
            *ret_freed += size_bytes;
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}
