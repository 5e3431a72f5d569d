/* `saga show` prints every kind of record that the model writes as a sentence. */
#include "tests/support/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/timeline.h"
#include "saga/base/mem.h"
#include "saga/model/record_json.h"

static struct capture output;

static json_t *saga_with(const char *state, const char *reason)
{
	json_t *saga = json_pack(
		"{s:i, s:s, s:s?, s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:s?, s:i, s:{s:s}, s:s}]}", "id", 7,
		"state", state, "reason", reason, "type", "donation.created", "event_id", "ev-1", "source", "forms",
		"gift", "g-1", "key", "anna@example.org", "steps", "name", "crm", "state", state, "reason", reason,
		"attempts", 2, "result", "id", "A-17", "detail", "422 fund unknown");
	assert_non_null(saga);
	json_object_set_new(saga, "log", json_array());
	json_object_set_new(saga, "related", json_array());
	return saga;
}

static void print(json_t *saga)
{
	capture_begin(&output);
	timeline_print(saga);
	capture_end(&output);
	json_decref(saga);
}

static void expect_text(const char *text)
{
	if (strstr(output.out, text) == NULL)
		fail_msg("\"%s\" does not contain \"%s\"", output.out, text);
}

static void every_kind(void **state)
{
	(void)state;
	for (int kind = RECORD_ACCEPTED; kind < RECORD_KIND_END; kind++) {
		if (record_is_internal((enum record_kind)kind))
			continue; /* log_json_row leaves it out */
		struct record r = { .kind = (enum record_kind)kind,
							.at_ms = 1700000000000,
							.step = RECORD_NO_STEP,
							.text = STR("TEXT"),
							.actor = STR("uid 7 (anna)"),
							.note = STR("NOTE"),
							.personal = STR("PERSONAL") };
		bool of_step = kind == RECORD_INTENT || kind == RECORD_OUTCOME || kind == RECORD_NOT_STARTED ||
					   kind == RECORD_CHECKPOINT || kind == RECORD_RESULT || kind == RECORD_STEP;
		if (of_step) {
			r.step = 3;
			r.generation = 2;
			r.attempt = 4;
			r.to = STEP_ATTENTION;
			r.reason = REASON_REJECTED;
			r.outcome = OUTCOME_REJECTED;
		}
		json_t *saga = saga_with("running", NULL);
		json_array_append_new(json_object_get(saga, "log"), record_json(&r, SUBJECT_SAGA, 7, 1, 1, NULL));
		print(saga);
		const char *line = strstr(output.out, "2023-11-14T22:13:20.000Z  ");
		assert_non_null(line);
		const char *text = line + strlen("2023-11-14T22:13:20.000Z  ");
		if (*text == '\n' || *text == '\0')
			fail_msg("%s has no sentence", name_of_record_kind((enum record_kind)kind));
		if (of_step && strstr(text, "step 3") == NULL)
			fail_msg("%s does not name its step: %s", name_of_record_kind((enum record_kind)kind), text);
	}
}

static json_t *record(struct record r)
{
	r.at_ms = 1700000000000;
	return record_json(&r, SUBJECT_SAGA, 7, 1, 1, NULL);
}

static void sentences(void **state)
{
	(void)state;
	json_t *saga = saga_with("attention", "rejected");
	json_t *log = json_object_get(saga, "log");
	json_array_append_new(log, record((struct record){ .kind = RECORD_VERB,
													   .step = RECORD_NO_STEP,
													   .text = STR("resume"),
													   .actor = STR("uid 7 (anna)"),
													   .note = STR("fund corrected") }));
	json_array_append_new(log, record((struct record){ .kind = RECORD_OUTCOME,
													   .step = 0,
													   .generation = 2,
													   .attempt = 1,
													   .outcome = OUTCOME_REJECTED,
													   .status = 422,
													   .text = STR("6140"),
													   .duration_ms = 31,
													   .personal = STR("422: fund unknown") }));
	json_array_append_new(log, record((struct record){ .kind = RECORD_INTENT,
													   .step = 0,
													   .direction = DIRECTION_UNDO,
													   .generation = 1,
													   .attempt = 1,
													   .text = STR("lookup") }));
	json_array_append_new(log, record((struct record){ .kind = RECORD_REPROCESSED,
													   .step = RECORD_NO_STEP,
													   .actor = STR("uid 7 (anna)"),
													   .note = STR("map corrected") }));
	json_array_append_new(
		json_object_get(saga, "related"),
		json_pack("{s:s, s:s, s:s}", "event_id", "ev-2", "type", "charge.updated", "received_at", "T"));
	print(saga);
	expect_text("saga 7: attention (rejected)");
	expect_text("donor anna@example.org");
	expect_text("2 attempts, id A-17, 422 fund unknown");
	expect_text("resume by uid 7 (anna): \"fund corrected\"");
	expect_text("(sent again: generation 2): rejected (422, code 6140) after 31 ms: fund unknown");
	expect_text("undo of ");
	expect_text("looks up whether it took effect");
	expect_text("mapped again by uid 7 (anna): \"map corrected\"");
	expect_text("\nevents of the same gift:\n");
	expect_text("related event charge.updated (ev-2)");
	expect_text("almoner saga resume 7");
}

