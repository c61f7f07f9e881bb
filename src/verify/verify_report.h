/* SPDX-License-Identifier: Apache-2.0 */
/* verify_report.h -- what a verification of a store found: three answers, and the places that they
 * rest on.
 *
 * Each finding belongs to one question (docs/INTEGRITY.md, "Three questions") and says where: the
 * file, and as far as it is known the line, the offset and the number of the leaf.  The answer to a
 * question is the worst of its findings.  Only so many findings are kept; all are counted.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>

#include "telltale/base.h"
#include "telltale/slice.h"

enum verify_question { VERIFY_UNCHANGED, VERIFY_COMPLETE, VERIFY_ATTESTED, VERIFY_QUESTION_COUNT };

/* In the order of getting worse. */
enum verify_answer {
    VERIFY_YES,    /* as a finding: worth knowing, and no objection */
    VERIFY_CANNOT, /* cannot be verified */
    VERIFY_NO,
    VERIFY_ANSWER_COUNT
};

enum {
    VERIFY_FILE_SIZE = 96,
    VERIFY_TEXT_SIZE = 256,
    VERIFY_FINDINGS_MAX = 200, /* kept of each answer */
};

struct verify_finding {
    enum verify_question question;
    enum verify_answer answer;
    char file[VERIFY_FILE_SIZE]; /* within the store, or as it was named; empty: none */
    bool has_line, has_offset, has_index;
    uint64_t line;   /* of the file, from 1 */
    uint64_t offset; /* of the file as it is on the disk */
    uint64_t index;  /* of the leaf */
    char text[VERIFY_TEXT_SIZE];
};

struct verify_report {
    struct verify_finding *findings; /* owned; in the order in which they were made */
    size_t count, capacity;
    uint64_t counts[VERIFY_QUESTION_COUNT][VERIFY_ANSWER_COUNT]; /* of all, kept or not */
    uint64_t kept[VERIFY_ANSWER_COUNT];
    bool has_no_memory; /* a finding could not be kept */
};

void verify_report_init(struct verify_report *report);
void verify_report_fini(struct verify_report *report);

/* Sets everything of a finding but the places.  `file` may be NULL. */
void verify_finding_set(struct verify_finding *finding, enum verify_question question,
                        enum verify_answer answer, const char *file, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

/* `finding` is copied. */
void verify_report_add(struct verify_report *report, const struct verify_finding *finding);

/* Sets and adds a finding that has no place but a file. */
void verify_report_say(struct verify_report *report, enum verify_question question,
                       enum verify_answer answer, const char *file, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

/* The worst of its findings; VERIFY_YES when there is none. */
enum verify_answer verify_report_answer(const struct verify_report *report,
                                        enum verify_question question);

/* "unchanged", and "yes", "cannot verify", "no": literals. */
const char *verify_question_text(enum verify_question question);
const char *verify_answer_text(enum verify_answer answer);
