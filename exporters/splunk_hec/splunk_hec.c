/* SPDX-License-Identifier: Apache-2.0 */
/* splunk_hec.c -- the exporter for Splunk's HTTP Event Collector: one POST of concatenated events
 * per send(), and where the token has it, questions for the acknowledgement until it is there.
 *
 * A body has as many records of the batch as max_content_length allows; the others come again at
 * once.  What an answer means stands in hec_outcome.h.  One that names a bad event settles those
 * before it, and sends those behind it again.
 *
 * Acknowledgements.  send() returns when the request is acknowledged, so that the cursor never
 * passes an event that Splunk could lose; what keeps a line full is that several lanes wait at one
 * time, each with a channel of its own.  The time for it is added to the deadline (confirm_ns) and
 * kept back from the request.  What is not acknowledged in time is sent again.
 */
#include <stdlib.h>
#include <string.h>

#include "hec_acks.h"
#include "hec_events.h"
#include "hec_outcome.h"
#include "telltale/clocks.h"

/* Between requests when the queue there is nearly full; doubles up to the second. */
#define SLOW_FIRST_NS (1 * NS_PER_S)
#define SLOW_LAST_NS  (8 * NS_PER_S)

enum {
    WORDS_SIZE_LIMIT = 64 * 1024, /* of a decoded message; only its beginning is kept */
    IDLE_KEEP_SIZE = 64 * 1024,   /* of buffers, when nothing is to be sent */
};

static const char without_ack[] =
    "the token has no indexer acknowledgement: events count as delivered when Splunk has received "
    "them (ack: off says that this is meant)";
static const char never_acked[] =
    "acknowledgement was switched off: events under way count as delivered";

struct splunk_hec {
    const struct hec_config *config; /* borrowed */
    struct http_client *client;      /* owned */
    struct hec_events events;
    struct hec_acks acks;
    struct buf words;      /* of answers */
    char url[HEC_URL_MAX]; /* of the collector, where it is not the endpoint */
    const char *base;      /* that, or NULL: the endpoint */
    bool ack_seen;         /* the token has acknowledgements */
    uint64_t slow_ns;      /* the pause before the next request; 0: none */
};

/* One send(). */
struct sending {
    const struct batch *batch;
    uint64_t deadline_ns;
    struct http_response response;
    struct hec_answer answer;
    struct http_outcome_input input;
    struct export_report *report;
    struct error *err;
};

/* --- Making it ------------------------------------------------------------------------------- */

static enum status splunk_hec_check(const void *config, struct error *err)
{
    return hec_config_check(config, err);
}

static const char *splunk_hec_caution(const void *config)
{
    return http_config_caution(&((const struct hec_config *)config)->http);
}

static uint64_t splunk_hec_confirm_ns(const void *config_pointer)
{
    const struct hec_config *config = config_pointer;
    return config->ack == HEC_ACK_OFF ? 0 : config->ack_timeout_ns;
}

static void splunk_hec_destroy(void *self_pointer)
{
    struct splunk_hec *self = self_pointer;

    if (self == NULL)
        return;
    http_client_destroy(self->client);
    hec_events_fini(&self->events);
    hec_acks_fini(&self->acks);
    buf_fini(&self->words);
    free(self);
}

static enum status build(struct splunk_hec *self, struct error *err)
{
    const struct http_client_settings settings = {.config = &self->config->http,
                                                  .token_scheme = "Splunk"};

    enum status st = hec_events_init(&self->events, self->config, err);
    if (st == ST_OK)
        st = http_client_create(&settings, &self->client, err);
    if (st != ST_OK)
        return st;
    if (hec_config_base(self->config, self->url))
        self->base = self->url;
    self->acks.config = self->config;
    self->acks.client = self->client;
    self->acks.url = self->base;
    self->acks.text = &self->words;
    return hec_acks_init(&self->acks, err);
}

