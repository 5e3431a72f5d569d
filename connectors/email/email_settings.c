#include "connectors/email/email_settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/kit/error.h"
#include "connectors/kit/json.h"
#include "connectors/kit/mail_address.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

const struct almoner_option email_settings_options[EMAIL_OPTION_COUNT] = {
	KIT_OPTION("provider", CHOICE, .fallback = "\"smtp\"", .choices = "smtp", .help = "How mail is sent"),
	KIT_OPTION("host", STRING, .required = 1, .help = "Name of the mail server"),
	KIT_OPTION("port", INTEGER,
			   .help =
				   "Port of the mail server. The default is 25 without TLS, 587 with STARTTLS, 465 with TLS "
				   "from the start"),
	KIT_OPTION("tls", CHOICE, .fallback = "\"starttls\"", .choices = "none|starttls|tls",
			   .help = "If the server does not offer what starttls or tls asks for, no mail is sent"),
	KIT_OPTION("username", STRING, .help = "Name for the login; without it there is no login"),
	KIT_OPTION("password", STRING, .secret = 1, .help = "Password of that login"),
	KIT_OPTION("from", STRING, .required = 1,
			   .help = "Address of the sender, without a name: thanks@charity.example"),
	KIT_OPTION("from_name", STRING, .help = "Name of the sender that recipients see"),
	KIT_OPTION("reply_to", STRING, .help = "Address for replies, without a name"),
	KIT_OPTION("to", STRING, .fallback = "\"{{donor.email}}\"",
			   .help = "Address of the one recipient; text template"),
	KIT_OPTION("subject", STRING, .required = 1, .help = "Subject; text template"),
	KIT_OPTION("text", FILE, .required = 1, .help = "Mustache file of the plain text"),
	KIT_OPTION("html", FILE, .help = "Mustache file of the HTML form, sent as an alternative to the text"),
	KIT_OPTION("headers", JSON, .fallback = "{}",
			   .help = "More headers, by name; the values are text templates"),
};

/* ---- server and login ---- */

/* The value of the setting `tls` and the port that belongs to it (RFC 5321, RFC 6409, RFC 8314). */
struct tls_choice {
	const char *name;
	uint32_t tls;
	uint32_t port;
};

static void read_tls(struct email_settings *s)
{
	static const struct tls_choice choices[] = { { "none", ALMONER_TLS_NONE, 25 },
												 { "starttls", ALMONER_TLS_STARTTLS, 587 },
												 { "tls", ALMONER_TLS_DIRECT, 465 } };
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		if (kit_settings_choice_is(s->kit.json, "tls", choices[i].name)) {
			s->tls = choices[i].tls;
			s->port = choices[i].port;
		}
	}
}

static int read_port(struct email_settings *s, struct almoner_error *error)
{
	int64_t port = kit_settings_integer(s->kit.json, "port", s->port);
	if (port < 1 || port > 65535)
		return kit_error_set(error, "port: must be from 1 to 65535");
	s->port = (uint32_t)port;
	return 0;
}

/* A host of this machine: a password sent to it without TLS does not leave the machine. */
static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static int check_login(const struct email_settings *s, struct almoner_error *error)
{
	if ((s->username == NULL) != (s->password == NULL))
		return kit_error_set(error, "%s: is missing; username and password need each other",
							 s->username == NULL ? "username" : "password");
	if (s->password != NULL && s->tls == ALMONER_TLS_NONE && !is_loopback(s->host))
		return kit_error_set(error, "tls: \"none\" would send the password unencrypted; use starttls or tls");
	return 0;
}

/* ---- addresses, headers, templates ---- */

static int check_address(const char *where, const char *address, struct almoner_error *error)
{
	const char *fault = address == NULL ? NULL : kit_mail_address_fault(address);
	return fault == NULL ? 0 : kit_error_set(error, "%s: %s", where, fault);
}

