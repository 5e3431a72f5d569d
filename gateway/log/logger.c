#include "gateway/log/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

#define VALUE_CAP_BYTES 2000 /* of one value, as it is written; keys and their number are ours */

struct logger {
	pthread_mutex_t lock;
	int fd;
	enum config_log_format format;
	enum config_log_level level;
};

static int open_file(const char *path, int *ret, struct err *err)
{
	*ret = STDERR_FILENO;
	if (path == NULL)
		return 0;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "log.file: cannot open %s: %s", path, strerror(errno));
	*ret = fd;
	return 0;
}

int logger_create(const struct config_log *config, struct logger **ret, struct err *err)
{
	int fd;
	int rc = open_file(config->file, &fd, err);
	if (rc != 0)
		return rc;
	struct logger *l = mem_zalloc(sizeof *l);
	pthread_mutex_init(&l->lock, NULL);
	l->fd = fd;
	l->format = config->format;
	l->level = config->level;
	*ret = l;
	return 0;
}

void logger_destroy(struct logger *l)
{
	if (l == NULL)
		return;
	if (l->fd != STDERR_FILENO)
		close(l->fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int logger_reopen(struct logger *l, const struct config_log *config, struct err *err)
{
	int fd;
	int rc = open_file(config->file, &fd, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&l->lock);
	int before = l->fd;
	l->fd = fd;
	l->format = config->format;
	l->level = config->level;
	pthread_mutex_unlock(&l->lock);
	if (before != STDERR_FILENO)
		close(before);
	return 0;
}

/* First bytes of UTF-8, and what may follow them at once (RFC 3629); every further byte is 80 … BF. */
static const struct {
	unsigned char first, last;
	unsigned char low, high;
	size_t bytes;
} utf8[] = {
	{ 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* How many bytes this UTF-8 character has; 0: it is none. */
static size_t character_bytes(const unsigned char *c)
{
	size_t row = 0;
	while (row < sizeof utf8 / sizeof utf8[0] && (c[0] < utf8[row].first || c[0] > utf8[row].last))
		row++;
	if (row == sizeof utf8 / sizeof utf8[0])
		return 0;
	if (utf8[row].bytes > 1 && (c[1] < utf8[row].low || c[1] > utf8[row].high))
		return 0;
	for (size_t i = 2; i < utf8[row].bytes; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return utf8[row].bytes;
}

/* Quoted text that is safe in both formats: JSON's escapes; control characters, and bytes that are no UTF-8,
 * never reach a terminal or a parser. Ends with "…" where it is cut. */
static void add_quoted(struct buf *line, const char *text)
{
	buf_byte(line, '"');
	size_t begin = line->len;
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
		size_t len = character_bytes(c);
		bool control = *c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
		if (line->len - begin > VALUE_CAP_BYTES) {
			buf_text(line, "…");
			break;
		}
		if (len == 0)
			buf_byte(line, '?');
		else if (control)
			buf_printf(line, "\\u%04x", len == 1 ? *c : c[1]);
		else if (*c == '"' || *c == '\\')
			buf_printf(line, "\\%c", *c);
		else
			buf_add(line, c, len);
		c += len > 0 ? len : 1;
	}
	buf_byte(line, '"');
}

/* A value that needs no quotes in key=value. */
static bool is_plain(const char *text)
{
	size_t len = 0;
	for (; text[len] != '\0'; len++)
		if (text[len] <= ' ' || text[len] > '~' || strchr("\"=\\", text[len]) != NULL)
			return false;
	return len > 0 && len <= VALUE_CAP_BYTES;
}

static void add_pair(struct buf *line, enum config_log_format format, const char *key, const char *text)
{
	if (format == CONFIG_LOG_JSON) {
		buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
		add_quoted(line, text);
		return;
	}
	buf_printf(line, "%s%s=", line->len > 0 ? " " : "", key);
	if (is_plain(text))
		buf_text(line, text);
	else
		add_quoted(line, text);
}

static void add_pairs(struct buf *line, enum config_log_format format, va_list pairs)
{
	for (const char *key = va_arg(pairs, const char *); key != NULL; key = va_arg(pairs, const char *)) {
		const char *text = va_arg(pairs, const char *);
		if (text != NULL)
			add_pair(line, format, key, text);
	}
}

void logger_line(struct logger *l, enum config_log_level level, const char *event, ...)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	if (level >= l->level) {
		struct clock clock = clock_system();
		char at[CLOCK_TEXT_BYTES];
		clock_rfc3339(clock.wall_ms(clock.ctx), at);
		struct buf line = { 0 };
		if (l->format == CONFIG_LOG_JSON)
			buf_byte(&line, '{');
		add_pair(&line, l->format, "time", at);
		add_pair(&line, l->format, "level", config_log_level_name(level));
		add_pair(&line, l->format, "event", event);
		va_list pairs;
		va_start(pairs, event);
		add_pairs(&line, l->format, pairs);
		va_end(pairs);
		buf_text(&line, l->format == CONFIG_LOG_JSON ? "}\n" : "\n");
		ssize_t written = write(l->fd, line.data, line.len);
		(void)written; /* a log that cannot be written has nobody to tell */
		buf_free(&line);
	}
	pthread_mutex_unlock(&l->lock);
}
