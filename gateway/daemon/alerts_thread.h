/* The thread that checks once a second whether an alert must be raised or ended. It reads the figures of
 * intake, engine and journal, and from the store what is in attention, and passes them to
 * gateway/alerts/alerts.h. It is a thread of its own because reading the store takes time that neither the
 * engine nor the journal may lose. */
#ifndef ALMONER_GATEWAY_DAEMON_ALERTS_THREAD_H
#define ALMONER_GATEWAY_DAEMON_ALERTS_THREAD_H

#include <jansson.h>

#include "saga/base/err.h"

struct daemon;
struct alerts_thread;

/* Call it after intake has started. */
int alerts_thread_start(struct daemon *d, struct alerts_thread **ret, struct err *err) MUST_CHECK;
/* Call it before intake and cell are destroyed: the thread reads them. NULL is accepted. */
void alerts_thread_stop(struct alerts_thread *w);
/* The raised alerts, a new reference: [{"name", "subject", "since", "text"}]. Thread: any. */
json_t *alerts_thread_json(struct alerts_thread *w);

#endif
