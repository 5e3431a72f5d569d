/* The admin API: requests and answers in JSON, and one table of routes. It knows no sockets:
 * gateway/admin/server.c serves it on unix sockets, and without a daemon the command line calls it in its own
 * process on a read-only store.
 *
 * A list is newline-delimited JSON and is produced piece by piece, so that a list of any length needs little
 * memory. An error is {"error": TEXT}; the HTTP status gives its kind. */
#ifndef ALMONER_GATEWAY_ADMIN_API_H
#define ALMONER_GATEWAY_ADMIN_API_H

#include <jansson.h>

#include "config/config.h"
#include "gateway/admin/target_live.h"
#include "gateway/admin/verbs/replay.h"
#include "gateway/cell/command.h"
#include "saga/journal/figures.h"
#include "saga/store/store.h"

struct jobs;

/* What the API needs of the rest of the program. It is filled in by the daemon
 * (gateway/daemon/admin_context.c) or by the command line. The functions must accept calls from several
 * threads at once. */
struct api_context {
	void *ctx;
	/* Runs a command: command_run (gateway/cell/command.h) describes it and its answer. NULL without a daemon:
	 * routes that change something are refused. */
	int (*command)(void *ctx, const struct command *command);
	/* The figures of the last commit; the caller calls journal_counts_finish. False: no journal is open here
	 * now. NULL without a daemon. */
	bool (*figures)(void *ctx, struct journal_counts *ret);
	struct jobs *jobs; /* runs bulk verbs; NULL without a daemon */
	/* Opens a reader for the caller alone; the caller closes it. */
	int (*open_reader)(void *ctx, struct store_reader *ret, struct err *err);
	/* Milliseconds since 1970 in the gateway's clock, which does not go back. */
	int64_t (*now_ms)(void *ctx);
	/* A new reference to the current configuration, never NULL; the caller calls config_unref. */
	struct config *(*config)(void *ctx);
	/* What the engine knows of the target with this number in the store; false if it knows nothing. NULL
	 * without a daemon. */
	bool (*target_live)(void *ctx, uint32_t id, struct target_live *ret);
	/* Adds the daemon's own figures (intake counters, uptime, version, alerts) to `status`. NULL without a
	 * daemon. */
	void (*status)(void *ctx, json_t *status);
	/* Maps the stored event again with the current configuration and runs COMMAND_REPROCESS with the result.
	 * Calls `done` exactly once if it returns 0, and never otherwise. NULL without a daemon. */
	int (*reprocess)(void *ctx, int64_t saga, const struct event *event, const char *actor, const char *note,
					 void *done_ctx, void (*done)(void *done_ctx, const struct verb_result *result),
					 struct err *err);
	/* Verifies a stored request again with the current secrets and the time of its receipt. If it is valid
	 * now, accepts it as if its sender had just sent it, removes it from the stored ones, and waits for the
	 * commit. ERR_REFUSED: still not valid; ERR_NOT_FOUND: its source is not configured; ERR_FULL,
	 * ERR_CLOSED: the daemon accepts no events now. NULL without a daemon. */
	int (*replay)(void *ctx, const struct rejected_row *row, const struct replay_call *call,
				  struct accept_result *ret);
};

/* All texts are borrowed for the call. */
struct api_request {
	const char *method;
	const char *path;  /* percent-encoded, without the query */
	const char *query; /* percent-encoded, without "?"; "" for none */
	struct str body;
	const char *actor; /* who calls: "uid 1000 (anna)" */
};

/* An answer: complete in `body`, or, if `more` is set, a stream of pieces. */
struct api_reply {
	unsigned status;
	struct buf body;
	void *stream;
	/* Appends the next piece to `out`. Returns 1 if there is more, 0 at the end, or ERR_*: then the reader of
	 * the stream gets a last line {"error": …}. */
	int (*more)(void *stream, struct buf *out, struct err *err);
	void (*stream_free)(void *stream);
};

/* Fills *ret in every case, also for an error. `api` must outlive a stream. Thread: any. */
void api_handle(const struct api_context *api, const struct api_request *request, struct api_reply *ret);
/* Frees the body and the stream of a reply. */
void api_reply_finish(struct api_reply *reply);

#endif
