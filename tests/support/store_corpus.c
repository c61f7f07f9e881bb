/* SPDX-License-Identifier: Apache-2.0 */
/* store_corpus.c -- see store_corpus.h.
 *
 * Each record of the corpus is written as a line once; the places of what varies are noted, and a
 * new line is the old one with these replaced.
 */
#include "support/store_corpus.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/every_record.h"
#include "telltale/encode.h"
#include "telltale/store_file.h"

enum {
    SAMPLES_MAX = 4096,
    PARTS_MAX = 128,
    CONCURRENT_SESSIONS = 120,
    SESSION_RECORDS = 1000,
    USERS = 300,
    HOSTS = 90,
    VOCABULARY_BITS = 15,
    SMALL_TEXT = 24, /* shorter ones are names, and stay */
    LINE_MAX_SIZE = 1 << 20,
};

enum part_class {
    PART_SESSION,
    PART_TURN,
    PART_CALL,
    PART_TRACE,
    PART_SPAN,
    PART_UID,
    PART_TIME,
    PART_ARRIVAL,
    PART_USER,
    PART_HOST,
    PART_TEXT,
    PART_NUMBER,
};

struct part {
    size_t start; /* in the line */
    size_t size;
    enum part_class class;
};

struct sample {
    struct buf line; /* up to where the place in the journal follows */
    struct part parts[PARTS_MAX];
    size_t part_count;
};

struct session {
    char id[CORPUS_ID_SIZE + 1];
    char turn[CORPUS_ID_SIZE + 1];
    char trace[33];
    char call[40];
    unsigned user;
    unsigned host;
    size_t left; /* records to come */
    unsigned turn_left;
    unsigned call_left;
};

struct store_corpus {
    struct sample *samples;
    size_t sample_count;
    uint64_t random;
    uint64_t sequence;
    uint64_t unix_ns;
    struct session sessions[CONCURRENT_SESSIONS];
};

static const struct {
    const char *pattern; /* what stands before the value and its closing quote */
    enum part_class class;
} patterns[] = {
    {"session.id\",\"value\":{\"stringValue\":\"", PART_SESSION},
    {"conversation.id\",\"value\":{\"stringValue\":\"", PART_SESSION},
    {"turn.id\",\"value\":{\"stringValue\":\"", PART_TURN},
    {"prompt_id\",\"value\":{\"stringValue\":\"", PART_TURN},
    {"prompt.id\",\"value\":{\"stringValue\":\"", PART_TURN},
    {"call_id\",\"value\":{\"stringValue\":\"", PART_CALL},
    {"call.id\",\"value\":{\"stringValue\":\"", PART_CALL},
    {"log.record.uid\",\"value\":{\"stringValue\":\"", PART_UID},
    {"host.name\",\"value\":{\"stringValue\":\"", PART_HOST},
    {"user.name\",\"value\":{\"stringValue\":\"", PART_USER},
    {"user.email\",\"value\":{\"stringValue\":\"", PART_USER},
    {"user.id\",\"value\":{\"stringValue\":\"", PART_USER},
    {"\"timeUnixNano\":\"", PART_TIME},
    {"\"observedTimeUnixNano\":\"", PART_ARRIVAL},
    {"\"traceId\":\"", PART_TRACE},
    {"\"spanId\":\"", PART_SPAN},
    {"duration_ms\",\"value\":{\"intValue\":\"", PART_NUMBER},
    {"token_count\",\"value\":{\"intValue\":\"", PART_NUMBER},
    {"tokens\",\"value\":{\"intValue\":\"", PART_NUMBER},
    {"arguments\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"result\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"output\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"prompt\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"message\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"messages\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"command_line\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"file.path\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"function_args\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"response_text\",\"value\":{\"stringValue\":\"", PART_TEXT},
    {"request_text\",\"value\":{\"stringValue\":\"", PART_TEXT},
};

