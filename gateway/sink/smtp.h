/* Inside of the sink's SMTP half. */
#ifndef ALMONER_GATEWAY_SINK_SMTP_H
#define ALMONER_GATEWAY_SINK_SMTP_H

#include "gateway/sink/sink.h"

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

struct smtp_fault {
	enum smtp_stage stage;
	enum smtp_fault_mode mode;
	char *reply;
	uint32_t times; /* 0: for ever */
	uint32_t used;
};

enum smtp_login_step { SMTP_LOGIN_NONE, SMTP_LOGIN_PLAIN, SMTP_LOGIN_USER, SMTP_LOGIN_PASSWORD };

struct smtp_state {
	struct smtp_fault *faults;
	size_t fault_count;
	char *auth_plain; /* base64 of what AUTH PLAIN must say; NULL: no login asked for */
	char *auth_user;  /* base64 */
	char *auth_password;
	uint64_t connections;
	uint64_t messages;
	uint64_t rejected; /* messages answered with 4xx or 5xx after the dot */
	uint64_t duplicates;
	struct sink_map ids; /* Message-ID → NULL */
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
	bool silent;
	bool gone; /* to be ended by whoever called */
	bool logged_in;
	bool login_user_good;
	enum smtp_login_step login_step;
};

/* The fault for this stage, used once; NULL: none. */
const struct smtp_fault *sink_smtp_fault(struct smtp_state *state, enum smtp_stage stage);
/* Records and logs the session's message. */
void sink_smtp_store(struct smtp_session *s);
void sink_smtp_close(struct smtp_session *s);
void sink_smtp_end(struct smtp_session *s);

#endif
