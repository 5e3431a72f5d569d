/* Any program text that looks like a path gives what jq gives, or is not taken for a path. */
#include <stdlib.h>
#include <string.h>

#include "gateway/expr/expr.h"
#include "gateway/expr/path.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"

static int eval(const char *program, json_t *root, json_t **ret)
{
	struct expr *e = expr_create(program);
	struct expr_input in;
	expr_input_init(&in, root);
	*ret = NULL;
	int rc = expr_eval_json(e, &in, ret, NULL);
	expr_input_finish(&in);
	expr_destroy(e);
	return rc;
}

/* jq 1.6 takes `.e9` for a malformed number. We, as later versions of jq, for a name. */
static bool number_like(const char *text)
{
	for (const char *dot = strchr(text, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
		if ((dot[1] == 'e' || dot[1] == 'E') && dot[2] >= '0' && dot[2] <= '9')
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, size);
	struct path path;
	if (!path_parse(text, &path))
		return 0;
	path_finish(&path);
	if (strlen(text) > 200 || number_like(text))
		return 0;
	json_t *root =
		json_loads("{\"a\":{\"b\":[1,{\"c\":\"x\"},[2]]},\"s\":\"t\",\"n\":null,\"\":true}", 0, NULL);
	char *program AUTO_FREE = mem_printf("(%s\n)", text);
	json_t *direct = NULL, *by_jq = NULL;
	int rc = eval(text, root, &direct), jq_rc = eval(program, root, &by_jq);
	assert(rc == jq_rc);
	assert((direct == NULL) == (by_jq == NULL));
	assert(direct == NULL || json_equal(direct, by_jq));
	json_decref(direct);
	json_decref(by_jq);
	json_decref(root);
	return 0;
}
