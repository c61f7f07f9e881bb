/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_fuzz.c -- any bytes as /proc/PID/cgroup: a line that is text without anything that acts,
 * and an id of 64 digits or none. */
#include "net/cgroup.h"
#include "telltale/base.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cgroup cgroup;

    cgroup_read(slice_of(data, size), &cgroup);
    size_t line_size = strnlen(cgroup.line, sizeof(cgroup.line));
    size_t id_size = strnlen(cgroup.container_id, sizeof(cgroup.container_id));
    ASSERT(line_size < sizeof(cgroup.line));
    ASSERT(id_size == 0 || id_size == CGROUP_CONTAINER_ID_SIZE);
    ASSERT(id_size == 0 || line_size > 0);
    ASSERT(strspn(cgroup.container_id, "0123456789abcdef") == id_size);
    for (size_t at = 0; at < line_size;) {
        const uint8_t *here = (const uint8_t *)cgroup.line + at;
        size_t taken = utf8_size(here, (const uint8_t *)cgroup.line + line_size);
        ASSERT(taken > 0 && !utf8_acts(utf8_code_point(here, taken)));
        at += taken;
    }
    return 0;
}
