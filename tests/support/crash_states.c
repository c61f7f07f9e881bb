/* SPDX-License-Identifier: Apache-2.0 */
/* crash_states.c -- see crash_states.h.
 *
 * The model goes through the trace once.  It keeps what is durable, as names and contents, and the
 * list of events that are not.  A state is a choice of bits, some for each event of that list:
 * applied to a copy of what is durable, in order, it gives names and contents, which are written to
 * a directory of their own. */
#include "support/crash_states.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/temp_dir.h"
#include "telltale/disk_dirs.h"

enum {
    NAMES_MAX = 256,
    PENDING_MAX = 1024,
    BITS_MAX = 8192,
    SEEN_BITS = 20, /* the table of states that were tried has 2^20 places */
    SMALL_SECTOR = 512,
    LARGE_SECTOR = 4096,
};

struct content {
    uint8_t *bytes; /* owned */
    size_t size;
    size_t capacity;
};

struct entry {
    unsigned dir;
    unsigned file;
    char name[TRACE_NAME_SIZE];
};

struct names {
    size_t count;
    struct entry entries[NAMES_MAX];
};

static struct {
    struct names durable_names;
    struct content durable[TRACE_FILES_MAX];
    const struct trace_event *pending[PENDING_MAX];
    size_t pending_count;
    uint8_t bits[BITS_MAX];
    size_t bit_count;
    unsigned sector;
    /* the state under construction */
    struct names names;
    struct content contents[NAMES_MAX]; /* by entry */
    uint64_t *seen;                     /* owned; 0: free */
} model;

/* --- Contents ------------------------------------------------------------------------------- */

static void content_resize(struct content *content, size_t size)
{
    if (size > content->capacity) {
        content->capacity = size * 2;
        content->bytes = realloc(content->bytes, content->capacity);
        ASSERT(content->bytes != NULL);
    }
    if (size > content->size)
        memset(content->bytes + content->size, 0, size - content->size);
    content->size = size;
}

static void content_copy(struct content *to, const struct content *from)
{
    to->size = 0;
    content_resize(to, from->size);
    if (from->size > 0)
        memcpy(to->bytes, from->bytes, from->size);
}

static void content_write(struct content *content, uint64_t offset, const uint8_t *bytes,
                          size_t size)
{
    if (offset + size > content->size)
        content_resize(content, (size_t)offset + size);
    memcpy(content->bytes + offset, bytes, size);
}

/* --- Names ---------------------------------------------------------------------------------- */

static size_t find_name(const struct names *names, unsigned dir, const char *name)
{
    size_t i = 0;

    while (i < names->count &&
           (names->entries[i].dir != dir || strcmp(names->entries[i].name, name) != 0))
        i++;
    return i;
}

static void remove_name(struct names *names, unsigned dir, const char *name)
{
    size_t i = find_name(names, dir, name);

    if (i < names->count)
        names->entries[i] = names->entries[--names->count];
}

static void add_name(struct names *names, unsigned dir, const char *name, unsigned file)
{
    remove_name(names, dir, name);
    ASSERT(names->count < NAMES_MAX);
    struct entry *entry = &names->entries[names->count++];
    entry->dir = dir;
    entry->file = file;
    snprintf(entry->name, sizeof(entry->name), "%s", name);
}

static bool is_about_names(const struct trace_event *event)
{
    return event->kind == TRACE_CREATE || event->kind == TRACE_RENAME ||
           event->kind == TRACE_UNLINK;
}

static void change_names(struct names *names, const struct trace_event *event)
{
    if (event->kind == TRACE_CREATE) {
        add_name(names, event->dir, event->name, event->file);
        return;
    }
    if (event->kind == TRACE_UNLINK) {
        remove_name(names, event->dir, event->name);
        return;
    }
    size_t i = find_name(names, event->from_dir, event->from_name);
    if (i == names->count)
        return; /* what made it is not there */
    unsigned file = names->entries[i].file;
    remove_name(names, event->from_dir, event->from_name);
    add_name(names, event->dir, event->name, file);
}

/* --- What is durable ------------------------------------------------------------------------ */

static void apply_whole(struct content *content, const struct trace_event *event)
{
    if (event->kind == TRACE_WRITE)
        content_write(content, event->offset, event->bytes, (size_t)event->size);
    else if (event->kind == TRACE_TRUNCATE || event->size > content->size)
        content_resize(content, (size_t)event->size);
}

static bool is_covered(const struct trace_event *event, const struct trace_event *sync)
{
    if (sync->kind == TRACE_SYNC)
        return !is_about_names(event) && event->file == sync->file;
    return is_about_names(event) && (event->dir == sync->dir ||
                                     (event->kind == TRACE_RENAME && event->from_dir == sync->dir));
}

