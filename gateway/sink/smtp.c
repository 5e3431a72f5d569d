/* The SMTP half of the sink: sessions, and the faults that a behaviour sets.
 *
 * Behaviour (POST /_control/smtp):
 *   {"faults": [{"at": STAGE, "reply": "451 4.3.0 not now", "times": 2}, {"at": STAGE, "mode": MODE}, …],
 *    "auth": {"user": "u", "password": "p"}}
 *   STAGE  connect ehlo starttls auth mail rcpt data content dot quit
 *          (content: the first bytes of the message after 354; dot: the end of the message)
 *   MODE   silence: send nothing more · reset: reset the connection · close: close it
 *   A message whose `dot` has a mode was accepted, and only the answer is lost. With a `reply` of 4xx or 5xx
 * it was not accepted. The first fault of a stage that is not used up applies. With `auth`, MAIL needs a
 * login. */
#include "gateway/sink/smtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define LINE_MAX_BYTES 8192 /* longest command line; a longer one ends the session */
#define MESSAGE_MAX    (64u * 1024 * 1024)

/* ---- the message ---- */

/* The end of a message. The message is stored and counted before the answer, whatever happens to the
 * answer. */
static bool on_dot(struct smtp_session *s)
{
	struct smtp_state *state = s->sink->smtp;
	const struct smtp_fault *fault = sink_smtp_fault(state, SMTP_DOT);
	bool rejected = fault != NULL && fault->mode == SMTP_FAULT_REPLY && fault->reply[0] != '2';
	if (rejected)
		state->rejected++;
	else
		sink_smtp_store(s);
	sink_smtp_reset_mail(s);
	sink_waiters_wake(s->sink);
	if (fault != NULL && fault->mode != SMTP_FAULT_REPLY)
		return sink_smtp_perform(s, fault);
	AUTO_FREE char *line =
		fault != NULL ? mem_printf("%s\r\n", fault->reply)
					  : mem_printf("250 2.0.0 queued as %llu\r\n", (unsigned long long)state->messages);
	return sink_smtp_send(s, line);
}

static bool on_content_line(struct smtp_session *s, const char *line, size_t len)
{
	if (len == 1 && line[0] == '.')
		return on_dot(s);
	bool stuffed = len > 0 && line[0] == '.';
	buf_add(&s->message, line + (stuffed ? 1 : 0), len - (stuffed ? 1 : 0));
	buf_text(&s->message, "\r\n");
	return s->message.len < MESSAGE_MAX;
}

/* ---- the session ---- */

static bool take_line(struct smtp_session *s, char *line, size_t len)
{
	if (!s->in_data) {
		line[len] = '\0';
		return sink_smtp_command(s, line);
	}
	return on_content_line(s, line, len);
}

/* Handles each complete line of the input and keeps the rest. False: the session is to be ended. */
static bool take_lines(struct smtp_session *s)
{
	size_t at = 0;
	while (!s->silent && at < s->in.len) {
		char *line = s->in.data + at;
		char *end = memmem(line, s->in.len - at, "\r\n", 2);
		if (end == NULL)
			break;
		at += (size_t)(end - line) + 2;
		if (!take_line(s, line, (size_t)(end - line)))
			return false;
	}
	memmove(s->in.data, s->in.data + at, s->in.len - at);
	s->in.len -= at;
	return s->silent || s->in.len < LINE_MAX_BYTES;
}

/* The fault "content" is performed on the first bytes after 354, so the peer is in the middle of its
 * message. */
static void on_ready(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	(void)revents;
	struct smtp_session *s = watcher->data;
	char chunk[16384];
	ssize_t n = recv(s->fd, chunk, sizeof(chunk), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		sink_smtp_end(s);
		return;
	}
	bool hit = false;
	bool alive = true;
	if (s->silent)
		return; /* the bytes are read and dropped, so the peer sees no error */
	if (s->in_data)
		alive = sink_smtp_apply(s, SMTP_CONTENT, &hit);
	if (alive && !hit) {
		buf_add(&s->in, chunk, (size_t)n);
		alive = take_lines(s);
	}
	if (!alive)
		sink_smtp_end(s);
}

void sink_smtp_end(struct smtp_session *s)
{
	ev_io_stop(s->sink->loop, &s->io);
	LIST_REMOVE(s, link);
	close(s->fd);
	sink_smtp_reset_mail(s);
	buf_free(&s->in);
	buf_free(&s->helo);
	buf_free(&s->from);
	buf_free(&s->message);
	free(s);
}

void sink_smtp_accept(struct sink *sink, int fd)
{
	struct smtp_session *s = mem_zalloc(sizeof(*s));
	s->sink = sink;
	s->fd = fd;
	LIST_INSERT_HEAD(&sink->sessions, s, link);
	sink->smtp->connections++;
	ev_io_init(&s->io, on_ready, fd, EV_READ);
	s->io.data = s;
	ev_io_start(sink->loop, &s->io);
	if (!sink_smtp_answer(s, SMTP_CONNECT, "220 sink ESMTP\r\n"))
		sink_smtp_end(s);
	sink_waiters_wake(sink);
}

void sink_smtp_close_all(struct sink *sink)
{
	struct smtp_session *next;
	for (struct smtp_session *s = LIST_FIRST(&sink->sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		sink_smtp_end(s);
	}
}
