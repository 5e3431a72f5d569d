#include "gateway/plugin/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/nearest.h"
#include "config/units.h"
#include "gateway/plugin/catalog.h"
#include "gateway/plugin/instance.h"
#include "saga/base/buf.h"
#include "saga/base/mem.h"

struct settings_context {
	const struct almoner_connector *connector;
	const char *base_dir;
	const struct config_report *report;
	json_t *resolved;
	unsigned faults;
};

/* ---- reporting ---- */

/* "/name", with the two characters that mean something in a JSON pointer written as it wants them. */
static void pointer_to(const char *name, struct buf *to)
{
	buf_byte(to, '/');
	for (; *name != '\0'; name++) {
		if (*name == '~' || *name == '/')
			buf_text(to, *name == '~' ? "~0" : "~1");
		else
			buf_byte(to, (uint8_t)*name);
	}
}

static void fault(struct settings_context *c, const char *name, const char *message, const char *expected)
{
	struct buf pointer AUTO_BUF = { 0 };
	pointer_to(name, &pointer);
	c->faults++;
	c->report->add(c->report->ctx, DIAG_ERROR, pointer.data, message, expected);
}

static const char *type_of(const json_t *value)
{
	static const char *const kinds[] = { "an object", "a list", "text",  "a whole number",
										 "a number",  "true",   "false", "null" };
	return kinds[json_typeof(value)];
}

/* Says of what kind the value is, never the value: it may be a secret in the wrong place. */
static json_t *wrong_type(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	char message[64];
	(void)snprintf(message, sizeof message, "is %s", type_of(value));
	fault(c, o->name, message, catalog_option_type_name(o->type));
	return NULL;
}

/* ---- one value per type; each returns a new reference, or NULL after a report ---- */

static json_t *copy_value(const json_t *value)
{
	return json_deep_copy(value);
}

static json_t *resolve_string(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	return json_is_string(value) ? copy_value(value) : wrong_type(c, o, value);
}

static json_t *resolve_integer(struct settings_context *c, const struct almoner_option *o,
							   const json_t *value)
{
	return json_is_integer(value) ? copy_value(value) : wrong_type(c, o, value);
}

static json_t *resolve_boolean(struct settings_context *c, const struct almoner_option *o,
							   const json_t *value)
{
	return json_is_boolean(value) ? copy_value(value) : wrong_type(c, o, value);
}

static json_t *resolve_json(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	(void)c;
	(void)o;
	return copy_value(value);
}

static json_t *resolve_duration(struct settings_context *c, const struct almoner_option *o,
								const json_t *value)
{
	int64_t ms = 0;
	if (json_is_string(value) && units_duration(json_string_value(value), &ms) == 0)
		return json_integer(ms);
	fault(c, o->name, "is no duration", UNITS_DURATION_FORM);
	return NULL;
}

static json_t *resolve_bytes(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	int64_t bytes = 0;
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return copy_value(value);
	if (json_is_string(value) && units_size(json_string_value(value), &bytes) == 0)
		return json_integer(bytes);
	fault(c, o->name, "is no size", UNITS_SIZE_FORM);
	return NULL;
}

static json_t *resolve_url(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	static const char *const schemes[] = { "http://", "https://", "smtp://", "smtps://" };
	const char *url = json_string_value(value);
	for (size_t i = 0; url != NULL && i < sizeof schemes / sizeof *schemes; i++) {
		size_t len = strlen(schemes[i]);
		if (strncasecmp(url, schemes[i], len) == 0 && strcspn(url + len, "/?#") > 0)
			return copy_value(value);
	}
	fault(c, o->name, "is no absolute address",
		  "a URL that begins with http://, https://, smtp:// or smtps://");
	return NULL;
}

/* The choice `text` is among the ones separated by '|'; offers each to `n`. */
static bool is_choice(const char *choices, const char *text, struct nearest *n, struct buf *candidates)
{
	while (*choices != '\0') {
		size_t len = strcspn(choices, "|");
		/* Candidates must outlive the loop: they are kept, NUL-separated, in a buffer that does not move. */
		size_t at = candidates->len;
		buf_add(candidates, choices, len);
		buf_byte(candidates, 0);
		if (strcmp(candidates->data + at, text) == 0)
			return true;
		nearest_offer(n, candidates->data + at);
		choices += len + (choices[len] == '|' ? 1 : 0);
	}
	return false;
}

static json_t *resolve_choice(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	const char *text = json_string_value(value);
	if (text == NULL)
		return wrong_type(c, o, value);
	struct nearest n = { .wanted = text };
	struct buf candidates AUTO_BUF = { 0 };
	struct buf message AUTO_BUF = { 0 };
	struct buf expected AUTO_BUF = { 0 };
	/* One allocation up front keeps the candidates where they are. */
	candidates.data = mem_alloc(strlen(o->choices) + 2);
	candidates.capacity = strlen(o->choices) + 2;
	if (is_choice(o->choices, text, &n, &candidates))
		return copy_value(value);
	buf_printf(&message, o->secret != 0 ? "is none of the choices" : "\"%.60s\" is none of the choices",
			   text);
	if (n.best != NULL && o->secret == 0)
		buf_printf(&message, "; did you mean \"%s\"?", n.best);
	buf_printf(&expected, "one of %s", o->choices);
	fault(c, o->name, message.data, expected.data);
	return NULL;
}

/* ---- files ---- */

