/* What the files of gateway/daemon share: the parts of the daemon, and one group of functions for each file.
 * Private to this folder. */
#ifndef ALMONER_GATEWAY_DAEMON_DAEMON_INTERNAL_H
#define ALMONER_GATEWAY_DAEMON_DAEMON_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/server.h"
#include "gateway/cell/cell.h"
#include "gateway/cell/cell_ports.h"
#include "gateway/daemon/alerts_thread.h"
#include "gateway/daemon/daemon.h"
#include "gateway/intake/quarantine.h"
#include "gateway/intake/server/server.h"
#include "gateway/log/log_throttle.h"
#include "gateway/log/logger.h"
#include "gateway/net/loop.h"
#include "gateway/plugin/blackbox.h"
#include "gateway/plugin/instance.h"

/* Made and destroyed by daemon_run. The parts are made in start_all and stopped in stop_all (daemon.c); a
 * part that has not been made is NULL. Other threads read the pointers only after start_all has started
 * them. */
struct daemon {
	const struct daemon_options *options;
	struct config_env *env;
	struct catalog *catalog;
	struct logger *logger;
	struct blackbox *box; /* of the process, because its handlers are */
	struct loop *loop;    /* the main thread's; the cell has one of its own */
	struct cell *cell;    /* never NULL */
	struct intake_server *intake;
	struct alerts_thread *alerts;
	struct admin_server *admin;
	struct jobs *jobs;
	struct api_context api;
	struct clock clock;
	int64_t started_ms; /* on `clock`; for the uptime */

	pthread_mutex_t config_lock; /* guards `config` */
	struct config *config;       /* the configuration in use; a reload replaces it */

	struct quarantine *quarantine; /* intake asks how many events of a source are quarantined */
	struct log_throttle *log_throttle;

	atomic_bool reloading; /* a reload runs; at most one does */
	bool reload_started;   /* reload_thread must be joined; thread: main */
	bool reload_requested; /* SIGHUP has arrived; thread: main */
	pthread_t reload_thread;
	atomic_bool stopping;
};

/* ---- config.c ---- */

/* The configuration in use, as a new reference (config_unref). Thread: any. */
struct config *daemon_config_get(struct daemon *d);
/* Puts another configuration into use and takes the caller's reference. Thread: any. */
void daemon_config_swap(struct daemon *d, struct config *config);
/* Opens a read-only connection to the store; the caller closes it. `ctx` is the struct daemon. Thread:
 * any. */
int daemon_open_reader(void *ctx, struct store_reader *ret, struct err *err) MUST_CHECK;

/* ---- cell_setup.c ---- */

/* Opens the store, which locks it against a second daemon, and the black box: sets d->box. Makes the cell with
 * the targets of d->config. Steps whose connectors brought the previous process down are set to attention
 * (fault) on the way. */
int daemon_make_cell(struct daemon *d, struct err *err) MUST_CHECK;

/* ---- targets.c ---- */

/* The targets of a configuration in the journal's form, without ids: config->target_count of them. free() the
 * array; the names belong to the configuration. */
struct journal_target *daemon_journal_targets(const struct config *config);
/* Opens one connector instance for each target: an array in the configuration's order that ends with NULL. It
 * goes to daemon_set_engine_targets or to daemon_close_instances. */
int daemon_open_instances(struct daemon *d, const struct config *config, struct instance ***ret,
						  struct err *err) MUST_CHECK;
void daemon_close_instances(struct instance **opened);
/* Hands the targets of a configuration to the cell's engine, and `opened` with them. `ids`: the array that the
 * journal filled in, in the configuration's order. */
void daemon_set_engine_targets(struct daemon *d, const struct config *config, struct instance **opened,
							   const struct journal_target *ids);

/* ---- reload.c ---- */

/* If a reload is requested, starts it on a thread of its own. A request that arrives while a reload runs
 * starts another one after it, so the last state of the file is always read. Thread: main. */
void daemon_reload_if_requested(struct daemon *d);
/* Waits until a running reload has ended. Call it before cell_end: the reload waits for answers of the
 * journal. */
void daemon_reload_wait(struct daemon *d);

/* ---- replay.c ---- */

/* The hook `replay` of struct api_context, described there. Blocks until the commit. Thread: an admin
 * thread. */
int daemon_replay(void *ctx, const struct rejected_row *row, const struct replay_call *call,
				  struct accept_result *ret) MUST_CHECK;

/* ---- reprocess.c ---- */

/* The hook `reprocess` of struct api_context, described there. `done` runs on the journal's thread. */
int daemon_reprocess(void *ctx, int64_t saga, const struct event *event, const char *actor, const char *note,
					 void *done_ctx, void (*done)(void *done_ctx, const struct verb_result *result),
					 struct err *err) MUST_CHECK;

/* ---- quarantine.c ---- */

/* Counts the quarantined events of a source in the store; stops counting at limits.quarantine_cap. For
 * quarantine_create. */
int daemon_quarantine_read(void *ctx, const char *source, int64_t *ret) MUST_CHECK;
/* The same number from the cache, for the hooks of intake. Thread: any. */
int64_t daemon_quarantine_count(void *ctx, const char *source);

/* ---- admin_context.c ---- */

/* Fills in d->api, which the admin server and the bulk jobs borrow. */
void daemon_admin_context_init(struct daemon *d);
/* Whether intake may accept events; if not, *why is a static text. For the hooks of intake. Thread: any. */
bool daemon_is_ready(void *ctx, const char **why);

#endif
