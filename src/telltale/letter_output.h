/* SPDX-License-Identifier: Apache-2.0 */
/* letter_output.h -- dead letters as people and programs read them.
 *
 * The table and the plain text are safe for a terminal.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "deliver/letter.h"

/* How a letter is named: "otlp_grpc/soc:42", its exporter and its record's sequence number. */
enum { LETTER_ID_SIZE = 160 };
void letter_id_format(const struct letter *letter, char out[LETTER_ID_SIZE]);

/* Takes "EXPORTER:SEQUENCE" apart; `text` loses its colon.  False: it is no such name. */
bool letter_id_parse(char *text, uint64_t *ret_sequence);

/* What all letters of one exporter with one reason have in common. */
struct letter_sum {
    char *exporter, *reason; /* owned */
    char *message;           /* owned; the destination's last words */
    bool is_replaying;       /* a request to send them again is not finished */
    uint64_t count;
    uint64_t first_unix_ns, last_unix_ns;
};

MUST_CHECK enum status letter_put_sum(struct buf *out, const struct letter_sum *sum, bool as_json,
                                      struct error *err);

/* One line a letter, without its record. */
MUST_CHECK enum status letter_put_line(struct buf *out, const struct letter *letter, bool as_json,
                                       struct error *err);

enum letter_format { LETTER_TEXT, LETTER_JSON, LETTER_OTLP_JSON };

/* The letter whole: as text, the record below it as flat JSON; as one JSON object, with the same
 * as its "record"; or the record alone, as a line of OTLP JSON.  A record that is not protobuf is
 * shown in base64; ST_CORRUPT for it as OTLP JSON. */
MUST_CHECK enum status letter_put_whole(struct buf *out, const struct letter *letter,
                                        enum letter_format format, struct error *err);