/* --- Chance ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t chance(struct store_corpus *corpus)
{
    corpus->random += UINT64_C(0x9e3779b97f4a7c15);
    return mix(corpus->random);
}

static void make_hex(struct store_corpus *corpus, char *out, size_t digits)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t bits = 0;

    for (size_t i = 0; i < digits; i++) {
        if (i % 16 == 0)
            bits = chance(corpus);
        out[i] = hex[bits & 15];
        bits >>= 4;
    }
    out[digits] = 0;
}

static void make_uuid(struct store_corpus *corpus, uint64_t unix_ms, char out[CORPUS_ID_SIZE + 1])
{
    uint64_t low = chance(corpus);

    snprintf(out, CORPUS_ID_SIZE + 1, "%08llx-%04llx-7%03llx-%04llx-%012llx",
             (unsigned long long)(unix_ms >> 16 & UINT32_MAX),
             (unsigned long long)(unix_ms & UINT16_MAX), (unsigned long long)(low >> 52),
             (unsigned long long)(0x8000 | (low >> 38 & 0x3fff)),
             (unsigned long long)(chance(corpus) >> 16));
}

/* --- Words ----------------------------------------------------------------------------------- */

/* Word `rank` of the vocabulary: of syllables, the frequent ones shorter. */
static size_t make_word(uint64_t rank, char *out)
{
    static const char *const syllables[] = {
        "ba",  "co",  "de",   "fi",  "gra", "in",   "ker", "lo", "me",   "nu", "o",
        "pre", "re",  "str",  "ta",  "un",  "ver",  "wi",  "ex", "al",   "ty", "ing",
        "er",  "con", "file", "get", "set", "test", "is",  "to", "path", "err"};
    size_t size = 0;

    for (uint64_t rest = rank + 3; rest > 0; rest /= COUNT_OF(syllables)) {
        const char *syllable = syllables[mix(rest) % COUNT_OF(syllables)];
        size_t more = strlen(syllable);
        memcpy(out + size, syllable, more);
        size += more;
    }
    return size;
}

/* By Zipf's law, nearly: each doubling of the rank is as likely as the one before. */
static uint64_t choose_rank(struct store_corpus *corpus)
{
    uint64_t first = UINT64_C(1) << (chance(corpus) % VOCABULARY_BITS);
    return first - 1 + chance(corpus) % first;
}

static size_t make_token(struct store_corpus *corpus, char *out)
{
    uint64_t kind = chance(corpus) % 100;
    char digits[17];

    if (kind < 90)
        return make_word(choose_rank(corpus), out);
    if (kind < 95)
        return (size_t)sprintf(out, "%u", (unsigned)(chance(corpus) % 5000));
    size_t size = make_word(choose_rank(corpus), out);
    out[size++] = '_';
    if (kind < 99)
        return size + make_word(choose_rank(corpus), out + size);
    make_hex(corpus, digits, 10);
    memcpy(out + size, digits, 10); /* a word like no other: a hash, a name of a temporary file */
    return size + 10;
}

/* About `size` bytes of text. */
static void put_text(struct store_corpus *corpus, struct buf *out, size_t size)
{
    static const char *const between[] = {" ", " ",  " ",  " ",   "/",    ".", ", ", "\\n",
                                          "(", ") ", ": ", " = ", "\\\"", "-", "; ", " "};
    size_t end = out->size + size;

    while (out->size < end) {
        out->size += make_token(corpus, (char *)out->data + out->size);
        const char *sign = between[chance(corpus) % COUNT_OF(between)];
        memcpy(out->data + out->size, sign, strlen(sign));
        out->size += strlen(sign);
    }
}

void store_corpus_canary(uint64_t sequence, char out[CORPUS_CANARY_SIZE])
{
    snprintf(out, CORPUS_CANARY_SIZE, "canary_%016llx", (unsigned long long)mix(sequence));
}

