/* The configuration of the daemon: loading and checking it, and the reference to the one in use. */
#include <stdio.h>

#include "gateway/daemon/daemon_internal.h"
#include "gateway/expr/expr.h"
#include "saga/store/store_sqlite.h"

/* The loader calls this when it has read connectors.path, and only then checks the targets, which need the
 * catalog. */
static void on_connector_path(void *ctx, const struct config_list *path)
{
	struct catalog **catalog = ctx;
	catalog_destroy(*catalog);
	*catalog = catalog_create((const char *const *)path->items, path->count);
}

static int check_target(void *ctx, const struct config_target *target, const struct config_report *report,
						struct config_traits *ret_traits)
{
	struct catalog **catalog = ctx;
	return instance_check_target(*catalog, target, report, ret_traits);
}

int daemon_config_load(const char *path, struct config_env *env, struct config **ret,
					   struct catalog **ret_catalog, struct diagnostics *found)
{
	*ret_catalog = NULL;
	const struct config_hooks hooks = { .ctx = ret_catalog,
										.env = env,
										.connector_path = on_connector_path,
										.compile = expr_check_hook,
										.check_target = check_target };
	return config_load(path, &hooks, ret, found);
}

int daemon_config_load_lenient(const char *path, struct config **ret, struct catalog **ret_catalog)
{
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	*ret_catalog = NULL;
	const struct config_hooks hooks = {
		.ctx = ret_catalog, .lenient = true, .connector_path = on_connector_path, .check_target = check_target
	};
	return config_load(path, &hooks, ret, &found);
}

int daemon_config_load_print(const char *path, struct config_env *env, struct config **ret,
							 struct catalog **ret_catalog)
{
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	int rc = daemon_config_load(path, env, ret, ret_catalog, &found);
	struct buf text AUTO_BUF = { 0 };
	diagnostics_print(&found, &text);
	if (text.len > 0)
		fputs(text.data, stderr);
	return rc;
}

struct config *daemon_config_get(struct daemon *d)
{
	pthread_mutex_lock(&d->config_lock);
	struct config *config = config_ref(d->config);
	pthread_mutex_unlock(&d->config_lock);
	return config;
}

void daemon_config_swap(struct daemon *d, struct config *config)
{
	assert(config != NULL && config != d->config);
	pthread_mutex_lock(&d->config_lock);
	struct config *before = d->config;
	d->config = config;
	pthread_mutex_unlock(&d->config_lock);
	config_unref(before);
}

int daemon_open_reader(void *ctx, struct store_reader *ret, struct err *err)
{
	struct daemon *d = ctx;
	struct config *config = daemon_config_get(d);
	int rc = store_sqlite_open_reader(config->store.path, NULL, ret, err);
	config_unref(config);
	return rc;
}
