/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_tree.c -- built from the parser's events with a stack of open maps and lists, not from
 * its document: that would follow aliases, and a few lines of them can stand for terabytes.
 *
 * The first syntax error ends the reading, since nothing behind it can be trusted. */
#include "config/yaml_tree.h"

#include <libfyaml.h>

struct builder {
    struct config_report *report;
    struct fy_parser *parser;
    struct yaml_node *root;
    struct yaml_node *open[YAML_DEPTH_MAX];    /* maps and lists, outermost first */
    struct yaml_node *pending[YAML_DEPTH_MAX]; /* the key of an open map that waits for a value */
    size_t depth;
    size_t skip_depth; /* > 0: inside a key that is a map or a list, which we leave out */
    size_t node_count;
    size_t document_count;
    size_t last_offset; /* end of the last scalar: the place of a value that is not there */
    bool stop;
};

static struct config_place place_of_event(const struct builder *builder, struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark(event);
    const struct fy_mark *end = fy_event_end_mark(event);

    if (start == NULL)
        return (struct config_place){builder->last_offset, 0};
    size_t size =
        end != NULL && end->input_pos > start->input_pos ? end->input_pos - start->input_pos : 0;
    return (struct config_place){start->input_pos, size};
}

/* An anchor or an alias: its mark leaves the sign in front of it out. */
static struct config_place place_with_sign(struct config_place place)
{
    if (place.offset > 0)
        place.offset--;
    place.size++;
    return place;
}

static struct config_place place_of_anchor(struct fy_token *anchor)
{
    const struct fy_mark *start = fy_token_start_mark(anchor);

    return start != NULL ? place_with_sign((struct config_place){start->input_pos, 0})
                         : (struct config_place){0, 0};
}

static void problem(struct builder *builder, struct config_place place, const char *text)
{
    config_report_add(builder->report, place, "", "%s", text);
}

static struct yaml_node *new_node(struct builder *builder, enum yaml_kind kind,
                                  struct config_place place)
{
    if (builder->node_count == YAML_NODES_MAX) {
        problem(builder, place, "the file has too many values");
        builder->stop = true;
        return NULL;
    }
    builder->node_count++;
    struct yaml_node *node = config_pool_alloc(builder->report->pool, sizeof(*node));
    if (node == NULL) {
        builder->stop = true;
        return NULL;
    }
    node->kind = kind;
    node->place = place;
    return node;
}

static bool is_empty(struct fy_token *token, const char *text, size_t size)
{
    if (token == NULL || size == 0)
        return token == NULL || fy_scalar_token_get_style(token) == FYSS_PLAIN;
    return fy_scalar_token_get_style(token) == FYSS_PLAIN &&
           ((size == 1 && text[0] == '~') || (size == 4 && memcmp(text, "null", 4) == 0));
}

static struct yaml_node *scalar_node(struct builder *builder, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    size_t size = 0;
    const char *text = token != NULL ? fy_token_get_text(token, &size) : NULL;
    struct config_place place = place_of_event(builder, event);
    struct yaml_node *node = new_node(builder, YAML_SCALAR, place);

    if (node == NULL)
        return NULL;
    if (text == NULL)
        size = 0;
    builder->last_offset = place.offset + place.size;
    node->empty = is_empty(token, text, size);
    node->text = config_pool_copy(builder->report->pool, text, size);
    node->text_size = size;
    if (node->text == NULL) {
        builder->stop = true;
        return NULL;
    }
    if (memchr(node->text, 0, size) != NULL)
        problem(builder, place, "a text may not contain a NUL");
    /* The marks leave the quotes out. */
    if (token != NULL && place.offset > 0 &&
        (fy_scalar_token_get_style(token) == FYSS_DOUBLE_QUOTED ||
         fy_scalar_token_get_style(token) == FYSS_SINGLE_QUOTED)) {
        node->place.offset--;
        node->place.size += 2;
    }
    return node;
}

static void append_child(struct yaml_node *parent, struct yaml_node *node)
{
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->count++;
}

static void take_key(struct builder *builder, struct yaml_node *node)
{
    struct yaml_node *map = builder->open[builder->depth - 1];

    if (map->count == YAML_KEYS_MAX) {
        problem(builder, node->place, "the map has too many keys");
        builder->stop = true;
        return;
    }
    const struct yaml_node *before = yaml_find(map, node->text);
    if (before != NULL)
        config_report_add(builder->report, node->place, "", "'%.64s' stands here twice",
                          node->text);
    builder->pending[builder->depth - 1] = node;
}

static void take_value(struct builder *builder, struct yaml_node *node)
{
    if (builder->depth == 0) {
        builder->root = node;
        return;
    }
    struct yaml_node *parent = builder->open[builder->depth - 1];
    if (parent->kind == YAML_MAP) {
        node->key = builder->pending[builder->depth - 1];
        builder->pending[builder->depth - 1] = NULL;
        /* The second of two equal keys was reported; the first one counts. */
        if (node->key->text != NULL && yaml_find(parent, node->key->text) != NULL)
            return;
    }
    append_child(parent, node);
}

static bool expects_key(const struct builder *builder)
{
    return builder->depth > 0 && builder->open[builder->depth - 1]->kind == YAML_MAP &&
           builder->pending[builder->depth - 1] == NULL;
}

static void on_scalar(struct builder *builder, struct fy_event *event)
{
    struct yaml_node *node = scalar_node(builder, event);

    if (node == NULL)
        return;
    if (expects_key(builder))
        take_key(builder, node);
    else
        take_value(builder, node);
}

