/* SPDX-License-Identifier: Apache-2.0 */
/* intake_answer.c -- see intake_answer.h. */
#include "intake_answer.h"

#include <string.h>

#include "telltale/json_probe.h"

void intake_answer_hide(const struct intake_plan *plan, char *text)
{
    const char *secret = plan->config->secret_path;
    size_t size = secret != NULL ? strlen(secret) : 0;

    if (size == 0)
        return;
    for (char *at = strstr(text, secret); at != NULL; at = strstr(at, secret)) {
        memset(at, '*', size);
        at += size;
    }
    /* The text may have been cut within the secret. */
    for (size_t part = size - 1; part > 1; part--) {
        size_t length = strlen(text);
        if (length >= part && memcmp(text + length - part, secret, part) == 0) {
            memset(text + length - part, '*', part);
            return;
        }
    }
}

/* Whether the body says success too. */
static bool is_confirmed(const struct intake_plan *plan, const struct http_response *response,
                         struct buf *text)
{
    struct slice value;

    if (plan->success_path == NULL)
        return true;
    enum json_probe_result found =
        response->is_cut ? JSON_PROBE_NOT_JSON
                         : json_probe(response->body, plan->success_path, text, &value);
    if (plan->success_value == NULL)
        return found == JSON_PROBE_ABSENT;
    return found == JSON_PROBE_FOUND && slice_equal(value, slice_of_text(plan->success_value));
}

enum export_result intake_answer_judge(const struct intake_plan *plan,
                                       enum http_transport transport,
                                       const struct http_response *response, struct buf *text,
                                       struct export_report *report, struct error *err)
{
    struct http_response judged = *response;
    struct http_outcome_input input = {.transport = transport,
                                       .response = &judged,
                                       .rules = plan->rules,
                                       .rule_count = plan->rule_count};
    enum export_result result;

    if (plan->config->secret_path != NULL)
        judged.location = ""; /* it repeats the address */
    if (transport == HTTP_ANSWERED && http_outcome_judge(&input) == HTTP_VERDICT_DONE &&
        !is_confirmed(plan, &judged, text))
        result = http_outcome_as(HTTP_VERDICT_REPAIR,
                                 "its body does not say what success_path and "
                                 "success_value ask for",
                                 &input, report, err);
    else
        result = http_outcome(&input, report, err);
    intake_answer_hide(plan, report->message);
    if (result != EXPORT_DONE)
        intake_answer_hide(plan, err->text);
    return result;
}
