#include "connectors/kit/mail_address.h"

#include <assert.h>
#include <string.h>

#include "saga/base/buf.h"
#include "saga/base/mail_address.h"

const char *kit_mail_address_fault(const char *address)
{
	assert(address != NULL);
	return mail_address_fault(str_of(address), false);
}

const char *kit_mail_address_domain(const char *address)
{
	const char *at = strchr(address, '@');
	assert(at != NULL);
	return at + 1;
}
