#include "saga/model/record_json.h"

#include <assert.h>
#include <string.h>

#include "saga/base/clock.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"
#include "saga/model/job.h"
#include "saga/model/saga.h"

/* The JSON names of `text` and `personal` for each kind; NULL: "text" and "detail". */
static const struct {
	const char *text;
	const char *personal;
} member_names[RECORD_KIND_END] = {
	[RECORD_ACCEPTED] = { "route", NULL },     [RECORD_QUARANTINED] = { NULL, "why_not" },
	[RECORD_RELATED] = { "type", "event_id" }, [RECORD_INTENT] = { "purpose", NULL },
	[RECORD_CHECKPOINT] = { NULL, "bytes" },   [RECORD_OUTCOME] = { "code", NULL },
	[RECORD_RESULT] = { NULL, "result" },      [RECORD_DECISION] = { "decision", NULL },
	[RECORD_VERB] = { "verb", NULL },          [RECORD_TARGET] = { "change", NULL },
	[RECORD_CONFIG] = { "change", NULL },      [RECORD_DAEMON] = { "change", NULL },
	[RECORD_JOB] = { "verb", "filter" },
};

static void put_hex(json_t *object, const char *key, struct str bytes, const char *prefix)
{
	char *hex AUTO_FREE = mem_alloc(2 * bytes.len + 1);
	hex_encode((const uint8_t *)bytes.p, bytes.len, hex);
	json_object_set_new(object, key, json_sprintf("%s%s", prefix, hex));
}

static void put_str(json_t *object, const char *key, struct str text)
{
	if (text.len == 0)
		return;
	json_t *value = json_stringn(text.p, text.len);
	if (value != NULL)
		json_object_set_new(object, key, value);
	else
		put_hex(object, key, text, "hex:");
}

static void put_name(json_t *object, const char *key, const char *word)
{
	if (word[0] != '\0')
		json_object_set_new(object, key, json_string(word));
}

static void put_count(json_t *object, const char *key, int64_t value)
{
	if (value != 0)
		json_object_set_new(object, key, json_integer(value));
}

static void put_time(json_t *object, const char *key, int64_t at_ms)
{
	char text[CLOCK_TEXT_BYTES];
	if (at_ms == 0)
		return;
	clock_rfc3339(at_ms, text);
	json_object_set_new(object, key, json_string(text));
}

static void put_step(json_t *object, const struct record *r, const struct plan *plan)
{
	if (r->step < 0)
		return;
	bool named = plan != NULL && (unsigned)r->step < plan->step_count;
	json_t *step = named ? json_string(plan->steps[r->step].name) : json_integer(r->step);
	json_object_set_new(object, "step", step);
	put_name(object, "direction", name_of_direction(r->direction));
	put_count(object, "generation", r->generation);
	put_count(object, "attempt", r->attempt);
}

/* The kind of the record says which enum `to` is; for a skipped step `reason` is an enum skip. */
static void put_change(json_t *object, const struct record *r)
{
	if (r->kind == RECORD_SAGA)
		put_name(object, "to", name_of_saga_state((enum saga_state)r->to));
	else if (r->kind == RECORD_STEP)
		put_name(object, "to", name_of_step_state((enum step_state)r->to));
	else if (r->kind == RECORD_JOB)
		put_name(object, "to", name_of_job_state((enum job_state)r->to));
	if (r->kind == RECORD_STEP && r->to == STEP_SKIPPED)
		put_name(object, "reason", name_of_skip((enum skip)r->reason));
	else
		put_name(object, "reason", name_of_reason((enum reason)r->reason));
	put_name(object, "why", name_of_why((enum why)r->why));
	put_time(object, "due", r->due_ms);
}

/* A result is JSON already and is put in as an object. One that does not parse is put in as a text. */
static void put_personal(json_t *object, const struct record *r)
{
	const char *key = member_names[r->kind].personal;
	json_t *parsed = r->kind == RECORD_RESULT && r->personal.len > 0
						 ? json_loadb(r->personal.p, r->personal.len, JSON_REJECT_DUPLICATES, NULL)
						 : NULL;
	if (parsed != NULL)
		json_object_set_new(object, key, parsed);
	else
		put_str(object, key != NULL ? key : "detail", r->personal);
	if (r->forgotten)
		json_object_set_new(object, "forgotten", json_true());
}

/* The order of the members is the order in which people read them; empty ones are left out by the put_
 * functions. */
json_t *record_json(const struct record *record, enum subject subject, int64_t subject_id, int64_t seq,
					int64_t commit, const struct plan *plan)
{
	assert(record->kind > 0 && record->kind < RECORD_KIND_END);
	json_t *object = json_object();
	json_object_set_new(object, "seq", json_integer(seq));
	json_object_set_new(object, "commit", json_integer(commit));
	put_time(object, "at", record->at_ms);
	put_name(object, "subject", name_of_subject(subject));
	put_count(object, "id", subject_id);
	put_name(object, "record", name_of_record_kind(record->kind));
	put_step(object, record, plan);
	if (record->outcome != 0)
		put_name(object, "outcome", name_of_outcome((enum outcome_class)record->outcome));
	put_count(object, "status", record->status);
	put_count(object, "duration_ms", record->duration_ms);
	put_change(object, record);
	const char *text = member_names[record->kind].text;
	put_str(object, text != NULL ? text : "text", record->text);
	put_str(object, "actor", record->actor);
	put_str(object, "note", record->note);
	if (record->digest.len > 0)
		put_hex(object, "digest", record->digest, "");
	put_personal(object, record);
	return object;
}
