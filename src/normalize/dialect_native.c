/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_native.c -- senders that speak the model itself over the Unix socket, and those that
 * nobody knows.
 *
 * A native sender is believed in what the model lets it say (mapping.c keeps back the keys that
 * are ours alone), if the value has the type and is among the words of the model.  A value that
 * is only written differently (a number as text, "Denied") is put right under agent.norm.; one
 * that is not of the model is listed in agent.norm.errors.
 *
 * An event whose kind is unknown, or that lacks what its kind requires, is not refused: the
 * sender would lose it.  It becomes agent.other, with the reason in agent.norm.errors.
 */
#include "normalize/coerce.h"
#include "normalize/dialect.h"

enum { SEVERITY_MAX = 24 };

enum { NATIVE_PHASE, NATIVE_SOURCE_COUNT };

static const char *const sources[NATIVE_SOURCE_COUNT] = {[NATIVE_PHASE] = "phase"};

/* The index of `text` in the words; -1 when it is none of them. */
static int find_word(const char *const *words, struct slice text)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (text_equal_nocase(text, words[i]))
            return i;
    }
    return -1;
}

/* --- Values ------------------------------------------------------------------------------ */

/* Writes what the sender meant by a value that is not of the model; false: nothing of it. */
static bool put_right(struct mapping *m, enum schema_key key, const struct any_view *value)
{
    const struct schema_attribute *attribute = &schema_attributes[key];
    int64_t integer = 0;
    double number = 0;
    bool truth = false;
    int word = -1;
    switch (attribute->type) {
    case VALUE_TEXT:
        if (value->type != ANY_TYPE_STRING)
            return false;
        word = find_word(attribute->words, value->bytes);
        if (word >= 0)
            mapping_put_word(m, key, (unsigned)word);
        return word >= 0;
    case VALUE_INT:
        if (!coerce_int(value, &integer))
            return false;
        mapping_put_int(m, key, integer);
        return true;
    case VALUE_DOUBLE:
        if (!coerce_double(value, &number))
            return false;
        mapping_put_double(m, key, number);
        return true;
    case VALUE_BOOL:
        if (!coerce_bool(value, &truth))
            return false;
        mapping_put_bool(m, key, truth);
        return true;
    case VALUE_TEXTS:
        return false;
    }
    return false;
}

static void check_values(struct mapping *m)
{
    for (size_t i = 0; i < m->record.attribute_count; i++) {
        uint16_t id = m->attribute_ids[i];
        if (id >= SCHEMA_KEY_COUNT || m->at[id] != i + 1)
            continue;
        const struct any_view *value = &m->record.attributes[i].value;
        if (value->type == m->plain_types[id] && value->type != ANY_TYPE_NONE)
            continue;
        if (mapping_is_valid((enum schema_key)id, value) || mapping_is_ours_alone(id))
            continue;
        if (!put_right(m, (enum schema_key)id, value))
            mapping_error(m, m->record.attributes[i].key);
    }
}

/* Whether the key is there with a value that is, or could be made, one of the model. */
static bool is_given(const struct mapping *m, uint16_t key)
{
    const struct any_view *value = key < SCHEMA_KEY_COUNT ? mapping_value(m, key) : NULL;
    if (value == NULL)
        return false;
    if (mapping_is_valid((enum schema_key)key, value))
        return true;
    for (size_t i = 0; i < m->error_count; i++) {
        if (slice_equal(m->errors[i], slice_of_text(schema_attributes[key].key)))
            return false;
    }
    return true;
}

/* The word that the sender gave for `key`; -1 when it gave none. */
static int given_word(const struct mapping *m, enum schema_key key)
{
    const struct any_view *value = mapping_value(m, key);
    if (value == NULL || value->type != ANY_TYPE_STRING)
        return -1;
    return find_word(schema_attributes[key].words, value->bytes);
}

/* --- Events ---------------------------------------------------------------------------------- */

static bool lacks_required(struct mapping *m, const struct schema_kind *kind)
{
    bool lacks = false;
    for (size_t i = 0; i < kind->required_count; i++) {
        const uint16_t *either = kind->required[i];
        if (is_given(m, either[0]) || is_given(m, either[1]))
            continue;
        mapping_error(m, slice_of_text(schema_attributes[either[0]].key));
        lacks = true;
    }
    return lacks;
}

