/* SPDX-License-Identifier: Apache-2.0 */
/* config_parse.c -- for each field its value or its default, then each key that no field
 * has.  A default is read by the same functions as a value of the file; one that cannot be
 * read is a bug of its table.
 *
 * Memory: values go to the pool of the configuration, paths of messages to that of the
 * report.  A refused allocation is remembered by the pool; the caller asks it at the end. */
#include "config/config_parse.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/config_reference.h"
#include "config/config_suggest.h"
#include "config/config_value.h"

/* One value on its way into its struct. */
struct target {
    struct config_parse *parse;
    const struct config_field *field;
    void *value;      /* base + offset */
    const char *path; /* with the key */
};

const char *config_parse_path(struct config_parse *parse, const char *path, const char *key)
{
    if (path[0] == 0)
        return key;
    const char *result = config_pool_printf(parse->report->pool, "%s.%s", path, key);
    return result != NULL ? result : path;
}

static void report_error(const struct target *target, const struct yaml_node *node,
                         const struct error *err)
{
    if (target->field->secret)
        config_report_add_secret(target->parse->report, node->place, target->path, "%s", err->text);
    else
        config_report_add(target->parse->report, node->place, target->path, "%s", err->text);
}

/* What a value of this type is called. */
static const char *type_name(enum config_type type)
{
    static const char *const names[] = {
        [CONFIG_TEXT] = "a text",
        [CONFIG_BOOL] = "true or false",
        [CONFIG_INTEGER] = "a whole number",
        [CONFIG_SIZE] = "a size",
        [CONFIG_DURATION] = "a duration",
        [CONFIG_ENUM] = "one word",
        [CONFIG_MODE] = "a file mode",
        [CONFIG_PATH] = "an absolute path",
        [CONFIG_TEXT_LIST] = "a list",
        [CONFIG_TEXT_MAP] = "a map of texts",
        [CONFIG_SECTION] = "a map of options",
        [CONFIG_SECTION_MAP] = "a map of names, with options each",
        [CONFIG_ROOM] = "a size, or a share like '5%'",
    };

    ASSERT(type < COUNT_OF(names));
    return names[type];
}

static const char *found_name(const struct yaml_node *node)
{
    if (node->kind == YAML_LIST)
        return "a list";
    if (node->kind == YAML_MAP)
        return "a map";
    return node->empty ? "nothing" : "a single value";
}

static void report_kind(const struct target *target, const struct yaml_node *node)
{
    struct error err;

    (void)error_set(&err, ST_INVALID, "needs %s, but this is %s", type_name(target->field->type),
                    found_name(node));
    report_error(target, node, &err);
}

static const char *write_number(enum config_type type, uint64_t value,
                                char out[CONFIG_VALUE_TEXT_MAX])
{
    if (type == CONFIG_SIZE)
        return config_write_size(value, out);
    if (type == CONFIG_DURATION)
        return config_write_duration(value, out);
    snprintf(out, CONFIG_VALUE_TEXT_MAX, "%" PRIu64, value);
    return out;
}

static enum status check_range(const struct config_field *field, uint64_t value, struct error *err)
{
    char bound[CONFIG_VALUE_TEXT_MAX];
    char text[CONFIG_VALUE_TEXT_MAX];

    if (value < field->min) {
        return error_set(err, ST_INVALID, "%s is below the minimum of %s",
                         write_number(field->type, value, text),
                         write_number(field->type, field->min, bound));
    }
    if (field->max != 0 && value > field->max) {
        return error_set(err, ST_INVALID, "%s is above the maximum of %s",
                         write_number(field->type, value, text),
                         write_number(field->type, field->max, bound));
    }
    return ST_OK;
}

static enum status read_number(const struct config_field *field, const char *text, uint64_t *ret,
                               struct error *err)
{
    uint64_t value = 0;
    enum status st;

    if (field->type == CONFIG_SIZE)
        st = config_read_size(text, &value, err);
    else if (field->type == CONFIG_DURATION)
        st = config_read_duration(text, &value, err);
    else
        st = config_read_integer(text, &value, err);
    if (st == ST_OK)
        st = check_range(field, value, err);
    if (st == ST_OK)
        *ret = value;
    return st;
}

static enum status read_choice(const struct config_field *field, const char *text, int *ret,
                               struct error *err)
{
    struct config_suggestion suggestion = {.wrong = text};

    for (int i = 0; field->choices[i] != NULL; i++) {
        if (strcmp(field->choices[i], text) == 0) {
            *ret = i;
            return ST_OK;
        }
        config_suggest(&suggestion, field->choices[i]);
    }
    if (suggestion.best != NULL) {
        return error_set(err, ST_INVALID, "unknown value '%.64s'; did you mean '%s'?", text,
                         suggestion.best);
    }
    char known[128] = "";
    for (size_t i = 0; field->choices[i] != NULL; i++) {
        size_t used = strlen(known);
        int more = snprintf(known + used, sizeof(known) - used, "%s%s", i > 0 ? ", " : "",
                            field->choices[i]);
        if (more < 0 || (size_t)more >= sizeof(known) - used)
            return error_set(err, ST_INVALID, "unknown value '%.64s'", text);
    }
    return error_set(err, ST_INVALID, "unknown value '%.64s'; known are: %s", text, known);
}

