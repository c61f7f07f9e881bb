/* SPDX-License-Identifier: Apache-2.0 */
/* hook_line.h -- a line of the Unix protocol that carries what an agent gave to a hook
 * (docs/PROTOCOL.md, "Hooks"): what stands around the hook's bytes, and these.
 *
 * Either the hook's JSON is the member `hook`, or its bytes are the member `hook_base64`; or the
 * line is the hook's JSON itself, with `dialect` beside its own members.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum { HOOK_WORD_MAX = 128, HOOK_WORD_ROOM = 128 + 16 };

struct hook_line {
    struct slice dialect, id, event; /* decoded, in `room`; empty: not said */
    uint64_t time_unix_nano;         /* 0: not said */
    struct slice hook;               /* what the agent wrote: in the line, or in `decoded` */
    bool is_wrapped;                 /* it is a member of the line, not all of it */
    bool is_cut;                     /* its end is missing */
    bool is_json;                    /* an object, and in order */
    bool is_text;                    /* UTF-8 */
    uint8_t room[3][HOOK_WORD_ROOM];
};

/* Reads `line`.  `decoded` gets the bytes of base64; the hook points into it or into the line.
 * ST_NOT_FOUND: it is no hook's (no dialect but native, no hook within, no name of a hook's event);
 * ST_INVALID: it is not JSON, or one of the members around the hook is not as it must be; ST_LIMIT.
 */
MUST_CHECK enum status hook_line_read(struct slice line, struct buf *decoded, struct hook_line *ret,
                                      struct error *err);

/* Appends the LogRecord: log.record.original, as bytes when they are no text. */
MUST_CHECK enum status hook_line_append_record(const struct hook_line *hook, struct buf *out,
                                               struct error *err);
