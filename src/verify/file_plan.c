/* SPDX-License-Identifier: Apache-2.0 */
/* file_plan.c -- see file_plan.h.
 *
 * Everything that a name stands with, in the directory and in each line of the manifest, becomes a
 * fact.  Sorted by names, and where they are equal in the order in which they came, the facts of
 * one file stand together and are folded into it. */
#include "verify/file_plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/line_file.h"
#include "telltale/store_index.h"
#include "telltale/store_proof.h"
#include "util/clock.h"
#include "verify/proof_source.h"

enum { TICKS_NS = 100 * 1000 * 1000 };

enum fact_kind { FACT_PLAIN, FACT_COMPRESSED, FACT_PROOF, FACT_INDEX, FACT_NEXT, FACT_MANIFEST };

struct fact {
    struct store_file_name name;
    size_t order;
    enum fact_kind kind;
    enum manifest_kind manifest; /* FACT_MANIFEST; then: */
    uint64_t line, size_bytes, first_index, end_index, count;
    size_t first_hash;
    struct hash sha256;
    struct store_file_name last_name;
};

struct reading {
    struct file_plan *plan;
    struct fact *facts;
    size_t count, capacity;
    struct manifest_chain chain;
    struct manifest_fact *fact; /* the last line; large */
};

void file_plan_init(struct file_plan *plan)
{
    *plan = (struct file_plan){.files = NULL};
    buf_init(&plan->hashes, PLAN_HASHES_MAX);
    verify_report_init(&plan->report);
}

static void clear(struct file_plan *plan)
{
    free(plan->files);
    verify_report_fini(&plan->report);
    buf_clear(&plan->hashes);
    struct buf hashes = plan->hashes;
    *plan = (struct file_plan){.hashes = hashes};
}

void file_plan_fini(struct file_plan *plan)
{
    clear(plan);
    buf_fini(&plan->hashes);
}

void file_plan_range(const struct file_plan *plan, const struct plan_file *file,
                     struct merkle_range *ret)
{
    ASSERT(file->is_closed || file->is_gone);
    merkle_range_init(ret, file->first_index);
    ret->end = file->end_index;
    ret->count = merkle_range_count(file->first_index, file->end_index);
    if (ret->count > 0)
        memcpy(ret->hashes, plan->hashes.data + file->first_hash * sizeof(struct hash),
               ret->count * sizeof(struct hash));
}

static enum status add_fact(struct reading *reading, const struct fact *fact, struct error *err)
{
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity > 0 ? 2 * reading->capacity : 256;
        if (capacity > PLAN_FACTS_MAX)
            return error_set(err, ST_LIMIT, "the store has more than %zu files and deletions",
                             reading->capacity);
        struct fact *facts = reallocarray(reading->facts, capacity, sizeof(*facts));
        if (facts == NULL)
            return error_set(err, ST_NO_MEMORY, "list %zu files", capacity);
        reading->facts = facts;
        reading->capacity = capacity;
    }
    reading->facts[reading->count] = *fact;
    reading->facts[reading->count].order = reading->count;
    reading->count++;
    return ST_OK;
}

/* --- Manifest -------------------------------------------------------------------------------- */

static void tell_manifest(struct reading *reading, uint64_t line, enum verify_answer answer,
                          const char *text)
{
    struct verify_finding finding;

    verify_finding_set(&finding, VERIFY_COMPLETE, answer, STORE_MANIFEST_NAME, "%s", text);
    finding.has_line = true;
    finding.line = line;
    verify_report_add(&reading->plan->report, &finding);
}

/* "<base>" as a name; false: it is none. */
static bool parse_base(const char *base, struct store_file_name *ret)
{
    char name[STORE_FILE_NAME_SIZE + sizeof(".jsonl")];

    (void)snprintf(name, sizeof(name), "%s.jsonl", base); /* a longer one is no name either */
    return store_file_name_parse(name, ret);
}

