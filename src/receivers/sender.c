/* SPDX-License-Identifier: Apache-2.0 */
/* sender.c -- see sender.h. */
#include "receivers/sender.h"

#include <unistd.h>

#include "wire/otlp.h"

static enum status append_ids(const struct peer *peer, struct buf *out, struct error *err)
{
    const struct {
        const char *key;
        int64_t value;
        bool is_known;
    } ids[] = {
        {"agent.peer.pid", peer->pid, peer->attestation == PEER_BY_KERNEL},
        {"agent.peer.uid", peer->uid, peer->attestation != PEER_UNKNOWN},
        {"agent.peer.gid", peer->gid, peer->attestation == PEER_BY_KERNEL},
    };
    enum status st = ST_OK;

    for (size_t i = 0; i < COUNT_OF(ids) && st == ST_OK; i++) {
        if (ids[i].is_known)
            st =
                pb_append_int(out, RECORD_ATTRIBUTES, slice_of_text(ids[i].key), ids[i].value, err);
    }
    return st;
}

/* What is empty is not known. */
static enum status append_text(const char *key, const char *value, struct buf *out,
                               struct error *err)
{
    if (value[0] == 0)
        return ST_OK;
    return pb_append_text(out, RECORD_ATTRIBUTES, slice_of_text(key), slice_of_text(value), err);
}

enum status sender_append_fields(const struct peer *peer, struct buf *out, struct error *err)
{
    static const struct peer nobody = {.attestation = PEER_UNKNOWN};

    if (peer == NULL)
        peer = &nobody;
    const struct peer_process *process = &peer->process;
    enum status st =
        append_text("agent.peer.attestation", peer_attestation_name(peer->attestation), out, err);
    if (st == ST_OK)
        st = append_ids(peer, out, err);
    if (st == ST_OK)
        st = append_text("agent.peer.executable.path", process->executable, out, err);
    if (st == ST_OK)
        st = append_text("agent.peer.creation.time", process->started, out, err);
    if (st == ST_OK)
        st = append_text("agent.peer.linux.cgroup", process->cgroup.line, out, err);
    if (st == ST_OK)
        st = append_text("agent.peer.container.id", process->cgroup.container_id, out, err);
    return st;
}

static enum status append_host_name(struct buf *out, struct error *err)
{
    char name[256];

    if (gethostname(name, sizeof(name)) < 0)
        return error_set_errno(err, ST_IO, "ask for the host's name");
    name[sizeof(name) - 1] = 0; /* a cut name need not be terminated */
    return pb_append_text(out, RESOURCE_ATTRIBUTES, SLICE("host.name"), slice_of_text(name), err);
}

enum status sender_append_default_resource(struct slice service_name, struct buf *out,
                                           struct error *err)
{
    enum status st =
        pb_append_text(out, RESOURCE_ATTRIBUTES, SLICE("service.name"), service_name, err);

    return st == ST_OK ? append_host_name(out, err) : st;
}

static bool names_host(struct slice fields)
{
    struct pb_walk walk = pb_walk_start(fields);
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        struct attribute_view attribute;
        struct error ignored;
        if (field.number == RESOURCE_ATTRIBUTES && field.type == WIRE_BYTES &&
            otlp_read_attribute(field.bytes, &attribute, &ignored) == ST_OK &&
            slice_equal(attribute.key, SLICE("host.name")))
            return true;
    }
    return false;
}

enum status sender_append_resource(struct slice fields, struct buf *out, struct error *err)
{
    enum status st = buf_append(out, fields.data, fields.size, err);

    if (st != ST_OK || names_host(fields))
        return st;
    return append_host_name(out, err);
}
