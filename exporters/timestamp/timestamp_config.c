/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_config.c -- see timestamp_config.h. */
#include "timestamp_config.h"

#include "telltale/timestamp.h"

const struct config_field timestamp_fields[] = {
    HTTP_CONFIG_FIELDS(struct timestamp_config, http,
                       "http:// or https:// and the address of the time stamp authority, as "
                       "https://tsa.example.com/tsr; or unix:/path of a socket. Many have http:// "
                       "only: then tls.insecure, since a time stamp is signed itself."),
    {.key = "policy",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct timestamp_config, policy),
     .help =
         "The OID of the policy under which the authority is to stamp, as 1.2.3.4. When absent, "
         "it chooses."},
    {.key = "ca_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct timestamp_config, ca_file),
     .help =
         "PEM with the certificate that the authority's leads to. A time stamp of somebody else "
         "is then no answer. When absent, any is taken that is signed with a certificate for "
         "time stamps, and whom to believe is left to `telltale verify`."},
    {.key = "every",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct timestamp_config, every_ns),
     .min = UINT64_C(1000000000),
     .max = UINT64_C(604800000000000),
     .default_text = "1h",
     .help = "Of each log the newest checkpoint is stamped at most so often, restarts included."},
    {.key = NULL},
};

enum status timestamp_config_check(const struct timestamp_config *config, struct error *err)
{
    enum status st = http_config_check(&config->http, err);

    if (st == ST_OK && config->policy != NULL) {
        st = timestamp_policy_check(config->policy, err);
        if (st != ST_OK)
            (void)error_context(err, "policy");
    }
    return st;
}
