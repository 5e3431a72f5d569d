#include "tests/unit/store/contract_internal.h"

#include <stdlib.h>

#include "saga/base/mem.h"
#include "tests/unit/store/cmocka_all.h"

static size_t add(struct CMUnitTest *to, size_t at, const struct contract_test *from,
				  const struct store_factory *f)
{
	/* cmocka declares the state of a setup function without const; the setup functions here only read it. */
	union {
		const void *in;
		void *out;
	} state = { f };
	for (; from->name != NULL; from++)
		to[at++] = (struct CMUnitTest){ .name = from->name,
										.test_func = from->run,
										.setup_func = fixture_setup,
										.teardown_func = fixture_teardown,
										.initial_state = state.out };
	return at;
}

int contract_run(const struct store_factory *factory)
{
	static const struct contract_test *const parts[] = {
		contract_write_tests,    contract_keys_tests,    contract_keys_random_tests, contract_rows_tests,
		contract_list_tests,     contract_read_tests,    contract_verify_tests,      contract_jobs_tests,
		contract_rejected_tests, contract_figures_tests, contract_saga_log_tests
	};
	struct CMUnitTest *tests = mem_zalloc(256 * sizeof *tests);
	size_t count = 0;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		count = add(tests, count, parts[i], factory);
	assert(count <= 256);
	int failed = _cmocka_run_group_tests(factory->name, tests, count, NULL, NULL);
	free(tests);
	return failed;
}
