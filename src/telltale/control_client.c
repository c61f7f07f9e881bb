/* SPDX-License-Identifier: Apache-2.0 */
/* control_client.c -- see control_client.h. */
#include "telltale/control_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_TIMEOUT_S = 10 };
enum { OK = 200, STARTING = 503 };
/* A daemon that starts has nothing to report for a moment. */
enum { STARTING_TRIES = 40, STARTING_PAUSE_US = 50000 };

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

/* Asks once; the answer's HTTP status, 0 and `problem` when there is none. */
static long ask_once(const char *socket_path, struct buf *answer,
                     char problem[static CURL_ERROR_SIZE])
{
    CURL *curl = curl_easy_init();
    long code = 0;

    if (curl == NULL)
        return 0;
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
    return code;
}

bool control_ask(const struct config_dirs *dirs, const char *asker, struct buf *answer)
{
    char socket_path[PATH_MAX + 16];
    char problem[CURL_ERROR_SIZE] = "";
    long code = 0;

    snprintf(socket_path, sizeof(socket_path), "%s/control.sock", dirs->run_dir);
    for (int i = 0; i < STARTING_TRIES; i++) {
        buf_clear(answer);
        code = ask_once(socket_path, answer, problem);
        if (code != STARTING)
            break;
        (void)usleep(STARTING_PAUSE_US);
    }
    if (code == OK)
        return true;
    fprintf(stderr,
            "%s: no daemon answers at '%s': %s\n"
            "Is telltaled running, and with this run directory (--run-dir)?\n",
            asker, socket_path, code == 0 ? problem : "it is not ready");
    return false;
}
