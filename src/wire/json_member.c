/* SPDX-License-Identifier: Apache-2.0 */
/* json_member.c -- see json_member.h.  A value never ends with the brace that opens an object, so
 * the byte before a key says whether it is the first one. */
#include "wire/json_member.h"

void json_member_key(struct json_put *json, const char *key)
{
    if (json_good(json) && json->at[-1] != '{')
        json_put(json, SLICE(","));
    json_put_text(json, slice_of_text(key));
    json_put(json, SLICE(":"));
}

void json_member_text(struct json_put *json, const char *key, const char *value)
{
    json_member_key(json, key);
    json_put_text(json, slice_of_text(value));
}

void json_member_uint(struct json_put *json, const char *key, uint64_t value)
{
    json_member_key(json, key);
    json_put_uint(json, value);
}

void json_member_bool(struct json_put *json, const char *key, bool value)
{
    json_member_key(json, key);
    json_put(json, value ? SLICE("true") : SLICE("false"));
}

void json_member_time(struct json_put *json, const char *key, uint64_t unix_ns)
{
    json_member_key(json, key);
    json_put_time(json, unix_ns);
}

void json_member_known_text(struct json_put *json, const char *key, const char *value)
{
    if (value != NULL && value[0] != 0)
        json_member_text(json, key, value);
}

void json_member_known_uint(struct json_put *json, const char *key, uint64_t value)
{
    if (value != 0)
        json_member_uint(json, key, value);
}

void json_member_known_time(struct json_put *json, const char *key, uint64_t unix_ns)
{
    if (unix_ns != 0)
        json_member_time(json, key, unix_ns);
}
