/* SPDX-License-Identifier: Apache-2.0 */
/* witness_post.h -- showing a checkpoint to a witness, C2SP tlog-witness:
 *
 *     POST <endpoint>/add-checkpoint        200  lines with cosignatures
 *     old <size>                            404  it does not know the log
 *     <consistency proof, base64 lines>     403  no key of the log that it knows signed
 *                                           400  old is larger than the checkpoint
 *     <signed checkpoint>                   409  its own size is another, and this one
 *                                           422  the proof is wrong
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/http_client.h"
#include "witness_log.h"

enum witness_word {
    WITNESS_COSIGNED,
    WITNESS_ELSEWHERE, /* its size is another: reply.size */
    WITNESS_REFUSES,   /* it has judged: reply.status; somebody has to look */
    WITNESS_SILENT,    /* it may work the next time */
};

struct witness_reply {
    int status;
    uint64_t size;
    uint64_t unix_s; /* the time in the cosignature */
    uint32_t retry_after_ms;
};

/* Shows log->sent_note.  `note` gets the checkpoint with the cosignature of `key` under it.  `err`
 * is set for every word but WITNESS_COSIGNED and WITNESS_ELSEWHERE.  `body` is scratch. */
enum witness_word witness_post(struct http_client *client, const struct witness_log *log,
                               const struct note_vkey *key, uint64_t deadline_ns, struct buf *body,
                               struct buf *note, struct witness_reply *ret, struct error *err);
