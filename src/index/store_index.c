/* SPDX-License-Identifier: Apache-2.0 */
/* store_index.c -- see include/telltale/store_index.h; index_format.h has the bytes.
 *
 * The file is mapped, so that only the sections that a question needs are read.  The head and the
 * frames are checked when it is opened, every other section when it is used for the first time; of
 * a damaged one all frames are given.  Checks are done again by each thread until one has noted the
 * result.
 *
 * An index that is cut off while it is mapped would end the process: the writer never does that, it
 * makes new ones beside the old.
 */
#include "telltale/store_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/contents.h"
#include "index/id_table.h"
#include "index/index_format.h"
#include "index/uid_time.h"
#include "index/varint.h"
#include "index/word_split.h"
#include "index/word_table.h"
#include "telltale/store_index_builder.h"
#include "util/le.h"

enum { SEEK_HEAD_SIZE = 8, SEEK_ENTRY_SIZE = 8, SEEK_FOOT_SIZE = 9 };
#define SEEKABLE_MAGIC UINT32_C(0x8F92EAB1)

enum section_state { SECTION_UNCHECKED, SECTION_GOOD, SECTION_BAD };

struct section {
    uint32_t what;
    size_t first_frame;
    size_t frame_count;
    struct slice bytes;
    uint64_t sum;
    atomic_int state;
};

struct store_index {
    struct slice bytes;
    bool is_mapped;
    uint64_t seed;
    struct store_index_frame *frames; /* owned */
    size_t frame_count;
    struct section *sections; /* owned */
    size_t section_count;
};

void store_index_name(const struct store_file_name *file, char out[STORE_FILE_NAME_SIZE])
{
    struct store_file_name plain = *file;

    plain.compressed = false;
    store_file_name_format(&plain, out);
    char *suffix = strstr(out, ".jsonl");
    ASSERT(suffix != NULL);
    memcpy(suffix, STORE_INDEX_SUFFIX, sizeof(STORE_INDEX_SUFFIX));
}

/* --- Opening --------------------------------------------------------------------------------- */

static bool is_good(struct section *section)
{
    int state = atomic_load_explicit(&section->state, memory_order_relaxed);

    if (state == SECTION_UNCHECKED) {
        state = XXH3_64bits(section->bytes.data, section->bytes.size) == section->sum ? SECTION_GOOD
                                                                                      : SECTION_BAD;
        atomic_store_explicit(&section->state, state, memory_order_relaxed);
    }
    return state == SECTION_GOOD;
}

static enum status damaged(struct error *err)
{
    return error_set(err, ST_CORRUPT, "the index is damaged");
}

static bool read_section(const struct store_index *index, const uint8_t *row, struct section *ret)
{
    uint64_t offset = le64_get(row + 16);
    uint64_t size = le64_get(row + 24);

    if (offset > index->bytes.size || size > index->bytes.size - offset)
        return false;
    *ret = (struct section){.what = le32_get(row),
                            .first_frame = le32_get(row + 8),
                            .frame_count = le32_get(row + 12),
                            .bytes = slice_of(index->bytes.data + offset, size),
                            .sum = le64_get(row + 32)};
    return ret->first_frame <= index->frame_count &&
           ret->frame_count <= index->frame_count - ret->first_frame;
}

/* Each frame must be in one section of ids and one of words. */
static bool covers_all(const struct store_index *index, enum index_section what)
{
    size_t next = 0;

    for (size_t i = 0; i < index->section_count; i++) {
        if (index->sections[i].what != what)
            continue;
        if (index->sections[i].first_frame != next)
            return false;
        next += index->sections[i].frame_count;
    }
    return next == index->frame_count;
}

static enum status read_head(struct store_index *index, struct error *err)
{
    const uint8_t *head = index->bytes.data;

