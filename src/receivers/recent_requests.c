/* SPDX-License-Identifier: Apache-2.0 */
/* recent_requests.c -- see recent_requests.h: a ring that is searched from one end to the other,
 * some 40 KiB, once a request. */
#include "receivers/recent_requests.h"

#include <sys/random.h>
#include <xxhash.h>

_Static_assert(RECENT_SECRET_SIZE >= XXH3_SECRET_SIZE_MIN, "the hash wants so long a secret");

enum status recent_requests_init(struct recent_requests *recent, struct error *err)
{
    *recent = (struct recent_requests){0};
    if (getrandom(recent->secret, sizeof(recent->secret), 0) != (ssize_t)sizeof(recent->secret))
        return error_set_errno(err, ST_IO, "ask for random bytes");
    return ST_OK;
}

static XXH128_hash_t hash(const struct recent_requests *recent, struct slice bytes)
{
    return XXH3_128bits_withSecret(bytes.data, bytes.size, recent->secret, sizeof(recent->secret));
}

struct request_mark recent_requests_mark(const struct recent_requests *recent, struct slice body,
                                         struct slice sender)
{
    const XXH128_hash_t parts[2] = {hash(recent, body), hash(recent, sender)};
    const XXH128_hash_t whole = hash(recent, slice_of(parts, sizeof(parts)));

    return (struct request_mark){whole.low64, whole.high64};
}

bool recent_requests_find(const struct recent_requests *recent, struct request_mark mark,
                          uint64_t now_ns, uint64_t *ret_records)
{
    for (size_t i = 0; i < RECENT_REQUESTS; i++) {
        const struct recent_request *item = &recent->items[i];
        if (item->mark.low != mark.low || item->mark.high != mark.high || now_ns >= item->until_ns)
            continue;
        *ret_records = item->records;
        return true;
    }
    return false;
}

void recent_requests_add(struct recent_requests *recent, struct request_mark mark, uint64_t records,
                         uint64_t now_ns)
{
    recent->items[recent->next] =
        (struct recent_request){mark, now_ns + RECENT_REQUEST_NS, records};
    recent->next = (recent->next + 1) % RECENT_REQUESTS;
}
