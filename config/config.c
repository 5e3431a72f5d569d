/* Loads the configuration: the main file and its includes, and checks it as a whole. */
#include "config/config.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/parse.h"
#include "config/reader.h"
#include "saga/base/mem.h"

/* The main file first, then the included files. */
struct config_documents {
	struct config_document **items;
	size_t count;
};

static int open_document(struct config_reader *r, struct config_documents *docs, const char *path)
{
	struct config_document doc;
	int code = document_open(path, r->found, &doc);

	reader_note_file(r, path);
	if (code != 0)
		return code;
	docs->items = mem_grow(docs->items, (docs->count + 1) * sizeof(struct config_document *));
	docs->items[docs->count] = mem_alloc(sizeof(doc));
	*docs->items[docs->count++] = doc;
	return 0;
}

static void close_documents(struct config_documents *docs)
{
	for (size_t i = 0; i < docs->count; i++) {
		document_close(docs->items[i]);
		free(docs->items[i]);
	}
	free(docs->items);
}

/* ---- included files ---- */

static void include_file(struct config_reader *r, struct config_documents *docs, const char *path)
{
	if (config_list_has(&r->config->files, path))
		reader_error(r, NULL, "%s is included twice", path);
	else
		(void)open_document(r, docs, path); /* open_document adds its own error, at the file */
}

/* The name of the folder is no pattern, even when it contains characters of a pattern. */
static char *escaped(const char *folder)
{
	struct buf out = { 0 };

	for (; *folder != '\0'; folder++) {
		if (strchr("*?[\\", *folder) != NULL)
			buf_byte(&out, '\\');
		buf_byte(&out, (uint8_t)*folder);
	}
	return buf_take(&out);
}

/* A pattern without wildcards must find its file; a pattern with wildcards may find none, which is only a
 * warning. */
static void include_pattern(struct config_reader *r, struct config_documents *docs, const char *pattern)
{
	char *folder AUTO_FREE = escaped(r->doc->dir);
	char *path AUTO_FREE = reader_resolve_path(folder, pattern);
	glob_t found;
	int code = glob(path, 0, NULL, &found);

	if (code == GLOB_NOMATCH && strpbrk(pattern, "*?[") == NULL)
		reader_error(r, NULL, "there is no file %s", path);
	else if (code == GLOB_NOMATCH)
		reader_warn(r, NULL, "no file matches %s", path);
	else if (code != 0)
		reader_error(r, NULL, "the folder of %s cannot be read", path);
	if (code != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		include_file(r, docs, found.gl_pathv[i]);
	globfree(&found);
}

static void read_include(struct config_reader *r, struct config_documents *docs, const json_t *value)
{
	char *pattern AUTO_FREE = parse_plain_text(r, value);

	if (pattern != NULL)
		include_pattern(r, docs, pattern);
}

static void read_includes(struct config_reader *r, struct config_documents *docs)
{
	const json_t *value = json_object_get(r->doc->root, "include");
	size_t outer = reader_enter(r, "include");
	size_t index;
	json_t *item;

	if (value != NULL && !json_is_array(value))
		read_include(r, docs, value);
	json_array_foreach(value, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		read_include(r, docs, item);
		reader_leave(r, mark);
	}
	reader_leave(r, outer);
}

/* Included files may contain sources, targets and routes only. Every other option exists once, in the main
 * file. */
static void check_included_keys(struct config_reader *r)
{
	static const char *const allowed[] = { "sources", "targets", "routes" };
	const char *key;
	json_t *value;

	json_object_foreach(r->doc->root, key, value)
	{
		struct nearest near = { .wanted = key };
		size_t mark;

		if (reader_is_comment(key))
			continue;
		for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
			nearest_offer(&near, allowed[i]);
		if (near.best != NULL && strcmp(near.best, key) == 0)
			continue;
		mark = reader_enter(r, key);
		if (option_find(table_root(), key) != NULL)
			reader_error(r, NULL, "the option \"%s\" is allowed in the main file only, %s", key,
						 r->config->path);
		else if (near.best != NULL)
			reader_error(r, NULL, "unknown option \"%s\"; did you mean \"%s\"?", key, near.best);
		else
			reader_error(r, "sources, targets or routes", "unknown option \"%s\"", key);
		reader_leave(r, mark);
	}
}

/* ---- the whole ---- */

static bool source_is_routed(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->route_count; i++) {
		if (config->routes[i].sources.count == 0 || config_list_has(&config->routes[i].sources, name))
			return true;
	}
	return false;
}

