/* SPDX-License-Identifier: Apache-2.0 */
/* ack_lines.c -- see ack_lines.h. */
#include "support/ack_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "telltale/base.h"

static void take_line(struct ack_lines *lines, const char *line)
{
    unsigned long long number;

    if (sscanf(line, "{\"ack\":%llu}", &number) == 1) {
        ASSERT(number >= lines->handled);
        lines->handled = number;
        return;
    }
    snprintf(lines->last_error, sizeof(lines->last_error), "%.255s", line);
    if (sscanf(line, "{\"error\":{\"event\":%llu", &number) == 1) {
        ASSERT(number_set_add(&lines->refused, number));
    } else if (sscanf(line, "{\"error\":{\"code\":\"errors_lost\",\"message\":\"%llu errors",
                      &number) == 1) {
        lines->errors_lost += number;
    } else if (strncmp(line, "{\"error\":", 9) == 0) {
        lines->other_errors++;
    } else {
        fprintf(stderr, "the daemon answers: %s\n", line);
        abort();
    }
}

ptrdiff_t ack_lines_read(struct ack_lines *lines, int fd, int flags)
{
    ASSERT(lines->size < sizeof(lines->text) - 1);
    ssize_t got = recv(fd, lines->text + lines->size, sizeof(lines->text) - 1 - lines->size, flags);
    if (got <= 0)
        return got;
    lines->size += (size_t)got;
    lines->text[lines->size] = '\0';
    char *start = lines->text;
    for (char *end; (end = strchr(start, '\n')) != NULL; start = end + 1) {
        *end = '\0';
        take_line(lines, start);
    }
    lines->size = (size_t)(lines->text + lines->size - start);
    memmove(lines->text, start, lines->size);
    return got;
}

void ack_lines_fini(struct ack_lines *lines)
{
    number_set_fini(&lines->refused);
}
