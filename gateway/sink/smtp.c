/* The SMTP half of the sink: sessions, and the faults that a behaviour sets.
 *
 * Behaviour (POST /_control/smtp):
 *   {"faults": [{"at": STAGE, "reply": "451 4.3.0 not now", "times": 2}, {"at": STAGE, "mode": MODE}, …],
 *    "auth": {"user": "u", "password": "p"}}
 *   STAGE  connect ehlo starttls auth mail rcpt data content dot quit
 *          (content: the first bytes of the message after 354; dot: the end of the message)
 *   MODE   silence: send nothing more · reset: reset the connection · close: close it
 *   A message whose `dot` has a mode was accepted, and only the answer is lost. With a `reply` of 4xx or 5xx it was not
 *   accepted. The first fault of a stage that is not used up applies. With `auth`, MAIL needs a login. */
#include "gateway/sink/smtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define LINE_MAX_BYTES   8192 /* longest command line; a longer one ends the session */
#define MESSAGE_MAX      (64u * 1024 * 1024)
#define SEND(s, literal) send_text((s), literal "\r\n")

static bool send_text(struct smtp_session *s, const char *text)
{
	if (send(s->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text))
		return true;
	sink_smtp_close(s); /* a short reply always fits into the socket buffer of a peer that reads */
	return false;
}

static bool perform_mode(struct smtp_session *s, const struct smtp_fault *fault)
{
	if (fault->mode == SMTP_FAULT_SILENCE) {
		s->silent = true;
		return true;
	}
	if (fault->mode == SMTP_FAULT_RESET) {
		struct linger now = { .l_onoff = 1, .l_linger = 0 };
		int failed = setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		assert(failed == 0);
	}
	sink_smtp_close(s);
	return false;
}

/* Performs the fault of this stage, if one is set; *hit says so, and then the normal answer must not be sent. False: the
 * session is to be ended. */
static bool apply_fault(struct smtp_session *s, enum smtp_stage stage, bool *hit)
{
	const struct smtp_fault *fault = sink_smtp_fault(s->sink->smtp, stage);
	*hit = fault != NULL;
	if (fault == NULL)
		return true;
	if (fault->mode != SMTP_FAULT_REPLY)
		return perform_mode(s, fault);
	AUTO_FREE char *line = mem_printf("%s\r\n", fault->reply);
	if (!send_text(s, line))
		return false;
	if (strncmp(fault->reply, "421", 3) != 0)
		return true;
	sink_smtp_close(s);
	return false;
}

static bool answer(struct smtp_session *s, enum smtp_stage stage, const char *text)
{
	bool hit;
	if (!apply_fault(s, stage, &hit))
		return false;
	return hit || send_text(s, text);
}

static void reset_mail(struct smtp_session *s)
{
	buf_clear(&s->from);
	buf_clear(&s->message);
	json_decref(s->recipients);
	s->recipients = NULL;
	s->in_data = false;
}

/* ---- commands ---- */

