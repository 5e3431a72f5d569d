/* Finding things in texts: a substring, a header, a field of a query string or form. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"
#include "saga/base/percent.h"

const char *sink_find_text(struct str in, const char *text)
{
	return in.p != NULL ? memmem(in.p, in.len, text, strlen(text)) : NULL;
}

static void decode(struct str text, struct buf *to)
{
	AUTO_FREE char *bytes = mem_alloc(text.len + 1);
	size_t len;
	(void)percent_decode(text, bytes, &len); /* a wrong percent escape stays as it is, like in most servers */
	buf_clear(to);
	buf_text(to, ""); /* the call gives the value its NUL at the end even if the value is empty */
	buf_add(to, bytes, len);
}

/* The first field of this name; a name without '=' does not count. */
bool sink_form_field(struct str form, const char *name, struct buf *value)
{
	size_t name_len = strlen(name);
	const char *p = form.p;
	const char *end = form.p + form.len;
	while (p < end) {
		const char *stop = memchr(p, '&', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		if ((size_t)(stop - p) > name_len && p[name_len] == '=' && memcmp(p, name, name_len) == 0) {
			decode((struct str){ .p = p + name_len + 1, .len = (size_t)(stop - p) - name_len - 1 }, value);
			return true;
		}
		p = stop + 1;
	}
	return false;
}

/* Only "Name:" at the beginning of a line counts; spaces after the colon are skipped. */
struct str sink_header(struct str headers, const char *name)
{
	size_t name_len = strlen(name);
	const char *p = headers.p;
	const char *end = headers.p + headers.len;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			break;
		if ((size_t)(stop - p) > name_len && p[name_len] == ':' && strncasecmp(p, name, name_len) == 0) {
			const char *value = p + name_len + 1;
			while (value < stop && *value == ' ')
				value++;
			const char *last = stop > value && stop[-1] == '\r' ? stop - 1 : stop;
			return (struct str){ .p = value, .len = (size_t)(last - value) };
		}
		p = stop + 1;
	}
	return (struct str){ .p = "", .len = 0 };
}