/* --- Templates ------------------------------------------------------------------------------- */

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a;
    const struct part *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static void find_parts(struct sample *sample)
{
    struct slice line = buf_slice(&sample->line);

    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        size_t pattern_size = strlen(patterns[i].pattern);
        for (size_t at = 0; at < line.size && sample->part_count < PARTS_MAX;) {
            const uint8_t *found =
                memmem(line.data + at, line.size - at, patterns[i].pattern, pattern_size);
            if (found == NULL)
                break;
            size_t start = (size_t)(found - line.data) + pattern_size;
            size_t end = start;
            while (line.data[end] != '"')
                end += line.data[end] == '\\' ? 2 : 1;
            at = end;
            if (patterns[i].class == PART_TEXT && end - start < SMALL_TEXT)
                continue;
            sample->parts[sample->part_count++] =
                (struct part){.start = start, .size = end - start, .class = patterns[i].class};
        }
    }
    qsort(sample->parts, sample->part_count, sizeof(struct part), compare_parts);
    size_t kept = 0;
    for (size_t i = 0; i < sample->part_count; i++) {
        const struct part *before = &sample->parts[kept - (kept > 0)];
        if (kept == 0 || sample->parts[i].start >= before->start + before->size)
            sample->parts[kept++] = sample->parts[i];
    }
    sample->part_count = kept;
}

static void take_record(void *context, const struct record_group *group,
                        const struct normalized *record)
{
    struct store_corpus *corpus = context;
    struct error err;

    if (corpus->sample_count == SAMPLES_MAX || group->signal != SIGNAL_LOGS)
        return;
    struct sample *sample = &corpus->samples[corpus->sample_count++];
    buf_init(&sample->line, LINE_MAX_SIZE);
    ASSERT(encode_otlp_json_line(group, buf_slice(&record->bytes), SLICE_EMPTY, &sample->line,
                                 &err) == ST_OK);
    sample->line.size -= sizeof("]}]}]}]}\n") - 1;
    find_parts(sample);
}

/* --- Lines ----------------------------------------------------------------------------------- */

static void begin_session(struct store_corpus *corpus, struct session *session)
{
    make_uuid(corpus, corpus->unix_ns / 1000000, session->id);
    session->user = (unsigned)(chance(corpus) % USERS);
    session->host = (unsigned)(chance(corpus) % HOSTS);
    session->left = SESSION_RECORDS / 2 + chance(corpus) % SESSION_RECORDS;
    session->turn_left = 0;
    session->call_left = 0;
}

static void next_turn(struct store_corpus *corpus, struct session *session)
{
    if (session->turn_left == 0) {
        make_uuid(corpus, corpus->unix_ns / 1000000, session->turn);
        make_hex(corpus, session->trace, 32);
        session->turn_left = 1 + (unsigned)(chance(corpus) % 60);
    }
    if (session->call_left == 0) {
        memcpy(session->call, "call_", 5);
        make_hex(corpus, session->call + 5, 24);
        session->call_left = 1 + (unsigned)(chance(corpus) % 6);
    }
    session->turn_left--;
    session->call_left--;
}

static void put_part(struct store_corpus *corpus, const struct session *session,
                     const struct part *part, struct buf *out)
{
    char text[80];

    text[0] = 0;
    switch (part->class) {
    case PART_SESSION:
        snprintf(text, sizeof(text), "%s", session->id);
        break;
    case PART_TURN:
        snprintf(text, sizeof(text), "%s", session->turn);
        break;
    case PART_CALL:
        snprintf(text, sizeof(text), "%s", session->call);
        break;
    case PART_TRACE:
        snprintf(text, sizeof(text), "%s", session->trace);
        break;
    case PART_SPAN:
        make_hex(corpus, text, 16);
        break;
    case PART_UID:
        make_uuid(corpus, corpus->unix_ns / 1000000 + 3, text);
        break;
    case PART_TIME:
        snprintf(text, sizeof(text), "%llu",
                 (unsigned long long)(corpus->unix_ns - chance(corpus) % 100000000));
        break;
    case PART_ARRIVAL:
        snprintf(text, sizeof(text), "%llu", (unsigned long long)corpus->unix_ns + 3000000);
        break;
    case PART_USER:
        snprintf(text, sizeof(text), "user%u@example.com", session->user);
        break;
    case PART_HOST:
        snprintf(text, sizeof(text), "host-%u.example.com", session->host);
        break;
    case PART_NUMBER:
        snprintf(text, sizeof(text), "%u", (unsigned)(chance(corpus) % 20000));
        break;
    case PART_TEXT:
        put_text(corpus, out, part->size / 2 + chance(corpus) % (part->size + 1));
        return;
    }
    out->size += (size_t)sprintf((char *)out->data + out->size, "%s", text);
}

