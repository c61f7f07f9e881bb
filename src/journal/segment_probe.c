/* SPDX-License-Identifier: Apache-2.0 */
/* segment_probe.c -- see segment_probe.h; docs/JOURNAL_FORMAT.md has the tables. */
#include "journal/segment_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_CRC_OFFSET = 8 + JOURNAL_ID_SIZE };

static const char id_magic[8] = {'J', 'O', 'U', 'R', 'N', 'A', 'L', '1'};

/* With a damaged header: does a frame validate with one of the two copies of the salt? */
static enum status salvage(struct segment_scan *scan, int fd, const uint8_t *header,
                           struct segment *segment, bool *ret_salvaged, struct error *err)
{
    uint32_t salts[2];
    enum status st = ST_OK;

    *ret_salvaged = false;
    segment_header_salts(header, salts);
    for (size_t i = 0; i < COUNT_OF(salts) && !*ret_salvaged && st == ST_OK; i++) {
        enum scan_result result = SCAN_DAMAGE;
        struct scan_frame frame;
        segment_scan_begin(scan, fd, salts[i], segment->first);
        scan->end = segment->end;
        while (st == ST_OK && result == SCAN_DAMAGE) {
            st = segment_scan_next(scan, &result, &frame, err);
            if (st == ST_OK && result == SCAN_DAMAGE)
                st = segment_scan_skip(scan, err);
        }
        *ret_salvaged = st == ST_OK && (result == SCAN_FRAME || scan->mark > 0);
        segment->salt = salts[i];
    }
    return st;
}

enum status segment_probe(struct segment_scan *scan, int fd, uint64_t first,
                          struct segment_probe *ret, struct error *err)
{
    struct segment_probe probe = {.segment = {.first = first}};
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct stat info;
    size_t got;

    if (fstat(fd, &info) < 0)
        return error_set_errno(err, ST_IO, "stat");
    probe.segment.end = probe.segment.size = (uint64_t)info.st_size;
    enum status st = disk_read(scan->io, fd, bytes, sizeof(bytes), 0, &got, err);
    if (st != ST_OK)
        return st;
    if (got < sizeof(bytes)) {
        probe.fault = "shorter than its header";
    } else if (segment_header_get(bytes, &probe.header)) {
        probe.header_is_valid = true;
        probe.segment.salt = probe.header.salt;
        probe.is_newer = probe.header.version > SEGMENT_FORMAT_VERSION;
        if (probe.is_newer || probe.header.version == 0)
            probe.fault = "written in a format that this version does not know";
        else if (probe.header.first_sequence != first)
            probe.fault = "its name does not match its content";
    } else {
        bool is_salvaged;
        st = salvage(scan, fd, bytes, &probe.segment, &is_salvaged, err);
        if (st == ST_OK && !is_salvaged)
            probe.fault = "its header is damaged and no record could be found";
    }
    if (st == ST_OK)
        *ret = probe;
    return st;
}

bool segment_probe_is_strange(const struct segment_probe *probe, const uint8_t id[JOURNAL_ID_SIZE])
{
    return probe->header_is_valid && memcmp(probe->header.journal_id, id, JOURNAL_ID_SIZE) != 0;
}

void journal_id_put(uint8_t out[JOURNAL_ID_FILE_SIZE], const uint8_t id[JOURNAL_ID_SIZE])
{
    memcpy(out, id_magic, sizeof(id_magic));
    memcpy(out + sizeof(id_magic), id, JOURNAL_ID_SIZE);
    le32_put(out + ID_CRC_OFFSET, crc32c(0, out, ID_CRC_OFFSET));
}

enum status journal_id_read(const struct disk_io *io, int dir_fd, uint8_t ret_id[JOURNAL_ID_SIZE],
                            bool *ret_found, size_t *ret_size, struct error *err)
{
    uint8_t bytes[JOURNAL_ID_FILE_SIZE + 1]; /* one more shows a file that is too long */

    *ret_found = false;
    int fd = io->open_at(dir_fd, "journal.id", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT)
        return ST_OK;
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open 'journal.id'");
    enum status st = disk_read(io, fd, bytes, sizeof(bytes), 0, ret_size, err);
    (void)close(fd); /* was only read */
    if (st != ST_OK)
        return error_context(err, "read 'journal.id'");
    if (*ret_size != JOURNAL_ID_FILE_SIZE || memcmp(bytes, id_magic, sizeof(id_magic)) != 0 ||
        le32_get(bytes + ID_CRC_OFFSET) != crc32c(0, bytes, ID_CRC_OFFSET))
        return error_set(err, ST_CORRUPT, "'journal.id' is damaged");
    memcpy(ret_id, bytes + sizeof(id_magic), JOURNAL_ID_SIZE);
    *ret_found = true;
    return ST_OK;
}
