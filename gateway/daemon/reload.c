/* SIGHUP: reads the configuration again on a thread of its own, because compiling and checking take longer
 * than the event loop may stand still, and puts it into use as a whole or not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/daemon_internal.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

/* ---- reasons to refuse ---- */

static int64_t open_steps(const struct journal_counts *counts, const char *target)
{
	for (size_t i = 0; i < counts->target_count; i++)
		if (strcmp(counts->targets[i].name, target) == 0)
			return counts->targets[i].open;
	return 0;
}

/* A step that is not finished needs the settings of its target, so a target with open steps must stay. */
static int check_removed(const struct config_change *c, const struct journal_counts *counts, struct err *err)
{
	if (c->subject != CONFIG_TARGET || c->kind != CONFIG_REMOVED)
		return 0;
	int64_t open = open_steps(counts, c->name);
	if (open == 0)
		return 0;
	return err_set(
		err, ERR_REFUSED,
		"target %s is no longer in the configuration but has %lld open step%s (almoner saga list --target "
		"%s --state running, and --state attention); settle or cancel them first, or put the target back",
		c->name, (long long)open, open == 1 ? "" : "s", c->name);
}

static int check_restart(const struct config *before, const struct config *after, struct err *err)
{
	struct config_changes changes AUTO_CONFIG_CHANGES = { 0 };
	config_diff(before, after, &changes);
	for (size_t i = 0; i < changes.count; i++)
		if (changes.items[i].needs_restart)
			return err_set(err, ERR_REFUSED,
						   "option %s cannot change while the daemon runs, so nothing was loaded: restart "
						   "the daemon to change it",
						   changes.items[i].name);
	return 0;
}

static int refuse_closed(struct err *err, int code)
{
	return err_set(err, code, "the journal is closed: the daemon stops, or its store has failed");
}

static int check_open_steps(struct daemon *d, const struct config *before, const struct config *after,
							struct err *err)
{
	struct config_changes changes AUTO_CONFIG_CHANGES = { 0 };
	config_diff(before, after, &changes);
	struct journal_counts counts;
	if (!cell_counts(d->cell, &counts))
		return refuse_closed(err, ERR_CLOSED);
	int rc = 0;
	for (size_t i = 0; i < changes.count && rc == 0; i++)
		rc = check_removed(&changes.items[i], &counts, err);
	journal_counts_finish(&counts);
	return rc;
}

/* ---- putting the new configuration into use ---- */

struct target_ids_wait {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	size_t count; /* how many ids the journal gave; fewer than it was given targets: the call failed */
	/* the targets of the new configuration; they belong to the waiting caller and receive the ids */
	struct journal_target *targets;
};

static void on_ids(void *ctx, const struct journal_target *targets, size_t count)
{
	struct target_ids_wait *ids = ctx;
	pthread_mutex_lock(&ids->lock);
	for (size_t i = 0; i < count; i++)
		ids->targets[i].id = targets[i].id;
	ids->count = count;
	ids->done = true;
	pthread_cond_signal(&ids->changed);
	pthread_mutex_unlock(&ids->lock);
}

/* Blocks until the journal has taken the targets, and fills in their ids. ERR_CLOSED: the journal stops or
 * has failed. */
static int set_journal_targets(struct daemon *d, struct journal_target *targets, size_t count)
{
	struct target_ids_wait ids = { .targets = targets };
	pthread_mutex_init(&ids.lock, NULL);
	pthread_cond_init(&ids.changed, NULL);
	int rc = cell_set_rules(d->cell, targets, count, &ids, on_ids);
	pthread_mutex_lock(&ids.lock);
	while (rc == 0 && !ids.done)
		pthread_cond_wait(&ids.changed, &ids.lock);
	pthread_mutex_unlock(&ids.lock);
	if (rc == 0 && ids.count != count)
		rc = ERR_CLOSED;
	pthread_cond_destroy(&ids.changed);
	pthread_mutex_destroy(&ids.lock);
	return rc;
}

static bool has_target(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->target_count; i++)
		if (strcmp(c->targets[i].name, name) == 0)
			return true;
	return false;
}

/* The targets of the new configuration, then those that only the old one has: while intake changes from the
 * old routes to the new ones, events of both kinds arrive. free() the array. */
static struct journal_target *targets_of_both(const struct config *before, const struct config *after,
											  size_t *ret_count)
{
	struct journal_target *old AUTO_FREE = daemon_journal_targets(before);
	struct journal_target *all = daemon_journal_targets(after);
	size_t count = after->target_count;
	all = mem_grow(all, (count + before->target_count + 1) * sizeof *all);
	for (size_t i = 0; i < before->target_count; i++)
		if (!has_target(after, before->targets[i].name))
			all[count++] = old[i];
	*ret_count = count;
	return all;
}

/* Called when intake uses the new routes, so no new event can get a step at a removed target. Events accepted
 * before may still be in the journal's queue. The answer of set_journal_targets comes after them, so the
 * check counts them all. */
static int recheck_removed(struct daemon *d, const struct config *before, const struct config *after,
						   struct journal_target *both, size_t count, struct err *err)
{
	if (count == after->target_count)
		return 0;
	int rc = set_journal_targets(d, both, count);
	return rc != 0 ? refuse_closed(err, rc) : check_open_steps(d, before, after, err);
}

/* Puts the old configuration back. Intake has accepted the old rules before; should it fail to now (no memory
 * for a jq program, say), it keeps the new rules until the next reload. */
