/* What the daemon is made of. Private to gateway/daemon*.c. */
#ifndef ALMONER_GATEWAY_DAEMON_PARTS_H
#define ALMONER_GATEWAY_DAEMON_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/admin/jobs.h"
#include "gateway/admin/server.h"
#include "gateway/daemon.h"
#include "gateway/daemon_alerts.h"
#include "gateway/engine/engine.h"
#include "gateway/intake/quarantine.h"
#include "gateway/intake/server.h"
#include "gateway/logger.h"
#include "gateway/net/loop.h"
#include "gateway/net/transfer.h"
#include "gateway/plugin/blackbox.h"
#include "gateway/plugin/instance.h"
#include "gateway/refusals.h"
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
	struct sending *sending;
	struct journal *journal;
	struct intake *intake;
	struct daemon_alerts *alerts;
	struct admin_server *admin;
	struct jobs *jobs;
	struct api_context api;
	struct clock clock;
	int64_t started_ms;

	pthread_mutex_t config_lock; /* guards the reference below */
	struct config *config;

	struct quarantine *quarantine; /* asked by intake */
	struct refusals *refusals;

	atomic_bool reloading; /* one at a time */
	bool reload_begun;     /* reload_thread is to be joined */
	bool reload_wanted;    /* SIGHUP came; the loop's thread only */
	pthread_t reload_thread;
	atomic_bool failed; /* the store failed: no drain, exit 1 */
	atomic_bool stopping;
	int64_t drain_until_ms;
};

struct config *daemon_config(struct daemon *d);                   /* a new reference; thread: any */
void daemon_swap_config(struct daemon *d, struct config *config); /* takes the reference */

/* ---- daemon_targets.c ---- */

/* The targets as the journal wants them; free() the array, names are borrowed from the configuration. */
struct journal_target *daemon_journal_targets(const struct config *config);
/* Opens every target's connector: an array in the configuration's order, NULL at its end. */
int daemon_open_instances(struct daemon *d, const struct config *config, struct instance ***ret,
						  struct err *err) MUST_CHECK;
void daemon_close_instances(struct instance **opened);
/* Gives them to the engine; `ids` are what the journal gave, in order. */
void daemon_hand_over(struct daemon *d, const struct config *config, struct instance **opened,
					  const struct journal_target *ids);

/* ---- daemon_reload.c ---- */

/* After SIGHUP: reads the configuration again on a thread of its own, all or nothing. One that came while
 * another was under way follows it, so that the file's last state is always read. Thread: the loop's. */
void daemon_reload_if_wanted(struct daemon *d);
/* Waits for one that is under way. Before journal_stop. */
void daemon_reload_finish(struct daemon *d);

/* ---- daemon_refused.c ---- */

/* struct api_context */
int daemon_replay(void *ctx, const struct refused_row *row, const struct replay_call *call,
				  struct accept_result *ret) MUST_CHECK;

/* ---- daemon_api.c ---- */

void daemon_fill_api(struct daemon *d);
/* For quarantine_create: reads the store. */
int daemon_count_quarantined(void *ctx, const char *source, int64_t *ret) MUST_CHECK;
int64_t daemon_quarantined(void *ctx, const char *source); /* struct intake_hooks */
bool daemon_is_ready(void *ctx, const char **why);

#endif
