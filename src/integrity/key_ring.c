/* SPDX-License-Identifier: Apache-2.0 */
/* key_ring.c -- see include/telltale/key_ring.h.
 *
 * log.key has one line, the private key.  epoch.key and epoch.key.next have that and the
 * certificate's note behind it, which checks the key.  A key evolves so:
 *
 *     1  epoch.key.next: the new key with its certificate, durable
 *     2  the certificate is appended to keys.jsonl, durable: from here on the new key counts
 *     3  epoch.key is overwritten, durable
 *     4  epoch.key.next gets the name epoch.key, durable
 *
 * At the start epoch.key.next counts if keys.jsonl has its certificate, or if epoch.key is not
 * usable; otherwise it was left before step 2, and is destroyed.  If step 2 fails, nobody knows
 * whether the certificate is on the disk: then nothing is signed until it is, because a signature
 * of the old key for a later size would look like one after its end.  Step 3 and 4 can be repeated:
 * while epoch.key.next is there, epoch.key is the old one. */
#include "telltale/key_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "integrity/epoch_certificate.h"
#include "integrity/note_text.h"
#include "telltale/line_file.h"

#define LOG_KEY_NAME    "log.key"
#define EPOCH_KEY_NAME  "epoch.key"
#define EPOCH_NEXT_NAME "epoch.key.next"

enum { KEY_FILE_MAX = 8192 };

struct key_ring {
    const struct disk_io *io; /* borrowed, as the directories */
    int key_dir_fd, store_dir_fd;
    char origin[NOTE_NAME_SIZE];
    struct note_signer log;
    struct note_signer epoch;
    struct epoch_certificate certificate; /* of the present epoch */
    struct line_file keys;
    bool has_old;        /* step 3 or 4 is to be done */
    bool is_pending;     /* step 2 is to be done: `line` */
    struct buf line;     /* the certificate's, for keys.jsonl */
    uint64_t last_epoch; /* the largest number in keys.jsonl */
    bool has_line;       /* keys.jsonl has the certificate that was looked for */
    struct buf note;     /* scratch */
};

/* --- Files of keys -----------------------------------------------------------------------------
 */

/* A key as its file has it. */
struct kept_key {
    struct note_signer signer;
    struct epoch_certificate certificate; /* unless it is the log's */
};

static enum status put_key_file(const struct key_ring *ring, const char *name,
                                const struct note_signer *signer, struct slice note,
                                struct error *err)
{
    static const char newline[] = "\n";
    char key[NOTE_SKEY_SIZE];

    note_signer_format(signer, key);
    struct iovec parts[] = {{.iov_base = key, .iov_len = strlen(key)},
                            {.iov_base = (void *)newline, .iov_len = 1},
                            {.iov_base = (void *)note.data, .iov_len = note.size}};
    int fd = ring->io->open_at(ring->key_dir_fd, name,
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum status st = fd >= 0 ? ST_OK : error_set_errno(err, ST_IO, "create");
    if (st == ST_OK)
        st = disk_write(ring->io, fd, parts, COUNT_OF(parts), 0, err);
    if (st == ST_OK)
        st = disk_sync(ring->io, fd, err);
    if (fd >= 0)
        (void)close(fd); /* synced, or failing anyway */
    if (st == ST_OK)
        st = disk_sync_dir(ring->io, ring->key_dir_fd, err);
    OPENSSL_cleanse(key, sizeof(key));
    return st == ST_OK ? ST_OK : error_context(err, "write '%s'", name);
}

/* Overwrites all that the file has.  ST_NOT_FOUND: there is none. */
static enum status overwrite(const struct key_ring *ring, const char *name, struct error *err)
{
    static const uint8_t zeros[KEY_FILE_MAX];
    struct stat info;

