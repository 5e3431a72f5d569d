/* The options and settings of the crm connector. */
#include <stdlib.h>
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/error.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

const struct almoner_option civicrm_options[CIVI_OPTION_COUNT] = {
	KIT_OPTION("provider", CHOICE, .fallback = "\"civicrm\"", .choices = "civicrm", .help = "Which CRM"),
	KIT_OPTION("base_url", URL, .required = 1, .help = "Address of the site: https://charity.example"),
	KIT_OPTION("api_path", STRING, .fallback = "\"/civicrm/ajax/api4\"", .help = "Path of APIv4 on the site"),
	KIT_OPTION("api_key", STRING, .required = 1, .secret = 1,
			   .help = "API key of a user; needs the authx extension"),
	KIT_OPTION(
		"match", CHOICE, .fallback = "\"email\"", .choices = "email|external_identifier",
		.help =
			"How a donor is recognised; external_identifier is donor.id of the event. order.by of the target "
			"should use the same field, otherwise two first gifts at the same time create two contacts"),
	KIT_OPTION("existing", CHOICE, .fallback = "\"fill\"", .choices = "keep|fill|overwrite",
			   .help =
				   "What a gift may change in a contact that exists: keep changes nothing, fill fills in "
				   "empty names "
				   "and phone numbers, overwrite replaces them. A value that the event lacks never changes "
				   "anything"),
	KIT_OPTION("anonymous_contact", INTEGER, .fallback = "0",
			   .help = "Id of the contact of gifts that name no donor; 0: such gifts are rejected"),
	KIT_OPTION("financial_type", STRING, .fallback = "\"Donation\"", .help = "Name of the financial type"),
	KIT_OPTION("payment_instrument", STRING,
			   .help = "Name of the payment method; without it CiviCRM chooses"),
	KIT_OPTION("status", STRING, .fallback = "\"Completed\"", .help = "Name of the contribution status"),
	KIT_OPTION(
		"trxn_id", STRING,
		.help =
			"Unique transaction id of the contribution; text template. The default is made of source, event "
			"and step"),
	KIT_OPTION(
		"contribution", JSON, .fallback = "{}",
		.help = "More fields of the contribution; JSON template: {\"campaign_id:name\": \"{{campaign?}}\"}"),
	KIT_OPTION("source", STRING, .fallback = "\"almoner\"",
			   .help = "Source of the contribution that users of CiviCRM see"),
};

/* The API is below the site. The path is a setting because sites that run in a CMS have other paths. */
static int make_base(struct civicrm_settings *s, struct almoner_error *error)
{
	char *url = kit_settings_base_url(s->kit.json, "base_url", error);
	char *path = kit_settings_text(s->kit.json, "api_path");
	int rc = url != NULL ? 0 : -1;
	if (rc == 0 && strpbrk(url, "?#") != NULL)
		rc = kit_error_set(error, "base_url: must not contain a query or a fragment");
	if (rc == 0 && (path == NULL || *path != '/' || strpbrk(path, " ?#\r\n") != NULL))
		rc = kit_error_set(error, "api_path: must begin with / and must not contain a query");
	if (rc == 0)
		rc = asprintf(&s->base, "%s%s", url, path) < 0 ? -1 : 0;
	free(url);
	free(path);
	return rc;
}

/* The extra fields must not replace the ones that identify the gift. */
static int check_contribution(const struct civicrm_settings *s, struct almoner_error *error)
{
	static const char *const reserved[] = { "contact_id", "total_amount", "currency", "trxn_id", "id" };
	const json_t *fields = s->contribution;
	if (!json_is_object(fields))
		return kit_error_set(error, "contribution: must be an object of fields");
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (json_object_get(fields, reserved[i]) != NULL)
			return kit_error_set(error, "contribution: %s is set by the connector", reserved[i]);
	return kit_template_check(fields, "contribution", s->kit.host, error);
}

static enum civicrm_existing existing_of(const json_t *settings)
{
	if (kit_settings_choice_is(settings, "existing", "keep"))
		return CIVI_KEEP;
	return kit_settings_choice_is(settings, "existing", "overwrite") ? CIVI_OVERWRITE : CIVI_FILL;
}

/* The first wrong setting ends the reading; crm_close frees what was read before it. */
int civicrm_settings_read(struct civicrm_settings *s, struct almoner_error *error)
{
	const json_t *json = s->kit.json;
	if (make_base(s, error) != 0)
		return -1;
	s->authorization = kit_settings_bearer(json, "api_key", &s->kit.secrets, error);
	s->contribution = json_object_get(json, "contribution");
	if (s->authorization == NULL || check_contribution(s, error) != 0)
		return -1;
	s->financial_type = kit_settings_text(json, "financial_type");
	s->payment_instrument = kit_settings_text(json, "payment_instrument");
	s->status = kit_settings_text(json, "status");
	s->trxn_id = kit_settings_text(json, "trxn_id");
	s->match_external = kit_settings_choice_is(json, "match", "external_identifier");
	s->existing = existing_of(json);
	s->anonymous_contact = kit_settings_integer(json, "anonymous_contact", 0);
	if (s->financial_type == NULL || s->status == NULL)
		return kit_error_set(error, "financial_type and status must not be empty");
	if (s->anonymous_contact < 0)
		return kit_error_set(error, "anonymous_contact: must be the id of a contact, or 0");
	return s->trxn_id == NULL ? 0 : kit_template_check_text(s->trxn_id, "trxn_id", s->kit.host, error);
}

void civicrm_settings_free(struct civicrm_settings *s)
{
	free(s->base);
	kit_secrets_wipe(s->authorization);
	free(s->financial_type);
	free(s->payment_instrument);
	free(s->status);
	free(s->trxn_id);
}
