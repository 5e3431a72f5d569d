/* Mail addresses and host names in the form that may stand in an SMTP command. The only such check in the
 * project: the email connector and the mail transport both use it.
 *
 * A mail library puts addresses between angle brackets exactly as they are: a line break in an address is a
 * second command, a space is a parameter. So only the plain form passes: dot-string@domain of RFC 5321
 * section 4.1.2. Quoted local parts and characters beyond ASCII do not pass. Pure. Thread: any. */
#ifndef ALMONER_BASE_MAIL_ADDRESS_H
#define ALMONER_BASE_MAIL_ADDRESS_H

#include <stdbool.h>

#include "saga/base/buf.h"

/* NULL if mail may be sent to `address` ("ada@example.org"). Otherwise a static text for operators that
 * follows "the address ": what is wrong with it. The text never quotes the address, which is a donor's data.
 * `literal_allowed`: the domain may also be an address literal, such as "[192.0.2.1]". */
const char *mail_address_fault(struct str address, bool literal_allowed);

/* The same for a host to connect to or a name to greet with: a host name, an IPv4 address, or an IPv6 address
 * without brackets. */
const char *mail_address_host_fault(struct str host);

#endif
