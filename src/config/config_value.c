/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.c -- see config_value.h.  Messages name the value that was found and what
 * would be right, since the reader has only the file before him. */
#include "config/config_value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "config/config_suggest.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, for writing; those behind the zero factor are only read. */
static const struct unit size_units[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"B", 1},
    {NULL, 0},
    {"TB", UINT64_C(1000000000000)},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"kB", 1000},
    {"KB", 1000},
    {"", 1},
};

static const struct unit duration_units[] = {
    {"d", UINT64_C(86400000000000)},
    {"h", UINT64_C(3600000000000)},
    {"m", UINT64_C(60000000000)},
    {"s", 1000000000},
    {"ms", 1000000},
    {"us", 1000},
    {"ns", 1},
    {NULL, 0},
    {"w", UINT64_C(604800000000000)},
};

enum status config_read_bool(const char *text, bool *ret, struct error *err)
{
    static const char *const hints[][2] = {
        {"yes", "true"}, {"on", "true"},   {"True", "true"},   {"TRUE", "true"},
        {"no", "false"}, {"off", "false"}, {"False", "false"}, {"FALSE", "false"},
    };
    struct config_suggestion suggestion = {.wrong = text};

    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *ret = text[0] == 't';
        return ST_OK;
    }
    config_suggest(&suggestion, "true");
    config_suggest(&suggestion, "false");
    for (size_t i = 0; i < COUNT_OF(hints); i++) {
        if (strcmp(text, hints[i][0]) == 0)
            suggestion.best = hints[i][1];
    }
    if (suggestion.best != NULL) {
        return error_set(err, ST_INVALID, "'%s' is neither true nor false; did you mean '%s'?",
                         text, suggestion.best);
    }
    return error_set(err, ST_INVALID, "'%.64s' is neither true nor false", text);
}

/* Reads leading digits; *ret_rest is what stands behind them.  ST_INVALID without a reason. */
static enum status read_digits(const char *text, uint64_t *ret, const char **ret_rest)
{
    uint64_t value = 0;
    const char *next = text;

    for (; *next >= '0' && *next <= '9'; next++) {
        unsigned digit = (unsigned)(*next - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return ST_LIMIT;
        value = value * 10 + digit;
    }
    if (next == text)
        return ST_INVALID;
    *ret = value;
    *ret_rest = next;
    return ST_OK;
}

enum status config_read_integer(const char *text, uint64_t *ret, struct error *err)
{
    const char *rest = text;
    uint64_t value;

    enum status st = read_digits(text, &value, &rest);
    if (st == ST_LIMIT)
        return error_set(err, ST_INVALID, "'%.64s' is too large", text);
    if (st != ST_OK || *rest != 0)
        return error_set(err, ST_INVALID, "'%.64s' is not a whole number", text);
    *ret = value;
    return ST_OK;
}

/* What a number with a unit is called, in messages. */
struct quantity {
    const struct unit *units;
    size_t unit_count;
    const char *what;
    const char *example;
    const char *known;
};

static enum status read_quantity(const struct quantity *quantity, const char *text, uint64_t *ret,
                                 struct error *err)
{
    const char *rest = text;
    uint64_t value;

    enum status st = read_digits(text, &value, &rest);
    if (st == ST_LIMIT)
        return error_set(err, ST_INVALID, "'%.64s' is too large", text);
    if (st != ST_OK) {
        return error_set(err, ST_INVALID,
                         "'%.64s' is not a %s, which is a whole number and a unit,"
                         " as in '%s'",
                         text, quantity->what, quantity->example);
    }
    while (*rest == ' ')
        rest++;
    for (size_t i = 0; i < quantity->unit_count; i++) {
        const struct unit *unit = &quantity->units[i];
        if (unit->name == NULL || strcmp(rest, unit->name) != 0)
            continue;
        if (value > UINT64_MAX / unit->factor)
            return error_set(err, ST_INVALID, "'%.64s' is too large", text);
        *ret = value * unit->factor;
        return ST_OK;
    }
    if (*rest == 0) {
        return error_set(err, ST_INVALID, "'%.64s' has no unit; a %s is written as in '%s'", text,
                         quantity->what, quantity->example);
    }
    return error_set(err, ST_INVALID, "'%.64s' has the unknown unit '%.16s'; known are %s", text,
                     rest, quantity->known);
}

enum status config_read_size(const char *text, uint64_t *ret, struct error *err)
{
    static const struct quantity size = {
        .units = size_units,
        .unit_count = COUNT_OF(size_units),
        .what = "size",
        .example = "16MiB",
        .known = "B, KiB, MiB, GiB, TiB, kB, MB, GB, TB",
    };

    return read_quantity(&size, text, ret, err);
}

enum status config_read_duration(const char *text, uint64_t *ret, struct error *err)
{
    static const struct quantity duration = {
        .units = duration_units,
        .unit_count = COUNT_OF(duration_units),
        .what = "duration",
        .example = "5s",
        .known = "ns, us, ms, s, m, h, d, w",
    };

    if (strcmp(text, "0") == 0) { /* needs no unit */
        *ret = 0;
        return ST_OK;
    }
    return read_quantity(&duration, text, ret, err);
}

enum status config_read_room(const char *text, struct config_room *ret, struct error *err)
{
    const char *rest = text;
    uint64_t value;

