/* SPDX-License-Identifier: Apache-2.0 */
/* hec_outcome.c -- see hec_outcome.h, which has the table. */
#include "hec_outcome.h"

enum { CLOUD_SIZE_MAX = 5 * 1024 * 1024 }; /* code 6 at event 0 beyond it: the size is meant */

#define CHECK_TOKEN   "check the token: token_file"
#define NOT_SPLUNK    "that is no answer of Splunk's: check the endpoint, and proxies in between"
#define CHECK_CHANNEL "a proxy in between may drop headers: the channel did not arrive"

struct rule {
    unsigned code;
    enum hec_verdict verdict;
    const char *hint;
};

static const struct rule rules[] = {
    {0, HEC_TAKEN, NULL},
    {1, HEC_REPAIR, "the token is disabled"},
    {2, HEC_REPAIR, "a token is missing: token_file"},
    {3, HEC_REPAIR, CHECK_TOKEN},
    {4, HEC_REPAIR, CHECK_TOKEN},
    {5, HEC_REJECTED, NULL},
    {6, HEC_EVENT, NULL},
    {HEC_CODE_BAD_INDEX, HEC_REPAIR, "the token does not allow the index"},
    {8, HEC_RETRY, NULL},
    {9, HEC_RETRY, NULL},
    {10, HEC_REPAIR, CHECK_CHANNEL},
    {11, HEC_REPAIR, CHECK_CHANNEL},
    {12, HEC_EVENT, NULL},
    {13, HEC_EVENT, NULL},
    {HEC_CODE_ACK_DISABLED, HEC_REPAIR, "the token has no indexer acknowledgement"},
    {15, HEC_EVENT, NULL},
    {16, HEC_REPAIR, CHECK_TOKEN},
    {17, HEC_REPAIR, "the path of another service: check the endpoint"},
    {18, HEC_RETRY, NULL},
    {19, HEC_RETRY, NULL},
    {20, HEC_RETRY, NULL},
    {21, HEC_REPAIR, CHECK_TOKEN},
    {22, HEC_REPAIR, "the token is disabled"},
    {23, HEC_ELSEWHERE, NULL},
    {24, HEC_SLOW, NULL},
    {25, HEC_SLOW, NULL},
    {26, HEC_RETRY, NULL},
    {27, HEC_RETRY, NULL},
    {28, HEC_REPAIR, CHECK_CHANNEL},
};

static const struct rule *find_rule(unsigned code)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        if (rules[i].code == code)
            return &rules[i];
    }
    return NULL;
}

static struct hec_judgement judge_status(const struct hec_answer *answer)
{
    static const enum hec_verdict verdicts[] = {
        [HTTP_VERDICT_DONE] = HEC_REPAIR,       [HTTP_VERDICT_RETRY] = HEC_RETRY,
        [HTTP_VERDICT_REPAIR] = HEC_REPAIR,     [HTTP_VERDICT_SPLIT] = HEC_TOO_LARGE,
        [HTTP_VERDICT_REJECTED] = HEC_REJECTED,
    };
    const struct http_outcome_input input = {
        .transport = HTTP_ANSWERED, .response = answer->response, .words = answer->reply.text};
    enum http_verdict verdict = http_outcome_judge(&input);

    if (verdict == HTTP_VERDICT_DONE)
        return (struct hec_judgement){.verdict = HEC_REPAIR, .hint = NOT_SPLUNK};
    return (struct hec_judgement){.verdict = verdicts[verdict], .by_status = true};
}

/* Of code 7 the number is that of the object behind the bad one. */
static struct hec_judgement judge_event(const struct hec_answer *answer)
{
    const struct hec_reply *reply = &answer->reply;
    struct hec_judgement judgement = {.verdict = HEC_REJECTED};
    uint64_t event = reply->event_number;

    if (reply->code == HEC_CODE_BAD_INDEX && event > 0)
        event--;
    if (reply->code == 6 && reply->has_event_number && event == 0 &&
        answer->body_size > CLOUD_SIZE_MAX)
        judgement.verdict = HEC_TOO_LARGE;
    else if (reply->has_event_number && event < answer->event_count)
        judgement = (struct hec_judgement){.verdict = HEC_EVENT, .event = (size_t)event};
    return judgement;
}

struct hec_judgement hec_judge(const struct hec_answer *answer)
{
    const struct rule *rule = answer->is_reply ? find_rule(answer->reply.code) : NULL;
    bool is_success = answer->response->status >= 200 && answer->response->status <= 299;

    if (rule == NULL)
        return judge_status(answer);
    if ((rule->verdict == HEC_TAKEN || rule->verdict == HEC_SLOW) && !is_success)
        return judge_status(answer);
    if (rule->verdict == HEC_EVENT ||
        (rule->code == HEC_CODE_BAD_INDEX && answer->on_incorrect_index == HEC_INDEX_DEAD_LETTER))
        return judge_event(answer);
    return (struct hec_judgement){.verdict = rule->verdict, .hint = rule->hint};
}
