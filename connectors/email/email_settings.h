/* The settings of the email connector, read once when an instance is opened. */
#ifndef ALMONER_CONNECTORS_EMAIL_SETTINGS_H
#define ALMONER_CONNECTORS_EMAIL_SETTINGS_H

#include "connectors/kit/mustache.h"
#include "connectors/kit/shell.h"

#define EMAIL_OPTION_COUNT 14
extern const struct almoner_option email_settings_options[EMAIL_OPTION_COUNT];

struct email_settings {
	struct kit_instance kit;
	char *host;
	uint32_t port;
	uint32_t tls;   /* enum almoner_mail_tls */
	char *username; /* NULL, like the password: no login */
	char *password;
	char *from;
	char *from_name; /* NULL: only the address */
	char *reply_to;  /* NULL: replies go to `from` */
	char *to;        /* text template */
	char *subject;   /* text template */
	struct kit_mustache *text;
	struct kit_mustache *html; /* NULL: the mail has no HTML form */
	const json_t *headers;     /* borrowed from kit.json */
};

/* Reads s->kit.json. Returns 0, or -1 with `error` filled; email_settings_free is needed in both cases. */
int email_settings_read(struct email_settings *s, struct almoner_error *error);
void email_settings_free(struct email_settings *s);

#endif
