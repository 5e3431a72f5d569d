/* The pure parts: messages, HTTP and SMTP replies, verdicts. */
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/net/classify.h"
#include "gateway/net/http_reply.h"
#include "gateway/net/lookup.h"
#include "gateway/net/smtp/message.h"
#include "saga/base/mem.h"

#define TEXT(literal) ((struct almoner_text){ .p = (literal), .len = sizeof(literal) - 1 })

/* ---- messages ---- */

static void line_breaks_of_a_message_are_pairs(void **state)
{
	(void)state;
	assert_null(smtp_message_body_fault(TEXT("Subject: x\r\n\r\nlast line without an end")));
	assert_non_null(smtp_message_body_fault(TEXT("")));
	assert_non_null(smtp_message_body_fault(TEXT("a\n.\nMAIL FROM:<x@y>\r\n")));
	assert_non_null(smtp_message_body_fault(TEXT("a\r.\r\n")));
	assert_non_null(smtp_message_body_fault(TEXT("a\r\nends in\r")));
	assert_non_null(smtp_message_body_fault(TEXT("a\0b\r\n")));
}

/* ---- HTTP replies ---- */

static void feed(struct http_reply *r, const char *lines)
{
	while (*lines != '\0') {
		const char *end = strchr(lines, '\n');
		assert_non_null(end);
		assert_true(http_reply_line(r, lines, (size_t)(end + 1 - lines)));
		lines = end + 1;
	}
}

static void fields_come_out_trimmed_and_in_order(void **state)
{
	(void)state;
	struct http_reply r;
	http_reply_init(&r);
	http_reply_reset(&r, 10);
	feed(&r, "HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nX-Empty:\r\nno colon\r\n folded: x\r\n: "
			 "nameless\r\n\r\n");
	assert_true(r.head_complete);
	assert_int_equal(r.field_count, 2);
	const struct almoner_header *fields = http_reply_fields(&r);
	assert_string_equal(fields[0].name.p, "Content-Type");
	assert_string_equal(fields[0].value.p, "text/plain");
	assert_string_equal(fields[1].name.p, "X-Empty");
	assert_int_equal(fields[1].value.len, 0);
	http_reply_finish(&r);
}

/* A connector reads fields as C strings. */
static void fields_with_a_nul_byte_are_dropped(void **state)
{
	(void)state;
	static const char name[] = "X-\0A: 1\r\n", value[] = "X-B: 1\0002\r\n";
	struct http_reply r;
	http_reply_init(&r);
	feed(&r, "HTTP/1.1 200 OK\r\n");
	assert_true(http_reply_line(&r, name, sizeof name - 1));
	assert_true(http_reply_line(&r, value, sizeof value - 1));
	feed(&r, "X-C: 3\r\n\r\n");
	assert_int_equal(r.field_count, 1);
	assert_string_equal(http_reply_fields(&r)[0].name.p, "X-C");
	http_reply_finish(&r);
}