static void make_durable(const struct trace_event *sync)
{
    size_t kept = 0;

    for (size_t i = 0; i < model.pending_count; i++) {
        const struct trace_event *event = model.pending[i];
        if (!is_covered(event, sync))
            model.pending[kept++] = event;
        else if (is_about_names(event))
            change_names(&model.durable_names, event);
        else
            apply_whole(&model.durable[event->file], event);
    }
    model.pending_count = kept;
}

/* A file that no state has any more. */
static bool is_gone(unsigned file)
{
    for (size_t i = 0; i < model.durable_names.count; i++) {
        if (model.durable_names.entries[i].file == file)
            return false;
    }
    for (size_t i = 0; i < model.pending_count; i++) {
        if (model.pending[i]->kind == TRACE_CREATE && model.pending[i]->file == file)
            return false;
    }
    return true;
}

static void forget_gone(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < model.pending_count; i++) {
        const struct trace_event *event = model.pending[i];
        if (is_about_names(event) || !is_gone(event->file))
            model.pending[kept++] = event;
    }
    model.pending_count = kept;
}

static void advance(const struct trace_event *event)
{
    if (event->kind == TRACE_SYNC || event->kind == TRACE_SYNC_DIR) {
        make_durable(event);
        forget_gone();
    } else if (event->kind != TRACE_MARK) {
        ASSERT(model.pending_count < PENDING_MAX);
        model.pending[model.pending_count++] = event;
    }
}

/* --- One state ------------------------------------------------------------------------------ */

/* One for the whole, and for a write one for each sector that it touches; the first of a write says
 * whether the file had grown. */
static size_t bits_of(const struct trace_event *event)
{
    if (event->kind != TRACE_WRITE)
        return 1;
    uint64_t first = event->offset / model.sector;
    uint64_t last = (event->offset + event->size - 1) / model.sector;
    return 1 + (size_t)(last - first + 1);
}

static size_t count_bits(unsigned sector)
{
    size_t count = 0;

    model.sector = sector;
    for (size_t i = 0; i < model.pending_count; i++)
        count += bits_of(model.pending[i]);
    return count;
}

static void apply_sectors(struct content *content, const struct trace_event *event,
                          const uint8_t *bits)
{
    uint64_t end = event->offset + event->size;
    uint64_t at = event->offset;

    if (bits[0] && end > content->size)
        content_resize(content, (size_t)end);
    for (size_t i = 1; at < end; i++) {
        uint64_t stop = (at / model.sector + 1) * model.sector;
        stop = stop < end ? stop : end;
        if (bits[i])
            content_write(content, at, event->bytes + (at - event->offset), (size_t)(stop - at));
        at = stop;
    }
}

static void build_content(struct content *content, unsigned file)
{
    const uint8_t *bits = model.bits;

    content_copy(content, &model.durable[file]);
    for (size_t i = 0; i < model.pending_count; i++) {
        const struct trace_event *event = model.pending[i];
        if (!is_about_names(event) && event->file == file) {
            if (event->kind == TRACE_WRITE)
                apply_sectors(content, event, bits);
            else if (bits[0])
                apply_whole(content, event);
        }
        bits += bits_of(event);
    }
}

static void build(void)
{
    const uint8_t *bits = model.bits;

    model.names = model.durable_names;
    for (size_t i = 0; i < model.pending_count; i++) {
        if (is_about_names(model.pending[i]) && bits[0])
            change_names(&model.names, model.pending[i]);
        bits += bits_of(model.pending[i]);
    }
    for (size_t i = 0; i < model.names.count; i++)
        build_content(&model.contents[i], model.names.entries[i].file);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Of the state and of what was promised in it; the order of names does not count. */
static uint64_t hash_state(const uint64_t marks[TRACE_MARKS])
{
    uint64_t sum = hash_bytes(UINT64_C(0xcbf29ce484222325), marks, TRACE_MARKS * sizeof(marks[0]));

    for (size_t i = 0; i < model.names.count; i++) {
        const struct entry *entry = &model.names.entries[i];
        uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), entry->name, strlen(entry->name));
        hash = hash_bytes(hash, &entry->dir, sizeof(entry->dir));
        sum += hash_bytes(hash, model.contents[i].bytes, model.contents[i].size);
    }
    return sum == 0 ? 1 : sum;
}