static bool is_about_file(enum manifest_kind kind)
{
    return kind == MANIFEST_CLOSED || kind == MANIFEST_COMPRESSED || kind == MANIFEST_REWRITTEN ||
           kind == MANIFEST_DELETED || kind == MANIFEST_GONE;
}

static enum status take_manifest_line(void *context, struct slice line, uint64_t number,
                                      struct error *err)
{
    struct reading *reading = context;
    const struct manifest_fact *from = reading->fact;
    struct file_plan *plan = reading->plan;

    plan->manifest_lines = number;
    enum status st = manifest_read_line(line, &reading->chain, reading->fact, err);
    if (st == ST_CORRUPT || st == ST_INVALID)
        tell_manifest(reading, number, VERIFY_NO, err->text);
    if (st == ST_INVALID)
        return ST_OK;
    if (st != ST_OK && st != ST_CORRUPT)
        return st;
    if (from->kind == MANIFEST_COMPACTED && number > 1)
        tell_manifest(reading, number, VERIFY_NO, "a manifest is only compacted at its beginning");
    if (!is_about_file(from->kind))
        return ST_OK;
    struct fact fact = {.kind = FACT_MANIFEST,
                        .manifest = from->kind,
                        .line = number,
                        .size_bytes = from->size_bytes,
                        .sha256 = from->sha256,
                        .first_index = from->range.first,
                        .end_index = from->range.end,
                        .count =
                            from->kind == MANIFEST_GONE ? from->file_count : from->record_count,
                        .first_hash = plan->hashes.size / sizeof(struct hash)};
    if (!parse_base(from->base, &fact.name) ||
        (from->kind == MANIFEST_GONE && !parse_base(from->last_base, &fact.last_name))) {
        tell_manifest(reading, number, VERIFY_NO, "names no file of a store");
        return ST_OK;
    }
    if (from->kind == MANIFEST_CLOSED || from->kind == MANIFEST_GONE) {
        st = buf_append(&plan->hashes, from->range.hashes, from->range.count * sizeof(struct hash),
                        err);
        if (st != ST_OK)
            return st;
    }
    return add_fact(reading, &fact, err);
}

static enum status read_manifest(struct reading *reading, int dir_fd, struct error *err)
{
    struct file_plan *plan = reading->plan;
    bool is_torn = false;

    reading->fact = malloc(sizeof(*reading->fact));
    if (reading->fact == NULL)
        return error_set(err, ST_NO_MEMORY, "read the manifest");
    if (fstatat(dir_fd, STORE_MANIFEST_NAME, &plan->manifest_info, AT_SYMLINK_NOFOLLOW) < 0)
        plan->manifest_info = (struct stat){.st_ino = 0};
    enum status st = line_file_read(&disk_io_system, dir_fd, STORE_MANIFEST_NAME,
                                    take_manifest_line, reading, &is_torn, err);
    free(reading->fact);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    plan->has_manifest = true;
    if (st == ST_LIMIT && reading->count < PLAN_FACTS_MAX) {
        tell_manifest(reading, plan->manifest_lines + 1, VERIFY_NO, err->text);
        return ST_OK;
    }
    if (st == ST_OK && is_torn)
        tell_manifest(reading, plan->manifest_lines + 1, VERIFY_CANNOT,
                      "ends within this line; after a crash the next start cuts it off");
    return st;
}

/* --- Directory ------------------------------------------------------------------------------- */

/* Whether `text` is the name of a file of the store with `suffix` in place of its own. */
static bool parse_beside(const char *text, const char *suffix, struct store_file_name *ret)
{
    char base[STORE_FILE_NAME_SIZE];
    size_t size = strnlen(text, sizeof(base));
    size_t suffix_size = strlen(suffix);

    if (size == sizeof(base) || size <= suffix_size ||
        strcmp(text + size - suffix_size, suffix) != 0)
        return false;
    memcpy(base, text, size - suffix_size);
    base[size - suffix_size] = 0;
    return parse_base(base, ret);
}

