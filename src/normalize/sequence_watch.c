/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_watch.c -- see sequence_watch.h.
 *
 * Hashes are not keyed: who collides on purpose spoils what is said of his own counters and those
 * of senders whose ids he knows, which he can do as well by sending their ids. */
#include "normalize/sequence_watch.h"

#include <string.h>

#include "telltale/base.h"

static uint64_t hash_bytes(uint64_t hash, struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    return (hash ^ bytes.size) * UINT64_C(0xd6e8feb86659fd93);
}

static struct sequence_session *session_place(struct sequence_watch *watch, uint64_t hash)
{
    return &watch->sessions[(hash >> 8) % SEQUENCE_SESSIONS];
}

/* The stream that the session counts in; NULL: not known, or forgotten. */
static struct sequence_stream *stream_of(struct sequence_watch *watch, uint64_t session_hash)
{
    const struct sequence_session *session = session_place(watch, session_hash);

    if (session->hash != session_hash)
        return NULL;
    struct sequence_stream *stream = &watch->streams[session->number % SEQUENCE_STREAMS];
    return stream->number == session->number ? stream : NULL;
}

static void join(struct sequence_watch *watch, uint64_t session_hash,
                 const struct sequence_stream *stream)
{
    *session_place(watch, session_hash) = (struct sequence_session){session_hash, stream->number};
}

static void open_stream(struct sequence_watch *watch, uint64_t sender, uint64_t session_hash,
                        uint64_t sequence)
{
    uint64_t number = ++watch->next_number;
    struct sequence_stream *stream = &watch->streams[number % SEQUENCE_STREAMS];

    *stream = (struct sequence_stream){sender, sequence, number};
    join(watch, session_hash, stream);
}

/* Another stream of the sender that stopped right before. */
static struct sequence_stream *stopped_before(struct sequence_watch *watch, uint64_t sender,
                                              uint64_t sequence)
{
    for (size_t i = 0; i < SEQUENCE_STREAMS; i++) {
        struct sequence_stream *stream = &watch->streams[i];
        if (stream->last != 0 && stream->sender == sender && stream->last + 1 == sequence)
            return stream;
    }
    return NULL;
}

static bool tell(struct sequence_note *ret, enum sequence_finding finding, struct slice session,
                 uint64_t first, uint64_t last)
{
    *ret = (struct sequence_note){.finding = finding, .first = first, .last = last};
    ret->session_size = session.size;
    memcpy(ret->session, session.data, session.size);
    return true;
}

bool sequence_watch_note(struct sequence_watch *watch, struct slice sender, struct slice session,
                         bool shared, uint64_t sequence, struct sequence_note *ret)
{
    if (session.size == 0 || session.size > SEQUENCE_SESSION_SIZE || sequence == 0)
        return false;
    uint64_t sender_hash = hash_bytes(shared ? 1 : 2, sender);
    uint64_t session_hash = hash_bytes(sender_hash, session) | 1;
    struct sequence_stream *stream = stream_of(watch, session_hash);

    if (stream != NULL && sequence == stream->last + 1) {
        stream->last = sequence;
        return false;
    }
    if (stream != NULL && sequence <= stream->last && sequence != 1)
        return false; /* it came before */
    struct sequence_stream *other =
        shared && sequence > 1 ? stopped_before(watch, sender_hash, sequence) : NULL;
    if (other != NULL) {
        other->last = sequence;
        join(watch, session_hash, other);
        return false;
    }
    if (stream == NULL || sequence == 1) {
        bool began_anew = stream != NULL && stream->last > 1;
        bool is_repeat = stream != NULL && !began_anew;
        if (!is_repeat)
            open_stream(watch, sender_hash, session_hash, sequence);
        return began_anew && tell(ret, SEQUENCE_RESTART, session, 0, 0);
    }
    uint64_t first = stream->last + 1;
    stream->last = sequence;
    return tell(ret, SEQUENCE_GAP, session, first, sequence - 1);
}