static void roll_back(struct daemon *d, struct config *before, bool intake_too)
{
	struct err err = { 0 };
	struct journal_target *old AUTO_FREE = daemon_journal_targets(before);
	if (intake_too && intake_server_set_config(d->intake, before, &err) != 0)
		logger_line(d->logger, CONFIG_LOG_ERROR, "reload", "why", err.text, NULL);
	(void)set_journal_targets(d, old, before->target_count);
}

/* All or nothing: everything that can fail runs before the engine, which cannot fail, gets the new targets.
 * After a failure, journal and intake get the old configuration back. */
static int apply_config(struct daemon *d, struct config *before, struct config *after, struct err *err)
{
	struct instance **opened = NULL;
	size_t count;
	struct journal_target *targets AUTO_FREE = daemon_journal_targets(after);
	struct journal_target *both AUTO_FREE = targets_of_both(before, after, &count);
	int rc = daemon_open_instances(d, after, &opened, err);
	if (rc != 0)
		return rc;
	rc = set_journal_targets(d, both, count);
	if (rc != 0) {
		daemon_close_instances(opened);
		return refuse_closed(err, rc);
	}
	rc = intake_server_set_config(d->intake, after, err);
	bool swapped = rc == 0;
	if (rc == 0)
		rc = recheck_removed(d, before, after, both, count, err);
	if (rc == 0 && set_journal_targets(d, targets, after->target_count) != 0)
		rc = refuse_closed(err, ERR_CLOSED);
	if (rc == 0)
		rc = logger_reopen(d->logger, &after->log, err);
	if (rc != 0) {
		roll_back(d, before, swapped);
		daemon_close_instances(opened);
		return rc;
	}
	daemon_set_engine_targets(d, after, opened, targets);
	return 0;
}

/* Writes each error and warning to the log, because an operator does not see the standard error of a
 * daemon. */
static void log_findings(struct daemon *d, const struct diagnostics *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct diagnostic *f = &found->items[i];
		char line[16];
		snprintf(line, sizeof line, "%d", f->line);
		logger_line(d->logger, f->severity == DIAG_ERROR ? CONFIG_LOG_ERROR : CONFIG_LOG_WARNING, "config",
					"file", f->file, "line", f->line > 0 ? line : NULL, "at", f->pointer, "text", f->message,
					"expected", f->expected, NULL);
	}
}

static int read_config(struct daemon *d, struct config **ret, struct err *err)
{
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	struct catalog *catalog = NULL;
	int rc = daemon_config_load(d->options->config_path, d->env, ret, &catalog, &found);
	catalog_destroy(catalog); /* the daemon keeps the catalog of its start, so a reload never changes the code
								 of a plugin */
	log_findings(d, &found);
	return rc == 0 ? 0
				   : err_set(err, rc,
							 "the configuration has %zu error%s, each logged in a line before this one; "
							 "the old one stays in use",
							 found.errors, found.errors == 1 ? "" : "s");
}

/* Adds the result of a reload to the saga log. A journal that is closed has none. */
static void record(struct daemon *d, const char *text, const char *note)
{
	const struct command command = { .kind = COMMAND_RECORD,
									 .actor = "SIGHUP",
									 .note = note,
									 .u.record = { .subject = SUBJECT_CONFIG, .text = text } };
	(void)!command_run(d->cell, &command);
}

/* A success and a refusal are both recorded in the saga log; `before` stays in use after a refusal. */
static int reload(struct daemon *d, struct config *before, struct err *err)
{
	struct config *after = NULL;
	int rc = read_config(d, &after, err);
	if (rc != 0)
		return rc;
	rc = check_restart(before, after, err);
	if (rc == 0)
		rc = apply_config(d, before, after, err);
	if (rc == 0) {
		char digest[2 * DIGEST_BYTES + 1];
		hex_encode(after->digest, DIGEST_BYTES, digest);
		record(d, "loaded", digest);
		daemon_config_swap(d, after);
	} else {
		config_unref(after);
	}
	return rc;
}

/* Ends with loop_wake: the loop may have a further request, and starts it when this thread is done. */
static void *reload_thread(void *ctx)
{
	struct daemon *d = ctx;
	pthread_setname_np(pthread_self(), "reload"); /* the name that top, gdb and profilers show */
	struct config *before = daemon_config_get(d);
	struct err err = { 0 };
	if (reload(d, before, &err) == 0) {
		logger_line(d->logger, CONFIG_LOG_INFO, "reloaded", "config", d->options->config_path, NULL);
	} else {
		logger_line(d->logger, CONFIG_LOG_ERROR, "reload_refused", "config", d->options->config_path, "why",
					err.text, NULL);
		record(d, "refused", err.text);
	}
	config_unref(before);
	atomic_store(&d->reloading, false);
	loop_wake(d->loop);
	return NULL;
}

void daemon_reload_if_requested(struct daemon *d)
{
	if (!d->reload_requested || atomic_load(&d->stopping) || atomic_exchange(&d->reloading, true))
		return;
	d->reload_requested = false;
	daemon_reload_wait(d);
	d->reload_started = pthread_create(&d->reload_thread, NULL, reload_thread, d) == 0;
	if (!d->reload_started) {
		atomic_store(&d->reloading, false);
		logger_line(d->logger, CONFIG_LOG_ERROR, "reload_refused", "why",
					"the thread for the reload does not start", NULL);
	}
}

void daemon_reload_wait(struct daemon *d)
{
	if (d->reload_started)
		pthread_join(d->reload_thread, NULL);
	d->reload_started = false;
}
