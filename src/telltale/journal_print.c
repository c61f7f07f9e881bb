/* SPDX-License-Identifier: Apache-2.0 */
/* journal_print.c -- see journal_print.h. */
#include "telltale/journal_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "query/safe_text.h"
#include "query/time_text.h"
#include "telltale/store_file.h"
#include "wire/json_member.h"

enum { TEXT_SIZE_MAX = 1 << 20 };

void journal_print_init(struct journal_print *print, const struct journal_place *place,
                        bool as_json)
{
    *print = (struct journal_print){.place = place, .as_json = as_json};
    buf_init(&print->text, TEXT_SIZE_MAX);
}

void journal_print_fini(struct journal_print *print)
{
    buf_fini(&print->text);
}

/* --- Pieces ------------------------------------------------------------------------------- */

static void write_out(struct journal_print *print)
{
    (void)fwrite(print->text.data, 1, print->text.size, stdout); /* ferror() tells */
    buf_clear(&print->text);
}

static void print_safe(struct journal_print *print, const char *text)
{
    struct error err;

    if (safe_text_append(&print->text, slice_of_text(text), 0, NEWLINES_ESCAPED, &err) == ST_OK)
        write_out(print);
}

/* Begins an object of the list that is open. */
static void begin_item(struct journal_print *print, struct json_put *json, struct error *err)
{
    buf_clear(&print->text);
    json_start(json, &print->text, err);
    json_put(json, print->has_items ? SLICE(",\n  {") : SLICE("\n  {"));
    print->has_items = true;
}

static void end_item(struct journal_print *print, struct json_put *json)
{
    json_put(json, SLICE("}"));
    if (json_finish(json) == ST_OK)
        write_out(print);
}

static void begin_list(struct journal_print *print, const char *name)
{
    printf(",\n \"%s\":[", name);
    print->has_items = false;
}

static void end_list(void)
{
    printf("]");
}

/* --- The beginning ------------------------------------------------------------------------ */

void journal_print_begin(struct journal_print *print, const uint8_t *id, const char *list)
{
    char id_text[JOURNAL_ID_TEXT_SIZE + 1] = "";
    struct json_put json;
    struct error err;

    if (id != NULL)
        journal_id_format(id, id_text);
    if (!print->as_json) {
        printf("journal %s in ", id != NULL ? id_text : "(unknown)");
        print_safe(print, print->place->path);
        printf("\n");
        return;
    }
    json_start(&json, &print->text, &err);
    json_put(&json, SLICE("{"));
    json_member_text(&json, "journal_id", id_text);
    json_member_text(&json, "directory", print->place->path);
    if (json_finish(&json) == ST_OK)
        write_out(print);
    begin_list(print, list);
}

/* --- Segments ----------------------------------------------------------------------------- */

/* How many of the records are spans and metrics: the others are of logs. */
static void put_signals(struct json_put *json, const uint64_t of_signal[SIGNAL_COUNT])
{
    json_member_uint(json, "spans", of_signal[SIGNAL_TRACES]);
    json_member_uint(json, "metrics", of_signal[SIGNAL_METRICS]);
}

static void print_segment_row(const struct journal_segment_report *segment)
{
    char created[TIME_TEXT_SIZE] = "(unknown time)";

    if (segment->created_unix_ns > 0)
        time_format_utc(segment->created_unix_ns, 3, created);
    printf("  %s  %-6s", segment->file,
           !segment->is_usable  ? "broken"
           : segment->is_newest ? "newest"
                                : "closed");
    if (segment->records > 0)
        printf("  %12" PRIu64 " to %12" PRIu64, segment->first, segment->last);
    else
        printf("  %12" PRIu64 "    %12s", segment->first, "");
    printf("  %10" PRIu64 " records  %6" PRIu64 " groups  %12" PRIu64 " bytes  format %u  %s\n",
           segment->records, segment->groups, segment->size_bytes, segment->format_version,
           created);
}

void journal_print_segment(struct journal_print *print,
                           const struct journal_segment_report *segment)
{
    char created[TIME_TEXT_SIZE];
    struct json_put json;
    struct error err;

    if (!print->as_json) {
        print_segment_row(segment);
        return;
    }
    begin_item(print, &json, &err);
    json_member_text(&json, "file", segment->file);
    json_member_bool(&json, "usable", segment->is_usable);
    json_member_bool(&json, "newest", segment->is_newest);
    json_member_uint(&json, "first_sequence", segment->first);
    if (segment->records > 0)
        json_member_uint(&json, "last_sequence", segment->last);
    json_member_uint(&json, "records", segment->records);
    put_signals(&json, segment->of_signal);
    json_member_uint(&json, "groups", segment->groups);
    json_member_uint(&json, "size_bytes", segment->size_bytes);
    if (segment->created_unix_ns > 0) {
        time_format_utc(segment->created_unix_ns, 9, created);
        json_member_text(&json, "created", created);
        json_member_uint(&json, "format_version", segment->format_version);
    }
    end_item(print, &json);
}

