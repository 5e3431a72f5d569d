/* The ground floor: buffers and their codec, digests, errors, clock texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saga/base/buf.h"
#include "saga/base/clock.h"
#include "saga/base/digest.h"
#include "saga/base/entropy.h"
#include "saga/base/err.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"
#include "saga/base/path.h"
#include "saga/base/reader.h"

static void numbers_come_back(void **state)
{
	(void)state;
	static const uint64_t unsigneds[] = {
		0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX
	};
	static const int64_t signeds[] = { 0, -1, 1, -64, 64, INT32_MIN, INT64_MIN, INT64_MAX };
	struct buf b AUTO_BUF = { 0 };
	for (size_t i = 0; i < sizeof unsigneds / sizeof unsigneds[0]; i++)
		buf_uint(&b, unsigneds[i]);
	for (size_t i = 0; i < sizeof signeds / sizeof signeds[0]; i++)
		buf_int(&b, signeds[i]);
	buf_string(&b, "text");
	buf_string(&b, NULL);
	struct reader r = reader_of(b.data, b.len);
	for (size_t i = 0; i < sizeof unsigneds / sizeof unsigneds[0]; i++)
		assert_true(reader_uint(&r) == unsigneds[i]);
	for (size_t i = 0; i < sizeof signeds / sizeof signeds[0]; i++)
		assert_true(reader_int(&r) == signeds[i]);
	assert_true(str_is(reader_bytes(&r), "text"));
	assert_int_equal(reader_bytes(&r).len, 0);
	assert_true(reader_done(&r));
	assert_int_equal(reader_byte(&r), 0);
	assert_false(reader_done(&r)); /* reading past the end is bad, and stays so */
}

static void a_reader_believes_no_length(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "", 0 },                                            /* nothing */
		{ "\x80", 1 },                                        /* a number cut short */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 },   /* more than 64 bits */
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 10 },   /* no end */
		{ "\x05xyz", 4 },                                     /* longer than what is there */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xy", 12 }, /* as long as memory */
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *copy = mem_strndup(rows[i].bytes, rows[i].len);
		struct reader r = reader_of(copy, rows[i].len);
		assert_int_equal(reader_bytes(&r).len, 0);
		assert_true(r.bad);
		uint8_t fixed[4] = { 1, 1, 1, 1 };
		reader_fixed(&r, fixed, sizeof fixed);
		assert_memory_equal(fixed, "\0\0\0\0", 4);
		free(copy);
	}
}

static void a_cap_refuses_the_whole_append(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 8);
	buf_text(&b, "12345678");
	assert_false(b.overflow);
	buf_text(&b, "9");
	assert_true(b.overflow);
	assert_string_equal(b.data, "12345678");
	buf_clear(&b);
	assert_false(b.overflow);
	buf_printf(&b, "%d", 123456789);
	assert_true(b.overflow);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	assert_int_equal(b.limit_bytes, 8);
	char *taken = buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
}

static void a_buffer_grows_and_stays_text(void **state)
{
	(void)state;
	struct buf b AUTO_BUF = { 0 };
	assert_string_equal(buf_str(&b).p, "");
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&b, "%u,", i % 10);
	assert_int_equal(b.len, 20000);
	assert_int_equal(strlen(b.data), 20000);
	assert_true(str_eq(buf_str(&b), str_of(b.data)));
}

/* FIPS 180-2, appendix B, and the length prefixes of our own. */
static void digests_are_sha256(void **state)
{
	(void)state;
	uint8_t out[DIGEST_BYTES];
	uint8_t other[DIGEST_BYTES];
	char text[2 * DIGEST_BYTES + 1];
	digest_bytes("abc", 3, out);
	hex_encode(out, sizeof out, text);
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	const struct str parts[] = { STR("abc") };
	digest_parts(parts, 1, out);
	digest_bytes("\3\0\0\0\0\0\0\0abc", 11, other);
	assert_memory_equal(out, other, sizeof out);
}

static void randomness_differs(void **state)
{
	(void)state;
	uint8_t a[16];
	uint8_t b[16];
	entropy_bytes(a, sizeof a);
	entropy_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
	struct entropy rnd = entropy_system();
	assert_int_equal(rnd.below(rnd.ctx, 0), 0);
	for (unsigned i = 0; i < 100; i++)
		assert_true(rnd.below(rnd.ctx, 3) < 3);
}