static void on_start(struct builder *builder, struct fy_event *event, enum yaml_kind kind)
{
    struct config_place place = place_of_event(builder, event);

    if (builder->depth == YAML_DEPTH_MAX) {
        problem(builder, place, "nested too deeply");
        builder->stop = true;
        return;
    }
    place.size = 0; /* up to its end would be most of the file */
    struct yaml_node *node = new_node(builder, kind, place);
    if (node == NULL)
        return;
    if (expects_key(builder)) {
        problem(builder, place, "a key must be a plain text");
        builder->skip_depth = 1;
        builder->pending[builder->depth - 1] = node; /* without a text */
        return;
    }
    take_value(builder, node);
    builder->open[builder->depth] = node;
    builder->pending[builder->depth] = NULL;
    builder->depth++;
}

/* Reports what we do not take of YAML; the value itself is used all the same. */
static void refuse_extras(struct builder *builder, struct fy_event *event)
{
    struct fy_token *anchor = NULL;
    struct fy_token *tag = NULL;

    if (event->type == FYET_SCALAR) {
        anchor = event->scalar.anchor;
        tag = event->scalar.tag;
    } else if (event->type == FYET_MAPPING_START) {
        anchor = event->mapping_start.anchor;
        tag = event->mapping_start.tag;
    } else if (event->type == FYET_SEQUENCE_START) {
        anchor = event->sequence_start.anchor;
        tag = event->sequence_start.tag;
    }
    if (anchor != NULL)
        problem(builder, place_of_anchor(anchor), "anchors and aliases are not supported");
    if (tag != NULL)
        problem(builder, place_of_event(builder, event), "tags are not supported");
}

static void on_alias(struct builder *builder, struct fy_event *event)
{
    struct config_place place = place_with_sign(place_of_event(builder, event));
    struct yaml_node *node = new_node(builder, YAML_SCALAR, place);

    problem(builder, place, "anchors and aliases are not supported");
    builder->stop = true; /* what it stands for is missing: more would only confuse */
    if (node != NULL && !expects_key(builder)) {
        node->text = "";
        node->empty = true;
        take_value(builder, node);
    }
}

/* Follows a key that is a map or a list to its end. */
static void skip(struct builder *builder, const struct fy_event *event)
{
    if (event->type == FYET_MAPPING_START || event->type == FYET_SEQUENCE_START)
        builder->skip_depth++;
    if (event->type == FYET_MAPPING_END || event->type == FYET_SEQUENCE_END)
        builder->skip_depth--;
}

static void on_event(struct builder *builder, struct fy_event *event)
{
    refuse_extras(builder, event);
    if (builder->skip_depth > 0) {
        skip(builder, event);
        return;
    }
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (builder->document_count++ > 0) {
            problem(builder, place_of_event(builder, event), "a second document begins here");
            builder->stop = true;
        }
        break;
    case FYET_SCALAR:
        on_scalar(builder, event);
        break;
    case FYET_ALIAS:
        on_alias(builder, event);
        break;
    case FYET_MAPPING_START:
        on_start(builder, event, YAML_MAP);
        break;
    case FYET_SEQUENCE_START:
        on_start(builder, event, YAML_LIST);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        ASSERT(builder->depth > 0);
        builder->depth--;
        break;
    default:
        break;
    }
}

static size_t offset_of_position(struct slice source, int line, int column)
{
    size_t offset = 0;

    for (int i = 1; i < line && offset < source.size; i++) {
        const uint8_t *end = memchr(source.data + offset, '\n', source.size - offset);
        offset = end != NULL ? (size_t)(end - source.data) + 1 : source.size;
    }
    for (int i = 1; i < column && offset < source.size && source.data[offset] != '\n'; i++)
        offset++;
    return offset;
}

static void report_syntax_errors(struct config_report *report, struct fy_diag *diag)
{
    size_t before = report->count;
    void *iterator = NULL;

    for (;;) {
        const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
        if (error == NULL)
            break;
        struct config_place place = {offset_of_position(report->source, error->line, error->column),
                                     0};
        config_report_add(report, place, "", "%.200s", error->msg != NULL ? error->msg : "invalid");
    }
    if (report->count == before)
        config_report_add(report, (struct config_place){0, 0}, "", "this is not valid YAML");
}

static void read_events(struct builder *builder, struct fy_diag *diag)
{
    while (!builder->stop) {
        struct fy_event *event = fy_parser_parse(builder->parser);
        if (event == NULL)
            break;
        on_event(builder, event);
        fy_parser_event_free(builder->parser, event);
    }
    if (fy_parser_get_stream_error(builder->parser)) {
        report_syntax_errors(builder->report, diag);
        builder->stop = true;
    }
}

enum status yaml_tree_read(struct config_report *report, struct yaml_node **ret, bool *ret_complete,
                           struct error *err)
{
    struct builder builder = {.report = report};
    struct fy_diag_cfg diag_cfg;
    enum status st = ST_OK;

    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    if (diag == NULL)
        return error_set(err, ST_NO_MEMORY, "start the YAML reader");
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE,
        .diag = diag,
    };
    builder.parser = fy_parser_create(&cfg);
    if (builder.parser == NULL ||
        fy_parser_set_string(builder.parser, (const char *)report->source.data,
                             report->source.size) != 0) {
        st = error_set(err, ST_NO_MEMORY, "start the YAML reader");
        goto out;
    }
    read_events(&builder, diag);
    if (report->pool->failed) {
        st = error_set(err, ST_NO_MEMORY, "the configuration needs too much memory");
        goto out;
    }
    *ret = builder.root;
    *ret_complete = !builder.stop;
out:
    fy_parser_destroy(builder.parser);
    fy_diag_destroy(diag);
    return st;
}

struct yaml_node *yaml_find(const struct yaml_node *node, const char *key)
{
    if (node == NULL || node->kind != YAML_MAP)
        return NULL;
    for (struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child->key->text != NULL && strcmp(child->key->text, key) == 0)
            return child;
    }
    return NULL;
}
