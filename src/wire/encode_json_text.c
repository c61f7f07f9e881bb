/* SPDX-License-Identifier: Apache-2.0 */
/* encode_json_text.c -- texts that an exporter puts around a record, see encode.h. */
#include "telltale/encode.h"
#include "wire/json_put.h"

enum status encode_json_text(struct slice text, struct buf *out, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    json_put_text(&json, text);
    return json_finish(&json);
}
