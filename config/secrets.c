/* The secrets of a source, from JSON into the struct. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/reader.h"
#include "saga/base/mem.h"

static void warn_if_open_to_all(struct config_reader *r, const json_t *value)
{
	const char *name = json_string_value(json_object_get(value, "$file"));
	char *path AUTO_FREE = NULL;
	struct stat st;

	if (name == NULL)
		return;
	path = reader_resolve_path(r->doc->dir, name);
	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		reader_warn(r, "mode 0640 or 0600", "every user of this machine can read the secret in %s", path);
}

static char *origin_of(const json_t *value)
{
	const char *env = json_string_value(json_object_get(value, "$env"));
	const char *file = json_string_value(json_object_get(value, "$file"));

	if (env != NULL)
		return mem_printf("$env %s", env);
	return file != NULL ? mem_printf("$file %s", file) : mem_strdup("written in the file");
}

/* Warns about secrets that other users can read, but accepts them. */
static void add_secret(struct config_reader *r, const json_t *value, struct config_source *source)
{
	char *text = NULL;
	bool literal = false;
	struct config_secret *secret;

	if (json_object_get(value, "default") != NULL) {
		reader_error(r, "{\"$env\": NAME}", "a secret must not have a default, which everyone could read");
		return;
	}
	if (reader_text(r, value, &text, &literal) != 0)
		return;
	if (text[0] == '\0') {
		reader_error(r, NULL, "the secret is empty");
		free(text);
		return;
	}
	if (literal)
		reader_warn(
			r, "{\"$env\": NAME} or {\"$file\": PATH}",
			"the secret is written here in plain text; everyone who can read this file can forge events");
	else
		warn_if_open_to_all(r, value);
	source->secrets = mem_grow(source->secrets, (source->secret_count + 1) * sizeof(*secret));
	secret = &source->secrets[source->secret_count++];
	*secret = (struct config_secret){ text, strlen(text), origin_of(value) };
}

void reader_secrets(struct config_reader *r, const json_t *value, struct config_source *source)
{
	size_t index;
	json_t *item;

	if (!json_is_array(value)) {
		add_secret(r, value, source);
		return;
	}
	json_array_foreach(value, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		add_secret(r, item, source);
		reader_leave(r, mark);
	}
}
