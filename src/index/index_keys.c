/* SPDX-License-Identifier: Apache-2.0 */
/* index_keys.c -- see index_keys.h. */
#include "index/index_keys.h"

#include "telltale/base.h"
#include "telltale/store_index.h"

static const struct {
    struct slice key;
    enum index_role role;
} roles[] = {
    {SLICE("session.id"), ROLE_SESSION},
    {SLICE("gen_ai.conversation.id"), ROLE_CONVERSATION},
    {SLICE("agent.parent.conversation.id"), ROLE_PARENT},
    {SLICE("session.previous_id"), ROLE_PARENT},
    {SLICE("agent.event.kind"), ROLE_KIND},
    {SLICE("agent.outcome"), ROLE_OUTCOME},
    {SLICE("agent.product"), ROLE_PRODUCT},
    {SLICE("user.email"), ROLE_USER_EMAIL},
    {SLICE("user.name"), ROLE_USER_NAME},
    {SLICE("user.id"), ROLE_USER_ID},
    {SLICE("process.user.name"), ROLE_PROCESS_USER},
    {SLICE("host.name"), ROLE_HOST},
    {SLICE("log.record.uid"), ROLE_UID},
};

/* The ends of keys, behind a '.' or alone. */
static const struct slice ids[] = {
    SLICE("session.id"),      SLICE("previous_id"), SLICE("conversation.id"),
    SLICE("turn.id"),         SLICE("call.id"),     SLICE("call_id"),
    SLICE("parent_call_id"),  SLICE("prompt_id"),   SLICE("prompt.id"),
    SLICE("execution.id"),    SLICE("agent.id"),    SLICE("agent.name"),
    SLICE("review.id"),       SLICE("user.id"),     SLICE("user.name"),
    SLICE("user.email"),      SLICE("host.id"),     SLICE("host.name"),
    SLICE("container.id"),    SLICE("peer.uid"),    SLICE("derived.from"),
    SLICE("duplicate.of"),    SLICE("event.kind"),  SLICE("agent.outcome"),
    SLICE("agent.product"),   SLICE("tool.name"),   SLICE("decision.outcome"),
    SLICE("organization.id"),
};

static bool ends_with(struct slice key, struct slice end)
{
    if (key.size < end.size || memcmp(key.data + key.size - end.size, end.data, end.size) != 0)
        return false;
    return key.size == end.size || key.data[key.size - end.size - 1] == '.';
}

struct index_key index_key_of(struct slice key)
{
    const struct slice prefix = SLICE("agent.norm.");
    struct index_key ret = {.role = ROLE_NONE};

    while (slice_starts_with(key, prefix)) {
        key = slice_from(key, prefix.size);
        ret.chain++;
    }
    for (size_t i = 0; i < COUNT_OF(roles) && ret.chain <= INDEX_CHAIN_MAX; i++) {
        if (slice_equal(roles[i].key, key))
            ret.role = roles[i].role;
    }
    for (size_t i = 0; i < COUNT_OF(ids) && !ret.is_id; i++)
        ret.is_id = ends_with(key, ids[i]);
    return ret;
}

bool store_index_has_key(struct slice key)
{
    return index_key_of(key).is_id;
}
