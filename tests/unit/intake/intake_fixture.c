#include "tests/unit/intake/intake_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "gateway/expr/expr.h"
#include "saga/base/mem.h"

struct config *fixture_config(const char *json)
{
	char dir[] = "/tmp/almoner-intake-XXXXXX";
	assert_non_null(mkdtemp(dir));
	char *path AUTO_FREE = mem_printf("%s/main.json", dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(json, file) >= 0);
	assert_int_equal(fclose(file), 0);
	const struct config_hooks hooks = { .compile = expr_check_hook, .preset_dir = ALMONER_PRESETS };
	struct diagnostics found = { 0 };
	struct config *config = NULL;
	int rc = config_load(path, &hooks, &config, &found);
	if (rc != 0) {
		AUTO_BUF struct buf text = { 0 };
		diagnostics_print(&found, &text);
		fail_msg("%s", text.data != NULL ? text.data : "no complaint");
	}
	diagnostics_finish(&found);
	(void)unlink(path);
	(void)rmdir(dir);
	return config;
}

struct config *fixture_config_of(const char *sources, const char *routes)
{
	char *json AUTO_FREE = mem_printf(
		"{\"listen\":{\"intake\":\"127.0.0.1:0\",\"public_url\":\"https://"
		"gifts.example.org\"},\"store\":{\"url\":\"sqlite:x.db\"},\"sources\":{%s},"
		"\"targets\":{"
		"\"crm\":{\"connector\":\"http\",\"settings\":{\"url\":\"http://127.0.0.1:1/\",\"repeat\":\"keyed\"},"
		"\"order\":{\"by\":\".donor.email\"}},"
		"\"books\":{\"connector\":\"http\",\"settings\":{\"url\":\"http://127.0.0.1:1/"
		"\",\"repeat\":\"keyed\"}},"
		"\"thanks\":{\"connector\":\"http\",\"settings\":{\"url\":\"http://127.0.0.1:1/"
		"\",\"repeat\":\"unsafe\"},"
		"\"order\":{\"by\":[\".donor.phone\",\".fund\"]}}},\"routes\":[%s]}",
		sources, routes);
	return fixture_config(json);
}

struct rules *fixture_rules(const char *sources, const char *routes)
{
	struct config *config = fixture_config_of(sources, routes);
	struct rules *rules = NULL;
	struct err err = { 0 };
	if (rules_create(config, &rules, &err) != 0)
		fail_msg("%s", err.text);
	config_unref(config);
	return rules;
}

static const char *header(void *ctx, const char *name)
{
	const char *const *headers = ctx;
	size_t len = strlen(name);
	for (; headers != NULL && *headers != NULL; headers++) {
		if (strncasecmp(*headers, name, len) == 0 && (*headers)[len] == ':')
			return *headers + len + 2;
	}
	return NULL;
}

struct intake_request fixture_request(const char *body, const char *const *headers)
{
	return (struct intake_request){ .body = str_of(body),
									.headers_ctx = (void *)(uintptr_t)headers,
									.header = header,
									.now_ms = 1700000000000,
									.wall_ms = 1700000000000 };
}

struct prepared *fixture_prepare(struct rules *rules, const char *source, const char *body,
								 const char *const *headers)
{
	struct intake_request request = fixture_request(body, headers);
	struct prepared *p = NULL;
	int rc = prepare_event(rules, source, &request, NULL, NULL, &p);
	if (rc != 0)
		fail_msg("prepare gave %d", rc);
	return p;
}
