/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_reply_parts.h -- what the two readers of replies share.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "telltale/slice.h"

/* Seconds and nanoseconds as milliseconds, rounded up; a negative part counts as nothing. */
uint32_t otlp_reply_delay_ms(uint64_t seconds, uint64_t nanos);

bool otlp_reply_names_retry_info(struct slice type_url);
