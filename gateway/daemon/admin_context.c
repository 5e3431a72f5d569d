/* What the admin API and intake ask of the daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/daemon_internal.h"
#include "gateway/intake/pipeline/prepare.h"
#include "saga/journal/figures.h"
#include "saga/journal/operator_port.h"
#include "saga/store/store_sqlite.h"

static int open_reader(void *ctx, struct store_reader *ret, struct err *err)
{
	struct daemon *d = ctx;
	struct config *config = daemon_config_get(d);
	int rc = store_sqlite_open_reader(config->store.path, NULL, ret, err);
	config_unref(config);
	return rc;
}

static int64_t now_ms(void *ctx)
{
	struct daemon *d = ctx;
	return d->clock.now_ms(d->clock.ctx);
}

static struct config *get_config(void *ctx)
{
	return daemon_config_get(ctx);
}

/* ---- targets ---- */

static bool target_live(void *ctx, uint32_t id, struct target_live *ret)
{
	struct daemon *d = ctx;
	struct engine_target_status status;
	if (id == 0 || engine_status(d->engine, id, &status, 1) != 1)
		return false;
	*ret = (struct target_live){ .breaker = status.breaker,
								 .in_flight = status.in_flight,
								 .window = status.in_flight_now,
								 .ready = status.window_works };
	(void)snprintf(ret->last_error, sizeof ret->last_error, "%s", status.last_error);
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

/* ---- reprocessing ---- */

static int reprocess(void *ctx, int64_t saga, const struct event *event, const char *actor, const char *note,
					 void *done_ctx, void (*done)(void *done_ctx, const struct verb_result *result),
					 struct err *err)
{
	struct daemon *d = ctx;
	struct config *config = daemon_config_get(d);
	struct rules *rules = NULL;
	int rc = rules_create(config, &rules, err);
	config_unref(config);
	if (rc != 0)
		return rc;
	struct intake_request request = { .body = event->f.raw,
									  .now_ms = event->received_ms,
									  .wall_ms = d->clock.wall_ms(d->clock.ctx) };
	struct prepare_known known = { .event_id = event->f.event_id.p, .type = event->f.type.p };
	struct prepared *p AUTO_PREPARED = NULL;
	rc = prepare_event(rules, event->f.source.p, &request, &known, NULL, &p);
	rules_unref(rules);
	if (rc != 0)
		return err_set(err, rc, "source %s: %s", event->f.source.p,
					   rc == ERR_NOT_FOUND ? "no longer in the configuration" : err_code_text(rc));
	if (p->accept.start.own_reason != REASON_NONE)
		return err_set(err, ERR_REFUSED, "still not usable: %s", p->note);
	return journal_reprocess(d->journal, saga, &p->accept, actor, note, done_ctx, done);
}

void daemon_admin_context_init(struct daemon *d)
{
	d->api = (struct api_context){ .ctx = d,
								   .journal = d->journal,
								   .open_reader = open_reader,
								   .now_ms = now_ms,
								   .config = get_config,
								   .target_live = target_live,
								   .status = add_status,
								   .reprocess = reprocess,
								   .replay = daemon_replay };
}

/* ---- intake's questions ---- */

bool daemon_is_ready(void *ctx, const char **why)
{
	struct daemon *d = ctx;
	*why = NULL;
	if (atomic_load(&d->stopping)) {
		*why = "stopping";
	} else if (atomic_load(&d->failed)) {
		*why = "the store failed";
	} else {
		struct journal_counts counts;
		journal_counts(d->journal, &counts);
		if (counts.store_gone)
			*why = "the store's file is not where it was";
		else if (counts.disk_low)
			*why = "free disk space is below store.reserve";
		journal_counts_finish(&counts);
	}
	return *why == NULL;
}

int daemon_quarantine_read(void *ctx, const char *source, int64_t *ret)
{
	struct daemon *d = ctx;
	struct store_reader reader;
	struct err err = { 0 };
	int rc = open_reader(d, &reader, &err);
	if (rc != 0)
		return rc;
	struct config *config = daemon_config_get(d);
	struct saga_filter filter = {
		.state = SAGA_ATTENTION, .outcome = -1, .reason = REASON_QUARANTINED, .source = source
	};
	int64_t before = INT64_MAX;
	int64_t total = 0;
	while (rc == 0 && before != 0 && total < config->limits.quarantine_cap) {
		struct saga *page[64];
		size_t count = 0;
		rc = reader.saga_list(reader.ctx, &filter, before, 200, page, 64, &count, &before, &err);
		for (size_t i = 0; rc == 0 && i < count; i++)
			saga_destroy(page[i]);
		total += (int64_t)count;
	}
	config_unref(config);
	reader.close(reader.ctx);
	if (rc == 0)
		*ret = total;
	return rc;
}

int64_t daemon_quarantine_count(void *ctx, const char *source)
{
	struct daemon *d = ctx;
	return quarantine_count_open(d->quarantine, source, now_ms(d));
}
