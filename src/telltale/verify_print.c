/* SPDX-License-Identifier: Apache-2.0 */
/* verify_print.c -- see verify_print.h.
 *
 * Names of files, origins and keys come from the store: they act on no terminal. */
#include "telltale/verify_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "query/safe_text.h"
#include "query/time_text.h"
#include "util/clock.h"
#include "wire/json_member.h"

enum { TEXT_SIZE_MAX = 4 << 20, LINE_SIZE = 1024 };

/* --- For people ---------------------------------------------------------------------------- */

struct page {
    struct buf text;
    enum status status;
    struct error *err;
};

static void put_line(struct page *page, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put_line(struct page *page, const char *fmt, ...)
{
    char line[LINE_SIZE];
    va_list list;

    va_start(list, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, list); /* may be cut */
    va_end(list);
    if (page->status == ST_OK)
        page->status =
            safe_text_append(&page->text, slice_of_text(line), 0, NEWLINES_ESCAPED, page->err);
    if (page->status == ST_OK)
        page->status = buf_append(&page->text, "\n", 1, page->err);
}

static void put_finding(struct page *page, const struct verify_finding *finding)
{
    char place[VERIFY_FILE_SIZE + 128] = "";
    size_t size = 0;

    if (finding->file[0] != 0)
        size += (size_t)snprintf(place, sizeof(place), "%s", finding->file);
    if (finding->has_line)
        size += (size_t)snprintf(place + size, sizeof(place) - size, "%sline %" PRIu64,
                                 size > 0 ? ", " : "", finding->line);
    if (finding->has_offset)
        size += (size_t)snprintf(place + size, sizeof(place) - size, "%soffset %" PRIu64,
                                 size > 0 ? ", " : "", finding->offset);
    if (finding->has_index)
        size += (size_t)snprintf(place + size, sizeof(place) - size, "%sleaf %" PRIu64,
                                 size > 0 ? ", " : "", finding->index);
    put_line(page, "    %s%s%s", place, size > 0 ? ": " : "", finding->text);
}

static void put_answer(struct page *page, const struct verify_report *report,
                       enum verify_question question)
{
    enum verify_answer worst = verify_report_answer(report, question);

    put_line(page, "%-10s %s", verify_question_text(question), verify_answer_text(worst));
    for (int answer = VERIFY_NO; answer >= VERIFY_YES; answer--) {
        uint64_t shown = 0;
        for (size_t i = 0; i < report->count; i++) {
            const struct verify_finding *finding = &report->findings[i];
            if (finding->question != question || (int)finding->answer != answer)
                continue;
            put_finding(page, finding);
            shown++;
        }
        uint64_t all = report->counts[question][answer];
        if (all > shown)
            put_line(page, "    and %" PRIu64 " more of these", all - shown);
    }
}

static void put_time(struct page *page, const char *name, uint64_t unix_s)
{
    char time[TIME_TEXT_SIZE];

    if (unix_s == 0 || unix_s > UINT64_MAX / NS_PER_S)
        return;
    time_format_utc(unix_s * NS_PER_S, 0, time);
    put_line(page, "%-11s%s", name, time);
}

static void put_summary(struct page *page, const char *store_dir,
                        const struct verify_summary *summary)
{
    put_line(page, "store      %s", store_dir);
    put_line(page, "read       %" PRIu64 " records in %" PRIu64 " files, %" PRIu64 " bytes",
             summary->lines, summary->files, summary->bytes);
    if (summary->deleted_files > 0 || summary->erased_lines > 0)
        put_line(page,
                 "gone       %" PRIu64 " records in %" PRIu64 " deleted files, %" PRIu64
                 " erased ones: all on record",
                 summary->deleted_lines, summary->deleted_files, summary->erased_lines);
    if (summary->origin[0] == 0)
        return;
    put_line(page, "log        %s", summary->origin);
    put_line(page, "tree       %" PRIu64 " leaves, %" PRIu64 " at the last checkpoint, root %s",
             summary->leaves, summary->last_size, summary->last_root);
    put_line(page,
             "signed     %" PRIu64 " checkpoints by %" PRIu64 " epochs, %" PRIu64
             " copies; roots of %" PRIu64 " recomputed",
             summary->checkpoints, summary->epochs, summary->copies, summary->matched);
    put_time(page, "since", summary->first_unix_s);
    put_line(page, "first key  %s", summary->first_key);
}

static void put_page(struct page *page, const char *store_dir, const struct verify_report *report,
                     const struct verify_summary *summary)
{
    put_summary(page, store_dir, summary);
    put_line(page, "%s", "");
    for (int question = 0; question < VERIFY_QUESTION_COUNT; question++)
        put_answer(page, report, (enum verify_question)question);
}

/* --- As JSON ------------------------------------------------------------------------------- */

/* Words of a member's value: no blanks. */
static const char *answer_word(enum verify_answer answer)
{
    static const char *const words[] = {"yes", "cannot_verify", "no"};

    return words[answer];
}

static void put_json_finding(struct json_put *json, const struct verify_finding *finding)
{
    json_put(json, SLICE("{"));
    json_member_text(json, "question", verify_question_text(finding->question));
    json_member_text(json, "answer", answer_word(finding->answer));
    if (finding->file[0] != 0)
        json_member_text(json, "file", finding->file);
    if (finding->has_line)
        json_member_uint(json, "line", finding->line);
    if (finding->has_offset)
        json_member_uint(json, "offset", finding->offset);
    if (finding->has_index)
        json_member_uint(json, "leaf", finding->index);
    json_member_text(json, "text", finding->text);
    json_put(json, SLICE("}"));
}

static void put_json_findings(struct json_put *json, const struct verify_report *report)
{
    uint64_t all = 0;

    json_member_key(json, "findings");
    json_put(json, SLICE("["));
    for (size_t i = 0; i < report->count; i++) {
        json_put(json, i > 0 ? SLICE(",\n  ") : SLICE("\n  "));
        put_json_finding(json, &report->findings[i]);
    }
    json_put(json, SLICE("]"));
    for (int question = 0; question < VERIFY_QUESTION_COUNT; question++) {
        for (int answer = 0; answer < VERIFY_ANSWER_COUNT; answer++)
            all += report->counts[question][answer];
    }
    json_member_uint(json, "findings_not_shown", all - report->count);
}

static void put_json_summary(struct json_put *json, const struct verify_summary *summary)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"files", summary->files},
        {"bytes", summary->bytes},
        {"lines", summary->lines},
        {"leaves", summary->leaves},
        {"deleted_files", summary->deleted_files},
        {"deleted_lines", summary->deleted_lines},
        {"erased_lines", summary->erased_lines},
        {"old_files", summary->old_files},
        {"old_lines", summary->old_lines},
        {"uncovered_lines", summary->uncovered_lines},
        {"checkpoints", summary->checkpoints},
        {"copies", summary->copies},
        {"roots_recomputed", summary->matched},
        {"roots_not_recomputed", summary->unmatched_sizes},
        {"epochs", summary->epochs},
        {"lost", summary->lost},
        {"passed_by", summary->passed_by},
        {"last_size", summary->last_size},
        {"first_unix_s", summary->first_unix_s},
        {"last_unix_s", summary->last_unix_s},
    };

    for (size_t i = 0; i < COUNT_OF(counts); i++)
        json_member_uint(json, counts[i].name, counts[i].value);
    json_member_text(json, "last_root", summary->last_root);
    json_member_text(json, "origin", summary->origin);
    json_member_text(json, "first_key", summary->first_key);
}

static enum status put_json(struct buf *out, const char *store_dir,
                            const struct verify_report *report,
                            const struct verify_summary *summary, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    json_put(&json, SLICE("{"));
    json_member_text(&json, "store", store_dir);
    for (int question = 0; question < VERIFY_QUESTION_COUNT; question++)
        json_member_text(&json, verify_question_text((enum verify_question)question),
                         answer_word(verify_report_answer(report, (enum verify_question)question)));
    put_json_summary(&json, summary);
    put_json_findings(&json, report);
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}

/* --- Public -------------------------------------------------------------------------------- */

enum status verify_print(const char *store_dir, const struct verify_report *report,
                         const struct verify_summary *summary, bool as_json, struct error *err)
{
    struct page page = {.status = ST_OK, .err = err};

    buf_init(&page.text, TEXT_SIZE_MAX);
    if (as_json)
        page.status = put_json(&page.text, store_dir, report, summary, err);
    else
        put_page(&page, store_dir, report, summary);
    if (page.status == ST_OK && page.text.size > 0)
        (void)fwrite(page.text.data, 1, page.text.size, stdout); /* ferror() tells */
    buf_fini(&page.text);
    return page.status;
}
