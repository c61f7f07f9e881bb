/* SPDX-License-Identifier: Apache-2.0 */
/* dead_letter_fuzz.c -- lines of dead letters that somebody has changed: what is no letter is
 * refused, and a record that comes out is the same when it is written as JSON and read again. */
#include "deliver/letter.h"
#include "telltale/encode.h"

enum { JSON_SIZE_MAX = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status write_json(const struct letter_record *record, struct buf *out)
{
    struct error err;

    buf_init(out, JSON_SIZE_MAX);
    return encode_otlp_json_line(&record->group, record->record.bytes, SLICE_EMPTY, out, &err);
}

/* Writes the record as the next letter would hold it, reads that, and writes it again. */
static void check_again(const struct letter_record *record, struct letter letter)
{
    struct letter_record again;
    struct error err;
    struct buf first;
    struct buf second;

    letter_record_init(&again);
    if (write_json(record, &first) == ST_OK) {
        letter.otlp = buf_slice(&first);
        ASSERT(letter_record_read(&again, &letter, &err) == ST_OK);
        ASSERT(write_json(&again, &second) == ST_OK);
        ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
        buf_fini(&second);
    }
    letter_record_fini(&again);
    buf_fini(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct letter_texts texts;
    struct letter_record record;
    struct letter letter;
    struct error err;

    letter_texts_init(&texts);
    letter_record_init(&record);
    if (letter_read(slice_of(data, size), &texts, &letter, &err) == ST_OK) {
        ASSERT(letter.exporter.size > 0 && letter.reason.size > 0);
        if (letter_record_read(&record, &letter, &err) == ST_OK) {
            struct batch batch = letter_record_batch(&record, &letter);
            ASSERT(batch.record_count == 1 && batch.size_bytes >= batch.records[0].bytes.size);
            if (letter.otlp.size > 0)
                check_again(&record, letter);
        }
    }
    letter_record_fini(&record);
    letter_texts_fini(&texts);
    return 0;
}
