/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_reply_fuzz.c -- what a hostile time stamp authority may answer: the first byte chooses
 * the status, the content type and whether certificates are believed, the rest is the body.  What
 * is granted is over what was asked, and stands a second look. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "exporters/timestamp/timestamp_post.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct timestamp_authority *read_authority(void)
{
    static struct timestamp_authority *authority;
    struct error err;

    if (authority == NULL) {
        enum status st = timestamp_authority_read(TEST_CORPUS_DIR "/../fuzz/timestamp_reply.pem",
                                                  &authority, &err);
        ASSERT(st == ST_OK);
    }
    return authority;
}

/* That of the seeds. */
static struct timestamp_query make_query(void)
{
    return (struct timestamp_query){.imprint = hash_bytes(SLICE("a checkpoint\n")),
                                    .nonce = {1, 2, 3, 4, 5, 6, 7, 8}};
}

static void check_token(struct slice token, struct timestamp_authority *authority)
{
    struct timestamp_info info;
    struct buf text, again;
    struct error err;

    if (timestamp_token_check(token, authority, &info, &err) == TIMESTAMP_GOOD) {
        ASSERT(info.unix_s > 0 && info.policy[0] != 0);
        ASSERT(memchr(info.signer, '\n', strlen(info.signer)) == NULL);
    }
    buf_init(&text, 65536);
    buf_init(&again, 65536);
    if (token.size <= TIMESTAMP_TOKEN_MAX) {
        enum status st = timestamp_token_put_text(token, &text, &err);
        ASSERT(st == ST_OK);
        st = timestamp_token_take_text(buf_slice(&text), &again, &err);
        ASSERT(st == ST_OK && slice_equal(buf_slice(&again), token));
    }
    (void)(timestamp_token_take_text(token, &again, &err) == ST_OK);
    buf_fini(&text);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 200, 200, 302, 404, 429, 503};
    const struct timestamp_query query = make_query();
    struct timestamp_answer answer;
    struct timestamp_info info;
    struct error err = {.text = ""};

    if (size < 1)
        return 0;
    struct timestamp_authority *authority = (data[0] & 8) != 0 ? NULL : read_authority();
    const struct http_response response = {
        .status = statuses[data[0] % COUNT_OF(statuses)],
        .type = (data[0] & 16) != 0 ? "text/html" : "application/timestamp-reply",
        .location = "",
        .is_cut = (data[0] & 32) != 0,
        .body = slice_of(data + 1, size - 1),
    };
    enum timestamp_word word = timestamp_judge(&response, &query, authority, &answer, &err);
    ASSERT((word == TIMESTAMP_GRANTED) == (err.text[0] == 0));
    ASSERT(word != TIMESTAMP_REFUSED || answer.reply.trouble > 0);
    if (word == TIMESTAMP_GRANTED) {
        ASSERT(response.status == 200 && !response.is_cut && (data[0] & 16) == 0);
        ASSERT(hash_equal(&answer.reply.info.imprint, &query.imprint));
        enum timestamp_verdict verdict =
            timestamp_token_check(answer.reply.token, authority, &info, &err);
        ASSERT(verdict == TIMESTAMP_GOOD && info.unix_s == answer.reply.info.unix_s);
    }
    check_token(response.body, authority);
    return 0;
}
