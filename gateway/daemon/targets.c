/* Makes from the targets of the configuration what the journal needs (rules of steps) and what the engine
 * needs (an open connector with limits, breaker and rate). */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/verbs/config_rules.h"
#include "gateway/daemon/daemon_internal.h"
#include "saga/base/mem.h"

struct journal_target *daemon_journal_targets(const struct config *config)
{
	struct journal_target *targets = mem_zalloc((config->target_count + 1) * sizeof *targets);
	for (size_t i = 0; i < config->target_count; i++) {
		targets[i].name = config->targets[i].name;
		targets[i].rules = config_rules(&config->targets[i]);
	}
	return targets;
}

static void on_connector_line(void *ctx, uint32_t level, const char *target, const char *text)
{
	struct daemon *d = ctx;
	enum config_log_level as = level < CONFIG_LOG_ERROR ? (enum config_log_level)level : CONFIG_LOG_ERROR;
	logger_line(d->logger, as, "connector", "target", target, "text", text, NULL);
}

static void on_report(void *ctx, enum diag_severity severity, const char *pointer, const char *message,
					  const char *expected)
{
	(void)expected;
	if (severity == DIAG_ERROR)
		(void)err_set(ctx, ERR_INVALID, "settings%s: %s", pointer, message);
}

static void release_instance(void *port_ctx)
{
	instance_close(port_ctx);
}

/* Borrows the names in `t`; cell_set_targets copies them. */
static struct engine_target_config engine_target(const struct config_target *t, uint32_t id,
												 struct instance *instance)
{
	struct engine_target_config target = {
		.id = id,
		.name = t->name,
		.port = instance_port(instance),
		.release = release_instance,
		.repeat = (enum repeat)instance_traits(instance)->repeat,
		.paused = t->paused,
		.in_flight = (uint32_t)t->limits.in_flight,
		.rate = { .count = t->limits.rate.count, .per_ms = t->limits.rate.per_ms },
		.breaker = { .consecutive = (uint32_t)t->breaker.consecutive,
					 .ratio = t->breaker.ratio,
					 .window = (uint32_t)t->breaker.window,
					 .minimum = (uint32_t)t->breaker.minimum,
					 .open_ms = t->breaker.open_ms,
					 .open_cap_ms = t->breaker.open_cap_ms,
					 .probes = (uint32_t)t->breaker.probes },
		.probe_ms = t->hold.probe_ms,
		.connect_timeout_ms = t->limits.connect_timeout_ms,
		.timeout_ms = t->limits.timeout_ms,
		.reply_cap_bytes = (size_t)t->limits.reply_bytes,
		.window_bytes = (size_t)t->limits.window_bytes,
	};
	/* The digest tells the engine whether an operator has changed something. The settings may name files
	 * (templates, keys) whose content only the instance knows, so both digests count. */
	const struct str parts[] = { { (const char *)t->digest, DIGEST_BYTES },
								 { (const char *)instance_digest(instance), DIGEST_BYTES } };
	digest_parts(parts, 2, target.digest);
	return target;
}

/* Finds the connector of a target and opens an instance of it with the target's settings. */
static int open_one(struct daemon *d, const struct config_target *t, struct instance **ret, struct err *err)
{
	const struct catalog_entry *connector;
	int rc = catalog_find(d->catalog, t->connector, &connector, err);
	if (rc != 0)
		return err_wrap(err, rc, "target %s", t->name);
	struct instance_request request = { .connector = connector,
										.target = t->name,
										.settings = t->settings,
										.base_dir = t->base_dir,
										.box = d->box,
										.log = { d, on_connector_line } };
	rc = instance_open(&request, &(struct config_report){ err, on_report }, ret);
	return rc != 0 ? err_wrap(err, rc, "target %s", t->name) : 0;
}

int daemon_open_instances(struct daemon *d, const struct config *config, struct instance ***ret,
						  struct err *err)
{
	struct instance **opened = mem_zalloc((config->target_count + 1) * sizeof(struct instance *));
	for (size_t i = 0; i < config->target_count; i++) {
		int rc = open_one(d, &config->targets[i], &opened[i], err);
		if (rc != 0) {
			daemon_close_instances(opened);
			return rc;
		}
	}
	*ret = opened;
	return 0;
}

void daemon_close_instances(struct instance **opened)
{
	for (size_t i = 0; opened[i] != NULL; i++)
		instance_close(opened[i]);
	free(opened);
}

void daemon_set_engine_targets(struct daemon *d, const struct config *config, struct instance **opened,
							   const struct journal_target *ids)
{
	struct engine_target_config *targets = mem_zalloc((config->target_count + 1) * sizeof *targets);
	for (size_t i = 0; i < config->target_count; i++) {
		assert(ids[i].id != 0 && opened[i] != NULL); /* the journal numbers targets from 1 */
		targets[i] = engine_target(&config->targets[i], ids[i].id, opened[i]);
	}
	int rc = cell_set_targets(d->cell, targets, config->target_count);
	free(targets);
	if (rc != 0)
		daemon_close_instances(opened); /* the cell has ended meanwhile */
	else
		free(opened); /* the cell calls release_instance for each one after its last attempt */
}
