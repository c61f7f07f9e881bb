/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c -- telltale status: what the daemon received, keeps, delivered and refused.
 *
 * Asks the daemon over its control socket.  Exit code 1: no daemon answers there.
 */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/safe_text.h"
#include "query/time_text.h"
#include "telltale/command.h"
#include "telltale/control_client.h"
#include "util/clock.h"

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void print_safe(const char *text, size_t columns)
{
    struct error err;
    struct buf out;

    buf_init(&out, CONTROL_ANSWER_SIZE_MAX);
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
    if (number(exporter, "put_aside_records") > 0)
        printf("  %.0f put aside", number(exporter, "put_aside_records"));
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
    buf_init(&answer, CONTROL_ANSWER_SIZE_MAX);
    int result =
        control_ask(&dirs, "telltale status", &answer) ? show(&answer, as_json) : COMMAND_FAILED;
    buf_fini(&answer);
    return result;
}

const struct command command_status = {
    .name = "status",
    .synopsis = "[--json]",
    .summary = "what is received, kept, delivered and refused",
    .run = run_status,
};
