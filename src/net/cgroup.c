/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c -- see cgroup.h.
 *
 * A line is HIERARCHY:CONTROLLERS:PATH.  The forms of path components that are containers, ID
 * being 64 hex digits:
 *
 *     ID                           docker and containerd with cgroupfs, kubepods/.../ID
 *     docker-ID.scope              docker with systemd
 *     cri-containerd-ID.scope      containerd under Kubernetes
 *     crio-ID.scope                CRI-O
 *     libpod-ID.scope, libpod-ID   podman
 *     SLICE:cri-containerd:ID      containerd with the systemd form and cgroupfs
 *
 * libpod-conmon-ID.scope and crio-conmon-ID.scope are the runtime's own monitor outside. */
#include "net/cgroup.h"

#include "net/safe_path.h"

static bool is_id(struct slice text)
{
    if (text.size != CGROUP_CONTAINER_ID_SIZE)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (!((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f')))
            return false;
    }
    return true;
}

static bool ends_with(struct slice text, struct slice end)
{
    return text.size >= end.size && slice_equal(slice_from(text, text.size - end.size), end);
}

/* The id in one component of a path, or empty. */
static struct slice id_in(struct slice component)
{
    if (ends_with(component, SLICE(".scope")))
        component.size -= SLICE(".scope").size;
    if (component.size < CGROUP_CONTAINER_ID_SIZE)
        return SLICE_EMPTY;
    size_t before = component.size - CGROUP_CONTAINER_ID_SIZE;
    struct slice id = slice_from(component, before);
    struct slice name = slice_of(component.data, before);
    if (!is_id(id))
        return SLICE_EMPTY;
    if (before == 0)
        return id;
    bool is_parted = name.data[before - 1] == '-' || name.data[before - 1] == ':';
    return is_parted && !ends_with(name, SLICE("conmon-")) ? id : SLICE_EMPTY;
}

/* Cuts the text up to `end` off its front; what is behind the last one is a part too. */
static struct slice take_part(struct slice *rest, char end)
{
    size_t size = 0;

    while (size < rest->size && rest->data[size] != (uint8_t)end)
        size++;
    struct slice part = slice_of(rest->data, size);
    *rest = slice_from(*rest, size < rest->size ? size + 1 : size);
    return part;
}

static struct slice id_of_line(struct slice line)
{
    struct slice path = line;

    (void)take_part(&path, ':');
    (void)take_part(&path, ':');
    while (path.size > 0) {
        struct slice id = id_in(take_part(&path, '/'));
        if (id.size > 0)
            return id;
    }
    return SLICE_EMPTY;
}

static size_t whole_lines(struct slice text)
{
    size_t size = text.size;

    while (size > 0 && text.data[size - 1] != '\n')
        size--;
    return size;
}

void cgroup_read(struct slice text, struct cgroup *ret)
{
    struct slice rest = slice_of(text.data, whole_lines(text));
    struct slice chosen = SLICE_EMPTY;
    struct slice id = SLICE_EMPTY;

    *ret = (struct cgroup){0};
    while (rest.size > 0 && id.size == 0) {
        struct slice line = take_part(&rest, '\n');
        id = id_of_line(line);
        if (id.size > 0 || chosen.size == 0 || slice_starts_with(line, SLICE("0::")))
            chosen = line;
    }
    safe_path_write(chosen, ret->line, sizeof(ret->line));
    if (id.size > 0)
        memcpy(ret->container_id, id.data, id.size);
}
