/* Each log entry is one valid line, whatever bytes its values hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/log/logger.h"
#include "saga/base/mem.h"

struct logger_fixture {
	char path[64];
	struct config_log config;
	struct logger *logger;
	long reader_bytes; /* the bytes of the file that were read so far */
};

static int setup(void **state)
{
	struct logger_fixture *p = mem_zalloc(sizeof *p);
	snprintf(p->path, sizeof p->path, "/tmp/almoner-log-XXXXXX");
	int fd = mkstemp(p->path);
	assert_true(fd >= 0);
	close(fd);
	p->config = (struct config_log){ CONFIG_LOG_KV, CONFIG_LOG_INFO, p->path };
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct logger_fixture *p = *state;
	logger_destroy(p->logger);
	unlink(p->path);
	free(p);
	return 0;
}

static void begin(struct logger_fixture *p, enum config_log_format format)
{
	p->config.format = format;
	assert_int_equal(logger_create(&p->config, &p->logger, NULL), 0);
}

/* The one line that was written since the last call, without its line end. The file is not truncated between
 * calls, because some file systems write it to disk then. */
static char *line_of(struct logger_fixture *p)
{
	static char text[65536];
	FILE *in = fopen(p->path, "r");
	assert_int_equal(fseek(in, p->reader_bytes, SEEK_SET), 0);
	size_t len = fread(text, 1, sizeof text - 1, in);
	fclose(in);
	p->reader_bytes += (long)len;
	assert_true(len > 0 && text[len - 1] == '\n');
	text[len - 1] = '\0';
	assert_null(strchr(text, '\n'));
	return text;
}

static const char *const hostile[] = {
	"",
	"plain",
	"two words",
	"a=b",
	"\"quoted\\\"",
	"line\nline\r\n\t",
	"\x1b[31mred\x7f",
	"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\x9a",
	"\xff\xfe\xc3",
	"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80",
	"\xc2\x9b"
	"31m",
	"\xe2\x82",
};

static void json_is_always_valid(void **state)
{
	struct logger_fixture *p = *state;
	begin(p, CONFIG_LOG_JSON);
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		logger_line(p->logger, CONFIG_LOG_WARNING, "engine", "target", hostile[i], "none", NULL, "text", "t",
					NULL);
		const char *text = line_of(p);
		json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		if (line == NULL)
			fail_msg("not JSON: %s", text);
		assert_non_null(json_object_get(line, "target"));
		assert_string_equal(json_string_value(json_object_get(line, "text")), "t");
		assert_string_equal(json_string_value(json_object_get(line, "level")), "warning");
		assert_null(json_object_get(line, "none"));
		if (i <= 5 || i == 7)
			assert_string_equal(json_string_value(json_object_get(line, "target")), hostile[i]);
		json_decref(line);
		for (const char *c = text; *c != '\0'; c++)
			assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
	}
}

static void every_byte(void **state)
{
	struct logger_fixture *p = *state;
	begin(p, CONFIG_LOG_JSON);
	for (int a = 1; a < 256; a++) {
		for (int b = 1; b < 256; b += 3) {
			const char value[] = { (char)a, (char)b, 'x', '\0' };
			logger_line(p->logger, CONFIG_LOG_INFO, "e", "v", value, NULL);
			json_t *line = json_loads(line_of(p), 0, NULL);
			if (line == NULL)
				fail_msg("not JSON for %02x %02x", a, b);
			json_decref(line);
		}
	}
}

static void long_values(void **state)
{
	struct logger_fixture *p = *state;
	char *value AUTO_FREE = mem_alloc(100001);
	for (int round = 0; round < 2; round++) {
		begin(p, round == 0 ? CONFIG_LOG_JSON : CONFIG_LOG_KV);
		memset(value, round == 0 ? '"' : 'x', 100000);
		value[100000] = '\0';
		logger_line(p->logger, CONFIG_LOG_INFO, "e", "v", value, "after", "still here", NULL);
		const char *text = line_of(p);
		assert_true(strlen(text) < 3000);
		assert_non_null(strstr(text, "still here"));
		json_t *line = json_loads(text, 0, NULL);
		assert_true(round == 1 || line != NULL);
		json_decref(line);
		logger_destroy(p->logger);
		p->logger = NULL;
	}
}

static void key_value_quoting(void **state)
{
	struct logger_fixture *p = *state;
	begin(p, CONFIG_LOG_KV);
	logger_line(p->logger, CONFIG_LOG_INFO, "e", "a", "plain-1.2:3/4", "b", "two words", "c", "", "d", "x=y",
				"e", "q\"", "f", "\n", NULL);
	const char *text = line_of(p);
	assert_non_null(
		strstr(text, " a=plain-1.2:3/4 b=\"two words\" c=\"\" d=\"x=y\" e=\"q\\\"\" f=\"\\u000a\""));
	assert_memory_equal(text, "time=", 5);
	assert_non_null(strstr(text, " level=info event=e "));
}

static void levels_and_reopening(void **state)
{
	struct logger_fixture *p = *state;
	begin(p, CONFIG_LOG_KV);
	logger_line(p->logger, CONFIG_LOG_DEBUG, "hidden", NULL);
	logger_line(p->logger, CONFIG_LOG_INFO, "shown", NULL);
	assert_non_null(strstr(line_of(p), "event=shown"));
	p->config.level = CONFIG_LOG_DEBUG;
	assert_int_equal(logger_reopen(p->logger, &p->config, NULL), 0);
	logger_line(p->logger, CONFIG_LOG_DEBUG, "now_shown", NULL);
	assert_non_null(strstr(line_of(p), "event=now_shown"));
	char bad[] = "/nonexistent-folder/log";
	struct config_log other = { CONFIG_LOG_JSON, CONFIG_LOG_ERROR, bad };
	struct err err = { 0 };
	assert_true(logger_reopen(p->logger, &other, &err) != 0);
	assert_non_null(strstr(err.text, bad));
	logger_line(p->logger, CONFIG_LOG_DEBUG, "as_before", NULL); /* a failed reopen changes nothing */
	assert_non_null(strstr(line_of(p), "event=as_before"));
	logger_line(NULL, CONFIG_LOG_ERROR, "no_logger", NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(json_is_always_valid), T(every_byte), T(long_values),
										T(key_value_quoting), T(levels_and_reopening) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
