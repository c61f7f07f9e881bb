/* SPDX-License-Identifier: Apache-2.0 */
/* url_facet.h -- where a URL leads, as attributes.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/mapping.h"

/* url.full, and of SCHEME://HOST...: url.scheme, url.domain, server.address and, where the URL
 * says it, server.port.  A name before an @ is not part of the host. */
void url_facet_put(struct mapping *m, struct slice url);
