/* SPDX-License-Identifier: Apache-2.0 */
/* store_indexed.h -- indexes of the closed files of a store, made from these alone. */
#pragma once

/* Makes the index of every compressed file of the store in `dir` that has none.  What cannot be
 * done fails the test. */
void store_indexed_make(const char *dir);
