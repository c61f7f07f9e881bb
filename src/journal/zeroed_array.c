/* SPDX-License-Identifier: Apache-2.0 */
/* zeroed_array.c -- see zeroed_array.h. */
#include "journal/zeroed_array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

enum status zeroed_array_reserve(void **array, size_t *capacity, size_t count, size_t item_size,
                                 struct error *err)
{
    if (count <= *capacity)
        return ST_OK;
    size_t wanted = *capacity > 0 ? *capacity : FIRST_CAPACITY;
    while (wanted < count)
        wanted *= 2;
    uint8_t *grown = realloc(*array, wanted * item_size);
    if (grown == NULL)
        return error_set(err, ST_NO_MEMORY, "grow to %zu items", wanted);
    memset(grown + *capacity * item_size, 0, (wanted - *capacity) * item_size);
    *array = grown;
    *capacity = wanted;
    return ST_OK;
}
