/* SPDX-License-Identifier: Apache-2.0 */
/* control_client.c -- see control_client.h. */
#include "telltale/control_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_TIMEOUT_S = 10 };

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct error err;

    (void)size; /* always 1 */
    return buf_append(context, data, count, &err) == ST_OK ? count : 0;
}

/* curl speaks of a host and a port, which a socket has not: the system's word says more. */
static void say_why(CURL *curl, const char *socket_path, char problem[static CURL_ERROR_SIZE])
{
    long number = 0;

    if (access(socket_path, R_OK | W_OK) < 0)
        number = errno;
    else
        (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (number != 0)
        snprintf(problem, CURL_ERROR_SIZE, "%s", strerror((int)number));
}

bool control_ask(const struct config_dirs *dirs, const char *asker, struct buf *answer)
{
    char socket_path[PATH_MAX + 16];
    CURL *curl = curl_easy_init();
    char problem[CURL_ERROR_SIZE] = "";
    long code = 0;

    if (curl == NULL)
        return false;
    snprintf(socket_path, sizeof(socket_path), "%s/control.sock", dirs->run_dir);
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/status");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    else if (result == CURLE_COULDNT_CONNECT)
        say_why(curl, socket_path, problem);
    curl_easy_cleanup(curl);
    if (result == CURLE_OK && code == 200)
        return true;
    fprintf(stderr,
            "%s: no daemon answers at '%s': %s\n"
            "Is telltaled running, and with this run directory (--run-dir)?\n",
            asker, socket_path, result != CURLE_OK ? problem : "it is not ready");
    return false;
}
