/* The journal as intake sees it: events to be accepted, and requests that were rejected as not verified.
 * Thread: any. */
#ifndef ALMONER_SAGA_JOURNAL_INTAKE_PORT_H
#define ALMONER_SAGA_JOURNAL_INTAKE_PORT_H

#include <sys/queue.h>

#include "saga/store/store.h"

struct journal;

enum accept_kind {
	ACCEPT_SAGA,   /* the event makes a saga */
	ACCEPT_RELATED /* the event is recorded beside the saga of its gift */
};

struct accept_result {
	int code;       /* 0, or ERR_FULL, ERR_CLOSED, ERR_IO, ERR_LOST: nothing was recorded */
	int64_t saga;   /* 0: a related event whose gift has not come */
	bool duplicate; /* the event, or its gift, was accepted before; `saga` is the first one */
	bool differs;   /* a duplicate whose body differs from the body of the first event */
	bool related;
	bool unrouted;
	bool quarantined;
};

/* One event to be accepted. The caller allocates it; `done` or `drop` frees it. */
struct accept {
	STAILQ_ENTRY(accept) link; /* a link for lists of the caller; the journal does not use it */
	enum accept_kind kind;
	struct event *event;     /* the event, not NULL; the accept owns one reference */
	struct saga_start start; /* ACCEPT_SAGA: texts and lanes stay valid until done; the plan is borrowed */
	uint8_t dedup[STORE_KEY_BYTES]; /* journal_event_key: one accepted event for each key */
	bool has_gift;
	uint8_t gift[STORE_KEY_BYTES]; /* journal_gift_key: one saga for each gift */
	int64_t gift_wait_ms;          /* ACCEPT_RELATED: how long to wait for the saga of the gift */
	/* Not NULL: an operator replays the event, and the saga's log records who (`actor`) and why (`note`, may
	 * be NULL). Both stay valid until done. */
	const char *actor;
	const char *note;
	void *ctx; /* of `done` */
	/* Not NULL. Called once, after the commit or its failure; frees `a`. Thread: the journal's. */
	void (*done)(void *ctx, struct accept *a, const struct accept_result *result);
	/* Frees `a` when the journal is destroyed while `a` is still queued. NULL: the journal drops the
	 * reference on the event and calls free(a). */
	void (*drop)(struct accept *a);
};

/* The digests for `dedup` and `gift`. They depend on nothing but their arguments, so that a repeat is
 * recognised by every process and after every restart. */
void journal_event_key(const char *source, const char *event_id, uint8_t out[STORE_KEY_BYTES]);
void journal_gift_key(const char *source, const char *gift, uint8_t out[STORE_KEY_BYTES]);

/* Queues an event. ERR_FULL: the queue is full or the disk is low; ERR_CLOSED. On an error `a` stays the
 * caller's and `done` is not called. */
int journal_accept(struct journal *j, struct accept *a) MUST_CHECK;

/* Keeps a request that was rejected as not verified, until row->until_ms, so that it can be replayed. All
 * requests of its source together take at most `keep_bytes`: the oldest ones are deleted first. Copies the
 * row. There is no answer when the request is stored. ERR_FULL: the disk is low, or too many such requests
 * wait in the queue; ERR_CLOSED. */
int journal_keep_rejected(struct journal *j, const struct rejected_row *row, int64_t keep_bytes) MUST_CHECK;
/* Deletes a kept request; an unknown id is no error. ERR_CLOSED. */
int journal_drop_rejected(struct journal *j, int64_t id) MUST_CHECK;

#endif
