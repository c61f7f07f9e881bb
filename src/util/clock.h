/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h -- include/telltale/clocks.h by the name that it has in src/. */
#pragma once

#include "telltale/clocks.h"
