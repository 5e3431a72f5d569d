#include "gateway/daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/daemon/daemon_internal.h"
#include "gateway/daemon/notify.h"
#include "gateway/expr/condition.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/journal/state/inflight.h"

/* How long, at the end, requests may still wait for their commit. The same 5 s as in service. */
#define COMMIT_GRACE_MS 5000

/* ---- hooks of engine, intake and loop ---- */

static void on_engine_line(void *ctx, enum engine_log_level level, const char *target, const char *text)
{
	struct daemon *d = ctx;
	static const enum config_log_level levels[] = { CONFIG_LOG_DEBUG, CONFIG_LOG_INFO, CONFIG_LOG_WARNING,
													CONFIG_LOG_ERROR };
	logger_line(d->logger, levels[level], "engine", "target", target, "text", text, NULL);
}

static void on_rejected(void *ctx, const char *source, const char *address, int status, const char *why)
{
	struct daemon *d = ctx;
	log_throttle_rejected(d->log_throttle, d->logger, d->clock.now_ms(d->clock.ctx), source, address, status,
						  why);
}

static void wake_loop(void *ctx)
{
	loop_wake(ctx);
}

/* ---- the loop's turn, and its end ---- */

/* The loop keeps running: on_turn ends it when the engine's attempts have ended, at the latest after
 * `drain`. */
static void begin_stop(struct daemon *d, const char *why)
{
	if (atomic_exchange(&d->stopping, true))
		return;
	struct config *config = daemon_config_get(d);
	logger_line(d->logger, CONFIG_LOG_INFO, "stopping", "why", why, NULL);
	notify_supervisor("STOPPING=1");
	intake_server_quiesce(d->intake);
	engine_drain(d->engine, config->drain_ms);
	config_unref(config);
}

static void on_stop_signal(void *ctx, int signum)
{
	begin_stop(ctx, signum == SIGINT ? "SIGINT" : "SIGTERM");
}

static void on_hangup(void *ctx, int signum)
{
	(void)signum;
	struct daemon *d = ctx;
	d->reload_requested = true;
	daemon_reload_if_requested(d);
}

/* The loop calls this once a turn, after all input: the engine decides, and says when it wants the next
 * turn. */
static void on_turn(void *ctx)
{
	struct daemon *d = ctx;
	engine_tick(d->engine);
	daemon_reload_if_requested(d);
	bool over = atomic_load(&d->failed) || (atomic_load(&d->stopping) && engine_idle(d->engine));
	if (over)
		loop_stop(d->loop);
	loop_set_deadline_ms(d->loop, over ? 0 : engine_next_ms(d->engine));
}

/* ---- start: the functions stand in the order in which they run ---- */

static int open_blackbox(struct daemon *d, struct err *err)
{
	char *path AUTO_FREE = mem_printf("%s.blackbox", d->config->store.path);
	return blackbox_open(&(struct blackbox_settings){ .path = path }, &d->box, err);
}

/* The event loop, the transfers on it, and the engine that starts them. The journal is connected later. */
static int make_engine(struct daemon *d, struct err *err)
{
	d->loop = loop_create(err);
	d->transfer = d->loop != NULL ? transfer_create(d->loop, err) : NULL;
	if (d->transfer == NULL)
		return err != NULL && err->code != 0 ? err->code : ERR_SYSTEM;
	d->engine = engine_create(&(struct engine_options){ .clock = d->clock,
														.entropy = entropy_system(),
														.transport = transfer_transport(d->transfer),
														.when = condition_port_jq(),
														.log = { d, on_engine_line },
														.wake_ctx = d->loop,
														.wake = wake_loop });
	return 0;
}

/* Intake, the thread for alerts, bulk jobs (those of the previous process continue) and the admin API. */
static int listen_all(struct daemon *d, struct err *err)
{
	struct intake_server_options options = { .journal = intake_server_journal(d->journal),
											 .hooks = { d, daemon_is_ready, daemon_quarantine_count,
														on_rejected },
											 .clock = d->clock,
											 .own_sweep = true };
	int rc = intake_server_start(d->config, &options, &d->intake, err);
	if (rc != 0)
		return rc;
	daemon_admin_context_init(d);
	rc = alerts_thread_start(d, &d->alerts, err);
	if (rc != 0)
		return rc;
	rc = jobs_start(&d->api, &d->jobs, err);
	if (rc != 0)
		return rc;
	d->api.jobs = d->jobs;
	return admin_server_start(&d->api, &d->config->listen.admin, &d->admin, err);
}

/* The order matters: the store is locked before the black box is opened, steps are blamed before the engine
 * can start one, and intake listens last, when everything behind it works. After an error stop_all ends what
 * was started. */