static bool target_is_used(const struct config *config, size_t target)
{
	for (size_t i = 0; i < config->route_count; i++) {
		for (size_t j = 0; j < config->routes[i].step_count; j++) {
			if (config->routes[i].steps[j].target == target)
				return true;
		}
	}
	return false;
}

/* Warnings about what is allowed but probably a mistake. Only after a load without errors, which could be
 * their cause. */
static void check_whole(struct config_reader *r)
{
	const struct config *config = r->config;

	if (config->source_count == 0)
		reader_warn(r, "\"sources\"", "no source is configured: no event can be received");
	if (config->route_count == 0)
		reader_warn(r, "\"routes\"", "no route is configured: every event becomes unrouted");
	for (size_t i = 0; config->route_count > 0 && i < config->source_count; i++) {
		if (!source_is_routed(config, config->sources[i].name))
			reader_warn(r, NULL, "no route takes events of the source \"%s\": they become unrouted",
						config->sources[i].name);
	}
	for (size_t i = 0; config->route_count > 0 && i < config->target_count; i++) {
		if (!target_is_used(config, i))
			reader_warn(r, NULL, "no route uses the target \"%s\"", config->targets[i].name);
	}
}

static void add_shown(struct buf *to, const char *name, json_t *shown)
{
	char *text AUTO_FREE = json_dumps(shown, JSON_COMPACT | JSON_SORT_KEYS);

	buf_string(to, name);
	buf_string(to, text);
	json_decref(shown);
}

/* Secrets are left out: the digest stands in the log, and must not help to guess them. */
static void digest_whole(struct config *config)
{
	AUTO_BUF struct buf all = { 0 };

	add_shown(&all, "", option_show_all(table_root(), config, false));
	for (size_t i = 0; i < config->source_count; i++)
		add_shown(&all, config->sources[i].name, option_show_all(table_source(), &config->sources[i], false));
	for (size_t i = 0; i < config->target_count; i++)
		add_shown(&all, config->targets[i].name, option_show_all(table_target(), &config->targets[i], false));
	for (size_t i = 0; i < config->route_count; i++)
		buf_bytes(&all, config->routes[i].digest, DIGEST_BYTES);
	digest_bytes(all.data, all.len, config->digest);
}

static void each_document(struct config_reader *r, const struct config_documents *docs,
						  void (*read)(struct config_reader *))
{
	for (size_t i = 0; i < docs->count; i++) {
		r->doc = docs->items[i];
		read(r);
	}
	r->doc = docs->items[0];
}

/* All documents are opened first, so that the errors of every file are reported in one run. */
static void read_everything(struct config_reader *r, struct config_documents *docs)
{
	size_t errors = r->found->errors;

	r->doc = docs->items[0];
	reader_defaults(r, table_root(), r->config);
	reader_section(r, table_root(), r->doc->root, r->config);
	if (r->hooks->connector_path != NULL)
		r->hooks->connector_path(r->hooks->ctx, &r->config->connector_path);
	read_includes(r, docs);
	for (size_t i = 1; i < docs->count; i++) {
		r->doc = docs->items[i];
		check_included_keys(r);
	}
	/* Targets before routes: steps name targets, and the checks of a route need to know what its targets
	 * can undo. */
	each_document(r, docs, reader_sources);
	each_document(r, docs, reader_targets);
	each_document(r, docs, reader_routes);
	if (r->found->errors == errors)
		check_whole(r);
}

/* The caller gets a complete snapshot or none: after any error the snapshot is destroyed. */
int config_load(const char *path, const struct config_hooks *hooks, struct config **ret_config,
				struct diagnostics *found)
{
	static const struct config_hooks no_hooks = { 0 };
	struct config_documents docs = { 0 };
	struct config_reader r = { .hooks = hooks == NULL ? &no_hooks : hooks, .found = found };
	size_t errors = found->errors;
	int code;

	r.config = mem_zalloc(sizeof(*r.config));
	r.config->references = 1;
	r.config->path = mem_strdup(path);
	code = open_document(&r, &docs, path);
	if (code == 0)
		read_everything(&r, &docs);
	if (code != ERR_NOT_FOUND && found->errors > errors)
		code = ERR_INVALID;
	if (code == 0) {
		digest_whole(r.config);
		*ret_config = r.config;
	} else
		config_unref(r.config);
	buf_free(&r.pointer);
	config_list_finish(&r.source_files);
	config_list_finish(&r.route_files);
	close_documents(&docs);
	return code;
}
