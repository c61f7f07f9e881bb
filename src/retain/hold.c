/* SPDX-License-Identifier: Apache-2.0 */
/* hold.c -- the file of a hold: one flat JSON object.
 *
 *     {"id":"case-7","at":"2026-11-21T12:00:00.000000000Z","by":"root","reason":"inquiry 7",
 *      "session":"0199...","from":"...","to":"...","where":["agent.outcome=denied"],...}
 *
 * A member that is not known is refused: it might be what makes the hold a wider one.
 */
#include "telltale/hold.h"

#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"
#include "wire/json_member.h"
#include "wire/json_scan.h"
#include "wire/rfc3339.h"

enum member_type { MEMBER_TEXT, MEMBER_TIME };

static const struct {
    const char *key;
    enum member_type type;
    size_t offset;
} members[] = {
    {"at", MEMBER_TIME, offsetof(struct hold, made_unix_ns)},
    {"by", MEMBER_TEXT, offsetof(struct hold, by)},
    {"reason", MEMBER_TEXT, offsetof(struct hold, reason)},
    {"released_at", MEMBER_TIME, offsetof(struct hold, released_unix_ns)},
    {"released_by", MEMBER_TEXT, offsetof(struct hold, released_by)},
    {"released_reason", MEMBER_TEXT, offsetof(struct hold, released_reason)},
    {"from", MEMBER_TIME, offsetof(struct hold, question.from_unix_ns)},
    {"to", MEMBER_TIME, offsetof(struct hold, question.to_unix_ns)},
    {"session", MEMBER_TEXT, offsetof(struct hold, question.session)},
    {"kind", MEMBER_TEXT, offsetof(struct hold, question.kinds)},
    {"outcome", MEMBER_TEXT, offsetof(struct hold, question.outcomes)},
    {"tool", MEMBER_TEXT, offsetof(struct hold, question.tool)},
    {"agent", MEMBER_TEXT, offsetof(struct hold, question.agents)},
    {"user", MEMBER_TEXT, offsetof(struct hold, question.users)},
    {"host", MEMBER_TEXT, offsetof(struct hold, question.hosts)},
    {"text", MEMBER_TEXT, offsetof(struct hold, question.text)},
    {"grep", MEMBER_TEXT, offsetof(struct hold, question.grep)},
};

#define WHERE_KEY      "where"
#define EVERYTHING_KEY "everything"

/* --- Checks ---------------------------------------------------------------------------------- */

static bool is_id(const char *id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t size = strnlen(id, HOLD_ID_SIZE);

    return size > 0 && size < HOLD_ID_SIZE && strspn(id, allowed) == size;
}

/* What is no UTF-8 would be another text once it is JSON. */
static enum status check_text(const char *key, const char *text, struct error *err)
{
    if (text == NULL)
        return ST_OK;
    if (strlen(text) > HOLD_TEXT_SIZE_MAX)
        return error_set(err, ST_INVALID, "'%s' is longer than %d bytes", key,
                         (int)HOLD_TEXT_SIZE_MAX);
    if (text[0] == 0 || !utf8_is_text(slice_of_text(text)))
        return error_set(err, ST_INVALID, "'%s' is empty or no UTF-8", key);
    return ST_OK;
}

static bool asks_something(const struct hold_question *question)
{
    return question->from_unix_ns != 0 || question->to_unix_ns != 0 || question->session != NULL ||
           question->kinds != NULL || question->outcomes != NULL || question->tool != NULL ||
           question->agents != NULL || question->users != NULL || question->hosts != NULL ||
           question->text != NULL || question->grep != NULL || question->conditions.count > 0;
}

enum status hold_check(const struct hold *hold, struct error *err)
{
    const struct hold_question *question = &hold->question;
    enum status st = ST_OK;

