/* What may go into an SMTP command. libcurl puts addresses between angle brackets as they are: a line break
 * in one is a second command, a space a parameter. So only the plain form passes (dot-string@domain of RFC
 * 5321 section 4.1.2, or a domain literal); quoted local parts and addresses beyond ASCII do not. Thread:
 * any. */
#ifndef ALMONER_GATEWAY_NET_SMTP_ADDRESS_H
#define ALMONER_GATEWAY_NET_SMTP_ADDRESS_H

#include "connectors/almoner_connector.h"

/* NULL if `address` may be sent to, else what is wrong with it, for a person; never quotes the address. */
const char *address_fault(struct almoner_text address);

/* The same for the name of a host to connect to or to greet with: letters, digits, dots, hyphens, or a
 * literal with colons. */
const char *address_host_fault(struct almoner_text host);

/* The same for a whole message: CR LF only as a pair, so that no server can see the end of the mail inside
 * it. */
const char *address_message_fault(struct almoner_text message);

#endif