    if (read_digits(text, &value, &rest) == ST_OK && strcmp(rest, "%") == 0) {
        if (value > 100)
            return error_set(err, ST_INVALID, "'%.64s' is more than all there is", text);
        *ret = (struct config_room){.percent = (uint32_t)value};
        return ST_OK;
    }
    enum status st = config_read_size(text, &value, err);
    if (st != ST_OK)
        return st;
    *ret = (struct config_room){.bytes = value};
    return ST_OK;
}

enum status config_read_mode(const char *text, uint32_t *ret, struct error *err)
{
    size_t size = strlen(text);
    uint32_t value = 0;

    if (size < 3 || size > 4 || (size == 4 && text[0] != '0'))
        goto invalid;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '7')
            goto invalid;
        value = value * 8 + (uint32_t)(text[i] - '0');
    }
    *ret = value;
    return ST_OK;
invalid:
    return error_set(err, ST_INVALID, "'%.64s' is not a file mode, as in '0660'", text);
}

static const char *write_quantity(const struct unit *units, uint64_t value, char *out)
{
    const struct unit *unit = units;

    while (value == 0 ? unit->factor != 1 : value % unit->factor != 0)
        unit++;
    snprintf(out, CONFIG_VALUE_TEXT_MAX, "%" PRIu64 "%s", value / unit->factor, unit->name);
    return out;
}

const char *config_write_size(uint64_t bytes, char out[CONFIG_VALUE_TEXT_MAX])
{
    return write_quantity(size_units, bytes, out);
}

const char *config_write_duration(uint64_t nanoseconds, char out[CONFIG_VALUE_TEXT_MAX])
{
    if (nanoseconds == 0)
        return memcpy(out, "0s", sizeof("0s"));
    return write_quantity(duration_units, nanoseconds, out);
}

const char *config_write_room(const struct config_room *room, char out[CONFIG_VALUE_TEXT_MAX])
{
    if (room->percent == 0)
        return config_write_size(room->bytes, out);
    snprintf(out, CONFIG_VALUE_TEXT_MAX, "%" PRIu32 "%%", room->percent);
    return out;
}

const char *config_write_mode(uint32_t mode, char out[CONFIG_VALUE_TEXT_MAX])
{
    snprintf(out, CONFIG_VALUE_TEXT_MAX, "%04" PRIo32, mode);
    return out;
}

enum status config_check_socket_path(const char *path, struct error *err)
{
    const size_t limit = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

    if (path[0] != '/')
        return error_set(err, ST_INVALID, "the path '%.64s' is not absolute", path);
    if (strlen(path) > limit) {
        return error_set(err, ST_INVALID,
                         "the path has %zu bytes; that of a socket can have %zu at most",
                         strlen(path), limit);
    }
    return ST_OK;
}

static bool is_loopback(int family, const void *address)
{
    if (family == AF_INET)
        return ((const uint8_t *)address)[0] == 127;
    return memcmp(address, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

/* Splits "host:port" or "[host]:port". */
static enum status split_host(const char *text, struct config_address *address,
                              const char **ret_port, struct error *err)
{
    bool bracket = text[0] == '[';
    const char *colon = strrchr(text, ':');
    const char *end = bracket ? strchr(text, ']') : colon;

    if (colon == NULL || end == NULL || (bracket && end + 1 != colon) ||
        (!bracket && strchr(text, ':') != colon)) {
        return error_set(err, ST_INVALID,
                         "'%.100s' is not an address; write '127.0.0.1:4318', '[::1]:4318' or "
                         "'unix:/path'",
                         text);
    }
    const char *host = bracket ? text + 1 : text;
    size_t size = (size_t)(end - host);
    if (size == 0 || size >= sizeof(address->host))
        return error_set(err, ST_INVALID, "'%.100s' has no host that could be listened on", text);
    memcpy(address->host, host, size);
    address->host[size] = 0;
    *ret_port = colon + 1;
    return ST_OK;
}

enum status config_read_address(const char *text, struct config_address *ret, struct error *err)
{
    struct config_address address = {0};
    struct in6_addr binary = {0};
    const char *port_text = "";
    uint64_t port = 0;

    if (strncmp(text, "unix:", 5) == 0) {
        address.unix_path = text + 5;
        address.loopback = true;
        *ret = address;
        return config_check_socket_path(address.unix_path, err);
    }
    enum status st = split_host(text, &address, &port_text, err);
    if (st != ST_OK)
        return st;
    if (config_read_integer(port_text, &port, err) != ST_OK || port == 0 || port > UINT16_MAX)
        return error_set(err, ST_INVALID, "'%.16s' is not a port, which is 1 to 65535", port_text);
    if (strcmp(address.host, "localhost") == 0)
        memcpy(address.host, "127.0.0.1", sizeof("127.0.0.1"));
    int family = text[0] == '[' ? AF_INET6 : AF_INET;
    if (inet_pton(family, address.host, &binary) != 1) {
        return error_set(err, ST_INVALID, "'%s' is not a numeric address of this machine",
                         address.host);
    }
    address.loopback = is_loopback(family, &binary);
    address.port = (uint16_t)port;
    *ret = address;
    return ST_OK;
}
