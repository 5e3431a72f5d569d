/* The texts of the enums and the enums of the texts, from the tables in state.h, record.h and job.h. */
#include <stddef.h>
#include <string.h>

#include "saga/model/job.h"
#include "saga/model/record.h"
#include "saga/model/state.h"

#define NAME_ENTRY(name, value, text) [value] = (text),
#define COUNT_OF(array)               (sizeof(array) / sizeof((array)[0]))

static const char *const direction_names[] = { "do", "undo" };
static const char *const step_state_names[] = { STEP_STATE_TABLE(NAME_ENTRY) };
static const char *const saga_state_names[] = { SAGA_STATE_TABLE(NAME_ENTRY) };
static const char *const reason_names[] = { REASON_TABLE(NAME_ENTRY) };
static const char *const why_names[] = { WHY_TABLE(NAME_ENTRY) };
static const char *const skip_names[] = { SKIP_TABLE(NAME_ENTRY) };
static const char *const outcome_names[] = { OUTCOME_TABLE(NAME_ENTRY) };
static const char *const repeat_names[] = { REPEAT_TABLE(NAME_ENTRY) };
static const char *const policy_names[] = { POLICY_TABLE(NAME_ENTRY) };
static const char *const verb_names[] = { VERB_TABLE(NAME_ENTRY) };
static const char *const breaker_names[] = { BREAKER_STATE_TABLE(NAME_ENTRY) };
static const char *const hold_names[] = { HOLD_TABLE(NAME_ENTRY) };
static const char *const record_kind_names[] = { RECORD_TABLE(NAME_ENTRY) };
static const char *const subject_names[] = { SUBJECT_TABLE(NAME_ENTRY) };
static const char *const job_state_names[] = { JOB_STATE_TABLE(NAME_ENTRY) };

static const char *find_name(const char *const *names, size_t count, unsigned value)
{
	return value < count && names[value] != NULL ? names[value] : "?";
}

/* The empty text stands for "none" when a value is shown; as an input it matches no value. */
static int find_value(const char *const *names, size_t count, const char *name)
{
	if (name == NULL || name[0] == '\0')
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

#define NAME_FUNCTION(function, type, names)                                                                 \
	const char *function(type value)                                                                         \
	{                                                                                                        \
		return find_name(names, COUNT_OF(names), (unsigned)value);                                           \
	}
NAME_FUNCTION(name_of_direction, enum direction, direction_names)
NAME_FUNCTION(name_of_step_state, enum step_state, step_state_names)
NAME_FUNCTION(name_of_saga_state, enum saga_state, saga_state_names)
NAME_FUNCTION(name_of_reason, enum reason, reason_names)
NAME_FUNCTION(name_of_why, enum why, why_names)
NAME_FUNCTION(name_of_skip, enum skip, skip_names)
NAME_FUNCTION(name_of_outcome, enum outcome_class, outcome_names)
NAME_FUNCTION(name_of_repeat, enum repeat, repeat_names)
NAME_FUNCTION(name_of_policy, enum policy, policy_names)
NAME_FUNCTION(name_of_verb, enum verb, verb_names)
NAME_FUNCTION(name_of_breaker, enum breaker_state, breaker_names)
NAME_FUNCTION(name_of_hold, enum hold_kind, hold_names)
NAME_FUNCTION(name_of_record_kind, enum record_kind, record_kind_names)
NAME_FUNCTION(name_of_subject, enum subject, subject_names)
NAME_FUNCTION(name_of_job_state, enum job_state, job_state_names)

#define VALUE_FUNCTION(function, names)                                                                      \
	int function(const char *name)                                                                           \
	{                                                                                                        \
		return find_value(names, COUNT_OF(names), name);                                                     \
	}
VALUE_FUNCTION(name_to_saga_state, saga_state_names)
VALUE_FUNCTION(name_to_reason, reason_names)
VALUE_FUNCTION(name_to_outcome, outcome_names)
VALUE_FUNCTION(name_to_repeat, repeat_names)
VALUE_FUNCTION(name_to_policy, policy_names)
VALUE_FUNCTION(name_to_verb, verb_names)

enum hold_kind name_to_hold(const char *reason)
{
	for (unsigned kind = HOLD_NONE + 1; kind < HOLD_KINDS; kind++) {
		size_t len = strlen(hold_names[kind]);
		if (strncmp(reason, hold_names[kind], len) == 0)
			return (enum hold_kind)kind;
	}
	return HOLD_NONE;
}
