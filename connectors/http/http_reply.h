/* What a reply says, read by the conditions and paths of the settings, and the outcomes made of it. */
#ifndef ALMONER_CONNECTORS_HTTP_REPLY_H
#define ALMONER_CONNECTORS_HTTP_REPLY_H

#include "connectors/http/http_request.h"

/* True if the status is one that the condition lists; without a list, any 2xx. */
bool http_reply_status_fits(const struct reply_condition *condition, uint32_t status);
/* The body as JSON. NULL if `wanted` is false, so that only a body that a setting looks into is parsed; also
 * if the body is truncated or not JSON. */
json_t *http_reply_body(const struct http_attempt *a, bool wanted);
/* Writes the id at `path` into the result; nothing if the path is NULL or the reply has no id there. */
void http_reply_take_id(struct http_attempt *a, const json_t *body, const char *path);

/* The next functions end the attempt and return what `next` has to return. `what` starts the detail; NULL:
 * nothing. */
int http_reply_finish(struct http_attempt *a, uint32_t result_class, const char *what, const char *message);
/* Adds the target's own error text, from the path in the setting `error`. */
int http_reply_finish_failed(struct http_attempt *a, uint32_t result_class, const char *what);
/* For a reply whose status means success: the body may still say otherwise. */
int http_reply_finish_success(struct http_attempt *a);

#endif
