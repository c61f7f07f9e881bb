/* SPDX-License-Identifier: Apache-2.0 */
/* safe_text.h -- text from agents, fit for a terminal.
 *
 * Whatever an agent or its model wrote may hold escape sequences that rewrite the screen, set
 * the clipboard or turn the direction of writing.  Nothing of that reaches a terminal: control
 * characters (C0, DEL, C1), bidirectional overrides, zero-width and tag characters, and bytes
 * that are not UTF-8 are shown as escapes in the manner of \x1b and \u{202e}.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum safe_text_newlines {
    NEWLINES_ESCAPED, /* shown as \n: the text stays on one line */
    NEWLINES_KEPT,
};

/* Appends `text`, made safe, at most `columns_max` characters of it (0: all); a cut is shown by
 * an ellipsis. */
MUST_CHECK enum status safe_text_append(struct buf *out, struct slice text, size_t columns_max,
                                        enum safe_text_newlines newlines, struct error *err);

/* How many characters `text` takes, as written by safe_text_append(): one column each is
 * assumed. */
size_t safe_text_columns(struct slice text);
