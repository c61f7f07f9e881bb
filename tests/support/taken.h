/* SPDX-License-Identifier: Apache-2.0 */
/* taken.h -- the records that an intake took into an append_batch. */
#pragma once

#include "journal/append_batch.h"
#include "store/store_record.h"

/* The record and its group; good until the batch is changed. */
struct slice taken_bytes(const struct append_batch *batch, size_t index);
struct record_group taken_group(const struct append_batch *batch, size_t index);

/* Asserts that record `index` begins with the bytes `sent` and goes on, that it can be read, and
 * that a line of a store says the same of it when it is read back. */
void taken_check(const struct append_batch *batch, size_t index, struct slice sent,
                 struct store_record *reader);
