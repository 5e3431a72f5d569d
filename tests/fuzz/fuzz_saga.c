/* Stored bytes of a saga decode to a sound saga, or are refused; also bytes of version 1. A saga that decodes encodes
 * to the same saga, and its log rows and core can be read without decoding it. */
#include "saga/model/plan.h"
#include "saga/model/saga_codec_1.h"
#include "tests/fuzz/target.h"

static struct plan *three_steps(void)
{
	static char route[] = "gifts", mail[] = "mail", books[] = "books", crm[] = "crm", when[] = ".donor";
	struct plan draft = { .route = route, .policy = POLICY_COMPENSATE, .step_count = 3 };
	draft.steps[0] = (struct plan_step){ .name = mail, .target = mail, .when = when };
	draft.steps[1] = (struct plan_step){ .name = books, .target = books };
	draft.steps[2] = (struct plan_step){ .name = crm, .target = crm, .after = 2, .expire_ms = 60000 };
	struct plan *plan = NULL;
	int rc = plan_create(&draft, &plan, NULL);
	assert(rc == 0);
	return plan;
}

static void check_parts(const struct plan *plan, struct str bytes, const struct saga *saga)
{
	struct saga_rows rows = { 0 };
	struct str core;
	int rc = saga_rows_of(bytes, &rows, NULL);
	assert(rc == 0 && rows.count == saga->rows.count);
	rc = saga_core_of(plan, bytes, &core, NULL);
	assert(rc == 0 && core.len > 0 && core.p + core.len == bytes.p + bytes.len);
	saga_rows_free(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan *plan;
	if (plan == NULL)
		plan = three_steps();
	struct saga *saga = NULL;
	struct err err = { 0 };
	struct str bytes = { (const char *)data, size };
	if (saga_decode(7, plan, bytes, &saga, &err) == 0) {
		check_parts(plan, bytes, saga);
	} else if (saga_codec_1_decode(7, plan, bytes, &saga, &err) != 0) {
		assert(saga == NULL && err.text[0] != '\0');
		return 0;
	}
	for (uint32_t i = 0; i < saga->step_count; i++) {
		const char *broken_rule = saga_check_step(&saga->steps[i]);
		assert(broken_rule == NULL);
	}
	AUTO_BUF struct buf first = { 0 };
	AUTO_BUF struct buf second = { 0 };
	saga_encode(saga, &first);
	struct saga *again = NULL;
	int rc = saga_decode(7, plan, buf_str(&first), &again, &err);
	assert(rc == 0);
	saga_encode(again, &second);
	assert(str_eq(buf_str(&first), buf_str(&second)));
	saga_destroy(again);
	saga_destroy(saga);
	return 0;
}
