/* SPDX-License-Identifier: Apache-2.0 */
/* config_doc.c -- a heading for each section, a table of its options, then the sections
 * inside it.  What the tables cannot say stands here as text. */
#include "config/config_doc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "config/config_tables.h"
#include "config/config_value.h"

struct writer {
    struct buf *out;
    struct error *err;
    enum status status; /* of the first append that failed */
};

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "Every option of `telltale.yaml`, made from the tables that read it.\n"
    "\n"
    "No file at all is a complete configuration: the defaults below. A file is used as a whole\n"
    "or not at all: `telltale check FILE` shows every mistake in it, with its line and column,\n"
    "and the daemon starts, or reloads, only without any. Unknown options are mistakes.\n"
    "\n"
    "## Values\n"
    "\n"
    "| Type | Written as |\n"
    "|---|---|\n"
    "| text | any YAML scalar |\n"
    "| path | an absolute path |\n"
    "| bool | `true` or `false`, no other word |\n"
    "| integer | a whole number |\n"
    "| size | a whole number with `B`, `KiB`, `MiB`, `GiB`, `TiB`, `kB`, `MB`, `GB` or `TB`; "
    "without a unit bytes |\n"
    "| duration | a whole number with `ns`, `us`, `ms`, `s`, `m`, `h`, `d` or `w`; only `0` "
    "needs no unit |\n"
    "| mode | a file mode in octal, `\"0660\"` |\n"
    "| list | a list of texts, `[ one, two ]` |\n"
    "| map | a map of texts, `{ key: text }` |\n"
    "| room | a size, or a share of the file system as a whole number with `%` |\n"
    "\n"
    "YAML's anchors, aliases and tags are not taken. A file may have 1 MiB.\n"
    "\n"
    "Texts, paths and the texts of lists and maps can stand elsewhere. `${env:NAME}` as the\n"
    "whole value is that environment variable, `${file:/path}` is the content of that file\n"
    "without its last line feed; that is where secrets belong. `${run_dir}` and `${state_dir}`\n"
    "at the start of a value are the daemon's directories:\n"
    "\n"
    "| | run directory | state directory |\n"
    "|---|---|---|\n"
    "| root | `/run/telltale` | `/var/lib/telltale` |\n"
    "| other users | `$XDG_RUNTIME_DIR/telltale`, or `/tmp/telltale-UID` | "
    "`$XDG_STATE_HOME/telltale`, or `~/.local/state/telltale` |\n"
    "| option | `--run-dir` | `--state-dir` |\n"
    "\n";

static const char exporters_introduction[] =
    "A map of destinations. The name of each is its type, or its type, a slash and a name of\n"
    "your own when there are several of that type: `file`, `file/forensic`. It names the\n"
    "destination in messages, in counters and on the disk, where its position in the journal is\n"
    "kept: under a new name everything is sent again. Letters, digits, `_` and `-`; 64 at most.\n"
    "\n"
    "Without `exporters` there is one, the forensic store:\n"
    "\n"
    "    exporters:\n"
    "      " CONFIG_DEFAULT_EXPORTERS "\n"
    "\n"
    "A file that has `exporters` says all of them: repeat the store there to keep it.\n"
    "`exporters: {}` is none at all.\n"
    "\n";

