#include "saga/model/event_codec.h"

#include <assert.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/base/reader.h"
#include "saga/model/envelope.h"
#include "saga/model/event_dictionary.h"

/* The numbers are in the store. */
enum payload_form { FORM_WHOLE = 0, FORM_LZ4 = 1 };
enum payload_tag { TAG_DECODING = 1, TAG_SPLIT = 2, TAG_END };

/* An LZ4 block grows by less than this factor when it is unpacked: each byte of a length stands for at most
 * 255 bytes (LZ4 block format, "Compression ratio"). */
#define LZ4_GROWTH 255

enum { TEXT_COUNT = 8 };

/* The texts in the order of their lengths and of the body. */
static void list_texts(struct event_fields *f, struct str *ret[TEXT_COUNT])
{
	struct str *const texts[TEXT_COUNT] = { &f->raw,  &f->source, &f->event_id,     &f->type,
											&f->gift, &f->donor,  &f->content_type, &f->canonical };
	memcpy(ret, texts, sizeof texts);
}

/* ---- packing ---- */

static void add_member(struct buf *members, enum payload_tag tag, struct str value)
{
	buf_uint(members, tag);
	buf_bytes(members, value.p, value.len);
}

static void pack_members(const struct event_fields *f, struct buf *out)
{
	struct buf members AUTO_BUF = { 0 };
	struct buf split AUTO_BUF = { 0 };
	if (f->decoding.len > 0)
		add_member(&members, TAG_DECODING, f->decoding);
	if (f->request != 0) {
		buf_uint(&split, (uint64_t)f->request);
		buf_uint(&split, f->item);
		add_member(&members, TAG_SPLIT, buf_str(&split));
	}
	buf_bytes(out, members.data, members.len);
}

/* The caller's to free. */
static char *join_texts(struct str *const texts[TEXT_COUNT], size_t *ret_len)
{
	size_t len = 0;
	for (size_t i = 0; i < TEXT_COUNT; i++)
		len += texts[i]->len;
	char *text = mem_alloc(len + 1);
	*ret_len = 0;
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		if (texts[i]->len > 0)
			memcpy(text + *ret_len, texts[i]->p, texts[i]->len);
		*ret_len += texts[i]->len;
	}
	return text;
}

/* One LZ4 block of `text`, the caller's to free; *ret_len is 0 when it would not be shorter than the text, or
 * when LZ4 does not take a text of this length. The state of 16 KiB is on the stack: filling it with the
 * dictionary takes less time than sharing one between threads would. */
static char *compress(struct str text, size_t *ret_len)
{
	*ret_len = 0;
	if (text.len == 0 || text.len > LZ4_MAX_INPUT_SIZE)
		return NULL;
	struct str dictionary = event_dictionary();
	int capacity = (int)text.len - 1;
	char *block = mem_alloc(text.len);
	LZ4_stream_t stream;
	LZ4_initStream(&stream, sizeof stream);
	LZ4_loadDict(&stream, dictionary.p, (int)dictionary.len);
	*ret_len = (size_t)LZ4_compress_fast_continue(&stream, text.p, block, (int)text.len, capacity, 1);
	return block;
}

void event_codec_pack(const struct event_image *image, struct buf *out)
{
	struct event_fields fields = image->fields;
	struct str *texts[TEXT_COUNT];
	size_t len = 0;
	size_t packed = 0;
	assert(fields.request > 0 || (fields.request == 0 && fields.item == 0));
	list_texts(&fields, texts);
	char *text AUTO_FREE = join_texts(texts, &len);
	char *block AUTO_FREE = compress((struct str){ text, len }, &packed);
	buf_byte(out, ENVELOPE_PLAIN);
	buf_byte(out, packed > 0 ? FORM_LZ4 : FORM_WHOLE);
	buf_add(out, image->salt, sizeof image->salt);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		buf_uint(out, texts[i]->len);
	buf_int(out, image->received_ms);
	pack_members(&fields, out);
	buf_add(out, packed > 0 ? block : text, packed > 0 ? packed : len);
}

/* ---- unpacking ---- */

