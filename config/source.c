/* Reading sources and targets. */
#include <stdlib.h>
#include <string.h>

#include "config/preset.h"
#include "config/verify.h"
#include "saga/base/mem.h"

/* The digest of a name and of a struct as the tables show it. Takes `shown`, which may contain secrets. */
static void digest_of(const char *name, json_t *shown, uint8_t out[DIGEST_BYTES])
{
	char *text = json_dumps(shown, JSON_COMPACT | JSON_SORT_KEYS);
	struct str parts[] = { str_of(name), str_of(text) };

	digest_parts(parts, 2, out);
	config_env_wipe(text);
	json_decref(shown);
}

/* True if there are errors since item `since`, other than errors inside these members of the current
 * place. A check that does not depend on the members still runs when they have errors, so that one run
 * reports as much as possible. */
static bool faults_outside(const struct config_reader *r, size_t since, const char *const *members)
{
	for (size_t i = since; i < r->found->count; i++) {
		const struct diagnostic *d = &r->found->items[i];
		const char *at = d->pointer;
		bool inside = false;

		if (d->severity != DIAG_ERROR)
			continue;
		for (size_t j = 0; members[j] != NULL && !inside; j++) {
			size_t len = strlen(members[j]);

			inside = strncmp(at, r->pointer.data, r->pointer.len) == 0 && at[r->pointer.len] == '/' &&
					 strncmp(at + r->pointer.len + 1, members[j], len) == 0 &&
					 (at[r->pointer.len + 1 + len] == '\0' || at[r->pointer.len + 1 + len] == '/');
		}
		if (!inside)
			return true;
	}
	return r->found->cut_short;
}

/* ---- sources ---- */

/* Members of a source that do not affect its verification. */
static const char *const source_unrelated[] = { "map",       "event_id", "type_header", "dedup",  "gift",
												"gift_made", "related",  "answer",      "paused", NULL };

static void check_source(struct config_reader *r, const struct config_source *source)
{
	if (source->answer == 201)
		reader_error(r, "200 or 202", "201 is not allowed");
	if (source->related != NULL && source->gift_made == NULL)
		reader_error(
			r, "\"gift_made\"",
			"\"related\" is only evaluated when \"gift_made\" is false, and \"gift_made\" is not set");
}

/* Defaults first, then the preset over them, then the options of the file. */
static void fill_source(struct config_reader *r, const json_t *object, struct config_source *source)
{
	const json_t *preset = json_object_get(object, "preset");
	size_t since = r->found->count, errors = r->found->errors;

	reader_defaults(r, table_source(), source);
	if (json_is_string(preset)) {
		size_t mark = reader_enter(r, "preset");

		preset_apply(r, json_string_value(preset), source);
		reader_leave(r, mark);
	}
	reader_section(r, table_source(), object, source);
	if (preset == NULL && json_is_object(object) && json_object_get(object, "verify") == NULL)
		reader_error(r, "\"preset\" or \"verify\"", "no option says how requests are verified");
	/* after errors in options that verify_check reads, its errors would only be more of them */
	else if (!faults_outside(r, since, source_unrelated))
		verify_check(r, source);
	if (r->found->errors == errors)
		check_source(r, source);
}

static bool report_duplicate(struct config_reader *r, const char *kind, const char *name, const char *file)
{
	reader_error(r, NULL, "two entries configure the %s \"%s\": this one and one in %s", kind, name, file);
	return true;
}

/* The name is set last: until then config_find_source does not find the new source. */
static void add_source(struct config_reader *r, const char *name, const json_t *object)
{
	struct config *config = r->config;
	struct config_source source = { 0 };
	int duplicate = config_find_source(config, str_of(name));

	if (!reader_check_name(r, name))
		return;
	if (duplicate >= 0 && report_duplicate(r, "source", name, r->source_files.items[duplicate]))
		return;
	fill_source(r, object, &source);
	digest_of(name, option_show_all(table_source(), &source, true), source.digest);
	source.name = mem_strdup(name);
	config->sources = mem_grow(config->sources, (config->source_count + 1) * sizeof(source));
	config->sources[config->source_count++] = source;
	config_list_add(&r->source_files, r->doc->path);
}

/* ---- targets ---- */

/* Pairs of options where the first must not be greater than the second. If only one of them is written,
 * the default of the other is adjusted: with "timeout": "2s" the connect_timeout of 5s becomes 2s. */
static const struct bounded_pair {
	const char *section, *lesser, *greater;
	size_t lesser_at, greater_at; /* of int64_t in struct config_target */
	const char *expected, *why;
} bounds[] = {
	{ "retry", "first", "cap", offsetof(struct config_target, retry.first_ms),
	  offsetof(struct config_target, retry.cap_ms), "retry.cap of at least retry.first",
	  "the longest wait (cap) is shorter than the first wait (first)" },
	{ "breaker", "minimum", "window", offsetof(struct config_target, breaker.minimum),
	  offsetof(struct config_target, breaker.window), "breaker.minimum of at most breaker.window",
	  "the share of failures (ratio) would never be applied" },
	{ "breaker", "open", "open_cap", offsetof(struct config_target, breaker.open_ms),
	  offsetof(struct config_target, breaker.open_cap_ms), "breaker.open_cap of at least breaker.open",
	  "the longest time open (open_cap) is shorter than the first (open)" },
	{ "limits", "connect_timeout", "timeout", offsetof(struct config_target, limits.connect_timeout_ms),
	  offsetof(struct config_target, limits.timeout_ms), "limits.connect_timeout of at most limits.timeout",
	  "connecting may take longer than the whole exchange" },
};

