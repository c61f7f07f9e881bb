/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_reply_fuzz.c -- what a hostile receiver may answer: the first byte is the status, the next
 * says where its details end and the response begins. */
#include <stddef.h>
#include <stdint.h>

#include "exporters/otlp_grpc/grpc_outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct export_report report = {.rejected_count = 0};
    struct error err = {.status = ST_OK};

    if (size < 2)
        return 0;
    struct slice rest = slice_of(data + 2, size - 2);
    size_t cut = data[1] < rest.size ? data[1] : rest.size;
    const struct grpc_outcome_input input = {
        .code = (grpc_status_code)data[0],
        .message = rest,
        .rpc_status = slice_of(rest.data, cut),
        .response = slice_from(rest, cut),
        .request_size = size * 4096,
        .record_count = 7,
    };
    enum export_result result = grpc_outcome(&input, &report, &err);
    ASSERT((result == EXPORT_DONE) == (input.code == GRPC_STATUS_OK));
    ASSERT(report.rejected_count <= input.record_count);
    ASSERT(strnlen(report.message, sizeof(report.message)) < sizeof(report.message));
    for (const char *c = report.message; *c != 0; c++)
        ASSERT((uint8_t)*c >= 0x20 && *c != 0x7f);
    return 0;
}