static bool is_new(uint64_t hash)
{
    const size_t mask = ((size_t)1 << SEEN_BITS) - 1;
    size_t place = (size_t)hash & mask;

    for (size_t i = 0; i <= mask && model.seen[place] != 0; i++) {
        if (model.seen[place] == hash)
            return false;
        place = (place + 1) & mask;
    }
    model.seen[place] = hash;
    return true;
}

static void write_state(const char *root)
{
    char path[PATH_MAX];

    for (unsigned i = 0; i < disk_trace_dir_count(); i++) {
        struct error err;
        snprintf(path, sizeof(path), "%s/%s", root, disk_trace_dir(i));
        ASSERT(disk_make_dirs(&disk_io_system, path, &err) == ST_OK);
    }
    for (size_t i = 0; i < model.names.count; i++) {
        const struct entry *entry = &model.names.entries[i];
        const struct content *content = &model.contents[i];
        snprintf(path, sizeof(path), "%s/%s/%s", root, disk_trace_dir(entry->dir), entry->name);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ASSERT(fd >= 0);
        ASSERT(write(fd, content->bytes, content->size) == (ssize_t)content->size);
        (void)close(fd);
    }
}

/* --- All of them ---------------------------------------------------------------------------- */

struct trial {
    const struct crash_settings *settings;
    crash_check *check;
    void *context;
    struct crash_tally tally;
    uint64_t event; /* after which power goes */
    unsigned random;
};

static void try_state(struct trial *trial, const uint64_t marks[TRACE_MARKS])
{
    struct temp_dir dir;

    build();
    if (!is_new(hash_state(marks)))
        return;
    temp_dir_make(&dir);
    write_state(dir.path);
    trial->tally.states++;
    const char *failure = trial->check(trial->context, dir.path, marks);
    if (failure != NULL && trial->tally.failures++ == 0) {
        trial->tally.first_failure = failure;
        trial->tally.failed_event = trial->event;
    }
    temp_dir_remove(&dir);
}

static void try_all(struct trial *trial, size_t bits, const uint64_t marks[TRACE_MARKS])
{
    for (uint64_t choice = 0; choice < UINT64_C(1) << bits; choice++) {
        for (size_t i = 0; i < bits; i++)
            model.bits[i] = (choice >> i) & 1;
        try_state(trial, marks);
    }
    trial->tally.exhausted++;
}

/* Nothing, everything, then mixtures with few, about half and nearly all. */
static void try_sample(struct trial *trial, unsigned number, const uint64_t marks[TRACE_MARKS])
{
    static const unsigned shares[] = {0, 256, 128, 24, 232};
    unsigned share = shares[number < COUNT_OF(shares) ? number : 2 + number % 3];
    size_t bits = count_bits(number % 2 == 0 ? SMALL_SECTOR : LARGE_SECTOR);

    ASSERT(bits <= BITS_MAX);
    for (size_t i = 0; i < bits; i++)
        model.bits[i] = ((unsigned)rand_r(&trial->random) >> 8 & 255) < share;
    try_state(trial, marks);
}

static void try_here(struct trial *trial, const uint64_t marks[TRACE_MARKS])
{
    size_t bits = count_bits(SMALL_SECTOR);

    if (bits <= trial->settings->every_bits_max) {
        try_all(trial, bits, marks);
        return;
    }
    for (unsigned i = 0; i < trial->settings->samples; i++)
        try_sample(trial, i, marks);
}

static void forget_all(void)
{
    for (size_t i = 0; i < TRACE_FILES_MAX; i++)
        free(model.durable[i].bytes);
    for (size_t i = 0; i < NAMES_MAX; i++)
        free(model.contents[i].bytes);
    free(model.seen);
    memset(&model, 0, sizeof(model));
}

void crash_states_try(const struct crash_settings *settings, crash_check *check, void *context,
                      struct crash_tally *ret)
{
    struct trial trial = {
        .settings = settings, .check = check, .context = context, .random = settings->seed};

    model.seen = calloc((size_t)1 << SEEN_BITS, sizeof(*model.seen));
    ASSERT(model.seen != NULL);
    for (size_t i = 0; i < disk_trace_count(); i++) {
        const struct trace_event *event = disk_trace_event(i);
        advance(event);
        trial.event = i;
        try_here(&trial, event->marks);
    }
    trial.tally.events = disk_trace_count();
    forget_all();
    *ret = trial.tally;
}

unsigned crash_samples(unsigned base)
{
    const char *text = getenv("TELLTALE_CRASH_SCALE");
    unsigned long scale = text != NULL ? strtoul(text, NULL, 10) : 1;

    return base * (unsigned)(scale >= 1 && scale <= 1000 ? scale : 1);
}