/* Adjusts the option that was not written; reports an error only if both were written. */
static void check_bound(struct config_reader *r, const json_t *written, const struct bounded_pair *b,
						struct config_target *t)
{
	const json_t *section = json_object_get(written, b->section);
	int64_t *lesser = (int64_t *)(void *)((char *)t + b->lesser_at);
	int64_t *greater = (int64_t *)(void *)((char *)t + b->greater_at);

	if (*lesser <= *greater)
		return;
	if (json_object_get(section, b->lesser) == NULL)
		*lesser = *greater;
	else if (json_object_get(section, b->greater) == NULL)
		*greater = *lesser;
	else
		reader_error(r, b->expected, "%s", b->why);
}

static void check_numbers(struct config_reader *r, const json_t *written, struct config_target *t)
{
	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
		check_bound(r, written, &bounds[i], t);
	if (t->retry.give_up_after_ms == 0 && t->retry.attempts == 0)
		reader_warn(r, "retry.give_up_after or retry.attempts",
					"without a limit, a step that cannot succeed is retried for ever");
}

static void add_report(void *ctx, enum diag_severity severity, const char *pointer, const char *message,
					   const char *expected)
{
	struct config_reader *r = ctx;
	size_t mark = r->pointer.len;

	buf_text(&r->pointer, pointer);
	if (severity == DIAG_ERROR)
		reader_error(r, expected, "%s", message);
	else
		reader_warn(r, expected, "%s", message);
	reader_leave(r, mark);
}

/* The connector reports its errors relative to the settings; a failure without a report still becomes an
 * error. */
static void check_with_connector(struct config_reader *r, struct config_target *target)
{
	struct config_report report = { r, add_report };
	size_t errors = r->found->errors;
	size_t mark;

	if (r->hooks->check_target == NULL)
		return;
	mark = reader_enter(r, "settings");
	if (r->hooks->check_target(r->hooks->ctx, target, &report, &target->traits) == 0)
		target->traits.known = true;
	else if (r->found->errors == errors)
		reader_error(r, NULL, "the connector \"%s\" rejects these settings", target->connector);
	reader_leave(r, mark);
}

/* Members of a target that do not affect the check of its settings. */
static const char *const target_unrelated[] = { "retry", "breaker", "limits", "order", "paused", NULL };

static void fill_target(struct config_reader *r, const json_t *object, struct config_target *target)
{
	size_t since = r->found->count, errors = r->found->errors;

	reader_defaults(r, table_target(), target);
	reader_section(r, table_target(), object, target);
	reader_require(r, table_target(), object);
	if (target->connector != NULL)
		(void)reader_check_name(r, target->connector);
	if (r->found->errors == errors)
		check_numbers(r, object, target);
	if (!faults_outside(r, since, target_unrelated))
		check_with_connector(r, target);
}

/* A target with errors is added too: routes that name it would otherwise cause errors of their own. */
static void add_target(struct config_reader *r, const char *name, const json_t *object)
{
	struct config *config = r->config;
	struct config_target target = { 0 };
	int duplicate = config_find_target(config, str_of(name));

	if (!reader_check_name(r, name))
		return;
	if (duplicate >= 0 && report_duplicate(r, "target", name, config->targets[duplicate].file))
		return;
	target.name = mem_strdup(name);
	target.file = mem_strdup(r->doc->path);
	target.base_dir = mem_strdup(r->doc->dir);
	fill_target(r, object, &target);
	digest_of(name, option_show_all(table_target(), &target, true), target.digest);
	config->targets = mem_grow(config->targets, (config->target_count + 1) * sizeof(target));
	config->targets[config->target_count++] = target;
}

/* ---- sources and targets by name ---- */

static void each_named(struct config_reader *r, const char *key,
					   void (*add)(struct config_reader *, const char *, const json_t *))
{
	const json_t *object = json_object_get(r->doc->root, key);
	size_t outer = reader_enter(r, key);
	const char *name;
	json_t *member;

	if (object != NULL && !json_is_object(object))
		reader_error(r, "an object with one member for each name", "this is %s", reader_kind_of(object));
	json_object_foreach((json_t *)(uintptr_t)object, name, member)
	{
		size_t mark;

		if (reader_is_comment(name))
			continue;
		mark = reader_enter(r, name);
		add(r, name, member);
		reader_leave(r, mark);
	}
	reader_leave(r, outer);
}

void reader_sources(struct config_reader *r)
{
	each_named(r, "sources", add_source);
}

void reader_targets(struct config_reader *r)
{
	each_named(r, "targets", add_target);
}