    if (index->bytes.size < INDEX_HEAD_SIZE || memcmp(head, INDEX_MAGIC, INDEX_MAGIC_SIZE) != 0)
        return error_set(err, ST_CORRUPT, "no index");
    if (le32_get(head + 8) != INDEX_VERSION)
        return error_set(err, ST_CORRUPT, "an index of version %u, not %d",
                         (unsigned)le32_get(head + 8), INDEX_VERSION);
    size_t sections = le32_get(head + 12);
    if (sections > INDEX_SECTIONS_MAX ||
        sections * SECTION_ROW_SIZE > index->bytes.size - INDEX_HEAD_SIZE ||
        index_head_sum(head, sections * SECTION_ROW_SIZE) != le64_get(head + INDEX_HEAD_SUM_AT) ||
        le64_get(head + 40) > STORE_INDEX_FRAMES_MAX)
        return damaged(err);
    index->seed = le64_get(head + 32);
    index->frame_count = le64_get(head + 40);
    index->sections = calloc(sections + 1, sizeof(*index->sections));
    if (index->sections == NULL)
        return error_set(err, ST_NO_MEMORY, "open an index");
    for (size_t i = 0; i < sections; i++) {
        if (!read_section(index, head + INDEX_HEAD_SIZE + i * SECTION_ROW_SIZE,
                          &index->sections[i]))
            return damaged(err);
        index->section_count++;
    }
    return covers_all(index, SECTION_IDS) && covers_all(index, SECTION_WORDS) ? ST_OK
                                                                              : damaged(err);
}

static bool take_range(struct slice *rest, uint64_t *last, uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t difference, span;

    if (!varint_take(rest, &difference) || !varint_take(rest, &span))
        return false;
    *last += zigzag_back(difference);
    *ret_first = span == 0 ? UINT64_MAX : *last;
    *ret_last = span == 0 ? 0 : *last + (span - 1);
    if (span == UINT64_MAX) /* all there are */
        *ret_last = UINT64_MAX;
    return span == 0 || *ret_last >= *ret_first;
}

static bool read_frames(struct store_index *index, struct slice rest)
{
    uint64_t time = 0;
    uint64_t arrival = 0;
    uint64_t offset = 0;
    uint64_t line = 1;

    for (size_t i = 0; i < index->frame_count; i++) {
        struct store_index_frame *frame = &index->frames[i];
        if (!varint_take(&rest, &frame->compressed_size) || !varint_take(&rest, &frame->size) ||
            !varint_take(&rest, &frame->line_count) ||
            !take_range(&rest, &time, &frame->first_unix_ns, &frame->last_unix_ns) ||
            !take_range(&rest, &arrival, &frame->first_arrival_unix_ms,
                        &frame->last_arrival_unix_ms))
            return false;
        if (frame->compressed_size > UINT32_MAX || frame->size > UINT32_MAX ||
            frame->line_count > frame->size)
            return false;
        frame->offset = offset;
        frame->first_line = line;
        offset += frame->compressed_size;
        line += frame->line_count;
    }
    return rest.size == 0;
}

static enum status load_frames(struct store_index *index, struct error *err)
{
    struct section *found = NULL;

    for (size_t i = 0; i < index->section_count; i++) {
        if (index->sections[i].what == SECTION_FRAMES)
            found = &index->sections[i];
    }
    /* A frame takes seven bytes or more. */
    if (found == NULL || !is_good(found) || found->bytes.size / 7 < index->frame_count)
        return damaged(err);
    index->frames = calloc(index->frame_count + 1, sizeof(*index->frames));
    if (index->frames == NULL)
        return error_set(err, ST_NO_MEMORY, "an index of %zu frames", index->frame_count);
    return read_frames(index, found->bytes) ? ST_OK : damaged(err);
}

static enum status open_bytes(struct slice bytes, bool is_mapped, struct store_index **ret,
                              struct error *err)
{
    struct store_index *index = calloc(1, sizeof(*index));
    enum status st = ST_OK;