static bool on_ehlo(struct smtp_session *s, const char *args)
{
	reset_mail(s);
	buf_clear(&s->helo);
	buf_text(&s->helo, args);
	bool auth = s->sink->smtp->auth_plain != NULL;
	return answer(s, SMTP_EHLO,
				  auth ? "250-sink\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"
					   : "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
}

static bool on_helo(struct smtp_session *s, const char *args)
{
	reset_mail(s);
	buf_clear(&s->helo);
	buf_text(&s->helo, args);
	return SEND(s, "250 sink");
}

/* MAIL FROM. Like the other commands: false if the session is to be ended. */
static bool on_mail(struct smtp_session *s, const char *args)
{
	bool hit;
	if (!apply_fault(s, SMTP_MAIL, &hit) || hit)
		return hit && !s->gone;
	if (s->sink->smtp->auth_plain != NULL && !s->logged_in)
		return SEND(s, "530 5.7.0 login needed");
	if (strncasecmp(args, "FROM:<", 6) != 0)
		return SEND(s, "501 5.5.4 MAIL FROM:<address>");
	reset_mail(s);
	const char *end = strchr(args, '>');
	buf_add(&s->from, args + 6, end != NULL ? (size_t)(end - args - 6) : 0);
	s->recipients = json_array();
	return SEND(s, "250 2.1.0 ok");
}

/* RCPT TO, once for each recipient; the order of commands is checked as a real server does. */
static bool on_rcpt(struct smtp_session *s, const char *args)
{
	bool hit;
	if (!apply_fault(s, SMTP_RCPT, &hit) || hit)
		return hit && !s->gone;
	if (s->recipients == NULL)
		return SEND(s, "503 5.5.1 MAIL first");
	const char *end = strchr(args, '>');
	if (strncasecmp(args, "TO:<", 4) != 0 || end == NULL)
		return SEND(s, "501 5.5.4 RCPT TO:<address>");
	json_array_append_new(s->recipients, json_stringn(args + 4, (size_t)(end - args - 4)));
	return SEND(s, "250 2.1.5 ok");
}

static bool on_data(struct smtp_session *s, const char *args)
{
	(void)args;
	bool hit;
	if (!apply_fault(s, SMTP_DATA, &hit) || hit)
		return hit && !s->gone;
	if (json_array_size(s->recipients) == 0)
		return SEND(s, "503 5.5.1 RCPT first");
	s->in_data = true;
	buf_clear(&s->message);
	return SEND(s, "354 go ahead");
}

static bool on_rset(struct smtp_session *s, const char *args)
{
	(void)args;
	reset_mail(s);
	return SEND(s, "250 2.0.0 ok");
}

static bool on_noop(struct smtp_session *s, const char *args)
{
	(void)args;
	return SEND(s, "250 2.0.0 ok");
}

static bool on_quit(struct smtp_session *s, const char *args)
{
	(void)args;
	if (answer(s, SMTP_QUIT, "221 2.0.0 bye\r\n"))
		sink_smtp_close(s);
	return false;
}

static bool on_starttls(struct smtp_session *s, const char *args)
{
	(void)args;
	return answer(s, SMTP_STARTTLS, "502 5.5.1 no TLS here\r\n");
}

static bool finish_login(struct smtp_session *s, bool good)
{
	s->login_step = SMTP_LOGIN_NONE;
	s->logged_in = good;
	return good ? SEND(s, "235 2.7.0 logged in") : SEND(s, "535 5.7.8 login refused");
}

/* AUTH PLAIN in one or two lines, AUTH LOGIN in three. The texts of the 334 replies are "Username:" in base64, or empty. */
static bool on_auth(struct smtp_session *s, const char *args)
{
	const struct smtp_state *state = s->sink->smtp;
	bool hit;
	if (!apply_fault(s, SMTP_AUTH, &hit) || hit)
		return hit && !s->gone;
	if (state->auth_plain == NULL)
		return SEND(s, "502 5.5.1 no login here");
	if (strcasecmp(args, "LOGIN") == 0) {
		s->login_step = SMTP_LOGIN_USER;
		return SEND(s, "334 VXNlcm5hbWU6");
	}
	if (strcasecmp(args, "PLAIN") == 0) {
		s->login_step = SMTP_LOGIN_PLAIN;
		return SEND(s, "334 ");
	}
	if (strncasecmp(args, "PLAIN ", 6) == 0)
		return finish_login(s, strcmp(args + 6, state->auth_plain) == 0);
	return SEND(s, "504 5.5.4 PLAIN or LOGIN");
}

static bool on_login_line(struct smtp_session *s, const char *line)
{
	const struct smtp_state *state = s->sink->smtp;
	if (s->login_step == SMTP_LOGIN_PLAIN)
		return finish_login(s, strcmp(line, state->auth_plain) == 0);
	if (s->login_step == SMTP_LOGIN_PASSWORD)
		return finish_login(s, s->login_user_good && strcmp(line, state->auth_password) == 0);
	s->login_user_good = strcmp(line, state->auth_user) == 0;
	s->login_step = SMTP_LOGIN_PASSWORD;
	return SEND(s, "334 UGFzc3dvcmQ6");
}

static const struct {
	const char *verb;
	bool (*run)(struct smtp_session *s, const char *args);
} commands[] = {
	{ "EHLO", on_ehlo },         { "HELO", on_helo }, { "MAIL", on_mail }, { "RCPT", on_rcpt },
	{ "DATA", on_data },         { "RSET", on_rset }, { "NOOP", on_noop }, { "QUIT", on_quit },
	{ "STARTTLS", on_starttls }, { "AUTH", on_auth },
};

static bool on_command(struct smtp_session *s, const char *line)
{
	if (s->login_step != SMTP_LOGIN_NONE)
		return on_login_line(s, line);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		size_t len = strlen(commands[i].verb);
		if (strncasecmp(line, commands[i].verb, len) == 0 && (line[len] == ' ' || line[len] == '\0'))
			return commands[i].run(s, line[len] == ' ' ? line + len + 1 : line + len);
	}
	return SEND(s, "500 5.5.2 unknown command");
}

/* ---- the message ---- */

/* The end of a message. The message is stored and counted before the answer, whatever happens to the answer. */
static bool on_dot(struct smtp_session *s)
{
	struct smtp_state *state = s->sink->smtp;
	const struct smtp_fault *fault = sink_smtp_fault(state, SMTP_DOT);
	bool rejected = fault != NULL && fault->mode == SMTP_FAULT_REPLY && fault->reply[0] != '2';
	if (rejected)
		state->rejected++;
	else
		sink_smtp_store(s);
	reset_mail(s);
	sink_waiters_wake(s->sink);
	if (fault != NULL && fault->mode != SMTP_FAULT_REPLY)
		return perform_mode(s, fault);
	AUTO_FREE char *line =
		fault != NULL ? mem_printf("%s\r\n", fault->reply)
					  : mem_printf("250 2.0.0 queued as %llu\r\n", (unsigned long long)state->messages);
	return send_text(s, line);
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
		return on_command(s, line);
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

/* The fault "content" is performed on the first bytes after 354, so the peer is in the middle of its message. */
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
		alive = apply_fault(s, SMTP_CONTENT, &hit);
	if (alive && !hit) {
		buf_add(&s->in, chunk, (size_t)n);
		alive = take_lines(s);
	}
	if (!alive)
		sink_smtp_end(s);
}

/* Only noted here and done in on_ready, so that no caller on the way up uses a freed session. */
void sink_smtp_close(struct smtp_session *s)
{
	s->gone = true;
}

void sink_smtp_end(struct smtp_session *s)
{
	ev_io_stop(s->sink->loop, &s->io);
	LIST_REMOVE(s, link);
	close(s->fd);
	reset_mail(s);
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
	if (!answer(s, SMTP_CONNECT, "220 sink ESMTP\r\n"))
		sink_smtp_end(s);
	sink_waiters_wake(sink);
}

void sink_smtp_close_all(struct sink *sink)
{
	struct smtp_session *s;
	while ((s = LIST_FIRST(&sink->sessions)) != NULL)
		sink_smtp_end(s);
}
