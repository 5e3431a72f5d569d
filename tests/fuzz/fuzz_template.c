/* A typed template (JSON, or text after a first byte below 0x80) that the check accepts renders to JSON or text, or is
 * refused with a reason. A rendered JSON template is JSON. */
#include "connectors/kit/template.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/template_fixture.h"

static void render_json(const json_t *value, struct kit_context *context)
{
	AUTO_TEXT struct kit_text out = { 0 };
	struct kit_problem problem = { 0 };
	if (!kit_template_json(value, context, &out, &problem)) {
		assert(problem.text[0] != '\0');
		return;
	}
	if (out.failed || out.len == 0)
		return;
	json_t *parsed = json_loadb(out.p, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert(parsed != NULL);
	json_decref(parsed);
}

static void render_text(const char *text, uint8_t choice, struct kit_context *context)
{
	AUTO_TEXT struct kit_text out = { 0 };
	struct kit_problem problem = { 0 };
	bool done = kit_template_text(text, context, choice % (KIT_ESCAPE_URL + 1), &out, &problem);
	assert(done || problem.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 4096)
		return 0;
	const struct almoner_step step = fuzz_step();
	struct kit_context context;
	struct kit_problem problem = { 0 };
	struct almoner_error error = { 0 };
	char *text AUTO_FREE = mem_strndup((const char *)data + 1, size - 1);
	kit_context_init(&context, &step);
	bool loaded = kit_context_load(&context, &problem);
	assert(loaded);
	if (data[0] < 0x80) {
		if (kit_template_check_text(text, "text", NULL, &error) == 0)
			render_text(text, data[0], &context);
	} else {
		json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
		if (value != NULL && kit_template_check(value, "body", NULL, &error) == 0)
			render_json(value, &context);
		json_decref(value);
	}
	kit_context_finish(&context);
	return 0;
}
