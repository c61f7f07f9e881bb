/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c -- see listener.h.
 *
 * A Unix socket is bound under a temporary name beside its path, given its mode and owner, made
 * to listen, and only then renamed to its path.  So nobody can connect before the mode is set,
 * there is no moment without a socket when a stale one is replaced, and no umask is touched,
 * which all threads would share.
 *
 * Whether the present socket is stale is asked by connecting to it: refused means that nobody
 * listens.  Two daemons that start at the same moment may both find it stale; the lock of the
 * state directory keeps that from happening. */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/user_id.h"

static void close_fd(int fd)
{
    (void)close(fd); /* a socket that carried nothing */
}

/* --- Unix ------------------------------------------------------------------------------- */

static enum status unix_address(const char *path, struct sockaddr_un *ret, struct error *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path[0] != '/')
        return error_set(err, ST_INVALID, "'%s' is not an absolute path", path);
    if (strlen(path) >= sizeof(ret->sun_path)) {
        return error_set(err, ST_INVALID, "the path has %zu bytes, a socket's may have %zu",
                         strlen(path), sizeof(ret->sun_path) - 1);
    }
    memcpy(ret->sun_path, path, strlen(path) + 1);
    return ST_OK;
}

/* ST_OK: a socket is there and nobody listens on it. */
static enum status check_stale(const char *path, const struct sockaddr_un *address,
                               struct error *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return error_set_errno(err, ST_IO, "make a socket");
    int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    int failure = errno;
    close_fd(fd);
    if (result < 0 && (failure == ECONNREFUSED || failure == ENOENT))
        return ST_OK;
    if (result == 0 || failure == EAGAIN) {
        return error_set(err, ST_AGAIN,
                         "another process listens on '%s'; stop it, or configure another path",
                         path);
    }
    errno = failure;
    return error_set_errno(err, ST_IO, "see whether somebody listens on '%s'", path);
}

/* ST_OK: the path is free, or what is there may be replaced, as *ret_replace says. */
static enum status check_path(const char *path, const struct sockaddr_un *address,
                              bool *ret_replace, struct error *err)
{
    struct stat there;

    *ret_replace = false;
    if (lstat(path, &there) < 0) {
        if (errno == ENOENT)
            return ST_OK;
        return error_set_errno(err, ST_IO, "look at '%s'", path);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return error_set(err, ST_INVALID, "'%s' is in the way and is not a socket; remove it",
                         path);
    }
    *ret_replace = true;
    return check_stale(path, address, err);
}

static bool parse_id(const char *text, unsigned long *ret)
{
    char *end;

    errno = 0;
    *ret = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == 0 && *ret < UINT32_MAX;
}

static enum status find_ids(const struct listener_settings *settings, uid_t *ret_uid,
                            gid_t *ret_gid, struct error *err)
{
    unsigned long id;

    *ret_uid = (uid_t)-1; /* chown(2): leave it */
    *ret_gid = (gid_t)-1;
    if (settings->owner != NULL) {
        enum status st = user_id_find(settings->owner, ret_uid, err);
        if (st != ST_OK)
            return st;
    }
    if (settings->group != NULL) {
        const struct group *group = getgrnam(settings->group);
        if (group != NULL)
            *ret_gid = group->gr_gid;
        else if (parse_id(settings->group, &id))
            *ret_gid = (gid_t)id;
        else
            return error_set(err, ST_INVALID, "there is no group '%s'", settings->group);
    }
    return ST_OK;
}

static enum status prepare_file(const char *path, const struct listener_settings *settings,
                                struct error *err)
{
    uid_t uid;
    gid_t gid;

    enum status st = find_ids(settings, &uid, &gid, err);
    if (st != ST_OK)
        return st;
    if ((uid != (uid_t)-1 || gid != (gid_t)-1) && lchown(path, uid, gid) < 0) {
        return error_set_errno(err, ST_IO, "give the socket to user '%s', group '%s'",
                               settings->owner != NULL ? settings->owner : "(ours)",
                               settings->group != NULL ? settings->group : "(ours)");
    }
    if (chmod(path, settings->mode) < 0)
        return error_set_errno(err, ST_IO, "set the mode of the socket");
    return ST_OK;
}

