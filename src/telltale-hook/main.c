/* SPDX-License-Identifier: Apache-2.0 */
/* telltale-hook -- what an agent's hooks run: hands the hook's JSON to the daemon and waits until
 * the disk has it, but never longer than its limit.
 *
 * An agent reads a hook's output and exit code as a decision.  So this always exits with 0, never
 * writes to standard output, and writes to standard error only when asked to.
 *
 * Of the time limit, half is for standard input, which an agent may forget to close, and the last
 * part for the spool. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "telltale-hook/event_line.h"
#include "telltale-hook/hand_over.h"
#include "telltale-hook/hook_clock.h"
#include "telltale-hook/json_check.h"
#include "telltale-hook/spool_file.h"

enum {
    TIMEOUT_DEFAULT_MS = 1000,
    TIMEOUT_MIN_MS = 10,
    TIMEOUT_MAX_MS = 60000,
    LAST_RESORT_MS = 200, /* beyond the limit */
    SPOOL_SHARE_MS = 200, /* of the limit, or a quarter if that is less */
    PATH_SIZE = 4096,
    PLACES_MAX = 4,
};

static uint8_t input[EVENT_PLAIN_MAX + 1]; /* one more tells that there is too much */

struct places {
    char room[PLACES_MAX][PATH_SIZE];
    const char *paths[PLACES_MAX];
    size_t count;
};

struct options {
    const char *dialect;
    const char *event, *socket, *spool, *json;
    uint64_t timeout_ms;
    bool verbose;
};

static struct places sockets, spools;

/* What is opened later must not get the number of a stream that the agent has closed. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd); /* one more than is needed */
}

static void end_well(int signal)
{
    (void)signal;
    _exit(0);
}

/* Should anything block that is not thought to, it ends all the same. */
static void set_last_resort(uint64_t timeout_ms)
{
    uint64_t after_ms = timeout_ms + LAST_RESORT_MS;
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)(after_ms / 1000),
                                           .tv_usec = (suseconds_t)(after_ms % 1000 * 1000)}};
    (void)signal(SIGPIPE, SIG_IGN); /* nor does who listens no more end it badly */
    (void)signal(SIGXFSZ, SIG_IGN); /* nor a limit on files, in the middle of one */
    (void)signal(SIGALRM, end_well);
    (void)setitimer(ITIMER_REAL, &timer, NULL); /* without it, it only lacks the last resort */
}

/* --- Saying ------------------------------------------------------------------------------ */

static void say(const struct options *options, const char *what, const char *why)
{
    char line[512] = "telltale-hook: ";
    size_t size = strlen(line);
    const char *const parts[] = {what, why, "\n"};
    if (!options->verbose)
        return;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t step = strnlen(parts[i], sizeof(line) - 2 - size);
        memcpy(line + size, parts[i], step);
        size += step;
    }
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written; /* there is nobody else to tell */
}

/* --- Where the daemon is ------------------------------------------------------------------- */

static void add_place(struct places *places, const char *dir, const char *name)
{
    if (dir == NULL || dir[0] != '/' || places->count == PLACES_MAX ||
        strlen(dir) + strlen(name) >= PATH_SIZE)
        return;
    char *path = places->room[places->count];
    memcpy(path, dir, strlen(dir) + 1);
    memcpy(path + strlen(dir), name, strlen(name) + 1);
    places->paths[places->count++] = path;
}

/* Anybody may make a directory in /tmp, to catch what is said to us. */
static void add_place_in_tmp(struct places *places)
{
    char dir[32] = "/tmp/telltale-";
    char digits[20];
    size_t size = strlen(dir), count = 0;
    struct stat facts;
    uid_t uid = geteuid();
    do {
        digits[count++] = (char)('0' + uid % 10);
        uid /= 10;
    } while (uid > 0);
    while (count > 0)
        dir[size++] = digits[--count];
    if (lstat(dir, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == geteuid() &&
        (facts.st_mode & 0022) == 0)
        add_place(places, dir, "/agent.sock");
}

/* A person's own daemon comes before that of the machine (docs/man/telltaled.8, FILES). */
static void find_sockets(const char *option)
{
    const char *given = option != NULL ? option : getenv("TELLTALE_SOCKET");
    if (given != NULL && given[0] != 0) {
        sockets.paths[sockets.count++] = given;
        return;
    }
    if (geteuid() != 0) {
        add_place(&sockets, getenv("XDG_RUNTIME_DIR"), "/telltale/agent.sock");
        add_place_in_tmp(&sockets);
    }
    add_place(&sockets, "/run/telltale", "/agent.sock");
}

static void find_spools(const char *option)
{
    const char *given = option != NULL ? option : getenv("TELLTALE_SPOOL");
    if (given != NULL && given[0] != 0) {
        spools.paths[spools.count++] = given;
        return;
    }
    if (geteuid() != 0) {
        const char *state = getenv("XDG_STATE_HOME");
        if (state != NULL && state[0] == '/')
            add_place(&spools, state, "/telltale/spool");
        else
            add_place(&spools, getenv("HOME"), "/.local/state/telltale/spool");
    }
    add_place(&spools, "/var/lib/telltale", "/spool");
}

/* --- Options --------------------------------------------------------------------------------- */

static const char *dialect_of(const char *agent)
{
    static const char *const agents[][2] = {
        {"codex", "codex_hook"},   {"claude-code", "claude_code_hook"}, {"gemini", "gemini_hook"},
        {"cursor", "cursor_hook"}, {"codex-notify", "codex_notify"},
    };
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
        if (strcmp(agent, agents[i][0]) == 0)
            return agents[i][1];
    }
    return NULL;
}