    if (index == NULL) {
        if (is_mapped)
            (void)munmap((void *)(uintptr_t)bytes.data, bytes.size); /* cannot fail */
        return error_set(err, ST_NO_MEMORY, "open an index");
    }
    index->bytes = bytes;
    index->is_mapped = is_mapped;
    st = read_head(index, err);
    if (st == ST_OK)
        st = load_frames(index, err);
    if (st != ST_OK) {
        store_index_close(index);
        return st;
    }
    *ret = index;
    return ST_OK;
}

enum status store_index_read(struct slice bytes, struct store_index **ret, struct error *err)
{
    return open_bytes(bytes, false, ret, err);
}

static enum status map_file(int dir_fd, const char *name, struct slice *ret, struct error *err)
{
    struct stat info;
    enum status st = ST_OK;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", name);
    if (fstat(fd, &info) < 0) {
        st = error_set_errno(err, ST_IO, "fstat '%s'", name);
    } else if (!S_ISREG(info.st_mode) || info.st_size < INDEX_HEAD_SIZE ||
               info.st_size > STORE_INDEX_SIZE_MAX) {
        st = error_set(err, ST_CORRUPT, "'%s' is no index", name);
    } else {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            st = error_set_errno(err, ST_IO, "map '%s'", name);
        else
            *ret = slice_of(data, (size_t)info.st_size);
    }
    (void)close(fd); /* only read from */
    return st;
}

/* Size of the file, and the sum of its seek table. */
static enum status look_at_data(int fd, uint64_t *ret_size, uint64_t *ret_sum, struct error *err)
{
    uint8_t foot[SEEK_FOOT_SIZE];
    struct stat info;

    if (fstat(fd, &info) < 0)
        return error_set_errno(err, ST_IO, "fstat");
    uint64_t size = (uint64_t)info.st_size;
    if (size < SEEK_HEAD_SIZE + SEEK_FOOT_SIZE ||
        pread(fd, foot, sizeof(foot), (off_t)(size - sizeof(foot))) != sizeof(foot) ||
        le32_get(foot + 5) != SEEKABLE_MAGIC || foot[4] != 0)
        return error_set(err, ST_CORRUPT, "no seek table");
    uint64_t table = SEEK_HEAD_SIZE + (uint64_t)le32_get(foot) * SEEK_ENTRY_SIZE + SEEK_FOOT_SIZE;
    if (table > size || table > STORE_INDEX_SIZE_MAX)
        return error_set(err, ST_CORRUPT, "the seek table is larger than the file");
    uint8_t *bytes = malloc(table);
    if (bytes == NULL)
        return error_set(err, ST_NO_MEMORY, "a seek table");
    ssize_t got = pread(fd, bytes, table, (off_t)(size - table));
    *ret_size = size;
    *ret_sum = XXH3_64bits(bytes, table);
    free(bytes);
    return got == (ssize_t)table ? ST_OK : error_set(err, ST_CORRUPT, "no seek table");
}

enum status store_index_open(int dir_fd, const struct store_file_name *file, int data_fd,
                             struct store_index **ret, struct error *err)
{
    char name[STORE_FILE_NAME_SIZE];
    struct slice bytes;
    uint64_t size, sum;

    store_index_name(file, name);
    enum status st = map_file(dir_fd, name, &bytes, err);
    if (st != ST_OK)
        return st;
    struct store_index *index;
    st = open_bytes(bytes, true, &index, err);
    if (st != ST_OK)
        return error_context(err, "'%s'", name);
    st = look_at_data(data_fd, &size, &sum, err);
    if (st == ST_OK && (le64_get(bytes.data + 16) != size || le64_get(bytes.data + 24) != sum))
        st = error_set(err, ST_CORRUPT, "it is the index of another file");
    if (st != ST_OK) {
        store_index_close(index);
        return error_context(err, "'%s'", name);
    }
    *ret = index;
    return ST_OK;
}

void store_index_close(struct store_index *index)
{
    if (index == NULL)
        return;
    if (index->is_mapped)
        (void)munmap((void *)(uintptr_t)index->bytes.data, index->bytes.size); /* cannot fail */
    free(index->frames);
    free(index->sections);
    free(index);
}

