/* SPDX-License-Identifier: Apache-2.0 */
/* proving_scene.c -- see proving_scene.h. */
#include "support/proving_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void begin(struct proving_scene *scene)
{
    file_store_init(&scene->store);
    file_store_prove(&scene->store);
    scene->store.notes = told_notes_listen(&scene->told);
}

int proving_scene_make(void **state)
{
    static struct proving_scene scene; /* too large for the stack */

    begin(&scene);
    *state = &scene;
    return 0;
}

int proving_scene_drop(void **state)
{
    struct proving_scene *scene = *state;

    file_store_fini(&scene->store);
    return 0;
}

void proving_scene_renew(struct proving_scene *scene)
{
    file_store_fini(&scene->store);
    begin(scene);
}

struct proofs_found proving_scene_look(const struct proving_scene *scene)
{
    struct proofs_found found;

    proofs_found_read(scene->store.path, &found);
    if (found.trouble[0] != 0)
        fail_msg("%s", found.trouble);
    return found;
}
