/* What the daemon is made of. Private to gateway/daemon*.c. */
#ifndef ALMONER_GATEWAY_DAEMON_DAEMON_INTERNAL_H
#define ALMONER_GATEWAY_DAEMON_DAEMON_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/server.h"
#include "gateway/daemon/alerts_thread.h"
#include "gateway/daemon/daemon.h"
#include "gateway/engine/engine.h"
#include "gateway/intake/quarantine.h"
#include "gateway/intake/server/server.h"
#include "gateway/log/log_throttle.h"
#include "gateway/log/logger.h"
#include "gateway/net/loop.h"
#include "gateway/net/transfer.h"
#include "gateway/plugin/blackbox.h"
#include "gateway/plugin/instance.h"
#include "saga/journal/intake_port.h"
#include "saga/journal/journal.h"

struct daemon {
	const struct daemon_options *options;
	struct config_env *env;
	struct catalog *catalog;
	struct logger *logger;
	struct blackbox *box;
	struct loop *loop;
	struct transfer *transfer;
	struct engine *engine;
	struct inflight_file *inflight;
	struct journal *journal;
	struct intake_server *intake;
	struct alerts_thread *alerts;
	struct admin_server *admin;
	struct jobs *jobs;
	struct api_context api;
	struct clock clock;
	int64_t started_ms;

	pthread_mutex_t config_lock; /* guards the reference below */
	struct config *config;

	struct quarantine *quarantine; /* asked by intake */
	struct log_throttle *log_throttle;

	atomic_bool reloading; /* one at a time */
	bool reload_started;   /* reload_thread is to be joined */
	bool reload_requested; /* SIGHUP came; the loop's thread only */
	pthread_t reload_thread;
	atomic_bool failed; /* the store failed: no drain, exit 1 */
	atomic_bool stopping;
};

/* ---- config.c ---- */

struct config *daemon_config_get(struct daemon *d);               /* a new reference; thread: any */
void daemon_config_swap(struct daemon *d, struct config *config); /* takes the reference */
int daemon_open_reader(void *ctx, struct store_reader *ret, struct err *err) MUST_CHECK;

/* ---- journal_setup.c ---- */

int daemon_journal_setup(struct daemon *d, struct journal_target *targets, struct err *err) MUST_CHECK;
/* Steps whose connector brought the last process down go to attention before anything runs. */
int daemon_settle_blackbox(struct daemon *d, struct err *err) MUST_CHECK;

/* ---- targets.c ---- */

/* The targets as the journal wants them; free() the array, names are borrowed from the configuration. */
struct journal_target *daemon_journal_targets(const struct config *config);
/* Opens every target's connector: an array in the configuration's order, NULL at its end. */
int daemon_open_instances(struct daemon *d, const struct config *config, struct instance ***ret,
						  struct err *err) MUST_CHECK;
void daemon_close_instances(struct instance **opened);
/* Gives them to the engine; `ids` are what the journal gave, in order. */
void daemon_set_engine_targets(struct daemon *d, const struct config *config, struct instance **opened,
							   const struct journal_target *ids);

/* ---- reload.c ---- */

/* After SIGHUP: reads the configuration again on a thread of its own, all or nothing. One that came while
 * another was under way follows it, so that the file's last state is always read. Thread: the loop's. */
void daemon_reload_if_requested(struct daemon *d);
/* Waits for one that is under way. Before journal_stop. */
void daemon_reload_wait(struct daemon *d);

/* ---- replay.c ---- */

/* struct api_context */
int daemon_replay(void *ctx, const struct rejected_row *row, const struct replay_call *call,
				  struct accept_result *ret) MUST_CHECK;

/* ---- reprocess.c ---- */

int daemon_reprocess(void *ctx, int64_t saga, const struct event *event, const char *actor, const char *note,
					 void *done_ctx, void (*done)(void *done_ctx, const struct verb_result *result),
					 struct err *err) MUST_CHECK;

/* ---- quarantine.c ---- */

/* For quarantine_create: reads the store. */
int daemon_quarantine_read(void *ctx, const char *source, int64_t *ret) MUST_CHECK;
int64_t daemon_quarantine_count(void *ctx, const char *source); /* struct intake_server_hooks */

/* ---- admin_context.c ---- */

void daemon_admin_context_init(struct daemon *d);
bool daemon_is_ready(void *ctx, const char **why);

#endif
