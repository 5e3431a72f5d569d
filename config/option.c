/* Finding an option in its table, its choices, and freeing what an option owns. */
#include "config/option.h"

#include <stdlib.h>
#include <string.h>

#include "config/env.h"
#include "config/list.h"
#include "saga/base/mem.h"

const struct config_option *option_find(const struct config_section *section, const char *name)
{
	for (size_t i = 0; i < section->count; i++) {
		if (strcmp(section->options[i].name, name) == 0)
			return &section->options[i];
	}
	return NULL;
}

void *option_field(const struct config_option *option, void *base)
{
	return (char *)base + option->offset;
}

/* The enum of an option counts from 0 in the order of its choices, so the index is the enum value. */
int option_choice_index(const char *choices, const char *word)
{
	size_t len = strlen(word);

	for (int index = 0;; index++) {
		size_t here = strcspn(choices, "|");

		if (here == len && strncmp(choices, word, len) == 0)
			return index;
		if (choices[here] == '\0')
			return -1;
		choices += here + 1;
	}
}

char *option_choice_name(const char *choices, unsigned index)
{
	for (; index > 0; index--)
		choices += strcspn(choices, "|") + 1;
	return mem_strndup(choices, strcspn(choices, "|"));
}

/* ---- freeing ---- */

static void finish_string(const struct config_option *option, void *base)
{
	char **slot = option_field(option, base);

	free(*slot);
	*slot = NULL;
}

static void finish_list(const struct config_option *option, void *base)
{
	config_list_finish(option_field(option, base));
}

static void finish_address(const struct config_option *option, void *base)
{
	struct config_listen *listen = base;

	(void)option;
	free(listen->host);
	listen->host = NULL;
}

static void finish_store(const struct config_option *option, void *base)
{
	struct config_store *store = base;

	(void)option;
	free(store->path);
	store->path = NULL;
}

static void finish_cidrs(const struct config_option *option, void *base)
{
	struct config *config = base;

	(void)option;
	free(config->trusted_proxies);
	config->trusted_proxies = NULL;
	config->trusted_proxy_count = 0;
}

static void finish_event_id(const struct config_option *option, void *base)
{
	struct config_source *source = base;

	(void)option;
	free(source->event_id);
	free(source->event_id_header);
	source->event_id = source->event_id_header = NULL;
}

static void finish_secrets(const struct config_option *option, void *base)
{
	struct config_source *source = base;

	(void)option;
	for (size_t i = 0; i < source->secret_count; i++) {
		config_env_wipe(source->secrets[i].value);
		free(source->secrets[i].origin);
	}
	free(source->secrets);
	source->secrets = NULL;
	source->secret_count = 0;
}

static void finish_settings(const struct config_option *option, void *base)
{
	struct config_target *target = base;

	(void)option;
	json_decref(target->settings);
	json_decref(target->written);
	target->settings = target->written = NULL;
}

static void finish_order_by(const struct config_option *option, void *base)
{
	struct config_order *order = base;

	(void)option;
	config_list_finish(&order->by);
}

static void finish_object(const struct config_option *option, void *base)
{
	for (size_t i = 0; i < option->section->count; i++)
		option_finish(&option->section->options[i], option_field(option, base));
}

typedef void finish_function(const struct config_option *option, void *base);

static finish_function *const finishes[] = {
	[OPTION_STRING] = finish_string,
	[OPTION_PATH] = finish_string,
	[OPTION_JQ] = finish_string,
	[OPTION_URL] = finish_string,
	[OPTION_TIMEZONE] = finish_string,
	[OPTION_TEXTS] = finish_list,
	[OPTION_JQS] = finish_list,
	[OPTION_PATHS] = finish_list,
	[OPTION_SOCKETS] = finish_list,
	[OPTION_ADDRESS] = finish_address,
	[OPTION_STORE] = finish_store,
	[OPTION_CIDRS] = finish_cidrs,
	[OPTION_EVENT_ID] = finish_event_id,
	[OPTION_SECRETS] = finish_secrets,
	[OPTION_SETTINGS] = finish_settings,
	[OPTION_ORDER_BY] = finish_order_by,
	[OPTION_OBJECT] = finish_object,
	[OPTION_VERIFY] = finish_object,
	[OPTION_NAMES] = NULL,
};

void option_finish(const struct config_option *option, void *base)
{
	if (finishes[option->type] != NULL)
		finishes[option->type](option, base);
}

void option_finish_all(const struct config_section *section, void *base)
{
	for (size_t i = 0; i < section->count; i++)
		option_finish(&section->options[i], base);
	memset(base, 0, section->bytes);
}
