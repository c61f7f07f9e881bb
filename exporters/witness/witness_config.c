/* SPDX-License-Identifier: Apache-2.0 */
/* witness_config.c -- see witness_config.h. */
#include "witness_config.h"

const struct config_field witness_fields[] = {
    HTTP_CONFIG_FIELDS(struct witness_config, http,
                       "http:// or https://, host:port and, if you like, a path, below which "
                       "/add-checkpoint is; or unix:/path of a socket."),
    {.key = "key",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct witness_config, key),
     .required = true,
     .help = "The witness' verifier key, NAME+HASH+BASE64, for Ed25519 cosignatures. What it did "
             "not sign is no answer."},
    {.key = "every",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct witness_config, every_ns),
     .min = UINT64_C(1000000000),
     .max = UINT64_C(86400000000000),
     .default_text = "1m",
     .help = "Of each log the newest checkpoint is shown at most so often."},
    {.key = NULL},
};

enum status witness_config_key(const struct witness_config *config, struct note_vkey *ret,
                               struct error *err)
{
    enum status st = note_vkey_parse(slice_of_text(config->key), ret, err);

    if (st == ST_OK && ret->type != NOTE_KEY_COSIGNATURE)
        st = error_set(err, ST_INVALID, "it signs notes, and not as a witness (type 4)");
    return st == ST_OK ? ST_OK : error_context(err, "key");
}

enum status witness_config_check(const struct witness_config *config, struct error *err)
{
    struct note_vkey key;

    enum status st = http_config_check(&config->http, err);
    return st == ST_OK ? witness_config_key(config, &key, err) : st;
}
