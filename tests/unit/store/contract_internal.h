/* The parts of the contract suite. */
#ifndef ALMONER_TESTS_UNIT_STORE_CONTRACT_INTERNAL_H
#define ALMONER_TESTS_UNIT_STORE_CONTRACT_INTERNAL_H

#include "tests/unit/store/store_fixture.h"

struct contract_test {
	const char *name;
	void (*run)(void **state);
};

#define CONTRACT_TEST(function) { #function, (function) }

/* Verifies: exactly `findings` lines, and `words` in them. */
void contract_expect(struct store_fixture *f, int64_t findings, const char *words);

extern const struct contract_test contract_write_tests[]; /* each ends with a NULL name */
extern const struct contract_test contract_keys_tests[];
extern const struct contract_test contract_keys_random_tests[];
extern const struct contract_test contract_rows_tests[];
extern const struct contract_test contract_jobs_tests[];
extern const struct contract_test contract_list_tests[];
extern const struct contract_test contract_read_tests[];
extern const struct contract_test contract_figures_tests[];
extern const struct contract_test contract_verify_tests[];
extern const struct contract_test contract_rejected_tests[];
extern const struct contract_test contract_saga_log_tests[];

#endif
