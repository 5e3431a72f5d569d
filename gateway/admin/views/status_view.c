/* GET /v1/status: figures from the journal or the store, and what the daemon adds. */
#include "gateway/admin/views/views.h"

#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/json.h"

static json_t *paused_sources(const struct admin_call *call)
{
	json_t *names = json_array();
	struct config *config = call->api->config(call->api->ctx);
	for (size_t i = 0; i < config->source_count; i++)
		if (config->sources[i].paused)
			json_array_append_new(names, admin_json_text(config->sources[i].name));
	config_unref(config);
	return names;
}

static json_t *sagas_json(const struct journal_counts *counts)
{
	json_t *sagas = json_object();
	for (int state = 0; state < SAGA_STATE_COUNT; state++)
		json_object_set_new(sagas, name_of_saga_state((enum saga_state)state),
							json_integer(counts->sagas[state]));
	return sagas;
}

static json_t *targets_json(const struct journal_counts *counts)
{
	json_t *targets = json_object();
	for (size_t i = 0; i < counts->target_count; i++) {
		const struct journal_target_counts *t = &counts->targets[i];
		json_object_set_new(targets, t->name,
							json_pack("{s:I, s:I, s:I, s:I}", "open", (json_int_t)t->open, "backlog",
									  (json_int_t)t->backlog, "attention", (json_int_t)t->attention,
									  "succeeded", (json_int_t)t->succeeded));
	}
	return targets;
}

/* Works without a daemon, too: then only the figures of the store are there. */
void view_status(struct admin_call *call)
{
	struct journal_counts counts = { 0 };
	struct err err = { 0 };
	int rc = admin_call_counts(call, &counts, &err);
	if (rc != 0) {
		admin_call_fail(call, rc, err.text);
		return;
	}
	json_t *status = json_pack(
		"{s:b, s:I, s:I, s:I, s:o, s:I, s:I, s:b, s:I, s:o}", "daemon", call->api->command != NULL,
		"accepted", (json_int_t)counts.accepted, "related", (json_int_t)counts.related, "duplicates",
		(json_int_t)counts.duplicates, "sagas", sagas_json(&counts), "commits", (json_int_t)counts.commits,
		"log_records", (json_int_t)counts.log_rows, "disk_low", counts.disk_low, "held_up_bytes",
		(json_int_t)counts.wal_blocked_bytes, "targets", targets_json(&counts));
	json_object_set_new(status, "store_gone", json_boolean(counts.store_gone));
	json_object_set_new(status, "alerts", json_array()); /* a running daemon replaces it in api->status */
	if (call->api->jobs != NULL)
		json_object_set_new(status, "jobs_running", json_integer((json_int_t)jobs_running(call->api->jobs)));
	json_object_set_new(status, "paused_sources", paused_sources(call));
	if (call->api->status != NULL)
		call->api->status(call->api->ctx, status);
	journal_counts_finish(&counts);
	admin_call_json(call, status);
}
