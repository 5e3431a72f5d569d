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
#include "saga/base/utf8.h"

/* A longer text is cut. Chosen, no measurement: it bounds a line, because keys and their number are ours. */
#define VALUE_CAP_BYTES 2000

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

/* The new file is opened before the lock is taken: a slow file system must not stop the threads that log. */
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

/* Adds text in quotes with JSON's escapes, for both formats. Texts may come from a peer, so control
 * characters (also C1, U+0080 to U+009F, which terminals obey) are escaped, and bytes that are no UTF-8
 * become '?'. A cut text ends with "…". */
static void add_quoted(struct buf *line, const char *text)
{
	buf_byte(line, '"');
	size_t begin = line->len;
	const unsigned char *c = (const unsigned char *)text;
	const unsigned char *end = c + strlen(text);
	while (c < end) {
		size_t len = utf8_length((const char *)c, (size_t)(end - c));
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

/* Whether a value can stand without quotes in key=value. */
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

/* The lock is held while writing, so that a reload cannot close the file in between. */
void logger_line(struct logger *l, enum config_log_level level, const char *event, ...)
{
	assert(level >= CONFIG_LOG_DEBUG && level <= CONFIG_LOG_ERROR && event != NULL);
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
		(void)written; /* a failed write of the log cannot be logged */
		buf_free(&line);
	}
	pthread_mutex_unlock(&l->lock);
}
