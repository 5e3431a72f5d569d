/* One received event: a single block of memory with all its texts, immutable and reference-counted, so that
 * it can be handed from thread to thread without copying. Thread: any. */
#ifndef ALMONER_MODEL_EVENT_H
#define ALMONER_MODEL_EVENT_H

#include <stdint.h>

#include "saga/base/check.h"
#include "saga/base/err.h"
#include "saga/base/str.h"

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

#define EVENT_FIRST_VERSION 1

/* All texts are inside the block and have a NUL after them. */
struct event {
	struct event_fields f;
	int64_t received_ms;            /* steady clock */
	uint32_t version;               /* EVENT_FIRST_VERSION as received; it grows with each edit by a person */
	uint8_t salt[EVENT_SALT_BYTES]; /* random bytes, stored with the payload and forgotten with it */
	/* digest_parts(salt, raw, canonical and, if it is not empty, decoding), which the log keeps. The salt is
	 * forgotten with the payload; without it a guess at the payload cannot be checked against the log. */
	uint8_t digest[32];
	uint8_t body_digest[16]; /* of `raw` alone: shows whether a duplicate has the same body */
	struct str payload;      /* the stored form of everything above but the version: event_codec.h */
};

/* Copies the fields into a new block with one reference, a new random salt and version 1. Packs the payload, so
 * that the thread that makes the event spends the time (about 1.2 us), not the journal's. */
struct event *event_create(const struct event_fields *fields, int64_t received_ms);
/* The event that was stored as this payload; *ret is a new reference. Computes the digests from what the payload
 * holds, so that a changed payload shows. ERR_CORRUPT, as event_codec_unpack gives it. */
int event_restore(struct str payload, uint32_t version, struct event **ret, struct err *err) MUST_CHECK;
struct event *event_ref(struct event *e);  /* adds a reference and returns `e` */
void event_unref(struct event *e);         /* drops a reference; NULL is accepted */
size_t event_bytes(const struct event *e); /* the size of the block, for limits of memory */

#endif
