/* One received event: a single block of memory with all its texts, immutable and reference-counted, so that
 * it can be handed from thread to thread without copying. Thread: any. */
#ifndef ALMONER_MODEL_EVENT_H
#define ALMONER_MODEL_EVENT_H

#include <stdint.h>

#include "saga/base/buf.h"

#define EVENT_SALT_BYTES 16 /* chosen: 128 random bits cannot be guessed */

struct event_fields {
	struct str source;   /* name of the source */
	struct str event_id; /* the id that the sender gave the event */
	struct str type;     /* canonical type; empty while quarantined */
	struct str gift;     /* the name of the donation; empty if the event names none */
	/* the donor for filters and display: the donor's id, else the e-mail address; may be empty */
	struct str donor;
	struct str content_type; /* the content type of the raw body; may be empty */
	struct str raw;          /* the body of the event, byte for byte as received */
	struct str canonical;    /* the mapped event as JSON; empty while quarantined */
	/* what decoding the body needed from outside it (charset, content encoding, transfer form), so that it
	 * can be decoded again; empty when the raw body was read as it is */
	struct str decoding;
	int64_t request; /* number of the request that was split into several events; 0: it was one event */
	uint32_t item;   /* position of the event in that request, from 0 */
};

/* All texts are inside the block and have a NUL after them. */
struct event {
	struct event_fields f;
	int64_t received_ms;            /* steady clock */
	uint8_t salt[EVENT_SALT_BYTES]; /* random bytes, stored with the payload and forgotten with it */
	/* digest_parts(salt, raw, canonical), which the log keeps. The salt is forgotten with the payload;
	 * without it a guess at the payload cannot be checked against the log. */
	uint8_t digest[32];
	uint8_t body_digest[16]; /* of `raw` alone: shows whether a duplicate has the same body */
};

/* Copies the fields into a new block with one reference and a new random salt. */
struct event *event_create(const struct event_fields *fields, int64_t received_ms);
/* Like event_create, with the salt that was stored for the event; computes the digests from it. */
struct event *event_restore(const struct event_fields *fields, int64_t received_ms,
							const uint8_t salt[EVENT_SALT_BYTES]);
struct event *event_ref(struct event *e);  /* adds a reference and returns `e` */
void event_unref(struct event *e);         /* drops a reference; NULL is accepted */
size_t event_bytes(const struct event *e); /* the size of the block, for limits of memory */

#endif