static int start_all(struct daemon *d, struct err *err)
{
	struct journal_target *targets AUTO_FREE = daemon_journal_targets(d->config);
	struct instance **opened = NULL;
	int rc = make_engine(d, err);
	if (rc == 0)
		/* the journal's setup locks the store against a second daemon */
		rc = daemon_journal_setup(d, targets, err);
	if (rc == 0)
		rc = open_blackbox(d, err);
	if (rc == 0)
		rc = daemon_settle_blackbox(d, err);
	if (rc == 0)
		rc = daemon_open_instances(d, d->config, &opened, err);
	if (rc != 0)
		return rc;
	engine_set_journal(d->engine, d->journal);
	daemon_set_engine_targets(d, d->config, opened, targets);
	loop_on_signal(d->loop, SIGTERM, on_stop_signal, d);
	loop_on_signal(d->loop, SIGINT, on_stop_signal, d);
	loop_on_signal(d->loop, SIGHUP, on_hangup, d);
	loop_set_hook(d->loop, LOOP_DECIDE, on_turn, d);
	loop_set_deadline_ms(d->loop, 0);
	rc = journal_start_thread(d->journal, err);
	return rc == 0 ? listen_all(d, err) : rc;
}

/* ---- end ---- */

/* Ends what start_all has started, in an order in which no part is used after its end. NULL parts are
 * accepted. */
static void stop_all(struct daemon *d, const char *why)
{
	daemon_reload_wait(d);
	jobs_stop(d->jobs); /* bulk jobs stop here; the next daemon continues them */
	if (d->journal != NULL)
		/* the stop of the journal gives every sender and operator that waits an answer */
		journal_stop(d->journal, why);
	admin_server_stop(
		d->admin); /* the admin server ends before intake, engine and jobs, which its handlers read */
	alerts_thread_stop(d->alerts);
	jobs_destroy(d->jobs);
	if (d->intake != NULL) {
		intake_server_quiesce(d->intake);
		/* False: requests still waited and were answered 503. Their events may be in the store; the senders
		 * repeat. */
		(void)intake_server_wait_idle(d->intake, COMMIT_GRACE_MS);
		intake_server_stop(d->intake);
	}
	engine_destroy(d->engine);
	transfer_destroy(d->transfer);
	journal_destroy(d->journal);
	inflight_close(d->inflight);
	blackbox_close(d->box);
	loop_destroy(d->loop);
	logger_line(d->logger, CONFIG_LOG_INFO, "stopped", "why", why, NULL);
	logger_destroy(d->logger);
	config_unref(d->config);
	catalog_destroy(d->catalog);
	config_env_destroy(d->env);
	pthread_mutex_destroy(&d->config_lock);
	quarantine_destroy(d->quarantine);
	log_throttle_destroy(d->log_throttle);
}

/* Reports the end for people (the log), for systemd, and for a caller of daemon_run. */
static void announce(struct daemon *d)
{
	char port[16];
	snprintf(port, sizeof port, "%u", intake_server_port(d->intake));
	logger_line(d->logger, CONFIG_LOG_INFO, "serving", "version", ALMONER_VERSION, "intake",
				d->config->listen.host, "port", port, "store", d->config->store.path, NULL);
	notify_supervisor("READY=1");
	if (d->options->ready != NULL)
		d->options->ready(d->options->ctx, intake_server_port(d->intake));
}

int daemon_run(const struct daemon_options *options)
{
	/* Beyond `ulimit -f` a write must fail as on a full disk, so that the daemon can stop in order, not by a
	 * signal. */
	signal(SIGXFSZ, SIG_IGN);
	struct daemon d = { .options = options, .env = config_env_create(), .clock = clock_system() };
	pthread_mutex_init(&d.config_lock, NULL);
	d.quarantine = quarantine_create(&d, daemon_quarantine_read);
	d.log_throttle = log_throttle_create();
	d.started_ms = d.clock.now_ms(d.clock.ctx);
	struct err err = { 0 };
	int rc = daemon_config_load_print(options->config_path, d.env, &d.config, &d.catalog);
	if (rc != 0) {
		fprintf(stderr, "almoner: %s has errors; the daemon did not start\n", options->config_path);
		stop_all(&d, "errors in the configuration");
		return 1;
	}
	config_forget_secrets(d.env);
	rc = logger_create(&d.config->log, &d.logger, &err);
	if (rc == 0)
		rc = start_all(&d, &err);
	if (rc != 0) {
		fprintf(stderr, "almoner: %s\n", err.text);
		stop_all(&d, "could not start");
		return 1;
	}
	announce(&d);
	loop_run(d.loop);
	bool failed = atomic_load(&d.failed);
	stop_all(&d, failed ? "the store failed" : "asked to stop");
	return failed ? 1 : 0;
}
