/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c -- telltale doctor: whether an event comes all the way through, and which agents
 * of this user report.
 *
 * An event of its own goes in over the agents' socket; it must be durable, then at every
 * destination, then in the local store.  Of each agent: its hooks, its telemetry, and what came
 * from it in the last day.  The exit code is about the way of the event alone.
 */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "install/install_plan.h"
#include "install/json_edit.h"
#include "install/settings_file.h"
#include "install/toml_block.h"
#include "query/lookup.h"
#include "query/safe_text.h"
#include "query/time_text.h"
#include "telltale/client.h"
#include "telltale/command.h"
#include "telltale/control_client.h"
#include "telltale/hook_place.h"
#include "telltale/scan.h"
#include "util/clock.h"
#include "util/uuid.h"

#define ENDPOINT_DEFAULT "http://127.0.0.1:4318"
#define ID_KEY           "telltale.doctor.id"

enum { ACK_TIMEOUT_S = 10, DELIVERY_TIMEOUT_S = 15, POLL_US = 200000, SEEN_S = 24 * 3600 };

struct seen {
    uint64_t count, last_unix_ns;
};

struct doctor {
    struct config_dirs dirs;
    struct hook_place place;
    char id[UUID_TEXT_SIZE + 1];
    bool bad;
    bool event_in_store;
    struct seen seen[INSTALL_AGENT_COUNT];
};

enum finding { GOOD, BAD, OPEN };

