/* Reads the file of a suite, and keeps the faults that are found. */
#include "tests/conformance/conformance.h"

#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

static void keep(char ***list, size_t *count, char *text)
{
	*list = mem_grow(*list, (*count + 1) * sizeof(char *));
	(*list)[(*count)++] = text;
}

/* Collects each text in the settings that contains "canary", from that word on: "Bearer canary1" gives
 * "canary1". */
static void gather_canaries(struct suite *s, json_t *value)
{
	const char *text = json_string_value(value);
	const char *canary = text != NULL ? strstr(text, "canary") : NULL;
	const char *key = NULL;
	json_t *member = NULL;
	size_t i = 0;
	if (canary != NULL)
		keep(&s->canaries, &s->canary_count, mem_strdup(canary));
	json_object_foreach(value, key, member) gather_canaries(s, member);
	json_array_foreach(value, i, member) gather_canaries(s, member);
}

static char *text_of(json_t *value)
{
	return json_is_string(value) ? mem_strdup(json_string_value(value)) : json_dumps(value, JSON_COMPACT);
}

int suite_read(const char *path, struct suite *ret_suite)
{
	json_error_t error;
	struct suite s = { .json = json_load_file(path, 0, &error) };
	size_t i = 0;
	json_t *reply = NULL;
	if (s.json == NULL) {
		fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
		return -1;
	}
	s.settings = json_object_get(s.json, "settings");
	if (!json_is_object(s.settings) || !json_is_object(json_object_get(s.json, "event"))) {
		fprintf(stderr, "%s: \"settings\" and \"event\" must be objects\n", path);
		json_decref(s.json);
		return -1;
	}
	s.event = text_of(json_object_get(s.json, "event"));
	json_array_foreach(json_object_get(s.json, "replies"), i, reply)
		keep(&s.replies, &s.reply_count, text_of(reply));
	gather_canaries(&s, json_object_get(s.json, "settings"));
	char *copy AUTO_FREE = mem_strdup(path);
	s.base_dir = mem_strdup(dirname(copy));
	*ret_suite = s;
	return 0;
}

void suite_free(struct suite *suite)
{
	for (size_t i = 0; i < suite->reply_count; i++)
		free(suite->replies[i]);
	for (size_t i = 0; i < suite->canary_count; i++)
		free(suite->canaries[i]);
	free(suite->replies);
	free(suite->canaries);
	free(suite->event);
	free(suite->base_dir);
	json_decref(suite->json);
}

void conformance_finding(struct findings *f, const char *fmt, ...)
{
	char line[700];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	if (f->faults++ < 20)
		buf_printf(&f->lines, "%s\n", line);
}
