/* The commands of an SMTP session. Each gives false if the session is to be ended. */
#include <string.h>
#include <strings.h>

#include "gateway/sink/smtp.h"

#define SEND(s, literal) sink_smtp_send((s), literal "\r\n")

static bool on_ehlo(struct smtp_session *s, const char *args)
{
	sink_smtp_reset_mail(s);
	buf_clear(&s->helo);
	buf_text(&s->helo, args);
	bool auth = s->sink->smtp->auth_plain != NULL;
	return sink_smtp_answer(s, SMTP_EHLO,
							auth ? "250-sink\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"
								 : "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
}

static bool on_helo(struct smtp_session *s, const char *args)
{
	sink_smtp_reset_mail(s);
	buf_clear(&s->helo);
	buf_text(&s->helo, args);
	return SEND(s, "250 sink");
}

/* Handles MAIL FROM. As for the other commands, false means that the session must be ended. */
static bool on_mail(struct smtp_session *s, const char *args)
{
	bool hit;
	if (!sink_smtp_apply(s, SMTP_MAIL, &hit) || hit)
		return hit && !s->gone;
	if (s->sink->smtp->auth_plain != NULL && !s->logged_in)
		return SEND(s, "530 5.7.0 login needed");
	if (strncasecmp(args, "FROM:<", 6) != 0)
		return SEND(s, "501 5.5.4 MAIL FROM:<address>");
	sink_smtp_reset_mail(s);
	const char *end = strchr(args, '>');
	buf_add(&s->from, args + 6, end != NULL ? (size_t)(end - args - 6) : 0);
	s->recipients = json_array();
	return SEND(s, "250 2.1.0 ok");
}

/* RCPT TO, once for each recipient; the order of commands is checked as a real server does. */
static bool on_rcpt(struct smtp_session *s, const char *args)
{
	bool hit;
	if (!sink_smtp_apply(s, SMTP_RCPT, &hit) || hit)
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
	if (!sink_smtp_apply(s, SMTP_DATA, &hit) || hit)
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
	sink_smtp_reset_mail(s);
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
	if (sink_smtp_answer(s, SMTP_QUIT, "221 2.0.0 bye\r\n"))
		sink_smtp_close(s);
	return false;
}

static bool on_starttls(struct smtp_session *s, const char *args)
{
	(void)args;
	return sink_smtp_answer(s, SMTP_STARTTLS, "502 5.5.1 no TLS here\r\n");
}

static bool finish_login(struct smtp_session *s, bool good)
{
	s->login_step = SMTP_LOGIN_NONE;
	s->logged_in = good;
	return good ? SEND(s, "235 2.7.0 logged in") : SEND(s, "535 5.7.8 login refused");
}

/* AUTH PLAIN in one or two lines, AUTH LOGIN in three. The texts of the 334 replies are "Username:" in
 * base64, or empty. */
static bool on_auth(struct smtp_session *s, const char *args)
{
	const struct smtp_state *state = s->sink->smtp;
	bool hit;
	if (!sink_smtp_apply(s, SMTP_AUTH, &hit) || hit)
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

bool sink_smtp_command(struct smtp_session *s, const char *line)
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
