/* SPDX-License-Identifier: Apache-2.0 */
/* answers.c -- see answers.h.  An ack becomes a line only when everything before it is written:
 * that is what keeps a sender that does not read at one ack. */
#include "receivers/answers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "wire/otlp_json.h"

void answers_init(struct answers *answers)
{
    *answers = (struct answers){0};
    buf_init(&answers->out, ANSWERS_SIZE_MAX);
}

void answers_fini(struct answers *answers)
{
    buf_fini(&answers->out);
}

void answers_ack(struct answers *answers, uint64_t count)
{
    ASSERT(count >= answers->ack_wanted);
    answers->ack_wanted = count;
}

static enum status append_error(struct buf *out, uint64_t event, const char *code,
                                const char *message, struct error *err)
{
    char head[128];

    int size = event > 0
                   ? snprintf(head, sizeof(head),
                              "{\"error\":{\"event\":%" PRIu64 ",\"code\":\"%s\"", event, code)
                   : snprintf(head, sizeof(head), "{\"error\":{\"code\":\"%s\"", code);
    ASSERT(size > 0 && (size_t)size < sizeof(head));
    enum status st = buf_append(out, head, (size_t)size, err);
    if (st == ST_OK)
        st = buf_append(out, ",\"message\":", 11, err);
    if (st == ST_OK)
        st = json_append_text(out, slice_of_text(message), err);
    if (st == ST_OK)
        st = buf_append(out, "}}\n", 3, err);
    return st;
}

static bool tell_lost(struct answers *answers)
{
    char message[96];
    struct error ignored;

    if (answers->errors_lost == 0)
        return true;
    snprintf(message, sizeof(message), "%" PRIu64 " errors were not read in time",
             answers->errors_lost);
    size_t before = answers->out.size;
    if (append_error(&answers->out, 0, "errors_lost", message, &ignored) != ST_OK) {
        answers->out.size = before;
        return false;
    }
    answers->errors_lost = 0;
    return true;
}

bool answers_error(struct answers *answers, uint64_t event, const char *code, const char *message)
{
    struct error ignored;
    size_t before = answers->out.size;

    if (tell_lost(answers)) {
        before = answers->out.size;
        if (append_error(&answers->out, event, code, message, &ignored) == ST_OK)
            return true;
    }
    answers->out.size = before;
    answers->errors_lost++;
    return false;
}

static enum status write_out(struct answers *answers, int fd, struct error *err)
{
    while (answers->written < answers->out.size) {
        ssize_t sent = send(fd, answers->out.data + answers->written,
                            answers->out.size - answers->written, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return error_set(err, ST_AGAIN, "the sender does not read its answers");
        if (sent < 0)
            return error_set_errno(err, ST_IO, "answer");
        answers->written += (size_t)sent;
    }
    buf_trim(&answers->out, 4096);
    answers->written = 0;
    return ST_OK;
}

enum status answers_write(struct answers *answers, int fd, struct error *err)
{
    enum status st = write_out(answers, fd, err);

    if (st != ST_OK || (answers->ack_wanted == answers->acked && answers->errors_lost == 0))
        return st;
    if (!tell_lost(answers))
        return error_set(err, ST_NO_MEMORY, "answer");
    if (answers->ack_wanted > answers->acked) {
        char line[48];
        int size = snprintf(line, sizeof(line), "{\"ack\":%" PRIu64 "}\n", answers->ack_wanted);
        ASSERT(size > 0 && (size_t)size < sizeof(line));
        st = buf_append(&answers->out, line, (size_t)size, err);
        if (st != ST_OK)
            return st;
        answers->acked = answers->ack_wanted;
    }
    return write_out(answers, fd, err);
}
