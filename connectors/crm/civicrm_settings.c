#include <stdlib.h>
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/json.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

#define OPTION(name_, type_, ...) { .name = name_, .type = ALMONER_OPTION_##type_, __VA_ARGS__ }

const struct almoner_option civicrm_options[CIVI_OPTION_COUNT] = {
	OPTION("provider", CHOICE, .fallback = "\"civicrm\"", .choices = "civicrm", .help = "Which CRM"),
	OPTION("base_url", URL, .required = 1, .help = "Address of the site: https://charity.example"),
	OPTION("api_path", STRING, .fallback = "\"/civicrm/ajax/api4\"", .help = "Path of APIv4 on it"),
	OPTION("api_key", STRING, .required = 1, .secret = 1,
		   .help = "API key of a user; needs the authx extension"),
	OPTION(
		"match", CHOICE, .fallback = "\"email\"", .choices = "email|external_identifier",
		.help =
			"How a donor is recognised; external_identifier is the event's donor.id. The target's order.by "
			"should say the same, or two first gifts at once make two contacts"),
	OPTION(
		"existing", CHOICE, .fallback = "\"fill\"", .choices = "keep|fill|overwrite",
		.help =
			"Names of a contact that exists: keep them, fill in empty ones, or overwrite them with what the "
			"event carries; what it does not carry is never touched"),
	OPTION("anonymous_contact", INTEGER, .fallback = "0",
		   .help =
			   "Id of the contact that gifts without any donor are booked on; 0: such gifts are rejected"),
	OPTION("financial_type", STRING, .fallback = "\"Donation\"", .help = "Name of the financial type"),
	OPTION("payment_instrument", STRING, .help = "Name of the payment method; without it CiviCRM decides"),
	OPTION("status", STRING, .fallback = "\"Completed\"", .help = "Name of the contribution status"),
	OPTION("trxn_id", STRING,
		   .help =
			   "The contribution's unique transaction id, text template; by default made from source, event "
			   "and step"),
	OPTION(
		"contribution", JSON, .fallback = "{}",
		.help =
			"Further fields of the contribution, JSON template: {\"campaign_id:name\": \"{{campaign?}}\"}"),
	OPTION("source", STRING, .fallback = "\"almoner\"",
		   .help = "Source of the contribution, as people see it"),
};

static int make_base(struct civicrm_settings *s, struct almoner_error *error)
{
	char *url = kit_settings_text(s->json, "base_url");
	char *path = kit_settings_text(s->json, "api_path");
	int rc = -1;
	size_t len = url != NULL ? strlen(url) : 0;
	while (len > 0 && url[len - 1] == '/')
		len--;
	if (url == NULL || kit_template_has_tags(url) || strpbrk(url, "?#") != NULL ||
		kit_template_check_url(url, "base_url", error) != 0)
		(void)kit_error_set(error,
							"base_url: must be an absolute http or https address without tags and query");
	else if (path == NULL || *path != '/' || strpbrk(path, " ?#\r\n") != NULL)
		(void)kit_error_set(error, "api_path: must begin with / and hold no query");
	else
		rc = asprintf(&s->base, "%.*s%s", (int)len, url, path) < 0 ? -1 : 0;
	free(url);
	free(path);
	return rc;
}

static int make_authorization(struct civicrm_settings *s, struct almoner_error *error)
{
	char *key = kit_settings_text(s->json, "api_key");
	int rc = -1;
	if (key == NULL || strpbrk(key, " \r\n\t") != NULL)
		(void)kit_error_set(error, "api_key: must be one word");
	else
		rc = asprintf(&s->authorization, "Bearer %s", key) < 0 ? -1 : 0;
	kit_secrets_add(&s->secrets, key);
	free(key);
	return rc;
}

static int check_contribution(const json_t *fields, struct almoner_error *error)
{
	static const char *const reserved[] = { "contact_id", "total_amount", "currency", "trxn_id", "id" };
	if (!json_is_object(fields))
		return kit_error_set(error, "contribution: must be an object of fields");
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (json_object_get(fields, reserved[i]) != NULL)
			return kit_error_set(error, "contribution: %s is set by the connector", reserved[i]);
	return kit_template_check(fields, "contribution", error);
}

static void take(struct civicrm_settings *s)
{
	s->financial_type = kit_settings_text(s->json, "financial_type");
	s->payment_instrument = kit_settings_text(s->json, "payment_instrument");
	s->status = kit_settings_text(s->json, "status");
	s->trxn_id = kit_settings_text(s->json, "trxn_id");
	s->contribution = json_object_get(s->json, "contribution");
	s->match_external = kit_settings_choice_is(s->json, "match", "external_identifier");
	s->existing = kit_settings_choice_is(s->json, "existing", "keep")        ? CIVI_KEEP
				  : kit_settings_choice_is(s->json, "existing", "overwrite") ? CIVI_OVERWRITE
																			 : CIVI_FILL;
	s->anonymous_contact = kit_settings_integer(s->json, "anonymous_contact", 0);
}

int civicrm_settings_read(struct civicrm_settings *s, struct almoner_text text, struct almoner_error *error)
{
	s->json = kit_json_parse(text);
	take(s);
	if (make_base(s, error) != 0 || make_authorization(s, error) != 0 ||
		check_contribution(s->contribution, error) != 0)
		return -1;
	if (s->financial_type == NULL || s->status == NULL)
		return kit_error_set(error, "financial_type and status must not be empty");
	if (s->anonymous_contact < 0)
		return kit_error_set(error, "anonymous_contact: must be the id of a contact, or 0");
	return s->trxn_id == NULL ? 0 : kit_template_check_text(s->trxn_id, "trxn_id", error);
}

void civicrm_settings_free(struct civicrm_settings *s)
{
	free(s->base);
	if (s->authorization != NULL)
		explicit_bzero(s->authorization, strlen(s->authorization));
	free(s->authorization);
	free(s->financial_type);
	free(s->payment_instrument);
	free(s->status);
	free(s->trxn_id);
	kit_secrets_free(&s->secrets);
	json_decref(s->json);
}
