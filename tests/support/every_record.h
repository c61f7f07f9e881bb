/* SPDX-License-Identifier: Apache-2.0 */
/* every_record.h -- all records that the corpus has, and one of each kind with all that its kind
 * can have, as the normalizer tells them. */
#pragma once

#include "support/recorded_session.h"

/* Calls `reader` for each. */
void every_record_read(const struct recorded_session_reader *reader);

/* One native event for each kind, under a resource of a container in Kubernetes. */
void every_kind_read(const struct recorded_session_reader *reader);
