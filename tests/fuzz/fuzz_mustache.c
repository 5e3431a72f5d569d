/* A Mustache template of any text renders the same text twice, or is refused with its fault named. In a header no value
 * of the event makes a new line. */
#include "connectors/kit/mustache.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/template_fixture.h"

static void render_twice(const struct kit_mustache *template, struct kit_context *context,
						 enum kit_escape escape, bool has_line)
{
	AUTO_TEXT struct kit_text first = { 0 };
	AUTO_TEXT struct kit_text second = { 0 };
	struct kit_problem problem = { 0 };
	bool done = kit_mustache_render(template, context, escape, &first, &problem);
	bool again = kit_mustache_render(template, context, escape, &second, &problem);
	assert(done == again);
	if (!done) {
		assert(problem.text[0] != '\0');
		return;
	}
	assert(first.len == second.len && (first.len == 0 || memcmp(first.p, second.p, first.len) == 0));
	if (escape == KIT_ESCAPE_HEADER && !has_line && first.len > 0)
		assert(memchr(first.p, '\n', first.len) == NULL && memchr(first.p, '\r', first.len) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 4096)
		return 0;
	char *source AUTO_FREE = mem_strndup((const char *)data + 1, size - 1);
	struct almoner_error error = { 0 };
	struct kit_mustache *template = kit_mustache_read(source, "text", NULL, &error);
	if (template == NULL)
		return 0;
	const struct almoner_step step = fuzz_step();
	struct kit_context context;
	struct kit_problem problem = { 0 };
	kit_context_init(&context, &step);
	bool loaded = kit_context_load(&context, &problem);
	assert(loaded);
	bool has_line = strpbrk(source, "\r\n") != NULL;
	render_twice(template, &context, data[0] % (KIT_ESCAPE_URL + 1), has_line);
	kit_context_finish(&context);
	kit_mustache_free(template);
	return 0;
}