/* --- Findings ----------------------------------------------------------------------------- */

static const char *finding_text(const struct journal_finding *finding)
{
    return finding->reason != NULL ? finding->reason : journal_finding_text(finding->kind);
}

static void print_finding_line(const struct journal_finding *finding)
{
    uint64_t last = finding->first_sequence + finding->count - 1;
    const char *what = finding->kind == FINDING_GROUPS ? "affected" : "missing";

    printf("  %s: ", finding->is_damage ? "DAMAGE" : "no harm");
    if (finding->file[0] != 0)
        printf("%s ", finding->file);
    if (finding->size > 0)
        printf("bytes %" PRIu64 " to %" PRIu64 ": ", finding->offset,
               finding->offset + finding->size - 1);
    printf("%s", finding_text(finding));
    if (finding->kind == FINDING_GROUPS)
        printf("; %" PRIu64 " records, the first is %" PRIu64, finding->count,
               finding->first_sequence);
    else if (finding->count == 1)
        printf("; record %" PRIu64 " is %s", finding->first_sequence, what);
    else if (finding->count > 1)
        printf("; records %" PRIu64 " to %" PRIu64 " are %s", finding->first_sequence, last, what);
    if (finding->count_is_unknown)
        printf("; records from %" PRIu64 " on may be lost, how many is unknown",
               finding->first_sequence + finding->count);
    printf("\n");
}

void journal_print_finding(struct journal_print *print, const struct journal_finding *finding)
{
    bool has_groups = finding->kind == FINDING_GROUPS;
    struct json_put json;
    struct error err;

    if (!print->as_json) {
        print_finding_line(finding);
        return;
    }
    begin_item(print, &json, &err);
    json_member_text(&json, "kind", journal_finding_name(finding->kind));
    json_member_bool(&json, "damage", finding->is_damage);
    json_member_text(&json, "text", finding_text(finding));
    if (finding->file[0] != 0)
        json_member_text(&json, "file", finding->file);
    if (finding->size > 0) {
        json_member_uint(&json, "offset", finding->offset);
        json_member_uint(&json, "size_bytes", finding->size);
    }
    if (finding->count > 0) {
        json_member_uint(&json, has_groups ? "first_groupless" : "first_missing",
                         finding->first_sequence);
        json_member_uint(&json, has_groups ? "groupless_records" : "missing_records",
                         finding->count);
    }
    if (finding->count_is_unknown)
        json_member_uint(&json, "unknown_from", finding->first_sequence + finding->count);
    end_item(print, &json);
}

/* --- The quarantine ----------------------------------------------------------------------- */

static void on_quarantined(void *context, const char *name, uint64_t size_bytes)
{
    struct journal_print *print = context;
    struct json_put json;
    struct error err;

    print->quarantined_files++;
    print->quarantined_bytes += size_bytes;
    if (print->as_json) {
        begin_item(print, &json, &err);
        json_member_text(&json, "file", name);
        json_member_uint(&json, "size_bytes", size_bytes);
        end_item(print, &json);
        return;
    }
    printf("  ");
    print_safe(print, name);
    printf("  %" PRIu64 " bytes\n", size_bytes);
}

static void print_quarantine(struct journal_print *print)
{
    if (print->as_json)
        begin_list(print, "quarantine");
    else
        printf("\nquarantine\n");
    journal_place_quarantine(print->place, on_quarantined, print);
    if (print->as_json)
        end_list();
    else
        printf("  %" PRIu64 " files, %" PRIu64 " bytes\n", print->quarantined_files,
               print->quarantined_bytes);
}

/* --- Cursors ------------------------------------------------------------------------------ */

/* Records that the journal holds and the cursor has not passed; those that are gone below it. */
static void measure(const struct place_cursor *cursor, const struct journal_check_report *report,
                    uint64_t *ret_behind, uint64_t *ret_gone)
{
    uint64_t oldest = report->oldest > 0 ? report->oldest : report->next;
    uint64_t from = cursor->next > oldest ? cursor->next : oldest;

    *ret_behind = report->next > from ? report->next - from : 0;
    *ret_gone = cursor->next > 0 && cursor->next < oldest ? oldest - cursor->next : 0;
}

