/* The options and settings of the accounting connector. */
#include <stdlib.h>
#include <string.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/error.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

const struct almoner_option quickbooks_options[QB_OPTION_COUNT] = {
	KIT_OPTION("provider", CHOICE, .fallback = "\"quickbooks\"", .choices = "quickbooks",
			   .help = "Which accounting system"),
	KIT_OPTION("base_url", URL, .fallback = "\"https://quickbooks.api.intuit.com\"",
			   .help = "Address of the API; the sandbox is https://sandbox-quickbooks.api.intuit.com"),
	KIT_OPTION("realm_id", STRING, .required = 1, .help = "Number of the company"),
	KIT_OPTION("access_token", STRING, .required = 1, .secret = 1, .help = "OAuth 2 access token"),
	KIT_OPTION("item_ref", STRING, .required = 1,
			   .help = "Id of the product or service under which donations are booked"),
	KIT_OPTION("deposit_account", STRING,
			   .help = "Id of the account that receives the money; without it QuickBooks chooses"),
	KIT_OPTION("customer_name", STRING, .fallback = "\"{{donor.name?}}\"",
			   .help = "Display name of the customer; text template. If the result is empty, the e-mail "
					   "address is the name"),
	KIT_OPTION("anonymous_customer", STRING, .fallback = "\"Anonymous donor\"",
			   .help = "Customer of the gifts that name no donor"),
	KIT_OPTION("home_currency", STRING,
			   .help = "Currency of the books (EUR). Documents in it then name no currency, which companies "
					   "without multi-currency need"),
	KIT_OPTION("minor_version", INTEGER, .fallback = "75", .help = "Minor version of the API"),
};

static int make_base(struct quickbooks_settings *s, struct almoner_error *error)
{
	char *url = kit_settings_base_url(s->kit.json, "base_url", error);
	char *realm = kit_settings_text(s->kit.json, "realm_id");
	int rc = url != NULL ? 0 : -1;
	if (rc == 0 && (realm == NULL || strspn(realm, "0123456789") != strlen(realm)))
		rc = kit_error_set(error, "realm_id: must be a number");
	if (rc == 0)
		rc = asprintf(&s->base, "%s/v3/company/%s", url, realm) < 0 ? -1 : 0;
	free(url);
	free(realm);
	return rc;
}

int quickbooks_settings_read(struct quickbooks_settings *s, struct almoner_error *error)
{
	const json_t *json = s->kit.json;
	if (make_base(s, error) != 0)
		return -1;
	s->authorization = kit_settings_bearer(json, "access_token", &s->kit.secrets, error);
	if (s->authorization == NULL)
		return -1;
	s->item = kit_settings_text(json, "item_ref");
	s->deposit_account = kit_settings_text(json, "deposit_account");
	s->customer_name = kit_settings_text(json, "customer_name");
	s->anonymous = kit_settings_text(json, "anonymous_customer");
	s->home_currency = kit_settings_text(json, "home_currency");
	s->minor_version = kit_settings_integer(json, "minor_version", 75);
	if (s->item == NULL || s->customer_name == NULL || s->anonymous == NULL)
		return kit_error_set(error, "item_ref, customer_name and anonymous_customer must not be empty");
	if (s->home_currency != NULL && strlen(s->home_currency) != 3)
		return kit_error_set(error, "home_currency: must be three letters such as EUR");
	return kit_template_check_text(s->customer_name, "customer_name", s->kit.host, error);
}

void quickbooks_settings_free(struct quickbooks_settings *s)
{
	free(s->base);
	kit_secrets_wipe(s->authorization);
	free(s->item);
	free(s->deposit_account);
	free(s->customer_name);
	free(s->anonymous);
	free(s->home_currency);
}
