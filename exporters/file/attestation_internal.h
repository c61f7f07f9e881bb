/* SPDX-License-Identifier: Apache-2.0 */
/* attestation_internal.h -- for attestation.c and attestation_open.c alone. */
#pragma once

#include "attestation.h"

/* Puts the present keys on record. */
void attestation_tell_keys(struct attestation *self, bool with_log_key, const char *reason,
                           bool is_alarm);
