/* Where a request ends must be beyond doubt: what reads it differently than the proxy before us would take a
 * part of one sender's body for another's request. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_FRAMING_H
#define ALMONER_GATEWAY_INTAKE_SERVER_FRAMING_H

struct MHD_Connection;

/* NULL, or why the request is answered 400 and its connection closed (RFC 9112, 6.1 and 6.3). */
const char *framing_fault(struct MHD_Connection *mhd, const char *version);

#endif
