/* SPDX-License-Identifier: Apache-2.0 */
/* log.h -- what the daemon says about itself: an event name and key-value pairs, one line on
 * stderr:
 *
 *     2026-11-20T22:23:31.123Z warn export.retry exporter=otlp_grpc/soc attempt=3 error="..."
 *
 * Only edges log (the daemon, workers, connection handlers), once per failure; libraries
 * return errors.  Payloads and secrets never.  Values are escaped, so that a line stays one
 * line.  Any thread.
 */
#pragma once

#include <stddef.h>

#include "telltale/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Lines below `level` are not written.  At start-up, before threads. */
void log_set_level(enum log_level level);

/* `fmt` gives the pairs: log_event(LOG_LEVEL_WARN, "export.retry", "exporter=%s attempt=%u", ...).
 * Text that comes from outside goes through LOG_TEXT. */
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Quotes and escapes `text` into `out` for use as a value; returns `out`. */
const char *log_quote(char *out, size_t out_size, const char *text);

#define LOG_TEXT(text)             log_quote((char[512]){0}, 512, (text))
#define log_debug(event, fmt, ...) log_event(LOG_LEVEL_DEBUG, event, fmt, ##__VA_ARGS__)
#define log_info(event, fmt, ...)  log_event(LOG_LEVEL_INFO, event, fmt, ##__VA_ARGS__)
#define log_warn(event, fmt, ...)  log_event(LOG_LEVEL_WARN, event, fmt, ##__VA_ARGS__)
#define log_error(event, fmt, ...) log_event(LOG_LEVEL_ERROR, event, fmt, ##__VA_ARGS__)
