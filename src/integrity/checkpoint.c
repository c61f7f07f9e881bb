/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c -- see include/telltale/checkpoint.h. */
#include "telltale/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>

#include "integrity/note_text.h"
#include "telltale/merkle_range.h"

enum { TEXT_MAX = NOTE_NAME_SIZE + 32 + HASH_BASE64_SIZE };

enum status checkpoint_put(const struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    char text[TEXT_MAX], root[HASH_BASE64_SIZE];

    if (!note_name_is_good(slice_of_text(checkpoint->origin)))
        return error_set(err, ST_INVALID, "not an origin for checkpoints");
    hash_format_base64(&checkpoint->root, root);
    int size = snprintf(text, sizeof(text), "%s\n%" PRIu64 "\n%.*s\n", checkpoint->origin,
                        checkpoint->size, HASH_BASE64_SIZE, root);
    ASSERT(size > 0 && (size_t)size < sizeof(text));
    return buf_append(out, text, (size_t)size, err);
}

enum status checkpoint_parse(struct slice text, struct checkpoint *ret, struct error *err)
{
    struct slice rest = text, origin, size, root, further;

    if (!note_text_is_good(text) || !note_text_take_line(&rest, &origin) || origin.size == 0 ||
        origin.size >= sizeof(ret->origin) || !note_text_take_line(&rest, &size) ||
        !note_text_take_line(&rest, &root))
        return error_set(err, ST_INVALID, "not a checkpoint: origin, size and root");
    if (!note_text_number(size, &ret->size) || ret->size > MERKLE_SIZE_MAX)
        return error_set(err, ST_INVALID, "a checkpoint whose size is no number");
    if (!hash_parse_base64(root, &ret->root))
        return error_set(err, ST_INVALID, "a checkpoint whose root is no hash");
    while (note_text_take_line(&rest, &further)) {
        if (further.size == 0)
            return error_set(err, ST_INVALID, "a checkpoint with an empty line");
    }
    if (rest.size != 0)
        return error_set(err, ST_INVALID, "a checkpoint whose last line has no end");
    memset(ret->origin, 0, sizeof(ret->origin));
    memcpy(ret->origin, origin.data, origin.size);
    return ST_OK;
}
