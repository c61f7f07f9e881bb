/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.h -- single values: from text and back.
 *
 * Numbers carry their unit.  Reading refuses what would have to be guessed: a size without a
 * unit is bytes, a duration without one is an error, `yes` is no bool.  What is written reads
 * back as the same value.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/config_field.h"
#include "telltale/error.h"

enum { CONFIG_VALUE_TEXT_MAX = 32 }; /* what the writers need */

/* All return ST_INVALID with the reason; *ret is set on ST_OK only. */
MUST_CHECK enum status config_read_bool(const char *text, bool *ret, struct error *err);
MUST_CHECK enum status config_read_integer(const char *text, uint64_t *ret, struct error *err);
MUST_CHECK enum status config_read_size(const char *text, uint64_t *ret, struct error *err);
MUST_CHECK enum status config_read_duration(const char *text, uint64_t *ret, struct error *err);
MUST_CHECK enum status config_read_room(const char *text, struct config_room *ret,
                                        struct error *err);
MUST_CHECK enum status config_read_mode(const char *text, uint32_t *ret, struct error *err);

/* In the largest unit that needs no fraction; return `out`. */
const char *config_write_size(uint64_t bytes, char out[CONFIG_VALUE_TEXT_MAX]);
const char *config_write_duration(uint64_t nanoseconds, char out[CONFIG_VALUE_TEXT_MAX]);
const char *config_write_room(const struct config_room *room, char out[CONFIG_VALUE_TEXT_MAX]);
const char *config_write_mode(uint32_t mode, char out[CONFIG_VALUE_TEXT_MAX]);

/* An address to listen on: "127.0.0.1:4318", "[::1]:4318", "localhost:4318" or
 * "unix:/absolute/path". */
struct config_address {
    const char *unix_path; /* into the text; NULL: TCP */
    char host[64];         /* numeric, without brackets */
    uint16_t port;
    bool loopback; /* nobody beyond this machine reaches it */
};

MUST_CHECK enum status config_read_address(const char *text, struct config_address *ret,
                                           struct error *err);

/* Whether a socket can be bound to `path`: absolute, and short enough for the kernel. */
MUST_CHECK enum status config_check_socket_path(const char *path, struct error *err);
