/* SPDX-License-Identifier: Apache-2.0 */
/* key_text.h -- verifier keys as the command line gives them: the text of one, or a file that has
 * some, one a line.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stddef.h>

#include "telltale/error.h"

enum { KEY_FILE_SIZE_MAX = 64 << 10 };

struct key_texts {
    char **items; /* owned, and so are the texts */
    size_t count, limit;
};

void key_texts_init(struct key_texts *keys, size_t limit);
void key_texts_fini(struct key_texts *keys); /* accepts zeroed ones */

/* `text` is a verifier key, or the path of a file.  Empty lines and those with a '#' in front are
 * passed over.  ST_INVALID: there is no key in it; ST_NOT_FOUND: neither a key nor a file. */
MUST_CHECK enum status key_texts_add(struct key_texts *keys, const char *text, struct error *err);
