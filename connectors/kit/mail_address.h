/* Mail addresses in the form that may stand in an SMTP command. */
#ifndef ALMONER_KIT_MAIL_ADDRESS_H
#define ALMONER_KIT_MAIL_ADDRESS_H

/* NULL if mail can be sent to the address ("ada@example.org"). Otherwise a static text that follows "the
 * address " and says what is wrong. The check is strict, because a line break in an address would be a second
 * command: quoted local parts and characters beyond ASCII are refused. */
const char *kit_mail_address_fault(const char *address);

/* The domain of an address that has no fault; borrowed from the address. */
const char *kit_mail_address_domain(const char *address);

#endif