static void print_cursor(struct journal_print *print, const struct place_cursor *cursor,
                         const struct journal_check_report *report)
{
    uint64_t behind;
    uint64_t gone;
    struct json_put json;
    struct error err;

    measure(cursor, report, &behind, &gone);
    if (print->as_json) {
        begin_item(print, &json, &err);
        json_member_text(&json, "name", cursor->name);
        json_member_bool(&json, "damaged", cursor->is_damaged);
        if (!cursor->is_damaged) {
            json_member_uint(&json, "next_sequence", cursor->next);
            json_member_uint(&json, "behind_records", behind);
            json_member_uint(&json, "gone_records", gone);
        }
        end_item(print, &json);
        return;
    }
    printf("  ");
    print_safe(print, cursor->name);
    if (cursor->is_damaged) {
        printf("  DAMAGE: it cannot be read\n");
        return;
    }
    printf("  next %" PRIu64 ", %" PRIu64 " behind", cursor->next, behind);
    if (gone > 0)
        printf(", %" PRIu64 " more are gone", gone);
    if (cursor->next > report->next)
        printf(", %" PRIu64 " ahead of the journal", cursor->next - report->next);
    printf("\n");
}

static void print_cursors(struct journal_print *print, const struct journal_check_report *report)
{
    if (print->as_json)
        begin_list(print, "cursors");
    else
        printf("\ncursors\n");
    for (size_t i = 0; i < print->place->cursor_count; i++)
        print_cursor(print, &print->place->cursors[i], report);
    if (print->as_json)
        end_list();
    else if (print->place->has_more_cursors)
        printf("  more than %d are not shown\n", PLACE_CURSORS_MAX);
    else if (print->place->cursor_count == 0)
        printf("  none\n");
}

/* --- The end ------------------------------------------------------------------------------ */

static void print_totals(struct journal_print *print, const struct journal_check_report *report)
{
    struct json_put json;
    struct error err;

    buf_clear(&print->text);
    json_start(&json, &print->text, &err);
    json_put(&json, SLICE(",\n \"total\":{"));
    json_member_uint(&json, "segments", report->segments);
    json_member_uint(&json, "records", report->records);
    put_signals(&json, report->of_signal);
    json_member_uint(&json, "groups", report->groups);
    json_member_uint(&json, "size_bytes", report->size_bytes);
    if (report->oldest > 0)
        json_member_uint(&json, "oldest_sequence", report->oldest);
    json_member_uint(&json, "next_sequence", report->next);
    json_member_uint(&json, "damages", report->damages);
    json_member_uint(&json, "missing_records", report->missing);
    json_member_uint(&json, "groupless_records", report->groupless);
    end_item(print, &json);
}

void journal_print_inspected(struct journal_print *print, const struct journal_check_report *report)
{
    if (print->as_json) {
        end_list();
        print_totals(print, report);
    } else {
        printf("  %" PRIu64 " segments, %" PRIu64 " records, %" PRIu64 " groups, %" PRIu64
               " bytes; the next record is %" PRIu64 "\n",
               report->segments, report->records, report->groups, report->size_bytes, report->next);
        if (report->of_signal[SIGNAL_TRACES] + report->of_signal[SIGNAL_METRICS] > 0)
            printf("  of the records: %" PRIu64 " spans, %" PRIu64 " metrics\n",
                   report->of_signal[SIGNAL_TRACES], report->of_signal[SIGNAL_METRICS]);
        if (report->damages > 0)
            printf("  damaged places: %" PRIu64 "; 'telltale journal verify' names them\n",
                   report->damages);
    }
    print_quarantine(print);
    print_cursors(print, report);
    if (print->as_json)
        printf("\n}\n");
}

static void print_damaged_cursors(struct journal_print *print)
{
    for (size_t i = 0; i < print->place->cursor_count; i++) {
        if (!print->place->cursors[i].is_damaged)
            continue;
        printf("  DAMAGE: cursor ");
        print_safe(print, print->place->cursors[i].name);
        printf(" cannot be read; its destination will begin anew\n");
    }
}

void journal_print_verified(struct journal_print *print, const struct journal_check_report *report,
                            bool is_sound)
{
    if (print->as_json) {
        end_list();
        print_totals(print, report);
        print_cursors(print, report);
        printf(",\n \"sound\":%s\n}\n", is_sound ? "true" : "false");
        return;
    }
    print_damaged_cursors(print);
    printf("%s: %" PRIu64 " segments, %" PRIu64 " records, %" PRIu64 " bytes; the next record is "
           "%" PRIu64,
           is_sound ? "sound" : "DAMAGED", report->segments, report->records, report->size_bytes,
           report->next);
    if (report->damages > 0)
        printf("; damaged places: %" PRIu64 ", missing records: %" PRIu64, report->damages,
               report->missing);
    printf("\n");
}
