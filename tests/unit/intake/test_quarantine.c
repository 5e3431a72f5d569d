/* The number of quarantined events that limits.quarantine_cap is compared with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "gateway/intake/quarantine.h"
#include "saga/base/err.h"

struct fake_store {
	int code;
	int64_t open;
	unsigned counts_read;
	struct quarantine *nested_check; /* if not NULL: asked while the store counts, as another thread would */
	int64_t nested_answer;
};

static int count_open(void *ctx, const char *source, int64_t *ret)
{
	struct fake_store *s = ctx;
	struct quarantine *q = s->nested_check;
	s->counts_read++;
	s->nested_check = NULL;
	if (q != NULL)
		s->nested_answer = quarantine_count_open(q, source, 6000);
	if (s->code == 0)
		*ret = s->open;
	return s->code;
}

static void counts_anew_now_and_then(void **state)
{
	struct fake_store s = { .open = 7 };
	struct quarantine *q = quarantine_create(&s, count_open);
	(void)state;
	assert_int_equal(quarantine_count_open(q, "a", 0), 7);
	assert_int_equal(quarantine_count_open(q, "a", 4999), 8);
	assert_int_equal(s.counts_read, 1);
	s.open = 2;
	assert_int_equal(quarantine_count_open(q, "a", 5000), 2);
	assert_int_equal(quarantine_count_open(q, "a", 5000), 3);
	assert_int_equal(s.counts_read, 2);
	quarantine_destroy(q);
	quarantine_destroy(NULL);
}

/* Without a number from the store, events must not be accepted without limit. */
static void a_failed_count_keeps_the_limit(void **state)
{
	struct fake_store s = { .code = ERR_IO };
	struct quarantine *q = quarantine_create(&s, count_open);
	(void)state;
	assert_true(quarantine_count_open(q, "a", 0) == INT64_MAX);
	assert_true(quarantine_count_open(q, "a", 1) == INT64_MAX);
	s = (struct fake_store){ .open = 40 };
	assert_int_equal(quarantine_count_open(q, "a", 2), 40);
	s.code = ERR_IO;
	assert_int_equal(quarantine_count_open(q, "a", 6000), 41);
	assert_int_equal(quarantine_count_open(q, "a", 6001), 42);
	assert_int_equal(s.counts_read, 2); /* the store does not count for every event */
	quarantine_destroy(q);
}

static void any_number_of_sources(void **state)
{
	struct fake_store s = { .open = 5 };
	struct quarantine *q = quarantine_create(&s, count_open);
	char name[16];
	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof name, "source-%d", i);
			assert_int_equal(quarantine_count_open(q, name, 0), 5 + round);
		}
	}
	assert_int_equal(s.counts_read, 200);
	quarantine_destroy(q);
}

/* A question during the count neither waits nor is left out of the number. */
static void checks_during_a_count(void **state)
{
	struct fake_store s = { .open = 5 };
	struct quarantine *q = quarantine_create(&s, count_open);
	(void)state;
	assert_int_equal(quarantine_count_open(q, "a", 0), 5);
	s.nested_check = q;
	assert_int_equal(quarantine_count_open(q, "a", 6000), 6);
	assert_int_equal(s.nested_answer, 6);
	assert_int_equal(s.counts_read, 2);
	quarantine_destroy(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_anew_now_and_then),
		cmocka_unit_test(a_failed_count_keeps_the_limit),
		cmocka_unit_test(any_number_of_sources),
		cmocka_unit_test(checks_during_a_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
