/* Makes the daemon's one cell: opens its files, which locks the store against a second daemon, opens the
 * connectors, and reads which steps brought the last process down. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/daemon/daemon_internal.h"
#include "gateway/daemon/notify.h"
#include "gateway/expr/condition.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/base/path.h"
#include "saga/journal/state/inflight.h"
#include "saga/store/store_sqlite.h"

/* ---- what the cell reports ---- */

static void on_engine_line(void *ctx, enum engine_log_level level, const char *target, const char *text)
{
	struct daemon *d = ctx;
	static const enum config_log_level levels[] = { CONFIG_LOG_DEBUG, CONFIG_LOG_INFO, CONFIG_LOG_WARNING,
													CONFIG_LOG_ERROR };
	logger_line(d->logger, levels[level], "engine", "target", target, "text", text, NULL);
}

/* The process must end: after a failed write or sync the operating system may report success for data that is
 * not on disk (saga/store/README.md "Hazards of SQLite"). SQLite never reports ERR_LOST, after which the cell
 * could be made again. Thread: the journal's. */
static void on_store_failed(void *ctx, const struct err *err)
{
	struct daemon *d = ctx;
	logger_line(
		d->logger, CONFIG_LOG_ERROR, "store_failed", "why", err->text, "effect",
		"the daemon stops: no event is acknowledged and nothing is written any more; every acknowledged "
		"event is on disk",
		NULL);
}

static void on_cell_over(void *ctx)
{
	loop_wake(((struct daemon *)ctx)->loop);
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

/* systemd ends a daemon that is not ready within 90 seconds (TimeoutStartSec): each report asks for five more
 * minutes. */
static void on_upgrade(void *ctx, const char *line)
{
	const struct daemon *d = ctx;
	logger_line(d->logger, CONFIG_LOG_INFO, "store_upgrade", "progress", line, NULL);
	notify_supervisor("EXTEND_TIMEOUT_USEC=300000000");
}

/* The journal counts the age of deduplication keys in whole days: rounded up, so that none is dropped too
 * early. */
static int key_days(const struct config *config)
{
	int64_t days = (config->store.dedup_keep_ms + DAY_MS - 1) / DAY_MS;
	return days > 0 ? (int)days : 1;
}

/* ---- the files ---- */

/* The files of the cell. Closed here unless cell_make takes them over. */
struct cell_files {
	struct store_writer store;
	struct inflight_file *inflight;
};

static int open_files(struct daemon *d, struct cell_files *ret, struct err *err)
{
	const char *path = d->config->store.path;
	char *inflight_path AUTO_FREE = mem_printf("%s.sending", path);
	char *box_path AUTO_FREE = mem_printf("%s.blackbox", path);
	struct store_sqlite_options sqlite = { .progress = on_upgrade, .progress_ctx = d };
	int rc = path_make_parents(path, err);
	if (rc == 0)
		rc = store_sqlite_open(path, &sqlite, &ret->store, err);
	if (rc != 0)
		return rc;
	rc = inflight_open(inflight_path, &ret->inflight, err);
	if (rc == 0)
		rc = blackbox_open(&(struct blackbox_settings){ .path = box_path }, &d->box, err);
	if (rc != 0) {
		inflight_close(ret->inflight);
		ret->store.close(ret->store.ctx);
	}
	return rc;
}

static void close_files(struct cell_files *files)
{
	inflight_close(files->inflight);
	files->store.close(files->store.ctx);
}

/* ---- steps to blame ---- */

/* What the black box says of the last process. */
struct blamed_steps {
	struct blackbox_report reports[BLACKBOX_SLOTS];
	char details[BLACKBOX_SLOTS][200];
	struct cell_blame items[BLACKBOX_SLOTS];
	size_t count;
	const char *targets[BLACKBOX_SLOTS]; /* of each item, for the log */
};

/* Saga 0: the connector ran for no step, for example to check its settings. */
static void read_blamed(struct daemon *d, struct blamed_steps *ret)
{
	size_t count = blackbox_read_previous(d->box, ret->reports);
	for (size_t i = 0; i < count; i++) {
		const struct blackbox_report *r = &ret->reports[i];
		if (!r->blamed || r->call.saga == 0)
			continue;
		size_t n = ret->count++;
		snprintf(ret->details[n], sizeof ret->details[n], "the connector %s while it ran this step",
				 blackbox_end_name(r->end_kind));
		ret->items[n] = (struct cell_blame){ .saga = (int64_t)r->call.saga,
											 .step = r->call.step,
											 .detail = ret->details[n] };
		ret->targets[n] = r->call.target;
	}
}

static void log_blamed(struct daemon *d, const struct blamed_steps *blamed)
{
	for (size_t i = 0; i < blamed->count; i++)
		if (blamed->items[i].moved)
			logger_line(d->logger, CONFIG_LOG_ERROR, "step_blamed", "step", blamed->items[i].step, "target",
						blamed->targets[i], "why", blamed->items[i].detail, NULL);
}

/* ---- the cell ---- */

/* Takes over the files, also on failure. */
static int make_cell(struct daemon *d, const struct cell_files *files, struct journal_target *targets,
					 struct blamed_steps *blamed, struct err *err)
{
	const struct config *config = d->config;
	char actor[64];
	snprintf(actor, sizeof actor, "almoner %s, pid %d", ALMONER_VERSION, (int)getpid());
	const struct cell_options options = {
		.journal = { .store = files->store,
					 .inflight = files->inflight,
					 .clock = d->clock,
					 .entropy = entropy_system(),
					 .hooks = { .ctx = d, .failed = on_store_failed, .disk = on_disk_news },
					 .targets = targets,
					 .target_count = config->target_count,
					 .queue_bytes = (size_t)config->limits.queue_bytes,
					 .queue_records = (size_t)config->limits.queue_records,
					 .reserve_bytes = config->store.reserve_bytes,
					 .key_days = key_days(config),
					 .actor = actor },
		.engine = { .clock = d->clock,
					.entropy = entropy_system(),
					.when = condition_port_jq(),
					.log = { d, on_engine_line } },
		.blames = blamed->items,
		.blame_count = blamed->count,
		.over = on_cell_over,
	};
	return cell_make(d->cell, &options, err);
}

/* The black box keeps its reports until the journal has made their consequences durable. */
int daemon_make_cell(struct daemon *d, struct err *err)
{
	struct cell_files files = { .inflight = NULL };
	struct blamed_steps blamed = { .count = 0 };
	struct instance **opened = NULL;
	struct journal_target *targets AUTO_FREE = daemon_journal_targets(d->config);
	int rc = open_files(d, &files, err);
	if (rc != 0)
		return rc;
	rc = daemon_open_instances(d, d->config, &opened, err);
	if (rc != 0) {
		close_files(&files);
		return rc;
	}
	read_blamed(d, &blamed);
	rc = make_cell(d, &files, targets, &blamed, err);
	if (rc != 0) {
		daemon_close_instances(opened);
		return rc;
	}
	log_blamed(d, &blamed);
	blackbox_settle(d->box);
	daemon_set_engine_targets(d, d->config, opened, targets);
	return 0;
}