    int fd = ring->io->open_at(ring->key_dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", name);
    enum status st = ST_OK;
    if (ring->io->fstat(fd, &info) < 0)
        st = error_set_errno(err, ST_IO, "stat");
    uint64_t size = st == ST_OK ? (uint64_t)info.st_size : 0;
    for (uint64_t at = 0; at < size && st == ST_OK; at += sizeof(zeros)) {
        size_t some = size - at < sizeof(zeros) ? (size_t)(size - at) : sizeof(zeros);
        struct iovec part = {.iov_base = (void *)zeros, .iov_len = some};
        st = disk_write(ring->io, fd, &part, 1, at, err);
    }
    if (st == ST_OK)
        st = disk_sync(ring->io, fd, err);
    (void)close(fd); /* synced, or failing anyway */
    return st == ST_OK ? ST_OK : error_context(err, "overwrite '%s'", name);
}

static enum status destroy_file(const struct key_ring *ring, const char *name, struct error *err)
{
    enum status st = overwrite(ring, name, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK && ring->io->unlink_at(ring->key_dir_fd, name) < 0)
        st = error_set_errno(err, ST_IO, "unlink '%s'", name);
    return st == ST_OK ? disk_sync_dir(ring->io, ring->key_dir_fd, err) : st;
}

/* The certificate in the file must be for this key, and signed by it. */
static enum status check_kept(struct slice note_bytes, struct kept_key *key, struct error *err)
{
    struct note note;

    enum status st = note_parse(note_bytes, &note, err);
    if (st == ST_OK)
        st = epoch_certificate_parse(note.text, &key->certificate, err);
    if (st == ST_OK)
        st = note_verify(&note, &key->signer.vkey, NULL, err);
    if (st == ST_OK && !note_vkey_equal(&key->certificate.vkey, &key->signer.vkey))
        st = error_set(err, ST_CORRUPT, "the certificate is for another key");
    return st;
}

static enum status parse_key_file(struct slice bytes, bool is_epoch, struct kept_key *ret,
                                  struct buf *note, struct error *err)
{
    struct slice line;

    if (!note_text_take_line(&bytes, &line) || (!is_epoch && bytes.size != 0))
        return error_set(err, ST_CORRUPT, "not one key");
    enum status st = note_signer_parse(line, &ret->signer, err);
    if (st == ST_OK && is_epoch)
        st = check_kept(bytes, ret, err);
    buf_clear(note);
    if (st == ST_OK)
        st = buf_append(note, bytes.data, bytes.size, err);
    if (st == ST_INVALID || st == ST_NOT_FOUND)
        st = ST_CORRUPT;
    return st;
}

/* ST_NOT_FOUND: no such file.  ST_CORRUPT: not a key of ours.  `note` gets the certificate. */
static enum status read_key_file(const struct key_ring *ring, const char *name, bool is_epoch,
                                 struct kept_key *ret, struct buf *note, struct error *err)
{
    uint8_t bytes[KEY_FILE_MAX];
    size_t size;

    int fd = ring->io->open_at(ring->key_dir_fd, name,
                               O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", name);
    enum status st = disk_read(ring->io, fd, bytes, sizeof(bytes), 0, &size, err);
    (void)close(fd); /* only read from */
    if (st == ST_OK)
        st = parse_key_file(slice_of(bytes, size), is_epoch, ret, note, err);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return st == ST_OK ? ST_OK : (error_context(err, "'%s'", name), st);
}

/* --- Evolving ----------------------------------------------------------------------------------
 */

/* Makes the key of epoch `number`, with its certificate in ring->note, signed by `before`, if there
 * is one, and by itself. */
static enum status make_epoch(struct key_ring *ring, uint64_t number,
                              const struct note_signer *before, uint64_t tree_size, uint64_t unix_s,
                              struct kept_key *ret, struct error *err)
{
    char name[NOTE_NAME_SIZE];
    struct buf text;
    const struct note_signer *const signers[] = {&ret->signer, before};

    enum status st = epoch_key_name(ring->origin, number, name, err);
    if (st == ST_OK)
        st = note_signer_make(slice_of_text(name), &ret->signer, err);
    if (st != ST_OK)
        return st;
    ret->certificate = (struct epoch_certificate){
        .number = number, .vkey = ret->signer.vkey, .first_size = tree_size, .unix_s = unix_s};
    memcpy(ret->certificate.origin, ring->origin, sizeof(ring->origin));
    buf_init(&text, NOTE_SIZE_MAX);
    buf_clear(&ring->note);
    st = epoch_certificate_put(&ret->certificate, &text, err);
    if (st == ST_OK)
        st = note_sign(buf_slice(&text), signers, before != NULL ? 2 : 1, &ring->note, err);
    buf_fini(&text);
    return st;
}

/* Step 2, perhaps again. */
static enum status append_certificate(struct key_ring *ring, struct error *err)
{
    enum status st = line_file_append(&ring->keys, buf_slice(&ring->line), err);
    ring->is_pending = st != ST_OK;
    return st == ST_OK ? ST_OK : error_context(err, "append to '%s'", STORE_KEYS_NAME);
}

/* Steps 3 and 4. */
static enum status replace_old(struct key_ring *ring, struct error *err)
{
    struct stat info;

