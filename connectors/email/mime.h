/* Internet messages: headers, encoded words, quoted-printable, addresses. Lines end in CRLF. */
#ifndef ALMONER_CONNECTORS_EMAIL_MIME_H
#define ALMONER_CONNECTORS_EMAIL_MIME_H

#include "connectors/kit/text.h"

/* Why a bare address cannot be used; NULL when it can. Strict on purpose: what is let through here stands in
 * SMTP commands. Quoted local parts and addresses beyond ASCII are refused. */
const char *mime_address_fault(const char *address);
/* What stands after the '@' of a good address. */
const char *mime_domain(const char *address);

/* "Name: value", folded; encoded words (RFC 2047) where the value is not plain ASCII. Control characters in
 * the value become spaces. */
void mime_header(struct kit_text *to, const char *name, const char *value);
/* "From: Display Name <address>"; `display` NULL: the address alone. */
void mime_mailbox(struct kit_text *to, const char *name, const char *display, const char *address);

/* A text part's headers and its body in quoted-printable; any line ends in, CRLF out, ends with CRLF. */
void mime_text_part(struct kit_text *to, const char *type, const struct kit_text *body);

#endif
