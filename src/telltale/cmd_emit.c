/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_emit.c -- telltale emit: hands events to the daemon and waits until its disk has them.
 *
 * With --kind one event is made from the options; without, standard input is read, an event a
 * line.  The exit code tells: 0 all are durable, 1 some are not.
 */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telltale/buf.h"
#include "telltale/client.h"
#include "telltale/command.h"
#include "util/clock.h"
#include "wire/foreign_json.h"

enum {
    ATTRIBUTES_MAX = 64,
    KEY_SIZE_MAX = 1024,
    TIMEOUT_DEFAULT_S = 10,
    TIMEOUT_MAX_S = 3600,
};

struct emit_options {
    const char *kind, *session, *body, *time, *severity;
    const char *attributes[ATTRIBUTES_MAX]; /* "key=value" */
    size_t attribute_count;
    const char *socket; /* NULL: that of the run directory */
    unsigned long timeout_s;
};

/* A value that reads as JSON number, boolean, array or object is one; all else is text. */
static cJSON *read_value(const char *text)
{
    cJSON *value = cJSON_ParseWithOpts(text, NULL, /* require_null_terminated= */ 1);
    if (value != NULL && !cJSON_IsNull(value))
        return value;
    cJSON_Delete(value);
    return cJSON_CreateString(text);
}

/* `pair` was looked at by keep_attribute(). */
static bool add_attribute(cJSON *attributes, const char *pair)
{
    const char *equals = strchr(pair, '=');
    char key[KEY_SIZE_MAX];

    snprintf(key, sizeof(key), "%.*s", (int)(equals - pair), pair);
    return cJSON_AddItemToObject(attributes, key, read_value(equals + 1));
}

/* The event that the options describe, as text for free(); NULL: no memory. */
static char *make_event(const struct emit_options *options)
{
    cJSON *event = cJSON_CreateObject();
    char *text = NULL;
    bool ok = true;

    (void)cJSON_AddStringToObject(event, "kind", options->kind);
    if (options->session != NULL)
        (void)cJSON_AddStringToObject(event, "session", options->session);
    if (options->time != NULL)
        (void)cJSON_AddStringToObject(event, "time", options->time);
    if (options->severity != NULL)
        (void)cJSON_AddItemToObject(event, "severity", read_value(options->severity));
    if (options->body != NULL)
        (void)cJSON_AddStringToObject(event, "body", options->body);
    cJSON *attributes = cJSON_AddObjectToObject(event, "attributes");
    for (size_t i = 0; i < options->attribute_count && ok; i++)
        ok = add_attribute(attributes, options->attributes[i]);
    if (ok)
        text = cJSON_PrintUnformatted(event);
    cJSON_Delete(event);
    return text;
}

struct lines {
    char *line; /* owned */
    size_t capacity;
    ssize_t size; /* of the line; 0 and less: there are no more */
};

static bool next_line(struct lines *lines)
{
    lines->size = getline(&lines->line, &lines->capacity, stdin);
    return lines->size > 0;
}

static bool is_bracket(const struct lines *lines, char bracket)
{
    return lines->line[0] == bracket && (lines->size == 1 || lines->line[1] == '\n');
}

/* An object over several lines begins: what is it?  Reads up to its end. */
static enum status refuse_lines(struct lines *lines, struct error *err)
{
    struct buf object;
    enum status st = ST_OK;

    buf_init(&object, FOREIGN_JSON_LOOK_MAX);
    do {
        st = buf_append(&object, lines->line, (size_t)lines->size, err);
    } while (st == ST_OK && !is_bracket(lines, '}') && next_line(lines));
    enum foreign_json found = foreign_json_find(buf_slice(&object));
    buf_fini(&object);
    return error_set(err, ST_INVALID, "%s",
                     found != FOREIGN_JSON_NONE
                         ? foreign_json_words(found)
                         : "an event is one line: write each object without line breaks (jq -c .)");
}

/* What would be refused line by line, or taken for an event without a kind. */
static enum status check_line(struct lines *lines, struct error *err)
{
    if (is_bracket(lines, '{'))
        return refuse_lines(lines, err);
    enum foreign_json found = foreign_json_find(slice_of(lines->line, (size_t)lines->size));
    return found == FOREIGN_JSON_NONE ? ST_OK
                                      : error_set(err, ST_INVALID, "%s", foreign_json_words(found));
}

static enum status send_lines(struct telltale_client *client, uint64_t timeout_ns,
                              struct error *err)
{
    struct lines lines = {.line = NULL};
    enum status st = ST_OK;

    while (st == ST_OK && next_line(&lines)) {
        if (lines.size == 1)
            continue; /* an empty line is no event */
        st = check_line(&lines, err);
        if (st == ST_OK)
            st = telltale_client_send(client, lines.line, (size_t)lines.size,
                                      clock_monotonic_ns() + timeout_ns, err);
    }
    free(lines.line);
    return st;
}