static void what_to_do(void **state)
{
	(void)state;
	print(saga_with("attention", "in_doubt"));
	expect_text("almoner saga resolve 7 crm --done   (or --not-done)");
	expect_text("almoner saga redo 7 crm ");
	print(saga_with("attention", "undo_failed"));
	expect_text("almoner saga retry 7 crm\n");
	expect_text("almoner saga resolve 7 crm --done\n");
	print(saga_with("attention", "target_missing"));
	expect_text("almoner saga resume 7 ");
	expect_text("almoner saga skip 7 crm)");
	print(saga_with("attention", "quarantined"));
	expect_text("almoner event reprocess 7");
	expect_text("almoner saga cancel 7 ");
	print(saga_with("attention", "gift_missing"));
	expect_text("never came");
	expect_text("almoner saga cancel 7 ");
	print(saga_with("completed", NULL));
	assert_null(strstr(output.out, "almoner saga"));
	print(json_object()); /* an answer of a daemon of another version must not crash the command */
}

static json_t *two_steps(const char *state, const char *reason, const char *direction)
{
	json_t *saga = saga_with(state, reason);
	json_array_append_new(json_object_get(saga, "steps"),
						  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", "mail", "target", "post",
									"state", "attention", "reason", reason, "direction", direction, "key",
									"0a1b"));
	json_object_set_new(json_array_get(json_object_get(saga, "steps"), 0), "state", json_string("attention"));
	json_object_set_new(json_array_get(json_object_get(saga, "steps"), 0), "reason", json_string("rejected"));
	return saga;
}

/* Each step that needs an operator gets its advice, and no other step. */
static void what_to_do_with_each(void **state)
{
	(void)state;
	print(two_steps("attention", "in_doubt", "do"));
	expect_text("Check at target post; it was sent with key 0a1b");
	expect_text("almoner saga resolve 7 mail --done");
	expect_text("almoner saga resume 7 ");
	/* the failure that started the undo needs no advice any more */
	print(two_steps("attention", "undo_failed", "undo"));
	expect_text("almoner saga retry 7 mail\n");
	assert_null(strstr(output.out, "resume"));
	/* a cancelled saga gets advice for a doubt only */
	print(two_steps("cancelled", "in_doubt", "do"));
	expect_text("almoner saga resolve 7 mail --done");
	assert_null(strstr(output.out, "resume"));
}

static void what_it_waits_for(void **state)
{
	(void)state;
	static const char *const waits[][3] = { { "ready", "lane", "ready          waits for an earlier event" },
											{ "ready", "slot", "ready          waits for its target" },
											{ "waiting", "after", "waiting        waits for the steps" } };
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		print(json_pack("{s:i, s:s, s:[{s:s, s:s, s:s}]}", "id", 7, "state", "running", "steps", "name",
						"crm", "state", waits[i][0], "why", waits[i][1]));
		expect_text(waits[i][2]);
	}
	print(json_pack("{s:i, s:s, s:s, s:b, s:[{s:s, s:s, s:s}]}", "id", 7, "state", "attention", "reason",
					"rejected", "paused", 1, "steps", "name", "crm", "state", "ready", "why", "slot"));
	expect_text("saga 7: attention (rejected), and paused\n");
	expect_text("ready          waits until the saga is resumed\n");
	print(json_pack("{s:i, s:[{s:s, s:s, s:s, s:i}]}", "id", 7, "steps", "name", "crm", "state", "succeeded",
					"direction", "undo", "attempts", 1));
	expect_text("undone         1 attempt\n");
	print(json_pack("{s:i, s:[{s:s, s:s, s:s, s:s}]}", "id", 7, "steps", "name", "crm", "state", "waiting",
					"why", "after", "direction", "undo"));
	expect_text("undo waiting   waits until the later steps are undone\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_kind), cmocka_unit_test(sentences),
										cmocka_unit_test(what_to_do), cmocka_unit_test(what_to_do_with_each),
										cmocka_unit_test(what_it_waits_for) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
