/* SPDX-License-Identifier: Apache-2.0 */
/* encode_attribute.c -- attributes that an exporter adds to a record, see encode.h. */
#include "telltale/encode.h"

#include "wire/otlp.h"

enum status encode_attribute_text(struct slice key, struct slice value, struct buf *out,
                                  struct error *err)
{
    return pb_append_text(out, RECORD_ATTRIBUTES, key, value, err);
}

enum status encode_attribute_int(struct slice key, int64_t value, struct buf *out,
                                 struct error *err)
{
    return pb_append_int(out, RECORD_ATTRIBUTES, key, value, err);
}
