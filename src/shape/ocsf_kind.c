/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_kind.c -- see ocsf_kind.h.  OCSF says which classes there are; which of them fits an event
 * of an agent is ours to say (docs/SHAPES.md).  A class whose required objects the record cannot
 * fill is not chosen: then it is API Activity, which needs least. */
#include "shape/ocsf_kind.h"

#include "telltale/base.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define CLASS(uid, name, category, category_name)                                                  \
    uid, name,                                                                                     \
        TEXT("\"class_uid\":" #uid ",\"class_name\":\"" name "\",\"category_uid\":" #category      \
             ",\"category_name\":\"" category_name "\"")

const struct ocsf_class_row ocsf_classes[OCSF_CLASS_COUNT] = {
    [OCSF_CLASS_BASE] = {CLASS(0, "Base Event", 0, "Uncategorized"), false, false},
    [OCSF_CLASS_FILE] = {CLASS(1001, "File System Activity", 1, "System Activity"), false, true},
    [OCSF_CLASS_PROCESS] = {CLASS(1007, "Process Activity", 1, "System Activity"), true, true},
    [OCSF_CLASS_SCRIPT] = {CLASS(1009, "Script Activity", 1, "System Activity"), false, true},
    [OCSF_CLASS_FINDING] = {CLASS(2004, "Detection Finding", 2, "Findings"), false, false},
    [OCSF_CLASS_AUTHENTICATION] = {CLASS(3002, "Authentication", 3, "Identity & Access Management"),
                                   false, true},
    [OCSF_CLASS_AUTHORIZE] = {CLASS(3003, "Authorize Session", 3, "Identity & Access Management"),
                              false, true},
    [OCSF_CLASS_NETWORK] = {CLASS(4001, "Network Activity", 4, "Network Activity"), false, true},
    [OCSF_CLASS_HTTP] = {CLASS(4002, "HTTP Activity", 4, "Network Activity"), false, true},
    [OCSF_CLASS_INVENTORY] = {CLASS(5001, "Device Inventory Info", 5, "Discovery"), false, false},
    [OCSF_CLASS_LIFECYCLE] = {CLASS(6002, "Application Lifecycle", 6, "Application Activity"),
                              false, true},
    [OCSF_CLASS_API] = {CLASS(6003, "API Activity", 6, "Application Activity"), true, true},
    [OCSF_CLASS_ERROR] = {CLASS(6008, "Application Error", 6, "Application Activity"), false, true},
};

const struct ocsf_kind_row ocsf_kind_rows[KIND_COUNT] = {
    [KIND_SESSION] = {"6002", "3 Start, 4 Stop"},
    [KIND_TURN] = {"6003", "99"},
    [KIND_PROMPT] = {"6003", "99"},
    [KIND_RESPONSE] = {"6003", "99"},
    [KIND_MODEL] = {"6003", "1 Create"},
    [KIND_TOOL] = {"1007 (shell), 1001 (files), 4002 (web, with a URL), 6003 (all others)",
                   "of 1007 1 Launch (start, denied) and 2 Terminate (end); of 1001 by the "
                   "operation; of 4002 by the method, else 3 Get; of 6003 99, but 1 to 4 of files "
                   "without a path and 2 Read of searches"},
    [KIND_APPROVAL] = {"6003; 3003 where a tool was allowed for longer than once",
                       "99; 1 Assign Privileges"},
    [KIND_REVIEW] = {"2004", "1 Create"},
    [KIND_COMMAND] = {"1007", "1 Launch (start, denied), 2 Terminate (end)"},
    [KIND_FILE] = {"1001; 6003 without a path", "by the operation"},
    [KIND_NETWORK] = {"4001; 4002 where the method is known",
                      "1 Open, 5 Refuse (denied), 4 Fail; of 4002 by the method"},
    [KIND_MCP] = {"4001 (the connection), 1007 (the same by stdio), 6003 (a call)",
                  "1 Open, 2 Close, 4 Fail; 1 Launch, 2 Terminate; 99"},
    [KIND_SANDBOX] = {"1007", "1 Launch"},
    [KIND_MODE] = {"6002", "8 Update"},
    [KIND_CONFIG] = {"6002", "8 Update"},
    [KIND_HOOK] = {"1009", "1 Execute"},
    [KIND_SUBAGENT] = {"6002", "3 Start, 4 Stop, 99"},
    [KIND_EXTENSION] = {"6002", "1 Install, 2 Remove, 3 Start (load, invoke), 6 Enable, 7 Disable, "
                                "8 Update, 99"},
    [KIND_CONTEXT] = {"6003", "99"},
    [KIND_AUTH] = {"3002", "1 Logon, 2 Logoff, 99"},
    [KIND_RESOURCE] = {"5001", "2 Collect"},
    [KIND_ERROR] = {"6008", "1 General Error"},
    [KIND_PIPELINE] = {"6008", "1 General Error"},
    [KIND_INTEGRITY] = {"6002", "99"},
    [KIND_OTHER] = {"0", "99"},
};

