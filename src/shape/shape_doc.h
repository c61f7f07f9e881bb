/* SPDX-License-Identifier: Apache-2.0 */
/* shape_doc.h -- docs/SHAPES.md, written from the tables that the shapes are written by.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

/* Appends the whole text. */
MUST_CHECK enum status shape_write_markdown(struct buf *out, struct error *err);
