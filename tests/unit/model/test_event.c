/* The payload of an event: every event comes back as it was, damaged and hostile bytes are refused, and what
 * was stored once stays readable. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"
#include "saga/model/envelope.h"
#include "saga/model/event_codec.h"
#include "saga/model/event_dictionary.h"
#include "tests/unit/model/model_fixture.h"

#define TEXTS 8
#define RAW   "{\"id\":\"ev-1\",\"type\":\"donation.created\",\"amount\":{\"minor\":2500,\"currency\":\"EUR\"}}"
/* The head in front of the body: envelope, form, salt. */
#define SALT_AT 2
#define HEAD_AT (SALT_AT + EVENT_SALT_BYTES)

static const struct event_image sample = {
	.fields = { .source = { "internal", 8 },
				.event_id = { "ev-1", 4 },
				.type = { "donation.created", 16 },
				.gift = { "gift-1", 6 },
				.donor = { "ada@example.org", 15 },
				.content_type = { "application/json", 16 },
				.raw = { RAW, sizeof RAW - 1 },
				.canonical = { RAW, sizeof RAW - 1 },
				.decoding = { "iso-8859-1", 10 },
				.request = 77,
				.item = 3 },
	.received_ms = 1700000000000,
	.salt = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
};

static void assert_str_equal(struct str a, struct str b)
{
	assert_int_equal(a.len, b.len);
	if (a.len > 0)
		assert_memory_equal(a.p, b.p, a.len);
}

static void assert_image_equal(const struct event_image *a, const struct event_image *b)
{
	assert_str_equal(a->fields.source, b->fields.source);
	assert_str_equal(a->fields.event_id, b->fields.event_id);
	assert_str_equal(a->fields.type, b->fields.type);
	assert_str_equal(a->fields.gift, b->fields.gift);
	assert_str_equal(a->fields.donor, b->fields.donor);
	assert_str_equal(a->fields.content_type, b->fields.content_type);
	assert_str_equal(a->fields.raw, b->fields.raw);
	assert_str_equal(a->fields.canonical, b->fields.canonical);
	assert_str_equal(a->fields.decoding, b->fields.decoding);
	assert_int_equal(a->fields.request, b->fields.request);
	assert_int_equal(a->fields.item, b->fields.item);
	assert_int_equal(a->received_ms, b->received_ms);
	assert_memory_equal(a->salt, b->salt, sizeof a->salt);
}

/* Packs, unpacks and compares; gives the length of the payload. */
static size_t round_trip(const struct event_image *image)
{
	struct buf payload AUTO_BUF = { 0 };
	struct event_image back;
	struct err err = { 0 };
	char *text = NULL;
	event_codec_pack(image, &payload);
	assert_int_equal(event_codec_unpack(buf_str(&payload), &back, &text, &err), 0);
	assert_image_equal(&back, image);
	free(text);
	return payload.len;
}

