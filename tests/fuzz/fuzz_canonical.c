/* Any body: it parses and maps, or it is refused with a reason; what comes out is stable and says its amount
 * twice alike. */
#include <string.h>

#include "gateway/expr/expr.h"
#include "gateway/intake/pipeline/body.h"
#include "gateway/intake/pipeline/canonical.h"
#include "gateway/intake/pipeline/text.h"
#include "tests/fuzz/target.h"

/* The canonical text, made canonical again, is itself. */
static void check_stable(const struct buf *text)
{
	static const struct canonical_hints none = { 0 };
	struct body again;
	struct err err = { 0 };
	bool changed = true;
	int rc = body_parse(buf_str(text), &again, &err);
	assert(rc == 0);
	assert(again.compact && !again.altered);
	rc = canonical_normalize(again.root, &none, &changed, &err);
	assert(rc == 0 && !changed);
	AUTO_BUF struct buf second = { 0 };
	text_json(again.root, &second);
	assert(second.len == text->len && memcmp(second.data, text->data, text->len) == 0);
	body_finish(&again);
}

/* Through jq and back: deep or odd values are refused, not dropped. */
static void check_program(const struct expr *e, json_t *root)
{
	AUTO_EXPR_INPUT struct expr_input in = { .root = root };
	json_t *value = NULL;
	if (expr_eval_json(e, &in, &value, NULL) == 0) {
		AUTO_BUF struct buf text = { 0 };
		assert(value != NULL);
		text_json(value, &text);
		json_decref(value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct expr *through;
	static const struct canonical_hints hints = { .id = "hint", .type = "hint" };
	struct body body;
	struct err err = { 0 };
	bool changed = false;
	if (through == NULL)
		through = expr_create("{event: .}");
	if (body_parse((struct str){ (const char *)data, size }, &body, &err) != 0) {
		assert(err.text[0] != '\0');
		return 0;
	}
	check_program(through, body.root);
	if (canonical_normalize(body.root, &hints, &changed, &err) == 0) {
		AUTO_BUF struct buf text = { 0 };
		text_json(body.root, &text);
		check_stable(&text);
	} else {
		assert(err.text[0] != '\0');
	}
	body_finish(&body);
	return 0;
}
