/* The settings of the http connector, read once when an instance is opened. */
#ifndef ALMONER_CONNECTORS_HTTP_SETTINGS_H
#define ALMONER_CONNECTORS_HTTP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/kit/escape.h"
#include "connectors/kit/shell.h"

/* In one list of the settings. There are about 60 registered statuses; chosen; no measurement. */
#define HTTP_STATUSES_MAX 32

struct http_statuses {
	uint32_t items[HTTP_STATUSES_MAX];
	size_t count;
};

bool http_settings_status_in(const struct http_statuses *statuses, uint32_t status);

enum http_body_kind {
	BODY_NONE,
	BODY_EVENT, /* the canonical event, unchanged */
	BODY_JSON,  /* a JSON template */
	BODY_TEXT   /* a text template */
};

/* One request that the settings describe. */
struct request_settings {
	bool present;
	char *method;
	char *url;
	bool url_has_tags;
	enum http_body_kind body_kind;
	const json_t *body;       /* BODY_JSON, BODY_TEXT; borrowed from the settings */
	enum kit_escape escape;   /* BODY_TEXT */
	const char *content_type; /* the Content-Type of the body; borrowed from the settings, or static */
};

/* Borrowed from the settings. */
struct header_setting {
	const char *name;
	const char *value;
	bool has_tags;
};

/* A condition on a reply: its status, and a value in its body. */
struct reply_condition {
	struct http_statuses status; /* empty: any 2xx */
	char *path;                  /* NULL: only the status decides */
	/* the value to compare with, borrowed; a template for look-ups; NULL: any present value fits */
	const json_t *equals;
};

struct http_settings {
	struct kit_instance kit;
	struct request_settings do_request;
	struct request_settings undo;
	struct request_settings lookup;
	/* the request that reads the ETag before DO, which makes the write conditional */
	struct request_settings version;
	struct header_setting headers[KIT_ANSWER_HEADERS_MAX];
	size_t header_count;
	char *content_type; /* the Content-Type from the settings; NULL: the kind of body decides */
	char *key_header;   /* NULL: the key is not sent */
	bool key_quoted;
	struct reply_condition success;
	struct reply_condition found;
	struct http_statuses exists;
	struct http_statuses gone; /* replies to an undo which mean that the target has nothing left to undo */
	bool nothing_is_safe;
	bool undo_idempotent;
	char *id_path;
	char *error_path;
	char *lookup_id_path;
	uint32_t repeat; /* enum almoner_repeat */
	uint64_t repeat_ttl_ms;
};

#define HTTP_OPTION_COUNT 16
extern const struct almoner_option http_settings_options[HTTP_OPTION_COUNT];

/* Reads s->kit.json. Returns 0, or -1 with `error` filled; http_settings_free is needed in both cases. */
int http_settings_read(struct http_settings *s, struct almoner_error *error);
void http_settings_free(struct http_settings *s);

#endif
