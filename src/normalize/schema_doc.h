/* SPDX-License-Identifier: Apache-2.0 */
/* schema_doc.h -- docs/SCHEMA.md, written from the tables that the normalizer works by.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

/* Appends the whole text. */
MUST_CHECK enum status schema_write_markdown(struct buf *out, struct error *err);