/* --- Names ----------------------------------------------------------------------------------- */

enum {
    ACTIVITIES_MAX = 10,
    OTHER = 99, /* an activity */
    ROLE_OF_USER = 1,
    ROLE_OF_ASSISTANT = 2,
    ROLE_OF_TOOL = 3,
    ROLE_OF_AGENT = 4,
};

static const char *const activities[OCSF_CLASS_COUNT][ACTIVITIES_MAX] = {
    [OCSF_CLASS_FILE] = {[1] = "Create", "Read", "Update", "Delete", "Rename", "Set Attributes"},
    [OCSF_CLASS_PROCESS] = {[1] = "Launch", "Terminate"},
    [OCSF_CLASS_SCRIPT] = {[1] = "Execute"},
    [OCSF_CLASS_FINDING] = {[1] = "Create"},
    [OCSF_CLASS_AUTHENTICATION] = {[1] = "Logon", "Logoff"},
    [OCSF_CLASS_AUTHORIZE] = {[1] = "Assign Privileges"},
    [OCSF_CLASS_NETWORK] = {[1] = "Open", "Close", [4] = "Fail", "Refuse"},
    [OCSF_CLASS_HTTP] =
        {[1] = "Connect", "Delete", "Get", "Head", "Options", "Post", "Put", "Trace", "Patch"},
    [OCSF_CLASS_INVENTORY] = {[2] = "Collect"},
    [OCSF_CLASS_LIFECYCLE] =
        {[1] = "Install", "Remove", "Start", "Stop", [6] = "Enable", "Disable", "Update"},
    [OCSF_CLASS_API] = {[1] = "Create", "Read", "Update", "Delete"},
    [OCSF_CLASS_ERROR] = {[1] = "General Error"},
};

enum {
    ACTION_ALLOWED = 1,
    ACTION_DENIED = 2,
    ACTION_MODIFIED = 4,
    DISPOSITION_ALLOWED = 1,
    DISPOSITION_BLOCKED = 2,
    DISPOSITION_APPROVED = 8,
    DISPOSITION_LOGGED = 17,
    DISPOSITION_REJECTED = 25,
    DISPOSITION_ERROR = 27,
    STATUS_UNKNOWN = 0,
    STATUS_SUCCESS = 1,
    STATUS_FAILURE = 2,
};

const char *ocsf_activity_name(enum ocsf_class class, unsigned activity)
{
    return activity < ACTIVITIES_MAX ? activities[class][activity] : NULL;
}

const char *ocsf_action_name(unsigned action)
{
    static const char *const names[] = {"Unknown", "Allowed", "Denied", "Observed", "Modified"};
    return names[action];
}

const char *ocsf_disposition_name(unsigned disposition)
{
    static const char *const names[] = {[0] = "Unknown",
                                        [DISPOSITION_ALLOWED] = "Allowed",
                                        [DISPOSITION_BLOCKED] = "Blocked",
                                        [DISPOSITION_APPROVED] = "Approved",
                                        [DISPOSITION_LOGGED] = "Logged",
                                        [DISPOSITION_REJECTED] = "Rejected",
                                        [DISPOSITION_ERROR] = "Error"};
    return names[disposition];
}

const char *ocsf_risk_name(unsigned risk)
{
    static const char *const names[] = {"Info", "Low", "Medium", "High", "Critical"};
    return names[risk];
}

const char *ocsf_severity_name(unsigned severity)
{
    static const char *const names[] = {"Unknown", "Informational", "Low",
                                        "Medium",  "High",          "Critical"};
    return names[severity];
}

const char *ocsf_status_name(enum ocsf_class class, unsigned status)
{
    static const char *const names[] = {"Unknown", "Success", "Failure"};
    return class == OCSF_CLASS_FINDING ? "New" : names[status];
}

/* --- The verdict ----------------------------------------------------------------------------- */

