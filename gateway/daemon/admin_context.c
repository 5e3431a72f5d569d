/* What the admin API reads from the daemon (struct api_context), and whether intake may accept events. */
#include <stdio.h>

#include "gateway/daemon/daemon_internal.h"

static int64_t now_ms(void *ctx)
{
	struct daemon *d = ctx;
	return d->clock.now_ms(d->clock.ctx);
}

static struct config *get_config(void *ctx)
{
	return daemon_config_get(ctx);
}

/* ---- the cell ---- */

static int run_command(void *ctx, const struct command *command)
{
	return command_run(((struct daemon *)ctx)->cell, command);
}

static bool read_figures(void *ctx, struct journal_counts *ret)
{
	return cell_counts(((struct daemon *)ctx)->cell, ret);
}

/* ---- targets ---- */

static bool target_live(void *ctx, uint32_t id, struct target_live *ret)
{
	struct daemon *d = ctx;
	struct engine_target_status status;
	if (id == 0 || cell_target_status(d->cell, id, &status, 1) != 1)
		return false;
	*ret = (struct target_live){ .breaker = status.breaker,
								 .in_flight = status.in_flight,
								 .window = status.in_flight_now,
								 .ready = status.window_works };
	snprintf(ret->last_error, sizeof ret->last_error, "%s", status.last_error);
	return true;
}

/* ---- status ---- */

static void add_source_counts(void *ctx, const struct intake_source_counters *c)
{
	json_t *source = json_object();
	for (int i = 0; i < INTAKE_COUNTERS; i++)
		json_object_set_new(source, intake_counter_name((enum intake_counter)i),
							json_integer((json_int_t)c->counts[i]));
	json_object_set_new(ctx, *c->source != '\0' ? c->source : "-", source);
}

/* Adds what only the running daemon knows to `almoner status`: alerts, version, uptime and the figures of
 * intake. */
static void add_status(void *ctx, json_t *status)
{
	struct daemon *d = ctx;
	json_t *sources = json_object();
	intake_counters_each(d->intake, sources, add_source_counts);
	struct config *config = daemon_config_get(d);
	struct intake_server_gauges gauges = intake_server_gauges(d->intake);
	json_object_set_new(status, "alerts", alerts_thread_json(d->alerts));
	json_object_set_new(status, "version", json_string(ALMONER_VERSION));
	json_object_set_new(status, "uptime_s", json_integer((now_ms(d) - d->started_ms) / 1000));
	json_object_set_new(status, "intake",
						json_pack("{s:s, s:i, s:I, s:I, s:I, s:o}", "host", config->listen.host, "port",
								  (int)intake_server_port(d->intake), "connections",
								  (json_int_t)gauges.connections, "waiting", (json_int_t)gauges.waiting,
								  "reading_bytes", (json_int_t)gauges.reading_bytes, "sources", sources));
	config_unref(config);
}

void daemon_admin_context_init(struct daemon *d)
{
	d->api = (struct api_context){ .ctx = d,
								   .command = run_command,
								   .figures = read_figures,
								   .open_reader = daemon_open_reader,
								   .now_ms = now_ms,
								   .config = get_config,
								   .target_live = target_live,
								   .status = add_status,
								   .reprocess = daemon_reprocess,
								   .replay = daemon_replay };
}

/* ---- for intake ---- */

bool daemon_is_ready(void *ctx, const char **why)
{
	struct daemon *d = ctx;
	struct journal_counts counts = { 0 };
	*why = NULL;
	if (atomic_load(&d->stopping) || !cell_counts(d->cell, &counts))
		*why = "stopping";
	else if (cell_get_state(d->cell) == CELL_LOST)
		*why = "the store failed";
	else if (counts.store_gone)
		*why = "the store's file was moved or removed";
	else if (counts.disk_low)
		*why = "free disk space is below store.reserve";
	journal_counts_finish(&counts);
	return *why == NULL;
}
