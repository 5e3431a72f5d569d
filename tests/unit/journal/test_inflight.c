/* The inflight file: digests survive the process, and a damaged or foreign file is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "saga/base/mem.h"
#include "saga/journal/state/inflight.h"

struct inflight_fixture {
	char dir[64], path[80];
	struct inflight_file *s;
};

static void open_it(struct inflight_fixture *p)
{
	struct err err = { 0 };
	if (inflight_open(p->path, &p->s, &err) != 0)
		fail_msg("%s", err.text);
}

static int make(void **state)
{
	struct inflight_fixture *p = mem_zalloc(sizeof *p);
	snprintf(p->dir, sizeof p->dir, "/tmp/almoner-sending-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof p->path, "%s/s", p->dir);
	open_it(p);
	inflight_reset(p->s);
	*state = p;
	return 0;
}

static int drop(void **state)
{
	struct inflight_fixture *p = *state;
	inflight_close(p->s);
	unlink(p->path);
	rmdir(p->dir);
	free(p);
	return 0;
}

/* Ends the run as a kill does, without clearing entries. */
static void again(struct inflight_fixture *p)
{
	inflight_close(p->s);
	open_it(p);
}

static struct attempt_ref ref_of(uint16_t step, uint32_t attempt)
{
	return (struct attempt_ref){ step, DIRECTION_DO, 1, attempt };
}

static uint32_t note(struct inflight_fixture *p, int64_t saga, uint16_t step, uint8_t fill)
{
	uint8_t body[INFLIGHT_BODY_BYTES];
	memset(body, fill, sizeof body);
	uint32_t slot = 0;
	assert_int_equal(inflight_record(p->s, saga, ref_of(step, 1), body, &slot), 0);
	assert_int_not_equal(slot, 0);
	return slot;
}

static int found(struct inflight_fixture *p, int64_t saga, struct attempt_ref ref)
{
	uint8_t body[INFLIGHT_BODY_BYTES];
	return inflight_find(p->s, saga, ref, body) ? body[15] : -1;
}

static void they_outlive_the_process(void **state)
{
	struct inflight_fixture *p = *state;
	(void)note(p, 9, 0, 90);
	(void)note(p, 7, 1, 71);
	(void)note(p, 7, 0, 70);
	again(p);
	assert_int_equal(found(p, 7, ref_of(0, 1)), 70);
	assert_int_equal(found(p, 7, ref_of(1, 1)), 71);
	assert_int_equal(found(p, 9, ref_of(0, 1)), 90);
	again(p); /* a start that ended before inflight_reset */
	assert_int_equal(found(p, 9, ref_of(0, 1)), 90);
	inflight_reset(p->s);
	assert_int_equal(found(p, 9, ref_of(0, 1)), -1);
	again(p);
	assert_int_equal(found(p, 9, ref_of(0, 1)), -1);
}

static void another_attempt_is_not_reported(void **state)
{
	struct inflight_fixture *p = *state;
	(void)note(p, 7, 0, 70);
	again(p);
	struct attempt_ref undo = ref_of(0, 1), later = ref_of(0, 2), redone = ref_of(0, 1);
	undo.direction = DIRECTION_UNDO;
	redone.generation = 2;
	assert_int_equal(found(p, 7, undo), -1);
	assert_int_equal(found(p, 7, later), -1);
	assert_int_equal(found(p, 7, redone), -1);
	assert_int_equal(found(p, 7, ref_of(1, 1)), -1);
	assert_int_equal(found(p, 8, ref_of(0, 1)), -1);
}

static void the_last_request_of_an_attempt_counts(void **state)
{
	struct inflight_fixture *p = *state;
	uint32_t slot = note(p, 7, 0, 70), before = slot;
	uint8_t body[INFLIGHT_BODY_BYTES];
	memset(body, 77, sizeof body);
	assert_int_equal(inflight_record(p->s, 7, ref_of(0, 1), body, &slot), 0);
	assert_int_equal(slot, before);
	uint32_t other = note(p, 8, 0, 80);
	inflight_clear(p->s, other);
	inflight_clear(p->s, 0); /* slot 0: the attempt sent nothing */
	again(p);
	assert_int_equal(found(p, 7, ref_of(0, 1)), 77);
	assert_int_equal(found(p, 8, ref_of(0, 1)), -1);
}

static void full_is_reported_and_slots_reused(void **state)
{
	struct inflight_fixture *p = *state;
	uint32_t some = 0, slot = 0;
	for (int i = 0; i < INFLIGHT_SLOTS; i++)
		some = note(p, i + 1, 0, 1);
	const uint8_t body[INFLIGHT_BODY_BYTES] = { 0 };
	assert_int_equal(inflight_record(p->s, 99999, ref_of(0, 1), body, &slot), ERR_FULL);
	assert_int_equal(slot, 0);
	inflight_clear(p->s, some);
	assert_int_equal(note(p, 99999, 0, 2), some);
}

static void the_last_commit_outlives_the_process(void **state)
{
	struct inflight_fixture *p = *state;
	again(p);
	assert_int_equal(inflight_last_commit(p->s), 0); /* no commit was acknowledged in the last run */
	inflight_reset(p->s);
	inflight_committed(p->s, 41);
	inflight_committed(p->s, 42);
	again(p);
	assert_int_equal(inflight_last_commit(p->s), 42);
	FILE *file = fopen(p->path, "r+b"); /* damages the number of the commit */
	assert_non_null(file);
	assert_int_equal(fseek(file, -16, SEEK_END), 0);
	assert_int_equal(fputc(43, file), 43);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(inflight_last_commit(p->s), 0);
	inflight_reset(p->s);
	again(p);
	assert_int_equal(inflight_last_commit(p->s), 0);
}

static void invalid_entries_are_ignored(void **state)
{
	struct inflight_fixture *p = *state;
	(void)note(p, 7, 0, 70);
	(void)note(p, 8, 0, 80);
	FILE *file = fopen(p->path, "r+b"); /* damages one bit of the first entry's digest */
	assert_non_null(file);
	assert_int_equal(fseek(file, 8 + 8 + 20, SEEK_SET), 0);
	assert_int_equal(fputc(0x55, file), 0x55);
	assert_int_equal(fclose(file), 0);
	again(p);
	assert_int_equal(found(p, 7, ref_of(0, 1)), -1);
	assert_int_equal(found(p, 8, ref_of(0, 1)), 80);
	inflight_close(p->s);
	assert_int_equal(truncate(p->path, 5), 0);
	open_it(p);
	assert_int_equal(found(p, 8, ref_of(0, 1)), -1);
	inflight_reset(p->s);
	(void)note(p, 9, 0, 90);
	again(p);
	assert_int_equal(found(p, 9, ref_of(0, 1)), 90);
}

static void an_unwritable_path_is_reported(void **state)
{
	(void)state;
	struct inflight_file *s = NULL;
	struct err err = { 0 };
	assert_int_equal(inflight_open("/nowhere/at/all", &s, &err), ERR_IO);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_outlive_the_process, make, drop),
		cmocka_unit_test_setup_teardown(another_attempt_is_not_reported, make, drop),
		cmocka_unit_test_setup_teardown(the_last_request_of_an_attempt_counts, make, drop),
		cmocka_unit_test_setup_teardown(full_is_reported_and_slots_reused, make, drop),
		cmocka_unit_test_setup_teardown(the_last_commit_outlives_the_process, make, drop),
		cmocka_unit_test_setup_teardown(invalid_entries_are_ignored, make, drop),
		cmocka_unit_test(an_unwritable_path_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