    enum status st = ST_OK;
    if (ring->io->stat_at(ring->key_dir_fd, EPOCH_NEXT_NAME, &info) < 0) {
        if (errno != ENOENT)
            return error_set_errno(err, ST_IO, "stat '%s'", EPOCH_NEXT_NAME);
        /* It has its name already, perhaps not durably. */
    } else {
        st = overwrite(ring, EPOCH_KEY_NAME, err);
        if (st == ST_NOT_FOUND)
            st = ST_OK; /* the first key has none before it */
        if (st == ST_OK && ring->io->rename_at(ring->key_dir_fd, EPOCH_NEXT_NAME, ring->key_dir_fd,
                                               EPOCH_KEY_NAME) < 0)
            st = error_set_errno(err, ST_IO, "rename '%s'", EPOCH_NEXT_NAME);
    }
    if (st == ST_OK)
        st = disk_sync_dir(ring->io, ring->key_dir_fd, err);
    if (st == ST_OK)
        ring->has_old = false;
    return st;
}

static void adopt(struct key_ring *ring, struct kept_key *key)
{
    ring->epoch = key->signer;
    ring->certificate = key->certificate;
    if (key->certificate.number > ring->last_epoch)
        ring->last_epoch = key->certificate.number;
}

/* All steps.  `before` as for make_epoch(). */
static enum status evolve(struct key_ring *ring, uint64_t number, const struct note_signer *before,
                          uint64_t tree_size, uint64_t unix_s, struct error *err)
{
    struct kept_key key;

    enum status st = make_epoch(ring, number, before, tree_size, unix_s, &key, err);
    if (st == ST_OK)
        st = put_key_file(ring, EPOCH_NEXT_NAME, &key.signer, buf_slice(&ring->note), err);
    buf_clear(&ring->line);
    if (st == ST_OK)
        st = key_line_put_epoch(buf_slice(&ring->note), &ring->line, err);
    if (st == ST_OK) {
        adopt(ring, &key);
        ring->has_old = true;
        st = append_certificate(ring, err);
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return st == ST_OK ? replace_old(ring, err) : st;
}

/* --- Opening -----------------------------------------------------------------------------------
 */

struct survey {
    struct key_ring *ring;
    struct note_vkey log_key; /* the last that is named */
    bool has_log_key;
    const struct kept_key *wanted; /* NULL, or: is its certificate there? */
    bool has_wanted;
};

/* Lines that are damaged are for the verifier to complain about. */
static enum status survey_line(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct survey *survey = context;
    struct key_line read;

    (void)number;
    if (key_line_read(line, &survey->ring->note, &read, err) != ST_OK)
        return ST_OK;
    if (!read.is_epoch) {
        survey->log_key = read.log_key;
        survey->has_log_key = true;
        return ST_OK;
    }
    if (read.epoch.number > survey->ring->last_epoch)
        survey->ring->last_epoch = read.epoch.number;
    if (survey->wanted != NULL && note_vkey_equal(&read.epoch.vkey, &survey->wanted->signer.vkey))
        survey->has_wanted = true;
    return ST_OK;
}

static enum status look_at_keys(struct key_ring *ring, const struct kept_key *wanted,
                                struct survey *ret, struct error *err)
{
    *ret = (struct survey){.ring = ring, .wanted = wanted};
    return line_file_read(ring->io, ring->store_dir_fd, STORE_KEYS_NAME, survey_line, ret, NULL,
                          err);
}

static enum status open_log_key(struct key_ring *ring, uint64_t unix_s, enum key_ring_found *found,
                                struct error *err)
{
    struct kept_key key;
    struct survey survey;

    enum status st = read_key_file(ring, LOG_KEY_NAME, false, &key, &ring->note, err);
    bool is_made = st == ST_NOT_FOUND || st == ST_CORRUPT;
    if (is_made) {
        if (st == ST_CORRUPT)
            *found = KEY_RING_LOST;
        st = note_signer_make(slice_of_text(ring->origin), &key.signer, err);
        char text[NOTE_SKEY_SIZE];
        if (st == ST_OK) {
            note_signer_format(&key.signer, text);
            size_t size = strlen(text);
            text[size] = '\n';
            st = disk_publish(ring->io, ring->key_dir_fd, LOG_KEY_NAME, text, size + 1, err);
        }
        OPENSSL_cleanse(text, sizeof(text));
    }
    if (st == ST_OK && strcmp(key.signer.vkey.name, ring->origin) != 0)
        st = error_set(err, ST_INVALID, "the log's key is that of '%s', not of '%s'",
                       key.signer.vkey.name, ring->origin);
    if (st == ST_OK)
        st = look_at_keys(ring, NULL, &survey, err);
    if (st == ST_OK) {
        if (is_made && survey.has_log_key)
            *found = KEY_RING_LOST;
        ring->log = key.signer;
        if (!survey.has_log_key || !note_vkey_equal(&survey.log_key, &key.signer.vkey)) {
            buf_clear(&ring->line);
            st = key_line_put_log(&key.signer.vkey, unix_s, &ring->line, err);
            if (st == ST_OK)
                st = line_file_append(&ring->keys, buf_slice(&ring->line), err);
        }
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return st;
}

/* A key of an epoch that may be used: of this log, and not older than what keys.jsonl tells. */
static enum status read_epoch_key(struct key_ring *ring, const char *name, struct kept_key *ret,
                                  bool *ret_usable, bool *ret_named, struct error *err)
{
    struct survey survey;

    *ret_usable = false;
    *ret_named = false;
    buf_clear(&ring->line);
    enum status st = read_key_file(ring, name, true, ret, &ring->line, err);
    if (st == ST_NOT_FOUND || st == ST_CORRUPT)
        return ST_OK;
    if (st == ST_OK && strcmp(ret->certificate.origin, ring->origin) != 0)
        st = error_set(err, ST_INVALID, "the keys are those of '%s', not of '%s'",
                       ret->certificate.origin, ring->origin);
    if (st == ST_OK)
        st = look_at_keys(ring, ret, &survey, err);
    if (st != ST_OK)
        return st;
    *ret_named = survey.has_wanted;
    *ret_usable = ret->certificate.number >= ring->last_epoch;
    return ST_OK;
}

/* Uses the key that was read last, whose certificate's note is in ring->line. */
static enum status use_key(struct key_ring *ring, struct kept_key *key, bool is_named,
                           struct error *err)
{
    adopt(ring, key);
    if (is_named)
        return ST_OK;
    struct buf note = ring->line;
    buf_init(&ring->line, LINE_FILE_LINE_MAX);
    enum status st = key_line_put_epoch(buf_slice(&note), &ring->line, err);
    buf_fini(&note);
    return st == ST_OK ? append_certificate(ring, err) : st;
}

static enum status open_epoch_key(struct key_ring *ring, uint64_t tree_size, uint64_t unix_s,
                                  enum key_ring_found *found, struct error *err)
{
    struct kept_key present, next;
    bool has_present, has_next, is_named, next_is_named;

    enum status st = read_epoch_key(ring, EPOCH_KEY_NAME, &present, &has_present, &is_named, err);
    if (st == ST_OK)
        st = read_epoch_key(ring, EPOCH_NEXT_NAME, &next, &has_next, &next_is_named, err);
    if (st == ST_OK && has_next && (next_is_named || !has_present)) {
        *found = *found == KEY_RING_WHOLE ? KEY_RING_FINISHED : *found;
        st = use_key(ring, &next, next_is_named, err);
        if (st == ST_OK)
            st = replace_old(ring, err);
    } else if (st == ST_OK && has_present) {
        st = destroy_file(ring, EPOCH_NEXT_NAME, err);
        if (st == ST_OK) /* once more, for its note */
            st = read_epoch_key(ring, EPOCH_KEY_NAME, &present, &has_present, &is_named, err);
        if (st == ST_OK && !has_present)
            st = error_set(err, ST_IO, "'%s' changes while it is read", EPOCH_KEY_NAME);
        if (st == ST_OK)
            st = use_key(ring, &present, is_named, err);
    } else if (st == ST_OK) {
        bool is_first = ring->last_epoch == 0 && *found != KEY_RING_LOST;
        *found = is_first ? KEY_RING_NEW : KEY_RING_LOST;
        st = evolve(ring, ring->last_epoch + 1, NULL, tree_size, unix_s, err);
    }
    OPENSSL_cleanse(&present, sizeof(present));
    OPENSSL_cleanse(&next, sizeof(next));
    return st;
}

/* Two directories, two results, and what a new chain begins with: asked for once, at the start. */
// NOLINTNEXTLINE(readability-function-size)
enum status key_ring_open(const struct disk_io *io, int key_dir_fd, int store_dir_fd,
                          const char *origin, uint64_t tree_size, uint64_t unix_s,
                          struct key_ring **ret, enum key_ring_found *ret_found, struct error *err)
{
    enum key_ring_found found = KEY_RING_WHOLE;

    if (!note_name_is_good(slice_of_text(origin)))
        return error_set(err, ST_INVALID, "not an origin: empty, too long, or with spaces or +");
    struct key_ring *ring = calloc(1, sizeof(*ring));
    if (ring == NULL)
        return error_set(err, ST_NO_MEMORY, "the keys of a log");
    ring->io = disk_io_or_system(io);
    ring->key_dir_fd = key_dir_fd;
    ring->store_dir_fd = store_dir_fd;
    memcpy(ring->origin, origin, strlen(origin) + 1); /* a good name fits */
    buf_init(&ring->line, LINE_FILE_LINE_MAX);
    buf_init(&ring->note, NOTE_SIZE_MAX);
    enum status st =
        line_file_open(&ring->keys, ring->io, store_dir_fd, STORE_KEYS_NAME, NULL, err);
    if (st == ST_OK)
        st = open_log_key(ring, unix_s, &found, err);
    if (st == ST_OK)
        st = open_epoch_key(ring, tree_size, unix_s, &found, err);
    if (st != ST_OK) {
        key_ring_close(ring);
        return error_context(err, "keys of '%s'", origin);
    }
    *ret = ring;
    *ret_found = found;
    return ST_OK;
}

void key_ring_close(struct key_ring *ring)
{
    if (ring == NULL)
        return;
    line_file_close(&ring->keys);
    buf_fini(&ring->line);
    buf_fini(&ring->note);
    OPENSSL_cleanse(ring, sizeof(*ring));
    free(ring);
}

/* --- Using -------------------------------------------------------------------------------------
 */

const struct note_vkey *key_ring_log_key(const struct key_ring *ring)
{
    return &ring->log.vkey;
}

const struct epoch_certificate *key_ring_epoch(const struct key_ring *ring)
{
    return &ring->certificate;
}

enum status key_ring_sign(struct key_ring *ring, uint64_t tree_size, const struct hash *root,
                          struct buf *out, struct error *err)
{
    struct checkpoint checkpoint = {.size = tree_size, .root = *root};
    const struct note_signer *const signers[] = {&ring->log, &ring->epoch};
    struct buf text;

    enum status st = ring->is_pending ? append_certificate(ring, err) : ST_OK;
    if (st != ST_OK)
        return st;
    if (tree_size < ring->certificate.first_size)
        return error_set(err, ST_INVALID,
                         "a checkpoint of %" PRIu64 " records in an epoch from %" PRIu64, tree_size,
                         ring->certificate.first_size);
    memcpy(checkpoint.origin, ring->origin, sizeof(checkpoint.origin));
    buf_init(&text, NOTE_SIZE_MAX);
    st = checkpoint_put(&checkpoint, &text, err);
    if (st == ST_OK)
        st = note_sign(buf_slice(&text), signers, COUNT_OF(signers), out, err);
    buf_fini(&text);
    return st;
}

enum status key_ring_evolve(struct key_ring *ring, uint64_t tree_size, uint64_t unix_s,
                            struct error *err)
{
    if (tree_size < ring->certificate.first_size)
        return error_set(err, ST_INVALID,
                         "an epoch from %" PRIu64 " records behind one from %" PRIu64, tree_size,
                         ring->certificate.first_size);
    if (ring->is_pending || ring->has_old)
        return key_ring_wipe(ring, err);
    struct note_signer before = ring->epoch;
    enum status st = evolve(ring, ring->certificate.number + 1, &before, tree_size, unix_s, err);
    note_signer_wipe(&before);
    return st;
}

bool key_ring_has_old_key(const struct key_ring *ring)
{
    return ring->is_pending || ring->has_old;
}

enum status key_ring_wipe(struct key_ring *ring, struct error *err)
{
    enum status st = ring->is_pending ? append_certificate(ring, err) : ST_OK;
    return st == ST_OK && ring->has_old ? replace_old(ring, err) : st;
}
