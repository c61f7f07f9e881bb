/* SPDX-License-Identifier: Apache-2.0 */
/* epoch_certificate.c -- certificates of include/telltale/key_chain.h, and the lines of keys.jsonl.
 */
#include "integrity/epoch_certificate.h"

#include <inttypes.h>
#include <stdio.h>

#include "integrity/line_fields.h"
#include "integrity/note_text.h"
#include "telltale/merkle_range.h"

enum {
    TEXT_MAX = 2 * NOTE_NAME_SIZE + NOTE_VKEY_SIZE + 128,
    FORMAT_SIZE = 32,
    LOG_MASK = 1 << 0 | 1 << 1 | 1 << 2,
    EPOCH_MASK = 1 << 3,
    FIELDS = 4,
};

#define KEYS_FORMAT "telltale-keys/1"

static const struct slice first_line = {(const uint8_t *)"telltale.dev/epoch/v1", 21};

enum status epoch_key_name(const char *origin, uint64_t number, char out[NOTE_NAME_SIZE],
                           struct error *err)
{
    int size = snprintf(out, NOTE_NAME_SIZE, "%s/epoch/%" PRIu64, origin, number);

    if (size < 0 || size >= NOTE_NAME_SIZE || !note_name_is_good(slice_of_text(out)))
        return error_set(err, ST_INVALID, "not an origin for keys: too long, or with spaces or +");
    return ST_OK;
}

enum status epoch_certificate_put(const struct epoch_certificate *certificate, struct buf *out,
                                  struct error *err)
{
    char text[TEXT_MAX], vkey[NOTE_VKEY_SIZE];

    note_vkey_format(&certificate->vkey, vkey);
    int size = snprintf(text, sizeof(text), "%.*s\n%s\n%" PRIu64 "\n%s\n%" PRIu64 "\n%" PRIu64 "\n",
                        SLICE_ARG(first_line), certificate->origin, certificate->number, vkey,
                        certificate->first_size, certificate->unix_s);
    ASSERT(size > 0 && (size_t)size < sizeof(text));
    return buf_append(out, text, (size_t)size, err);
}

enum status epoch_certificate_parse(struct slice text, struct epoch_certificate *ret,
                                    struct error *err)
{
    struct slice rest = text, lines[6];
    struct epoch_certificate certificate = {.number = 0};
    char name[NOTE_NAME_SIZE];

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        if (!note_text_take_line(&rest, &lines[i]))
            return error_set(err, ST_INVALID, "not the certificate of an epoch");
    }
    if (rest.size != 0 || !slice_equal(lines[0], first_line) || !note_name_is_good(lines[1]) ||
        !note_text_number(lines[2], &certificate.number) || certificate.number == 0 ||
        !note_text_number(lines[4], &certificate.first_size) ||
        certificate.first_size > MERKLE_SIZE_MAX ||
        !note_text_number(lines[5], &certificate.unix_s))
        return error_set(err, ST_INVALID, "not the certificate of an epoch");
    memcpy(certificate.origin, lines[1].data, lines[1].size);
    enum status st = note_vkey_parse(lines[3], &certificate.vkey, err);
    if (st == ST_OK)
        st = epoch_key_name(certificate.origin, certificate.number, name, err);
    if (st != ST_OK)
        return st;
    if (strcmp(name, certificate.vkey.name) != 0 || certificate.vkey.type != NOTE_KEY_ED25519)
        return error_set(err, ST_INVALID, "the certificate of epoch %" PRIu64 " has another's key",
                         certificate.number);
    *ret = certificate;
    return ST_OK;
}

/* --- Lines -------------------------------------------------------------------------------------
 */

struct line_members {
    char format[FORMAT_SIZE];
    uint64_t unix_ns;
    char vkey[NOTE_VKEY_SIZE];
    struct buf *note;
};

static void fill_table(struct line_field fields[FIELDS], struct line_members *members)
{
    fields[0] = (struct line_field){"format", LINE_TEXT, members->format, FORMAT_SIZE, 0, NULL};
    fields[1] = (struct line_field){"time", LINE_TIME, &members->unix_ns, 0, 0, NULL};
    fields[2] = (struct line_field){"log_key", LINE_TEXT, members->vkey, NOTE_VKEY_SIZE, 0, NULL};
    fields[3] = (struct line_field){"epoch", LINE_NOTE, members->note, 0, 0, NULL};
}

enum status key_line_put_log(const struct note_vkey *vkey, uint64_t unix_s, struct buf *out,
                             struct error *err)
{
    struct line_members members = {.format = KEYS_FORMAT, .unix_ns = unix_s * 1000000000};
    struct line_field fields[FIELDS];

    note_vkey_format(vkey, members.vkey);
    fill_table(fields, &members);
    return line_fields_put(fields, FIELDS, LOG_MASK, out, err);
}

enum status key_line_put_epoch(struct slice certificate_note, struct buf *out, struct error *err)
{
    struct buf note = {.data = (uint8_t *)certificate_note.data, .size = certificate_note.size};
    struct line_members members = {.note = &note};
    struct line_field fields[FIELDS];

    fill_table(fields, &members);
    return line_fields_put(fields, FIELDS, EPOCH_MASK, out, err);
}

enum status key_line_read(struct slice line, struct buf *note, struct key_line *ret,
                          struct error *err)
{
    struct line_members members = {.note = note};
    struct line_field fields[FIELDS];
    struct note certificate;
    uint32_t mask;

    fill_table(fields, &members);
    enum status st = line_fields_read(line, fields, FIELDS, &mask, err);
    if (st != ST_OK)
        return st;
    ret->is_epoch = mask == EPOCH_MASK;
    if (mask == LOG_MASK) {
        if (strcmp(members.format, KEYS_FORMAT) != 0)
            return error_set(err, ST_INVALID, "not the format " KEYS_FORMAT);
        return note_vkey_parse(slice_of_text(members.vkey), &ret->log_key, err);
    }
    if (mask != EPOCH_MASK)
        return error_set(err, ST_INVALID, "neither the log's key nor an epoch's");
    st = note_parse(buf_slice(note), &certificate, err);
    if (st == ST_OK)
        st = epoch_certificate_parse(certificate.text, &ret->epoch, err);
    return st;
}
