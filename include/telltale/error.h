/* SPDX-License-Identifier: Apache-2.0 */
/* error.h -- how a failure travels.
 *
 * A function that can fail returns `enum status`; code decides on that and on nothing
 * else.  The reason, for people, is written into the caller's `struct error`.
 *
 * Threads: a struct error belongs to the caller; nothing is shared.
 */
#pragma once

#include "telltale/base.h"

enum status {
    ST_OK = 0,
    ST_AGAIN, /* a queue is full or a call would block: retry later */
    ST_NOT_FOUND,
    ST_INVALID, /* input from outside breaks a rule */
    ST_LIMIT,   /* input is well formed but over a configured limit */
    ST_CORRUPT, /* stored bytes fail their check */
    ST_IO,      /* the kernel or the peer refused */
    ST_NO_MEMORY,
    ST_STOPPING, /* the daemon is shutting down */
};

struct error {
    enum status status;
    int os_errno;   /* 0 when no system call was involved */
    char text[256]; /* "outer: inner: cause"; always NUL-terminated */
};

/* Record a failure and return `status`, so that callers can write
 * `return error_set(err, ST_LIMIT, "...")`.  A macro, so that the compiler too sees that what is
 * returned is no success. */
#define error_set(err, status, ...) (error_record((err), (status), __VA_ARGS__), (status))

/* The same, with the current errno kept and its text appended. */
#define error_set_errno(err, status, ...)                                                          \
    (error_record_errno((err), (status), __VA_ARGS__), (status))

void error_record(struct error *err, enum status status, const char *fmt, ...) PRINTF_LIKE(3, 4);
void error_record_errno(struct error *err, enum status status, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Put "<what we were doing>: " in front of a recorded failure and return its status.
 * When there is no room the context is dropped, never the cause. */
enum status error_context(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
