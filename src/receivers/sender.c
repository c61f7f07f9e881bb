/* SPDX-License-Identifier: Apache-2.0 */
/* sender.c -- see sender.h. */
#include "receivers/sender.h"

#include <unistd.h>

#include "wire/otlp.h"

static enum status append_user(uid_t uid, gid_t gid, struct slice attestation, struct buf *out,
                               struct error *err)
{
    enum status st =
        pb_append_int(out, RECORD_ATTRIBUTES, SLICE("agent.peer.uid"), (int64_t)uid, err);
    if (st == ST_OK)
        st = pb_append_int(out, RECORD_ATTRIBUTES, SLICE("agent.peer.gid"), (int64_t)gid, err);
    if (st == ST_OK)
        st = pb_append_text(out, RECORD_ATTRIBUTES, SLICE("agent.peer.attestation"), attestation,
                            err);
    return st;
}

enum status sender_append_fields(const struct peer *peer, struct buf *out, struct error *err)
{
    if (peer == NULL) {
        return pb_append_text(out, RECORD_ATTRIBUTES, SLICE("agent.peer.attestation"),
                              SLICE("none"), err);
    }
    enum status st =
        pb_append_int(out, RECORD_ATTRIBUTES, SLICE("agent.peer.pid"), (int64_t)peer->pid, err);
    if (st == ST_OK)
        st = append_user(peer->uid, peer->gid, SLICE("kernel"), out, err);
    return st;
}

enum status sender_append_owner(uid_t uid, gid_t gid, struct buf *out, struct error *err)
{
    return append_user(uid, gid, SLICE("file"), out, err);
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
