#include "gateway/engine/request.h"

#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/fnv.h"

#define EXCHANGE_ID_BYTES 4

static struct str text_of(struct almoner_text t)
{
	return (struct str){ t.p != NULL ? t.p : "", t.p != NULL ? t.len : 0 };
}

/* Skips scheme and host. What follows up to '?' is the path, the rest is the query. A fragment ('#') is
 * cut off: it is never sent. */
static void split_url(struct str url, struct str *ret_path, struct str *ret_query)
{
	const char *p = url.p, *end = url.p + url.len;
	const char *host = memmem(p, url.len, "://", 3);
	if (host != NULL)
		p = host + 3;
	while (p < end && *p != '/' && *p != '?' && *p != '#')
		p++;
	const char *hash = memchr(p, '#', (size_t)(end - p));
	if (hash != NULL)
		end = hash;
	const char *mark = memchr(p, '?', (size_t)(end - p));
	if (mark == NULL)
		mark = end;
	*ret_path = (struct str){ p, (size_t)(mark - p) };
	*ret_query = (struct str){ mark, (size_t)(end - mark) };
}

static uint32_t exchange_id(char kind, struct str a, struct str b)
{
	uint32_t hash = fnv32(FNV32_BASIS, &kind, 1);
	hash = fnv32(hash, a.p, a.len);
	hash = fnv32(hash, "\n", 1);
	return fnv32(hash, b.p, b.len);
}

/* The caller has checked action->kind: it sends HTTP or mail. */
void request_digest(const struct almoner_action *action, uint8_t ret_digest[REQUEST_DIGEST_BYTES])
{
	struct str content[2];
	uint32_t id;
	if (action->kind == ALMONER_SEND_MAIL) {
		id = exchange_id('m', text_of(action->mail.to), STR(""));
		content[0] = STR("");
		content[1] = text_of(action->mail.message);
	} else {
		struct str path;
		split_url(text_of(action->http.url), &path, &content[0]);
		id = exchange_id('h', text_of(action->http.method), path);
		content[1] = text_of(action->http.body);
	}
	uint8_t full[DIGEST_BYTES];
	digest_parts(content, 2, full);
	for (unsigned i = 0; i < EXCHANGE_ID_BYTES; i++)
		ret_digest[i] = (uint8_t)(id >> (8 * i));
	memcpy(ret_digest + EXCHANGE_ID_BYTES, full, REQUEST_DIGEST_BYTES - EXCHANGE_ID_BYTES);
}

bool request_changed(const uint8_t before[REQUEST_DIGEST_BYTES], const uint8_t now[REQUEST_DIGEST_BYTES])
{
	return memcmp(before, now, EXCHANGE_ID_BYTES) == 0 && memcmp(before, now, REQUEST_DIGEST_BYTES) != 0;
}
