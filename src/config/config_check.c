/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.c -- a broken rule is shown at the option that the file sets, or at its start
 * when the defaults and --run-dir broke it between them. */
#include "config/config_check.h"

#include <stdio.h>

#include "config/config_shed.h"
#include "config/config_value.h"
#include "telltale/signals.h"

struct check {
    const struct config *config;
    const struct yaml_node *root;
    struct config_report *report;
};

/* The option "a.b.c", or as near to it as the file goes; *ret_found: it is there. */
static const struct yaml_node *find_option(const struct yaml_node *root, const char *path,
                                           bool *ret_found)
{
    const struct yaml_node *node = root;
    char key[32];

    *ret_found = false;
    while (node != NULL) {
        size_t size = strcspn(path, ".");
        ASSERT(size < sizeof(key));
        memcpy(key, path, size);
        key[size] = 0;
        const struct yaml_node *child = yaml_find(node, key);
        if (child == NULL)
            break;
        node = child;
        if (path[size] == 0) {
            *ret_found = true;
            break;
        }
        path += size + 1;
    }
    return node;
}

static struct config_place place_of(const struct yaml_node *root, const char *path)
{
    bool found;
    const struct yaml_node *node = find_option(root, path, &found);

    if (found)
        return node->place;
    if (node == NULL || node->key == NULL)
        return (struct config_place){0, 0};
    return node->key->place;
}

/* A rule between two options, shown at the one that the file sets. */
static void require(const struct check *check, bool holds, const char *path, const char *other,
                    const char *text)
{
    bool found;

    if (holds)
        return;
    (void)find_option(check->root, path, &found);
    config_report_add(check->report, place_of(check->root, found ? path : other), path, "%s", text);
}

static void check_socket_path(const struct check *check, const char *path, const char *value)
{
    struct error err;

    if (value != NULL && config_check_socket_path(value, &err) != ST_OK)
        config_report_add(check->report, place_of(check->root, path), path, "%s", err.text);
}

/* The place of item `index` of the list at `path`. */
static struct config_place place_of_item(const struct check *check, const char *path, size_t index)
{
    bool found;
    const struct yaml_node *list = find_option(check->root, path, &found);

    if (!found)
        return (struct config_place){0, 0};
    const struct yaml_node *item = list != NULL ? list->first : NULL;

    while (item != NULL && index > 0) {
        item = item->next;
        index--;
    }
    return item != NULL ? item->place : (struct config_place){0, 0};
}

static void check_listen(const struct check *check, const char *section, const char *subsection,
                         const struct config_text_list *list, bool allow_remote)
{
    struct config_address address;
    struct error err;
    char path[64];

    snprintf(path, sizeof(path), "%s.%s.listen", section, subsection);
    const char *own_path = config_pool_copy(check->report->pool, path, strlen(path));
    for (size_t i = 0; i < list->count; i++) {
        struct config_place place = place_of_item(check, path, i);
        if (list->items[i][0] == 0)
            continue; /* could not be read, which was reported */
        if (config_read_address(list->items[i], &address, &err) != ST_OK) {
            config_report_add(check->report, place, own_path, "%s", err.text);
        } else if (!address.loopback && !allow_remote) {
            config_report_add(check->report, place, own_path,
                              "'%s' can be reached from other machines, without encryption or "
                              "authentication; listen on loopback or set allow_remote_plaintext",
                              list->items[i]);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list->items[i], list->items[j]) == 0)
                config_report_add(check->report, place, own_path, "'%s' stands here twice",
                                  list->items[i]);
        }
    }
}

