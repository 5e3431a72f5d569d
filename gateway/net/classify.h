/* From evidence to verdict: what may have happened at the other end. Pure; no I/O. Thread: any. */
#ifndef ALMONER_NET_CLASSIFY_H
#define ALMONER_NET_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/engine/ports.h"
#include "gateway/net/smtp/reply.h"

/* How libcurl ended, in the only distinctions that matter here. */
enum transfer_end {
	TRANSFER_END_OK,        /* by the rules of the protocol, all of it came */
	TRANSFER_END_UNUSABLE,  /* libcurl did not understand the request (URL, scheme, option) */
	TRANSFER_END_NO_ANSWER, /* time-out or lost connection while waiting */
	TRANSFER_END_FAILED     /* anything else */
};

struct http_evidence {
	enum transfer_end end;
	bool request_began; /* a connection stood, TLS included, and libcurl was about to send */
	bool encrypted;
	uint64_t request_bytes; /* accepted by the socket; for TLS a zero proves nothing */
	bool head_complete;     /* the blank line after a status other than 1xx was seen */
	bool body_cut_by_us;    /* the reply cap was reached and reading stopped */
};

enum transport_verdict classify_http(const struct http_evidence *evidence);
enum transport_verdict classify_mail(enum transfer_end end, const struct smtp_reply *dialogue);

/* A CURLcode as one of the above. */
enum transfer_end classify_end(int curl_code);

#endif