static enum status splunk_hec_create(const void *config, const struct exporter_context *context,
                                     void **ret_self, struct error *err)
{
    (void)context;
    struct splunk_hec *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create a Splunk exporter");
    self->config = config;
    self->acks.wake_fd = -1;
    buf_init(&self->words, WORDS_SIZE_LIMIT);
    enum status st = build(self, err);
    if (st != ST_OK) {
        splunk_hec_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

/* --- Outcomes -------------------------------------------------------------------------------- */

/* All events of the request have one outcome, and so has the batch if they are all of it. */
static enum export_result settle_all(struct splunk_hec *self, struct sending *sending,
                                     enum item_outcome outcome, const char *words)
{
    struct hec_events *events = &self->events;
    struct export_report *report = sending->report;

    if (outcome == ITEM_DONE && events->count == sending->batch->record_count)
        return EXPORT_DONE;
    for (size_t i = 0; i < events->count; i++)
        report->tell(report, events->records[i], outcome, words);
    for (size_t i = events->end; i < sending->batch->record_count; i++)
        report->tell(report, i, ITEM_AGAIN, NULL);
    return EXPORT_MIXED;
}

/* Waits for the acknowledgement that the answer promises.  ITEM_DONE, also where there is none to
 * wait for; else what becomes of events that were taken and not acknowledged. */
static enum item_outcome confirm(struct splunk_hec *self, struct sending *sending)
{
    const struct hec_reply *reply = &sending->answer.reply;
    int mode = self->config->ack;

    if (mode == HEC_ACK_OFF)
        return ITEM_DONE;
    if (!reply->has_ack_id) {
        if (mode == HEC_ACK_AUTO) {
            sending->report->notice = without_ack;
            return ITEM_DONE;
        }
        self->ack_seen = false; /* before anything is sent again it is asked for once more */
        return ITEM_RETRY;
    }
    self->ack_seen = true;
    switch (hec_acks_wait(&self->acks, reply->ack_id, sending->deadline_ns, sending->err)) {
    case HEC_ACKS_TRUE:
        return ITEM_DONE;
    case HEC_ACKS_DISABLED:
        sending->report->notice = never_acked;
        self->ack_seen = false;
        return ITEM_DONE;
    case HEC_ACKS_NOT_KNOWN:
        break;
    }
    return ITEM_RETRY;
}

static enum export_result taken(struct splunk_hec *self, struct sending *sending)
{
    sending->report->sent_bytes = sending->response.sent_bytes;
    sending->err->status = ST_OK;
    if (confirm(self, sending) == ITEM_DONE)
        return settle_all(self, sending, ITEM_DONE, NULL);
    if (sending->err->status == ST_OK)
        return http_outcome_as(HTTP_VERDICT_REPAIR,
                               "taken, but without the acknowledgement that ack: on asks for",
                               &sending->input, sending->report, sending->err);
    return EXPORT_RETRY;
}

/* Object `bad` cannot be indexed: those before it are, none behind it is.  Where requests are
 * acknowledged and this one is not, those before it are not safe, and come again; so do they when
 * the answer is not of the type that Splunk's have: the OpenTelemetry Collector, for one, gives the
 * same number and keeps nothing. */
static enum export_result one_is_bad(struct splunk_hec *self, struct sending *sending, size_t bad)
{
    const uint32_t *records = self->events.records;
    struct export_report *report = sending->report;
    const struct hec_reply *reply = &sending->answer.reply;
    enum item_outcome before = ITEM_DONE;
    struct error words = {.status = ST_OK};

    (void)http_outcome_as(HTTP_VERDICT_REJECTED, NULL, &sending->input, report, &words);
    *sending->err = words;
    bool is_splunk = strcmp(sending->response.type, "application/json") == 0;
    bool wants_ack =
        self->config->ack == HEC_ACK_ON || (self->config->ack == HEC_ACK_AUTO && self->ack_seen);
    if (bad > 0 && self->config->ack != HEC_ACK_OFF && reply->has_ack_id)
        before = confirm(self, sending);
    else if (!is_splunk || wants_ack)
        before = ITEM_AGAIN;
    (void)settle_all(self, sending, ITEM_AGAIN, NULL);
    for (size_t i = 0; i < bad; i++)
        report->tell(report, records[i], before, NULL);
    report->tell(report, records[bad], ITEM_REJECTED, words.text);
    return EXPORT_MIXED;
}

/* The whole request was refused: of one event that is its outcome, of several the worker looks for
 * those to blame. */
static enum export_result refused(struct splunk_hec *self, struct sending *sending, bool too_large)
{
    enum http_verdict verdict = too_large ? HTTP_VERDICT_SPLIT : HTTP_VERDICT_REJECTED;

    enum export_result result =
        http_outcome_as(verdict, NULL, &sending->input, sending->report, sending->err);
    if (self->events.count > 1 || sending->batch->record_count == 1)
        return result;
    return settle_all(self, sending, too_large ? ITEM_TOO_LARGE : ITEM_REJECTED,
                      sending->err->text);
}

static void slow_down(struct splunk_hec *self)
{
    self->slow_ns = self->slow_ns == 0 ? SLOW_FIRST_NS : 2 * self->slow_ns;
    if (self->slow_ns > SLOW_LAST_NS)
        self->slow_ns = SLOW_LAST_NS;
}

static enum export_result act_on(struct splunk_hec *self, struct sending *sending)
{
    const struct hec_judgement judgement = hec_judge(&sending->answer);

    if (judgement.verdict == HEC_SLOW)
        slow_down(self);
    else
        self->slow_ns = 0;
    switch (judgement.verdict) {
    case HEC_TAKEN:
    case HEC_SLOW:
        return taken(self, sending);
    case HEC_EVENT:
        return one_is_bad(self, sending, judgement.event);
    case HEC_TOO_LARGE:
        return refused(self, sending, true);
    case HEC_REJECTED:
        return refused(self, sending, false);
    case HEC_ELSEWHERE:
        http_client_renew(self->client);
        break;
    case HEC_RETRY:
    case HEC_REPAIR:
        break;
    }
    if (judgement.by_status)
        return http_outcome(&sending->input, sending->report, sending->err);
    return http_outcome_as(judgement.verdict == HEC_REPAIR ? HTTP_VERDICT_REPAIR
                                                           : HTTP_VERDICT_RETRY,
                           judgement.hint, &sending->input, sending->report, sending->err);
}

/* --- Sending --------------------------------------------------------------------------------- */

/* The request's share of the time: all of it when a stop has moved the deadline nearer. */
static uint64_t request_deadline(const struct splunk_hec *self, uint64_t deadline_ns)
{
    uint64_t confirm_ns = splunk_hec_confirm_ns(self->config);

    return deadline_ns > clock_monotonic_ns() + confirm_ns ? deadline_ns - confirm_ns : deadline_ns;
}

/* Gives a destination time whose queue is nearly full.  False: cancelled. */
static bool pause_when_slow(struct splunk_hec *self, uint64_t deadline_ns, uint64_t *request_ns)
{
    uint64_t start_ns = clock_monotonic_ns();
    uint64_t room_ns = *request_ns > start_ns ? (*request_ns - start_ns) / 2 : 0;
    uint64_t pause_ns = self->slow_ns < room_ns ? self->slow_ns : room_ns;

    if (self->slow_ns == 0)
        return true;
    *request_ns = *request_ns + pause_ns < deadline_ns ? *request_ns + pause_ns : deadline_ns;
    return hec_acks_pause(&self->acks, start_ns + pause_ns);
}

/* A destination that must have acknowledgements is asked before it is given anything: what it takes
 * without one would be sent again and again.  False: it has none. */
static bool has_acks(struct splunk_hec *self, uint64_t deadline_ns, struct error *err)
{
    if (self->config->ack != HEC_ACK_ON || self->ack_seen)
        return true;
    switch (hec_acks_probe(&self->acks, deadline_ns, err)) {
    case HEC_ACKS_TRUE:
        self->ack_seen = true;
        break;
    case HEC_ACKS_DISABLED:
        (void)error_set(err, ST_IO,
                        "the token has no indexer acknowledgement, which ack: on asks "
                        "for: useACK in its settings");
        return false;
    case HEC_ACKS_NOT_KNOWN:
        break; /* the events' own request says what is wrong */
    }
    return true;
}

static enum export_result post(struct splunk_hec *self, struct sending *sending,
                               uint64_t deadline_ns)
{
    const struct http_header channel = {"X-Splunk-Request-Channel", self->acks.channel};
    const struct http_request request = {
        .url = self->base,
        .path = "/services/collector/event",
        .content_type = "application/json",
        .body = buf_slice(&self->events.body),
        .headers = &channel,
        .header_count = 1,
    };
    struct http_response *response = &sending->response;
    struct hec_answer *answer = &sending->answer;

    enum http_transport transport =
        http_client_send(self->client, &request, deadline_ns, response, sending->err);
    sending->input = (struct http_outcome_input){.transport = transport, .response = response};
    if (transport != HTTP_ANSWERED)
        return http_outcome(&sending->input, sending->report, sending->err);
    *answer = (struct hec_answer){.response = response,
                                  .event_count = self->events.count,
                                  .body_size = self->events.body.size,
                                  .on_incorrect_index = self->config->on_incorrect_index};
    answer->is_reply = hec_reply_read(response->body, &self->words, &answer->reply);
    sending->input.words = answer->reply.text;
    return act_on(self, sending);
}

static enum export_result splunk_hec_send(void *self_pointer, const struct batch *batch,
                                          uint64_t deadline_ns, struct export_report *report,
                                          struct error *err)
{
    struct splunk_hec *self = self_pointer;
    struct sending sending = {
        .batch = batch, .deadline_ns = deadline_ns, .report = report, .err = err};

    uint64_t request_ns = request_deadline(self, deadline_ns);
    if (!pause_when_slow(self, deadline_ns, &request_ns)) {
        (void)error_set(err, ST_STOPPING, "given up: the destination is being stopped");
        return EXPORT_RETRY;
    }
    if (!has_acks(self, request_ns, err)) {
        report->retry_after_ms = HTTP_RETRY_REPAIR_MS;
        return EXPORT_RETRY;
    }
    enum status st = hec_events_fill(&self->events, batch, report, err);
    if (st != ST_OK)
        return http_outcome_unsent(st);
    if (self->events.count == 0) /* none of them is fit to be sent, and each was told of */
        return EXPORT_MIXED;
    return post(self, &sending, request_ns);
}

static void splunk_hec_cancel(void *self_pointer)
{
    struct splunk_hec *self = self_pointer;

    http_client_cancel(self->client);
    hec_acks_cancel(&self->acks);
}

/* Nothing to send: a burst's buffers need not stay. */
static enum status splunk_hec_tick(void *self_pointer, uint64_t now_unix_ns, struct error *err)
{
    struct splunk_hec *self = self_pointer;

    (void)now_unix_ns;
    (void)err;
    if (self->events.body.capacity > IDLE_KEEP_SIZE)
        buf_trim(&self->events.body, IDLE_KEEP_SIZE);
    http_client_trim(self->client);
    return ST_OK;
}

extern const struct exporter_ops exporter_splunk_hec;
const struct exporter_ops exporter_splunk_hec = {
    .name = "splunk_hec",
    .fields = hec_fields,
    .config_size = sizeof(struct hec_config),
    .check = splunk_hec_check,
    .caution = splunk_hec_caution,
    .confirm_ns = splunk_hec_confirm_ns,
    .create = splunk_hec_create,
    .send = splunk_hec_send,
    .tick = splunk_hec_tick,
    .cancel = splunk_hec_cancel,
    .destroy = splunk_hec_destroy,
};
