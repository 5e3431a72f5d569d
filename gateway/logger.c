#include "gateway/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

#define LINE_CAP_BYTES 8192

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
	(void)pthread_mutex_init(&l->lock, NULL);
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
		(void)close(l->fd);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

int logger_reopen(struct logger *l, const struct config_log *config, struct err *err)
{
	int fd;
	int rc = open_file(config->file, &fd, err);
	if (rc != 0)
		return rc;
	(void)pthread_mutex_lock(&l->lock);
	int before = l->fd;
	l->fd = fd;
	l->format = config->format;
	l->level = config->level;
	(void)pthread_mutex_unlock(&l->lock);
	if (before != STDERR_FILENO)
		(void)close(before);
	return 0;
}

/* Quoted text that is safe in both formats: JSON's escapes. */
static void add_quoted(struct buf *line, const char *text)
{
	buf_byte(line, '"');
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			buf_printf(line, "\\%c", *c);
		else if (*c < 0x20 || *c == 0x7f)
			buf_printf(line, "\\u%04x", *c);
		else
			buf_byte(line, *c);
	}
	buf_byte(line, '"');
}

static void add_pair(struct buf *line, enum config_log_format format, const char *key, const char *text)
{
	if (format == CONFIG_LOG_JSON) {
		buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
		add_quoted(line, text);
		return;
	}
	buf_printf(line, "%s%s=", line->len > 0 ? " " : "", key);
	if (*text != '\0' && strpbrk(text, " \"=\\\n\t\r") == NULL)
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
	(void)pthread_mutex_lock(&l->lock);
	if (level >= l->level) {
		struct clock clock = clock_system();
		char at[CLOCK_TEXT_BYTES];
		clock_rfc3339(clock.wall_ms(clock.ctx), at);
		struct buf line;
		buf_init(&line, LINE_CAP_BYTES);
		if (l->format == CONFIG_LOG_JSON)
			buf_byte(&line, '{');
		add_pair(&line, l->format, "time", at);
		add_pair(&line, l->format, "level", config_log_level_name(level));
		add_pair(&line, l->format, "event", event);
		va_list pairs;
		va_start(pairs, event);
		add_pairs(&line, l->format, pairs);
		va_end(pairs);
		line.cap_bytes = 0; /* room for the end, whatever was cut */
		buf_text(&line, l->format == CONFIG_LOG_JSON ? "}\n" : "\n");
		ssize_t written = write(l->fd, line.data, line.len);
		(void)written; /* a log that cannot be written has nobody to tell */
		buf_free(&line);
	}
	(void)pthread_mutex_unlock(&l->lock);
}
