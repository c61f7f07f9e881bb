/* SPDX-License-Identifier: Apache-2.0 */
/* request_size.c -- see request_size.h.  A request counts as full from three quarters of the
 * present size on: whole records seldom fill it to the brim. */
#include "deliver/request_size.h"

void request_size_init(struct request_size *size, size_t configured)
{
    *size = (struct request_size){
        .configured = configured, .present = configured, .doubt = REQUEST_SIZE_DOUBT_FIRST};
}

void request_size_refuse(struct request_size *size, size_t bytes)
{
    size_t half = bytes / 2;

    /* It was tried again, and is believed for longer.  Of requests that went out together only the
     * first to be refused counts: then the present size is below what was refused. */
    if (size->refused != 0 && size->present >= size->refused &&
        size->doubt < REQUEST_SIZE_DOUBT_MAX)
        size->doubt *= 2;
    if (size->refused == 0 || bytes < size->refused)
        size->refused = bytes;
    size->accepted = 0;
    if (half < REQUEST_SIZE_LEAST)
        half = REQUEST_SIZE_LEAST;
    if (half < size->present)
        size->present = half;
}

static size_t step_of(const struct request_size *size)
{
    size_t step = size->configured / REQUEST_SIZE_STEPS;

    return step > 0 ? step : 1;
}

void request_size_accept(struct request_size *size, size_t bytes)
{
    uint64_t patience = REQUEST_SIZE_PATIENCE;

    if (size->refused != 0 && bytes >= size->refused) { /* its limit was raised */
        size->refused = 0;
        size->doubt = REQUEST_SIZE_DOUBT_FIRST;
    }
    if (size->present >= size->configured || bytes < size->present - size->present / 4)
        return;
    size_t step = step_of(size);
    size_t larger =
        size->present < size->configured - step ? size->present + step : size->configured;
    if (size->refused != 0 && larger >= size->refused)
        patience *= size->doubt;
    size->accepted++;
    if (size->accepted < patience)
        return;
    size->accepted = 0;
    size->present = larger;
}