/* Headers of the settings must not replace the ones that the connector writes, or add recipients. */
static bool is_set_by_connector(const char *name)
{
	static const char *const reserved[] = { "From",           "To",         "Cc",           "Bcc",
											"Sender",         "Reply-To",   "Subject",      "Date",
											"Resent-To",      "Message-ID", "MIME-Version", "Received",
											"Auto-Submitted", "Return-Path" };
	if (strncasecmp(name, "Content-", 8) == 0)
		return true;
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strcasecmp(reserved[i], name) == 0)
			return true;
	return false;
}

/* The names are checked now, so that no event can meet a wrong one; the values are templates. */
static int check_headers(const struct email_settings *s, struct almoner_error *error)
{
	const json_t *headers = s->headers;
	const char *name = NULL;
	json_t *value = NULL;
	if (headers != NULL && !json_is_object(headers))
		return kit_error_set(error, "headers: must be an object of names and texts");
	json_object_foreach(kit_json_at(headers, ""), name, value)
	{
		if (!kit_settings_is_token(name) || strlen(name) > 60)
			return kit_error_set(error, "headers: \"%.60s\" is not a valid header name", name);
		if (is_set_by_connector(name))
			return kit_error_set(error, "headers: %s is set by the connector", name);
		if (!json_is_string(value))
			return kit_error_set(error, "headers: the value of %s must be a string", name);
		if (kit_template_check_text(json_string_value(value), "headers", s->kit.host, error) != 0)
			return -1;
	}
	return 0;
}

static int read_templates(struct email_settings *s, struct almoner_error *error)
{
	const char *text = json_string_value(json_object_get(s->kit.json, "text"));
	const char *html = json_string_value(json_object_get(s->kit.json, "html"));
	if (kit_template_check_text(s->to, "to", s->kit.host, error) != 0 ||
		kit_template_check_text(s->subject, "subject", s->kit.host, error) != 0)
		return -1;
	s->text = kit_mustache_read(text != NULL ? text : "", "text", s->kit.host, error);
	if (html != NULL)
		s->html = kit_mustache_read(html, "html", s->kit.host, error);
	return s->text == NULL || (html != NULL && s->html == NULL) ? -1 : 0;
}

/* ---- all settings ---- */

static int take_texts(struct email_settings *s, struct almoner_error *error)
{
	s->host = kit_settings_text(s->kit.json, "host");
	s->username = kit_settings_text(s->kit.json, "username");
	s->password = kit_settings_text(s->kit.json, "password");
	s->from = kit_settings_text(s->kit.json, "from");
	s->from_name = kit_settings_text(s->kit.json, "from_name");
	s->reply_to = kit_settings_text(s->kit.json, "reply_to");
	s->to = kit_settings_text(s->kit.json, "to");
	s->subject = kit_settings_text(s->kit.json, "subject");
	if (s->host == NULL || strpbrk(s->host, " /@\r\n\t") != NULL)
		return kit_error_set(error, "host: must be the name of a mail server");
	if (s->from == NULL || s->to == NULL || s->subject == NULL)
		return kit_error_set(error, "from, to and subject must not be empty");
	return 0;
}

int email_settings_read(struct email_settings *s, struct almoner_error *error)
{
	s->headers = json_object_get(s->kit.json, "headers");
	read_tls(s);
	if (take_texts(s, error) != 0 || read_port(s, error) != 0 || check_login(s, error) != 0 ||
		check_address("from", s->from, error) != 0 || check_address("reply_to", s->reply_to, error) != 0 ||
		check_headers(s, error) != 0 || read_templates(s, error) != 0)
		return -1;
	kit_secrets_add(&s->kit.secrets, s->password);
	return 0;
}

void email_settings_free(struct email_settings *s)
{
	free(s->host);
	free(s->username);
	kit_secrets_wipe(s->password);
	free(s->from);
	free(s->from_name);
	free(s->reply_to);
	free(s->to);
	free(s->subject);
	kit_mustache_free(s->text);
	kit_mustache_free(s->html);
}
