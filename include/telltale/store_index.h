/* SPDX-License-Identifier: Apache-2.0 */
/* store_index.h -- the index of a closed file of the store: which frames of it may hold what is
 * asked for.  Implemented in src/index/; docs/STORE_FORMAT.md has the format.
 *
 * It says yes too often and never no wrongly: whoever asks looks at the records again.  Without it
 * the file is read whole.  A damaged index, or one of another file or version, is no index.
 *
 * Frames are numbered from 0.  A set of them (frame_set.h) is what a question narrows: the answers
 * to alternatives are added into one set, and sets of conditions that all hold are intersected.
 *
 * Threads: an open index is only read; any number of threads may ask it.
 */
#pragma once

#include "telltale/error.h"
#include "telltale/frame_set.h"
#include "telltale/slice.h"
#include "telltale/store_file.h"

#define STORE_INDEX_SUFFIX ".idx"

struct store_index;

struct store_index_frame {
    uint64_t offset;          /* in the compressed file */
    uint64_t compressed_size; /* bytes there */
    uint64_t size;            /* and decompressed */
    uint64_t first_line;      /* number of its first line, from 1 */
    uint64_t line_count;
    uint64_t first_unix_ns;         /* earliest and latest of what its records say happened; */
    uint64_t last_unix_ns;          /* first > last: none of them says */
    uint64_t first_arrival_unix_ms; /* and of their arrival, as log.record.uid tells */
    uint64_t last_arrival_unix_ms;
};

/* What is known of a session, or of one conversation of a session, in this file.  One without
 * records is an id that others name, as that of the parent. borrowed from the index, as they are
 * (no JSON escapes); empty: no record says. */
struct store_index_session {
    struct slice id;
    struct slice session_id; /* of a conversation: that of its session, when it differs from `id` */
    bool is_conversation;    /* `id` is one of gen_ai.conversation.id, of which no session.id is */
    struct slice product;
    struct slice host;
    struct slice user; /* the first of user.email, .name, .id and process.user.name that it has */
    uint64_t first_unix_ns;
    uint64_t last_unix_ns;
    uint64_t record_count;
    uint64_t denied_count; /* records whose agent.outcome is that */
    uint64_t failure_count;
};

enum store_index_fact {
    INDEX_FACT_KIND,    /* agent.event.kind */
    INDEX_FACT_OUTCOME, /* agent.outcome */
    INDEX_FACT_PRODUCT, /* agent.product */
    INDEX_FACT_USER,    /* as in a session */
    INDEX_FACT_HOST,    /* host.name */
    INDEX_FACT_COUNT
};

/* How many records say `text` of `fact`. */
struct store_index_tally {
    enum store_index_fact fact;
    struct slice text; /* borrowed */
    uint64_t count;
};

/* The name of the index of a closed file, NUL-terminated. */
void store_index_name(const struct store_file_name *file, char out[STORE_FILE_NAME_SIZE]);

/* Opens the index of the compressed file `file` in directory `dir_fd`; `data_fd` is that file, open
 * for reading.  Both are borrowed during the call.  ST_NOT_FOUND: there is none.  ST_CORRUPT: it is
 * damaged, or of another file or version.  On ST_OK the caller owns *ret. */
MUST_CHECK enum status store_index_open(int dir_fd, const struct store_file_name *file, int data_fd,
                                        struct store_index **ret, struct error *err);
void store_index_close(struct store_index *index); /* accepts NULL */

/* The same of bytes in memory, which are borrowed until it is closed; whose file it is, is not
 * checked. */
MUST_CHECK enum status store_index_read(struct slice bytes, struct store_index **ret,
                                        struct error *err);

/* Whether every part of it is undamaged, for which all of it is read. */
bool store_index_is_whole(const struct store_index *index);

size_t store_index_frame_count(const struct store_index *index);
void store_index_frame(const struct store_index *index, size_t number,
                       struct store_index_frame *ret);

/* --- Which frames may hold it; each adds them to `set`, which has a place for each frame --- */

/* Whether the values of this attribute are known exactly: the ids of sessions, conversations,
 * turns, calls, agents, users, hosts and the like, and kind, outcome, product, tool and decision.
 */
bool store_index_has_key(struct slice key);

/* A value of such an attribute, wherever it stands in the record (also behind agent.norm., in the
 * resource, in a list), or a trace id in its 32 digits.  Exactly as the record has it; a whole
 * number as its digits. For a part of a session's id, look for the whole ones among the sessions
 * first. */
void store_index_find_id(const struct store_index *index, struct slice value,
                         struct frame_set *set);

/* A text that stands within one text, key or name of a record; ASCII case is ignored.
 * `starts_word`, `ends_word`: the text begins and ends where a word does, so that its outermost
 * words are whole.  Where nothing can be said, because the text has no whole word, all frames are
 * added, and false is given back. */
bool store_index_find_text(const struct store_index *index, struct slice text, bool starts_word,
                           bool ends_word, struct frame_set *set);

/* Something that happened from `since` up to, not including, `until`, in Unix nanoseconds; 0: no
 * bound. */
void store_index_find_times(const struct store_index *index, uint64_t since_unix_ns,
                            uint64_t until_unix_ns, struct frame_set *set);

/* The record whose log.record.uid that is, by its time of arrival.  False: `uid` is no UUIDv7; all
 * frames are added. */
bool store_index_find_uid(const struct store_index *index, struct slice uid, struct frame_set *set);

/* --- What is in the file ------------------------------------------------------------------- */

/* False: there are more than the index has room for. */
bool store_index_has_all_sessions(const struct store_index *index);
size_t store_index_session_count(const struct store_index *index);
void store_index_session(const struct store_index *index, size_t number,
                         struct store_index_session *ret);

bool store_index_has_all_tallies(const struct store_index *index);
size_t store_index_tally_count(const struct store_index *index);
void store_index_tally(const struct store_index *index, size_t number,
                       struct store_index_tally *ret);