static void interim_heads_and_trailers_are_dropped(void **state)
{
	(void)state;
	struct http_reply r;
	http_reply_init(&r);
	http_reply_reset(&r, 10);
	feed(&r, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	assert_false(r.head_complete);
	feed(&r, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nLocation: /1\r\n\r\n");
	assert_true(r.head_complete);
	feed(&r, "X-Trailer: late\r\n");
	assert_int_equal(r.field_count, 1);
	assert_string_equal(http_reply_fields(&r)[0].name.p, "Location");
	http_reply_finish(&r);
}

static void heads_are_kept_within_bounds(void **state)
{
	(void)state;
	struct http_reply r;
	http_reply_init(&r);
	http_reply_reset(&r, 10);
	feed(&r, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 300; i++)
		feed(&r, "X-Many: v\r\n");
	assert_int_equal(r.field_count, HTTP_REPLY_FIELDS_MAX);

	http_reply_reset(&r, 10);
	AUTO_FREE char *line = mem_alloc(20000);
	memset(line, 'a', 20000);
	line[1] = ':';
	bool more = true;
	size_t lines = 0;
	while (more && lines < 1000) {
		more = http_reply_line(&r, line, 20000);
		lines++;
	}
	assert_true(r.head_too_long);
	assert_int_equal(lines, HTTP_REPLY_LINES_BYTES / 20000 + 1);
	assert_true(r.head.len <= HTTP_REPLY_HEAD_BYTES);
	http_reply_finish(&r);
}

static void a_body_is_cut_at_its_cap(void **state)
{
	(void)state;
	struct http_reply r;
	http_reply_init(&r);
	http_reply_reset(&r, 5);
	assert_true(http_reply_body(&r, "123", 3));
	assert_true(http_reply_body(&r, "45", 2));
	assert_false(r.truncated);
	assert_false(http_reply_body(&r, "6", 1));
	assert_true(r.truncated);
	assert_string_equal(r.body.data, "12345");
	http_reply_reset(&r, 0);
	assert_false(http_reply_body(&r, "x", 1));
	http_reply_finish(&r);
}

static void only_a_reply_that_drips_is_slow(void **state)
{
	(void)state;
	struct http_reply r;
	http_reply_init(&r);
	http_reply_reset(&r, 100000);
	assert_true(http_reply_body(&r, "x", 1));
	assert_false(http_reply_is_slow(&r, HTTP_REPLY_SLOW_AFTER_MS));
	assert_true(http_reply_is_slow(&r, HTTP_REPLY_SLOW_AFTER_MS + 1));
	AUTO_FREE char *much = mem_zalloc(16 * 20);
	assert_true(http_reply_body(&r, much, 16 * 20));
	assert_false(http_reply_is_slow(&r, 20000));
	http_reply_finish(&r);
}

/* ---- SMTP replies ---- */

static void feed_text(struct smtp_reply *r, const char *line)
{
	smtp_reply_line(r, line, strlen(line));
}

static void the_last_complete_reply_counts(void **state)
{
	(void)state;
	struct smtp_reply r;
	smtp_reply_init(&r);
	feed_text(&r, "220 hello\r\n");
	feed_text(&r, "250-one\r\n");
	feed_text(&r, "250-two\r\n");
	assert_int_equal(r.status, 220);
	assert_true(r.in_multiline);
	feed_text(&r, "250 three\r\n");
	assert_int_equal(r.replies, 2);
	assert_string_equal(r.text.data, "one\ntwo\nthree");
	feed_text(&r, "354\r\n");
	assert_true(r.data_accepted);
	assert_false(r.final);
	feed_text(&r, "250-2.0.0\r\n");
	assert_false(r.final); /* half a reply does not count */
	feed_text(&r, "250 queued as 7\r\n");
	assert_true(r.final);
	feed_text(&r, "221 bye\r\n");
	assert_int_equal(r.status, 250);
	assert_string_equal(r.text.data, "2.0.0\nqueued as 7");
	smtp_reply_finish(&r);
}

static void the_quit_reply_hides_no_rejection(void **state)
{
	(void)state;
	struct smtp_reply r;
	smtp_reply_init(&r);
	feed_text(&r, "220 hello\r\n");
	feed_text(&r, "550-no such\r\n");
	feed_text(&r, "550 user\r\n");
	smtp_reply_settle(&r, 550);
	assert_int_equal(r.status, 550);
	feed_text(&r, "221-see\r\n");
	feed_text(&r, "221 you\r\n");
	smtp_reply_settle(&r, 550);
	assert_int_equal(r.status, 550);
	assert_string_equal(r.text.data, "no such\nuser");
	smtp_reply_settle(&r, 999);
	assert_int_equal(r.status, 550);
	smtp_reply_finish(&r);
}

static void garbage_and_floods_do_no_harm(void **state)
{
	(void)state;
	struct smtp_reply r;
	smtp_reply_init(&r);
	feed_text(&r, "");
	feed_text(&r, "25\r\n");
	feed_text(&r, "2x0 hello\r\n");
	feed_text(&r, "250x\r\n");
	assert_int_equal(r.replies, 0);
	for (int i = 0; i < 10000; i++)
		feed_text(&r, "220-a line that comes again and again\r\n");
	assert_true(r.text.len < 4096);
	smtp_reply_finish(&r);
}

/* ---- verdicts ---- */

static void http_verdicts_rest_on_evidence(void **state)
{
	(void)state;
	static const struct {
		struct http_evidence evidence;
		enum transport_verdict verdict;
	} cases[] = {
		/* end, began, encrypted, bytes, head, cut */
		{ { TRANSFER_END_OK, true, false, 99, true, false }, TRANSPORT_REPLY },
		{ { TRANSFER_END_FAILED, true, false, 99, true, true }, TRANSPORT_REPLY },
		{ { TRANSFER_END_FAILED, true, false, 99, true, false }, TRANSPORT_UNKNOWN },
		{ { TRANSFER_END_FAILED, true, false, 99, false, true }, TRANSPORT_UNKNOWN },
		{ { TRANSFER_END_OK, true, false, 99, false, false }, TRANSPORT_UNKNOWN },
		{ { TRANSFER_END_NO_ANSWER, true, false, 99, false, false }, TRANSPORT_UNKNOWN },
		{ { TRANSFER_END_UNUSABLE, true, false, 99, false, false }, TRANSPORT_UNKNOWN }, /* HTTP/0.9 */
		{ { TRANSFER_END_NO_ANSWER, false, false, 0, false, false }, TRANSPORT_UNREACHABLE },
		{ { TRANSFER_END_FAILED, false, true, 0, false, false }, TRANSPORT_UNREACHABLE },
		{ { TRANSFER_END_UNUSABLE, false, false, 0, false, false }, TRANSPORT_NOT_SENDABLE },
		{ { TRANSFER_END_FAILED, true, false, 0, false, false }, TRANSPORT_UNREACHABLE },
		{ { TRANSFER_END_FAILED, true, true, 0, false, false }, TRANSPORT_UNKNOWN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(classify_http(&cases[i].evidence), cases[i].verdict);
}

static void mail_verdicts_rest_on_reply_codes(void **state)
{
	(void)state;
	static const struct {
		enum transfer_end end;
		struct smtp_reply dialogue; /* replies, greeting, status, data_accepted, final */
		enum transport_verdict verdict;
	} cases[] = {
		{ TRANSFER_END_OK, { 6, 220, 250, true, true }, TRANSPORT_REPLY },
		{ TRANSFER_END_FAILED, { 6, 220, 554, true, true }, TRANSPORT_REPLY },
		{ TRANSFER_END_NO_ANSWER, { 6, 220, 250, true, true }, TRANSPORT_REPLY }, /* lost after the answer */
		{ TRANSFER_END_NO_ANSWER, { 5, 220, 354, true, false }, TRANSPORT_UNKNOWN },
		{ TRANSFER_END_OK, { 5, 220, 354, true, false }, TRANSPORT_UNKNOWN },
		{ TRANSFER_END_FAILED, { 4, 220, 550, false, false }, TRANSPORT_REPLY },
		{ TRANSFER_END_FAILED,
		  { 2, 220, 250, false, false },
		  TRANSPORT_UNREACHABLE }, /* no TLS, no AUTH offered */
		{ TRANSFER_END_NO_ANSWER, { 2, 220, 502, false, false }, TRANSPORT_UNREACHABLE },
		{ TRANSFER_END_FAILED, { 1, 421, 421, false, false }, TRANSPORT_UNREACHABLE },
		{ TRANSFER_END_FAILED, { 1, 554, 554, false, false }, TRANSPORT_UNREACHABLE },
		{ TRANSFER_END_FAILED, { 0, 0, 0, false, false }, TRANSPORT_UNREACHABLE },
		{ TRANSFER_END_UNUSABLE, { 0, 0, 0, false, false }, TRANSPORT_NOT_SENDABLE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(classify_mail(cases[i].end, &cases[i].dialogue), cases[i].verdict);
	assert_int_equal(classify_end(CURLE_SEND_ERROR), TRANSFER_END_FAILED);
	assert_int_equal(classify_end(CURLE_OPERATION_TIMEDOUT), TRANSFER_END_NO_ANSWER);
}

/* ---- look-ups of names ---- */

static void lost_lookups_bound_further_ones(void **state)
{
	(void)state;
	struct lookups l = { 0 };
	int64_t now_ms = 1000;
	for (int i = 0; i < LOOKUPS_LOST_MAX; i++) {
		assert_true(lookups_begin(&l, now_ms));
		lookups_lost(&l, now_ms);
	}
	assert_false(lookups_begin(&l, now_ms + LOOKUP_PROBE_MS - 1));
	assert_true(lookups_begin(&l, now_ms + LOOKUP_PROBE_MS)); /* one probe may begin */
	assert_false(lookups_begin(&l, now_ms + LOOKUP_PROBE_MS + 1));
	assert_true(lookups_begin(&l, now_ms + LOOKUP_LOST_MS)); /* the oldest has left the time window */
	assert_true(lookups_begin(&l, now_ms + LOOKUP_LOST_MS));
}

static void an_answer_clears_the_lost_ones(void **state)
{
	(void)state;
	struct lookups l = { 0 };
	for (int i = 0; i < LOOKUPS_LOST_MAX; i++)
		lookups_lost(&l, 1000);
	assert_true(lookups_begin(&l, 9000));
	assert_false(lookups_begin(&l, 9001));
	lookups_answered(&l);
	assert_true(lookups_begin(&l, 9002));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_breaks_of_a_message_are_pairs),
		cmocka_unit_test(fields_come_out_trimmed_and_in_order),
		cmocka_unit_test(fields_with_a_nul_byte_are_dropped),
		cmocka_unit_test(interim_heads_and_trailers_are_dropped),
		cmocka_unit_test(heads_are_kept_within_bounds),
		cmocka_unit_test(a_body_is_cut_at_its_cap),
		cmocka_unit_test(only_a_reply_that_drips_is_slow),
		cmocka_unit_test(the_last_complete_reply_counts),
		cmocka_unit_test(the_quit_reply_hides_no_rejection),
		cmocka_unit_test(garbage_and_floods_do_no_harm),
		cmocka_unit_test(http_verdicts_rest_on_evidence),
		cmocka_unit_test(mail_verdicts_rest_on_reply_codes),
		cmocka_unit_test(lost_lookups_bound_further_ones),
		cmocka_unit_test(an_answer_clears_the_lost_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
