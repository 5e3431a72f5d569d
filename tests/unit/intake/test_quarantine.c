/* The figure behind the cap of the quarantine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "gateway/intake/quarantine.h"
#include "saga/base/err.h"

struct store {
	int code;
	int64_t open;
	unsigned looked;
	struct quarantine *ask_within; /* what another thread would do meanwhile */
	int64_t answer_within;
};

static int look(void *ctx, const char *source, int64_t *ret)
{
	struct store *s = ctx;
	struct quarantine *q = s->ask_within;
	s->looked++;
	s->ask_within = NULL;
	if (q != NULL)
		s->answer_within = quarantine_ask(q, source, 6000);
	if (s->code == 0)
		*ret = s->open;
	return s->code;
}

static void counts_anew_now_and_then(void **state)
{
	struct store s = { .open = 7 };
	struct quarantine *q = quarantine_create(&s, look);
	(void)state;
	assert_int_equal(quarantine_ask(q, "a", 0), 7);
	assert_int_equal(quarantine_ask(q, "a", 4999), 8);
	assert_int_equal(s.looked, 1);
	s.open = 2;
	assert_int_equal(quarantine_ask(q, "a", 5000), 2);
	assert_int_equal(quarantine_ask(q, "a", 5000), 3);
	assert_int_equal(s.looked, 2);
	quarantine_destroy(q);
	quarantine_destroy(NULL);
}

/* A store that cannot be read is no reason to take everything. */
static void a_failure_does_not_open_the_door(void **state)
{
	struct store s = { .code = ERR_IO };
	struct quarantine *q = quarantine_create(&s, look);
	(void)state;
	assert_true(quarantine_ask(q, "a", 0) == INT64_MAX);
	assert_true(quarantine_ask(q, "a", 1) == INT64_MAX);
	s = (struct store){ .open = 40 };
	assert_int_equal(quarantine_ask(q, "a", 2), 40);
	s.code = ERR_IO;
	assert_int_equal(quarantine_ask(q, "a", 6000), 41);
	assert_int_equal(quarantine_ask(q, "a", 6001), 42);
	assert_int_equal(s.looked, 2); /* not for every event */
	quarantine_destroy(q);
}

static void any_number_of_sources(void **state)
{
	struct store s = { .open = 5 };
	struct quarantine *q = quarantine_create(&s, look);
	char name[16];
	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			(void)snprintf(name, sizeof name, "source-%d", i);
			assert_int_equal(quarantine_ask(q, name, 0), 5 + round);
		}
	}
	assert_int_equal(s.looked, 200);
	quarantine_destroy(q);
}

/* Whoever asks while it is counted neither waits nor is forgotten. */
static void asking_while_it_is_counted(void **state)
{
	struct store s = { .open = 5 };
	struct quarantine *q = quarantine_create(&s, look);
	(void)state;
	assert_int_equal(quarantine_ask(q, "a", 0), 5);
	s.ask_within = q;
	assert_int_equal(quarantine_ask(q, "a", 6000), 6);
	assert_int_equal(s.answer_within, 6);
	assert_int_equal(s.looked, 2);
	quarantine_destroy(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_anew_now_and_then),
		cmocka_unit_test(a_failure_does_not_open_the_door),
		cmocka_unit_test(any_number_of_sources),
		cmocka_unit_test(asking_while_it_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
