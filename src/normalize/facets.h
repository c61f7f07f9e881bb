/* SPDX-License-Identifier: Apache-2.0 */
/* facets.h -- the command, the files and the paths within the arguments of a tool call.
 *
 * Arguments are JSON, or a patch; written by a model, so they may be neither.  What cannot be
 * read yields nothing.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/slice.h"

/* --- JSON ------------------------------------------------------------------------------- */

/* The members of an object, one after the other, as far as it makes sense. */
struct json_members {
    struct slice json;
    size_t at; /* of the next name; 0: nothing was read yet */
};

/* Gives the next member: name and value as they stand there, quotes and all.  false: that was the
 * last, or the rest cannot be read. */
bool json_next_member(struct json_members *members, struct slice *ret_name,
                      struct slice *ret_value);

/* Whether a name as it stands there, quotes and all, means `name`. */
bool json_name_equal(struct slice json, struct slice name);

/* Finds the members `names` of the object `json`; ret_values[i] is the value's text as it stands
 * there, quotes and all, empty when it is absent or the object breaks off before it.  Of two
 * members of a name the last counts, as in most readers.  At most 8 names. */
void json_find_members(struct slice json, const struct slice *names, size_t count,
                       struct slice *ret_values);

/* Appends what a JSON string (with its quotes) means and gives it as a slice of `out`, which
 * must have the room reserved; false: it is no string, or too long for the room. */
bool json_decode_text(struct slice json, struct buf *out, struct slice *ret);

/* The same for an array of strings.  false: it is none, or has more than `max` elements. */
bool json_decode_texts(struct slice json, struct buf *out, struct slice *ret, size_t max,
                       size_t *ret_count);

/* --- Commands --------------------------------------------------------------------------- */

/* Appends the words as one line that a shell would read back as the same words; false: no
 * room. */
bool shell_join(const struct slice *words, size_t count, struct buf *out, struct slice *ret);

/* --- Patches ---------------------------------------------------------------------------- */

enum { PATCH_FILES_MAX = 32 };

enum patch_operation { PATCH_ADD, PATCH_UPDATE, PATCH_DELETE };

struct patch {
    struct slice paths[PATCH_FILES_MAX]; /* in order; where files move, the new path */
    size_t path_count;
    bool has_more;                      /* than are in `paths` */
    enum patch_operation first;         /* what is done to paths[0] */
    struct slice first_previous;        /* path before, if paths[0] moves; else empty */
    int64_t lines_added, lines_removed; /* in all files */
};

/* Reads the header lines ("*** Update File: PATH") of a patch.  false: there are none. */
bool patch_read(struct slice text, struct patch *ret);
