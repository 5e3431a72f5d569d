/* Life and look-ups of a snapshot, and the words for its enums. */
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "saga/base/mem.h"

struct config *config_ref(struct config *config)
{
	(void)__atomic_add_fetch(&config->references, 1, __ATOMIC_RELAXED);
	return config;
}

static void finish_source(struct config_source *source)
{
	char *name = source->name;

	option_finish_all(table_source(), source);
	free(name);
}

static void finish_target(struct config_target *target)
{
	free(target->name);
	free(target->file);
	free(target->base_dir);
	option_finish_all(table_target(), target);
}

static void finish_route(struct config_route *route)
{
	for (size_t i = 0; i < route->step_count; i++)
		option_finish_all(table_step(), &route->steps[i]);
	free(route->steps);
	option_finish_all(table_route(), route);
}

/* Names are freed apart: the option tables do not know the name of a source or target. */
static void destroy(struct config *config)
{
	for (size_t i = 0; i < config->source_count; i++)
		finish_source(&config->sources[i]);
	for (size_t i = 0; i < config->target_count; i++)
		finish_target(&config->targets[i]);
	for (size_t i = 0; i < config->route_count; i++)
		finish_route(&config->routes[i]);
	free(config->sources);
	free(config->targets);
	free(config->routes);
	free(config->path);
	config_list_finish(&config->files);
	option_finish_all(table_root(), config);
	free(config);
}

void config_unref(struct config *config)
{
	if (config == NULL)
		return;
	if (__atomic_sub_fetch(&config->references, 1, __ATOMIC_ACQ_REL) == 0)
		destroy(config);
}

int config_find_source(const struct config *config, struct str name)
{
	for (size_t i = 0; i < config->source_count; i++) {
		if (str_is(name, config->sources[i].name))
			return (int)i;
	}
	return -1;
}

int config_find_target(const struct config *config, struct str name)
{
	for (size_t i = 0; i < config->target_count; i++) {
		if (str_is(name, config->targets[i].name))
			return (int)i;
	}
	return -1;
}

int config_find_route(const struct config *config, struct str name)
{
	for (size_t i = 0; i < config->route_count; i++) {
		/* while a file with errors is read, a route may have no name */
		if (config->routes[i].name != NULL && str_is(name, config->routes[i].name))
			return (int)i;
	}
	return -1;
}

/* ---- names ---- */

const char *config_on_failure_name(enum config_on_failure value)
{
	static const char *const names[] = { "continue", "hold", "compensate" };

	return names[value];
}

const char *config_log_level_name(enum config_log_level value)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };

	return names[value];
}

const char *config_verify_scheme_name(enum verify_scheme value)
{
	static const char *const names[] = { "none", "hmac", "token" };

	return names[value];
}