static void choose_phase(struct mapping *m, const struct schema_kind *kind)
{
    m->phase = kind->default_phase;
    int word = given_word(m, KEY_AGENT_EVENT_PHASE);
    if (word < 0) {
        struct slice phase = mapping_source_text(m, NATIVE_PHASE);
        word = phase.size > 0 ? find_word(words_phase, phase) : -1;
        if (word < 0 && phase.size > 0)
            mapping_error(m, SLICE("phase"));
    }
    if (word < 0)
        return;
    if (kind->phases & 1 << word)
        m->phase = (enum event_phase)word;
    else
        mapping_error(m, SLICE("agent.event.phase"));
}

/* What the rest of the record says about how it ended, when the sender does not. */
static enum outcome conclude_outcome(const struct mapping *m)
{
    static const enum outcome of_decision[] = {
        [DECISION_ALLOW] = OUTCOME_SUCCESS,   [DECISION_DENY] = OUTCOME_DENIED,
        [DECISION_ASK] = OUTCOME_PENDING,     [DECISION_MODIFY] = OUTCOME_SUCCESS,
        [DECISION_DEFER] = OUTCOME_PENDING,   [DECISION_ABORT] = OUTCOME_CANCELLED,
        [DECISION_TIMEOUT] = OUTCOME_TIMEOUT, [DECISION_UNKNOWN] = OUTCOME_UNKNOWN,
    };
    int decision = given_word(m, KEY_AGENT_DECISION_OUTCOME);
    if (decision >= 0)
        return of_decision[decision];
    const struct any_view *exit_value = mapping_value(m, KEY_PROCESS_EXIT_CODE);
    int64_t exit_code = 0;
    if (exit_value != NULL && coerce_int(exit_value, &exit_code))
        return exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
    if (mapping_value(m, KEY_ERROR_TYPE) != NULL)
        return OUTCOME_FAILURE;
    return m->phase == PHASE_START ? OUTCOME_PENDING : OUTCOME_UNKNOWN;
}

/* The sender's severity: the attribute, or else the field. */
static uint32_t given_severity(const struct mapping *m)
{
    const struct any_view *value = mapping_value(m, KEY_AGENT_SEVERITY);
    int64_t severity = 0;
    if (value != NULL && coerce_int(value, &severity) && severity >= 1 && severity <= SEVERITY_MAX)
        return (uint32_t)severity;
    return m->record.severity_number <= SEVERITY_MAX ? m->record.severity_number : 0;
}

static void finish_event(struct mapping *m)
{
    uint16_t kind = text_table_find(&m->kinds, m->input->native_kind);
    m->severity = given_severity(m);
    check_values(m);
    if (kind == TEXT_TABLE_NONE) {
        if (m->input->native_kind.size > 0)
            mapping_error(m, m->input->native_kind);
        return;
    }
    if (lacks_required(m, &schema_kinds[kind]))
        return;
    m->kind = (enum event_kind)kind;
    m->classification = CLASS_EXACT;
    choose_phase(m, &schema_kinds[kind]);
    m->outcome = conclude_outcome(m);
    /* Where the sender gives these, its words are the values; the engine's copy is not written. */
    int outcome = given_word(m, KEY_AGENT_OUTCOME);
    int role = given_word(m, KEY_AGENT_ROLE);
    int classification = given_word(m, KEY_AGENT_CLASSIFICATION);
    if (outcome >= 0)
        m->outcome = (enum outcome)outcome;
    if (role >= 0)
        m->role = (enum agent_role)role;
    if (classification >= 0)
        m->classification = (enum classification)classification;
}

/* Nothing is known about a record of an unknown sender but how loud it is. */
static void finish_unknown(struct mapping *m)
{
    if (m->record.severity_number <= SEVERITY_MAX)
        m->severity = m->record.severity_number;
}

/* --- Dialects -------------------------------------------------------------------------------- */

static const struct dialect_event other = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL,
};

const struct dialect dialect_native = {
    .name = "native",
    .sources = sources,
    .source_count = COUNT_OF(sources),
    .otherwise = &other,
    .finish = finish_event,
};

const struct dialect dialect_unknown = {
    .name = "unknown",
    .product = "unknown",
    .otherwise = &other,
    .finish = finish_unknown,
};
