/* SPDX-License-Identifier: Apache-2.0 */
#include "support/golden.h"

#include <stdio.h>
#include <stdlib.h>

#include "telltale/base.h"

static void write_file(const char *path, struct slice text)
{
    FILE *file = fopen(path, "wb");
    ASSERT(file != NULL);
    ASSERT(fwrite(text.data, 1, text.size, file) == text.size);
    ASSERT(fclose(file) == 0);
}

bool golden_holds(const char *path, struct slice text, size_t *ret_line)
{
    if (getenv("UPDATE_GOLDEN") != NULL)
        write_file(path, text);
    *ret_line = 1;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return text.size == 0;
    size_t at = 0;
    int c = fgetc(file);
    while (c != EOF && at < text.size && text.data[at] == (uint8_t)c) {
        *ret_line += c == '\n';
        at++;
        c = fgetc(file);
    }
    (void)fclose(file); /* only read */
    return c == EOF && at == text.size;
}
