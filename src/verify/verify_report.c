/* SPDX-License-Identifier: Apache-2.0 */
/* verify_report.c -- see verify_report.h. */
#include "verify/verify_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void verify_report_init(struct verify_report *report)
{
    *report = (struct verify_report){.findings = NULL};
}

void verify_report_fini(struct verify_report *report)
{
    free(report->findings);
    verify_report_init(report);
}

static void set_finding(struct verify_finding *finding, enum verify_question question,
                        enum verify_answer answer, const char *file, const char *fmt, va_list list)
{
    *finding = (struct verify_finding){.question = question, .answer = answer};
    if (file != NULL)
        (void)snprintf(finding->file, sizeof(finding->file), "%s", file); /* may be cut */
    (void)vsnprintf(finding->text, sizeof(finding->text), fmt, list);     /* may be cut */
}

void verify_finding_set(struct verify_finding *finding, enum verify_question question,
                        enum verify_answer answer, const char *file, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    set_finding(finding, question, answer, file, fmt, list);
    va_end(list);
}

static bool make_room(struct verify_report *report)
{
    if (report->count < report->capacity)
        return true;
    size_t capacity = report->capacity > 0 ? 2 * report->capacity : 16;
    struct verify_finding *findings =
        reallocarray(report->findings, capacity, sizeof(*report->findings));
    if (findings == NULL) {
        report->has_no_memory = true;
        return false;
    }
    report->findings = findings;
    report->capacity = capacity;
    return true;
}

void verify_report_add(struct verify_report *report, const struct verify_finding *finding)
{
    ASSERT(finding->question < VERIFY_QUESTION_COUNT && finding->answer < VERIFY_ANSWER_COUNT);
    report->counts[finding->question][finding->answer]++;
    if (report->kept[finding->answer] >= VERIFY_FINDINGS_MAX || !make_room(report))
        return;
    report->kept[finding->answer]++;
    report->findings[report->count++] = *finding;
}

void verify_report_say(struct verify_report *report, enum verify_question question,
                       enum verify_answer answer, const char *file, const char *fmt, ...)
{
    struct verify_finding finding;
    va_list list;

    va_start(list, fmt);
    set_finding(&finding, question, answer, file, fmt, list);
    va_end(list);
    verify_report_add(report, &finding);
}

enum verify_answer verify_report_answer(const struct verify_report *report,
                                        enum verify_question question)
{
    for (int answer = VERIFY_NO; answer > VERIFY_YES; answer--) {
        if (report->counts[question][answer] > 0)
            return (enum verify_answer)answer;
    }
    return VERIFY_YES;
}

const char *verify_question_text(enum verify_question question)
{
    static const char *const texts[] = {"unchanged", "complete", "attested"};

    ASSERT(question < COUNT_OF(texts));
    return texts[question];
}

const char *verify_answer_text(enum verify_answer answer)
{
    static const char *const texts[] = {"yes", "cannot verify", "no"};

    ASSERT(answer < COUNT_OF(texts));
    return texts[answer];
}