static void write_text(struct writer *writer, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void write_text(struct writer *writer, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ASSERT(size >= 0 && (size_t)size < sizeof(text)); /* only our own tables come here */
    if (writer->status == ST_OK)
        writer->status = buf_append(writer->out, text, (size_t)size, writer->err);
}

static void write_long_text(struct writer *writer, const char *text)
{
    if (writer->status == ST_OK)
        writer->status = buf_append(writer->out, text, strlen(text), writer->err);
}

static const char *type_name(enum config_type type)
{
    static const char *const names[] = {
        [CONFIG_TEXT] = "text",         [CONFIG_BOOL] = "bool",
        [CONFIG_INTEGER] = "integer",   [CONFIG_SIZE] = "size",
        [CONFIG_DURATION] = "duration", [CONFIG_ENUM] = "choice",
        [CONFIG_MODE] = "mode",         [CONFIG_PATH] = "path",
        [CONFIG_TEXT_LIST] = "list",    [CONFIG_TEXT_MAP] = "map",
        [CONFIG_SECTION] = "section",   [CONFIG_SECTION_MAP] = "sections",
        [CONFIG_ROOM] = "room",
    };

    ASSERT(type < COUNT_OF(names));
    return names[type];
}

static const char *write_bound(const struct config_field *field, uint64_t value,
                               char out[CONFIG_VALUE_TEXT_MAX])
{
    if (field->type == CONFIG_SIZE)
        return config_write_size(value, out);
    if (field->type == CONFIG_DURATION)
        return config_write_duration(value, out);
    snprintf(out, CONFIG_VALUE_TEXT_MAX, "%" PRIu64, value);
    return out;
}

static void write_type(struct writer *writer, const struct config_field *field)
{
    char least[CONFIG_VALUE_TEXT_MAX];
    char most[CONFIG_VALUE_TEXT_MAX];

    if (field->type == CONFIG_ENUM) {
        for (size_t i = 0; field->choices[i] != NULL; i++)
            write_text(writer, "%s`%s`", i > 0 ? ", " : "", field->choices[i]);
        return;
    }
    write_text(writer, "%s", type_name(field->type));
    if (field->max != 0) {
        write_text(writer, ", %s to %s", write_bound(field, field->min, least),
                   write_bound(field, field->max, most));
    } else if (field->min != 0) {
        write_text(writer, ", at least %s", write_bound(field, field->min, least));
    }
}

static void write_option(struct writer *writer, const struct config_field *field)
{
    write_text(writer, "| `%s` | ", field->key);
    write_type(writer, field);
    if (field->default_text != NULL)
        write_text(writer, " | `%s` | ", field->default_text);
    else
        write_text(writer, " | %s | ", field->required ? "required" : "");
    write_text(writer, "%s%s |\n", field->help != NULL ? field->help : "",
               field->secret ? " A secret: it is never printed." : "");
}

static bool is_section(const struct config_field *field)
{
    return field->type == CONFIG_SECTION || field->type == CONFIG_SECTION_MAP;
}

static bool has_options(const struct config_field *fields)
{
    for (const struct config_field *field = fields; field->key != NULL; field++) {
        if (!is_section(field))
            return true;
    }
    return false;
}

static void write_section(struct writer *writer, const struct config_field *fields,
                          const char *path)
{
    char inner[256];

    if (has_options(fields)) {
        write_text(writer, "| Option | Type | Default | Meaning |\n|---|---|---|---|\n");
        for (const struct config_field *field = fields; field->key != NULL; field++) {
            if (!is_section(field))
                write_option(writer, field);
        }
        write_text(writer, "\n");
    }
    for (const struct config_field *field = fields; field->key != NULL; field++) {
        if (!is_section(field))
            continue;
        snprintf(inner, sizeof(inner), "%s.%s%s", path, field->key,
                 field->type == CONFIG_SECTION_MAP ? ".NAME" : "");
        write_text(writer, "### `%s`\n\n%s\n\n", inner, field->help != NULL ? field->help : "");
        write_section(writer, field->fields, inner);
    }
}

static void write_exporters(struct writer *writer, const struct exporter_ops *const *exporters,
                            size_t exporter_count)
{
    char path[128];

    write_long_text(writer, exporters_introduction);
    write_text(writer, "Every exporter has these options beside those of its type:\n\n");
    write_section(writer, config_delivery_fields, "exporters.TYPE");
    for (size_t i = 0; i < exporter_count; i++) {
        snprintf(path, sizeof(path), "exporters.%s", exporters[i]->name);
        write_text(writer, "### `%s`\n\n", path);
        if (exporters[i]->fields[0].key == NULL)
            write_text(writer, "No options of its own.\n\n");
        write_section(writer, exporters[i]->fields, path);
    }
}

enum status config_doc(const struct exporter_ops *const *exporters, size_t exporter_count,
                       struct buf *out, struct error *err)
{
    struct writer writer = {.out = out, .err = err, .status = ST_OK};

    write_long_text(&writer, introduction);
    for (const struct config_field *field = config_root_fields; field->key != NULL; field++) {
        write_text(&writer, "## `%s`\n\n%s\n\n", field->key, field->help);
        if (field->fields == NULL)
            write_exporters(&writer, exporters, exporter_count);
        else
            write_section(&writer, field->fields, field->key);
    }
    if (writer.status == ST_OK && out->size > 0)
        out->size--; /* one line feed at the end, not two */
    return writer.status;
}
