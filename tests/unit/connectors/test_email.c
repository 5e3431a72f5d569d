/* Messages of the email connector, and its parts. */
#include "tests/unit/connectors/exchange_fixture.h"

#include <unistd.h>

#include "connectors/email/mime.h"
#include "connectors/kit/mail_address.h"

static struct catalog *catalog;
static const struct catalog_entry *email;
static char folder[] = "/tmp/almoner-mail-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[100];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#define SERVER                                                                                               \
	"\"host\":\"mail.example\",\"from\":\"thanks@charity.example\",\"text\":\"t.txt\",\"subject\":\"Thank "  \
	"you\""

static void opened(struct driver *d, const char *settings)
{
	if (driver_open(d, email, settings, folder) != 0)
		fail_msg("%s: %s", settings, d->problems.data);
}

static void plain_mail_is_complete(void **state)
{
	(void)state;
	struct driver d;
	char expected[1000];
	char key[33];
	opened(&d, "{" SERVER "}");
	assert_int_equal(instance_traits(d.instance)->repeat, ALMONER_REPEAT_UNSAFE);
	const struct almoner_action *a = driver_start(&d, GIFT, ALMONER_DO);
	driver_key(&d.step, "", key);
	snprintf(expected, sizeof expected,
			 "From: thanks@charity.example\r\nTo: ada@example.org\r\nSubject: Thank you\r\n"
			 "Date: Mon, 23 Nov 2026 22:09:00 +0000\r\nMessage-ID: <%s@charity.example>\r\n"
			 "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
			 "Dear Ada King Lovelace,\r\n25.50 EUR\r\n",
			 key);
	assert_int_equal(a->kind, ALMONER_SEND_MAIL);
	assert_int_equal(a->effect, ALMONER_EFFECTS);
	assert_string_equal(a->mail.message.p, expected);
	assert_string_equal(a->mail.to.p, "ada@example.org");
	assert_string_equal(a->mail.from.p, "thanks@charity.example");
	assert_int_equal(a->mail.port, 587);
	assert_int_equal(a->mail.tls, ALMONER_TLS_STARTTLS);
	assert_null(a->mail.username.p);
	a = driver_answer(&d, 250, "2.0.0 Ok: queued as 4F\"1\n");
	ends(a, ALMONER_OK, "250");
	assert_true(driver_has(a->done.result, "\"reply\":\"2.0.0 Ok: queued as 4F\\\"1\\n\""));
	assert_true(driver_has(a->done.result, key));
	driver_close(&d);
}

static void html_goes_beside_the_text(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" SERVER ",\"html\":\"t.html\",\"from_name\":\"Friends \\\"of\\\" "
			   "Ren\\u00e9\",\"reply_to\":\"office@charity.example\","
			   "\"headers\":{\"X-Gift\":\"{{gift}}\"}}");
	const struct almoner_action *a = driver_start(&d,
												  "{\"gift\":\"g\",\"donor\":{\"name\":\"<b>\",\"email\":\"a@"
												  "b.example\"},\"amount\":{\"value\":\"1.00\","
												  "\"currency\":\"EUR\"}}",
												  ALMONER_DO);
	assert_true(driver_has(a->mail.message, "Content-Type: multipart/alternative;\r\n boundary=\"=_"));
	assert_true(driver_has(a->mail.message, "Dear <b>,\r\n"));
	assert_true(driver_has(a->mail.message, "<p>&lt;b&gt;</p>"));
	assert_true(driver_has(a->mail.message, "--\r\n"));
	assert_true(driver_has(a->mail.message,
						   "From: =?UTF-8?B?RnJpZW5kcyAib2YiIFJlbsOp?=\r\n <thanks@charity.example>\r\n"));
	assert_true(driver_has(a->mail.message, "Reply-To: office@charity.example\r\n"));
	assert_true(driver_has(a->mail.message, "X-Gift: g\r\n"));
	driver_close(&d);
}

