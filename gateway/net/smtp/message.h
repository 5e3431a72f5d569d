/* One mail as libcurl sends it: what may be sent, and a libcurl handle that is set to one mail for one
 * recipient over one connection.
 *
 * Thread: one at a time. smtp_message_init runs on the loop's thread; the callbacks of the handle run on the
 * thread that performs the transfer (worker.c). */
#ifndef ALMONER_GATEWAY_NET_SMTP_MESSAGE_H
#define ALMONER_GATEWAY_NET_SMTP_MESSAGE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "connectors/almoner_connector.h"
#include "gateway/engine/ports.h"

/* Room for the text of smtp_message_fault; as long as the detail of a transport result. */
#define SMTP_FAULT_BYTES 200

struct smtp_message {
	CURL *easy;                  /* owned */
	struct almoner_mail mail;    /* a copy of the mail, whose texts point into `texts` */
	char *texts;                 /* owned */
	struct curl_slist recipient; /* the list that libcurl reads the only recipient from */
	size_t sent_bytes;           /* bytes of mail.message that libcurl has read so far */
	bool looking_up;             /* libcurl has not opened a socket yet: it may wait for the resolver */
	char error[CURL_ERROR_SIZE]; /* libcurl's description of a failure; "" for none */
};

/* What makes the mail unsendable, written to `text` for operators and returned; NULL when it may be sent.
 * Checks every part that libcurl would paste into an SMTP command, because libcurl does not. */
const char *smtp_message_fault(const struct almoner_mail *mail, char text[SMTP_FAULT_BYTES]);

/* NULL if the whole message may be sent: not empty, no NUL, and CR LF only as a pair, so that no server can
 * see the end of the mail inside the message. Otherwise what is wrong, to follow "the message ". */
const char *smtp_message_body_fault(struct almoner_text message);

/* Copies the mail and sets a fresh handle to it. `m` must be zeroed or uninitialised, and must not move
 * afterwards, because libcurl keeps pointers into it. Call smtp_message_finish also after an error. */
MUST_CHECK CURLcode smtp_message_init(struct smtp_message *m, const struct almoner_mail *mail,
									  const struct transport_limits *limits);
void smtp_message_finish(struct smtp_message *m);

#endif