/* --- Frames ---------------------------------------------------------------------------------- */

/* Behind a section zeros fill up to the next multiple of 8; `ret_end` is behind them. */
static bool is_filled(const struct store_index *index, const struct section *section,
                      size_t *ret_end)
{
    size_t end = (size_t)(section->bytes.data - index->bytes.data) + section->bytes.size;

    while (end % 8 != 0 && end < index->bytes.size) {
        if (index->bytes.data[end++] != 0)
            return false;
    }
    *ret_end = end;
    return true;
}

bool store_index_is_whole(const struct store_index *index)
{
    size_t last = INDEX_HEAD_SIZE + index->section_count * SECTION_ROW_SIZE;
    size_t end = 0;

    for (size_t i = 0; i < index->section_count; i++) {
        if (!is_good(&index->sections[i]) || !is_filled(index, &index->sections[i], &end))
            return false;
        last = end > last ? end : last;
    }
    return last == index->bytes.size;
}

size_t store_index_frame_count(const struct store_index *index)
{
    return index->frame_count;
}

void store_index_frame(const struct store_index *index, size_t number,
                       struct store_index_frame *ret)
{
    ASSERT(number < index->frame_count);
    *ret = index->frames[number];
}

static void add_section(const struct section *section, struct frame_set *set)
{
    frame_set_add(set, section->first_frame, section->first_frame + section->frame_count);
}

void store_index_find_id(const struct store_index *index, struct slice value, struct frame_set *set)
{
    uint64_t hash = index_id_hash(value, index->seed);

    ASSERT(set->count == index->frame_count);
    for (size_t i = 0; i < index->section_count; i++) {
        struct section *section = &index->sections[i];
        if (section->what != SECTION_IDS)
            continue;
        if (is_good(section))
            id_table_find(section->bytes, hash, section->first_frame, section->frame_count, set);
        else
            add_section(section, set);
    }
}

void store_index_find_times(const struct store_index *index, uint64_t since_unix_ns,
                            uint64_t until_unix_ns, struct frame_set *set)
{
    ASSERT(set->count == index->frame_count);
    for (size_t i = 0; i < index->frame_count; i++) {
        const struct store_index_frame *frame = &index->frames[i];
        if (frame->first_unix_ns <= frame->last_unix_ns && frame->last_unix_ns >= since_unix_ns &&
            (until_unix_ns == 0 || frame->first_unix_ns < until_unix_ns))
            frame_set_add(set, i, i + 1);
    }
}

/* --- Texts ----------------------------------------------------------------------------------- */

enum { ASKED_WORDS_MAX = 64 }; /* of a text; what is behind them is not asked for */

struct asked_words {
    uint64_t hashes[ASKED_WORDS_MAX];
    size_t count;
};

static bool is_hex_group(struct slice word)
{
    if (word.size != 4 && word.size != 8 && word.size != 12)
        return false;
    for (size_t i = 0; i < word.size; i++) {
        if (text_hex_digit(word.data[i]) < 0)
            return false;
    }
    return true;
}

/* log.record.uid is not in the filters: a group of its digits may be part of one. */
static bool may_be_of_uid(struct slice text, struct slice word)
{
    size_t start = (size_t)(word.data - text.data);
    size_t end = start + word.size;

    return is_hex_group(word) && (start == 0 || text.data[start - 1] == '-') &&
           (end == text.size || text.data[end] == '-');
}

static void split_asked(const struct store_index *index, struct slice text, bool starts_word,
                        bool ends_word, struct asked_words *ret)
{
    struct word_split split = word_split_start(text, text.data + text.size);
    struct slice word;

    ret->count = 0;
    while (ret->count < ASKED_WORDS_MAX && word_split_next(&split, &word)) {
        bool is_cut = (word.data == text.data && !starts_word) ||
                      (word.data + word.size == text.data + text.size && !ends_word);
        if (word.size < WORD_SIZE_MIN || is_cut || may_be_of_uid(text, word))
            continue;
        ret->hashes[ret->count++] = word_hash(word, text.data + text.size, index->seed);
    }
}

