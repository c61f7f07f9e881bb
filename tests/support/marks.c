/* SPDX-License-Identifier: Apache-2.0 */
/* marks.c -- see marks.h. */
#include "support/marks.h"

#include <stdlib.h>
#include <string.h>

#include "telltale/base.h"

enum { SENDER_DIGITS = 3, NUMBER_DIGITS = 11 };

static void write_digits(char *out, size_t digits, uint64_t value)
{
    for (size_t i = digits; i > 0; i--, value >>= 4)
        out[i - 1] = "0123456789abcdef"[value & 15];
}

static uint64_t read_digits(const uint8_t *text, size_t digits)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits; i++) {
        int digit = text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10;
        ASSERT(digit >= 0 && digit < 16);
        value = value << 4 | (uint64_t)digit;
    }
    return value;
}

void mark_write(char *out, unsigned int sender, uint64_t number)
{
    ASSERT(sender < MARK_SENDERS_MAX);
    memcpy(out, "ed", 2);
    write_digits(out + 2, SENDER_DIGITS, sender);
    write_digits(out + 2 + SENDER_DIGITS, NUMBER_DIGITS, number);
}

bool number_set_add(struct number_set *set, uint64_t number)
{
    size_t word = number / 64;
    uint64_t bit = UINT64_C(1) << number % 64;

    if (word >= set->word_count) {
        size_t count = 2 * word + 64;
        set->words = realloc(set->words, count * sizeof(*set->words));
        ASSERT(set->words != NULL);
        memset(set->words + set->word_count, 0, (count - set->word_count) * sizeof(*set->words));
        set->word_count = count;
    }
    if (set->words[word] & bit)
        return false;
    set->words[word] |= bit;
    set->count++;
    return true;
}

bool number_set_has(const struct number_set *set, uint64_t number)
{
    size_t word = number / 64;

    return word < set->word_count && (set->words[word] >> number % 64 & 1) != 0;
}

void number_set_fini(struct number_set *set)
{
    free(set->words);
    *set = (struct number_set){0};
}

void mark_tally_add(struct mark_tally *tally, struct slice message)
{
    /* KeyValue{key "event.id", value AnyValue of 18 bytes{string of 16 bytes "ed... */
    static const char before[] = "event.id\x12\x12\x0a\x10"
                                 "ed";
    const uint8_t *at = message.data;
    const uint8_t *end = message.data + message.size;

    while ((at = memmem(at, (size_t)(end - at), before, sizeof(before) - 1)) != NULL) {
        at += sizeof(before) - 1;
        if (end - at < SENDER_DIGITS + NUMBER_DIGITS)
            return;
        uint64_t sender = read_digits(at, SENDER_DIGITS);
        uint64_t number = read_digits(at + SENDER_DIGITS, NUMBER_DIGITS);
        if (!number_set_add(&tally->senders[sender], number))
            tally->doubled++;
    }
}

uint64_t mark_tally_count(const struct mark_tally *tally)
{
    uint64_t count = 0;

    for (size_t i = 0; i < MARK_SENDERS_MAX; i++)
        count += tally->senders[i].count;
    return count;
}

void mark_tally_fini(struct mark_tally *tally)
{
    for (size_t i = 0; i < MARK_SENDERS_MAX; i++)
        number_set_fini(&tally->senders[i]);
}
