/* SPDX-License-Identifier: Apache-2.0 */
/* told_source.c -- see told_source.h. */
#include "normalize/told_source.h"

static struct slice their_text(const struct mapping *m, enum schema_key key)
{
    const struct any_view *value = mapping_value(m, (uint16_t)key);
    return value != NULL && value->type == ANY_TYPE_STRING ? value->bytes : SLICE_EMPTY;
}

/* What the present record says by `key`, in the fields that were appended or, before them, by its
 * sender; empty when it is absent or no text. */
static struct slice find_said(const struct mapping *m, size_t start, enum schema_key key)
{
    struct slice found = their_text(m, key);
    struct pb_walk walk = pb_walk_start(slice_of(m->out->data + start, m->out->size - start));
    struct pb_field field;
    struct error ignored;
    while (pb_next(&walk, &field) == PB_FIELD) {
        struct attribute_view attribute;
        if (field.number == RECORD_ATTRIBUTES && field.type == WIRE_BYTES &&
            otlp_read_attribute(field.bytes, &attribute, &ignored) == ST_OK &&
            slice_equal(attribute.key, slice_of_text(schema_attributes[key].key)) &&
            attribute.value.type == ANY_TYPE_STRING)
            found = attribute.value.bytes;
    }
    return found;
}

static void copy_said(char *out, size_t size, struct slice text)
{
    if (out[0] != 0 || text.size == 0 || text.size >= size ||
        memchr(text.data, 0, text.size) != NULL)
        return;
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
}

void told_source_fill(struct normalized_source *source, const struct mapping *m, size_t start)
{
    source->is_hook |= m->input->hook != NULL;
    if (source->product[0] == 0) {
        struct slice product = find_said(m, start, KEY_AGENT_PRODUCT);
        if (!slice_equal(product, SLICE("unknown")) && !slice_equal(product, SLICE("other")))
            copy_said(source->product, sizeof(source->product), product);
    }
    if (source->session[0] == 0)
        copy_said(source->session, sizeof(source->session), find_said(m, start, KEY_SESSION_ID));
    if (source->session[0] == 0)
        copy_said(source->session, sizeof(source->session),
                  find_said(m, start, KEY_GEN_AI_CONVERSATION_ID));
}