static void refused(struct str payload, const char *why)
{
	struct event_image image;
	struct err err = { 0 };
	char *text = NULL;
	assert_int_equal(event_codec_unpack(payload, &image, &text, &err), ERR_CORRUPT);
	assert_null(text);
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

/* ---- what comes back ---- */

static void an_event_without_any_text_comes_back(void **state)
{
	(void)state;
	const struct event_image empty = { 0 };
	assert_int_equal(round_trip(&empty), HEAD_AT + TEXTS + 2); /* one byte a length, the time, no members */
}

static void every_member_comes_back(void **state)
{
	(void)state;
	(void)round_trip(&sample);
}

/* The first values of each width, and the widest. */
static void numbers_at_their_limits_come_back(void **state)
{
	(void)state;
	static const int64_t times[] = { 0, -1, INT64_MIN, INT64_MAX };
	static const int64_t requests[] = { 1, 127, 128, INT64_MAX };
	for (size_t i = 0; i < 4; i++) {
		struct event_image image = { .received_ms = times[i] };
		image.fields.request = requests[i];
		image.fields.item = i == 3 ? UINT32_MAX : 0;
		(void)round_trip(&image);
	}
}

/* Random bytes of a random length; each alphabet compresses differently. The caller frees. */
static struct str random_text(uint64_t *seed)
{
	static const size_t lengths[] = { 0, 1, 12, 200, 5000, 70000 };
	static const uint64_t alphabets[] = { 1, 3, 40, 256 };
	size_t len = fixture_below(seed, lengths[fixture_below(seed, 6)] + 1);
	uint64_t alphabet = alphabets[fixture_below(seed, 4)];
	char *p = mem_alloc(len + 1);
	for (size_t i = 0; i < len; i++)
		p[i] = (char)(fixture_below(seed, alphabet) + (alphabet < 256 ? 'a' : 0));
	return (struct str){ p, len };
}

static void random_events_come_back(void **state)
{
	(void)state;
	uint64_t seed = 8;
	for (unsigned round = 0; round < 300; round++) {
		struct event_image image = { .received_ms = (int64_t)fixture_random(&seed) };
		struct event_fields *f = &image.fields;
		struct str *const texts[] = { &f->source, &f->event_id,     &f->type, &f->gift,
									  &f->donor,  &f->content_type, &f->raw,  &f->decoding };
		for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
			*texts[i] = random_text(&seed);
		f->canonical = fixture_below(&seed, 2) == 0 ? f->raw : f->donor;
		f->request = (int64_t)fixture_below(&seed, 3);
		f->item = f->request != 0 ? (uint32_t)fixture_random(&seed) : 0;
		for (size_t i = 0; i < EVENT_SALT_BYTES; i++)
			image.salt[i] = (uint8_t)fixture_random(&seed);
		(void)round_trip(&image);
		for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
			free((void *)(uintptr_t)texts[i]->p);
	}
}

/* ---- what it costs ---- */

static void a_canonical_event_that_is_the_body_is_stored_once(void **state)
{
	(void)state;
	uint64_t seed = 5;
	char raw[2000];
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (char)fixture_random(&seed);
	struct event_image image = { .fields = { .raw = { raw, sizeof raw } } };
	size_t alone = round_trip(&image);
	image.fields.canonical = image.fields.raw;
	assert_in_range(round_trip(&image), alone, alone + 40);
}

/* What LZ4 does not shorten costs its own length and the head, nothing more. */
static void noise_is_stored_as_it_is(void **state)
{
	(void)state;
	uint64_t seed = 6;
	char raw[600];
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (char)fixture_random(&seed);
	const struct event_image image = { .fields = { .raw = { raw, sizeof raw } } };
	assert_int_equal(round_trip(&image), HEAD_AT + TEXTS + 1 + 2 + sizeof raw);
}

static void an_event_of_few_bytes_is_shortened_by_the_dictionary(void **state)
{
	(void)state;
	struct event_image image = sample;
	size_t text = image.fields.raw.len * 2 + 8 + 4 + 16 + 6 + 15 + 16;
	assert_in_range(round_trip(&image), HEAD_AT, text / 2);
}

/* ---- what was stored stays readable ---- */

/* Another dictionary would make every stored payload unreadable. */
static void the_dictionary_is_the_one_of_the_first_release(void **state)
{
	(void)state;
	struct str dictionary = event_dictionary();
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	digest_bytes(dictionary.p, dictionary.len, digest);
	hex_encode(digest, sizeof digest, hex);
	assert_string_equal(hex, "c388855bcee5366a81e82e104adc896fa375a61b2d3a0b05103fc0ec92a3dec6");
}

static void read_hex(const char *hex, const struct event_image *expected)
{
	uint8_t bytes[400];
	size_t len = 0;
	struct event_image image;
	char *text = NULL;
	assert_true(hex_decode(str_of(hex), bytes, sizeof bytes, &len));
	assert_int_equal(event_codec_unpack((struct str){ (const char *)bytes, len }, &image, &text, NULL), 0);
	assert_image_equal(&image, expected);
	free(text);
}

static void stored_payloads_stay_readable(void **state)
{
	(void)state;
	read_hex("00010102030405060708090a0b0c0d0e0f1050080410060f105080a0abfef96210010a69736f2d38"
			 "3835392d3102024d030524021f2d23020b0f10010f64455552227d7d4d034c65762d316a02fc0667"
			 "6966742d31616461406578616d706c652e6f726760030f910038505552227d7d",
			 &sample);
	const struct event_image whole = { .fields = { .raw = STR("xyz"), .event_id = STR("e") },
									   .received_ms = 5,
									   .salt = { 9 } };
	read_hex("00000900000000000000000000000000000003000100000000000a0078797a65", &whole);
}

/* ---- what is refused ---- */

static void a_payload_cut_anywhere_is_refused(void **state)
{
	(void)state;
	struct event_image noise = { .fields = { .raw = STR("q9"), .decoding = STR("utf-16") } };
	const struct event_image *const images[] = { &sample, &noise };
	for (size_t i = 0; i < 2; i++) {
		struct buf payload AUTO_BUF = { 0 };
		event_codec_pack(images[i], &payload);
		for (size_t len = 0; len < payload.len; len++)
			refused((struct str){ payload.data, len }, "");
		buf_byte(&payload, 0);
		refused(buf_str(&payload), "");
	}
}

/* A changed byte gives an error or another event, which verify finds by the digest; it reads nothing that is not
 * there (the sanitizers look). */
static void a_changed_byte_does_no_harm(void **state)
{
	(void)state;
	struct buf payload AUTO_BUF = { 0 };
	unsigned errors = 0;
	event_codec_pack(&sample, &payload);
	for (size_t at = 0; at < payload.len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct event_image image;
			char *text = NULL;
			payload.data[at] = (char)(payload.data[at] ^ (1 << bit));
			errors += event_codec_unpack(buf_str(&payload), &image, &text, NULL) != 0;
			free(text);
			payload.data[at] = (char)(payload.data[at] ^ (1 << bit));
		}
	}
	assert_in_range(errors, 100, payload.len * 8);
}

