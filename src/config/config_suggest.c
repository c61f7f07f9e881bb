/* SPDX-License-Identifier: Apache-2.0 */
/* config_suggest.c -- distance: letters inserted, removed, exchanged for another or swapped
 * with their neighbour.  A word is near when at most a third of it is wrong. */
#include "config/config_suggest.h"

#include <string.h>

enum { WORD_MAX = 48 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Three rows of the usual table are enough: the current one and the two above. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                size_t swapped = rows[(i - 2) % 3][j - 2] + 1;
                row[j] = swapped < row[j] ? swapped : row[j];
            }
        }
    }
    return rows[a_size % 3][b_size];
}

void config_suggest(struct config_suggestion *suggestion, const char *known)
{
    size_t wrong_size = strlen(suggestion->wrong);
    size_t known_size = strlen(known);

    if (wrong_size > WORD_MAX || known_size > WORD_MAX)
        return;
    size_t longer = wrong_size > known_size ? wrong_size : known_size;
    size_t found = distance(suggestion->wrong, wrong_size, known, known_size);
    if (found > (longer + 2) / 3)
        return;
    if (suggestion->best == NULL || found < suggestion->distance) {
        suggestion->best = known;
        suggestion->distance = found;
    }
}
