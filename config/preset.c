#include "config/preset.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/nearest.h"
#include "saga/base/mem.h"

static char *main_dir(const struct config_reader *r)
{
	const char *path = r->config->path;
	const char *slash = strrchr(path, '/');

	return slash == NULL ? mem_strdup(".") : mem_strndup(path, (size_t)(slash - path) + (slash == path));
}

/* The folders that are searched, in this order: the hook's, presets/ beside the main file, the shipped
 * one. */
static void preset_folders(const struct config_reader *r, struct config_list *folders)
{
	char *beside AUTO_FREE = main_dir(r);
	char *shipped = config_find_shipped("presets");

	if (r->hooks->preset_dir != NULL)
		config_list_add(folders, r->hooks->preset_dir);
	config_list_add_owned(folders, reader_resolve_path(beside, "presets"));
	if (shipped != NULL)
		config_list_add_owned(folders, shipped);
}

static char *preset_file(const struct config_list *folders, const char *name)
{
	for (size_t i = 0; i < folders->count; i++) {
		char *path = mem_printf("%s/%s.json", folders->items[i], name);

		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* "a/b/stripe.json" → "stripe"; fresh. */
static char *preset_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	return mem_strndup(name, strlen(name) - strlen(".json"));
}

/* The names of all presets in these folders, each once: for the message about an unknown one. */
static void all_presets(const struct config_list *folders, struct config_list *names)
{
	for (size_t i = 0; i < folders->count; i++) {
		char *pattern AUTO_FREE = mem_printf("%s/*.json", folders->items[i]);
		glob_t found;

		if (glob(pattern, 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++) {
			char *name = preset_name(found.gl_pathv[j]);

			if (config_list_has(names, name))
				free(name);
			else
				config_list_add_owned(names, name);
		}
		globfree(&found);
	}
}

/* Lists every preset that is available, and proposes the nearest name. */
static void report_unknown_preset(struct config_reader *r, const struct config_list *folders,
								  const char *name)
{
	struct config_list names = { 0 };
	struct nearest near = { .wanted = name };
	struct buf expected = { 0 };

	all_presets(folders, &names);
	for (size_t i = 0; i < names.count; i++) {
		nearest_offer(&near, names.items[i]);
		buf_printf(&expected, "%s%s", i == 0 ? "one of " : ", ", names.items[i]);
	}
	if (near.best != NULL)
		reader_error(r, expected.data, "unknown preset \"%s\"; did you mean \"%s\"?", name, near.best);
	else
		reader_error(r, expected.data, "unknown preset \"%s\"", name);
	buf_free(&expected);
	config_list_finish(&names);
}

/* Reads the preset as a document of its own: relative paths in it start at its folder, and errors name its
 * file. */
static void apply_file(struct config_reader *r, const char *path, struct config_source *source)
{
	const struct config_document *outer = r->doc;
	struct buf outer_pointer = r->pointer;
	struct config_document doc;

	reader_note_file(r, path);
	if (document_open(path, r->found, &doc) != 0)
		return;
	r->doc = &doc;
	r->pointer = (struct buf){ 0 };
	if (json_object_get(doc.root, "preset") != NULL)
		reader_error(r, NULL, "a preset must not contain \"preset\"");
	reader_section(r, table_source(), doc.root, source);
	buf_free(&r->pointer);
	r->pointer = outer_pointer;
	r->doc = outer;
	document_close(&doc);
}

/* The name is checked first: it becomes a part of a path. */
void preset_apply(struct config_reader *r, const char *name, struct config_source *source)
{
	struct config_list folders = { 0 };
	char *path AUTO_FREE = NULL;

	if (!reader_check_name(r, name))
		return;
	preset_folders(r, &folders);
	path = preset_file(&folders, name);
	if (path == NULL)
		report_unknown_preset(r, &folders, name);
	else
		apply_file(r, path, source);
	config_list_finish(&folders);
}