/* The file's bytes, at most the cap. Returns an error text, or NULL. */
static const char *read_file(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strerrordesc_np(errno);
	char chunk[8192];
	ssize_t got = 0;
	while ((got = read(fd, chunk, sizeof chunk)) > 0 && !to->overflow)
		buf_add(to, chunk, (size_t)got);
	const char *why = got < 0 ? strerrordesc_np(errno) : to->overflow ? "larger than 1 MiB" : NULL;
	(void)close(fd);
	return why;
}

static json_t *resolve_file(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	const char *name = json_string_value(value);
	if (name == NULL)
		return wrong_type(c, o, value);
	bool relative = *name != '/' && c->base_dir != NULL && *c->base_dir != '\0';
	char *path AUTO_FREE = relative ? mem_printf("%s/%s", c->base_dir, name) : mem_strdup(name);
	struct buf contents AUTO_BUF = { .limit_bytes = INSTANCE_FILE_CAP_BYTES };
	struct buf message AUTO_BUF = { 0 };
	const char *why = read_file(path, &contents);
	json_t *text = NULL;
	if (why == NULL && contents.len > 0 && memchr(contents.data, '\0', contents.len) != NULL)
		why = "it holds a NUL byte";
	if (why == NULL)
		text = json_stringn(buf_str(&contents).p, contents.len);
	if (text != NULL)
		return text;
	buf_printf(&message, "file %s: %s", path, why != NULL ? why : "it is not UTF-8");
	fault(c, o->name, message.data, "a readable text file of at most 1 MiB");
	return NULL;
}

/* ---- the table ---- */

static json_t *resolve_value(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	static json_t *(*const by_type[])(struct settings_context *, const struct almoner_option *,
									  const json_t *) = {
		[ALMONER_OPTION_STRING] = resolve_string,   [ALMONER_OPTION_INTEGER] = resolve_integer,
		[ALMONER_OPTION_BOOLEAN] = resolve_boolean, [ALMONER_OPTION_DURATION] = resolve_duration,
		[ALMONER_OPTION_BYTES] = resolve_bytes,     [ALMONER_OPTION_URL] = resolve_url,
		[ALMONER_OPTION_CHOICE] = resolve_choice,   [ALMONER_OPTION_FILE] = resolve_file,
		[ALMONER_OPTION_JSON] = resolve_json,
	};
	return by_type[o->type](c, o, value);
}

static void resolve_option(struct settings_context *c, const struct almoner_option *o, const json_t *settings)
{
	const json_t *value = json_object_get(settings, o->name);
	json_t *resolved_value = NULL;
	if (value != NULL) {
		resolved_value = resolve_value(c, o, value);
	} else if (o->fallback != NULL) {
		json_t *fallback = json_loads(o->fallback, JSON_DECODE_ANY, NULL);
		resolved_value = resolve_value(c, o, fallback);
		json_decref(fallback);
	} else if (o->required != 0) {
		fault(c, o->name, "is missing", o->help);
	}
	if (resolved_value != NULL)
		(void)json_object_set_new(c->resolved, o->name, resolved_value);
}

static const struct almoner_option *option_named(const struct almoner_connector *connector, const char *name)
{
	for (size_t i = 0; i < connector->option_count; i++)
		if (strcmp(catalog_option(connector, i)->name, name) == 0)
			return catalog_option(connector, i);
	return NULL;
}

static void report_unknown(struct settings_context *c, const char *key)
{
	struct nearest n = { .wanted = key };
	struct buf message AUTO_BUF = { 0 };
	for (size_t i = 0; i < c->connector->option_count; i++)
		nearest_offer(&n, catalog_option(c->connector, i)->name);
	buf_printf(&message, "the %s connector has no option \"%.60s\"", c->connector->name, key);
	if (n.best != NULL)
		buf_printf(&message, "; did you mean \"%s\"?", n.best);
	else
		buf_printf(&message, "; `almoner connector describe %s` lists them", c->connector->name);
	fault(c, key, message.data, NULL);
}

json_t *settings_resolve(const struct almoner_connector *connector, const json_t *settings,
						 const char *base_dir, const struct config_report *report)
{
	struct settings_context c = { .connector = connector, .base_dir = base_dir, .report = report };
	if (!json_is_object(settings)) {
		report->add(report->ctx, DIAG_ERROR, "", "the settings are no object", "an object");
		return NULL;
	}
	c.resolved = json_object();
	/* jansson iterates over what it could change; nothing is changed. */
	json_t *copy = json_copy((json_t *)(uintptr_t)settings);
	const char *key = NULL;
	json_t *value = NULL;
	json_object_foreach(copy, key, value)
	{
		if (option_named(connector, key) == NULL)
			report_unknown(&c, key);
	}
	json_decref(copy);
	for (size_t i = 0; i < connector->option_count; i++)
		resolve_option(&c, catalog_option(connector, i), settings);
	if (c.faults == 0)
		return c.resolved;
	json_decref(c.resolved);
	return NULL;
}

void settings_warn_literals(const struct almoner_connector *connector, const json_t *written,
							const struct config_report *report)
{
	for (size_t i = 0; i < connector->option_count; i++) {
		const struct almoner_option *o = catalog_option(connector, i);
		if (o->secret == 0 || !json_is_string(json_object_get(written, o->name)))
			continue;
		struct buf pointer AUTO_BUF = { 0 };
		pointer_to(o->name, &pointer);
		report->add(report->ctx, DIAG_WARNING, pointer.data, "is a secret that stands in the file as it is",
					"{\"$env\": \"NAME\"} or {\"$file\": \"PATH\"}");
	}
}
