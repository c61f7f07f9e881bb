/* SPDX-License-Identifier: Apache-2.0 */
/* filter_options.c -- see filter_options.h. */
#include "telltale/filter_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "normalize/schema.h"
#include "query/time_text.h"
#include "telltale/scan.h"
#include "util/clock.h"

enum { SCRATCH_MAX = 64 << 20 };

bool option_read_count(const char *text, unsigned long max, unsigned long *ret)
{
    char *end = NULL;

    *ret = strtoul(text, &end, 10);
    if (end != text && *end == 0 && text[0] != '-' && *ret <= max)
        return true;
    fprintf(stderr, "telltale: '%s' is no number of records up to %lu\n", text, max);
    return false;
}

static bool tell(const struct error *err)
{
    fprintf(stderr, "telltale: %s\n", err->text);
    return false;
}

bool option_read_time(const char *text, uint64_t *ret)
{
    struct error err;

    return time_parse(text, clock_unix_ns(), ret, &err) == ST_OK || tell(&err);
}

void filter_options_init(struct filter_options *options, const struct config_dirs *dirs)
{
    options->filter =
        (struct query_filter){.conditions = options->conditions, .scratch = &options->scratch};
    options->uid_condition[0] = 0;
    buf_init(&options->scratch, SCRATCH_MAX);
    scan_default_store(dirs, options->store_dir);
}

void filter_options_fini(struct filter_options *options)
{
    buf_fini(&options->scratch);
    pattern_destroy(options->filter.grep);
}

/* Says the words that `text` could have had. */
static bool refuse_word(const char *option, const char *text, size_t size, const char *const *words,
                        size_t prefix)
{
    fprintf(stderr, "telltale: there is no %s '%.*s'; there are", option, (int)size, text);
    for (size_t i = 0; words[i] != NULL; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", words[i] + prefix);
    fputc('\n', stderr);
    return false;
}

/* A mistyped word would find nothing, which reads as if nothing had happened.  `optional` may
 * stand before each word. */
static bool read_words(const char *option, const char *text, const char *const *words,
                       const char *optional, const char **ret)
{
    size_t prefix = strlen(optional);

    *ret = text;
    for (;;) {
        size_t size = strcspn(text, ",");
        size_t skip = strncmp(text, optional, prefix) == 0 ? 0 : prefix;
        size_t i = 0;
        while (words[i] != NULL &&
               (strncmp(words[i] + skip, text, size) != 0 || words[i][skip + size] != 0))
            i++;
        if (words[i] == NULL)
            return refuse_word(option, text, size, words, prefix);
        if (text[size] == 0)
            return true;
        text += size + 1;
    }
}

static bool read_condition(struct filter_options *options, const char *text)
{
    size_t *count = &options->filter.condition_count;
    struct error err;

    if (*count == FILTER_CONDITIONS_MAX) {
        fprintf(stderr, "telltale: more than %d conditions\n", FILTER_CONDITIONS_MAX);
        return false;
    }
    if (condition_read(slice_of_text(text), &options->conditions[*count], &err) != ST_OK)
        return tell(&err);
    (*count)++;
    return true;
}

static bool read_uid(struct filter_options *options, const char *uid)
{
    if (options->uid_condition[0] != 0) {
        fprintf(stderr, "telltale: a record has one uid\n");
        return false;
    }
    snprintf(options->uid_condition, sizeof(options->uid_condition), "log.record.uid=%s", uid);
    return read_condition(options, options->uid_condition);
}

static bool read_word(struct query_filter *filter, const char *word)
{
    if (filter->word_count == FILTER_WORDS_MAX) {
        fprintf(stderr, "telltale: more than %d words\n", FILTER_WORDS_MAX);
        return false;
    }
    filter->words[filter->word_count++] = word;
    return true;
}

static bool read_pattern(struct query_filter *filter, const char *text)
{
    struct error err;

    pattern_destroy(filter->grep);
    filter->grep = NULL;
    return pattern_create(slice_of_text(text), &filter->grep, &err) == ST_OK || tell(&err);
}

/* The options whose value is kept as it is; NULL: it is another. */
static const char **text_option(struct query_filter *filter, int option)
{
    switch (option) {
    case 's':
        return &filter->session;
    case 't':
        return &filter->tool;
    case OPTION_AGENT:
        return &filter->agents;
    case OPTION_USER:
        return &filter->users;
    case OPTION_HOST:
        return &filter->hosts;
    case OPTION_TEXT:
        return &filter->text;
    default:
        return NULL;
    }
}

bool filter_options_take(struct filter_options *options, int option, const char *value)
{
    struct query_filter *filter = &options->filter;
    const char **text = text_option(filter, option);

    if ((option == OPTION_TEXT || option == OPTION_WORD) && strlen(value) > FILTER_TEXT_MAX) {
        fprintf(stderr, "telltale: a text of more than %d bytes\n", FILTER_TEXT_MAX);
        return false;
    }
    if (text != NULL) {
        *text = value;
        return true;
    }
    switch (option) {
    case OPTION_SINCE:
        return option_read_time(value, &filter->since_unix_ns);
    case OPTION_UNTIL:
        return option_read_time(value, &filter->until_unix_ns);
    case 'k':
        return read_words("kind", value, words_kind, "agent.", &filter->kinds);
    case 'o':
        return read_words("outcome", value, words_outcome, "", &filter->outcomes);
    case 'w':
        return read_condition(options, value);
    case OPTION_GREP:
        return read_pattern(filter, value);
    case OPTION_WORD:
        return read_word(filter, value);
    case OPTION_UID:
        return read_uid(options, value);
    case OPTION_STORE:
        snprintf(options->store_dir, sizeof(options->store_dir), "%s", value);
        return true;
    default:
        return false;
    }
}
