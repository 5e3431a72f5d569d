#include "gateway/admin/views/job_json.h"

#include <assert.h>

#include "config/units.h"
#include "gateway/admin/json.h"
#include "gateway/admin/views/verb_json.h"

/* The store keeps these counts as JSON text; "" stands for none. */
static json_t *load_held_targets(const struct job *job)
{
	json_t *held = *job->held != '\0' ? json_loads(job->held, 0, NULL) : NULL;
	return held != NULL ? held : json_object();
}

static json_t *rate_json(const struct job *job)
{
	char text[UNITS_TEXT_BYTES];
	if (job->rate == 0)
		return json_null();
	units_rate_text((struct config_rate){ (uint32_t)job->rate, job->rate_ms }, text);
	return json_string(text);
}

static void add_counters(json_t *object, const struct job *job)
{
	json_object_set_new(object, "matched", json_integer(job->matched));
	json_object_set_new(object, "moved", json_integer(job->moved));
	json_object_set_new(object, "steps", json_integer(job->steps));
	json_object_set_new(object, "in_doubt", json_integer(job->in_doubt));
	json_object_set_new(object, "refused", json_integer(job->refused));
	json_object_set_new(object, "passed_over", json_integer(job->passed_over));
}

json_t *job_json(const struct job *job)
{
	json_t *object = json_object();
	json_object_set_new(object, "id", json_integer(job->id));
	json_object_set_new(object, "state", json_string(name_of_job_state(job->state)));
	json_object_set_new(object, "verb", json_string(name_of_verb(job->verb)));
	json_object_set_new(object, "filter", admin_json_text(job->filter));
	json_object_set_new(object, "redo_in_doubt", json_boolean(job->redo_in_doubt));
	json_object_set_new(object, "actor", admin_json_text(job->actor));
	json_object_set_new(object, "reason", admin_json_text(job->note));
	json_object_set_new(object, "rate", rate_json(job));
	json_object_set_new(object, "created_at", admin_json_time(job->created_ms));
	json_object_set_new(object, "finished_at", admin_json_time(job->finished_ms));
	json_object_set_new(object, "upto", json_integer(job->upto));
	json_object_set_new(object, "position", json_integer(job->position));
	json_object_set_new(object, "expected", json_integer(job->expected));
	add_counters(object, job);
	json_object_set_new(object, "held_targets", load_held_targets(job));
	json_object_set_new(object, "problem", admin_json_text(job->error));
	return object;
}

/* Also names the target with the most waiting steps (`held_target`), for programs that print one only. */
json_t *job_json_summary(const struct job *job, int64_t left_out)
{
	assert(left_out >= 0);
	json_t *line = json_pack("{s:b, s:b, s:I, s:s}", "done", 1, "dry_run", 0, "job", (json_int_t)job->id,
							 "state", name_of_job_state(job->state));
	add_counters(line, job);
	json_t *held = load_held_targets(job);
	json_int_t total = 0;
	json_int_t most = 0;
	const char *most_of = "";
	const char *name;
	json_t *steps;
	json_object_foreach(held, name, steps)
	{
		total += json_integer_value(steps);
		most_of = json_integer_value(steps) > most ? name : most_of;
		most = json_integer_value(steps) > most ? json_integer_value(steps) : most;
	}
	json_object_set_new(line, "held", json_integer(total));
	json_object_set_new(line, "held_target", admin_json_text(most_of));
	json_object_set_new(line, "held_targets", held);
	json_object_set_new(line, "problem", admin_json_text(job->error));
	if (left_out > 0)
		json_object_set_new(line, "left_out", json_integer(left_out));
	return line;
}

json_t *job_json_saga(const struct job_saga *saga)
{
	assert(saga->result.code <= 0);
	const struct verb_result *r = &saga->result;
	json_t *line = r->code == 0 ? verb_json_result(r) : json_object();
	if (r->code != 0)
		json_object_set_new(line, "error", admin_json_text(r->err.text));
	json_object_set_new(line, "saga", json_integer(saga->saga));
	return line;
}
