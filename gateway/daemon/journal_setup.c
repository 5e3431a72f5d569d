/* Opens the store and makes the journal. Its hooks connect it with the engine (may this step start?) and with
 * the log. */
#include <stdio.h>
#include <unistd.h>

#include "gateway/daemon/daemon_internal.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/base/path.h"
#include "saga/journal/operator_port.h"
#include "saga/journal/state/inflight.h"
#include "saga/store/store_sqlite.h"

static enum admission on_admission(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	struct daemon *d = ctx;
	return engine_admit(d->engine, target, bytes, may_start_in_commit);
}

static size_t on_capacity(void *ctx)
{
	struct daemon *d = ctx;
	return engine_capacity(d->engine);
}

static void on_deliver(void *ctx, const struct handout *delivery)
{
	struct daemon *d = ctx;
	engine_deliver(d->engine, delivery);
}

/* The process must end here: after a failed write or sync the operating system may report success for data
 * that is not on disk (saga/store/README.md "Hazards of SQLite"). Thread: the journal's. */
static void on_journal_failed(void *ctx, const struct err *err)
{
	struct daemon *d = ctx;
	logger_line(
		d->logger, CONFIG_LOG_ERROR, "store_failed", "why", err->text, "effect",
		"the daemon stops: no event is acknowledged and nothing is written any more; every acknowledged "
		"event is on disk",
		NULL);
	atomic_store(&d->failed, true);
	loop_wake(d->loop);
}

/* `bytes`: the free space of the disk for DISK_* and STORE_FILES_GONE, the size of the write-ahead log for
 * WAL_*. Thread: the journal's. */
static void on_disk_news(void *ctx, enum disk_news news, int64_t bytes)
{
	struct daemon *d = ctx;
	static const struct {
		enum config_log_level level;
		const char *event, *key, *effect;
	} lines[] = {
		[DISK_LOW] = { CONFIG_LOG_WARNING, "disk_low", "free_bytes",
					   "intake answers 503 and no attempt starts until the free space is store.reserve and "
					   "one sixteenth more" },
		[STORE_FILES_GONE] = { CONFIG_LOG_ERROR, "store_gone", "free_bytes",
							   "the store's file or its -wal was removed, renamed or replaced: intake "
							   "answers 503 and no attempt starts until the files are back. Keep the "
							   "daemon running until then: it still holds the files open, in /proc/PID/fd" },
		[DISK_ENOUGH] = { CONFIG_LOG_INFO, "disk_enough", "free_bytes", "intake accepts events again" },
		[WAL_BLOCKED] = { CONFIG_LOG_WARNING, "store_held_up", "wal_bytes",
						  "another program reads the store in one long transaction, so the write-ahead log "
						  "grows until the free space is down to store.reserve; end that program" },
		[WAL_UNBLOCKED] = { CONFIG_LOG_INFO, "store_let_go", "wal_bytes",
							"the write-ahead log is reused again and stops growing" },
	};
	char number[24];
	snprintf(number, sizeof number, "%lld", (long long)bytes);
	logger_line(d->logger, lines[news].level, lines[news].event, lines[news].key, number, "effect",
				lines[news].effect, NULL);
}

/* The journal counts the age of deduplication keys in whole days: rounded up, so that none is dropped too
 * early. */
static int key_days(const struct config *config)
{
	int64_t days = (config->store.dedup_keep_ms + DAY_MS - 1) / DAY_MS;
	return days > 0 ? (int)days : 1;
}

static int open_inflight_file(struct daemon *d, struct err *err)
{
	char *path AUTO_FREE = mem_printf("%s.sending", d->config->store.path);
	return inflight_open(path, &d->inflight, err);
}

/* journal_create takes over the store, also when it fails; the in-flight file stays the daemon's. */
int daemon_journal_setup(struct daemon *d, struct journal_target *targets, struct err *err)
{
	assert(d->engine != NULL && d->journal == NULL &&
		   d->inflight == NULL); /* the hooks of the journal call the engine, so it must exist */
	struct store_writer store;
	int rc = path_make_parents(d->config->store.path, err);
	if (rc == 0)
		rc = store_sqlite_open(d->config->store.path, NULL, &store, err);
	if (rc != 0)
		return rc;
	rc = open_inflight_file(d, err);
	if (rc != 0) {
		store.close(store.ctx);
		return rc;
	}
	char actor[64];
	snprintf(actor, sizeof actor, "almoner %s, pid %d", ALMONER_VERSION, (int)getpid());
	struct journal_options options = { .store = store,
									   .clock = d->clock,
									   .entropy = entropy_system(),
									   .hooks = { .ctx = d,
												  .admission = on_admission,
												  .start_capacity = on_capacity,
												  .hand_out = on_deliver,
												  .failed = on_journal_failed,
												  .disk = on_disk_news },
									   .targets = targets,
									   .target_count = d->config->target_count,
									   .queue_bytes = (size_t)d->config->limits.queue_bytes,
									   .queue_records = (size_t)d->config->limits.queue_records,
									   .reserve_bytes = d->config->store.reserve_bytes,
									   .key_days = key_days(d->config),
									   .inflight = d->inflight,
									   .actor = actor };
	return journal_create(&options, &d->journal, err);
}

/* A step that has moved on since (ERR_STALE) or whose saga was pruned (ERR_NOT_FOUND) needs no attention any
 * more. */
int daemon_settle_blackbox(struct daemon *d, struct err *err)
{
	assert(d->box != NULL && d->journal != NULL);
	struct blackbox_report reports[BLACKBOX_SLOTS];
	size_t count = blackbox_read_previous(d->box, reports);
	for (size_t i = 0; i < count; i++) {
		const struct blackbox_report *r = &reports[i];
		if (!r->blamed ||
			r->call.saga == 0) /* saga 0: the connector ran for no step, e.g. to check its settings */
			continue;
		char detail[200];
		snprintf(detail, sizeof detail, "the connector %s while it ran this step",
				 blackbox_end_name(r->end_kind));
		int rc = journal_blame(d->journal, (int64_t)r->call.saga, r->call.step, detail, err);
		if (rc != 0 && rc != ERR_STALE && rc != ERR_NOT_FOUND)
			return rc;
		logger_line(d->logger, CONFIG_LOG_ERROR, "step_blamed", "step", r->call.step, "target",
					r->call.target, "why", detail, NULL);
	}
	blackbox_settle(d->box);
	return 0;
}
