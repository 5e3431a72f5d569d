/* Looks at the daemon once a second and tells what it finds to alerts.c, on a thread of its own: what needs
 * attention is read from the store. */
#ifndef ALMONER_GATEWAY_DAEMON_ALERTS_THREAD_H
#define ALMONER_GATEWAY_DAEMON_ALERTS_THREAD_H

#include <jansson.h>

#include "saga/base/err.h"

struct daemon;
struct alerts_thread;

/* After intake, engine and journal have begun; alerts_thread_stop before they end (NULL is accepted). */
int alerts_thread_start(struct daemon *d, struct alerts_thread **ret, struct err *err) MUST_CHECK;
void alerts_thread_stop(struct alerts_thread *w);
/* [{"name", "subject", "since", "text"}]. Thread: any. */
json_t *alerts_thread_json(struct alerts_thread *w);

#endif
