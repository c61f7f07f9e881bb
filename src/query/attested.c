/* SPDX-License-Identifier: Apache-2.0 */
/* attested.c -- see attested.h. */
#include "query/attested.h"

#include "query/lookup.h"
#include "wire/believed.h"

enum { CONTAINER_DIGITS = 12, EXECUTABLE_COLUMNS = 80, KEY_COLUMNS = 48 };

static const char attestation_key[] = "agent.peer.attestation";

/* --- The sender ------------------------------------------------------------------------------- */

/* `number` of attributes if there is none. */
static size_t index_of(const struct record_view *view, const struct any_view *value)
{
    size_t i = 0;

    while (i < view->attribute_count && &view->attributes[i].value != value)
        i++;
    return i;
}

/* The value of `key` behind the attestation, under as many agent.norm. as it; NULL: none. */
static const struct any_view *find(const struct record_view *view, size_t attestation,
                                   const char *key)
{
    struct slice own = slice_of_text(attestation_key);
    size_t prefix = view->attributes[attestation].key.size - own.size;
    struct slice wanted = slice_of_text(key);

    for (size_t i = attestation; i < view->attribute_count; i++) {
        struct slice there = view->attributes[i].key;
        if (there.size == prefix + wanted.size && slice_equal(slice_from(there, prefix), wanted) &&
            slice_starts_with(there, slice_of(view->attributes[attestation].key.data, prefix)))
            return &view->attributes[i].value;
    }
    return NULL;
}

static struct slice text_of(const struct any_view *value)
{
    return value != NULL && value->type == ANY_TYPE_STRING ? value->bytes : SLICE_EMPTY;
}

static double number_of(const struct any_view *value)
{
    return value != NULL && value->type == ANY_TYPE_INT ? (double)value->integer : -1;
}

void attested_read(const struct record_view *view, struct attested_peer *ret)
{
    size_t at = index_of(view, lookup_attribute(view, attestation_key));

    *ret = (struct attested_peer){.pid = -1, .uid = -1};
    if (at == view->attribute_count)
        return;
    ret->attestation = text_of(&view->attributes[at].value);
    ret->pid = number_of(find(view, at, "agent.peer.pid"));
    ret->uid = number_of(find(view, at, "agent.peer.uid"));
    ret->executable = text_of(find(view, at, "agent.peer.executable.path"));
    ret->container_id = text_of(find(view, at, "agent.peer.container.id"));
}

static bool same_text(struct slice a, struct slice b)
{
    return a.size == 0 || b.size == 0 || slice_equal(a, b);
}

bool attested_is_same(const struct attested_peer *a, const struct attested_peer *b)
{
    return a->uid == b->uid && same_text(a->executable, b->executable) &&
           same_text(a->container_id, b->container_id);
}

void attested_put(struct page *page, const struct attested_peer *peer)
{
    if (peer->uid < 0) {
        page_put(page, "not known");
    } else {
        page_put(page, "uid ");
        page_put_number(page, peer->uid);
    }
    if (peer->pid >= 0) {
        page_put(page, ", pid ");
        page_put_number(page, peer->pid);
    }
    if (peer->executable.size > 0) {
        page_put(page, ", ");
        page_put_text(page, peer->executable, EXECUTABLE_COLUMNS);
    }
    if (peer->container_id.size > 0) {
        struct slice id = peer->container_id;
        page_put(page, ", container ");
        page_put_text(
            page, slice_of(id.data, id.size < CONTAINER_DIGITS ? id.size : CONTAINER_DIGITS), 0);
    }
    page_put(page, " (");
    page_put_text(page, peer->attestation, KEY_COLUMNS);
    page_put(page, ")");
}

/* --- Forged keys -------------------------------------------------------------------------------
 */

/* Keys that no sender writes, whatever it speaks. */
static bool is_daemons_alone(struct slice key)
{
    static const char *const keys[] = {
        "agent.schema.version", "agent.event.kind", "agent.dialect",
        "agent.dialect.event",  "agent.transport",  "agent.time.source",
        "agent.norm.errors",    "agent.derived",    "agent.derived.from"};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (slice_equal(key, slice_of_text(keys[i])))
            return true;
    }
    return slice_starts_with(key, SLICE("agent.norm.")) ||
           slice_starts_with(key, SLICE("agent.peer."));
}

/* Keys are listed for other reasons too; then the sender wrote no such attribute. */
static bool is_there(const struct record_view *view, struct slice key)
{
    for (size_t i = 0; i < view->attribute_count; i++) {
        if (slice_equal(view->attributes[i].key, key))
            return true;
    }
    return false;
}

size_t attested_forged_keys(const struct record_view *view, struct slice ret[ATTESTED_FORGED_MAX])
{
    const struct any_view *errors = lookup_attribute(view, "agent.norm.errors");
    bool is_native = slice_equal(lookup_text(view, "agent.dialect"), SLICE("native"));
    struct any_view item;
    size_t count = 0;

    if (errors == NULL || errors->type != ANY_TYPE_ARRAY)
        return 0;
    struct pb_walk walk = pb_walk_start(errors->bytes);
    struct pb_field field;
    struct error ignored;
    while (count < ATTESTED_FORGED_MAX && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != LIST_VALUES || field.type != WIRE_BYTES ||
            otlp_read_any(field.bytes, &item, &ignored) != ST_OK || item.type != ANY_TYPE_STRING)
            continue;
        bool is_ours = is_native ? is_daemons_alone(item.bytes)
                                 : slice_starts_with(item.bytes, SLICE("agent."));
        if ((is_ours && is_there(view, item.bytes)) || slice_equal(item.bytes, BELIEVED_ALL))
            ret[count++] = item.bytes;
    }
    return count;
}

bool attested_may_be_one_fact(const struct record_view *a, const struct record_view *b)
{
    struct slice forged[ATTESTED_FORGED_MAX];
    struct attested_peer of_a, of_b;

    attested_read(a, &of_a);
    attested_read(b, &of_b);
    if (of_a.attestation.size > 0 && of_b.attestation.size > 0 && of_a.uid != of_b.uid)
        return false;
    return attested_forged_keys(a, forged) == 0 && attested_forged_keys(b, forged) == 0;
}