/* Adds the frames of the blocks in which all words may be. */
static enum status find_words(struct section *section, const struct asked_words *words,
                              struct frame_set *set, struct error *err)
{
    size_t count = (section->frame_count + WORD_BLOCK_FRAMES - 1) / WORD_BLOCK_FRAMES;
    struct frame_set blocks;

    enum status st = frame_set_init(&blocks, count, err);
    if (st != ST_OK)
        return st;
    frame_set_add_all(&blocks);
    for (size_t i = 0; i < words->count; i++)
        word_table_keep(section->bytes, words->hashes[i], &blocks);
    for (size_t i = frame_set_next(&blocks, 0); i < count; i = frame_set_next(&blocks, i + 1)) {
        size_t first = i * WORD_BLOCK_FRAMES;
        size_t end = first + WORD_BLOCK_FRAMES;
        if (end > section->frame_count)
            end = section->frame_count;
        frame_set_add(set, section->first_frame + first, section->first_frame + end);
    }
    frame_set_fini(&blocks);
    return ST_OK;
}

bool store_index_find_text(const struct store_index *index, struct slice text, bool starts_word,
                           bool ends_word, struct frame_set *set)
{
    struct asked_words words;
    struct error ignored; /* without memory, all frames are the answer */

    ASSERT(set->count == index->frame_count);
    words.count = 0;
    if (text.size > 0)
        split_asked(index, text, starts_word, ends_word, &words);
    if (words.count == 0) {
        frame_set_add_all(set);
        return false;
    }
    for (size_t i = 0; i < index->section_count; i++) {
        struct section *section = &index->sections[i];
        if (section->what != SECTION_WORDS)
            continue;
        if (!is_good(section) || find_words(section, &words, set, &ignored) != ST_OK)
            add_section(section, set);
    }
    return true;
}

/* --- Uids ------------------------------------------------------------------------------------ */

bool store_index_find_uid(const struct store_index *index, struct slice uid, struct frame_set *set)
{
    uint64_t unix_ms;

    ASSERT(set->count == index->frame_count);
    if (!uid_time(uid, &unix_ms)) {
        frame_set_add_all(set);
        return false;
    }
    for (size_t i = 0; i < index->frame_count; i++) {
        const struct store_index_frame *frame = &index->frames[i];
        if (frame->first_arrival_unix_ms <= unix_ms && unix_ms <= frame->last_arrival_unix_ms)
            frame_set_add(set, i, i + 1);
    }
    return true;
}

/* --- Contents -------------------------------------------------------------------------------- */

/* Without contents, or with damaged ones, all of it is zero. */
static struct contents_view contents_of(const struct store_index *index)
{
    struct contents_view view = {.bytes = SLICE_EMPTY};
    size_t i = 0;

    while (i < index->section_count && index->sections[i].what != SECTION_CONTENTS)
        i++;
    if (i < index->section_count && is_good(&index->sections[i]))
        (void)contents_read(index->sections[i].bytes, &view); /* or it stays as it is */
    return view;
}

bool store_index_has_all_sessions(const struct store_index *index)
{
    return contents_of(index).has_all_sessions;
}

size_t store_index_session_count(const struct store_index *index)
{
    return contents_of(index).session_count;
}

void store_index_session(const struct store_index *index, size_t number,
                         struct store_index_session *ret)
{
    const struct contents_view view = contents_of(index);

    contents_session(&view, number, ret);
}

bool store_index_has_all_tallies(const struct store_index *index)
{
    return contents_of(index).has_all_texts;
}

size_t store_index_tally_count(const struct store_index *index)
{
    return contents_of(index).text_count;
}

void store_index_tally(const struct store_index *index, size_t number,
                       struct store_index_tally *ret)
{
    const struct contents_view view = contents_of(index);

    contents_tally(&view, number, ret);
}