static const char *take_split(struct str value, struct event_fields *f)
{
	struct reader r = reader_of(value.p, value.len);
	uint64_t request = reader_uint(&r);
	uint64_t item = reader_uint(&r);
	if (!reader_done(&r) || request == 0 || request > INT64_MAX || item > UINT32_MAX)
		return "the number of its request";
	f->request = (int64_t)request;
	f->item = (uint32_t)item;
	return NULL;
}

/* Members have ascending tags. An unknown one is refused: to leave it out would lose what it says. NULL if they
 * are sound, else what is wrong; so do the functions below. */
static const char *take_members(struct str bytes, struct event_fields *f)
{
	struct reader r = reader_of(bytes.p, bytes.len);
	const char *broken = NULL;
	uint64_t last = 0;
	while (broken == NULL && !reader_done(&r)) {
		uint64_t tag = reader_uint(&r);
		struct str value = reader_bytes(&r);
		if (r.bad || tag <= last || value.len == 0)
			return "its members";
		if (tag >= TAG_END)
			return "a member is unknown: it was written by a newer version";
		if (tag == TAG_DECODING)
			f->decoding = value;
		else
			broken = take_split(value, f);
		last = tag;
	}
	return broken;
}

/* The lengths of the texts; *ret_total is their sum. */
static const char *take_lengths(struct reader *r, struct str *texts[TEXT_COUNT], size_t *ret_total)
{
	size_t total = 0;
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		uint64_t len = reader_uint(r);
		if (r->bad || len > SIZE_MAX / 2 - total)
			return "its lengths";
		texts[i]->len = (size_t)len;
		total += (size_t)len;
	}
	*ret_total = total;
	return NULL;
}

/* The text of an LZ4 block, the caller's to free; NULL for a block that does not give exactly `total` bytes.
 * The length is checked before memory is allocated for it. */
static char *decompress(struct str block, size_t total)
{
	if (total == 0 || total > LZ4_MAX_INPUT_SIZE || block.len > LZ4_MAX_INPUT_SIZE ||
		total / LZ4_GROWTH >= block.len)
		return NULL;
	struct str dictionary = event_dictionary();
	char *text = mem_alloc(total);
	int len = LZ4_decompress_safe_usingDict(block.p, text, (int)block.len, (int)total, dictionary.p,
											(int)dictionary.len);
	if (len == (int)total)
		return text;
	free(text);
	return NULL;
}

static const char *take_body(unsigned form, struct str body, size_t total, struct str *texts[TEXT_COUNT],
							 char **ret_text)
{
	const char *at = body.p;
	if (form == FORM_LZ4)
		at = *ret_text = decompress(body, total);
	if (at == NULL || (form == FORM_WHOLE && body.len != total))
		return "its texts";
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		texts[i]->p = at;
		at += texts[i]->len;
	}
	return NULL;
}

static const char *take_content(struct str content, struct event_image *to, char **ret_text)
{
	struct reader r = reader_of(content.p, content.len);
	struct str *texts[TEXT_COUNT];
	size_t total = 0;
	unsigned form = reader_byte(&r);
	if (form > FORM_LZ4)
		return "its form is unknown: it was written by a newer version";
	list_texts(&to->fields, texts);
	reader_fixed(&r, to->salt, sizeof to->salt);
	const char *broken = take_lengths(&r, texts, &total);
	if (broken != NULL)
		return broken;
	to->received_ms = reader_int(&r);
	struct str members = reader_bytes(&r);
	if (r.bad)
		return "its head is cut short";
	broken = take_members(members, &to->fields);
	struct str body = { (const char *)r.p, (size_t)(r.end - r.p) };
	return broken != NULL ? broken : take_body(form, body, total, texts, ret_text);
}

int event_codec_unpack(struct str payload, struct event_image *ret, char **ret_text, struct err *err)
{
	struct str content;
	struct event_image image = { 0 };
	char *text = NULL;
	int rc = envelope_open(payload, &content, err);
	if (rc != 0)
		return rc;
	const char *broken = take_content(content, &image, &text);
	if (broken != NULL)
		return err_set(err, ERR_CORRUPT, "a stored event does not decode: %s", broken);
	*ret = image;
	*ret_text = text;
	return 0;
}
