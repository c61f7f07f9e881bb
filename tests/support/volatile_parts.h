/* SPDX-License-Identifier: Apache-2.0 */
/* volatile_parts.h -- the two halves of a volatile_disk, for volatile_disk.c alone: data that is
 * not synced (volatile_data.c), and names that are not (volatile_names.c).
 *
 * Both remember how to take back what was done to the real directory, and do so when the power is
 * cut.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/volatile_disk.h"

/* --- Chance -------------------------------------------------------------------------------- */

struct chance {
    uint64_t state;
};

/* splitmix64: any seed is good, and the same one gives the same cut. */
static inline uint64_t draw(struct chance *chance, uint64_t below)
{
    uint64_t x = chance->state += UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (x ^ (x >> 31)) % below;
}

enum { CHANCE_FULL = 8 };

/* One power cut.  How much it loses is its own: now all, now nothing, mostly a part. */
struct cut {
    struct chance *chance;
    uint64_t lost_of_full; /* of CHANCE_FULL, how many are lost */
    struct volatile_disk_losses *losses;
};

static inline bool is_lost(const struct cut *cut)
{
    return draw(cut->chance, CHANCE_FULL) < cut->lost_of_full;
}

/* --- Data ---------------------------------------------------------------------------------- */

struct unsynced_file;

struct volatile_data {
    size_t sector_size;
    struct chance *chance; /* borrowed */
    struct unsynced_file *files;
};

/* The bytes of file `fd` from `start` to `end` are about to be changed, and its size to become
 * `new_size`.  0 or a negative errno. */
int volatile_data_note(struct volatile_data *data, int fd, off_t start, off_t end, off_t new_size);

/* What was written to the file is durable, or no cut can bring it back. */
void volatile_data_forget(struct volatile_data *data, ino_t inode);
void volatile_data_forget_all(struct volatile_data *data);

void volatile_data_cut(struct volatile_data *data, const struct cut *cut);

/* --- Names --------------------------------------------------------------------------------- */

struct step;

struct volatile_names {
    struct step *steps; /* the last one first */
    int removed_fd;     /* where removed files are kept, borrowed */
    uint64_t removed_count;
    struct volatile_data *data; /* borrowed: told of files that are gone for good */
};

/* These do the change and write it into the log.  A negative errno means that nothing changed. */
int volatile_names_create(struct volatile_names *names, int dir_fd, const char *name, mode_t mode);
int volatile_names_make_dir(struct volatile_names *names, int dir_fd, const char *name,
                            mode_t mode);
int volatile_names_link(struct volatile_names *names, int fd, int dir_fd, const char *name);
int volatile_names_remove(struct volatile_names *names, int dir_fd, const char *name);
int volatile_names_rename(struct volatile_names *names, int from_fd, const char *from, int to_fd,
                          const char *to, unsigned flags);

void volatile_names_keep_dir(struct volatile_names *names, ino_t dir);
void volatile_names_keep_all(struct volatile_names *names);
void volatile_names_forget_all(struct volatile_names *names);

void volatile_names_cut(struct volatile_names *names, const struct cut *cut);

/* Removes `name` with everything in it, if it is there. */
void volatile_remove_tree(int dir_fd, const char *name);