static uint64_t read_timeout(const char *text)
{
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9' && value <= TIMEOUT_MAX_MS; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    if (*text != 0 || value < TIMEOUT_MIN_MS)
        return TIMEOUT_DEFAULT_MS;
    return value < TIMEOUT_MAX_MS ? value : TIMEOUT_MAX_MS;
}

/* Takes the option at *at, with its value.  What is not known is passed over: whatever a command
 * line says, the event is worth more than the complaint. */
static void take_option(struct options *options, char **arguments, int *at)
{
    const char *name = arguments[*at];
    const char *value = arguments[*at + 1];
    const char **place = NULL;
    if (strcmp(name, "--verbose") == 0) {
        options->verbose = true;
        return;
    }
    if (strcmp(name, "--event") == 0)
        place = &options->event;
    else if (strcmp(name, "--socket") == 0)
        place = &options->socket;
    else if (strcmp(name, "--spool") == 0)
        place = &options->spool;
    if (value == NULL || (place == NULL && strcmp(name, "--timeout") != 0))
        return;
    ++*at;
    if (place != NULL)
        *place = value;
    else
        options->timeout_ms = read_timeout(value);
}

static void read_options(int count, char **arguments, struct options *options)
{
    const char *agent = NULL;
    for (int i = 1; i < count; i++) {
        if (strncmp(arguments[i], "--", 2) == 0)
            take_option(options, arguments, &i);
        else if (agent == NULL)
            agent = arguments[i];
        else
            options->json = arguments[i];
    }
    options->dialect = agent != NULL ? dialect_of(agent) : NULL;
}

/* --- The event ---------------------------------------------------------------------------------
 */

/* Until its end, its limit or `deadline_ms`; false: there is or may be more. */
static bool read_input(uint64_t deadline_ms, size_t *ret_size)
{
    struct pollfd poll_fd = {.fd = STDIN_FILENO, .events = POLLIN};
    size_t size = 0;
    *ret_size = 0;
    while (size < sizeof(input)) {
        int ready = poll(&poll_fd, 1, hook_clock_left(deadline_ms));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t got = read(STDIN_FILENO, input + size, sizeof(input) - size);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return true; /* a closed descriptor, too, has no more to say */
        size += (size_t)got;
        *ret_size = size;
    }
    return false;
}

static void make_id(char *ret_id)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[EVENT_ID_SIZE / 2] = {0};
    if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
        uint64_t facts[2] = {hook_clock_ns(CLOCK_REALTIME),
                             (uint64_t)getpid() << 32 ^ hook_clock_ns(CLOCK_MONOTONIC)};
        memcpy(random, facts, sizeof(random)); /* only early at boot */
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        ret_id[2 * i] = digits[random[i] >> 4];
        ret_id[2 * i + 1] = digits[random[i] & 15];
    }
    ret_id[EVENT_ID_SIZE] = 0;
}

static struct slice take_hook(const struct options *options, uint64_t deadline_ms, bool *ret_is_cut)
{
    size_t size = 0;
    *ret_is_cut = false;
    if (options->json != NULL)
        return slice_of_text(options->json);
    *ret_is_cut = !read_input(deadline_ms, &size);
    /* An agent that leaves the pipe open has commonly said all the same. */
    if (size < sizeof(input) && *ret_is_cut && json_is_plain_object(slice_of(input, size)))
        *ret_is_cut = false;
    return slice_of(input, size);
}

int main(int argc, char **argv)
{
    struct options options = {.timeout_ms = TIMEOUT_DEFAULT_MS};
    struct event_facts facts = {.unix_ns = hook_clock_ns(CLOCK_REALTIME)};
    uint64_t start_ms = hook_clock_ms();
    struct event_line line;
    const char *why = "no socket";
    enum hand_over_result result = HAND_OVER_ABSENT;

    fill_standard_descriptors();
    read_options(argc, argv, &options);
    set_last_resort(options.timeout_ms);
    facts.dialect = options.dialect;
    facts.event = options.event;
    if (facts.dialect == NULL) {
        say(&options, "no such agent", "; one of codex, claude-code, gemini, cursor, codex-notify");
        return 0;
    }
    uint64_t end_ms = start_ms + options.timeout_ms;
    uint64_t spool_ms =
        options.timeout_ms / 4 < SPOOL_SHARE_MS ? options.timeout_ms / 4 : SPOOL_SHARE_MS;
    struct slice hook = take_hook(&options, start_ms + options.timeout_ms / 2, &facts.is_cut);
    make_id(facts.id);
    event_line_make(&facts, hook, &line);
    find_sockets(options.socket);
    for (size_t i = 0; i < sockets.count && result == HAND_OVER_ABSENT; i++)
        result = hand_over(sockets.paths[i], &line, end_ms - spool_ms, &why);
    if (result == HAND_OVER_DURABLE)
        return 0;
    say(&options, result == HAND_OVER_REFUSED ? "lost: " : "spooling: ", why);
    if (result == HAND_OVER_REFUSED)
        return 0;
    find_spools(options.spool);
    if (!spool_write(spools.paths, spools.count, &line, facts.id, end_ms))
        say(&options, "not known to be spooled", "");
    return 0;
}
