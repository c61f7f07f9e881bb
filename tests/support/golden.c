/* SPDX-License-Identifier: Apache-2.0 */
/* golden.c -- see golden.h. */
#include "support/golden.h"

#include <stdio.h>
#include <stdlib.h>

#include "telltale/base.h"

enum { FILE_SIZE_MAX = 4 * 1024 * 1024 };

struct slice golden_read(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        perror(path);
    ASSERT(file != NULL);
    uint8_t *data = malloc(FILE_SIZE_MAX);
    ASSERT(data != NULL);
    size_t size = fread(data, 1, FILE_SIZE_MAX, file);
    ASSERT(size < FILE_SIZE_MAX && !ferror(file));
    (void)fclose(file); /* only read from */
    return slice_of(data, size);
}

static void write_file(const char *path, struct slice content)
{
    FILE *file = fopen(path, "wbe");

    ASSERT(file != NULL);
    ASSERT(fwrite(content.data, 1, content.size, file) == content.size);
    ASSERT(fclose(file) == 0);
}

static void show_difference(const char *path, struct slice expected, struct slice actual)
{
    size_t line = 1;
    size_t start = 0;

    for (size_t i = 0; i < expected.size && i < actual.size; i++) {
        if (expected.data[i] != actual.data[i])
            break;
        if (expected.data[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    fprintf(stderr, "%s differs from line %zu on; there is now:\n%.*s\n", path, line,
            SLICE_ARG(slice_from(actual, start)));
}

void golden_check(const char *path, struct slice actual)
{
    if (getenv("UPDATE_GOLDEN") != NULL) {
        write_file(path, actual);
        return;
    }
    struct slice expected = golden_read(path);
    bool equal = slice_equal(expected, actual);
    if (!equal)
        show_difference(path, expected, actual);
    free((void *)expected.data);
    ASSERT(equal);
}
