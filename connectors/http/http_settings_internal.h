/* Shared by the files that read the settings of the http connector. Each function returns 0, or -1 with
 * `error` filled; `where` names the setting in the error. */
#ifndef ALMONER_CONNECTORS_HTTP_SETTINGS_INTERNAL_H
#define ALMONER_CONNECTORS_HTTP_SETTINGS_INTERNAL_H

#include "connectors/http/http_settings.h"

/* Reads the object `headers` into s->headers. */
int http_headers_read(struct http_settings *s, const json_t *headers, struct almoner_error *error);
/* Adds to the secrets what may be a credential: the words of fixed header values, and the values in the query
 * of each URL. Called when headers and requests are read. */
void http_headers_add_secrets(struct http_settings *s);

/* Fails if `object` is not an object or has a member that is not one of `known`, a list that ends with
 * NULL. */
int http_members_check(const json_t *object, const char *where, const char *const *known,
					   struct almoner_error *error);
/* Reads one status or a list of statuses into `to`; an absent `value` leaves `to` unchanged. */
int http_members_statuses(struct http_statuses *to, const json_t *value, const char *where,
						  struct almoner_error *error);
/* Reads a path as an owned text; NULL if it is absent. */
int http_members_path(char **to, const json_t *object, const char *name, const char *where,
					  struct almoner_error *error);

#endif