static bool stands_in(const struct config_text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

/* How senders to the TCP addresses of a receiver show who they are. */
enum sender_proof { PROOF_NONE, PROOF_NONE_BUT_TLS, PROOF_CERTIFICATE };

/* What is wrong with trusting the senders to this address; NULL: nothing. */
static const char *distrust(const struct config_upstreams *upstreams,
                            const struct config_address *address, enum sender_proof proof)
{
    bool has_certificate = address->unix_path == NULL && proof == PROOF_CERTIFICATE;
    bool is_tls = address->unix_path == NULL && proof != PROOF_NONE;

    if (has_certificate)
        return NULL;
    if (!address->loopback && !upstreams->allow_unauthenticated)
        return "can be reached from other machines, and no certificate is asked of senders; "
               "trust a loopback address, ask for certificates (otlp_grpc: tls.client_ca_file), "
               "or set allow_unauthenticated";
    if (upstreams->users.count > 0 && (is_tls || !address->loopback))
        return "does not tell the user of a sender; remove it, or users";
    return NULL;
}

static void check_upstreams(const struct check *check, const char *path,
                            const struct config_upstreams *upstreams,
                            const struct config_text_list *listen, enum sender_proof proof)
{
    const struct config_text_list *addresses = &upstreams->addresses;
    struct config_address address;
    struct error ignored;

    for (size_t i = 0; i < addresses->count; i++) {
        const char *text = addresses->items[i];
        struct config_place place = place_of_item(check, path, i);
        if (text[0] == 0)
            continue; /* could not be read, which was reported */
        if (!stands_in(listen, text)) {
            config_report_add(check->report, place, path,
                              "'%s' does not stand in listen; write it as there", text);
            continue;
        }
        if (config_read_address(text, &address, &ignored) != ST_OK)
            continue; /* reported at listen */
        const char *why = distrust(upstreams, &address, proof);
        if (why != NULL)
            config_report_add(check->report, place, path, "'%s' %s", text, why);
    }
    if (upstreams->users.count > CONFIG_TRUSTED_USERS_MAX)
        config_report_add(check->report, place_of(check->root, path), path, "more than %d users",
                          (int)CONFIG_TRUSTED_USERS_MAX);
}

static void check_all_upstreams(const struct check *check)
{
    const struct config_otlp_http_receiver *http = &check->config->receivers.otlp_http;
    const struct config_otlp_grpc_receiver *grpc = &check->config->receivers.otlp_grpc;
    enum sender_proof proof = PROOF_NONE;

    if (grpc->tls.cert_file != NULL)
        proof = grpc->tls.client_ca_file != NULL ? PROOF_CERTIFICATE : PROOF_NONE_BUT_TLS;
    check_upstreams(check, "receivers.otlp_http.trusted_upstreams.addresses",
                    &http->trusted_upstreams, &http->listen, PROOF_NONE);
    check_upstreams(check, "receivers.otlp_grpc.trusted_upstreams.addresses",
                    &grpc->trusted_upstreams, &grpc->listen, proof);
}

static void check_sizes(const struct check *check)
{
    const struct config *config = check->config;
    const struct config_unix_receiver *unix_socket = &config->receivers.unix_socket;
    const struct config_otlp_http_receiver *http = &config->receivers.otlp_http;
    const struct config_otlp_grpc_receiver *grpc = &config->receivers.otlp_grpc;

    require(check, config->journal.segment_size <= config->journal.max_size / 2,
            "journal.segment_size", "journal.max_size", "two segments must fit into max_size");
    require(check, unix_socket->max_event_size <= config->journal.segment_size,
            "receivers.unix.max_event_size", "journal.segment_size",
            "an event must fit into journal.segment_size");
    require(check, unix_socket->max_event_size <= config->limits.in_flight,
            "receivers.unix.max_event_size", "limits.in_flight",
            "an event must fit into limits.in_flight");
    require(check, http->max_request_size <= config->limits.in_flight,
            "receivers.otlp_http.max_request_size", "limits.in_flight",
            "a request must fit into limits.in_flight");
    require(check, !grpc->enabled || grpc->max_request_size <= config->limits.in_flight,
            "receivers.otlp_grpc.max_request_size", "limits.in_flight",
            "a request must fit into limits.in_flight");
    require(check, grpc->connections_per_uid_max <= grpc->connections_max,
            "receivers.otlp_grpc.connections_per_uid_max", "receivers.otlp_grpc.connections_max",
            "one user may have more connections than all together");
    require(check, unix_socket->connections_per_uid_max <= unix_socket->connections_max,
            "receivers.unix.connections_per_uid_max", "receivers.unix.connections_max",
            "one user may have more connections than all together");
}

static void check_tls(const struct check *check)
{
    const struct config_otlp_grpc_receiver *grpc = &check->config->receivers.otlp_grpc;

    require(check, (grpc->tls.cert_file != NULL) == (grpc->tls.key_file != NULL),
            "receivers.otlp_grpc.tls.cert_file", "receivers.otlp_grpc.tls.key_file",
            "cert_file and key_file go together");
    require(check, grpc->tls.client_ca_file == NULL || grpc->tls.cert_file != NULL,
            "receivers.otlp_grpc.tls.client_ca_file", "receivers.otlp_grpc.tls",
            "client_ca_file needs cert_file and key_file");
}

static void check_shed(const struct check *check)
{
    static const char path[] = "limits.shed";
    const struct config_text_list *list = &check->config->limits.shed;

    for (size_t i = 0; i < list->count; i++) {
        const struct config_shed_kind *kind = config_shed_find(list->items[i]);
        struct config_place place = place_of_item(check, path, i);
        if (kind == NULL) {
            config_report_add(check->report, place, path, "'%s' is no kind of events",
                              list->items[i]);
        } else if (!kind->may_be_shed) {
            config_report_add(check->report, place, path,
                              "'%s' is never shed: it says what was decided, blocked or lost",
                              list->items[i]);
        }
    }
}

static void check_signals(const struct check *check, const char *path,
                          const struct config_text_list *signals)
{
    struct error err;

    if (signals_check("signals", signals, &err) != ST_OK)
        config_report_add(check->report, place_of(check->root, path), path, "%s", err.text);
}

void config_check(const struct config *config, const struct yaml_node *root,
                  struct config_report *report)
{
    const struct check check = {.config = config, .root = root, .report = report};

    check_socket_path(&check, "receivers.unix.path", config->receivers.unix_socket.path);
    check_socket_path(&check, "", config->control_path);
    require(&check, strcmp(config->receivers.unix_socket.path, config->control_path) != 0,
            "receivers.unix.path", "", "this is the control socket");
    check_listen(&check, "receivers", "otlp_http", &config->receivers.otlp_http.listen,
                 config->receivers.otlp_http.allow_remote_plaintext);
    check_listen(&check, "receivers", "otlp_grpc", &config->receivers.otlp_grpc.listen,
                 config->receivers.otlp_grpc.allow_remote_plaintext ||
                     config->receivers.otlp_grpc.tls.cert_file != NULL);
    check_tls(&check);
    check_all_upstreams(&check);
    check_listen(&check, "telemetry", "metrics", &config->telemetry.metrics.listen,
                 config->telemetry.metrics.allow_remote_plaintext);
    check_sizes(&check);
    check_shed(&check);
    check_signals(&check, "receivers.otlp_http.signals", &config->receivers.otlp_http.signals);
    check_signals(&check, "receivers.otlp_grpc.signals", &config->receivers.otlp_grpc.signals);
}

void config_check_exporter(const struct config_exporter *exporter, const struct yaml_node *node,
                           const char *path, bool readable, struct config_report *report)
{
    const struct yaml_node *retry = yaml_find(node, "retry");
    const struct yaml_node *in_flight = yaml_find(node, "requests_in_flight_max");
    struct config_place place = node->key != NULL ? node->key->place : (struct config_place){0, 0};
    struct error err = {.text = "refused"};

    if (exporter->delivery.retry.initial > exporter->delivery.retry.max) {
        config_report_add(report, retry != NULL ? retry->place : place, path,
                          "retry.initial is longer than retry.max");
    }
    if (exporter->ops->in_order_only && exporter->delivery.requests_in_flight_max > 1 &&
        in_flight != NULL) {
        config_report_add(report, in_flight->place, path,
                          "requests_in_flight_max must be 1 or absent: '%s' takes events in order",
                          exporter->ops->name);
    }
    config_filter_check(&exporter->delivery.filter, yaml_find(node, "filter"), path, report);
    if (readable && exporter->ops->check != NULL &&
        exporter->ops->check(exporter->config, &err) != ST_OK)
        config_report_add(report, place, path, "%s", err.text);
}
