/* Follows an SMTP dialogue by the server's lines alone (RFC 5321 section 4.2): the last complete reply, and
 * whether it came before the message, or after it. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_NET_SMTP_REPLY_H
#define ALMONER_GATEWAY_NET_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saga/base/buf.h"

struct smtp_reply {
	uint32_t replies;         /* complete ones */
	uint32_t greeting;        /* code of the first */
	uint32_t status;          /* code of the last */
	bool data_accepted;       /* 354 was seen: from here on the message may have been taken */
	bool final;               /* the reply to the message is complete; what comes after (QUIT) is ignored */
	bool in_multiline;        /* a multi-line reply has begun and not ended */
	struct buf text;          /* of the last reply, without codes, lines joined by '\n'; capped */
	uint32_t previous_status; /* the code before the last, and its text */
	struct buf previous_text;
};

void smtp_reply_init(struct smtp_reply *r);
void smtp_reply_finish(struct smtp_reply *r);

/* One line as received, with or without its line end. What is no reply line is ignored. */
void smtp_reply_line(struct smtp_reply *r, const char *line, size_t len);

/* libcurl says goodbye before it reports a refusal, and the answer to that is not what we want to know: goes
 * back by one reply if only the one before has `code`, the last that libcurl itself took for an answer. */
void smtp_reply_settle(struct smtp_reply *r, uint32_t code);

#endif
