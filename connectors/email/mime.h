/* The parts of an Internet message (RFC 5322, RFC 2045 to 2047): headers, encoded words, quoted-printable.
 * Each function appends to `to`, with lines that end in CRLF. */
#ifndef ALMONER_CONNECTORS_EMAIL_MIME_H
#define ALMONER_CONNECTORS_EMAIL_MIME_H

#include "connectors/kit/text.h"

/* "Name: value", folded into lines of at most 76 bytes. A value that is not plain ASCII is written as encoded
 * words (RFC 2047). A run of control characters in the value becomes one space. */
void mime_header(struct kit_text *to, const char *name, const char *value);
/* "From: Display Name <address>". Without `display` (NULL or "") only the address is written. */
void mime_mailbox(struct kit_text *to, const char *name, const char *display, const char *address);

/* The headers of a text part and its body in quoted-printable. The lines of `body` may end in LF, CR or CRLF;
 * the part ends with CRLF. */
void mime_text_part(struct kit_text *to, const char *type, const struct kit_text *body);

#endif
