/* The http connector's settings, read once when an instance is opened. */
#ifndef ALMONER_CONNECTORS_HTTP_SETTINGS_H
#define ALMONER_CONNECTORS_HTTP_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/kit/answer.h"

#define HTTP_STATUSES_MAX 32

struct http_statuses {
	uint32_t items[HTTP_STATUSES_MAX];
	size_t count;
};

bool http_settings_status_in(const struct http_statuses *statuses, uint32_t status);

enum http_body_kind { BODY_NONE, BODY_EVENT, BODY_JSON, BODY_TEXT };

/* One request as configured. */
struct request_settings {
	bool present;
	char *method;
	char *url;
	bool url_has_tags;
	enum http_body_kind body_kind;
	const json_t *body;     /* BODY_JSON, BODY_TEXT; belongs to the settings */
	enum kit_escape escape; /* BODY_TEXT */
	const char *content_type;
};

struct header_setting {
	const char *name;
	const char *value;
	bool has_tags;
};

/* A condition on a reply: its status, and what stands at a path. */
struct reply_condition {
	struct http_statuses status; /* empty: any 2xx */
	char *path;                  /* NULL: the status alone decides */
	const json_t *equals;        /* NULL: something must be there; of a look-up it is a template */
};

struct http_settings {
	json_t *json;
	struct request_settings do_request;
	struct request_settings undo;
	struct request_settings lookup;
	struct request_settings version; /* read before DO; its ETag makes the write conditional */
	struct header_setting headers[KIT_ANSWER_HEADERS_MAX];
	size_t header_count;
	char *content_type; /* NULL: by the kind of body */
	char *key_header;   /* NULL: the key is not sent */
	bool key_quoted;
	struct reply_condition success;
	struct reply_condition found;
	struct http_statuses exists;
	struct http_statuses gone; /* for undo: nothing is there any more */
	bool nothing_is_safe;
	bool undo_idempotent;
	char *id_path;
	char *error_path;
	char *lookup_id_path;
	uint32_t repeat;
	uint64_t repeat_ttl_ms;
	struct kit_secrets secrets;
};

#define HTTP_OPTION_COUNT 16
extern const struct almoner_option http_settings_options[HTTP_OPTION_COUNT];

int http_settings_read(struct http_settings *s, struct almoner_text text, struct almoner_error *error);
void http_settings_free(struct http_settings *s);

#endif
