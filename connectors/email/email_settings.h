/* The email connector's settings, read once when an instance is opened. */
#ifndef ALMONER_CONNECTORS_EMAIL_SETTINGS_H
#define ALMONER_CONNECTORS_EMAIL_SETTINGS_H

#include <jansson.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/mustache.h"

#define EMAIL_OPTION_COUNT 14
extern const struct almoner_option email_settings_options[EMAIL_OPTION_COUNT];

struct email_settings {
	json_t *json;
	char *host;
	uint32_t port;
	uint32_t tls; /* enum almoner_mail_tls */
	char *username;
	char *password;
	char *from;
	char *from_name;
	char *reply_to;
	char *to;      /* text template */
	char *subject; /* text template */
	struct kit_mustache *text;
	struct kit_mustache *html;
	const json_t *headers; /* of json */
	struct kit_secrets secrets;
};

int email_settings_read(struct email_settings *s, struct almoner_text text, struct almoner_error *error);
void email_settings_free(struct email_settings *s);

#endif