static bool says(const struct record_reader *reader, unsigned key, const char *word)
{
    return slice_equal(reader_text(reader, key), slice_of_text(word));
}

static bool is_said(const struct record_reader *reader, unsigned key)
{
    return reader_text(reader, key).size > 0;
}

static bool is_denied(const struct record_reader *reader)
{
    return says(reader, KEY_AGENT_OUTCOME, "denied");
}

static unsigned activity_of_method(const struct record_reader *reader)
{
    enum { METHODS = 9, GET = 3 };
    static const char *const methods[METHODS + 1] = {
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH", NULL};
    if (!is_said(reader, KEY_HTTP_REQUEST_METHOD))
        return GET;
    unsigned method = reader_word(reader, KEY_HTTP_REQUEST_METHOD, methods, METHODS);
    return method < METHODS ? method + 1 : OTHER;
}

static void judge_process(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    ret->class = OCSF_CLASS_PROCESS;
    ret->activity = says(reader, KEY_AGENT_EVENT_PHASE, "end") && !is_denied(reader) ? 2 : 1;
}

/* `usual` when the record says no operation. */
static void judge_file(const struct record_reader *reader, unsigned usual, struct ocsf_verdict *ret)
{
    enum { OPERATION_UNKNOWN = 6, API_DELETE = 4 };
    unsigned operation =
        reader_word(reader, KEY_AGENT_FILE_OPERATION, words_file_operation, OPERATION_UNKNOWN);

    ret->activity = operation < OPERATION_UNKNOWN ? operation + 1 : usual;
    if (is_said(reader, KEY_FILE_PATH) || is_said(reader, KEY_FILE_NAME)) {
        ret->class = OCSF_CLASS_FILE;
    } else if (ret->activity > API_DELETE) {
        ret->activity = OTHER;
    }
}

static void judge_web(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    enum { API_READ = 2 };

    ret->activity = API_READ;
    if (is_said(reader, KEY_URL_FULL)) {
        ret->class = OCSF_CLASS_HTTP;
        ret->activity = activity_of_method(reader);
    }
}

static void judge_tool(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    enum { READ = 2, UPDATE = 3, DELETE = 4 };

    switch (reader_word(reader, KEY_AGENT_TOOL_CATEGORY, words_tool_category, TOOL_OTHER)) {
    case TOOL_SHELL:
        judge_process(reader, ret);
        break;
    case TOOL_FILE_READ:
        judge_file(reader, READ, ret);
        break;
    case TOOL_FILE_WRITE:
    case TOOL_FILE_EDIT:
        judge_file(reader, UPDATE, ret);
        break;
    case TOOL_FILE_DELETE:
        judge_file(reader, DELETE, ret);
        break;
    case TOOL_SEARCH:
        ret->activity = READ;
        break;
    case TOOL_WEB_FETCH:
    case TOOL_WEB_SEARCH:
        judge_web(reader, ret);
        break;
    default:
        break;
    }
}

static bool is_lasting(const struct record_reader *reader)
{
    return says(reader, KEY_AGENT_DECISION_OUTCOME, "allow") &&
           (says(reader, KEY_AGENT_DECISION_SCOPE, "session") ||
            says(reader, KEY_AGENT_DECISION_SCOPE, "permanent") ||
            says(reader, KEY_AGENT_DECISION_SCOPE, "rule_added"));
}

static void judge_approval(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    if (is_lasting(reader) && is_said(reader, KEY_GEN_AI_TOOL_NAME)) {
        ret->class = OCSF_CLASS_AUTHORIZE;
        ret->activity = 1;
    }
}

static void judge_file_event(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    judge_file(reader, OTHER, ret);
}

static void judge_network(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    enum { OPEN = 1, FAIL = 4, REFUSE = 5 };

    if (is_said(reader, KEY_HTTP_REQUEST_METHOD) && activity_of_method(reader) != OTHER) {
        ret->class = OCSF_CLASS_HTTP;
        ret->activity = activity_of_method(reader);
    } else if (ret->action == ACTION_DENIED) {
        ret->activity = REFUSE;
    } else {
        ret->activity = says(reader, KEY_AGENT_OUTCOME, "failure") ? FAIL : OPEN;
    }
}

static void judge_mcp(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    enum { NO_STATE = 3, LAUNCH = 1, TERMINATE = 2 };
    static const unsigned connections[] = {1, 4, 2}; /* of words_mcp_state */
    unsigned state = reader_word(reader, KEY_AGENT_MCP_CONNECTION_STATE, words_mcp_state, NO_STATE);

    if (state == NO_STATE)
        return;
    if (says(reader, KEY_AGENT_MCP_SERVER_ORIGIN, "stdio")) {
        ret->class = OCSF_CLASS_PROCESS;
        ret->activity = connections[state] == 2 ? TERMINATE : LAUNCH;
    } else {
        ret->class = OCSF_CLASS_NETWORK;
        ret->activity = connections[state];
    }
}

static void judge_lifecycle(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    enum { START = 3, STOP = 4 };

    if (says(reader, KEY_AGENT_EVENT_PHASE, "start"))
        ret->activity = START;
    else if (says(reader, KEY_AGENT_EVENT_PHASE, "end"))
        ret->activity = STOP;
}

static void judge_extension(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    static const uint8_t extension_activities[] = {1, 2, 8,     6,    7,
                                                   3, 3, OTHER, OTHER}; /* of the words */

    ret->activity =
        extension_activities[reader_word(reader, KEY_AGENT_EXTENSION_ACTION, words_extension_action,
                                         COUNT_OF(extension_activities) - 1)];
}

static void judge_auth(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    if (says(reader, KEY_AGENT_AUTH_ACTION, "login"))
        ret->activity = 1;
    else if (says(reader, KEY_AGENT_AUTH_ACTION, "logout"))
        ret->activity = 2;
}

/* What a record of the kind is as a rule.  The verdict on decisions stands. */
static const struct usual {
    uint8_t class, activity, role;
    void (*judge)(const struct record_reader *reader, struct ocsf_verdict *ret); /* may differ */
} usual[KIND_COUNT] = {
    [KIND_SESSION] = {OCSF_CLASS_LIFECYCLE, OTHER, 0, judge_lifecycle},
    [KIND_TURN] = {OCSF_CLASS_API, OTHER, 0, NULL},
    [KIND_PROMPT] = {OCSF_CLASS_API, OTHER, ROLE_OF_USER, NULL},
    [KIND_RESPONSE] = {OCSF_CLASS_API, OTHER, ROLE_OF_ASSISTANT, NULL},
    [KIND_MODEL] = {OCSF_CLASS_API, 1, ROLE_OF_ASSISTANT, NULL},
    [KIND_TOOL] = {OCSF_CLASS_API, OTHER, ROLE_OF_TOOL, judge_tool},
    [KIND_APPROVAL] = {OCSF_CLASS_API, OTHER, 0, judge_approval},
    [KIND_REVIEW] = {OCSF_CLASS_FINDING, 1, 0, NULL},
    [KIND_COMMAND] = {OCSF_CLASS_PROCESS, 1, 0, judge_process},
    [KIND_FILE] = {OCSF_CLASS_API, OTHER, 0, judge_file_event},
    [KIND_NETWORK] = {OCSF_CLASS_NETWORK, 1, 0, judge_network},
    [KIND_MCP] = {OCSF_CLASS_API, OTHER, 0, judge_mcp},
    [KIND_SANDBOX] = {OCSF_CLASS_PROCESS, 1, 0, NULL},
    [KIND_MODE] = {OCSF_CLASS_LIFECYCLE, 8, 0, NULL},
    [KIND_CONFIG] = {OCSF_CLASS_LIFECYCLE, 8, 0, NULL},
    [KIND_HOOK] = {OCSF_CLASS_SCRIPT, 1, 0, NULL},
    [KIND_SUBAGENT] = {OCSF_CLASS_LIFECYCLE, OTHER, ROLE_OF_AGENT, judge_lifecycle},
    [KIND_EXTENSION] = {OCSF_CLASS_LIFECYCLE, OTHER, 0, judge_extension},
    [KIND_CONTEXT] = {OCSF_CLASS_API, OTHER, 0, NULL},
    [KIND_AUTH] = {OCSF_CLASS_AUTHENTICATION, OTHER, 0, judge_auth},
    [KIND_RESOURCE] = {OCSF_CLASS_INVENTORY, 2, 0, NULL},
    [KIND_ERROR] = {OCSF_CLASS_ERROR, 1, 0, NULL},
    [KIND_PIPELINE] = {OCSF_CLASS_ERROR, 1, 0, NULL},
    [KIND_INTEGRITY] = {OCSF_CLASS_LIFECYCLE, OTHER, 0, NULL},
    [KIND_OTHER] = {OCSF_CLASS_BASE, OTHER, 0, NULL},
};

static void judge_class(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    const struct usual *row = &usual[reader->kind == KIND_COUNT ? KIND_OTHER : reader->kind];

    ret->class = row->class;
    ret->activity = row->activity;
    ret->role = row->role;
    if (row->judge != NULL)
        row->judge(reader, ret);
}

static void set_control(struct ocsf_verdict *ret, unsigned action, unsigned disposition)
{
    ret->has_control = true;
    ret->action = action;
    ret->disposition = disposition;
}

static void judge_decision(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    bool by_user = says(reader, KEY_AGENT_DECISION_SOURCE, "user");

    switch (
        reader_word(reader, KEY_AGENT_DECISION_OUTCOME, words_decision_outcome, DECISION_UNKNOWN)) {
    case DECISION_ALLOW:
        set_control(ret, ACTION_ALLOWED, by_user ? DISPOSITION_APPROVED : DISPOSITION_ALLOWED);
        break;
    case DECISION_MODIFY:
        set_control(ret, ACTION_MODIFIED, by_user ? DISPOSITION_APPROVED : DISPOSITION_ALLOWED);
        break;
    case DECISION_DENY:
        set_control(ret, ACTION_DENIED, by_user ? DISPOSITION_REJECTED : DISPOSITION_BLOCKED);
        break;
    case DECISION_ABORT:
    case DECISION_TIMEOUT:
        set_control(ret, ACTION_DENIED, DISPOSITION_BLOCKED);
        break;
    case DECISION_ASK:
    case DECISION_DEFER:
        set_control(ret, 0, DISPOSITION_LOGGED);
        break;
    default:
        if (is_denied(reader))
            set_control(ret, ACTION_DENIED, DISPOSITION_BLOCKED);
        else
            ret->has_control = reader->kind == KIND_APPROVAL || reader->kind == KIND_REVIEW;
    }
}

static void judge_control(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    enum { RISK_UNKNOWN = 4, NO_OUTCOME = 5 };
    static const uint8_t sandbox[][2] = {{ACTION_ALLOWED, DISPOSITION_ALLOWED},
                                         {ACTION_DENIED, DISPOSITION_BLOCKED},
                                         {ACTION_ALLOWED, DISPOSITION_ALLOWED},
                                         {0, DISPOSITION_ERROR},
                                         {0, 0},
                                         {0, 0}};
    unsigned risk =
        reader_word(reader, KEY_AGENT_REVIEW_RISK_LEVEL, words_risk_level, RISK_UNKNOWN);

    judge_decision(reader, ret);
    if (reader->kind == KIND_SANDBOX) {
        unsigned outcome =
            reader_word(reader, KEY_AGENT_SANDBOX_OUTCOME, words_sandbox_outcome, NO_OUTCOME);
        set_control(ret, sandbox[outcome][0], sandbox[outcome][1]);
    }
    if (risk < RISK_UNKNOWN) {
        ret->risk = risk + 1;
        ret->has_control = true;
    }
}

static unsigned severity_of(const struct record_reader *reader)
{
    enum { FROM_MEDIUM = 13, FROM_HIGH = 17, FROM_CRITICAL = 21 };
    uint32_t severity = reader->facts.agent_severity;

    if (severity == 0)
        return 0;
    if (severity >= FROM_CRITICAL)
        return 5;
    return severity >= FROM_HIGH ? 4 : severity >= FROM_MEDIUM ? 3 : 1;
}

static unsigned status_of(const struct record_reader *reader)
{
    switch (reader_word(reader, KEY_AGENT_OUTCOME, words_outcome, OUTCOME_UNKNOWN)) {
    case OUTCOME_SUCCESS:
        return STATUS_SUCCESS;
    case OUTCOME_PENDING:
    case OUTCOME_UNKNOWN:
        return STATUS_UNKNOWN;
    default:
        return STATUS_FAILURE;
    }
}

void ocsf_judge(const struct record_reader *reader, struct ocsf_verdict *ret)
{
    enum { STATUS_NEW = 1 };

    *ret = (struct ocsf_verdict){.class = OCSF_CLASS_BASE};
    judge_control(reader, ret); /* the class depends on it */
    judge_class(reader, ret);
    ret->severity = severity_of(reader);
    ret->status = ret->class == OCSF_CLASS_FINDING ? STATUS_NEW : status_of(reader);
}
