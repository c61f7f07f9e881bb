/* SPDX-License-Identifier: Apache-2.0 */
/* loss.c -- see loss.h.  Lines are read off the hot path and may have been written by anybody, so
 * a library reads them; numbers beyond 2^53 are not expected. */
#include "deliver/loss.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "wire/json_member.h"
#include "wire/rfc3339.h"

enum { HEX_SIZE = 2 * JOURNAL_ID_SIZE };

static const char *const reasons[LOSS_REASON_COUNT] = {
    [LOSS_JOURNAL_FULL] = "journal_full",
    [LOSS_DISK_FULL] = "disk_full",
    [LOSS_DEAD_LETTERS_FULL] = "dead_letters_full",
    [LOSS_DAMAGE] = "damage",
    [LOSS_RETIRED] = "retired",
    [LOSS_SHED] = "shed",
};

const char *loss_reason_text(enum loss_reason reason)
{
    ASSERT(reason < LOSS_REASON_COUNT);
    return reasons[reason];
}

bool loss_reason_parse(const char *text, enum loss_reason *ret)
{
    for (int i = 0; i < LOSS_REASON_COUNT; i++) {
        if (strcmp(text, reasons[i]) == 0) {
            *ret = (enum loss_reason)i;
            return true;
        }
    }
    return false;
}

void loss_init(struct loss *loss, const char *destination, enum loss_reason reason,
               const uint8_t journal_id[JOURNAL_ID_SIZE], uint64_t unix_ns)
{
    *loss = (struct loss){.unix_ns = unix_ns, .reason = reason};
    snprintf(loss->destination, sizeof(loss->destination), "%s", destination);
    memcpy(loss->journal_id, journal_id, JOURNAL_ID_SIZE);
}

void loss_words_add(struct loss_words *words, struct slice word, uint64_t count)
{
    struct loss_word *item = words->items;

    if (word.size >= LOSS_WORD_SIZE)
        word.size = LOSS_WORD_SIZE - 1;
    while (item < words->items + words->count && !slice_equal(slice_of_text(item->text), word))
        item++;
    if (item == words->items + LOSS_WORDS_MAX) {
        item--;
        snprintf(item->text, sizeof(item->text), "other");
    } else if (item == words->items + words->count) {
        *item = (struct loss_word){.count = 0};
        memcpy(item->text, word.data, word.size);
        words->count++;
    }
    item->count += count;
}

static void widen(uint64_t *first, uint64_t *last, uint64_t unix_ns)
{
    if (unix_ns == 0)
        return;
    if (*first == 0 || unix_ns < *first)
        *first = unix_ns;
    if (unix_ns > *last)
        *last = unix_ns;
}

void loss_add_time(struct loss *loss, uint64_t unix_ns)
{
    widen(&loss->first_event_ns, &loss->last_event_ns, unix_ns);
}

/* --- Sums ------------------------------------------------------------------------------------- */

const struct loss_total *loss_totals_find(const struct loss_totals *totals, const char *destination,
                                          enum loss_reason reason)
{
    for (size_t i = 0; i < totals->count; i++) {
        const struct loss_total *total = &totals->items[i];
        if (total->reason == reason && strcmp(total->destination, destination) == 0)
            return total;
    }
    return NULL;
}

static struct loss_total *total_of(struct loss_totals *totals, const struct loss *loss)
{
    struct loss_total *total = (struct loss_total *)loss_totals_find(
        totals, loss->destination, loss->reason); /* it is ours to change */

    if (total != NULL)
        return total;
    if (totals->count == LOSS_TOTALS_MAX) {
        total = &totals->items[LOSS_TOTALS_MAX - 1];
        snprintf(total->destination, sizeof(total->destination), "(others)");
        return total;
    }
    total = &totals->items[totals->count++];
    *total = (struct loss_total){.reason = loss->reason};
    memcpy(total->destination, loss->destination, sizeof(total->destination));
    return total;
}

