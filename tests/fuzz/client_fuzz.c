/* SPDX-License-Identifier: Apache-2.0 */
/* client_fuzz.c -- any bytes as the answers of a daemon: the client library comes to an end, says
 * nothing is durable that was not acknowledged, and never acknowledges what was not sent.
 *
 * The first byte says how many events are sent, the second how many of the answer's bytes are there
 * before them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/temp_dir.h"
#include "telltale/client.h"
#include "telltale/slice.h"
#include "util/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 16, ANSWERS_MAX = 16 << 10, TIMEOUT_S = 10 };

static struct temp_dir dir;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener = -1;

static void clean_up(void)
{
    temp_dir_remove(&dir);
}

static void set_up(void)
{
    temp_dir_prefer_memory();
    temp_dir_make(&dir);
    (void)atexit(clean_up);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir.path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(listener >= 0);
    ASSERT(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
    ASSERT(listen(listener, 1) == 0);
}

static void answer(int fd, struct slice bytes)
{
    ASSERT(send(fd, bytes.data, bytes.size, MSG_NOSIGNAL) == (ssize_t)bytes.size);
}

/* Whether the answers have the beginning of an ack of just so many. */
static bool says_ack_of(struct slice answers, uint64_t count)
{
    static const char start[] = "{\"ack\":";
    const char *at = (const char *)answers.data;
    size_t left = answers.size;

    for (size_t i = 0; i + sizeof(start) - 1 < left; i++) {
        if (memcmp(at + i, start, sizeof(start) - 1) == 0 &&
            strtoull(at + i + sizeof(start) - 1, NULL, 10) == count)
            return true;
    }
    return false;
}

static void check(const struct telltale_client *client, enum status st, struct slice answers,
                  const struct error *err)
{
    uint64_t sent = telltale_client_sent(client);
    uint64_t acked = telltale_client_acked(client);

    ASSERT(st == ST_OK || st == ST_INVALID || st == ST_IO || st == ST_CORRUPT);
    ASSERT(acked <= sent);
    ASSERT(acked == 0 || says_ack_of(answers, acked));
    ASSERT(st != ST_OK || (acked == sent && telltale_client_refused(client) == 0));
    ASSERT(st != ST_INVALID || (acked == sent && telltale_client_refused(client) > 0));
    ASSERT(st == ST_OK || (err->text[0] != '\0' && strlen(err->text) < sizeof(err->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[ANSWERS_MAX + 1];
    uint64_t deadline_ns = clock_monotonic_ns() + TIMEOUT_S * NS_PER_S;
    struct telltale_client *client;
    struct error err = {.status = ST_OK};

    if (size < 2 || size - 2 > ANSWERS_MAX)
        return -1;
    if (listener < 0)
        set_up();
    memcpy(text, data + 2, size - 2); /* with a NUL behind it */
    text[size - 2] = '\0';
    struct slice answers = slice_of(text, size - 2);
    size_t early = data[1] < answers.size ? data[1] : answers.size;

    ASSERT(telltale_client_open(address.sun_path, deadline_ns, &client, &err) == ST_OK);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ASSERT(fd >= 0);
    answer(fd, slice_of(answers.data, early));
    enum status st = ST_OK;
    for (unsigned int i = 0; i < data[0] % EVENTS_MAX && st == ST_OK; i++)
        st = telltale_client_send(client, "{}", 2, deadline_ns, &err);
    answer(fd, slice_from(answers, early));
    ASSERT(shutdown(fd, SHUT_WR) == 0);
    st = telltale_client_wait(client, deadline_ns, &err);
    check(client, st, answers, &err);
    (void)close(fd); /* nothing was to be kept */
    telltale_client_close(client);
    return 0;
}