static enum status read_text(const struct target *target, const char *text, const char **ret,
                             struct error *err)
{
    const char *value = NULL;

    enum status st =
        config_reference_resolve(target->parse->pool, target->parse->dirs, text, &value, err);
    if (st != ST_OK)
        return st;
    if (target->field->type == CONFIG_PATH && value[0] != '/')
        return error_set(err, ST_INVALID, "the path '%.100s' is not absolute", value);
    *ret = value;
    return ST_OK;
}

static enum status read_scalar(const struct target *target, const char *text, struct error *err)
{
    switch (target->field->type) {
    case CONFIG_BOOL:
        return config_read_bool(text, target->value, err);
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        return read_number(target->field, text, target->value, err);
    case CONFIG_ENUM:
        return read_choice(target->field, text, target->value, err);
    case CONFIG_MODE:
        return config_read_mode(text, target->value, err);
    case CONFIG_ROOM:
        return config_read_room(text, target->value, err);
    default:
        return read_text(target, text, target->value, err);
    }
}

static void parse_scalar(const struct target *target, const struct yaml_node *node)
{
    struct error err;

    if (node->kind != YAML_SCALAR || node->empty)
        report_kind(target, node);
    else if (read_scalar(target, node->text, &err) != ST_OK)
        report_error(target, node, &err);
}

/* One text inside a list or a map; "" when it is wrong, which was reported. */
static const char *parse_item(const struct target *target, const struct yaml_node *node)
{
    const char *value = "";
    struct error err;

    if (node->kind != YAML_SCALAR || node->empty) {
        (void)error_set(&err, ST_INVALID, "needs a text here, but this is %s", found_name(node));
        report_error(target, node, &err);
    } else if (read_text(target, node->text, &value, &err) != ST_OK) {
        report_error(target, node, &err);
    } else if (target->field->choices != NULL) {
        int index;
        if (read_choice(target->field, value, &index, &err) != ST_OK) {
            report_error(target, node, &err);
            value = "";
        }
    }
    return value;
}

static void parse_list(const struct target *target, const struct yaml_node *node)
{
    struct config_text_list *list = target->value;

    if (node->kind != YAML_LIST) {
        report_kind(target, node);
        return;
    }
    const char **items =
        config_pool_alloc(target->parse->pool, (node->count + 1) * sizeof(items[0]));
    if (items == NULL)
        return;
    size_t count = 0;
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next)
        items[count++] = parse_item(target, item);
    *list = (struct config_text_list){items, count};
}

static void parse_map(const struct target *target, const struct yaml_node *node)
{
    struct config_text_map *map = target->value;

    if (node->kind != YAML_MAP) {
        report_kind(target, node);
        return;
    }
    struct config_text_pair *pairs =
        config_pool_alloc(target->parse->pool, (node->count + 1) * sizeof(pairs[0]));
    if (pairs == NULL)
        return;
    size_t count = 0;
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (item->key->text == NULL)
            continue; /* reported by the reader of the tree */
        pairs[count].key =
            config_pool_copy(target->parse->pool, item->key->text, item->key->text_size);
        pairs[count].value = parse_item(target, item);
        count++;
    }
    *map = (struct config_text_map){pairs, count};
}

static void parse_value(const struct target *target, const struct yaml_node *node)
{
    if (target->field->type == CONFIG_TEXT_LIST)
        parse_list(target, node);
    else if (target->field->type == CONFIG_TEXT_MAP)
        parse_map(target, node);
    else
        parse_scalar(target, node);
}

/* Lists and maps stand as YAML in their default_text. */
static void set_structured_default(const struct target *target)
{
    struct config_report report;
    struct yaml_node *node = NULL;
    struct error err;
    bool complete;

    config_report_init(&report, target->parse->report->pool, "default",
                       slice_of_text(target->field->default_text));
    if (yaml_tree_read(&report, &node, &complete, &err) != ST_OK)
        return; /* out of memory: the pool remembers it */
    ASSERT(report.count == 0 && node != NULL);
    parse_value(target, node);
}

static void set_default(const struct target *target)
{
    struct error err;

    if (target->field->default_text == NULL)
        return;
    if (target->field->type == CONFIG_TEXT_LIST || target->field->type == CONFIG_TEXT_MAP) {
        set_structured_default(target);
        return;
    }
    enum status st = read_scalar(target, target->field->default_text, &err);
    ASSERT(st == ST_OK || st == ST_NO_MEMORY);
}

