/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_text.h -- whether a file is text that the YAML reader may see.
 *
 * Threads: pure.
 */
#pragma once

#include "config/config_report.h"

/* Reports why `report->source` is not; false then. */
MUST_CHECK bool yaml_text_check(struct config_report *report);