static enum status temporary_path(const char *path, char *out, size_t out_size, struct error *err)
{
    const char *slash = strrchr(path, '/');
    int used =
        snprintf(out, out_size, "%.*s/.%x", (int)(slash - path), path, (unsigned int)getpid());

    if (used < 0 || (size_t)used >= out_size)
        return error_set(err, ST_INVALID, "the path '%s' is too long for a socket", path);
    return ST_OK;
}

/* Moves the finished socket to its place. */
static enum status publish(const char *temporary, const char *path, bool replace, struct error *err)
{
    if (replace) {
        if (rename(temporary, path) == 0)
            return ST_OK;
    } else if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
        return ST_OK;
    } else if (errno == EINVAL && link(temporary, path) == 0) {
        (void)unlink(temporary); /* this file system cannot do it in one step */
        return ST_OK;
    }
    return error_set_errno(err, ST_IO, "put the socket at '%s'", path);
}

static enum status bind_unix(const char *path, const char *temporary, bool replace,
                             const struct listener_settings *settings, struct listener *listener,
                             struct error *err)
{
    struct sockaddr_un address;
    struct stat made;

    enum status st = unix_address(temporary, &address, err);
    if (st != ST_OK)
        return st;
    (void)unlink(temporary); /* left by a process with our pid that was killed right here */
    if (bind(listener->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return error_set_errno(err, ST_IO, "bind a socket beside '%s'", path);
    st = prepare_file(temporary, settings, err);
    if (st == ST_OK && lstat(temporary, &made) < 0)
        st = error_set_errno(err, ST_IO, "look at the new socket");
    if (st == ST_OK &&
        listen(listener->fd, settings->backlog > 0 ? settings->backlog : SOMAXCONN) < 0)
        st = error_set_errno(err, ST_IO, "listen");
    if (st == ST_OK)
        st = publish(temporary, path, replace, err);
    if (st != ST_OK) {
        (void)unlink(temporary); /* it is ours, and of no use */
        return st;
    }
    listener->device = made.st_dev;
    listener->inode = made.st_ino;
    return ST_OK;
}

static enum status open_unix(const char *path, const struct listener_settings *settings,
                             struct listener *listener, struct error *err)
{
    struct sockaddr_un address;
    char temporary[LISTENER_PATH_MAX];
    bool replace;

    enum status st = unix_address(path, &address, err);
    if (st == ST_OK)
        st = temporary_path(path, temporary, sizeof(temporary), err);
    if (st == ST_OK)
        st = check_path(path, &address, &replace, err);
    if (st != ST_OK)
        return st;
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return error_set_errno(err, ST_IO, "make a socket");
    st = bind_unix(path, temporary, replace, settings, listener, err);
    if (st != ST_OK) {
        close_fd(listener->fd);
        listener->fd = -1;
        return st;
    }
    listener->is_unix = true;
    memcpy(listener->path, path, strlen(path) + 1);
    snprintf(listener->name, sizeof(listener->name), "unix:%s", path);
    return ST_OK;
}

/* --- TCP -------------------------------------------------------------------------------- */

/* getaddrinfo() takes a number over 65535 and cuts it. */
static bool is_port(const char *text)
{
    unsigned long port;

    return text[0] >= '0' && text[0] <= '9' && parse_id(text, &port) && port <= UINT16_MAX;
}

/* "host:port" or "[host]:port" into its parts. */
static enum status split_address(const char *text, char *host, size_t host_size, const char **port,
                                 struct error *err)
{
    const char *colon = strrchr(text, ':');
    const char *first = text;

    if (colon == NULL || colon == text || !is_port(colon + 1))
        return error_set(err, ST_INVALID, "'%s' is not an address and a port", text);
    const char *end = colon;
    if (text[0] == '[' && end[-1] == ']') {
        first++;
        end--;
    } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
        return error_set(err, ST_INVALID, "write the IPv6 address of '%s' in brackets", text);
    }
    if ((size_t)(end - first) >= host_size)
        return error_set(err, ST_INVALID, "'%s' is too long for an address", text);
    memcpy(host, first, (size_t)(end - first));
    host[end - first] = 0;
    if (strcmp(host, "localhost") == 0)
        snprintf(host, host_size, "127.0.0.1");
    *port = colon + 1;
    return ST_OK;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    }
    return false;
}

