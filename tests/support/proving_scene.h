/* SPDX-License-Identifier: Apache-2.0 */
/* proving_scene.h -- a forensic store that proves itself, written by the real exporter, and what it
 * has put on record.  Failures fail the test.
 *
 * Threads: the test's.
 */
#pragma once

#include "support/file_store.h"
#include "support/proofs_found.h"
#include "support/told_notes.h"

struct proving_scene {
    struct file_store store; /* not started */
    struct told_notes told;
};

/* For cmocka; the state is a struct proving_scene. */
int proving_scene_make(void **state);
int proving_scene_drop(void **state);

#define PROVING_TEST(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, proving_scene_make, proving_scene_drop)

/* Another store in place of the one there is. */
void proving_scene_renew(struct proving_scene *scene);

/* What can be proved of it, in which there must be no trouble. */
struct proofs_found proving_scene_look(const struct proving_scene *scene);
