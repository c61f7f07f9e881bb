/* SPDX-License-Identifier: Apache-2.0 */
/* retention.h -- what of a store goes, and when: the options, and the decision as a pure function.
 * Implemented in src/retain/.
 *
 * Who wins, from the top:
 *
 *     a hold           what it covers stays
 *     min_age          nothing younger goes, for whatever reason
 *     max_size, max_files, min_free, a full disk    whole files go, oldest first
 *     a rule           the first one, in the order of the file, that a record matches: it goes when
 *                      it is `keep` old, sooner or later than the others
 *     max_age          all others go when the last line of their file is that old
 *
 * A record's age is counted from when the daemon took it, which no agent can change.
 *
 * A file that has nothing to keep any more goes whole.  One in which some records have been due for
 * `slack` is written again without all that are due, so that a file is not written anew for each of
 * its records.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/base.h"
#include "telltale/buf.h"
#include "telltale/config_field.h"
#include "telltale/error.h"

enum {
    RETENTION_RULES_MAX = 32,
    RETENTION_CLASSES_MAX = RETENTION_RULES_MAX + 1,
};

#define RETENTION_NEVER UINT64_MAX

/* An empty part asks for nothing. */
struct retention_rule {
    const char *name;
    struct config_text_list kinds, exclude_kinds, outcomes, agents, sessions, users;
    int min_severity; /* 0: any; else the least agent.severity is 4 * (min_severity - 1) + 1 */
    uint64_t keep_ns;
};

struct retention_config {
    uint64_t max_age_ns; /* 0: no limit, as below */
    uint64_t max_size_bytes;
    uint64_t max_files;
    struct config_room min_free;
    uint64_t min_age_ns;
    uint64_t slack_ns;
    struct config_section_map rules; /* of struct retention_rule */
};

extern const struct config_field retention_fields[]; /* of a struct retention_config */

/* What no field can check alone. */
MUST_CHECK enum status retention_check(const struct retention_config *config, struct error *err);

/* The class of a record is the index of its rule; that of one without is the number of rules. */
static inline size_t retention_class_count(const struct retention_config *config)
{
    return config->rules.count + 1;
}

/* Records of one class in one file that no hold covers. */
struct retention_tally {
    uint64_t count;
    uint64_t first_unix_ns, last_unix_ns; /* when the oldest and the newest of them arrived */
};

void retention_tally_add(struct retention_tally *tally, uint64_t arrived_unix_ns);

/* What stands in a file. */
struct retention_survey {
    bool is_damaged; /* it could not be read to its end: it goes whole or not at all */
    uint64_t held;   /* records that a hold covers */
    struct retention_tally classes[RETENTION_CLASSES_MAX];
};

struct retention_file {
    uint64_t begun_unix_s;   /* nothing in it arrived before */
    uint64_t written_unix_s; /* when its last line was written */
    uint64_t size_bytes;
    const struct retention_survey *survey; /* borrowed; NULL: nobody has looked */
};

enum retention_action {
    RETENTION_KEEP,
    RETENTION_LOOK,   /* nothing can be said before the file has been read */
    RETENTION_ERASE,  /* to be written again without the records that are due */
    RETENTION_DELETE, /* the whole file */
};

enum retention_cause {
    RETENTION_BY_AGE, /* `classes` says which */
    RETENTION_BY_SIZE,
    RETENTION_BY_COUNT,
    RETENTION_BY_FREE,
};

struct retention_step {
    enum retention_action action;
    enum retention_cause cause;
    size_t index;          /* of the file */
    uint64_t classes;      /* bits: those that are due */
    uint64_t when_unix_ns; /* KEEP: when something may be asked of the file; RETENTION_NEVER */
};

/* What age and rules ask of `file` at `now_unix_ns`.  `has_holds`: there are holds, so nothing goes
 * unseen. */
struct retention_step retention_judge(const struct retention_config *config,
                                      const struct retention_file *file, bool has_holds,
                                      uint64_t now_unix_ns);

/* Whether a record of `class` that arrived then, in `file`, is due. */
bool retention_is_due(const struct retention_config *config, const struct retention_file *file,
                      size_t class, uint64_t arrived_unix_ns, uint64_t now_unix_ns);

/* Whether a file may go for want of room: it is not too young.  What a hold says is another
 * question. */
bool retention_may_yield(const struct retention_config *config, const struct retention_file *file,
                         uint64_t now_unix_ns);

/* A whole store. */
struct retention_state {
    const struct retention_config *config;
    /* The closed files, oldest first. */
    void *files;
    void (*read_file)(void *files, size_t index, struct retention_file *ret);
    size_t count;
    uint64_t total_size_bytes; /* of all of them */
    uint64_t active_size_bytes;
    uint64_t disk_size_bytes, disk_free_bytes; /* 0, both: not known */
    bool has_holds;
    bool holds_all; /* a hold cannot be read: nothing may go */
};

/* The next thing to do; KEEP: nothing for now, and `*ret_is_stuck` says whether a bound of size,
 * count or room is broken that nothing may go for; `cause` says which. */
struct retention_step retention_next(const struct retention_state *state, uint64_t now_unix_ns,
                                     bool *ret_is_stuck);

/* How much `room` is of this disk. */
uint64_t retention_room_bytes(const struct config_room *room, uint64_t disk_size_bytes);

/* Appends why: "max_size", or "rules.secrets,max_age".  */
MUST_CHECK enum status retention_put_reason(const struct retention_config *config,
                                            const struct retention_step *step, struct buf *out,
                                            struct error *err);
