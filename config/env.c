#include "config/env.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

struct config_env {
	char **names;
	char **values;
	size_t count;
};

struct config_env *config_env_create(void)
{
	return mem_zalloc(sizeof(struct config_env));
}

void config_env_wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void config_env_destroy(struct config_env *env)
{
	if (env == NULL)
		return;
	for (size_t i = 0; i < env->count; i++) {
		free(env->names[i]);
		config_env_wipe(env->values[i]);
	}
	free(env->names);
	free(env->values);
	free(env);
}

static const char *keep_copy(struct config_env *env, const char *name, const char *value)
{
	env->names = mem_grow(env->names, (env->count + 1) * sizeof(char *));
	env->values = mem_grow(env->values, (env->count + 1) * sizeof(char *));
	env->names[env->count] = mem_strdup(name);
	env->values[env->count] = mem_strdup(value);
	return env->values[env->count++];
}

/* The kept copy comes first: after config_forget_secrets the environment no longer has the variable. */
const char *config_env_get(struct config_env *env, const char *name)
{
	const char *value;

	for (size_t i = 0; env != NULL && i < env->count; i++) {
		if (strcmp(env->names[i], name) == 0)
			return env->values[i];
	}
	value = getenv(name);
	return value == NULL || env == NULL ? value : keep_copy(env, name, value);
}

void config_forget_secrets(struct config_env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		char *variable = getenv(env->names[i]);

		/* unsetenv only removes the pointer; /proc/self/environ would still show the value. */
		if (variable != NULL)
			explicit_bzero(variable, strlen(variable));
		(void)unsetenv(env->names[i]);
	}
}
