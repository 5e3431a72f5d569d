/* GET /v1/targets and GET /v1/backlog. */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/json.h"
#include "gateway/admin/views/views.h"

/* The ages by which the backlog is counted. gateway/cli/targets.c prints the same. */
static const int64_t age_edges_ms[] = { 0, 60000, 600000, 3600000, 21600000, 86400000, 604800000 };
static const char *const age_names[] = { "all", "1m", "10m", "1h", "6h", "1d", "7d" };
#define AGE_COUNT (sizeof age_edges_ms / sizeof age_edges_ms[0])

static const struct journal_target_counts *counts_of(const struct journal_counts *counts, const char *name)
{
	for (size_t i = 0; i < counts->target_count; i++)
		if (strcmp(counts->targets[i].name, name) == 0)
			return &counts->targets[i];
	return NULL;
}

/* ---- targets ---- */

struct target_view {
	const char *name;
	const char *connector; /* NULL: not in the configuration */
	bool config_pauses;
	const struct target_row *row;
	const struct journal_target_counts *counts;
};

/* The state that operators see. If several apply, the first of this list: not in the configuration, held,
 * paused by an operator, paused by the configuration. */
static void target_state(const struct target_view *v, const char **ret_state, const char **ret_reason)
{
	*ret_reason = NULL;
	*ret_state = "ok";
	if (v->connector == NULL) {
		*ret_state = "missing";
		*ret_reason = "not in the configuration";
	} else if (v->row != NULL && v->row->held) {
		*ret_state = "held";
		*ret_reason = v->row->held_reason;
	} else if (v->row != NULL && v->row->paused) {
		*ret_state = "paused";
		*ret_reason = v->row->held_reason;
	} else if (v->config_pauses) {
		*ret_state = "paused";
		*ret_reason = "its configuration has \"paused\": true";
	}
}

/* `backlog` counts the steps that wait on disk and those that wait in the engine's memory. */
static json_t *target_json(const struct api_context *api, const struct target_view *v)
{
	struct target_live live = { 0 };
	bool known = v->row != NULL && api->target_live != NULL && api->target_live(api->ctx, v->row->id, &live);
	const char *state;
	const char *reason;
	target_state(v, &state, &reason);
	json_t *target = json_object();
	json_object_set_new(target, "name", admin_json_text(v->name));
	json_object_set_new(target, "connector", admin_json_text(v->connector));
	json_object_set_new(target, "state", json_string(state));
	json_object_set_new(target, "reason", admin_json_text(reason));
	/* "state" shows the hold of a target that is also paused; a paused target is not probed, so its hold does
	 * not end by itself */
	json_object_set_new(target, "paused",
						json_boolean(v->config_pauses || (v->row != NULL && v->row->paused)));
	json_object_set_new(target, "breaker", admin_json_text(known ? name_of_breaker(live.breaker) : NULL));
	json_object_set_new(target, "in_flight", json_integer(known ? live.in_flight : 0));
	json_object_set_new(target, "window", json_integer(known ? live.window : 0));
	int64_t rows = v->counts != NULL ? v->counts->backlog : 0;
	json_object_set_new(target, "backlog", json_integer(rows + (known ? live.ready : 0)));
	json_object_set_new(target, "open", json_integer(v->counts != NULL ? v->counts->open : 0));
	json_object_set_new(target, "attention", json_integer(v->counts != NULL ? v->counts->attention : 0));
	json_object_set_new(target, "succeeded", json_integer(v->counts != NULL ? v->counts->succeeded : 0));
	json_object_set_new(target, "last_error", admin_json_text(known ? live.last_error : NULL));
	return target;
}

static const struct target_row *row_of(const struct target_row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* The targets of the configuration first, then the targets that were removed from it and still have open
 * steps. */
static void list_targets(struct admin_call *call, const struct config *config, const struct target_row *rows,
						 size_t count, const struct journal_counts *counts)
{
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *t = &config->targets[i];
		admin_call_json(call, target_json(call->api, &(struct target_view){ t->name, t->connector, t->paused,
																			row_of(rows, count, t->name),
																			counts_of(counts, t->name) }));
	}
	for (size_t i = 0; i < count; i++) {
		const struct journal_target_counts *c = counts_of(counts, rows[i].name);
		if (config_find_target(config, str_of(rows[i].name)) < 0 && c != NULL && c->open > 0)
			admin_call_json(call, target_json(call->api, &(struct target_view){ rows[i].name, NULL, false,
																				&rows[i], c }));
	}
}

void view_targets(struct admin_call *call)
{
	struct store_reader reader;
	if (!admin_call_open_reader(call, &reader))
		return;
	struct target_row *rows = NULL;
	size_t count = 0;
	struct journal_counts counts = { 0 };
	struct err err = { 0 };
	int rc = reader.targets(reader.ctx, &rows, &count, &err);
	if (rc == 0)
		rc = admin_call_counts(call, &counts, &err);
	struct config *config = call->api->config(call->api->ctx);
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	else
		list_targets(call, config, rows, count, &counts);
	config_unref(config);
	journal_counts_finish(&counts);
	free(rows);
	reader.close(reader.ctx);
}

/* ---- backlog ---- */

/* Steps in the engine's memory have no age here; they count for the total only. */
static int backlog_line(struct admin_call *call, struct store_reader *reader, const struct target_row *row,
						struct err *err)
{
	int64_t older[AGE_COUNT];
	int64_t now_ms = call->api->now_ms(call->api->ctx);
	int rc = reader->backlog(reader->ctx, row->id, now_ms, age_edges_ms, older, AGE_COUNT, err);
	if (rc != 0)
		return rc;
	struct target_live live = { 0 };
	if (call->api->target_live != NULL && call->api->target_live(call->api->ctx, row->id, &live))
		older[0] += live.ready;
	json_t *ages = json_object();
	for (size_t i = 1; i < AGE_COUNT; i++)
		json_object_set_new(ages, age_names[i], json_integer(older[i]));
	admin_call_json(call, json_pack("{s:o, s:I, s:o}", "target", admin_json_text(row->name), "total",
									(json_int_t)older[0], "older_than", ages));
	return 0;
}

void view_backlog(struct admin_call *call)
{
	struct store_reader reader;
	if (!admin_call_open_reader(call, &reader))
		return;
	struct target_row *rows = NULL;
	size_t count = 0;
	struct err err = { 0 };
	int rc = reader.targets(reader.ctx, &rows, &count, &err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = backlog_line(call, &reader, &rows[i], &err);
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	free(rows);
	reader.close(reader.ctx);
}
