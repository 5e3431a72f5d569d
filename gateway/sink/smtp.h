/* Private to the SMTP half of the sink: its state and a session. */
#ifndef ALMONER_GATEWAY_SINK_SMTP_H
#define ALMONER_GATEWAY_SINK_SMTP_H

#include "gateway/sink/sink.h"

/* The points of a session at which a fault can be set. */
#define SMTP_STAGES(X)                                                                                       \
	X(SMTP_CONNECT, "connect")                                                                               \
	X(SMTP_EHLO, "ehlo")                                                                                     \
	X(SMTP_STARTTLS, "starttls")                                                                             \
	X(SMTP_AUTH, "auth")                                                                                     \
	X(SMTP_MAIL, "mail")                                                                                     \
	X(SMTP_RCPT, "rcpt")                                                                                     \
	X(SMTP_DATA, "data")                                                                                     \
	X(SMTP_CONTENT, "content")                                                                               \
	X(SMTP_DOT, "dot")                                                                                       \
	X(SMTP_QUIT, "quit")

enum smtp_stage {
#define SMTP_STAGE_ENUM(name, text) name,
	SMTP_STAGES(SMTP_STAGE_ENUM)
#undef SMTP_STAGE_ENUM
		SMTP_STAGE_COUNT
};

enum smtp_fault_mode { SMTP_FAULT_REPLY, SMTP_FAULT_SILENCE, SMTP_FAULT_RESET, SMTP_FAULT_CLOSE };

/* A fault that a test has set: what to do wrong in a session, at which stage, and how often. */
struct smtp_fault {
	enum smtp_stage stage;
	enum smtp_fault_mode mode;
	char *reply;    /* SMTP_FAULT_REPLY: the line to answer; NULL in other modes */
	uint32_t times; /* how often the fault is performed; 0: always */
	uint32_t used;
};

enum smtp_login_step { SMTP_LOGIN_NONE, SMTP_LOGIN_PLAIN, SMTP_LOGIN_USER, SMTP_LOGIN_PASSWORD };

struct smtp_state {
	struct smtp_fault *faults;
	size_t fault_count;
	char *auth_plain; /* base64 of the right AUTH PLAIN answer; NULL: no login is needed */
	char *auth_user;  /* the right user in base64, for AUTH LOGIN */
	char *auth_password;
	uint64_t connections;
	uint64_t messages;
	uint64_t rejected;   /* messages answered with 4xx or 5xx after the dot */
	uint64_t duplicates; /* messages whose Message-ID an earlier message had */
	struct sink_map ids; /* keys are the Message-IDs received */
	json_t *entries;
};

struct smtp_session {
	LIST_ENTRY(smtp_session) link;
	ev_io io;
	struct sink *sink;
	int fd;
	struct buf in;
	struct buf helo;
	struct buf from;
	json_t *recipients;
	struct buf message;
	bool in_data;
	bool silent; /* SMTP_FAULT_SILENCE: whatever arrives is dropped */
	bool gone;   /* the session must be ended by on_ready or sink_smtp_accept */
	bool logged_in;
	bool login_user_good;
	enum smtp_login_step login_step;
};

/* The first fault of this stage that is not used up, and counts its use. NULL: there is none. */
const struct smtp_fault *sink_smtp_fault(struct smtp_state *state, enum smtp_stage stage);
/* Counts, records and logs the message that the session has received. */
void sink_smtp_store(struct smtp_session *s);
/* Closes the connection and frees the session. */
void sink_smtp_end(struct smtp_session *s);

/* ---- smtp_session.c: each bool is false if the session is to be ended ---- */

/* Sends whole lines. */
MUST_CHECK bool sink_smtp_send(struct smtp_session *s, const char *lines);
/* Performs a fault with a mode: SMTP_FAULT_SILENCE, _RESET or _CLOSE. */
MUST_CHECK bool sink_smtp_perform(struct smtp_session *s, const struct smtp_fault *fault);
/* Performs the fault of this stage, if one is set; then *hit is true, and the normal answer must not be
 * sent. */
MUST_CHECK bool sink_smtp_apply(struct smtp_session *s, enum smtp_stage stage, bool *hit);
/* Sends `lines`, unless a fault of this stage is set, which is performed instead. */
MUST_CHECK bool sink_smtp_answer(struct smtp_session *s, enum smtp_stage stage, const char *lines);
/* Forgets sender, recipients and text of the mail. */
void sink_smtp_reset_mail(struct smtp_session *s);
/* Notes that the session must end. It stays valid until sink_smtp_end, so that no caller on the way up uses a
 * freed one. */
void sink_smtp_close(struct smtp_session *s);

/* ---- smtp_command.c ---- */

/* Runs a command, or continues a login. False: the session is to be ended. */
MUST_CHECK bool sink_smtp_command(struct smtp_session *s, const char *line);

#endif