static void say(struct doctor *doctor, enum finding finding, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void say(struct doctor *doctor, enum finding finding, const char *fmt, ...)
{
    static const char *const marks[] = {
        [GOOD] = "  ok    ", [BAD] = "  BAD   ", [OPEN] = "  -     "};
    char text[1024];
    struct error ignored;
    struct buf safe;
    va_list arguments;

    va_start(arguments, fmt);
    vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    buf_init(&safe, 16 * sizeof(text));
    if (safe_text_append(&safe, slice_of_text(text), 0, NEWLINES_ESCAPED, &ignored) == ST_OK)
        printf("%s%.*s\n", marks[finding], SLICE_ARG(buf_slice(&safe)));
    buf_fini(&safe);
    doctor->bad |= finding == BAD;
}

/* --- The way of an event -------------------------------------------------------------------- */

static enum status send_event(struct doctor *doctor, struct error *err)
{
    uint64_t deadline_ns = clock_monotonic_ns() + ACK_TIMEOUT_S * NS_PER_S;
    struct telltale_client *client = NULL;
    struct uuid_source ids;
    char event[256];

    enum status st = uuid_source_init(&ids, err);
    if (st != ST_OK)
        return st;
    uuid_source_next(&ids, clock_unix_ns(), doctor->id);
    int size = snprintf(event, sizeof(event),
                        "{\"kind\":\"agent.other\",\"body\":\"telltale doctor\","
                        "\"attributes\":{\"" ID_KEY "\":\"%s\"}}",
                        doctor->id);
    st = telltale_client_open(doctor->place.socket, deadline_ns, &client, err);
    if (st == ST_OK)
        st = telltale_client_send(client, event, (size_t)size, deadline_ns, err);
    if (st == ST_OK)
        st = telltale_client_wait(client, deadline_ns, err);
    telltale_client_close(client);
    return st;
}

static cJSON *ask_daemon(const struct doctor *doctor)
{
    struct buf answer;
    cJSON *report = NULL;

    buf_init(&answer, CONTROL_ANSWER_SIZE_MAX);
    if (control_ask(&doctor->dirs, "telltale doctor", &answer))
        report = cJSON_ParseWithLength((const char *)answer.data, answer.size);
    buf_fini(&answer);
    return report;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL ? text : "";
}

/* Whether every destination is done with what was durable before `sequence`. */
static bool all_delivered(const cJSON *report, double sequence)
{
    const cJSON *exporter;

    cJSON_ArrayForEach(exporter, cJSON_GetObjectItemCaseSensitive(report, "exporters"))
    {
        if (number(exporter, "next_sequence") < sequence)
            return false;
    }
    return true;
}

static void say_exporters(struct doctor *doctor, const cJSON *report, double sequence)
{
    const cJSON *exporter;

    cJSON_ArrayForEach(exporter, cJSON_GetObjectItemCaseSensitive(report, "exporters"))
    {
        const char *name = text_of(exporter, "name");
        const char *problem = text_of(exporter, "last_error");
        if (number(exporter, "next_sequence") >= sequence)
            say(doctor, GOOD, "%s is done with everything up to it", name);
        else
            say(doctor, BAD, "%s is %.0f records behind (%s)%s%s", name,
                number(exporter, "lag_records"), text_of(exporter, "state"),
                *problem != 0 ? ": " : "", problem);
    }
}

/* Waits for a report that was made after the event was durable, and for the destinations. */
static void check_delivery(struct doctor *doctor)
{
    double durable_s = (double)clock_unix_ns() / NS_PER_S;
    uint64_t deadline_ns = clock_monotonic_ns() + DELIVERY_TIMEOUT_S * NS_PER_S;
    double sequence = 0;
    cJSON *report = NULL;

    for (;;) {
        cJSON_Delete(report);
        report = ask_daemon(doctor);
        if (report == NULL) {
            doctor->bad = true;
            return;
        }
        if (sequence == 0 && number(report, "report_time") > durable_s)
            sequence =
                number(cJSON_GetObjectItemCaseSensitive(report, "journal"), "committed_sequence");
        if ((sequence > 0 && all_delivered(report, sequence)) || clock_monotonic_ns() > deadline_ns)
            break;
        (void)usleep(POLL_US);
    }
    if (sequence > 0)
        say_exporters(doctor, report, sequence);
    else
        say(doctor, BAD, "the daemon's report does not become newer");
    cJSON_Delete(report);
}

/* --- What came -------------------------------------------------------------------------------- */

static enum status on_match(void *context, const struct store_record_view *view, struct error *err)
{
    struct doctor *doctor = context;
    struct slice product = lookup_text(view->record, "agent.product");
    uint64_t time_ns = lookup_time(view->record);

    (void)err;
    if (slice_equal(lookup_text(view->record, ID_KEY), slice_of_text(doctor->id)))
        doctor->event_in_store = true;
    for (int i = 0; i < INSTALL_AGENT_COUNT; i++) {
        const char *name = install_agent_product((enum install_agent)i);
        if (!slice_equal(product, slice_of_text(name)))
            continue;
        doctor->seen[i].count++;
        if (time_ns > doctor->seen[i].last_unix_ns)
            doctor->seen[i].last_unix_ns = time_ns;
    }
    return ST_OK;
}

static void read_store(struct doctor *doctor)
{
    char store_dir[PATH_MAX];
    struct scan scan = {.store_dir = store_dir, .on_match = on_match, .context = doctor};
    struct error err;

    scan_default_store(&doctor->dirs, store_dir);
    scan.filter.since_unix_ns = clock_unix_ns() - SEEN_S * NS_PER_S;
    if (scan_run(&scan, &err) != ST_OK)
        say(doctor, OPEN, "the local store cannot be read: %s", err.text);
    else if (doctor->event_in_store)
        say(doctor, GOOD, "it is in the local store");
    else
        say(doctor, BAD, "it is not in the local store '%s'", store_dir);
}

static void check_way(struct doctor *doctor)
{
    struct error err;
    cJSON *report = ask_daemon(doctor);

    if (report == NULL) {
        doctor->bad = true;
        return;
    }
    say(doctor, GOOD, "telltaled %s answers, process %.0f", text_of(report, "version"),
        number(report, "pid"));
    cJSON_Delete(report);
    uint64_t start_ns = clock_monotonic_ns();
    if (send_event(doctor, &err) != ST_OK) {
        say(doctor, BAD, "an event over '%s' was not accepted: %s", doctor->place.socket, err.text);
        return;
    }
    say(doctor, GOOD, "an event over '%s' was durable after %.1f ms", doctor->place.socket,
        (double)(clock_monotonic_ns() - start_ns) / NS_PER_MS);
    check_delivery(doctor);
    read_store(doctor);
}

/* --- Agents ------------------------------------------------------------------------------------
 */

/* How many of the changes that install-hooks would make are not needed any more; false: the file
 * cannot be read. */
static bool compare_json(const struct install_file *file, const struct buf *text, int *ret_missing,
                         cJSON **ret_kept)
{
    cJSON *edits = cJSON_CreateArray();
    struct error ignored;
    struct buf copy;

    *ret_kept = cJSON_CreateArray();
    buf_init(&copy, JSON_EDIT_ROOM);
    enum status st = buf_append(&copy, text->data, text->size, &ignored);
    if (st == ST_OK)
        st = json_edit_merge(&copy, file->wanted, false, edits, *ret_kept, &ignored);
    *ret_missing = cJSON_GetArraySize(edits);
    buf_fini(&copy);
    cJSON_Delete(edits);
    return st == ST_OK;
}

static void check_json(struct doctor *doctor, const struct install_file *file,
                       const struct buf *text)
{
    const cJSON *item;
    cJSON *kept = NULL;
    int missing = 0;

    if (!compare_json(file, text, &missing, &kept))
        say(doctor, OPEN, "%s cannot be read", file->path);
    else if (missing > 0)
        say(doctor, OPEN, "%s lacks hooks or telemetry of ours", file->path);
    else if (cJSON_GetArraySize(kept) == 0)
        say(doctor, GOOD, "%s says what it must", file->path);
    cJSON_ArrayForEach(item, kept)
    {
        say(doctor, OPEN, "%s has %s", file->path, item->valuestring);
    }
    cJSON_Delete(kept);
}

static void check_file(struct doctor *doctor, const struct install_file *file)
{
    struct error err;
    struct buf text;

    buf_init(&text, JSON_EDIT_ROOM);
    enum status st = settings_file_read(&(struct settings_path){.text = file->path}, &text, &err);
    if (st == ST_NOT_FOUND)
        say(doctor, OPEN, "%s is not there", file->path);
    else if (st != ST_OK)
        say(doctor, OPEN, "%s", err.text);
    else if (file->wanted != NULL)
        check_json(doctor, file, &text);
    else if (toml_block_is_there(buf_slice(&text)))
        say(doctor, GOOD, "%s has telemetry", file->path);
    else if (toml_block_put(&text, file->block, &err) == ST_INVALID)
        say(doctor, OPEN, "%s: %s: telltale did not write it", file->path, err.text);
    else
        say(doctor, OPEN, "%s lacks telemetry", file->path);
    buf_fini(&text);
}

static void check_seen(struct doctor *doctor, enum install_agent agent)
{
    const struct seen *seen = &doctor->seen[agent];
    char time[TIME_TEXT_SIZE];

    if (seen->count == 0) {
        say(doctor, OPEN, "nothing came from it in the last day");
        return;
    }
    time_format_local(seen->last_unix_ns, time);
    say(doctor, GOOD, "%llu events in the last day, the last at %s",
        (unsigned long long)seen->count, time);
}

static void check_agent(struct doctor *doctor, enum install_agent agent, const char *hook)
{
    struct install_settings settings = {.agent = agent,
                                        .home = getenv("HOME"),
                                        .hook = hook,
                                        .socket = doctor->place.socket,
                                        .spool = doctor->place.spool,
                                        .endpoint = ENDPOINT_DEFAULT};
    struct install_plan plan = {0};
    struct error err;

    printf("\n%s  (telltale install-hooks %s)\n", install_agent_name(agent),
           install_agent_name(agent));
    if (settings.home == NULL || hook[0] == 0)
        say(doctor, OPEN, "%s",
            settings.home == NULL ? "HOME is not set" : "there is no telltale-hook to be started");
    else if (install_plan_make(&settings, &plan, &err) != ST_OK)
        say(doctor, OPEN, "%s", err.text);
    for (size_t i = 0; i < plan.file_count; i++)
        check_file(doctor, &plan.files[i]);
    check_seen(doctor, agent);
    install_plan_fini(&plan);
}

static int run(const struct command_options *options, int argc, char **argv)
{
    static const struct option known[] = {{"socket", required_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    struct doctor doctor = {0};
    char hook[PATH_MAX] = "";
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option != 's')
            return command_usage(&command_doctor);
        snprintf(doctor.place.socket, sizeof(doctor.place.socket), "%s", optarg);
    }
    if (optind != argc)
        return command_usage(&command_doctor);
    if (!command_dirs(options, &doctor.dirs))
        return COMMAND_FAILED;
    if (doctor.place.socket[0] == 0)
        hook_place_find(&doctor.dirs, &doctor.place);
    if (!hook_place_program(hook))
        hook[0] = 0;
    puts("the way of an event");
    check_way(&doctor);
    for (int i = 0; i < INSTALL_AGENT_COUNT; i++)
        check_agent(&doctor, (enum install_agent)i, hook);
    return doctor.bad ? COMMAND_FAILED : COMMAND_OK;
}

const struct command command_doctor = {
    .name = "doctor",
    .synopsis = "[--socket PATH]",
    .summary = "sends an event the whole way, and looks which agents report",
    .run = run,
};
