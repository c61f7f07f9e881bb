/* SPDX-License-Identifier: Apache-2.0 */
/* log.c -- see log.h.  A line is built on the stack and written by one write(2), so that lines
 * of several threads do not mix. */
#include "util/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048 };

static _Atomic int minimum_level = LOG_LEVEL_INFO;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&minimum_level, (int)level, memory_order_relaxed);
}

static size_t put_time(char *out, size_t size)
{
    struct timespec now;
    struct tm utc;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    (void)gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(out + used, size - used, ".%03ldZ", now.tv_nsec / 1000000);
    return used + (more > 0 ? (size_t)more : 0);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    if ((int)level < atomic_load_explicit(&minimum_level, memory_order_relaxed))
        return;

    char line[LOG_LINE_MAX];
    size_t used = put_time(line, sizeof(line));
    int more = snprintf(line + used, sizeof(line) - used, " %s %s ", level_names[level], event);
    used += more > 0 ? (size_t)more : 0;

    va_list args;
    va_start(args, fmt);
    more = vsnprintf(line + used, sizeof(line) - used, fmt, args);
    va_end(args);
    used += more > 0 ? (size_t)more : 0;
    if (used > sizeof(line) - 1)
        used = sizeof(line) - 1; /* cut: the event and its first pairs are what matters */
    line[used] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used + 1);
    (void)written; /* there is nowhere left to complain to */
}

const char *log_quote(char *out, size_t out_size, const char *text)
{
    size_t used = 0;

    ASSERT(out_size >= 16);
    out[used++] = '"';
    for (const unsigned char *p = (const unsigned char *)text; *p != 0 && used + 7 < out_size;
         p++) {
        if (*p == '"' || *p == '\\') {
            out[used++] = '\\';
            out[used++] = (char)*p;
        } else if (*p < 0x20 || *p >= 0x7f) {
            used += (size_t)snprintf(out + used, out_size - used, "\\x%02x", *p);
        } else {
            out[used++] = (char)*p;
        }
    }
    out[used++] = '"';
    out[used] = 0;
    return out;
}
