#include <stdlib.h>
#include <string.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/json.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

#define OPTION(name_, type_, ...) { .name = name_, .type = ALMONER_OPTION_##type_, __VA_ARGS__ }

const struct almoner_option quickbooks_options[QB_OPTION_COUNT] = {
	OPTION("provider", CHOICE, .fallback = "\"quickbooks\"", .choices = "quickbooks",
		   .help = "Which accounting system"),
	OPTION("base_url", URL, .fallback = "\"https://quickbooks.api.intuit.com\"",
		   .help = "Where the API is; the sandbox is https://sandbox-quickbooks.api.intuit.com"),
	OPTION("realm_id", STRING, .required = 1, .help = "Number of the company"),
	OPTION("access_token", STRING, .required = 1, .secret = 1, .help = "OAuth 2 access token"),
	OPTION("item_ref", STRING, .required = 1,
		   .help = "Id of the product or service that donations are booked on"),
	OPTION("deposit_account", STRING,
		   .help = "Id of the account the money goes to; without it QuickBooks decides"),
	OPTION("customer_name", STRING, .fallback = "\"{{donor.name?}}\"",
		   .help = "Display name of the customer; text template; the e-mail address when it comes out empty"),
	OPTION("anonymous_customer", STRING, .fallback = "\"Anonymous donor\"",
		   .help = "Customer that gifts without name and address are booked on"),
	OPTION("home_currency", STRING,
		   .help = "Currency of the books, EUR: documents in it then name no currency, as companies without "
				   "multi-currency want it"),
	OPTION("minor_version", INTEGER, .fallback = "75", .help = "Minor version of the API"),
};

static int make_base(struct quickbooks_settings *s, const json_t *json, struct almoner_error *error)
{
	char *url = kit_settings_text(json, "base_url");
	char *realm = kit_settings_text(json, "realm_id");
	int rc = -1;
	if (url == NULL || kit_template_has_tags(url) || kit_template_check_url(url, "base_url", error) != 0)
		(void)kit_error_set(error, "base_url: must be an absolute http or https address without tags");
	else if (realm == NULL || strspn(realm, "0123456789") != strlen(realm))
		(void)kit_error_set(error, "realm_id: must be a number");
	else {
		size_t len = strlen(url);
		while (len > 0 && url[len - 1] == '/')
			len--;
		rc = asprintf(&s->base, "%.*s/v3/company/%s", (int)len, url, realm) < 0 ? -1 : 0;
	}
	free(url);
	free(realm);
	return rc;
}

static int make_authorization(struct quickbooks_settings *s, const json_t *json, struct almoner_error *error)
{
	char *token = kit_settings_text(json, "access_token");
	int rc = -1;
	if (token == NULL || strpbrk(token, " \r\n\t") != NULL)
		(void)kit_error_set(error, "access_token: must be one word");
	else
		rc = asprintf(&s->authorization, "Bearer %s", token) < 0 ? -1 : 0;
	kit_secrets_add(&s->secrets, token);
	free(token);
	return rc;
}

static int take(struct quickbooks_settings *s, const json_t *json, struct almoner_error *error)
{
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
	return kit_template_check_text(s->customer_name, "customer_name", error);
}

int quickbooks_settings_read(struct quickbooks_settings *s, struct almoner_text text,
							 struct almoner_error *error)
{
	json_t *json AUTO_JSON = kit_json_parse(text);
	if (make_base(s, json, error) != 0 || make_authorization(s, json, error) != 0)
		return -1;
	return take(s, json, error);
}

void quickbooks_settings_free(struct quickbooks_settings *s)
{
	free(s->base);
	if (s->authorization != NULL)
		explicit_bzero(s->authorization, strlen(s->authorization));
	free(s->authorization);
	free(s->item);
	free(s->deposit_account);
	free(s->customer_name);
	free(s->anonymous);
	free(s->home_currency);
	kit_secrets_free(&s->secrets);
}