static enum status send_all(const struct emit_options *options, struct telltale_client *client,
                            struct error *err)
{
    uint64_t timeout_ns = options->timeout_s * NS_PER_S;

    if (options->kind == NULL)
        return send_lines(client, timeout_ns, err);
    char *event = make_event(options);
    if (event == NULL)
        return error_set(err, ST_NO_MEMORY, "make the event");
    enum status st =
        telltale_client_send(client, event, strlen(event), clock_monotonic_ns() + timeout_ns, err);
    free(event);
    return st;
}

static int emit(const struct emit_options *options, const char *socket_path)
{
    struct telltale_client *client = NULL;
    struct error err;

    enum status st = telltale_client_open(
        socket_path, clock_monotonic_ns() + options->timeout_s * NS_PER_S, &client, &err);
    if (st == ST_OK)
        st = send_all(options, client, &err);
    struct error ignored;
    uint64_t deadline_ns = clock_monotonic_ns() + options->timeout_s * NS_PER_S;
    if (st == ST_OK)
        st = telltale_client_wait(client, deadline_ns, &err);
    else if (st == ST_INVALID) /* what stood before that line is on its way */
        (void)!telltale_client_wait(client, deadline_ns, &ignored);
    if (st != ST_OK)
        fprintf(stderr, "telltale emit: %s\n", err.text);
    if (client != NULL && st != ST_OK) {
        unsigned long long acked = telltale_client_acked(client);
        unsigned long long refused = telltale_client_refused(client);
        fprintf(stderr, "telltale emit: %llu sent, %llu durable, %llu refused\n",
                (unsigned long long)telltale_client_sent(client), acked - refused, refused);
    }
    telltale_client_close(client);
    return st == ST_OK ? COMMAND_OK : COMMAND_FAILED;
}

static bool read_timeout(const char *text, unsigned long *ret)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != 0 || value == 0 || value > TIMEOUT_MAX_S)
        return false;
    *ret = value;
    return true;
}

static bool keep_attribute(struct emit_options *options, const char *pair)
{
    const char *equals = strchr(pair, '=');

    if (equals == NULL || equals == pair || equals - pair >= KEY_SIZE_MAX) {
        fprintf(stderr, "telltale emit: '%s' is not KEY=VALUE\n", pair);
        return false;
    }
    if (options->attribute_count == ATTRIBUTES_MAX) {
        fprintf(stderr, "telltale emit: more than %d attributes; send the event on stdin\n",
                ATTRIBUTES_MAX);
        return false;
    }
    options->attributes[options->attribute_count++] = pair;
    return true;
}

static bool keep_option(struct emit_options *options, int option, const char *value)
{
    switch (option) {
    case 'k':
        options->kind = value;
        return true;
    case 's':
        options->session = value;
        return true;
    case 'b':
        options->body = value;
        return true;
    case 't':
        options->time = value;
        return true;
    case 'v':
        options->severity = value;
        return true;
    case 'S':
        options->socket = value;
        return true;
    case 'a':
        return keep_attribute(options, value);
    case 'T':
        return read_timeout(value, &options->timeout_s);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct emit_options *ret)
{
    static const struct option known[] = {
        {"kind", required_argument, NULL, 'k'},
        {"session", required_argument, NULL, 's'},
        {"body", required_argument, NULL, 'b'},
        {"time", required_argument, NULL, 't'},
        {"severity", required_argument, NULL, 'v'},
        {"attribute", required_argument, NULL, 'a'},
        {"socket", required_argument, NULL, 'S'},
        {"timeout", required_argument, NULL, 'T'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "k:s:b:t:a:", known, NULL)) != -1) {
        if (!keep_option(ret, option, optarg))
            return false;
    }
    bool describes = ret->session != NULL || ret->body != NULL || ret->attribute_count > 0;
    return optind == argc && (ret->kind != NULL || !describes);
}

static int run_emit(const struct command_options *options, int argc, char **argv)
{
    struct emit_options emit_options = {.timeout_s = TIMEOUT_DEFAULT_S};
    struct config_dirs dirs;
    char path[PATH_MAX + 16];

    if (!read_options(argc, argv, &emit_options))
        return command_usage(&command_emit);
    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    snprintf(path, sizeof(path), "%s/agent.sock", dirs.run_dir);
    return emit(&emit_options, emit_options.socket != NULL ? emit_options.socket : path);
}

const struct command command_emit = {
    .name = "emit",
    .synopsis = "[--kind KIND [--session ID] [--body TEXT] [--time TIME] [--severity LEVEL]\n"
                "                      [-a KEY=VALUE]...] [--timeout SECONDS] [--socket PATH]\n"
                "       without --kind: events on standard input, one JSON object a line",
    .summary = "send events and wait until they are durable",
    .run = run_emit,
};