/* "section:" with nothing below it means all defaults. */
static bool is_empty(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->empty;
}

/* A section that is something else than a map lacks more than an option. */
static bool may_lack_options(const struct yaml_node *section)
{
    return section->kind == YAML_MAP || is_empty(section);
}

static bool check_section_name(const struct target *target, const struct yaml_node *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (key->text_size > 0 && key->text_size <= CONFIG_SECTION_NAME_MAX &&
        strspn(key->text, allowed) == key->text_size)
        return true;
    config_report_add(target->parse->report, key->place, target->path,
                      "'%.80s' is not a name: letters, digits, '_' and '-', %d at most", key->text,
                      CONFIG_SECTION_NAME_MAX);
    return false;
}

static void parse_section_map(const struct target *target, const struct yaml_node *node)
{
    const struct config_field *field = target->field;
    struct config_section_map *map = target->value;
    struct config_parse *parse = target->parse;

    if (node->kind != YAML_MAP) {
        report_kind(target, node);
        return;
    }
    if (field->max != 0 && node->count > field->max) {
        config_report_add(parse->report, node->key->place, target->path,
                          "%zu sections, and no more than %" PRIu64 " are taken", node->count,
                          field->max);
        return;
    }
    uint8_t *items = config_pool_alloc(parse->pool, (node->count + 1) * field->item_size);
    if (items == NULL)
        return;
    size_t count = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child->key->text == NULL || !check_section_name(target, child->key))
            continue;
        uint8_t *item = items + count * field->item_size;
        const struct config_table table = {field->fields, item};
        *(const char **)(void *)item =
            config_pool_copy(parse->pool, child->key->text, child->key->text_size);
        config_parse_section(parse, child, config_parse_path(parse, target->path, child->key->text),
                             &table, 1);
        count++;
    }
    *map = (struct config_section_map){items, count};
}

static void parse_field(struct config_parse *parse, const struct yaml_node *section,
                        const char *path, const struct config_field *field, void *base)
{
    const struct yaml_node *node = yaml_find(section, field->key);
    struct target target = {.parse = parse, .field = field, .value = (char *)base + field->offset};

    if (field->type == CONFIG_SECTION) {
        const struct config_table table = {field->fields, target.value};
        if (field->fields != NULL) {
            config_parse_section(parse, node, config_parse_path(parse, path, field->key), &table,
                                 1);
        }
    } else if (field->type == CONFIG_SECTION_MAP) {
        target.path = config_parse_path(parse, path, field->key);
        if (node != NULL && !is_empty(node))
            parse_section_map(&target, node);
    } else {
        set_default(&target);
        if (node != NULL) {
            target.path = config_parse_path(parse, path, field->key);
            parse_value(&target, node);
        }
    }
    if (node == NULL && field->required && parse->complete && section != NULL &&
        may_lack_options(section)) {
        struct config_place place =
            section->key != NULL ? section->key->place : (struct config_place){0, 0};
        config_report_add(parse->report, place, path, "the option '%s' is required", field->key);
    }
}

static bool is_known(const char *key, const struct config_table *tables, size_t table_count,
                     struct config_suggestion *suggestion)
{
    for (size_t t = 0; t < table_count; t++) {
        for (const struct config_field *field = tables[t].fields; field->key != NULL; field++) {
            if (strcmp(field->key, key) == 0)
                return true;
            config_suggest(suggestion, field->key);
        }
    }
    return false;
}

static void report_unknown_keys(struct config_parse *parse, const struct yaml_node *node,
                                const char *path, const struct config_table *tables,
                                size_t table_count)
{
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        const char *key = child->key->text;
        if (key == NULL)
            continue; /* reported by the reader of the tree */
        struct config_suggestion suggestion = {.wrong = key};
        if (is_known(key, tables, table_count, &suggestion))
            continue;
        if (suggestion.best != NULL) {
            config_report_add(parse->report, child->key->place, path,
                              "unknown option '%.64s'; did you mean '%s'?", key, suggestion.best);
        } else {
            config_report_add(parse->report, child->key->place, path, "unknown option '%.64s'",
                              key);
        }
    }
}

void config_parse_section(struct config_parse *parse, const struct yaml_node *node,
                          const char *path, const struct config_table *tables, size_t table_count)
{
    if (node != NULL && node->kind != YAML_MAP && !is_empty(node)) {
        config_report_add(parse->report, node->place, path, "needs %s, but this is %s",
                          type_name(CONFIG_SECTION), found_name(node));
    }
    for (size_t t = 0; t < table_count; t++) {
        for (const struct config_field *field = tables[t].fields; field->key != NULL; field++)
            parse_field(parse, node, path, field, tables[t].base);
    }
    if (node != NULL && node->kind == YAML_MAP)
        report_unknown_keys(parse, node, path, tables, table_count);
}