void loss_totals_add(struct loss_totals *totals, const struct loss *loss)
{
    struct loss_total *total = total_of(totals, loss);

    total->incidents++;
    total->records += loss->records;
    total->bytes += loss->bytes;
    widen(&total->first_event_ns, &total->last_event_ns, loss->first_event_ns);
    widen(&total->first_event_ns, &total->last_event_ns, loss->last_event_ns);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void put_place(struct json_put *json, const uint8_t journal_id[JOURNAL_ID_SIZE],
                      uint64_t first, uint64_t last)
{
    json_member_key(json, "journal");
    json_put_hex(json, slice_of(journal_id, JOURNAL_ID_SIZE));
    json_member_uint(json, "first", first);
    json_member_uint(json, "last", last);
}

static void put_words(struct json_put *json, const char *key, const struct loss_words *words)
{
    if (words->count == 0)
        return;
    json_member_key(json, key);
    json_put(json, SLICE("{"));
    for (size_t i = 0; i < words->count; i++)
        json_member_uint(json, words->items[i].text, words->items[i].count);
    json_put(json, SLICE("}"));
}

enum status loss_write(const struct loss *loss, struct buf *out, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    json_put(&json, SLICE("{"));
    json_member_time(&json, "time", loss->unix_ns);
    json_member_text(&json, "destination", loss->destination);
    json_member_text(&json, "reason", loss_reason_text(loss->reason));
    put_place(&json, loss->journal_id, loss->first, loss->last);
    json_member_uint(&json, "records", loss->records);
    json_member_uint(&json, "bytes", loss->bytes);
    json_member_known_time(&json, "first_event", loss->first_event_ns);
    json_member_known_time(&json, "last_event", loss->last_event_ns);
    json_member_known_text(&json, "file", loss->file);
    put_words(&json, "kinds", &loss->kinds);
    put_words(&json, "outcomes", &loss->outcomes);
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}

enum status loss_totals_write(const struct loss_totals *totals, struct buf *out, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    json_put(&json, SLICE("{\"totals\":["));
    for (size_t i = 0; i < totals->count; i++) {
        const struct loss_total *total = &totals->items[i];
        json_put(&json, i == 0 ? SLICE("{") : SLICE(",{"));
        json_member_text(&json, "destination", total->destination);
        json_member_text(&json, "reason", loss_reason_text(total->reason));
        json_member_uint(&json, "incidents", total->incidents);
        json_member_uint(&json, "records", total->records);
        json_member_uint(&json, "bytes", total->bytes);
        json_member_known_time(&json, "first_event", total->first_event_ns);
        json_member_known_time(&json, "last_event", total->last_event_ns);
        json_put(&json, SLICE("}"));
    }
    json_put(&json, SLICE("]}\n"));
    return json_finish(&json);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool read_number(const cJSON *object, const char *key, uint64_t *ret)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || item->valuedouble > 0x1p53)
        return false;
    *ret = (uint64_t)item->valuedouble;
    return true;
}

/* A member that is not there leaves an empty text. */
static bool read_text(const cJSON *object, const char *key, char *out, size_t out_size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!cJSON_IsString(item))
        return false;
    snprintf(out, out_size, "%s", item->valuestring);
    return true;
}

static void read_time(const cJSON *object, const char *key, uint64_t *ret)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    *ret = 0;
    if (cJSON_IsString(item) && !rfc3339_read(slice_of_text(item->valuestring), ret))
        *ret = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_place(const cJSON *object, uint8_t journal_id[JOURNAL_ID_SIZE], uint64_t *first,
                       uint64_t *last)
{
    char text[HEX_SIZE + 2];

    if (!read_text(object, "journal", text, sizeof(text)) || strlen(text) != HEX_SIZE)
        return false;
    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        journal_id[i] = (uint8_t)(high << 4 | low);
    }
    return read_number(object, "first", first) && read_number(object, "last", last);
}

static bool read_reason(const cJSON *object, enum loss_reason *ret)
{
    char text[LOSS_WORD_SIZE];

    return read_text(object, "reason", text, sizeof(text)) && loss_reason_parse(text, ret);
}

static void read_words(const cJSON *object, const char *key, struct loss_words *ret)
{
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(object, key);
    const cJSON *item;

    if (!cJSON_IsObject(words))
        return;
    cJSON_ArrayForEach(item, words)
    {
        if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 0x1p53)
            loss_words_add(ret, slice_of_text(item->string), (uint64_t)item->valuedouble);
    }
}

static bool read_loss(const cJSON *object, struct loss *ret)
{
    *ret = (struct loss){.unix_ns = 0};
    read_time(object, "time", &ret->unix_ns);
    read_time(object, "first_event", &ret->first_event_ns);
    read_time(object, "last_event", &ret->last_event_ns);
    (void)read_text(object, "file", ret->file, sizeof(ret->file)); /* it need not be there */
    read_words(object, "kinds", &ret->kinds);
    read_words(object, "outcomes", &ret->outcomes);
    return read_text(object, "destination", ret->destination, sizeof(ret->destination)) &&
           read_reason(object, &ret->reason) &&
           read_place(object, ret->journal_id, &ret->first, &ret->last) &&
           read_number(object, "records", &ret->records) &&
           read_number(object, "bytes", &ret->bytes);
}

static bool read_totals(const cJSON *list, struct loss_totals *ret)
{
    const cJSON *item;

    ret->count = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (ret->count == LOSS_TOTALS_MAX)
            return false;
        struct loss_total *total = &ret->items[ret->count++];
        *total = (struct loss_total){.incidents = 0};
        read_time(item, "first_event", &total->first_event_ns);
        read_time(item, "last_event", &total->last_event_ns);
        if (!read_text(item, "destination", total->destination, sizeof(total->destination)) ||
            !read_reason(item, &total->reason) ||
            !read_number(item, "incidents", &total->incidents) ||
            !read_number(item, "records", &total->records) ||
            !read_number(item, "bytes", &total->bytes))
            return false;
    }
    return true;
}

enum status loss_read(struct slice line, bool *ret_is_totals, struct loss *ret_loss,
                      struct loss_totals *ret_totals, struct error *err)
{
    cJSON *object = cJSON_ParseWithLength((const char *)line.data, line.size);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "totals");
    bool is_totals = cJSON_IsArray(list);

    bool good = is_totals ? read_totals(list, ret_totals)
                          : cJSON_IsObject(object) && read_loss(object, ret_loss);
    cJSON_Delete(object);
    if (!good)
        return error_set(err, ST_INVALID, "not a line of a loss ledger");
    *ret_is_totals = is_totals;
    return ST_OK;
}
