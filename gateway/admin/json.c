#include "gateway/admin/json.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

json_t *admin_json_time(int64_t at_ms)
{
	if (at_ms == 0)
		return json_null();
	char text[CLOCK_TEXT_BYTES];
	clock_rfc3339(at_ms, text);
	return json_string(text);
}

static json_t *ascii_text(const char *text)
{
	char *copy AUTO_FREE = mem_strdup(text);
	for (char *c = copy; *c != '\0'; c++)
		*c = (signed char)*c < 0 ? '?' : *c;
	json_t *value = json_string(copy);
	return value != NULL ? value : json_null();
}

json_t *admin_json_text(const char *text)
{
	if (text == NULL || *text == '\0')
		return json_null();
	json_t *value = json_string(text);
	return value != NULL ? value : ascii_text(text);
}

json_t *admin_json_cursor(json_t *object, enum store_list list, int64_t position)
{
	char text[STORE_CURSOR_TEXT];
	store_cursor_write(list, position, text);
	json_object_set_new(object, "cursor", json_string(text));
	return object;
}

void admin_json_line(struct buf *out, json_t *value)
{
	assert(value != NULL);
	char *text = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	assert(text !=
		   NULL); /* only a value that was never valid JSON cannot be written: an error in this program */
	buf_text(out, text);
	buf_byte(out, '\n');
	free(text);
}

void admin_json_set_raw(json_t *object, const char *bytes, size_t len)
{
	assert(json_is_object(object));
	json_t *raw = json_stringn(bytes, len);
	json_object_set_new(object, "raw", raw != NULL ? raw : json_null());
	if (raw != NULL)
		return;
	char *text AUTO_FREE = mem_alloc(4 * (len / 3 + 1) + 1);
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes, (int)len);
	json_object_set_new(object, "raw_base64", json_string(text));
}
