/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_list.c -- see exporter_list.h.  In the order of the reference page. */
#include "deliver/exporter_list.h"

#include <string.h>

extern const struct exporter_ops exporter_elastic;
extern const struct exporter_ops exporter_file;
extern const struct exporter_ops exporter_http;
extern const struct exporter_ops exporter_kafka;
extern const struct exporter_ops exporter_null;
extern const struct exporter_ops exporter_otlp_grpc;
extern const struct exporter_ops exporter_otlp_http;
extern const struct exporter_ops exporter_splunk_hec;
extern const struct exporter_ops exporter_timestamp;
extern const struct exporter_ops exporter_witness;

static const struct exporter_ops *const all[] = {
    &exporter_elastic,   &exporter_file,      &exporter_http,      &exporter_kafka,
    &exporter_null,      &exporter_otlp_grpc, &exporter_otlp_http, &exporter_splunk_hec,
    &exporter_timestamp, &exporter_witness,
};

const struct exporter_ops *const *exporter_list(size_t *ret_count)
{
    *ret_count = COUNT_OF(all);
    return all;
}

const struct exporter_ops *exporter_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}
