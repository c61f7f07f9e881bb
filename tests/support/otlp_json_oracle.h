/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_oracle.h -- OTLP JSON by way of a cJSON tree and protobuf-c messages, to compare our
 * own reader with.  For what agents send, not for everything that the mapping allows. */
#pragma once

#include "support/otlp_oracle.h"

/* Free with oracle_free().  Text that is not such JSON ends the test. */
oracle_request *oracle_request_of_json(struct slice json);