static enum status take_name(struct reading *reading, const char *text, struct error *err)
{
    struct fact fact = {.kind = FACT_PLAIN};

    if (strcmp(text, STORE_ACTIVE_NAME) == 0)
        reading->plan->has_active = true;
    else if (strcmp(text, STORE_PROOF_ACTIVE_NAME) == 0)
        reading->plan->has_active_proof = true;
    if (store_file_name_parse(text, &fact.name))
        fact.kind = fact.name.compressed ? FACT_COMPRESSED : FACT_PLAIN;
    else if (parse_beside(text, STORE_PROOF_SUFFIX, &fact.name))
        fact.kind = FACT_PROOF;
    else if (parse_beside(text, STORE_INDEX_SUFFIX, &fact.name))
        fact.kind = FACT_INDEX;
    else if (parse_beside(text, STORE_PROOF_SUFFIX ".next", &fact.name))
        fact.kind = FACT_NEXT;
    else
        return ST_OK;
    return add_fact(reading, &fact, err);
}

static enum status read_directory(struct reading *reading, int dir_fd, struct error *err)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    enum status st = ST_OK;

    if (stream == NULL) {
        st = error_set_errno(err, ST_IO, "list the store");
        if (fd >= 0)
            (void)close(fd); /* only read from */
        return st;
    }
    if (fstat(fd, &reading->plan->dir_info) < 0)
        st = error_set_errno(err, ST_IO, "list the store");
    while (st == ST_OK) {
        errno = 0;
        const struct dirent *item = readdir(stream);
        if (item == NULL && errno != 0)
            st = error_set_errno(err, ST_IO, "list the store");
        if (item == NULL)
            break;
        st = take_name(reading, item->d_name, err);
    }
    (void)closedir(stream); /* only read from */
    return st;
}

/* --- Folding --------------------------------------------------------------------------------- */

