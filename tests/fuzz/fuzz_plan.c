/* The stored text of a plan parses to a plan whose own text is stable, or is refused with a reason. */
#include "saga/model/plan.h"
#include "saga/model/plan_json.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan *plan = NULL, *again = NULL;
	struct err err = { 0 };
	if (plan_parse((struct str){ (const char *)data, size }, &plan, &err) != 0) {
		assert(plan == NULL && err.text[0] != '\0');
		return 0;
	}
	int rc = plan_parse(str_of(plan->json), &again, &err);
	assert(rc == 0);
	assert(strcmp(plan->json, again->json) == 0);
	assert(memcmp(plan->digest, again->digest, sizeof plan->digest) == 0);
	plan_unref(again);
	plan_unref(plan);
	return 0;
}
