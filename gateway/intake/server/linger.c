/* An answer was sent before the end of its request. The socket is read for a while longer and the bytes
 * are dropped: closing a socket with unread bytes resets the connection, and the sender would not see the
 * answer. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/intake/server/server_internal.h"
#include "saga/base/mem.h"

/* How long a socket lingers, how many linger at once, and how much of one is read in one sweep. Chosen; no
 * measurement. */
enum { LINGER_MS = 10000, LINGER_MAX = 64, LINGER_TURN_BYTES = 4 << 20 };

void linger_begin(struct intake_server *s, int fd)
{
	assert(fd >= 0);
	if (s->linger_count >= LINGER_MAX)
		return;
	int copy_fd = dup(fd); /* libmicrohttpd closes `fd` itself */
	if (copy_fd < 0)
		return;
	shutdown(copy_fd, SHUT_WR);
	struct lingering *l = mem_zalloc(sizeof *l);
	*l = (struct lingering){ .fd = copy_fd, .until_ms = intake_server_now(s) + LINGER_MS };
	TAILQ_INSERT_TAIL(&s->lingering, l, link);
	if (s->linger_count++ == 0)
		pthread_cond_broadcast(&s->changed);
}

/* Reads and drops the bytes that have arrived. False if the peer has closed the connection or the
 * connection has failed. */
static bool drain_socket(const struct lingering *l)
{
	char dropped[32 * 1024];
	for (size_t sum = 0; sum < LINGER_TURN_BYTES;) {
		ssize_t n = recv(l->fd, dropped, sizeof dropped, MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		sum += (size_t)n;
	}
	return true;
}

void linger_sweep(struct intake_server *s, int64_t now_ms)
{
	struct lingering *next;
	for (struct lingering *l = TAILQ_FIRST(&s->lingering); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (now_ms < l->until_ms && drain_socket(l))
			continue;
		TAILQ_REMOVE(&s->lingering, l, link);
		s->linger_count--;
		close(l->fd);
		free(l);
	}
}
