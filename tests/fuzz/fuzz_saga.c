/* Stored bytes of a saga decode to a sound saga, or are refused. A saga that decodes encodes to the same saga. */
#include "saga/model/plan.h"
#include "saga/model/saga.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan *plan;
	if (plan == NULL)
		plan = three_steps();
	struct saga *saga = NULL;
	struct err err = { 0 };
	if (saga_decode(7, plan, (struct str){ (const char *)data, size }, &saga, &err) != 0) {
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