static void the_envelope_says_why_it_is_refused(void **state)
{
	(void)state;
	struct buf payload AUTO_BUF = { 0 };
	refused(STR(""), "no envelope byte");
	event_codec_pack(&sample, &payload);
	payload.data[0] = 1;
	refused(buf_str(&payload), "encrypted or written by a newer version");
	payload.data[0] = (char)255;
	refused(buf_str(&payload), "envelope 255");
}

/* A payload in the whole form whose body is `body`, with these lengths and these members. */
static struct str by_hand(struct buf *b, const uint64_t lengths[TEXTS], struct str members, struct str body)
{
	static const uint8_t salt[EVENT_SALT_BYTES];
	buf_clear(b);
	buf_byte(b, ENVELOPE_PLAIN);
	buf_byte(b, 0);
	buf_add(b, salt, sizeof salt);
	for (size_t i = 0; i < TEXTS; i++)
		buf_uint(b, lengths[i]);
	buf_int(b, 0);
	buf_bytes(b, members.p, members.len);
	buf_add(b, body.p, body.len);
	return buf_str(b);
}

static void an_unknown_form_is_refused(void **state)
{
	(void)state;
	static const uint64_t none[TEXTS];
	struct buf b AUTO_BUF = { 0 };
	(void)by_hand(&b, none, STR(""), STR(""));
	b.data[1] = 2;
	refused(buf_str(&b), "form is unknown: it was written by a newer version");
	b.data[1] = 1; /* an LZ4 block of no text is never written */
	refused(buf_str(&b), "its texts");
}

static void members_that_are_not_sound_are_refused(void **state)
{
	(void)state;
	static const uint64_t none[TEXTS];
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} cases[] = {
		{ "\3\1x", 3, "a member is unknown" },
		{ "\0\1x", 3, "its members" },         /* no tag is 0 */
		{ "\1\0", 2, "its members" },          /* an empty member is not written */
		{ "\1\2x", 3, "its members" },         /* longer than the members */
		{ "\1\1x\1\1y", 6, "its members" },    /* twice */
		{ "\2\2\7\0\1\1x", 7, "its members" }, /* not in order */
		{ "\2\1\7", 3, "number of its request" },
		{ "\2\3\7\0\0", 5, "number of its request" },
		{ "\2\2\0\0", 4, "number of its request" },                   /* request 0 is no split request */
		{ "\2\6\7\xff\xff\xff\xff\x7f", 8, "number of its request" }, /* item above 32 bits */
		{ "\2\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0", 13, "number of its request" }, /* above 63 bits */
	};
	struct buf b AUTO_BUF = { 0 };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		refused(by_hand(&b, none, (struct str){ cases[i].bytes, cases[i].len }, STR("")), cases[i].why);
}

/* Lengths whose sum wraps around to that of the body, and lengths that would allocate more than a block can
 * hold. */
static void lengths_that_overflow_are_refused(void **state)
{
	(void)state;
	struct buf b AUTO_BUF = { 0 };
	const uint64_t wraps[TEXTS] = { UINT64_MAX, 5 };
	refused(by_hand(&b, wraps, STR(""), STR("four")), "its lengths");
	const uint64_t halves[TEXTS] = { SIZE_MAX / 2, SIZE_MAX / 2, 6 };
	refused(by_hand(&b, halves, STR(""), STR("four")), "its lengths");
	const uint64_t big[TEXTS] = { INT64_C(1) << 40 };
	refused(by_hand(&b, big, STR(""), STR("four")), "its texts");
	b.data[1] = 1;
	refused(buf_str(&b), "its texts");
	const uint64_t more[TEXTS] = { 4 * 255 }; /* a block of 4 bytes gives less */
	(void)by_hand(&b, more, STR(""), STR("four"));
	b.data[1] = 1;
	refused(buf_str(&b), "its texts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_without_any_text_comes_back),
		cmocka_unit_test(every_member_comes_back),
		cmocka_unit_test(numbers_at_their_limits_come_back),
		cmocka_unit_test(random_events_come_back),
		cmocka_unit_test(a_canonical_event_that_is_the_body_is_stored_once),
		cmocka_unit_test(noise_is_stored_as_it_is),
		cmocka_unit_test(an_event_of_few_bytes_is_shortened_by_the_dictionary),
		cmocka_unit_test(the_dictionary_is_the_one_of_the_first_release),
		cmocka_unit_test(stored_payloads_stay_readable),
		cmocka_unit_test(a_payload_cut_anywhere_is_refused),
		cmocka_unit_test(a_changed_byte_does_no_harm),
		cmocka_unit_test(the_envelope_says_why_it_is_refused),
		cmocka_unit_test(an_unknown_form_is_refused),
		cmocka_unit_test(members_that_are_not_sound_are_refused),
		cmocka_unit_test(lengths_that_overflow_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