struct store_corpus *store_corpus_create(uint64_t seed)
{
    struct store_corpus *corpus = calloc(1, sizeof(*corpus));

    ASSERT(corpus != NULL);
    corpus->samples = calloc(SAMPLES_MAX, sizeof(*corpus->samples));
    ASSERT(corpus->samples != NULL);
    corpus->random = seed;
    corpus->unix_ns = UINT64_C(1790000000000000000);
    const struct recorded_session_reader reader = {.on_record = take_record, .context = corpus};
    every_record_read(&reader);
    ASSERT(corpus->sample_count > 0);
    for (size_t i = 0; i < CONCURRENT_SESSIONS; i++) {
        begin_session(corpus, &corpus->sessions[i]);
        corpus->sessions[i].left = 1 + chance(corpus) % SESSION_RECORDS;
    }
    return corpus;
}

void store_corpus_destroy(struct store_corpus *corpus)
{
    if (corpus == NULL)
        return;
    for (size_t i = 0; i < corpus->sample_count; i++)
        buf_fini(&corpus->samples[i].line);
    free(corpus->samples);
    free(corpus);
}

/* The attributes that only the last of a line are, and its end. */
static void put_end(const struct store_corpus *corpus, bool has_canary, struct buf *out)
{
    char canary[CORPUS_CANARY_SIZE];
    char *at = (char *)out->data + out->size;

    if (has_canary) {
        store_corpus_canary(corpus->sequence, canary);
        at +=
            sprintf(at, ",{\"key\":\"note\",\"value\":{\"stringValue\":\"the %s word\"}}", canary);
    }
    at += sprintf(at,
                  ",{\"key\":\"" STORE_JOURNAL_ID_KEY "\",\"value\":{\"stringValue\":"
                  "\"07070707070707070707070707070707\"}},{\"key\":\"" STORE_JOURNAL_SEQUENCE_KEY
                  "\",\"value\":{\"intValue\":\"%llu\"}}]}]}]}]}\n",
                  (unsigned long long)corpus->sequence);
    out->size = (size_t)(at - (char *)out->data);
}

void store_corpus_next(struct store_corpus *corpus, struct buf *out, struct store_corpus_line *ret)
{
    struct session *session = &corpus->sessions[chance(corpus) % CONCURRENT_SESSIONS];
    const struct sample *sample = &corpus->samples[chance(corpus) % corpus->sample_count];
    struct error err;
    size_t at = 0;

    corpus->sequence++;
    corpus->unix_ns += chance(corpus) % 20000000;
    if (session->left == 0)
        begin_session(corpus, session);
    session->left--;
    next_turn(corpus, session);
    /* A text is at most twice as long as what it replaces, and a bit; other parts are short. */
    ASSERT(buf_reserve(out, 2 * sample->line.size + (size_t)PARTS_MAX * 128 + 1024, &err) == ST_OK);
    for (size_t i = 0; i < sample->part_count; i++) {
        const struct part *part = &sample->parts[i];
        buf_append_reserved(out, sample->line.data + at, part->start - at);
        put_part(corpus, session, part, out);
        at = part->start + part->size;
    }
    buf_append_reserved(out, sample->line.data + at, sample->line.size - at);
    bool has_canary = corpus->sequence % CORPUS_CANARY_EVERY == 0;
    put_end(corpus, has_canary, out);
    if (ret == NULL)
        return;
    *ret = (struct store_corpus_line){
        .sequence = corpus->sequence, .unix_ns = corpus->unix_ns, .has_canary = has_canary};
    memcpy(ret->session, session->id, sizeof(ret->session));
    snprintf(ret->user, sizeof(ret->user), "user%u@example.com", session->user);
    snprintf(ret->host, sizeof(ret->host), "host-%u.example.com", session->host);
}
