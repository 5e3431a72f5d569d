/* Follows an SMTP dialogue by the lines of the server alone (RFC 5321 section 4.2): the last complete reply,
 * and whether the server sent that reply before the message or after it. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_NET_SMTP_REPLY_H
#define ALMONER_GATEWAY_NET_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saga/base/buf.h"

struct smtp_reply {
	uint32_t replies;         /* number of complete replies */
	uint32_t greeting;        /* code of the first reply */
	uint32_t status;          /* code of the last reply */
	bool data_accepted;       /* a 354 came, so the server may have taken the message */
	bool final;               /* the reply to the message is complete; later replies (to QUIT) are ignored */
	bool in_multiline;        /* a reply of several lines has begun and is not complete */
	struct buf text;          /* text of the last reply: without codes, lines joined by '\n', at most 2 KiB */
	uint32_t previous_status; /* code of the reply before the last */
	struct buf previous_text;
};

void smtp_reply_init(struct smtp_reply *r);
void smtp_reply_finish(struct smtp_reply *r);

/* Takes one line as received, with or without its line end. A line that is no reply line is ignored. */
void smtp_reply_line(struct smtp_reply *r, const char *line, size_t len);

/* When a server rejects a command, libcurl sends QUIT before it reports the rejection, so the last reply
 * is the answer to QUIT. `code` is the last code that libcurl itself evaluated: if only the reply before
 * the last one has that code, that reply becomes the last one again. */
void smtp_reply_settle(struct smtp_reply *r, uint32_t code);

#endif
