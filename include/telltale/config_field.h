/* SPDX-License-Identifier: Apache-2.0 */
/* config_field.h -- one option of a configuration section.
 *
 * A table of these parses, checks, prints and documents a section: the parser writes each
 * value into the section's struct at `offset`.  Texts and lists are owned by the
 * configuration and live as long as it does.
 *
 * A default_text is written as in the file, lists and maps as YAML.  Texts and paths may begin
 * with ${run_dir} or ${state_dir}, which become the daemon's directories.
 *
 * Threads: constant tables, read by all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_TEXT,        /* const char *; NULL when absent and without default */
    CONFIG_BOOL,        /* bool */
    CONFIG_INTEGER,     /* uint64_t, plain number within min and max */
    CONFIG_SIZE,        /* uint64_t bytes: "16MiB", "1GB", "512" */
    CONFIG_DURATION,    /* uint64_t nanoseconds: "5s", "2ms", "1h", "180d" */
    CONFIG_ENUM,        /* int: index into `choices` */
    CONFIG_MODE,        /* uint32_t: file mode in octal, "0660" */
    CONFIG_PATH,        /* const char *: as CONFIG_TEXT; must be absolute */
    CONFIG_TEXT_LIST,   /* struct config_text_list; with `choices`: of those words only */
    CONFIG_TEXT_MAP,    /* struct config_text_map: headers and the like */
    CONFIG_SECTION,     /* nested struct: `fields`, laid at `offset` */
    CONFIG_SECTION_MAP, /* struct config_section_map: sections that the file gives names to */
    CONFIG_ROOM,        /* struct config_room: "10GiB", or "5%" of a file system */
};

struct config_text_list {
    const char *const *items;
    size_t count;
};

struct config_text_pair {
    const char *key;
    const char *value;
};

struct config_text_map {
    const struct config_text_pair *pairs;
    size_t count;
};

/* In the order of the file. */
struct config_section_map {
    const void *items; /* structs of `item_size` bytes, which begin with a const char *: the name */
    size_t count;
};

/* One of the two is 0. */
struct config_room {
    uint64_t bytes;
    uint32_t percent;
};

struct config_field {
    const char *key;
    enum config_type type;
    size_t offset;                     /* offsetof in the section's struct */
    uint64_t min, max;                 /* numbers, sizes and durations; max 0: no upper limit;
                                          CONFIG_SECTION_MAP: how many */
    const char *default_text;          /* as it would stand in the file; NULL: none */
    const char *help;                  /* a sentence or two, for the reference page */
    const char *const *choices;        /* CONFIG_ENUM, CONFIG_TEXT_LIST: NULL-terminated */
    const struct config_field *fields; /* sections: ends with a field whose key is NULL */
    size_t item_size;                  /* CONFIG_SECTION_MAP */
    bool required; /* inside a nested section: when that section is in the file */
    bool secret;   /* never printed */
};