static void errors_gain_a_clause_a_layer(void **state)
{
	(void)state;
	struct err err = { 0 };
	assert_int_equal(err_set(&err, ERR_INVALID, "line %d", 3), ERR_INVALID);
	assert_int_equal(err_wrap(&err, ERR_IO, "reading %s", "x"),
					 ERR_IO); /* the outer layer's code replaces it */
	assert_int_equal(err.code, ERR_IO);
	assert_string_equal(err.text, "reading x: line 3");
	assert_int_equal(err_wrap(NULL, ERR_IO, "x"), ERR_IO);
	assert_string_equal(err_code_text(ERR_STALE), "stale");
	assert_string_equal(err_code_text(0), "ok");
	assert_string_equal(err_code_text(-999), "unknown error");
	char big[2000];
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	err_set(&err, ERR_INVALID, "%s", big);
	err_wrap(&err, ERR_INVALID, "%s", big);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void times_read_as_people_write_them(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_BYTES];
	clock_rfc3339(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_rfc3339(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	clock_rfc3339(INT64_C(1709210096123), text); /* a leap day */
	assert_string_equal(text, "2024-02-29T12:34:56.123Z");
	clock_rfc3339(INT64_MAX, text);
	assert_string_equal(text, "invalid-time");
	clock_rfc3339(INT64_MIN, text);
	assert_string_equal(text, "invalid-time");
	char span[CLOCK_SPAN_BYTES];
	clock_span(999, span);
	assert_string_equal(span, "999 ms");
	clock_span(3 * 86400000LL, span);
	assert_string_equal(span, "3 d");
	struct clock clock = clock_system();
	int64_t before = clock.now_ms(clock.ctx);
	assert_true(clock.now_ms(clock.ctx) >= before);
}

static void monotonic_time_only_grows(void **state)
{
	(void)state;
	int64_t ns = clock_monotonic_ns();
	int64_t us = clock_monotonic_us();
	int64_t ms = clock_monotonic_ms();
	assert_true(us >= ns / 1000 && us < ns / 1000 + 60000000);
	assert_true(ms >= us / 1000 && ms < us / 1000 + 60000);
	struct timespec at = clock_timespec(1999);
	assert_int_equal(at.tv_sec, 1);
	assert_int_equal(at.tv_nsec, 999000000);
	for (int64_t after_ms = 0; after_ms < 3000; after_ms += 999) { /* with and without a carry */
		int64_t before_ns = clock_monotonic_ns();
		struct timespec until = clock_deadline(after_ms);
		int64_t until_ns = (int64_t)until.tv_sec * 1000000000 + until.tv_nsec;
		assert_in_range(until.tv_nsec, 0, 999999999);
		assert_true(until_ns >= before_ns + after_ms * 1000000);
		assert_true(until_ns <= clock_monotonic_ns() + after_ms * 1000000);
	}
}

static void a_condition_waits_by_the_monotonic_clock(void **state)
{
	(void)state;
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition;
	assert_int_equal(clock_condition_init(&condition), 0);
	int64_t before_ns = clock_monotonic_ns();
	struct timespec until = clock_deadline(5);
	pthread_mutex_lock(&lock);
	assert_int_equal(pthread_cond_timedwait(&condition, &lock, &until), ETIMEDOUT);
	pthread_mutex_unlock(&lock);
	assert_true(clock_monotonic_ns() >= before_ns + 5000000);
	pthread_cond_destroy(&condition);
}

static void folders_are_made_for_a_file(void **state)
{
	(void)state;
	char root[] = "/tmp/almoner-base-XXXXXX";
	assert_non_null(mkdtemp(root));
	char *file AUTO_FREE = mem_printf("%s/a/b/file", root);
	char *a AUTO_FREE = mem_printf("%s/a", root);
	char *b AUTO_FREE = mem_printf("%s/a/b", root);
	struct err err = { 0 };
	struct stat st;
	assert_int_equal(path_make_parents(file, &err), 0);
	assert_int_equal(path_make_parents(file, &err), 0);
	assert_int_equal(stat(b, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07 & ~0750u, 0);
	assert_int_equal(stat(file, &st), -1);
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(path_make_parents("", &err), 0);
	assert_int_equal(path_make_parents("name-alone", &err), 0);
	assert_int_equal(unlink(file) | rmdir(b) | rmdir(a) | rmdir(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(a_reader_believes_no_length),
		cmocka_unit_test(a_cap_refuses_the_whole_append),
		cmocka_unit_test(a_buffer_grows_and_stays_text),
		cmocka_unit_test(digests_are_sha256),
		cmocka_unit_test(randomness_differs),
		cmocka_unit_test(errors_gain_a_clause_a_layer),
		cmocka_unit_test(times_read_as_people_write_them),
		cmocka_unit_test(monotonic_time_only_grows),
		cmocka_unit_test(a_condition_waits_by_the_monotonic_clock),
		cmocka_unit_test(folders_are_made_for_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
