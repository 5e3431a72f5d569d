/* Any header value, mailbox and body gives lines that end in CRLF; a value never begins a header of its own. An address
 * that passes has nothing that SMTP reads as a command. */
#include "connectors/email/mime.h"
#include "connectors/kit/mail_address.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"

/* Each line ends in CRLF; in a header each line after the first begins with a blank. */
static void check_lines(const struct kit_text *text, bool header)
{
	if (text->failed)
		return;
	for (size_t i = 0; i < text->len; i++) {
		if (text->p[i] == '\n')
			assert(i > 0 && text->p[i - 1] == '\r');
		if (text->p[i] == '\r') {
			assert(i + 1 < text->len && text->p[i + 1] == '\n');
			if (header && i + 2 < text->len)
				assert(text->p[i + 2] == ' ' || text->p[i + 2] == '\t');
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct str line = fuzz_until(&rest, '\0'), person = fuzz_until(&rest, '\0');
	char *value AUTO_FREE = mem_strndup(line.p, line.len);
	char *address AUTO_FREE = mem_strndup(person.p, person.len);
	AUTO_TEXT struct kit_text header = { 0 };
	AUTO_TEXT struct kit_text mailbox = { 0 };
	AUTO_TEXT struct kit_text part = { 0 };
	AUTO_TEXT struct kit_text body = { 0 };
	mime_header(&header, "Subject", value);
	check_lines(&header, true);
	if (kit_mail_address_fault(address) == NULL) {
		assert(strpbrk(address, "\r\n <>\t,;") == NULL);
		assert(kit_mail_address_domain(address)[0] != '\0');
		mime_mailbox(&mailbox, "To", value, address);
		check_lines(&mailbox, true);
	}
	kit_text_add(&body, rest.p, rest.len);
	mime_text_part(&part, "text/plain", &body);
	check_lines(&part, false);
	return 0;
}
