#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/intake/server/server_internal.h"

/* Connections that wait to be accepted: a burst of a platform fits. The kernel caps the number with
 * net.core.somaxconn, which is 4096 by default. Chosen; no measurement. */
#define BACKLOG 1024

/* Opens a listening socket on one address; -1 with errno set if that fails. */
static int listen_on(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

static uint16_t port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} name = { .in6 = { .sin6_family = AF_UNSPEC } };
	socklen_t len = sizeof name;
	if (getsockname(fd, &name.any, &len) != 0)
		return 0;
	return ntohs(name.any.sa_family == AF_INET6 ? name.in6.sin6_port : name.in.sin_port);
}

/* A host name may resolve to several addresses; the first one that can be bound is used. */
int listener_open(struct intake_server *s, const struct config_listen *listen, struct err *err)
{
	assert(s->listen_fd < 0);
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char port[8];
	snprintf(port, sizeof port, "%u", listen->port);
	int rc = getaddrinfo(listen->host, port, &hints, &found);
	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "listen.intake: %s cannot be resolved: %s", listen->host,
					   gai_strerror(rc));
	for (const struct addrinfo *a = found; a != NULL && s->listen_fd < 0; a = a->ai_next)
		s->listen_fd = listen_on(a);
	int why = errno;
	freeaddrinfo(found);
	if (s->listen_fd < 0)
		return err_set(err, ERR_SYSTEM, "listen.intake: cannot listen on %s port %u: %s", listen->host,
					   listen->port, strerror(why));
	s->port = port_of(s->listen_fd);
	return 0;
}
