#include "gateway/daemon/daemon.h"

#include <signal.h>
#include <stdio.h>

#include "gateway/daemon/daemon_internal.h"
#include "gateway/daemon/notify.h"

/* How long, at the end, requests may still wait for their commit. The same 5 s as in service. */
#define COMMIT_GRACE_MS 5000

static void on_rejected(void *ctx, const char *source, const char *address, int status, const char *why)
{
	struct daemon *d = ctx;
	log_throttle_rejected(d->log_throttle, d->logger, d->clock.now_ms(d->clock.ctx), source, address, status,
						  why);
}

/* ---- the main thread's loop: signals, reload, the end ---- */

/* The loop keeps running: on_turn ends it when the cell has drained, at the latest after `drain`. */
static void begin_stop(struct daemon *d, const char *why)
{
	if (atomic_exchange(&d->stopping, true))
		return;
	struct config *config = daemon_config_get(d);
	logger_line(d->logger, CONFIG_LOG_INFO, "stopping", "why", why, NULL);
	notify_supervisor("STOPPING=1");
	intake_server_quiesce(d->intake);
	cell_drain(d->cell, config->drain_ms);
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

/* A turn comes after a signal, the end of a reload, and the end of the cell. */
static void on_turn(void *ctx)
{
	struct daemon *d = ctx;
	daemon_reload_if_requested(d);
	if (cell_is_over(d->cell))
		loop_stop(d->loop);
}

static int make_loop(struct daemon *d, struct err *err)
{
	d->loop = loop_create(err);
	if (d->loop == NULL)
		return err->code;
	loop_set_hook(d->loop, LOOP_DECIDE, on_turn, d);
	return 0;
}

static int watch_signals(struct daemon *d, struct err *err)
{
	(void)err;
	loop_on_signal(d->loop, SIGTERM, on_stop_signal, d);
	loop_on_signal(d->loop, SIGINT, on_stop_signal, d);
	loop_on_signal(d->loop, SIGHUP, on_hangup, d);
	return 0;
}

/* ---- start ---- */

static int start_intake(struct daemon *d, struct err *err)
{
	struct intake_server_options options = { .journal = { d->cell, cell_accept, cell_keep_rejected },
											 .hooks = { d, daemon_is_ready, daemon_quarantine_count,
														on_rejected },
											 .clock = d->clock,
											 .own_sweep = true };
	return intake_server_start(d->config, &options, &d->intake, err);
}

static int start_alerts(struct daemon *d, struct err *err)
{
	return alerts_thread_start(d, &d->alerts, err);
}

/* The jobs of the previous process continue. */
static int start_jobs(struct daemon *d, struct err *err)
{
	daemon_admin_context_init(d);
	int rc = jobs_start(&d->api, &d->jobs, err);
	d->api.jobs = d->jobs;
	return rc;
}

static int start_admin(struct daemon *d, struct err *err)
{
	return admin_server_start(&d->api, &d->config->listen.admin, &d->admin, err);
}

static int serve_cell(struct daemon *d, struct err *err)
{
	return cell_serve(d->cell, err);
}

/* The whole start. After an error stop_all ends what was started. */
static int start_all(struct daemon *d, struct err *err)
{
	static int (*const steps[])(struct daemon *, struct err *) = {
		make_loop,     daemon_make_cell, /* locks the store against a second daemon, recovers it, and takes operations */
		watch_signals, /* until now they end the process at once: a migration may take long */
		start_intake,  /* listens when its events can be committed */
		start_alerts,  start_jobs,       start_admin, /* its handlers use all of the above */
		serve_cell, /* attempts start last: a daemon that cannot listen sends nothing */
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++)
		rc = steps[i](d, err);
	return rc;
}

/* ---- end ---- */

static void stop_intake(struct daemon *d)
{
	if (d->intake == NULL)
		return;
	intake_server_quiesce(d->intake);
	/* False: requests still waited and were answered 503. Their events may be in the store; the senders
	 * repeat. */
	(void)intake_server_wait_idle(d->intake, COMMIT_GRACE_MS);
	intake_server_stop(d->intake);
}

/* Ends what start_all has started, in an order in which no part is used after its end. NULL parts are
 * accepted. */
static void stop_all(struct daemon *d, const char *why)
{
	daemon_reload_wait(d);
	jobs_stop(d->jobs);          /* bulk jobs stop here; the next daemon continues them */
	cell_end(d->cell, why);      /* gives every sender and operator that waits an answer */
	admin_server_stop(d->admin); /* its handlers read intake and jobs */
	alerts_thread_stop(d->alerts);
	jobs_destroy(d->jobs);
	stop_intake(d);
	cell_destroy(d->cell);
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

/* Reports the start for people (the log), for systemd, and for a caller of daemon_run. */
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
	d.cell = cell_create();
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
	bool failed = cell_get_state(d.cell) == CELL_LOST;
	stop_all(&d, failed ? "the store failed" : "asked to stop");
	return failed ? 1 : 0;
}
