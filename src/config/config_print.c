/* SPDX-License-Identifier: Apache-2.0 */
/* config_print.c -- texts are always in double quotes with everything escaped that could
 * end them, so that no value needs thought.  A failed append is remembered and ends in the
 * status of the whole. */
#include "config/config_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "config/config_tables.h"
#include "config/config_value.h"

#define SECRET_MASK "(secret)"

struct printer {
    struct buf *out;
    struct error *err;
    enum status status;
};

static void print_text(struct printer *printer, const char *text)
{
    if (printer->status == ST_OK)
        printer->status = buf_append(printer->out, text, strlen(text), printer->err);
}

static void print_line_start(struct printer *printer, unsigned indent, const char *key)
{
    char spaces[] = "                                ";

    ASSERT(indent < sizeof(spaces));
    spaces[indent] = 0;
    print_text(printer, spaces);
    print_text(printer, key);
    print_text(printer, ":");
}

static void print_quoted(struct printer *printer, const char *text)
{
    char escaped[8];

    print_text(printer, "\"");
    for (; *text != 0; text++) {
        uint8_t byte = (uint8_t)*text;
        if (byte == '"' || byte == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7F)
            snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
        else
            snprintf(escaped, sizeof(escaped), "%c", byte);
        print_text(printer, escaped);
    }
    print_text(printer, "\"");
}

static void print_value_text(struct printer *printer, const struct config_field *field,
                             const char *text)
{
    print_quoted(printer, field->secret ? SECRET_MASK : text);
}

static void print_list(struct printer *printer, const struct config_field *field,
                       const struct config_text_list *list)
{
    print_text(printer, " [");
    for (size_t i = 0; i < list->count; i++) {
        print_text(printer, i > 0 ? ", " : "");
        print_value_text(printer, field, list->items[i]);
    }
    print_text(printer, "]\n");
}

static void print_map(struct printer *printer, const struct config_field *field,
                      const struct config_text_map *map)
{
    print_text(printer, " {");
    for (size_t i = 0; i < map->count; i++) {
        print_text(printer, i > 0 ? ", " : " ");
        print_quoted(printer, map->pairs[i].key);
        print_text(printer, ": ");
        print_value_text(printer, field, map->pairs[i].value);
    }
    print_text(printer, map->count > 0 ? " }\n" : "}\n");
}

static void print_scalar(struct printer *printer, const struct config_field *field,
                         const void *value)
{
    char text[CONFIG_VALUE_TEXT_MAX];
    char mode[CONFIG_VALUE_TEXT_MAX];
    char quoted[CONFIG_VALUE_TEXT_MAX + 2];
    const char *shown = text;

    switch (field->type) {
    case CONFIG_BOOL:
        shown = *(const bool *)value ? "true" : "false";
        break;
    case CONFIG_INTEGER:
        snprintf(text, sizeof(text), "%" PRIu64, *(const uint64_t *)value);
        break;
    case CONFIG_SIZE:
        config_write_size(*(const uint64_t *)value, text);
        break;
    case CONFIG_DURATION:
        config_write_duration(*(const uint64_t *)value, text);
        break;
    case CONFIG_ROOM:
        config_write_room(value, text);
        break;
    case CONFIG_MODE:
        config_write_mode(*(const uint32_t *)value, mode);
        snprintf(quoted, sizeof(quoted), "\"%s\"", mode);
        shown = quoted;
        break;
    default:
        shown = field->choices[*(const int *)value];
        break;
    }
    print_text(printer, " ");
    print_text(printer, field->secret ? SECRET_MASK : shown);
    print_text(printer, "\n");
}

/* A section without what it requires was not in the file, and may not be written. */
static bool is_absent(const struct config_field *section, const void *base)
{
    for (const struct config_field *field = section->fields; field->key != NULL; field++) {
        bool is_text = field->type == CONFIG_TEXT || field->type == CONFIG_PATH;
        if (is_text && field->required &&
            *(const char *const *)((const char *)base + field->offset) == NULL)
            return true;
    }
    return false;
}

static void print_fields(struct printer *printer, const struct config_field *fields,
                         const void *base, unsigned indent);

static void print_section_map(struct printer *printer, const struct config_field *field,
                              const struct config_section_map *map, unsigned indent)
{
    const uint8_t *item = map->items;

    print_text(printer, map->count > 0 ? "\n" : " {}\n");
    for (size_t i = 0; i < map->count; i++, item += field->item_size) {
        print_line_start(printer, indent + 2, *(const char *const *)(const void *)item);
        print_text(printer, "\n");
        print_fields(printer, field->fields, item, indent + 4);
    }
}

static void print_field(struct printer *printer, const struct config_field *field, const void *base,
                        unsigned indent)
{
    const void *value = (const char *)base + field->offset;

    if (field->type == CONFIG_TEXT || field->type == CONFIG_PATH) {
        const char *text = *(const char *const *)value;
        if (text == NULL)
            return; /* absent: there is no way to write that but to leave it out */
        print_line_start(printer, indent, field->key);
        print_text(printer, " ");
        print_value_text(printer, field, text);
        print_text(printer, "\n");
        return;
    }
    if (field->type == CONFIG_SECTION && is_absent(field, value))
        return;
    print_line_start(printer, indent, field->key);
    if (field->type == CONFIG_SECTION) {
        print_text(printer, "\n");
        print_fields(printer, field->fields, value, indent + 2);
    } else if (field->type == CONFIG_SECTION_MAP) {
        print_section_map(printer, field, value, indent);
    } else if (field->type == CONFIG_TEXT_LIST) {
        print_list(printer, field, value);
    } else if (field->type == CONFIG_TEXT_MAP) {
        print_map(printer, field, value);
    } else {
        print_scalar(printer, field, value);
    }
}

static void print_fields(struct printer *printer, const struct config_field *fields,
                         const void *base, unsigned indent)
{
    for (const struct config_field *field = fields; field->key != NULL; field++)
        print_field(printer, field, base, indent);
}

static void print_exporters(struct printer *printer, const struct config *config)
{
    if (config->exporter_count == 0) {
        print_text(printer, "exporters: {}\n");
        return;
    }
    print_text(printer, "exporters:\n");
    for (size_t i = 0; i < config->exporter_count; i++) {
        const struct config_exporter *exporter = &config->exporters[i];
        print_line_start(printer, 2, exporter->name);
        print_text(printer, "\n");
        print_fields(printer, exporter->ops->fields, exporter->config, 4);
        print_fields(printer, config_delivery_fields, &exporter->delivery, 4);
    }
}

enum status config_print(const struct config *config, struct buf *out, struct error *err)
{
    struct printer printer = {.out = out, .err = err, .status = ST_OK};

    for (const struct config_field *field = config_root_fields; field->key != NULL; field++) {
        if (field->fields == NULL)
            print_exporters(&printer, config);
        else
            print_field(&printer, field, config, 0);
    }
    return printer.status;
}
