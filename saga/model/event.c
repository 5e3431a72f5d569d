#include "saga/model/event.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/model/event_codec.h"

struct event_block {
	struct event event; /* the event is the first member: a struct event * is a struct event_block * */
	atomic_uint refs;
	size_t bytes;
	char text[];
};

static struct event_block *block_of(struct event *e)
{
	return (struct event_block *)(void *)e;
}

/* Copies a text and a NUL to *at, and moves *at behind them. */
static struct str append_text(char **at, struct str from)
{
	assert(from.p != NULL || from.len == 0);
	char *to = *at;
	if (from.len > 0)
		memcpy(to, from.p, from.len);
	to[from.len] = '\0';
	*at = to + from.len + 1;
	return (struct str){ to, from.len };
}

/* The decoding is left out when it is empty, so that events without it keep the digest they always had. */
static void compute_digests(struct event *e)
{
	const struct str parts[] = {
		{ (const char *)e->salt, EVENT_SALT_BYTES }, e->f.raw, e->f.canonical, e->f.decoding
	};
	uint8_t body[DIGEST_BYTES];
	digest_parts(parts, e->f.decoding.len > 0 ? 4 : 3, e->digest);
	digest_bytes(e->f.raw.p, e->f.raw.len, body);
	memcpy(e->body_digest, body, sizeof e->body_digest);
}

/* All texts go into one allocation, so that an event is freed at once and stays close together in memory. */
static struct event *make(const struct event_image *image, struct str payload, uint32_t version)
{
	const struct event_fields *f = &image->fields;
	const struct str *from[] = { &f->source,       &f->event_id, &f->type,      &f->gift,     &f->donor,
								 &f->content_type, &f->raw,      &f->canonical, &f->decoding, &payload };
	enum { TEXT_COUNT = sizeof from / sizeof from[0] };
	size_t bytes = sizeof(struct event_block);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		bytes += from[i]->len + 1;
	struct event_block *block = mem_zalloc(bytes);
	struct event *e = &block->event;
	e->f = *f; /* for the numbers; the texts follow */
	struct str *to[TEXT_COUNT] = { &e->f.source,   &e->f.event_id,     &e->f.type, &e->f.gift,
								   &e->f.donor,    &e->f.content_type, &e->f.raw,  &e->f.canonical,
								   &e->f.decoding, &e->payload };
	char *at = block->text;
	for (size_t i = 0; i < TEXT_COUNT; i++)
		*to[i] = append_text(&at, *from[i]);
	block->bytes = bytes;
	atomic_init(&block->refs, 1);
	e->received_ms = image->received_ms;
	e->version = version;
	memcpy(e->salt, image->salt, EVENT_SALT_BYTES);
	compute_digests(e);
	return e;
}

struct event *event_create(const struct event_fields *fields, int64_t received_ms)
{
	struct event_image image = { .fields = *fields, .received_ms = received_ms };
	struct buf payload AUTO_BUF = { 0 };
	entropy_bytes(image.salt, sizeof image.salt);
	event_codec_pack(&image, &payload);
	return make(&image, buf_str(&payload), EVENT_FIRST_VERSION);
}

int event_restore(struct str payload, uint32_t version, struct event **ret, struct err *err)
{
	struct event_image image;
	char *text = NULL;
	int rc = event_codec_unpack(payload, &image, &text, err);
	if (rc != 0)
		return rc;
	*ret = make(&image, payload, version);
	free(text);
	return 0;
}

struct event *event_ref(struct event *e)
{
	unsigned before = atomic_fetch_add_explicit(&block_of(e)->refs, 1, memory_order_relaxed);
	assert(before > 0);
	return e;
}

void event_unref(struct event *e)
{
	if (e != NULL && atomic_fetch_sub_explicit(&block_of(e)->refs, 1, memory_order_acq_rel) == 1)
		free(block_of(e));
}

size_t event_bytes(const struct event *e)
{
	return ((const struct event_block *)(const void *)e)->bytes;
}