    if (!is_id(hold->id))
        return error_set(err, ST_INVALID,
                         "the id of a hold is letters, digits, '_' and '-', %d at most",
                         HOLD_ID_SIZE - 1);
    if (hold->by == NULL || hold->reason == NULL || hold->made_unix_ns == 0)
        return error_set(err, ST_INVALID, "a hold says who made it, when and why");
    for (size_t i = 0; st == ST_OK && i < COUNT_OF(members); i++) {
        if (members[i].type == MEMBER_TEXT)
            st = check_text(
                members[i].key,
                *(const char *const *)(const void *)((const char *)hold + members[i].offset), err);
    }
    if (st == ST_OK && question->conditions.count > HOLD_CONDITIONS_MAX)
        st = error_set(err, ST_INVALID, "more than %d conditions", (int)HOLD_CONDITIONS_MAX);
    for (size_t i = 0; st == ST_OK && i < question->conditions.count; i++)
        st = check_text(WHERE_KEY, question->conditions.items[i], err);
    if (st != ST_OK)
        return st;
    if (question->to_unix_ns != 0 && question->to_unix_ns <= question->from_unix_ns)
        return error_set(err, ST_INVALID, "'to' is not behind 'from'");
    if (asks_something(question) == question->is_everything)
        return error_set(err, ST_INVALID, "a hold says what it holds: parts of a question, or all");
    return ST_OK;
}

/* --- Writing --------------------------------------------------------------------------------- */

enum status hold_put(const struct hold *hold, struct buf *out, struct error *err)
{
    struct json_put json;

    enum status st = hold_check(hold, err);
    if (st != ST_OK)
        return st;
    json_start(&json, out, err);
    json_put(&json, SLICE("{"));
    json_member_text(&json, "id", hold->id);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const void *place = (const char *)hold + members[i].offset;
        if (members[i].type == MEMBER_TIME && *(const uint64_t *)place != 0)
            json_member_time(&json, members[i].key, *(const uint64_t *)place);
        else if (members[i].type == MEMBER_TEXT && *(const char *const *)place != NULL)
            json_member_text(&json, members[i].key, *(const char *const *)place);
    }
    const struct config_text_list *conditions = &hold->question.conditions;
    for (size_t i = 0; i < conditions->count; i++) {
        if (i == 0) {
            json_member_key(&json, WHERE_KEY);
            json_put(&json, SLICE("["));
        } else {
            json_put(&json, SLICE(","));
        }
        json_put_text(&json, slice_of_text(conditions->items[i]));
    }
    if (conditions->count > 0)
        json_put(&json, SLICE("]"));
    if (hold->question.is_everything)
        json_member_bool(&json, EVERYTHING_KEY, true);
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}

/* --- Reading --------------------------------------------------------------------------------- */

struct reading {
    struct json_scan scan;
    struct hold *hold;
    char *next;          /* where the next text goes */
    uint64_t seen;       /* bits of `members`, and behind them of the others */
    const char *trouble; /* what is wrong with a value that is JSON */
};

enum { SEEN_ID = COUNT_OF(members), SEEN_WHERE, SEEN_EVERYTHING };

static bool refuse(struct reading *reading, const char *trouble)
{
    if (reading->trouble == NULL)
        reading->trouble = trouble;
    return false;
}

/* A text without NUL, NUL-terminated. */
static bool read_text(struct reading *reading, const char **ret)
{
    struct json_text text;
    char *start = reading->next;

    if (!json_read_text(&reading->scan, &text))
        return false;
    if (text.size > HOLD_TEXT_SIZE_MAX)
        return refuse(reading, "a text is too long");
    uint8_t *end = json_text_decode(&text, (uint8_t *)start);
    *end = 0;
    if (memchr(start, 0, text.size) != NULL)
        return refuse(reading, "a text has a NUL");
    reading->next = (char *)end + 1;
    *ret = start;
    return true;
}

static bool read_time(struct reading *reading, uint64_t *ret)
{
    const char *text = "";

    if (!read_text(reading, &text))
        return false;
    if (!rfc3339_read(slice_of_text(text), ret) || *ret == 0)
        return refuse(reading, "a time is none");
    return true;
}

