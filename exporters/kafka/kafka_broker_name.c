/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_broker_name.c -- see kafka_broker_name.h.
 *
 * librdkafka leaves names that it cannot read out of its list and only logs it; and it takes a
 * security protocol in front of them, which is ours to choose.  So they are read here first.
 */
#include "kafka_broker_name.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 255, PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

static const char host_bytes[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

static bool is_port(const char *text)
{
    size_t size = strlen(text);

    if (size == 0 || size > PORT_DIGITS_MAX || strspn(text, "0123456789") != size)
        return false;
    long port = strtol(text, NULL, 10);
    return port > 0 && port <= PORT_MAX;
}

static bool is_loopback_v6(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET6, host, &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
}

static bool is_loopback_v4(const char *host)
{
    struct in_addr address;

    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

enum status kafka_broker_name_check(const char *text, bool *ret_local, struct error *err)
{
    char host[HOST_MAX + 1];
    bool in_brackets = text[0] == '[';
    const char *begin = text + in_brackets;
    size_t size = in_brackets ? strcspn(begin, "]") : strspn(begin, host_bytes);
    const char *rest = begin + size;

    if (size == 0 || size > HOST_MAX || (in_brackets && *rest != ']'))
        return error_set(err, ST_INVALID, "brokers: '%s' is not host:port", text);
    memcpy(host, begin, size);
    host[size] = 0;
    if (in_brackets) {
        struct in6_addr address;
        if (inet_pton(AF_INET6, host, &address) != 1)
            return error_set(err, ST_INVALID, "brokers: '%s' is no IPv6 address", host);
        rest++;
    }
    if (*rest != 0 && (*rest != ':' || !is_port(rest + 1)))
        return error_set(err, ST_INVALID, "brokers: '%s': no port between 1 and 65535 behind it",
                         text);
    *ret_local = in_brackets ? is_loopback_v6(host)
                             : is_loopback_v4(host) || strcasecmp(host, "localhost") == 0;
    return ST_OK;
}