static void recipients_are_checked(void **state)
{
	(void)state;
	static const char *const events[][2] = {
		{ "{}", "there is no recipient: donor.email is missing" },
		{ "{\"donor\":{\"email\":null}}", "donor.email is missing" },
		{ "{\"donor\":{\"email\":\"a@b\\r\\nRCPT TO:<c@d>\"}}", "control character" },
		{ "{\"donor\":{\"email\":\"a@b.example\\r\\nDATA\"}}", "control character" },
		{ "{\"donor\":{\"email\":\"<a@b.example>\"}}", "unusable" },
		{ "{\"donor\":{\"email\":\"a b@c.example\"}}", "unusable" },
		{ "{\"donor\":{\"email\":\"nobody\"}}", "exactly one @" },
		{ "{\"donor\":{\"email\":\"j\\u00f6rg@c.example\"}}", "beyond ASCII" },
		{ "{\"donor\":{\"email\":[\"a@b.example\"]}}", "cannot stand inside text" },
	};
	struct driver d;
	opened(&d, "{" SERVER "}");
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		ends(driver_start(&d, events[i][0], ALMONER_DO), ALMONER_REJECTED, events[i][1]);
	driver_close(&d);
}

static void replies_have_their_class(void **state)
{
	(void)state;
	static const uint32_t cases[][2] = { { 250, ALMONER_OK },     { 421, ALMONER_BUSY },
										 { 451, ALMONER_BUSY },   { 550, ALMONER_REJECTED },
										 { 535, ALMONER_DENIED }, { 530, ALMONER_DENIED },
										 { 354, ALMONER_UNKNOWN } };
	struct driver d;
	opened(&d, "{" SERVER "}");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)driver_start(&d, GIFT, ALMONER_DO);
		ends(driver_answer(&d, cases[i][0], "what the server said"), cases[i][1], NULL);
	}
	driver_close(&d);
}

static void only_sending_is_possible(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" SERVER "}");
	driver_step(&d, GIFT);
	d.step.purpose = ALMONER_UNDO;
	assert_int_equal(driver_begin(&d), -1);
	assert_non_null(strstr(d.error.text, "cannot be taken back"));
	driver_close(&d);
}

static void subjects_cannot_break_out(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{\"host\":\"m\",\"from\":\"a@b.example\",\"text\":\"t.txt\",\"subject\":\"For {{x}}\"}");
	const struct almoner_action *a = driver_start(
		&d, "{\"x\":\"you\\r\\nBcc: c@d.example\",\"donor\":{\"email\":\"e@f.example\"}}", ALMONER_DO);
	assert_true(driver_has(a->mail.message, "Subject: For you Bcc: c@d.example\r\n"));
	driver_close(&d);
}

