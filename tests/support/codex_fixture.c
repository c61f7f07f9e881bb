/* SPDX-License-Identifier: Apache-2.0 */
/* codex_fixture.c -- see codex_fixture.h. */
#include "support/codex_fixture.h"

struct codex_fixture codex;

int codex_set_up(void **state)
{
    (void)state;
    made_init(&codex.made);
    codex.normalizer = made_normalizer();
    return 0;
}

int codex_tear_down(void **state)
{
    (void)state;
    made_fini(&codex.made);
    normalizer_destroy(codex.normalizer);
    return 0;
}

void codex_make_event(const char *name, const char *conversation)
{
    made_fini(&codex.made);
    made_init(&codex.made);
    made_text(&codex.made, "event.name", name);
    if (conversation != NULL)
        made_text(&codex.made, "conversation.id", conversation);
}

struct normalized *codex_normalize(void)
{
    return made_normalize_otlp(&codex.made, codex.normalizer, CODEX_SCOPE);
}