static int compare_facts(const void *a, const void *b)
{
    const struct fact *x = a;
    const struct fact *y = b;
    int order = store_file_name_compare(&x->name, &y->name);

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static void fold_manifest(struct plan_file *file, const struct fact *fact)
{
    switch (fact->manifest) {
    case MANIFEST_CLOSED:
    case MANIFEST_GONE:
        file->is_closed = fact->manifest == MANIFEST_CLOSED;
        file->is_gone = fact->manifest == MANIFEST_GONE;
        file->closed_line = fact->line;
        file->closed_bytes = fact->size_bytes;
        file->first_index = fact->first_index;
        file->end_index = fact->end_index;
        file->first_hash = fact->first_hash;
        file->gone_files = fact->count;
        file->last_name = fact->last_name;
        break;
    case MANIFEST_COMPRESSED:
        file->is_compressed = true;
        file->has_sha256 = true;
        file->sha256 = fact->sha256;
        break;
    case MANIFEST_REWRITTEN:
        file->is_rewritten = true;
        file->has_sha256 = true;
        file->sha256 = fact->sha256;
        file->erased_lines += fact->count;
        break;
    default:
        file->is_deleted = true;
        break;
    }
}

static void fold_fact(struct plan_file *file, const struct fact *fact)
{
    if (fact->kind == FACT_MANIFEST)
        fold_manifest(file, fact);
    file->has_plain |= fact->kind == FACT_PLAIN;
    file->has_compressed |= fact->kind == FACT_COMPRESSED;
    file->has_proof |= fact->kind == FACT_PROOF;
    file->has_index |= fact->kind == FACT_INDEX;
    file->has_next |= fact->kind == FACT_NEXT;
}

static void start_file(struct plan_file *file, const struct store_file_name *name)
{
    char text[STORE_FILE_NAME_SIZE];

    *file = (struct plan_file){.name = *name};
    file->name.compressed = false;
    store_file_name_format(&file->name, text);
    size_t size = strlen(text) - strlen(".jsonl");
    memcpy(file->base, text, size);
    file->base[size] = 0;
}

static enum status fold(struct reading *reading, struct error *err)
{
    struct file_plan *plan = reading->plan;

    if (reading->count == 0)
        return ST_OK;
    qsort(reading->facts, reading->count, sizeof(reading->facts[0]), compare_facts);
    plan->files = calloc(reading->count, sizeof(plan->files[0]));
    if (plan->files == NULL)
        return error_set(err, ST_NO_MEMORY, "list %zu files", reading->count);
    for (size_t i = 0; i < reading->count; i++) {
        const struct fact *fact = &reading->facts[i];
        if (i == 0 || store_file_name_compare(&fact->name, &reading->facts[i - 1].name) != 0)
            start_file(&plan->files[plan->count++], &fact->name);
        fold_fact(&plan->files[plan->count - 1], fact);
    }
    return ST_OK;
}

/* --- The proof of the last file ----------------------------------------------------------------
 */

/* *ret: active.proof tells of lines.  One that cannot be read on tells of none: whose it is, what
 * reads it for its lines will say. */
static enum status find_proved_lines(int dir_fd, bool *ret, struct error *err)
{
    struct proof_source proof;
    struct error ignored;

    *ret = false;
    proof_source_init(&proof);
    enum status st = proof_source_open(&proof, dir_fd, STORE_PROOF_ACTIVE_NAME, err);
    bool is_open = st == ST_OK;
    while (is_open && !*ret && proof_source_next(&proof, &ignored) == ST_OK)
        *ret = proof.line->kind == STORE_PROOF_STATE && proof.line->state.offset_bytes > 0;
    proof_source_fini(&proof);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

/* The exporter gives the lines their name, begins an empty file, and then names the proof. */
static enum status find_owner_of_proof(struct file_plan *plan, int dir_fd, struct error *err)
{
    const struct plan_file *last = plan->count > 0 ? &plan->files[plan->count - 1] : NULL;
    struct stat active = {.st_size = 0};

    if (last == NULL || last->has_proof || last->is_closed || last->is_gone ||
        !plan->has_active_proof)
        return ST_OK;
    if (plan->has_active && fstatat(dir_fd, STORE_ACTIVE_NAME, &active, AT_SYMLINK_NOFOLLOW) < 0)
        active.st_size = 0; /* it has gone meanwhile */
    return active.st_size > 0 ? ST_OK : find_proved_lines(dir_fd, &plan->is_proof_of_last, err);
}

/* --- Public ---------------------------------------------------------------------------------- */

enum status file_plan_read(struct file_plan *plan, int dir_fd, struct error *err)
{
    struct reading reading = {.plan = plan};

    clear(plan);
    plan->read_unix_ns = clock_unix_ns();
    enum status st = read_manifest(&reading, dir_fd, err);
    if (st == ST_OK)
        st = read_directory(&reading, dir_fd, err);
    if (st == ST_OK)
        st = fold(&reading, err);
    if (st == ST_OK)
        st = find_owner_of_proof(plan, dir_fd, err);
    free(reading.facts);
    return st;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* File systems count time in ticks of some milliseconds: what changed so shortly before it was read
 * may have changed again without a trace. */
static bool is_young(const struct file_plan *plan)
{
    const struct timespec *changed = &plan->dir_info.st_mtim;
    uint64_t changed_ns = (uint64_t)changed->tv_sec * NS_PER_S + (uint64_t)changed->tv_nsec;

    return plan->read_unix_ns < changed_ns + TICKS_NS && changed_ns < plan->read_unix_ns + TICKS_NS;
}

bool file_plan_holds(const struct file_plan *plan, int dir_fd)
{
    struct stat manifest = {.st_ino = 0};
    struct stat dir;

    if (fstatat(dir_fd, STORE_MANIFEST_NAME, &manifest, AT_SYMLINK_NOFOLLOW) < 0)
        manifest = (struct stat){.st_ino = 0};
    return !is_young(plan) && fstat(dir_fd, &dir) == 0 && is_same(&dir, &plan->dir_info) &&
           is_same(&manifest, &plan->manifest_info);
}
