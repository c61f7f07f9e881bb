/* SPDX-License-Identifier: Apache-2.0 */
/* session_output.c -- a list of sessions as a table, as JSON lines and as CSV, see session_list.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "query/record_output.h"
#include "query/session_list.h"
#include "query/time_text.h"
#include "wire/json_put.h"

enum {
    TIME_WIDTH = 25,
    COUNT_WIDTH = 9,
    NAME_WIDTH = 16,
    USER_WIDTH = 24,
    CELL_MAX = 4096,
    TIME_DIGITS = 9,
};

/* --- Table ----------------------------------------------------------------------------------- */

static void put_time(struct page *page, uint64_t unix_ns)
{
    char text[TIME_TEXT_SIZE] = "-";

    if (unix_ns != 0)
        time_format_local(unix_ns, text);
    page_put_format(page, "%-*s", TIME_WIDTH, text);
}

static void put_count(struct page *page, uint64_t count, enum page_ink ink)
{
    char text[32];

    snprintf(text, sizeof(text), "%*" PRIu64 "  ", COUNT_WIDTH - 2, count);
    page_put_ink(page, count > 0 ? ink : INK_DIM, text);
}

static void put_name(struct page *page, struct slice name, size_t width)
{
    page_put_cell(page, name.size > 0 ? name : SLICE("-"), width);
}

static void put_row(struct page *page, const struct session_row *row)
{
    put_time(page, row->first_unix_ns);
    put_time(page, row->last_unix_ns);
    put_count(page, row->record_count, INK_PLAIN);
    put_count(page, row->denied_count, INK_BAD);
    put_count(page, row->failure_count, INK_ODD);
    put_name(page, row->product, NAME_WIDTH);
    put_name(page, row->user, USER_WIDTH);
    put_name(page, row->host, NAME_WIDTH);
    page_put_text(page, row->id, 0);
    page_put(page, "\n");
}

static void put_head(struct page *page)
{
    char line[256];

    snprintf(line, sizeof(line), "%-*s%-*s%*s  %*s  %*s  %-*s%-*s%-*s%s\n", TIME_WIDTH, "FIRST",
             TIME_WIDTH, "LAST", COUNT_WIDTH - 2, "RECORDS", COUNT_WIDTH - 2, "DENIED",
             COUNT_WIDTH - 2, "FAILED", NAME_WIDTH, "AGENT", USER_WIDTH, "USER", NAME_WIDTH, "HOST",
             "SESSION");
    page_put_ink(page, INK_BOLD, line);
}

/* --- JSON and CSV ---------------------------------------------------------------------------- */

static void put_text_member(struct json_put *json, struct slice name, struct slice text)
{
    if (text.size == 0)
        return;
    json_put(json, name);
    json_put_text(json, text);
}

static void put_time_member(struct json_put *json, struct slice name, uint64_t unix_ns)
{
    if (unix_ns == 0)
        return;
    json_put(json, name);
    json_put_time(json, unix_ns);
}

static enum status put_json(struct buf *out, const struct session_row *row, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    put_text_member(&json, SLICE("{\"session\":"), row->id);
    put_text_member(&json, SLICE(",\"agent\":"), row->product);
    put_text_member(&json, SLICE(",\"user\":"), row->user);
    put_text_member(&json, SLICE(",\"host\":"), row->host);
    put_time_member(&json, SLICE(",\"first\":"), row->first_unix_ns);
    put_time_member(&json, SLICE(",\"last\":"), row->last_unix_ns);
    json_put(&json, SLICE(",\"records\":"));
    json_put_uint(&json, row->record_count);
    json_put(&json, SLICE(",\"denied\":"));
    json_put_uint(&json, row->denied_count);
    json_put(&json, SLICE(",\"failed\":"));
    json_put_uint(&json, row->failure_count);
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}

static enum status put_csv(struct buf *out, const struct session_row *row, struct error *err)
{
    char first[TIME_TEXT_SIZE] = "", last[TIME_TEXT_SIZE] = "", counts[3][32];
    const uint64_t numbers[] = {row->record_count, row->denied_count, row->failure_count};
    enum status st = ST_OK;
    struct buf safe;

    if (row->first_unix_ns != 0)
        time_format_utc(row->first_unix_ns, TIME_DIGITS, first);
    if (row->last_unix_ns != 0)
        time_format_utc(row->last_unix_ns, TIME_DIGITS, last);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        snprintf(counts[i], sizeof(counts[i]), "%" PRIu64, numbers[i]);
    const struct slice cells[] = {slice_of_text(first),
                                  slice_of_text(last),
                                  slice_of_text(counts[0]),
                                  slice_of_text(counts[1]),
                                  slice_of_text(counts[2]),
                                  row->product,
                                  row->user,
                                  row->host,
                                  row->id};
    buf_init(&safe, CELL_MAX);
    for (size_t i = 0; i < COUNT_OF(cells) && st == ST_OK; i++) {
        if (i > 0)
            st = buf_append(out, ",", 1, err);
        if (st == ST_OK)
            st = output_csv_cell(out, cells[i], true, &safe, err);
    }
    buf_fini(&safe);
    return st == ST_OK ? buf_append(out, "\r\n", 2, err) : st;
}

enum status session_list_write(const struct session_list *list, size_t count_max,
                               enum session_format format, struct page *page, struct error *err)
{
    static const char csv_head[] = "\"first\",\"last\",\"records\",\"denied\",\"failed\",\"agent\","
                                   "\"user\",\"host\",\"session\"\r\n";
    struct session_row row;
    enum status st = ST_OK;

    if (format == SESSION_TABLE)
        put_head(page);
    else if (format == SESSION_CSV)
        st = buf_append(page->out, csv_head, strlen(csv_head), err);
    for (size_t i = 0; i < count_max && st == ST_OK; i++) {
        session_list_row(list, i, &row);
        if (format == SESSION_TABLE)
            put_row(page, &row);
        else
            st = format == SESSION_JSON ? put_json(page->out, &row, err)
                                        : put_csv(page->out, &row, err);
    }
    return st == ST_OK ? page->status : st;
}