static void wrong_settings_are_explained(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{ "{" SERVER ",\"username\":\"u\"}", "password: is missing" },
		{ "{" SERVER ",\"username\":\"u\",\"password\":\"hunter22\",\"tls\":\"none\"}", "unencrypted" },
		{ "{" SERVER ",\"port\":70000}", "1 to 65535" },
		{ "{" SERVER ",\"reply_to\":\"Office <o@x.example>\"}", "reply_to: the address" },
		{ "{" SERVER ",\"headers\":{\"Bcc\":\"x@y.example\"}}", "Bcc is set by the connector" },
		{ "{" SERVER ",\"html\":\"broken.html\"}", "html, line 2: this section is never closed" },
		{ "{" SERVER ",\"html\":\"missing.html\"}", "missing.html: No such file" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct driver d;
		assert_int_equal(driver_open(&d, email, wrong[i][0], folder), ERR_INVALID);
		if (strstr(d.problems.data, wrong[i][1]) == NULL || strstr(d.problems.data, "hunter22") != NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", wrong[i][0], d.problems.data, wrong[i][1]);
		driver_close(&d);
	}
	struct driver d;
	opened(&d, "{\"host\":\"127.0.0.1\",\"from\":\"a@b.example\",\"text\":\"t.txt\",\"subject\":\"s\","
			   "\"tls\":\"none\","
			   "\"username\":\"u\",\"password\":\"hunter22\"}");
	driver_close(&d);
}

/* ---- parts of a message ---- */

static void header_gives(const char *value, const char *expected)
{
	struct kit_text t AUTO_TEXT = { 0 };
	mime_header(&t, "Subject", value);
	assert_string_equal(t.p, expected);
	for (const char *line = t.p; *line != '\0';) {
		size_t len = strcspn(line, "\r");
		assert_true(len <= 78);
		line += len + 2;
	}
}

static void headers_are_folded_and_encoded(void **state)
{
	(void)state;
	header_gives("Thank you", "Subject: Thank you\r\n");
	header_gives("Z\xC3\xBCrich", "Subject: =?UTF-8?B?WsO8cmljaA==?=\r\n");
	header_gives("=?UTF-8?Q?x?=", "Subject: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=\r\n");
	header_gives("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
				 "Subject: one two three four five six seven eight nine ten eleven twelve\r\n"
				 " thirteen fourteen fifteen\r\n");
	/* At no length does an encoded word split a character. */
	header_gives(
		"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
		"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC",
		"Subject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n"
		" =?UTF-8?B?4oKs4oKs4oKs?=\r\n");
}

static void part_gives(const char *body, const char *expected)
{
	struct kit_text in AUTO_TEXT = { 0 };
	struct kit_text out AUTO_TEXT = { 0 };
	kit_text_puts(&in, body);
	mime_text_part(&out, "text/plain", &in);
	const char *begin = strstr(out.p, "\r\n\r\n");
	assert_non_null(begin);
	assert_string_equal(begin + 4, expected);
}

static void bodies_are_quoted_printable(void **state)
{
	(void)state;
	part_gives("", "\r\n");
	part_gives("a", "a\r\n");
	part_gives("a\nb\r\nc\rd\n", "a\r\nb\r\nc\r\nd\r\n");
	part_gives("1=1 \n\t\n\xC3\xA9", "1=3D1=20\r\n=09\r\n=C3=A9\r\n");
	part_gives(
		"1234567890123456789012345678901234567890123456789012345678901234567890123456789012345",
		"123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n6789012345\r\n");
	part_gives(".\n..\n", ".\r\n..\r\n");
}

static void addresses_are_judged(void **state)
{
	(void)state;
	static const char *const good[] = { "a@b.example", "first.last+tag@sub.example.org", "o'brien@x.example",
										"a@localhost" };
	static const char *const bad[] = { "",      "@",         "a@",     "@b",    "a@@b",  "a@b@c",
									   ".a@b",  "a.@b",      "a..b@c", "a@.b",  "a@b.",  "a@b..c",
									   "a@-b",  "\"a b\"@c", "a@b c",  "a\t@b", "a,b@c", "a@[127.0.0.1]",
									   "a;b@c", "a:b@c" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_null(kit_mail_address_fault(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (kit_mail_address_fault(bad[i]) == NULL)
			fail_msg("\"%s\" was accepted", bad[i]);
	char big[300];
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	big[10] = '@';
	assert_non_null(kit_mail_address_fault(big));
}

static void remove_file(const char *name)
{
	char path[100];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_mail_is_complete),       cmocka_unit_test(html_goes_beside_the_text),
		cmocka_unit_test(recipients_are_checked),       cmocka_unit_test(replies_have_their_class),
		cmocka_unit_test(only_sending_is_possible),     cmocka_unit_test(subjects_cannot_break_out),
		cmocka_unit_test(wrong_settings_are_explained), cmocka_unit_test(headers_are_folded_and_encoded),
		cmocka_unit_test(bodies_are_quoted_printable),  cmocka_unit_test(addresses_are_judged),
	};
	if (mkdtemp(folder) == NULL)
		return 1;
	write_file("t.txt", "Dear {{donor.name}},\n{{amount.value}} {{amount.currency}}\n");
	write_file("t.html", "<p>{{donor.name}}</p>\n");
	write_file("broken.html", "<p>\n{{#donor}}\n");
	email = shipped(&catalog, "email");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	catalog_destroy(catalog);
	remove_file("t.txt");
	remove_file("t.html");
	remove_file("broken.html");
	(void)rmdir(folder);
	return failed;
}
