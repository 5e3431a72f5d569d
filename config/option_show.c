/* Filled structs as JSON, by the option tables: for digests and for comparing two configurations. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/option.h"
#include "config/units.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

static const void *field(const struct config_option *option, const void *base)
{
	return (const char *)base + option->offset;
}

static json_t *show_bool(const struct config_option *option, const void *base)
{
	return json_boolean(*(const bool *)field(option, base));
}

static json_t *show_integer(const struct config_option *option, const void *base)
{
	return json_integer(*(const int64_t *)field(option, base));
}

static json_t *show_number(const struct config_option *option, const void *base)
{
	return json_real(*(const double *)field(option, base));
}

static json_t *show_duration(const struct config_option *option, const void *base)
{
	int64_t ms = *(const int64_t *)field(option, base);
	char text[UNITS_TEXT_BYTES];

	units_duration_text(ms, text);
	return json_string(text);
}

static json_t *show_size(const struct config_option *option, const void *base)
{
	char text[UNITS_TEXT_BYTES];

	units_size_text(*(const int64_t *)field(option, base), text);
	return json_string(text);
}

static json_t *show_rate(const struct config_option *option, const void *base)
{
	char text[UNITS_TEXT_BYTES];

	units_rate_text(*(const struct config_rate *)field(option, base), text);
	return json_string(text);
}

static json_t *show_string(const struct config_option *option, const void *base)
{
	const char *text = *(char *const *)field(option, base);

	return text == NULL ? NULL : json_string(text);
}

static json_t *show_choice(const struct config_option *option, const void *base)
{
	unsigned index;
	char *name AUTO_FREE = NULL;

	memcpy(&index, field(option, base), sizeof(index));
	name = option_choice_name(option->choices, index);
	return json_string(name);
}

static json_t *show_mark(const struct config_option *option, const void *base)
{
	return *(const bool *)field(option, base) ? json_string(option->choices) : NULL;
}

static json_t *show_list_at(const struct config_list *list)
{
	json_t *array;

	if (list->count == 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->items[i]));
	return array;
}

static json_t *show_list(const struct config_option *option, const void *base)
{
	return show_list_at(field(option, base));
}

static json_t *show_address(const struct config_option *option, const void *base)
{
	const struct config_listen *listen = base;

	(void)option;
	return listen->host == NULL ? NULL : json_sprintf("%s:%u", listen->host, (unsigned)listen->port);
}

static json_t *show_store(const struct config_option *option, const void *base)
{
	const struct config_store *store = base;

	(void)option;
	return store->path == NULL ? NULL : json_sprintf("sqlite:%s", store->path);
}

/* Shows the addresses of trusted_proxies as hexadecimal digits: enough to compare two configurations, and
 * independent of how the addresses are written. */
static json_t *show_cidrs(const struct config_option *option, const void *base)
{
	const struct config *config = base;
	json_t *array;

	(void)option;
	if (config->trusted_proxy_count == 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < config->trusted_proxy_count; i++) {
		char hex[sizeof(config->trusted_proxies[i].addr) * 2 + 1];

		hex_encode(config->trusted_proxies[i].addr, sizeof(config->trusted_proxies[i].addr), hex);
		json_array_append_new(array, json_sprintf("%s/%u", hex, (unsigned)config->trusted_proxies[i].bits));
	}
	return array;
}

static json_t *show_event_id(const struct config_option *option, const void *base)
{
	const struct config_source *source = base;

	(void)option;
	if (source->event_id_header != NULL)
		return json_pack("{s:s}", "header", source->event_id_header);
	return source->event_id == NULL ? NULL : json_string(source->event_id);
}

static json_t *show_order_by(const struct config_option *option, const void *base)
{
	const struct config_order *order = base;

	(void)option;
	if (order->standard)
		return NULL;
	return order->by.count == 0 ? json_string("") : show_list_at(&order->by);
}

/* Secrets as digests, which show that a secret changed, and nothing else. */
static json_t *show_secrets(const struct config_source *source)
{
	json_t *array = json_array();

	for (size_t i = 0; i < source->secret_count; i++) {
		uint8_t digest[DIGEST_BYTES];
		char hex[2 * DIGEST_BYTES + 1];

		digest_bytes(source->secrets[i].value, source->secrets[i].len, digest);
		hex_encode(digest, sizeof(digest), hex);
		json_array_append_new(array, json_string(hex));
	}
	return array;
}

typedef json_t *show_function(const struct config_option *option, const void *base);

static show_function *const shows[] = {
	[OPTION_BOOL] = show_bool,         [OPTION_INTEGER] = show_integer, [OPTION_NUMBER] = show_number,
	[OPTION_DURATION] = show_duration, [OPTION_SIZE] = show_size,       [OPTION_RATE] = show_rate,
	[OPTION_STRING] = show_string,     [OPTION_PATH] = show_string,     [OPTION_CHOICE] = show_choice,
	[OPTION_MARK] = show_mark,         [OPTION_JQ] = show_string,       [OPTION_TEXTS] = show_list,
	[OPTION_JQS] = show_list,          [OPTION_PATHS] = show_list,      [OPTION_ADDRESS] = show_address,
	[OPTION_SOCKETS] = show_list,      [OPTION_URL] = show_string,      [OPTION_STORE] = show_store,
	[OPTION_TIMEZONE] = show_string,   [OPTION_CIDRS] = show_cidrs,     [OPTION_EVENT_ID] = show_event_id,
	[OPTION_ORDER_BY] = show_order_by, [OPTION_NAMES] = NULL,
};

/* Settings are shown as written unless `secrets`: there $env and $file references stand for the secrets. */
json_t *option_show(const struct config_option *option, const void *base, bool secrets)
{
	if (option->type == OPTION_OBJECT || option->type == OPTION_VERIFY)
		return option_show_all(option->section, field(option, base), secrets);
	if (option->type == OPTION_SETTINGS) {
		const struct config_target *target = base;

		return json_deep_copy(secrets ? target->settings : target->written);
	}
	if (option->type == OPTION_SECRETS)
		return secrets ? show_secrets(base) : NULL;
	return shows[option->type] == NULL ? NULL : shows[option->type](option, base);
}

json_t *option_show_all(const struct config_section *section, const void *base, bool secrets)
{
	json_t *object = json_object();

	for (size_t i = 0; i < section->count; i++) {
		json_t *value = option_show(&section->options[i], base, secrets);

		if (value != NULL)
			json_object_set_new(object, section->options[i].name, value);
	}
	return object;
}
