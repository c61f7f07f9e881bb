/* SPDX-License-Identifier: Apache-2.0 */
/* option.c -- see option.h. */
#include "support/option.h"

#include <stdlib.h>
#include <string.h>

void *option_make_config(const struct exporter_ops *ops)
{
    void *config = calloc(1, ops->config_size);
    ASSERT(config != NULL);
    return config;
}

static const struct config_field *find(const struct config_field *fields, const char *key,
                                       size_t size)
{
    for (; fields->key != NULL; fields++) {
        if (strlen(fields->key) == size && memcmp(fields->key, key, size) == 0)
            return fields;
    }
    return NULL;
}

static void *locate(const struct exporter_ops *ops, void *config, const char *path,
                    const struct config_field **ret_field)
{
    const struct config_field *fields = ops->fields;
    uint8_t *place = config;

    for (;;) {
        size_t size = strcspn(path, ".");
        const struct config_field *field = find(fields, path, size);
        ASSERT(field != NULL);
        place += field->offset;
        if (path[size] == 0) {
            *ret_field = field;
            return place;
        }
        ASSERT(field->type == CONFIG_SECTION);
        fields = field->fields;
        path += size + 1;
    }
}

void option_set_text(const struct exporter_ops *ops, void *config, const char *path,
                     const char *value)
{
    const struct config_field *field;
    void *place = locate(ops, config, path, &field);

    ASSERT(field->type == CONFIG_TEXT || field->type == CONFIG_PATH);
    *(const char **)place = value;
}

void option_set_number(const struct exporter_ops *ops, void *config, const char *path,
                       uint64_t value)
{
    const struct config_field *field;
    void *place = locate(ops, config, path, &field);

    ASSERT(field->type == CONFIG_INTEGER || field->type == CONFIG_SIZE ||
           field->type == CONFIG_DURATION);
    *(uint64_t *)place = value;
}

void option_set_bool(const struct exporter_ops *ops, void *config, const char *path, bool value)
{
    const struct config_field *field;
    void *place = locate(ops, config, path, &field);

    ASSERT(field->type == CONFIG_BOOL);
    *(bool *)place = value;
}

void option_set_enum(const struct exporter_ops *ops, void *config, const char *path,
                     const char *choice)
{
    const struct config_field *field;
    void *place = locate(ops, config, path, &field);

    ASSERT(field->type == CONFIG_ENUM);
    for (int i = 0; field->choices[i] != NULL; i++) {
        if (strcmp(field->choices[i], choice) == 0) {
            *(int *)place = i;
            return;
        }
    }
    ASSERT(!"no such choice");
}

void option_set_list(const struct exporter_ops *ops, void *config, const char *path,
                     struct config_text_list value)
{
    const struct config_field *field;
    void *place = locate(ops, config, path, &field);

    ASSERT(field->type == CONFIG_TEXT_LIST);
    *(struct config_text_list *)place = value;
}

void option_set_map(const struct exporter_ops *ops, void *config, const char *path,
                    struct config_text_map value)
{
    const struct config_field *field;
    void *place = locate(ops, config, path, &field);

    ASSERT(field->type == CONFIG_TEXT_MAP);
    *(struct config_text_map *)place = value;
}
