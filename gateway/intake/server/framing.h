/* Where a request ends must be certain. If this server and the proxy before it disagree about that, one of
 * them takes a part of one sender's body for the request of another sender (request smuggling). Thread:
 * any. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_FRAMING_H
#define ALMONER_GATEWAY_INTAKE_SERVER_FRAMING_H

struct MHD_Connection;

/* NULL: the end is certain. Otherwise the reason, a static text, for which the request is answered 400 and
 * the connection closed (RFC 9112, sections 6.1 and 6.3). `version`: "HTTP/1.1" or another. */
const char *framing_fault(struct MHD_Connection *mhd, const char *version);

#endif
