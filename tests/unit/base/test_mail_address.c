/* What may stand in an SMTP command as an address or as a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "saga/base/mail_address.h"

static void plain_addresses_pass(void **state)
{
	static const char *const good[] = { "a@b.org",        "ada.o'neil+gift@mail.example.org",
										"root@localhost", "x@xn--bcher-kva.example",
										"a@b_c.example",  "first.last+tag@sub.example.org" };
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_null(mail_address_fault(str_of(good[i]), false));
		assert_null(mail_address_fault(str_of(good[i]), true));
	}
}

static void a_literal_passes_only_where_it_is_allowed(void **state)
{
	static const char *const literals[] = { "x@[192.0.2.1]", "x@[IPv6:2001:db8::1]" };
	(void)state;
	for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
		assert_null(mail_address_fault(str_of(literals[i]), true));
		assert_non_null(mail_address_fault(str_of(literals[i]), false));
	}
	assert_non_null(mail_address_fault(STR("a@[192.0.2.1"), true));
	assert_non_null(mail_address_fault(STR("a@[]"), true));
	assert_non_null(mail_address_fault(STR("a@[1.2.3.4]\r\n"), true));
}

static void what_could_become_a_command_does_not_pass(void **state)
{
	static const struct str bad[] = { STR(""),
									  STR("nobody"),
									  STR("@"),
									  STR("@b.org"),
									  STR("a@"),
									  STR("a@b.org\r\nRCPT TO:<evil@x.org>"),
									  STR("a@b.org\n"),
									  STR("a@b.org\0"),
									  STR("a\0b@b.org"),
									  STR("a b@b.org"),
									  STR("a@b.org NOTIFY=NEVER"),
									  STR("<a@b.org>"),
									  STR("a@b.org>"),
									  STR("\"a b\"@b.org"),
									  STR("a@b@c.org"),
									  STR("a@@c.org"),
									  STR("a\tb@c.org"),
									  STR("a\x7f@b.org"),
									  STR("a@b\xc3\xbc.org"),
									  STR("\xc3\xa4@b.org"),
									  STR("a@b..org"),
									  STR("a@.org"),
									  STR("a@b.org."),
									  STR("a@-b.org"),
									  STR("a@b-.org"),
									  STR(".a@b.org"),
									  STR("a.@b.org"),
									  STR("a..b@b.org"),
									  STR("a,b@c.org"),
									  STR("a;b@c.org"),
									  STR("a:b@c.org") };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(mail_address_fault(bad[i], true));
	assert_non_null(mail_address_fault((struct str){ NULL, 0 }, true));
}

static void lengths_have_bounds(void **state)
{
	char text[300];
	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text + 65, "@b.org", 6);
	assert_non_null(mail_address_fault((struct str){ text, 71 }, false));
	assert_null(mail_address_fault((struct str){ text + 1, 70 }, false));

	/* "a@" and labels of 63 bytes: 254 bytes pass, 255 do not */
	memset(text, 'a', sizeof text);
	text[1] = '@';
	for (size_t dot = 2 + 63; dot < sizeof text; dot += 64)
		text[dot] = '.';
	assert_null(mail_address_fault((struct str){ text, 254 }, false));
	assert_non_null(mail_address_fault((struct str){ text, 255 }, false));
	text[2 + 63] = 'a'; /* a label of 127 bytes */
	assert_non_null(mail_address_fault((struct str){ text, 200 }, false));
}

static void hosts(void **state)
{
	(void)state;
	assert_null(mail_address_host_fault(STR("mail.example.org")));
	assert_null(mail_address_host_fault(STR("127.0.0.1")));
	assert_null(mail_address_host_fault(STR("::1")));
	assert_non_null(mail_address_host_fault(STR("")));
	assert_non_null(mail_address_host_fault(STR("a/b")));
	assert_non_null(mail_address_host_fault(STR("user@host")));
	assert_non_null(mail_address_host_fault(STR("a b")));
	assert_non_null(mail_address_host_fault(STR("::1\r\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plain_addresses_pass),
										cmocka_unit_test(a_literal_passes_only_where_it_is_allowed),
										cmocka_unit_test(what_could_become_a_command_does_not_pass),
										cmocka_unit_test(lengths_have_bounds), cmocka_unit_test(hosts) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
