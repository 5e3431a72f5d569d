/* Look-ups of the http connector: is there a record of this step at the target? */
#ifndef ALMONER_CONNECTORS_HTTP_LOOKUP_H
#define ALMONER_CONNECTORS_HTTP_LOOKUP_H

#include "connectors/http/http_request.h"

/* The class of a look-up that gave no answer. A 200 that cannot be read counts as trouble of the target. */
uint32_t http_lookup_unclear_class(const struct almoner_reply *reply);

/* Each handles the reply to the look-up of one phase and returns what `next` has to return. */
int http_lookup_on_reply(struct http_attempt *a);      /* HTTP_PHASE_LOOKUP */
int http_lookup_on_confirm(struct http_attempt *a);    /* HTTP_PHASE_CONFIRM */
int http_lookup_on_after_race(struct http_attempt *a); /* HTTP_PHASE_AFTER_RACE */
int http_lookup_on_undo(struct http_attempt *a);       /* HTTP_PHASE_UNDO_LOOKUP */

#endif
