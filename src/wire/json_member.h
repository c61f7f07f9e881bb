/* SPDX-License-Identifier: Apache-2.0 */
/* json_member.h -- members of JSON objects, one call each: the key, behind a comma if another
 * member stands before it, and the value.  What is written for every record puts its keys as they
 * are instead (json_put()).
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "wire/json_put.h"

/* The value is up to the caller.  The object is open: its '{' was put. */
void json_member_key(struct json_put *json, const char *key);

void json_member_text(struct json_put *json, const char *key, const char *value);
void json_member_uint(struct json_put *json, const char *key, uint64_t value);
void json_member_bool(struct json_put *json, const char *key, bool value);
void json_member_time(struct json_put *json, const char *key, uint64_t unix_ns);

/* Nothing is written for what is not known: no text or an empty one, 0. */
void json_member_known_text(struct json_put *json, const char *key, const char *value);
void json_member_known_uint(struct json_put *json, const char *key, uint64_t value);
void json_member_known_time(struct json_put *json, const char *key, uint64_t unix_ns);
