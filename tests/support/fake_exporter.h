/* SPDX-License-Identifier: Apache-2.0 */
/* fake_exporter.h -- a destination whose answers a test writes down beforehand.
 *
 * The test owns the struct and gives its address as the exporter's config.  It decides in this
 * order: a script while there is one, then `failures`, `poison`, `count_max`, and otherwise it
 * accepts.  With `answers_each` all of these, and `oversized`, `agains` and `unsaid`, are about
 * single records, and the answer is EXPORT_MIXED.
 * All instances that are made from it are the same, so that it can serve several lanes.
 *
 * Threads: the functions below are for the test's thread.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "telltale/exporter.h"

enum { FAKE_SCRIPT_MAX = 32, FAKE_SEQUENCE_MAX = 2048, FAKE_CALLS_MAX = 4096 };

struct fake_answer {
    enum export_result result;
    uint32_t rejected_count;
    uint32_t retry_after_ms;
};

struct fake_call {
    uint64_t first_sequence;
    uint64_t last_sequence;
    size_t record_count;
    enum export_result result;
    size_t calls_before; /* that had ended when this one began */
    size_t others;       /* that were under way when it began */
};

struct fake_exporter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* shared, under lock */
    struct fake_answer script[FAKE_SCRIPT_MAX];
    size_t script_count, script_next;
    bool always_retry;                   /* behind the script */
    bool poison[FAKE_SEQUENCE_MAX];      /* a batch with one of these is rejected */
    uint8_t failures[FAKE_SEQUENCE_MAX]; /* so often a batch with this record is to come again */
    size_t count_max;                    /* more records are too large; 0: any */
    bool answers_each;
    bool oversized[FAKE_SEQUENCE_MAX];     /* too large */
    uint8_t agains[FAKE_SEQUENCE_MAX];     /* so often the record is not taken, but not to blame */
    uint8_t unsaid[FAKE_SEQUENCE_MAX];     /* so often nothing is said about it */
    bool wordless;                         /* refusals of single records have no words */
    bool gate_closed;                      /* send() waits for it, or for its deadline */
    uint64_t held[FAKE_SEQUENCE_MAX / 64]; /* a bit a record: a batch that begins with it waits */
    size_t inside;                         /* send()s that are under way */
    size_t inside_most;                    /* at one time, ever */
    bool deaf;                             /* send() does not see its deadline, only a cancel */
    bool cancelled;
    size_t cancel_count;
    struct fake_call calls[FAKE_CALLS_MAX];
    size_t call_count;
    uint32_t delivered[FAKE_SEQUENCE_MAX]; /* how often each record was accepted */
    size_t delivered_count;                /* records accepted for the first time */
    int open_count;                        /* created and not destroyed */
    int open_most;                         /* at one time, ever */
    int create_failures;                   /* so many more creations behind the first one fail */
};

extern const struct exporter_ops fake_exporter_ops;

void fake_exporter_init(struct fake_exporter *fake);
void fake_exporter_fini(struct fake_exporter *fake);

void fake_exporter_script(struct fake_exporter *fake, const struct fake_answer *answers,
                          size_t count);
void fake_exporter_always_retry(struct fake_exporter *fake, bool on);
void fake_exporter_close_gate(struct fake_exporter *fake);
void fake_exporter_open_gate(struct fake_exporter *fake);
/* Batches that begin with this record wait inside send() until they are let go. */
void fake_exporter_hold(struct fake_exporter *fake, uint64_t first_sequence);
void fake_exporter_let_go(struct fake_exporter *fake, uint64_t first_sequence);
/* send() ends with a cancel or a let-go only, not at its deadline. */
void fake_exporter_ignore_deadlines(struct fake_exporter *fake);

/* Wait for what must come; a minute without it fails the test. */
void fake_exporter_wait_calls(struct fake_exporter *fake, size_t count);
void fake_exporter_wait_delivered(struct fake_exporter *fake, size_t count);
void fake_exporter_wait_inside(struct fake_exporter *fake);
/* At least `count` send()s are under way. */
void fake_exporter_wait_inside_count(struct fake_exporter *fake, size_t count);
/* So many instances are left, or fewer. */
void fake_exporter_wait_open_count(struct fake_exporter *fake, int count);

size_t fake_exporter_call_count(struct fake_exporter *fake);
