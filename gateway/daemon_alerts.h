/* Looks at the daemon once a second and tells what it finds to alerts.c, on a thread of its own: what needs
 * attention is read from the store. */
#ifndef ALMONER_GATEWAY_DAEMON_ALERTS_H
#define ALMONER_GATEWAY_DAEMON_ALERTS_H

#include <jansson.h>

#include "saga/base/err.h"

struct daemon;
struct daemon_alerts;

/* After intake, engine and journal have begun; daemon_alerts_stop before they end (NULL is accepted). */
int daemon_alerts_start(struct daemon *d, struct daemon_alerts **ret, struct err *err) MUST_CHECK;
void daemon_alerts_stop(struct daemon_alerts *w);
/* [{"name", "subject", "since", "text"}]. Thread: any. */
json_t *daemon_alerts_json(struct daemon_alerts *w);

#endif
