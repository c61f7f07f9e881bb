/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c -- telltale status: what the daemon received, keeps, delivered and refused.
 *
 * Asks the daemon over its control socket.  Exit code 1: no daemon answers there.
 */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "query/safe_text.h"
#include "query/time_text.h"
#include "telltale/command.h"
#include "util/clock.h"

enum { ANSWER_SIZE_MAX = 4 * 1024 * 1024, ANSWER_TIMEOUT_S = 10 };

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct error err;

    (void)size; /* always 1 */
    return buf_append(context, data, count, &err) == ST_OK ? count : 0;
}

/* curl speaks of a host and a port, which a socket has not: the system's word says more. */
static void say_why(CURL *curl, const char *socket_path, char problem[static CURL_ERROR_SIZE])
{
    long number = 0;

    if (access(socket_path, R_OK | W_OK) < 0)
        number = errno;
    else
        (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (number != 0)
        snprintf(problem, CURL_ERROR_SIZE, "%s", strerror((int)number));
}

/* GETs /status from the control socket into `answer`. */
static bool ask(const char *socket_path, struct buf *answer)
{
    CURL *curl = curl_easy_init();
    char problem[CURL_ERROR_SIZE] = "";
    long code = 0;

    if (curl == NULL)
        return false;
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/status");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    else if (result == CURLE_COULDNT_CONNECT)
        say_why(curl, socket_path, problem);
    curl_easy_cleanup(curl);
    if (result == CURLE_OK && code == 200)
        return true;
    fprintf(stderr,
            "telltale status: no daemon answers at '%s': %s\n"
            "Is telltaled running, and with this run directory (--run-dir)?\n",
            socket_path, result != CURLE_OK ? problem : "it is not ready");
    return false;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void print_safe(const char *text, size_t columns)
{
    struct error err;
    struct buf out;

    buf_init(&out, ANSWER_SIZE_MAX);
    if (safe_text_append(&out, slice_of_text(text), columns, NEWLINES_ESCAPED, &err) == ST_OK)
        printf("%.*s", SLICE_ARG(buf_slice(&out)));
    buf_fini(&out);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void print_exporter(const cJSON *exporter)
{
    const char *error = text_of(exporter, "last_error");

    printf("  %-24s %-16s %12.0f delivered %10.0f behind", text_of(exporter, "name"),
           text_of(exporter, "state"), number(exporter, "delivered_records"),
           number(exporter, "lag_records"));
    if (number(exporter, "rejected_records") > 0)
        printf("  %.0f rejected", number(exporter, "rejected_records"));
    if (number(exporter, "dead_letter_records") > 0)
        printf("  %.0f dead letters", number(exporter, "dead_letter_records"));
    if (number(exporter, "replayed_records") > 0)
        printf("  %.0f replayed", number(exporter, "replayed_records"));
    if (number(exporter, "missing_records") > 0)
        printf("  %.0f missing", number(exporter, "missing_records"));
    if (number(exporter, "dropped_records") > 0)
        printf("  %.0f dropped", number(exporter, "dropped_records"));
    printf("\n");
    if (*error != 0) {
        printf("  %-24s last error: ", "");
        print_safe(error, 0);
        printf("\n");
    }
}

/* Every counter of a receiver that has counted something. */
static void print_receivers(const cJSON *metrics)
{
    static const char prefix[] = "telltale_receiver_";
    const cJSON *metric;
    bool any = false;

    cJSON_ArrayForEach(metric, metrics)
    {
        if (strncmp(metric->string, prefix, sizeof(prefix) - 1) != 0 || metric->valuedouble <= 0)
            continue;
        printf("  %-64s %14.0f\n", metric->string + sizeof(prefix) - 1, metric->valuedouble);
        any = true;
    }
    if (!any)
        printf("  nothing yet\n");
}

/* A line when there are any: `telltale losses` has more. */
static void print_losses(const cJSON *losses)
{
    if (number(losses, "incidents") > 0) {
        printf("  %.0f records given up or gone in %.0f incidents: telltale losses\n",
               number(losses, "records"), number(losses, "incidents"));
    }
}

static void print_report(const cJSON *report)
{
    const cJSON *journal = cJSON_GetObjectItemCaseSensitive(report, "journal");
    const cJSON *exporter;
    char since[TIME_TEXT_SIZE];

    time_format_local((uint64_t)(number(report, "start_time") * 1000) * NS_PER_MS, since);
    printf("telltaled %s, process %.0f, since %s\n", text_of(report, "version"),
           number(report, "pid"), since);
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(report, "receivers_open")))
        printf("\nTHE RECEIVERS ARE CLOSED: the journal or its disk is full\n");
    printf("\nreceived since then\n");
    print_receivers(cJSON_GetObjectItemCaseSensitive(report, "metrics"));
    printf("\njournal\n  %.0f records durable since it was made, %.1f MiB on disk\n",
           number(journal, "committed_sequence") - 1, number(journal, "size_bytes") / 1048576);
    print_losses(cJSON_GetObjectItemCaseSensitive(report, "losses"));
    printf("\ndestinations, with what they were sent since then\n");
    cJSON_ArrayForEach(exporter, cJSON_GetObjectItemCaseSensitive(report, "exporters"))
    {
        print_exporter(exporter);
    }
}

static int show(const struct buf *answer, bool as_json)
{
    cJSON *report = cJSON_ParseWithLength((const char *)answer->data, answer->size);
    if (report == NULL) {
        fprintf(stderr, "telltale status: the daemon's answer is not JSON\n");
        return COMMAND_FAILED;
    }
    char *text = as_json ? cJSON_Print(report) : NULL;
    if (text != NULL)
        puts(text);
    else
        print_report(report);
    free(text);
    cJSON_Delete(report);
    return COMMAND_OK;
}

static int run_status(const struct command_options *options, int argc, char **argv)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct config_dirs dirs;
    char path[PATH_MAX + 16];
    struct buf answer;
    bool as_json = false;
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option != 'j')
            return command_usage(&command_status);
        as_json = true;
    }
    if (optind != argc)
        return command_usage(&command_status);
    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    snprintf(path, sizeof(path), "%s/control.sock", dirs.run_dir);
    buf_init(&answer, ANSWER_SIZE_MAX);
    int result = ask(path, &answer) ? show(&answer, as_json) : COMMAND_FAILED;
    buf_fini(&answer);
    return result;
}

const struct command command_status = {
    .name = "status",
    .synopsis = "[--json]",
    .summary = "what is received, kept, delivered and refused",
    .run = run_status,
};
