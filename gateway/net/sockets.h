/* The sockets of libcurl's connections, watched by the loop. Thread: the loop's. */
#ifndef ALMONER_GATEWAY_NET_SOCKETS_H
#define ALMONER_GATEWAY_NET_SOCKETS_H

#include <curl/curl.h>

#include "saga/base/check.h"

struct exchange;
struct loop;
struct sockets;

/* Sets the socket callback of `multi`. `loop` and `multi` are borrowed and must outlive the sockets. */
struct sockets *sockets_create(struct loop *loop, CURLM *multi);
/* Call it after curl_multi_cleanup, which still closes sockets through these callbacks. */
void sockets_destroy(struct sockets *sockets);

/* Makes the exchange's handle open and close its connections through `sockets`. The exchange must have
 * x->sockets set to the same. */
MUST_CHECK CURLcode sockets_attach(struct sockets *sockets, struct exchange *x);

#endif
