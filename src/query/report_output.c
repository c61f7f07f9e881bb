/* SPDX-License-Identifier: Apache-2.0 */
/* report_output.c -- see report_output.h. */
#include "query/report_output.h"

#include <inttypes.h>
#include <stdio.h>

#include "query/safe_text.h"
#include "query/time_text.h"
#include "wire/json_member.h"

enum { NAME_MIN = 16, NAME_MAX_COLUMNS = 44, NUMBER_COLUMNS = 11, BAR_MIN = 6, BAR_MAX = 40 };

struct part_words {
    const char *title;
    const char *key; /* in JSON */
    const char *columns[TALLY_COLUMNS_MAX + 1];
};

static const struct part_words parts[REPORT_PART_COUNT] = {
    [REPORT_AGENTS] = {"usage by agent",
                       "agents",
                       {"events", "requests", "input", "output", "usd"}},
    [REPORT_USERS] = {"usage by user", "users", {"events", "requests", "input", "output", "usd"}},
    [REPORT_MODELS] = {"usage by model", "models", {"requests", "input", "output", "usd"}},
    [REPORT_TOOLS] = {"tools in demand", "tools", {"calls", "failed", "denied"}},
    [REPORT_APPROVALS] = {"who decided what", "approvals", {"decisions", "waited_s"}},
    [REPORT_DESTINATIONS] = {"denied destinations", "denied_destinations", {"denied"}},
    [REPORT_ASKED] = {"people were asked about", "asked", {"questions", "waited_s"}},
    [REPORT_RETRIED] = {"denied, and tried again", "retried", {"times"}},
    [REPORT_FAILURES] = {"failures", "failures", {"times"}},
};

static size_t column_count(const struct part_words *part)
{
    size_t count = 0;

    while (part->columns[count] != NULL)
        count++;
    return count;
}

static bool has_fraction(const char *column)
{
    return strcmp(column, "usd") == 0 || strcmp(column, "waited_s") == 0;
}

/* --- A page ---------------------------------------------------------------------------------- */

static void put_bar(struct page *page, const struct report_style *style, double share, size_t width)
{
    size_t length = (size_t)(share * (double)width + 0.5);

    page_put(page, "  ");
    for (size_t i = 0; i < (length > 0 ? length : 1); i++)
        page_put_ink(page, INK_GOOD, style->has_blocks ? "\xe2\x96\x88" : "#");
}

static void put_numbers(struct page *page, const struct part_words *part,
                        const struct tally_row *row)
{
    for (size_t i = 0; part->columns[i] != NULL; i++) {
        bool is_small = row->values[i] < 1e9;
        if (row->values[i] == 0)
            page_put_format(page, "%*s", NUMBER_COLUMNS, "-");
        else if (!is_small)
            page_put_format(page, "%*.3g", NUMBER_COLUMNS, row->values[i]);
        else
            page_put_format(page, has_fraction(part->columns[i]) ? "%*.2f" : "%*.0f",
                            NUMBER_COLUMNS, row->values[i]);
    }
}

static void put_part(struct page *page, const struct report_style *style,
                     const struct part_words *part, const struct tally *tally)
{
    size_t numbers = column_count(part) * NUMBER_COLUMNS;
    size_t left = page->columns > numbers ? page->columns - numbers : 0;
    size_t name = left > (size_t)2 * NAME_MAX_COLUMNS ? NAME_MAX_COLUMNS : left / 2;
    size_t shown = tally->count < style->rows_max ? tally->count : style->rows_max;

    name = name < NAME_MIN ? NAME_MIN : name;
    size_t bar = left > name + 2 + BAR_MIN ? left - name - 3 : 0;
    bar = bar > BAR_MAX ? BAR_MAX : bar;
    page_put(page, "\n");
    page_put_ink(page, INK_BOLD, part->title);
    /* A narrow page has no room for both on one line. */
    bool is_long = strlen(part->title) > name;
    page_put_format(page, "%s%*s", is_long ? "\n" : "",
                    (int)(name - (is_long ? 0 : strlen(part->title))), "");
    for (size_t i = 0; part->columns[i] != NULL; i++)
        page_put_format(page, "%*s", NUMBER_COLUMNS, part->columns[i]);
    page_put(page, "\n");
    for (size_t i = 0; i < shown; i++) {
        const struct tally_row *row = &tally->rows[i];
        page_put_cell(page, slice_of(row->name, row->name_size), name);
        put_numbers(page, part, row);
        if (bar > 0 && tally->rows[0].values[0] > 0)
            put_bar(page, style, row->values[0] / tally->rows[0].values[0], bar);
        page_put(page, "\n");
    }
    if (shown < tally->count)
        page_put_format(page, "(%zu more: --top)\n", tally->count - shown);
}

void report_write(const struct report *report, const struct report_style *style, struct page *page)
{
    char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];

    if (report->records == 0) {
        page_put(page, "nothing was recorded\n");
        return;
    }
    time_format_local(report->first_unix_ns, first);
    time_format_local(report->last_unix_ns, last);
    page_put_format(page, "%" PRIu64 " records from %s to %s\n", report->records, first, last);
    if (report->forged > 0)
        page_put_format(page, "%" PRIu64 " of them carry keys that their sender forged\n",
                        report->forged);
    for (int part = 0; part < REPORT_PART_COUNT; part++) {
        if (report->parts[part].count > 0)
            put_part(page, style, &parts[part], &report->parts[part]);
    }
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void put_row(struct json_put *json, const struct part_words *part,
                    const struct tally_row *row)
{
    json_put(json, SLICE("{\"name\":"));
    json_put_text(json, slice_of(row->name, row->name_size));
    for (size_t i = 0; part->columns[i] != NULL; i++) {
        json_member_key(json, part->columns[i]);
        if (has_fraction(part->columns[i]))
            json_put_double(json, row->values[i]);
        else
            json_put_uint(json, (uint64_t)row->values[i]);
    }
    json_put(json, SLICE("}"));
}

enum status report_write_json(const struct report *report, const struct report_style *style,
                              struct buf *out, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    json_put(&json, SLICE("{"));
    if (report->records > 0) {
        json_member_time(&json, "since", report->first_unix_ns);
        json_member_time(&json, "until", report->last_unix_ns);
    }
    json_member_uint(&json, "records", report->records);
    json_member_uint(&json, "forged", report->forged);
    for (int part = 0; part < REPORT_PART_COUNT; part++) {
        const struct tally *tally = &report->parts[part];
        json_member_key(&json, parts[part].key);
        json_put(&json, SLICE("["));
        for (size_t i = 0; i < tally->count && i < style->rows_max; i++) {
            json_put(&json, i > 0 ? SLICE(",") : SLICE_EMPTY);
            put_row(&json, &parts[part], &tally->rows[i]);
        }
        json_put(&json, SLICE("]"));
    }
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}
