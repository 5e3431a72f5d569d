/* libcurl's sockets on the loop.
 *
 * libcurl takes its hands off a connection between two requests and puts them on again with the next one;
 * told to the kernel, that is a system call each time. So a connection that has carried a request stays
 * watched for reading until it is closed. If an idle one becomes readable, the peer closed it or says what
 * nobody asked for (many servers end an idle connection with a 408), and libcurl 7.88 would take that for the
 * answer to the next request. So we shut it down, which libcurl finds when it wants to use it.
 *
 * This holds for established connections only: they are closed through on_close. Sockets that never got that
 * far, and the resolver's, are closed behind our back, so they are watched exactly as libcurl says. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/net/exchange.h"
#include "gateway/net/loop.h"
#include "saga/base/mem.h"

struct socket_slot {
	struct loop_io *io;
	unsigned watched_events;
	bool idle; /* libcurl does not care at present */
};

struct sockets {
	struct loop *loop;
	CURLM *multi;
	struct socket_slot *slots; /* by descriptor */
	size_t slot_count;
};

static struct socket_slot *slot_of(struct sockets *s, curl_socket_t fd)
{
	assert(fd >= 0);
	size_t index = (size_t)fd;
	if (index >= s->slot_count) {
		size_t count = index < 32 ? 64 : index * 2;
		s->slots = mem_grow(s->slots, count * sizeof(*s->slots));
		for (size_t i = s->slot_count; i < count; i++)
			s->slots[i] = (struct socket_slot){ 0 };
		s->slot_count = count;
	}
	return &s->slots[index];
}

static void slot_close(struct socket_slot *slot)
{
	loop_io_remove(slot->io);
	*slot = (struct socket_slot){ 0 };
}

/* What made it readable may have been read meanwhile, as the end of the reply. */
static void shut_idle(struct socket_slot *slot, int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	int failed = shutdown(fd, SHUT_RDWR);
	(void)failed; /* then it is gone already */
	loop_io_set(slot->io, 0);
	slot->watched_events = 0;
}

static void on_io(void *ctx, int fd, unsigned events)
{
	struct sockets *s = ctx;
	struct socket_slot *slot = slot_of(s, fd);
	if (slot->idle) {
		shut_idle(slot, fd);
		return;
	}
	int mask = ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
			   ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	int running = 0;
	CURLMcode code = curl_multi_socket_action(s->multi, fd, mask, &running);
	assert(code == CURLM_OK);
}

static void set_events(struct sockets *s, struct socket_slot *slot, curl_socket_t fd, unsigned events)
{
	if (slot->io == NULL)
		slot->io = loop_io_add(s->loop, fd, events, on_io, s);
	else if (slot->watched_events != events)
		loop_io_set(slot->io, events);
	slot->watched_events = events;
}

static bool is_established(CURL *easy)
{
	struct exchange *x = NULL;
	CURLcode code = curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
	return code == CURLE_OK && x != NULL && x->connected;
}

static void release_socket(struct sockets *s, struct socket_slot *slot, CURL *easy, curl_socket_t fd)
{
	if (!is_established(easy)) {
		slot_close(slot);
		return;
	}
	slot->idle = true;
	if (slot->io != NULL && slot->watched_events != LOOP_READ)
		set_events(s, slot, fd, LOOP_READ);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	(void)socket_ctx;
	struct sockets *s = ctx;
	struct socket_slot *slot = slot_of(s, fd);
	if (what == CURL_POLL_REMOVE) {
		release_socket(s, slot, easy, fd);
		return 0;
	}
	slot->idle = false;
	set_events(s, slot, fd,
			   ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0u) |
				   ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0u));
	return 0;
}

/* What one connection can bring into one turn of the loop. Without it the kernel lets a target that sends without end
 * fill megabytes, all read in one go while the others wait (tests/bench/neighbours.py, ten_gigabytes). */
#define RECEIVE_BYTES 65536

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct exchange *x = ctx;
	x->connected = false;
	if (x->looking_up)
		lookup_target_answered(x->transfer, x->request.target);
	x->looking_up = false;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	const int bytes = RECEIVE_BYTES;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) {
		(void)close(fd);
		return CURL_SOCKET_BAD;
	}
	/* Whatever was known of this number is over, even if a later libcurl should not have told us. */
	slot_close(slot_of(sockets_of_transfer(x->transfer), fd));
	return fd;
}

/* Belongs to the connection, which may outlive the exchange that opened it. */
static int on_close(void *ctx, curl_socket_t fd)
{
	struct sockets *s = ctx;
	slot_close(slot_of(s, fd));
	return close(fd);
}

struct sockets *sockets_create(struct loop *loop, CURLM *multi)
{
	struct sockets *s = mem_zalloc(sizeof(*s));
	s->loop = loop;
	s->multi = multi;
	CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s);
	assert(code == CURLM_OK);
	return s;
}

void sockets_destroy(struct sockets *s)
{
	for (size_t i = 0; i < s->slot_count; i++)
		slot_close(&s->slots[i]);
	free(s->slots);
	free(s);
}

CURLcode sockets_attach(struct sockets *s, struct exchange *x)
{
	CURLcode code = curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, x);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETDATA, s);
	return code;
}