/* No names are looked up: a daemon that must start without a network cannot wait for one. */
static enum status parse_address(const char *text, struct addrinfo **ret, struct error *err)
{
    char host[64];
    const char *port = NULL;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};

    enum status st = split_address(text, host, sizeof(host), &port, err);
    if (st != ST_OK)
        return st;
    int failure = getaddrinfo(host, port, &hints, ret);
    if (failure != 0) {
        return error_set(err, ST_INVALID,
                         "'%s' is not an IP address and a port (names are not looked up): %s", text,
                         gai_strerror(failure));
    }
    return ST_OK;
}

static void name_tcp(int fd, struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    char host[64];
    char port[16];

    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
        getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return; /* the name stays as it was configured */
    snprintf(listener->name, sizeof(listener->name),
             address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static enum status bind_tcp(int fd, const struct addrinfo *info,
                            const struct listener_settings *settings, struct error *err)
{
    int one = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
        return error_set_errno(err, ST_IO, "set SO_REUSEADDR");
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 ||
        listen(fd, settings->backlog > 0 ? settings->backlog : SOMAXCONN) < 0) {
        if (errno == EADDRINUSE) {
            return error_set(err, ST_AGAIN,
                             "another process has this port, perhaps another collector; stop it, "
                             "or configure another port");
        }
        return error_set_errno(err, ST_IO, "bind");
    }
    return ST_OK;
}

static enum status open_tcp(const char *text, const struct listener_settings *settings,
                            struct listener *listener, struct error *err)
{
    struct addrinfo *info = NULL;

    enum status st = parse_address(text, &info, err);
    if (st != ST_OK)
        return st;
    snprintf(listener->name, sizeof(listener->name), "%s", text);
    if (!settings->allow_remote && !is_loopback(info->ai_addr)) {
        st = error_set(err, ST_INVALID,
                       "this is not a loopback address; set allow_remote if others on the network "
                       "may really send");
        goto out;
    }
    listener->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0) {
        st = error_set_errno(err, ST_IO, "make a socket");
        goto out;
    }
    st = bind_tcp(listener->fd, info, settings, err);
    if (st == ST_OK) {
        name_tcp(listener->fd, listener);
    } else {
        close_fd(listener->fd);
        listener->fd = -1;
    }
out:
    freeaddrinfo(info);
    return st;
}

enum status listener_open(const char *address, const struct listener_settings *settings,
                          struct listener *ret, struct error *err)
{
    struct listener listener = {.fd = -1};
    enum status st;

    if (strncmp(address, "unix:", 5) == 0)
        st = open_unix(address + 5, settings, &listener, err);
    else if (address[0] == '/')
        st = open_unix(address, settings, &listener, err);
    else
        st = open_tcp(address, settings, &listener, err);
    if (st != ST_OK)
        return error_context(err, "listen on %s", address);
    listener.is_trusted = settings->is_trusted;
    *ret = listener;
    return ST_OK;
}

void listener_close(struct listener *listener)
{
    struct stat there;

    if (listener->fd < 0)
        return;
    if (listener->is_unix && lstat(listener->path, &there) == 0 &&
        there.st_dev == listener->device && there.st_ino == listener->inode)
        (void)unlink(listener->path); /* who starts next replaces it anyway */
    close_fd(listener->fd);
    listener->fd = -1;
}
