/* SPDX-License-Identifier: Apache-2.0 */
/* recent_requests.c -- see recent_requests.h: a table of sets, each of RECENT_WAYS places, by the
 * low bits of the mark. */
#include "receivers/recent_requests.h"

#include <errno.h>
#include <sys/random.h>
#include <xxhash.h>

#include "telltale/base.h"

enum { SETS = RECENT_REQUESTS / RECENT_WAYS };

_Static_assert(RECENT_SECRET_SIZE >= XXH3_SECRET_SIZE_MIN, "the hash wants so long a secret");

enum status recent_requests_init(struct recent_requests *recent, struct error *err)
{
    ssize_t got;

    do {
        got = getrandom(recent->secret, sizeof(recent->secret), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(recent->secret))
        return error_set_errno(err, ST_IO, "ask for random bytes");
    return ST_OK;
}

static XXH128_hash_t hash(const struct recent_requests *recent, struct slice bytes)
{
    return XXH3_128bits_withSecret(bytes.data, bytes.size, recent->secret, sizeof(recent->secret));
}

struct request_mark recent_requests_mark(const struct recent_requests *recent,
                                         const struct slice *parts, size_t count)
{
    XXH128_hash_t hashes[REQUEST_PARTS_MAX];

    ASSERT(count <= REQUEST_PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        hashes[i] = hash(recent, parts[i]);
    const XXH128_hash_t whole = hash(recent, slice_of(hashes, count * sizeof(hashes[0])));
    return (struct request_mark){whole.low64, whole.high64};
}

enum request_fate recent_requests_find(const struct recent_requests *recent,
                                       struct request_mark mark, uint64_t now_ns)
{
    const struct recent_request *set = recent->places[mark.low % SETS];

    for (size_t i = 0; i < RECENT_WAYS; i++) {
        if (request_mark_equal(set[i].mark, mark) && now_ns < set[i].until_ns)
            return set[i].fate;
    }
    return REQUEST_UNKNOWN;
}

void recent_requests_add(struct recent_requests *recent, struct request_mark mark,
                         enum request_fate fate, uint64_t now_ns)
{
    struct recent_request *set = recent->places[mark.low % SETS];
    struct recent_request *place = &set[0];

    ASSERT(fate != REQUEST_UNKNOWN);
    for (size_t i = 0; i < RECENT_WAYS; i++) {
        if (request_mark_equal(set[i].mark, mark)) {
            place = &set[i];
            break;
        }
        if (set[i].until_ns < place->until_ns)
            place = &set[i];
    }
    *place = (struct recent_request){mark, now_ns + RECENT_REQUEST_NS, fate};
}
