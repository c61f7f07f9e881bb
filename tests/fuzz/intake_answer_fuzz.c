/* SPDX-License-Identifier: Apache-2.0 */
/* intake_answer_fuzz.c -- any bytes as the answer of an intake, looked through for a member. */
#include "telltale/json_probe.h"

enum { TEXT_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"code", "error.code", "a.b.c.d", "access_token"};
    struct slice value;
    struct buf text;

    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        enum json_probe_result result = json_probe(slice_of(data, size), paths[i], &text, &value);
        ASSERT(result == JSON_PROBE_FOUND || value.size == 0);
        ASSERT(value.size <= size);
    }
    buf_fini(&text);
    return 0;
}
