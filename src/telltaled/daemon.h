/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h -- the wiring: what is built, started, reloaded and stopped, and in which order. */
#pragma once

#include "telltale/error.h"

struct daemon;
