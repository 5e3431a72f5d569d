/* Headers of rejected requests: unpacked exactly as they were packed, for any bytes. */
#include "tests/unit/intake/intake_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/intake/rejected.h"
#include "saga/base/mem.h"

static void what_was_packed_is_found(void **state)
{
	(void)state;
	struct buf AUTO_BUF packed = { 0 };
	struct rejected_headers h;
	const char *const words[] = {
		"Content-Type", "application/json", "X-Signature", "abc", "Empty", "", "X-Signature", "second"
	};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		buf_string(&packed, words[i]);
	assert_int_equal(rejected_unpack(buf_str(&packed), &h), 0);
	assert_int_equal(h.count, 4);
	assert_string_equal(rejected_header(&h, "x-signature"),
						"abc"); /* of two equal names the first counts, as in libmicrohttpd */
	assert_string_equal(rejected_header(&h, "EMPTY"), "");
	assert_null(rejected_header(&h, "Host"));
	rejected_headers_finish(&h);
}

static void none_is_none(void **state)
{
	(void)state;
	struct rejected_headers h;
	assert_int_equal(rejected_unpack((struct str){ NULL, 0 }, &h), 0);
	assert_int_equal(h.count, 0);
	assert_null(rejected_header(&h, "Host"));
	rejected_headers_finish(&h);
}

/* Truncated anywhere, or with any byte changed: a result or an error, and no access beyond the bytes. */
static void damaged_bytes_are_no_headers(void **state)
{
	(void)state;
	struct buf AUTO_BUF packed = { 0 };
	for (int i = 0; i < 4; i++)
		buf_string(&packed, "some-text");
	for (size_t len = 0; len < packed.len; len++)
		for (unsigned byte = 0; byte < 256; byte += 5) {
			char *copy AUTO_FREE = mem_strndup(packed.data, packed.len);
			struct rejected_headers h;
			copy[len] = (char)byte;
			char *exact =
				malloc(len + 1); /* of the exact size, so that a sanitizer sees a read beyond the end */
			memcpy(exact, copy, len + 1);
			if (rejected_unpack((struct str){ exact, len + 1 }, &h) == 0)
				rejected_headers_finish(&h);
			free(exact);
		}
	struct rejected_headers h;
	assert_int_equal(rejected_unpack((struct str){ packed.data, packed.len - 1 }, &h), ERR_CORRUPT);
	assert_int_equal(rejected_unpack((struct str){ packed.data, packed.len / 4 }, &h),
					 ERR_CORRUPT); /* no value */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_is_found),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(damaged_bytes_are_no_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
