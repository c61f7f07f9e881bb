/* SPDX-License-Identifier: Apache-2.0 */
#include "telltaled/daemon.h"
