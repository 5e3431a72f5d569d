/* The admin API: JSON in, JSON out, one table of routes. It knows nothing of sockets: gateway/admin/server.c
 * serves it on the unix socket, and without a daemon the CLI calls it in its own process on a read-only
 * store.
 *
 * Lists are newline-delimited JSON, produced piece by piece, so that all rows of a large store pass through a
 * bounded buffer. Errors are {"error": TEXT} with the status saying which kind. */
#ifndef ALMONER_ADMIN_API_H
#define ALMONER_ADMIN_API_H

#include <jansson.h>

#include "config/config.h"
#include "gateway/admin/target_live.h"
#include "gateway/admin/verbs/replay.h"
#include "saga/journal/intake_port.h"
#include "saga/journal/operator_port.h"
#include "saga/store/store.h"

/* What the composition root lends. Everything may be called from any thread, several at once. */
struct jobs;

struct api_context {
	void *ctx;
	struct journal *journal; /* NULL: no daemon, only reading */
	struct jobs *jobs;       /* who carries out verbs in bulk; NULL: no daemon */
	/* A reader of the caller's own. */
	int (*open_reader)(void *ctx, struct store_reader *ret, struct err *err);
	int64_t (*now_ms)(void *ctx);
	/* A new reference to today's configuration. */
	struct config *(*config)(void *ctx);
	/* What the engine knows of a target, by the store's number; false: nothing. NULL: no daemon. */
	bool (*target_live)(void *ctx, uint32_t id, struct target_live *ret);
	/* Adds the daemon's own figures (intake counters, uptime, version) to `status`. */
	void (*status)(void *ctx, json_t *status);
	/* Maps the kept event again with today's configuration and hands it to journal_reprocess. */
	int (*reprocess)(void *ctx, int64_t saga, const struct event *event, const char *actor, const char *note,
					 void *done_ctx, void (*done)(void *done_ctx, const struct verb_result *result),
					 struct err *err);
	/* Judges a refused request again, by the time at which it came; one that is verified now is accepted as it
	 * would be from its sender, and dropped from those kept. Waits for the commit. ERR_REFUSED: still not
	 * verified; ERR_NOT_FOUND: its source is gone; ERR_FULL, ERR_CLOSED: nothing is taken in now. */
	int (*replay)(void *ctx, const struct rejected_row *row, const struct replay_call *call,
				  struct accept_result *ret);
};

struct api_request {
	const char *method;
	const char *path;  /* without the query */
	const char *query; /* percent-encoded, without "?"; "" for none */
	struct str body;
	const char *actor; /* "uid 1000 (anna)" */
};

/* A whole answer in `body`, or a stream: while `more` is set it is called for further pieces. */
struct api_reply {
	unsigned status;
	struct buf body;
	void *stream;
	/* Appends to `out`: 1 more to come, 0 that was all, ERR_* broken off (the reader sees a line
	 * {"error":…}). */
	int (*more)(void *stream, struct buf *out, struct err *err);
	void (*stream_free)(void *stream);
};

/* Always fills a reply, errors included. Thread: any. */
void api_handle(const struct api_context *api, const struct api_request *request, struct api_reply *ret);
void api_reply_finish(struct api_reply *reply);

#endif
