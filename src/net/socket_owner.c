/* SPDX-License-Identifier: Apache-2.0 */
/* socket_owner.c -- see socket_owner.h.
 *
 * The kernel is asked over netlink (sock_diag) for exactly one socket: the one whose own address
 * is our peer's.  It looks that up in a hash table and answers before send() returns, so that
 * there is nothing to wait for.
 *
 * The answer counts only while a process holds that socket:
 *
 *   - without a connection of that kind the kernel answers with a listening socket of that port,
 *     which may be anybody's: the ports of both ends and the state must be those asked for;
 *   - of a socket that its process has closed, older kernels say that uid 0 owns it: a socket
 *     without an inode has no owner.
 *
 * From the inode one could go on to the process, by reading the descriptors of every process of
 * that user.  That costs as much as there are, may be made arbitrarily slow by the user who is
 * being looked for, and several processes may hold one socket: it is not done. */
#include "net/socket_owner.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

enum { ANSWER_SIZE_MAX = 4096 };

/* An address as inet_diag has it: words in network order. */
struct end {
    uint8_t family;
    uint16_t port;
    uint32_t address[4];
};

static bool read_end(const struct sockaddr_storage *address, struct end *ret)
{
    *ret = (struct end){0};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        ret->family = AF_INET;
        ret->port = in->sin_port;
        ret->address[0] = in->sin_addr.s_addr;
        return true;
    }
    if (address->ss_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    ret->port = in6->sin6_port;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        ret->family = AF_INET;
        memcpy(ret->address, in6->sin6_addr.s6_addr + 12, 4);
    } else {
        ret->family = AF_INET6;
        memcpy(ret->address, in6->sin6_addr.s6_addr, 16);
    }
    return true;
}

static bool is_loopback(const struct end *end)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    if (end->family == AF_INET)
        return ((const uint8_t *)end->address)[0] == 127;
    return memcmp(end->address, loopback6, sizeof(loopback6)) == 0;
}

static bool read_ends(int fd, struct end *ret_theirs, struct end *ret_ours)
{
    struct sockaddr_storage theirs = {0}, ours = {0};
    socklen_t theirs_size = sizeof(theirs), ours_size = sizeof(ours);

    return getpeername(fd, (struct sockaddr *)&theirs, &theirs_size) == 0 &&
           getsockname(fd, (struct sockaddr *)&ours, &ours_size) == 0 &&
           read_end(&theirs, ret_theirs) && read_end(&ours, ret_ours) &&
           ret_theirs->family == ret_ours->family;
}

static bool ask(int netlink, const struct end *theirs, const struct end *ours)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct request request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = theirs->family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = UINT32_MAX,
                 .id = {.idiag_sport = theirs->port,
                        .idiag_dport = ours->port,
                        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };

    memcpy(request.body.id.idiag_src, theirs->address, sizeof(theirs->address));
    memcpy(request.body.id.idiag_dst, ours->address, sizeof(ours->address));
    return sendto(netlink, &request, sizeof(request), MSG_DONTWAIT,
                  (const struct sockaddr *)&kernel, sizeof(kernel)) == (ssize_t)sizeof(request);
}

static bool is_held(const struct inet_diag_msg *answer)
{
    switch (answer->idiag_state) {
    case TCP_ESTABLISHED:
    case TCP_CLOSE_WAIT:
    case TCP_FIN_WAIT1: /* shut down for writing, but still held */
    case TCP_FIN_WAIT2:
        return answer->idiag_inode != 0;
    default:
        return false;
    }
}

static bool hear(int netlink, const struct end *theirs, const struct end *ours, uid_t *ret_uid)
{
    union {
        struct nlmsghdr header;
        uint8_t bytes[ANSWER_SIZE_MAX];
    } answer;
    struct inet_diag_msg message;
    struct sockaddr_nl from = {0};
    socklen_t from_size = sizeof(from);

    ssize_t size = recvfrom(netlink, &answer, sizeof(answer), MSG_DONTWAIT,
                            (struct sockaddr *)&from, &from_size);
    if (size < (ssize_t)NLMSG_LENGTH(sizeof(message)) || from.nl_pid != 0 ||
        answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(message)))
        return false;
    memcpy(&message, answer.bytes + NLMSG_HDRLEN, sizeof(message));
    if (message.id.idiag_sport != theirs->port || message.id.idiag_dport != ours->port ||
        !is_held(&message))
        return false;
    *ret_uid = message.idiag_uid;
    return true;
}

bool socket_owner_find(int fd, uid_t *ret_uid)
{
    struct end theirs, ours;

    if (!read_ends(fd, &theirs, &ours) || !is_loopback(&theirs))
        return false;
    int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0)
        return false;
    bool found = ask(netlink, &theirs, &ours) && hear(netlink, &theirs, &ours, ret_uid);
    (void)close(netlink); /* only asked */
    return found;
}
