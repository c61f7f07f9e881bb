/* SPDX-License-Identifier: Apache-2.0 */
/* room_keeper.c -- see room_keeper.h.
 *
 * The journal.  Short of room is a journal with less than a segment left.  Then, if every
 * destination that is behind the oldest segment may drop, they are asked to skip it; when their
 * cursors are durable behind it, it is retired, and a further one if that was not enough.
 * Meanwhile senders wait and are not refused, but not for longer than PATIENCE_NS for one segment:
 * a destination may be in the middle of a request.  They wait, too, for one that holds and is
 * delivering just now: it will be done with the segment soon.
 *
 *     room ── less than a segment left ──► asked ── cursors are behind ──► retired ──► room
 *                                            │ PATIENCE_NS
 *                                            ▼
 *                                         refusing
 *
 * The disk.  Below the reserve and half a margin files may go, until there is a whole margin; what
 * was closed opens at half a margin.  So nothing goes to and fro at the edge. */
#include "telltaled/room_keeper.h"

#include "util/clock.h"

#define PATIENCE_NS  (5 * NS_PER_S)
#define ASK_AGAIN_NS NS_PER_S

/* Closer to its bound than this the journal counts as full. */
enum { FULL_MARGIN_MAX = 1 << 20, FULL_MARGIN_SHARE = 8 };

void room_keeper_init(struct room_keeper *keeper, struct journal *journal,
                      enum config_on_disk_full on_disk_full)
{
    *keeper = (struct room_keeper){.journal = journal, .on_disk_full = on_disk_full};
}

/* --- Looking ---------------------------------------------------------------------------------- */

static uint64_t room_left(const struct journal_room *room)
{
    return room->held < room->size_max ? room->size_max - room->held : 0;
}

static bool is_short(const struct journal_room *room)
{
    return room_left(room) < room->segment_size;
}

static bool is_at_bound(const struct journal_room *room)
{
    uint64_t margin = room->segment_size / FULL_MARGIN_SHARE;

    return room_left(room) < (margin < FULL_MARGIN_MAX ? margin : FULL_MARGIN_MAX);
}

/* What the disk should have beyond the reserve: a segment is preallocated whole. */
static uint64_t disk_margin(const struct journal_room *room)
{
    uint64_t share = room->disk_reserve / 4;

    return share > room->segment_size ? share : room->segment_size;
}

static bool disk_has(const struct journal_room *room, uint64_t beyond_reserve)
{
    return room->disk_reserve == 0 || room->disk_free >= room->disk_reserve + beyond_reserve;
}

/* --- The journal ------------------------------------------------------------------------------ */

/* True: destinations may make room for as long as it takes them. */
static bool keep_journal(struct room_keeper *keeper, struct destinations *destinations,
                         const struct journal_room *room, uint64_t now_ns)
{
    uint64_t end = room->second != 0 ? room->second : journal_committed(keeper->journal);
    bool makes_room = destinations_make_room(destinations, end, now_ns);

    if (!is_short(room)) {
        keeper->short_since_ns = 0;
    } else if (keeper->short_since_ns == 0 || keeper->oldest != room->oldest) {
        keeper->short_since_ns = now_ns;
        keeper->oldest = room->oldest;
    }
    bool may_drop = room->second != 0 && destinations_may_drop(destinations, room->second);
    if (keeper->short_since_ns != 0 && may_drop)
        destinations_drop(destinations, room->second);
    uint64_t since_ns = keeper->short_since_ns != 0 ? keeper->short_since_ns : now_ns;
    journal_promise_room(keeper->journal, makes_room ? since_ns + PATIENCE_NS : 0);
    journal_promise_drops(keeper->journal, may_drop ? since_ns + PATIENCE_NS : 0);
    return makes_room && now_ns < since_ns + PATIENCE_NS;
}

/* --- The disk --------------------------------------------------------------------------------- */

static void keep_disk(struct room_keeper *keeper, struct destinations *destinations,
                      const struct journal_room *room, uint64_t now_ns)
{
    uint64_t margin = disk_margin(room);

    if (keeper->on_disk_full != CONFIG_DISK_DROP_DELIVERED || disk_has(room, margin / 2) ||
        (keeper->asked_ns != 0 && now_ns - keeper->asked_ns < ASK_AGAIN_NS))
        return;
    keeper->asked_ns = now_ns;
    destinations_ask_for_room(destinations, room->disk_reserve + margin - room->disk_free);
}

void room_keeper_look(struct room_keeper *keeper, struct destinations *destinations,
                      uint64_t now_ns)
{
    struct journal_room room;

    if (destinations == NULL)
        return; /* a reload; it does not take long */
    destinations_retire(destinations);
    journal_read_room(keeper->journal, &room);
    bool makes_room = keep_journal(keeper, destinations, &room, now_ns);
    keep_disk(keeper, destinations, &room, now_ns);
    if (keeper->is_full)
        keeper->is_full = is_short(&room) || !disk_has(&room, disk_margin(&room) / 2);
    else
        keeper->is_full = (is_at_bound(&room) && !makes_room) || !disk_has(&room, 0);
}

bool room_keeper_wants_closed(const struct room_keeper *keeper)
{
    return keeper->is_full && keeper->on_disk_full == CONFIG_DISK_STOP_SOCKETS;
}
