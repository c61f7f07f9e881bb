/* SPDX-License-Identifier: Apache-2.0 */
/* http_limits.h -- what a request and an answer may have.
 *
 * Threads: constants.
 */
#pragma once

enum {
    HTTP_HEADERS_MAX = 64,             /* in each of `headers` and `headers_from_files` */
    HTTP_HEADER_NAME_MAX = 256,        /* bytes */
    HTTP_HEADER_VALUE_MAX = 16 * 1024, /* bytes */
    HTTP_OWN_HEADERS_MAX = 32,         /* that an exporter adds to a request, and the client */
    HTTP_BODY_MAX = 80 * 1024 * 1024,  /* of a request as it goes out: a batch is far below it */
    HTTP_ANSWER_HEAD_MAX = 64 * 1024,  /* of an answer's status lines and headers, all together */
};
