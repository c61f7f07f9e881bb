/* SPDX-License-Identifier: Apache-2.0 */
/* export_record.h -- puts an export on record: an event of kind agent.integrity, action "export",
 * to the daemon of this machine, which goes to every destination.
 *
 * Who did it the kernel tells the daemon (agent.peer.*); the rest is what the command says.
 *
 * Threads: none of its own.
 */
#pragma once

#include "bundle/bundle.h"

/* Sends it to the daemon at `socket_path` and waits, some seconds, until it is durable.  `path` is
 * the bundle, which is read for its SHA-256.  ST_NOT_FOUND: no daemon listens there; others as
 * telltale_client_wait(). */
MUST_CHECK enum status export_record_send(const char *socket_path, const char *path,
                                          const struct evidence *evidence,
                                          const struct custody *custody, struct error *err);

/* SHA-256 of a file. */
MUST_CHECK enum status export_hash_file(const char *path, struct hash *ret, struct error *err);