static bool read_conditions(struct reading *reading)
{
    struct hold *hold = reading->hold;
    size_t count = 0;
    bool more;

    if (!json_open(&reading->scan, '[', ']', &more))
        return false;
    while (more) {
        if (count == HOLD_CONDITIONS_MAX)
            return refuse(reading, "too many conditions");
        if (!read_text(reading, &hold->conditions[count]) ||
            !json_read_separator(&reading->scan, ']', &more))
            return false;
        count++;
    }
    hold->question.conditions = (struct config_text_list){hold->conditions, count};
    return true;
}

static bool read_id(struct reading *reading)
{
    const char *text;

    if (!read_text(reading, &text))
        return false;
    if (!is_id(text))
        return refuse(reading, "the id is no name");
    memcpy(reading->hold->id, text, strlen(text) + 1);
    return true;
}

static bool note_seen(struct reading *reading, size_t member)
{
    bool is_new = (reading->seen >> member & 1) == 0;

    reading->seen |= UINT64_C(1) << member;
    return is_new || refuse(reading, "a member stands twice");
}

static bool read_member(struct reading *reading)
{
    struct json_text key;

    if (!json_read_key(&reading->scan, &key))
        return false;
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        void *place = (char *)reading->hold + members[i].offset;
        if (!json_text_equal(&key, slice_of_text(members[i].key)))
            continue;
        if (!note_seen(reading, i))
            return false;
        return members[i].type == MEMBER_TIME ? read_time(reading, place)
                                              : read_text(reading, place);
    }
    if (json_text_equal(&key, SLICE("id")))
        return note_seen(reading, SEEN_ID) && read_id(reading);
    if (json_text_equal(&key, SLICE(WHERE_KEY)))
        return note_seen(reading, SEEN_WHERE) && read_conditions(reading);
    if (json_text_equal(&key, SLICE(EVERYTHING_KEY))) {
        reading->hold->question.is_everything = true;
        return note_seen(reading, SEEN_EVERYTHING) && json_peek(&reading->scan) == 't' &&
               json_read_word(&reading->scan, SLICE("true"));
    }
    return refuse(reading, "a member is not known");
}

static bool read_object(struct reading *reading)
{
    bool more;

    if (!json_open(&reading->scan, '{', '}', &more))
        return false;
    while (more) {
        if (!read_member(reading) || !json_read_separator(&reading->scan, '}', &more))
            return false;
    }
    return json_read_end(&reading->scan);
}

enum status hold_read(struct slice text, struct hold **ret, struct error *err)
{
    if (text.size > HOLD_FILE_SIZE_MAX)
        return error_set(err, ST_INVALID, "a hold of %zu bytes, limit %d", text.size,
                         (int)HOLD_FILE_SIZE_MAX);
    struct hold *hold = calloc(1, sizeof(*hold));
    /* A decoded text is no longer than it is with its quotes. */
    char *texts = malloc(text.size + HOLD_TEXT_SIZE_MAX + JSON_TEXT_SLACK);
    if (hold == NULL || texts == NULL) {
        free(hold);
        free(texts);
        return error_set(err, ST_NO_MEMORY, "read a hold");
    }
    hold->texts = texts;
    struct reading reading = {.scan = json_scan_start(text), .hold = hold, .next = texts};
    enum status st = ST_OK;
    if (!read_object(&reading))
        st = reading.trouble != NULL ? error_set(err, ST_INVALID, "%s", reading.trouble)
             : reading.scan.reason != NULL
                 ? json_report(&reading.scan, err)
                 : error_set(err, ST_INVALID, "a value is none that it may have");
    if (st == ST_OK)
        st = hold_check(hold, err);
    if (st != ST_OK) {
        hold_destroy(hold);
        return st == ST_LIMIT ? ST_INVALID : st;
    }
    *ret = hold;
    return ST_OK;
}

void hold_destroy(struct hold *hold)
{
    if (hold == NULL)
        return;
    free(hold->texts);
    free(hold);
}
