/* From evidence to verdict: can the request have taken effect at the target? Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_NET_CLASSIFY_H
#define ALMONER_GATEWAY_NET_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/engine/ports.h"
#include "gateway/net/smtp/reply.h"

/* How libcurl ended, reduced to the differences that matter for a verdict. */
enum transfer_end {
	TRANSFER_END_OK,        /* the whole reply came, by the rules of the protocol */
	TRANSFER_END_UNUSABLE,  /* libcurl cannot send this request (URL, scheme, option) */
	TRANSFER_END_NO_ANSWER, /* time-out or lost connection while waiting */
	TRANSFER_END_FAILED     /* anything else */
};

struct http_evidence {
	enum transfer_end end;
	bool request_began; /* a connection was established, TLS included, and libcurl was about to send */
	bool encrypted;
	uint64_t request_bytes; /* bytes of the request that the socket accepted; with TLS, 0 proves nothing */
	bool head_complete;     /* the blank line after the head of the final reply (no 1xx) came */
	bool body_cut_by_us;    /* the body reached its cap, and almoner stopped reading */
};

/* Give the verdict for an HTTP exchange and for a mail. The evidence must not be NULL. */
enum transport_verdict classify_http(const struct http_evidence *evidence);
enum transport_verdict classify_mail(enum transfer_end end, const struct smtp_reply *dialogue);

/* Translates a CURLcode, which is passed as an int so that this header needs no libcurl. */
enum transfer_end classify_end(int curl_code);

#endif
