/* One received event as a flat, immutable, reference-counted block that may cross threads. */
#ifndef ALMONER_MODEL_EVENT_H
#define ALMONER_MODEL_EVENT_H

#include <stdint.h>

#include "saga/base/buf.h"

#define EVENT_SALT_BYTES 16

struct event_fields {
	struct str source;       /* name of the source */
	struct str event_id;     /* the sender's */
	struct str type;         /* canonical type; empty while quarantined */
	struct str gift;         /* empty: none named */
	struct str donor;        /* for filters and people: id, else e-mail; may be empty */
	struct str content_type; /* of the raw body; may be empty */
	struct str raw;          /* as received */
	struct str canonical;    /* JSON; empty while quarantined */
};

/* All strings point into the block and are NUL-terminated. */
struct event {
	struct event_fields f;
	int64_t received_ms;            /* steady clock */
	uint8_t salt[EVENT_SALT_BYTES]; /* random, kept beside the payload, forgotten with it */
	uint8_t digest[32];             /* digest_parts(salt, raw, canonical): what the log holds */
	uint8_t body_digest[16];        /* of the raw body alone, unsalted: tells a differing duplicate */
};

/* Copies the fields into a fresh block with one reference and draws its salt. */
struct event *event_create(const struct event_fields *fields, int64_t received_ms);
/* As above with a stored salt; recomputes the digests. */
struct event *event_restore(const struct event_fields *fields, int64_t received_ms,
							const uint8_t salt[EVENT_SALT_BYTES]);
struct event *event_ref(struct event *e);  /* Thread: any. Returns `e`. */
void event_unref(struct event *e);         /* Thread: any. NULL is accepted. */
size_t event_bytes(const struct event *e); /* memory it occupies, for windows and limits */

#endif
