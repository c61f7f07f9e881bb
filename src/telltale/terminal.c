/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c -- see terminal.h. */
#include "telltale/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 120 };

size_t terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return COLUMNS_DEFAULT;
}

bool terminal_has_color(void)
{
    const char *no_color = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) == 1 && (no_color == NULL || *no_color == 0);
}

struct page terminal_page(struct buf *out, struct error *err)
{
    return (struct page){.out = out,
                         .color = terminal_has_color(),
                         .columns = terminal_columns(),
                         .status = ST_OK,
                         .err = err};
}

enum status stdout_write(struct slice text, struct error *err)
{
    if (text.size > 0 && fwrite(text.data, 1, text.size, stdout) != text.size)
        return error_set_errno(err, errno == EPIPE ? ST_STOPPING : ST_IO, "write the output");
    return ST_OK;
}
